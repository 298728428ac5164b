#include "daemon/exec/factory.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "daemon/exec/local.h"
#include "daemon/exec/slurm/slurm.h"

namespace carbond {
namespace {

// Hands each call to the executor of the region, and where a call names only a
// process, to the executor that knows it: which one that is can be seen from
// the executors themselves, after a restart too.
class RegionExecutors : public Executor {
 public:
  // Regions of one kind share one executor.
  RegionExecutors(std::vector<std::unique_ptr<Executor>> executors,
                  std::map<std::string, Executor*> by_region)
      : executors_(std::move(executors)), by_region_(std::move(by_region)) {}

  Status Check(const JobSpec& spec, const std::string& region) override {
    CARBOND_ASSIGN_OR_RETURN(Executor* const executor, Of(region));
    return executor->Check(spec, region);
  }
  Status Start(const StartOrder& order) override {
    CARBOND_ASSIGN_OR_RETURN(Executor* const executor, Of(order.region));
    return executor->Start(order);
  }
  Status Suspend(ProcessId id) override { return Holder(id).Suspend(id); }
  Status Continue(ProcessId id) override { return Holder(id).Continue(id); }
  Status Checkpoint(ProcessId id, int attempt) override {
    return Holder(id).Checkpoint(id, attempt);
  }
  Status Stop(ProcessId id) override { return Holder(id).Stop(id); }
  Status Recall(ProcessId id) override { return Holder(id).Recall(id); }
  void Forget(ProcessId id) override {
    Holder(id).Forget(id);
    holders_.erase(id);
  }
  std::optional<Room> RoomIn(const std::string& region) override {
    const auto executor = Of(region);
    return executor.ok() ? (*executor)->RoomIn(region) : std::nullopt;
  }
  Standing StandingOf(const JobSpec& spec) override {
    const auto executor = Of(spec.regions.front());
    return executor.ok() ? (*executor)->StandingOf(spec) : Standing();
  }
  Status Withdraw(const JobSpec& spec) override {
    CARBOND_ASSIGN_OR_RETURN(Executor* const executor,
                             Of(spec.regions.front()));
    return executor->Withdraw(spec);
  }

  std::vector<Sight> Observe(std::span<const ProcessId> ids) override {
    if (executors_.size() == 1) return executors_.front()->Observe(ids);
    std::vector<Sight> sights;
    for (const ProcessId id : ids) {
      sights.push_back(Holder(id).Observe({&id, 1}).front());
    }
    return sights;
  }

 private:
  Result<Executor*> Of(const std::string& region) {
    const auto found = by_region_.find(region);
    if (found != by_region_.end()) return found->second;
    return Missing(
        "region `{}` has no executor: it is not in the configuration", region);
  }

  Executor& Holder(ProcessId id) {
    if (executors_.size() == 1) return *executors_.front();
    if (const auto found = holders_.find(id); found != holders_.end()) {
      return *found->second;
    }
    using What = Sight::What;
    Executor* unsure = nullptr;
    for (const auto& executor : executors_) {
      const What what = executor->Observe({&id, 1}).front().what;
      if (what == What::kUnknown) {
        unsure = executor.get();
      } else if (what != What::kAbsent) {
        holders_[id] = executor.get();
        return *executor;
      }
    }
    // Not absent as long as one cannot say so.
    return unsure != nullptr ? *unsure : *executors_.front();
  }

  // Fixed after construction
  std::vector<std::unique_ptr<Executor>> executors_;
  std::map<std::string, Executor*> by_region_;

  std::map<ProcessId, Executor*> holders_;  // as far as seen
};

// What systemd tells a service about itself would mislead the jobs.
const std::set<std::string> kOfTheDaemonAlone = {
    "NOTIFY_SOCKET", "LISTEN_FDS",    "LISTEN_PID",    "LISTEN_FDNAMES",
    "WATCHDOG_PID",  "WATCHDOG_USEC", "JOURNAL_STREAM"};

Result<std::string> RunnerPath(const Config& config) {
  if (!config.runner.empty()) return config.runner;
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return Trouble("cannot read /proc/self/exe: {}", error.message());
  return (self.parent_path() / "carbon-runner").string();
}

Result<std::unique_ptr<Executor>> MakeLocal(const Config& config,
                                            const SystemClock& clock,
                                            std::function<void()> wake,
                                            const RunMetering& metering) {
  LocalOptions options;
  options.state_dir = config.state_dir;
  options.shared_dir = config.shared_dir;
  CARBOND_ASSIGN_OR_RETURN(options.runner, RunnerPath(config));
  options.stop_grace = config.stop_grace;
  options.meter_of = metering.meter_of;
  options.drop_env = kOfTheDaemonAlone;
  options.drop_env.merge(SecretVariables(config));
  for (const RegionConfig& region : config.regions) {
    if (region.region.capacity.gpus > 0) {
      options.gpu_regions.insert(region.region.name);
    }
  }
  CARBOND_ASSIGN_OR_RETURN(
      auto local,
      LocalExecutor::Open(std::move(options), clock, std::move(wake)));
  return std::unique_ptr<Executor>(std::move(local));
}

// Tells the jobs of this ledger from those of another carbond of the same user:
// made once, for good.
Result<std::string> InstanceOf(const std::string& state_dir) {
  const std::string path = state_dir + "/instance";
  const auto known = ReadSmallFile(path);
  if (known.error != 0) {
    return Trouble("cannot read {}: {}", path, std::strerror(known.error));
  }
  if (known.value && known.value->size() == 8) return *known.value;
  std::random_device random;
  std::string instance = fmt::format("{:08x}", random());
  if (const int error = WriteText(state_dir, "instance", instance)) {
    return Trouble("cannot write {}: {}", path, std::strerror(error));
  }
  return instance;
}

// Jobs are numbered by ledger: two in one directory would take each other's
// checkpoints for their own.
Status ClaimSharedDir(const Config& config) {
  if (config.shared_dir == config.state_dir) return Ok();
  CARBOND_ASSIGN_OR_RETURN(const std::string instance,
                           InstanceOf(config.state_dir));
  std::error_code error;
  std::filesystem::create_directories(config.shared_dir, error);
  const char* kOwner = "owner";
  auto owner = ReadRecord(config.shared_dir, kOwner);
  if (!error && owner.error != 0) {
    error.assign(owner.error, std::generic_category());
  }
  if (error) {
    return Trouble("shared_dir {}: {}", config.shared_dir, error.message());
  }
  if (!owner.value) {
    if (const int failed = WriteRecord(
            config.shared_dir, kOwner,
            {{"instance", instance}, {"state_dir", config.state_dir}})) {
      return Trouble("shared_dir {}: {}", config.shared_dir,
                     std::strerror(failed));
    }
    return Ok();
  }
  if ((*owner.value)["instance"] == instance) return Ok();
  return NotNow(
      "shared_dir {} belongs to the carbond whose state_dir is {}: give this "
      "one another, or remove {}/{} when that one is gone for good",
      config.shared_dir, (*owner.value)["state_dir"], config.shared_dir,
      kOwner);
}

Result<std::string> OwnUser() {
  const passwd* entry = ::getpwuid(::geteuid());
  if (entry != nullptr) return std::string(entry->pw_name);
  return Missing("no user has the number {}, which carbond runs as",
                 ::geteuid());
}

Result<std::unique_ptr<Executor>> MakeSlurm(const Config& config,
                                            const SystemClock& clock,
                                            std::function<void()> wake,
                                            HandIn hand_in,
                                            const RunMetering& metering) {
  if (::geteuid() == 0 && !config.slurm.allow_root &&
      !config.slurm.as_submitter) {
    return Status(
        absl::StatusCode::kPermissionDenied,
        "Slurm's jobs would run as root, since carbond does: run carbond as an "
        "ordinary user, or write slurm: {run_as: submitter}, or {allow_root: "
        "true}");
  }
  SlurmOptions options;
  options.shared_dir = config.shared_dir;
  CARBOND_ASSIGN_OR_RETURN(options.runner, RunnerPath(config));
  CARBOND_ASSIGN_OR_RETURN(options.instance, InstanceOf(config.state_dir));
  CARBOND_ASSIGN_OR_RETURN(options.user, OwnUser());
  if (config.slurm.as_submitter) {
    options.run_as = RunAsPolicy{config.slurm.min_uid, config.slurm.allow_root};
  }
  options.grace_ms = static_cast<int>(
      std::max<Duration>(seconds(2), clock.ToReal(config.stop_grace)).count());
  options.patience.heartbeat = config.slurm.heartbeat;
  options.poll = config.slurm.poll;
  options.meter_of = metering.meter_of;
  options.board = metering.board;
  options.energy = config.meter.period;
  options.census = config.slurm.census;
  for (const auto& [name, value] : OwnEnvironment()) {
    for (const char* kept : {"PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ"}) {
      if (name == kept) options.environment[name] = value;
    }
  }
  std::map<std::string, SlurmPlace> places;
  for (const RegionConfig& region : config.regions) {
    if (region.executor.type == "slurm") {
      places[region.region.name] = region.executor.slurm;
    }
  }
  CARBOND_ASSIGN_OR_RETURN(
      auto slurm,
      SlurmExecutor::Open(std::move(options), std::move(places), clock,
                          std::move(wake), std::move(hand_in)));
  return std::unique_ptr<Executor>(std::move(slurm));
}

// One line for each kind of executor.
Result<std::unique_ptr<Executor>> MakeOne(
    const std::string& type, const Config& config, const SystemClock& clock,
    std::function<void()> wake, HandIn hand_in, const RunMetering& metering) {
  if (type == "local") {
    return MakeLocal(config, clock, std::move(wake), metering);
  }
  if (type == "slurm") {
    return MakeSlurm(config, clock, std::move(wake), std::move(hand_in),
                     metering);
  }
  return Refused("executor `{}` is not known: write `local` or `slurm`", type);
}

}  // namespace

Result<std::unique_ptr<Executor>> MakeExecutors(const Config& config,
                                                const SystemClock& clock,
                                                std::function<void()> wake,
                                                HandIn hand_in,
                                                const RunMetering& metering) {
  CARBOND_RETURN_IF_ERROR(ClaimSharedDir(config));
  std::vector<std::unique_ptr<Executor>> executors;
  std::map<std::string, Executor*> by_type;
  std::map<std::string, Executor*> by_region;
  for (const RegionConfig& region : config.regions) {
    Executor*& executor = by_type[region.executor.type];
    if (executor == nullptr) {
      auto made =
          MakeOne(region.executor.type, config, clock, wake, hand_in, metering);
      if (!made.ok()) {
        return Status(made.status().code(),
                      fmt::format("region `{}`: {}", region.region.name,
                                  Message(made.status())));
      }
      executors.push_back(*std::move(made));
      executor = executors.back().get();
    }
    by_region[region.region.name] = executor;
  }
  if (executors.empty()) return Refused("no region: give at least one");
  return std::unique_ptr<Executor>(
      new RegionExecutors(std::move(executors), std::move(by_region)));
}

}  // namespace carbond
