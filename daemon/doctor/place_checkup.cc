#include "daemon/doctor/place_checkup.h"

#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <mutex>

#include "daemon/clock.h"
#include "daemon/exec/factory.h"
#include "daemon/exec/handed_folder.h"
#include "daemon/exec/slurm/rights.h"
#include "daemon/meter_check.h"

namespace carbond {
namespace {

namespace fs = std::filesystem;

constexpr Duration kLongestTry = seconds(10);
constexpr Duration kLongestTryInAQueue = minutes(1);
constexpr Duration kLook = Duration(200);  // should the bell be missed
constexpr uintmax_t kLittleSpace = uintmax_t{1} << 30;  // bytes

class ScratchDirectory {
 public:
  explicit ScratchDirectory(const fs::path& parent) {
    std::string path = parent / "carbond-doctor-XXXXXX";
    if (mkdtemp(path.data()) != nullptr) path_ = path;
  }
  ~ScratchDirectory() {
    std::error_code error;
    if (!path_.empty()) fs::remove_all(path_, error);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

int UsableCpus() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return 0;
  return CPU_COUNT(&set);
}

// The devices that NVIDIA's driver made.
int Gpus() {
  int count = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/dev", error)) {
    const std::string name = entry.path().filename();
    count += name.starts_with("nvidia") && name.size() > 6 &&
             std::all_of(name.begin() + 6, name.end(),
                         [](char c) { return c >= '0' && c <= '9'; });
  }
  return count;
}

// Ctrl-C waits until the scratch folder is gone. Runners do not inherit it.
class SignalsLater {
 public:
  SignalsLater() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
      sigaddset(&signals, signal);
    }
    pthread_sigmask(SIG_BLOCK, &signals, &before_);
  }
  ~SignalsLater() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsLater(const SignalsLater&) = delete;
  SignalsLater& operator=(const SignalsLater&) = delete;

 private:
  sigset_t before_;
};

// Rings when an executor has seen something change.
class Bell {
 public:
  void Ring() {
    {
      std::lock_guard lock(mutex_);
      rung_ = true;
    }
    heard_.notify_one();
  }
  // Until it rings, or for so long.
  void Await(Duration longest) {
    std::unique_lock lock(mutex_);
    heard_.wait_for(lock, longest, [this] { return rung_; });
    rung_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable heard_;
  bool rung_ = false;  // guarded by mutex_
};

// As if this user had submitted it.
Status SubmittedBy(const std::string& user, JobSpec& spec) {
  const passwd* entry =
      user.empty() ? ::getpwuid(::geteuid()) : ::getpwnam(user.c_str());
  if (entry == nullptr && user.empty()) return Ok();
  if (entry == nullptr) {
    return Missing("there is no user {} here (getent passwd {})", user, user);
  }
  spec.user = entry->pw_name;
  spec.uid = entry->pw_uid;
  return Ok();
}

// Runs /bin/true as a job would be run. How long it took, or what failed.
Result<Duration> TryOut(Config config, const RegionConfig& region,
                        const std::string& as) {
  const SignalsLater later;
  // A cluster's nodes must see it too.
  const bool far = region.executor.type != "local";
  const fs::path parent =
      far ? fs::path(config.shared_dir) : fs::temp_directory_path();
  const ScratchDirectory scratch(parent);
  if (scratch.path().empty()) {
    return Trouble("no scratch folder could be made in {}: {}", parent.string(),
                   std::strerror(errno));
  }
  if (!as.empty()) CARBOND_RETURN_IF_ERROR(LetPass(scratch.path()));
  config.state_dir = scratch.path();
  config.shared_dir = scratch.path();
  std::error_code error;
  for (const char* folder : {"runs", "logs", "checkpoints"}) {
    fs::create_directory(scratch.path() + "/" + folder, error);
    if (error) return Trouble("{}: {}", scratch.path(), error.message());
  }
  const SystemClock clock;
  Bell bell;
  CARBOND_ASSIGN_OR_RETURN(
      auto executor, MakeExecutors(config, clock, [&bell] { bell.Ring(); }));
  StartOrder order;
  order.id = {JobId{1}, 1};
  order.region = region.region.name;
  order.allotment.cpus = 1;
  order.spec.name = "doctor";
  order.spec.command = {"/bin/true"};
  order.spec.workdir = "/";
  CARBOND_RETURN_IF_ERROR(SubmittedBy(as, order.spec));
  const Duration longest = far ? kLongestTryInAQueue : kLongestTry;
  const Instant began = clock.Now();
  CARBOND_RETURN_IF_ERROR(executor->Check(order.spec, order.region));
  CARBOND_RETURN_IF_ERROR(executor->Start(order));
  while (clock.Now() - began < longest) {
    const Sight sight = executor->Observe({&order.id, 1}).front();
    if (sight.what == Sight::What::kEnded && sight.exit_code == 0) {
      return clock.Now() - began;
    }
    if (sight.what == Sight::What::kEnded || sight.what == Sight::What::kLost) {
      return Trouble(
          "{}", sight.detail.empty() ? "the process was lost" : sight.detail);
    }
    bell.Await(kLook);
  }
  const Status stopped = executor->Stop(order.id);
  // Until a queue has let go of it.
  for (int look = 0; look < 50; ++look) {
    const auto what = executor->Observe({&order.id, 1}).front().what;
    if (what == Sight::What::kAbsent || what == Sight::What::kEnded) break;
    bell.Await(kLook);
  }
  return Trouble("a process did not end within {}{}", FormatDuration(longest),
                 stopped.ok() ? "" : "; " + Message(stopped));
}

void CompareWithMachine(const Resources& capacity, Findings& findings) {
  const int cpus = UsableCpus();
  if (capacity.cpus > cpus) {
    findings.Note(fmt::format(
        "capacity allows {} cpus, this machine lets carbond use {}: jobs would "
        "share them",
        capacity.cpus, cpus));
  }
  const int gpus = Gpus();
  if (capacity.gpus > gpus) {
    findings.Bad(fmt::format(
        "capacity allows {} gpus, this machine shows {} (/dev/nvidia*): write "
        "`gpus: {}`, or load the driver",
        capacity.gpus, gpus, gpus));
  } else if (capacity.gpus < gpus) {
    findings.Note(fmt::format("{} of this machine's {} gpus are used",
                              capacity.gpus, gpus));
  }
}

// Other users' jobs are to be let go at their hour.
void CheckUpDeferral(const SlurmPlace& place, Findings& findings) {
  const passwd* user = ::getpwuid(::geteuid());
  Environment environment = OwnEnvironment();
  if (!place.conf.empty()) environment["SLURM_CONF"] = place.conf;
  const Status rights = CheckRights(user == nullptr ? "" : user->pw_name,
                                    environment, kLongestTry);
  if (rights.ok()) {
    findings.Good("jobs sent with sbatch may be held and released");
  } else {
    findings.Bad("jobs sent with sbatch cannot be deferred: " +
                 Message(rights));
  }
}

// No counter is no fault: most virtual machines have none. A command is asked
// for by name.
void SayMeters(const Config& config, const RegionConfig& region,
               Findings& findings) {
  for (const MeterFinding& each : CheckMeters(config, region)) {
    const std::string what = each.meter + ": " + each.text;
    if (each.works) {
      findings.Good(what);
    } else if (each.meter == "command") {
      findings.Bad(what);
    } else {
      findings.Note(what + "; its energy is modelled");
    }
  }
}

void TryOut(const Config& config, const RegionConfig& region,
            const std::string& as, Findings& findings) {
  const bool as_submitter = config.slurm.as_submitter;
  if (as_submitter && as.empty()) {
    findings.Note(
        "no process was tried: jobs run here as who submits them; `carbond "
        "doctor --as USER` tries one of that user's");
    return;
  }
  const auto took = TryOut(config, region, as_submitter ? as : "");
  if (took.ok()) {
    findings.Good(fmt::format("a process was started, watched and ended{} ({})",
                              as_submitter ? " as " + as : "",
                              FormatDuration(*took)));
  } else {
    findings.Bad("no process can be run: " + Message(took.status()));
  }
}

}  // namespace

Findings CheckUpRegion(const Config& config, const RegionConfig& region,
                       const std::string& as) {
  const Region& about = region.region;
  Findings findings{fmt::format(
      "{}: {}, {} gpus and {} cpus, PUE {}", about.name, region.executor.type,
      about.capacity.gpus, about.capacity.cpus, about.pue.value())};
  TryOut(config, region, as, findings);
  if (region.executor.type == "local") {
    CompareWithMachine(about.capacity, findings);
  }
  const SlurmPlace& slurm = region.executor.slurm;
  if (slurm.defer) CheckUpDeferral(slurm, findings);
  if (region.executor.type == "local") SayMeters(config, region, findings);
  if (about.drained) findings.Note("drained: it starts nothing new");
  return findings;
}

Findings CheckUpStateDir(const Config& config) {
  Findings findings{fmt::format("state_dir: {}", config.state_dir)};
  std::error_code error;
  fs::path place = config.state_dir;
  while (!fs::exists(place, error) && place.has_parent_path() &&
         place != place.parent_path()) {
    place = place.parent_path();
  }
  if (!fs::is_directory(place, error)) {
    findings.Bad(fmt::format("{} is no directory", place.string()));
    return findings;
  }
  if (access(place.c_str(), W_OK | X_OK) != 0) {
    findings.Bad(fmt::format(
        "{} cannot be written by this user ({}): run as carbond's user, or "
        "choose another state_dir",
        place.string(), strerror(errno)));
    return findings;
  }
  const auto space = fs::space(place, error);
  if (error) {
    findings.Bad(fmt::format("{}: {}", place.string(), error.message()));
  } else if (space.available < kLittleSpace) {
    findings.Bad(fmt::format(
        "only {} MB are free: the ledger and the jobs' logs need room",
        space.available >> 20));
  } else {
    findings.Good(
        fmt::format("can be written, {} GB are free", space.available >> 30));
  }
  return findings;
}

}  // namespace carbond
