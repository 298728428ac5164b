#include "daemon/doctor/command.h"

#include <cstdio>

#include "daemon/clock.h"
#include "daemon/doctor/grid_checkup.h"
#include "daemon/doctor/notify_checkup.h"
#include "daemon/doctor/place_checkup.h"
#include "daemon/doctor/users_checkup.h"

namespace carbond {
namespace {

const char* Mark(Finding::Kind kind) {
  switch (kind) {
    case Finding::Kind::kGood:
      return "ok  ";
    case Finding::Kind::kNote:
      return "note";
    case Finding::Kind::kBad:
      return "BAD ";
  }
  return "?";
}

int Print(const Findings& findings) {
  int bad = 0;
  fmt::print("{}\n", findings.title);
  for (const Finding& each : findings.lines) {
    fmt::print("  {}  {}\n", Mark(each.kind), each.text);
    bad += each.kind == Finding::Kind::kBad;
  }
  std::fflush(stdout);
  return bad;
}

Findings CheckUp(const Config& config, const ProviderConfig& provider,
                 const Clock& clock) {
  const auto zones = AskedZones(config, provider.name);
  if (std::holds_alternative<RecordedConfig>(provider.settings)) {
    return CheckUpRecorded(provider, zones, clock.Now());
  }
  if (std::holds_alternative<StaticConfig>(provider.settings)) {
    return CheckUpStatic(provider, zones);
  }
  const Result<HttpService> service = MakeService(provider);
  if (service.ok()) return CheckUpService(provider, *service, zones, clock);
  Findings findings{fmt::format("{}: {}", provider.name, provider.type)};
  findings.Bad(Message(service.status()));
  return findings;
}

}  // namespace

int RunDoctor(const Config& config, const std::string& as) {
  const SystemClock clock;
  int bad = 0;
  for (const ProviderConfig& provider : config.providers) {
    bad += Print(CheckUp(config, provider, clock));
  }
  if (config.users.authenticate) bad += Print(CheckUpUsers(config));
  for (const RegionConfig& region : config.regions) {
    bad += Print(CheckUpRegion(config, region, as));
  }
  for (const NotifyConfig& notify : config.notify) {
    bad += Print(CheckUpReceiver(config, notify));
  }
  bad += Print(CheckUpStateDir(config));
  if (bad == 0) {
    fmt::print("nothing to mend\n");
  } else {
    fmt::print("{} thing{} to mend, marked BAD\n", bad, bad == 1 ? "" : "s");
  }
  return bad == 0 ? 0 : 1;
}

}  // namespace carbond
