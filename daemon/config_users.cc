// The `slurm:` and `users:` parts of carbond.yaml: as whom jobs run, and who
// may do what.
#include <algorithm>

#include "daemon/config_sections.h"

namespace carbond {

void ReadSlurm(ConfigFile& file, ConfigMap& top, SlurmConfig& slurm) {
  const ConfigEntry* entry = top.Find("slurm");
  if (entry == nullptr) return;
  ConfigMap map(file, entry->value, "slurm", entry->line);
  map.Read("heartbeat", slurm.heartbeat, Duration(100), minutes(5));
  map.Read("poll", slurm.poll, Duration(100), minutes(5));
  map.Read("census", slurm.census, Duration(100), hours(1));
  map.Read("allow_root", slurm.allow_root);
  map.Read("ahead", slurm.ahead, Duration(0), hours(24));
  map.ReadChoice<bool>("run_as", slurm.as_submitter,
                       {{"carbond", false}, {"submitter", true}});
  constexpr int kMostUid = 2'000'000'000;
  const bool given = map.Read("min_uid", slurm.min_uid, 1, kMostUid);
  if (given && !slurm.as_submitter) {
    map.MistakeAt("min_uid", "means something only with run_as: submitter");
  }
  map.Finish();
}

void ReadUsers(ConfigFile& file, ConfigMap& top, UsersConfig& users,
               bool as_submitter) {
  ConfigMap map = Section(file, top, "users");
  users.authenticate = as_submitter;
  map.ReadChoice<bool>("authenticate", users.authenticate,
                       {{"none", false}, {"munge", true}});
  if (as_submitter && !users.authenticate) {
    map.MistakeAt(
        "authenticate",
        "`none`, where slurm: run_as: submitter has jobs run as those "
        "who submit them: write munge");
  }
  map.ReadPath("munge_socket", users.munge_socket);
  map.ReadWords("admins", users.admins);
  if (!users.authenticate) {
    for (const char* key : {"munge_socket", "admins"}) {
      if (map.Find(key) == nullptr) continue;
      map.MistakeAt(key, "means something only with authenticate: munge");
    }
  }
  map.Finish();
}

// What runs in a local region runs as carbond does, whoever submitted it.
void CheckOneIdentity(ConfigFile& file, const Config& config) {
  if (!config.slurm.as_submitter) return;
  for (const RegionConfig& region : config.regions) {
    if (region.executor.type == "slurm") continue;
    file.Mistake(region.line,
                 "regions.{}: its jobs would run as carbond's own user, and "
                 "slurm: run_as: submitter promises that they run as their "
                 "own: give it a carbond of its own",
                 region.region.name);
  }
}

}  // namespace carbond
