#include "daemon/exec/local.h"

#include <signal.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "daemon/exec/directory.h"
#include "daemon/exec/launch.h"
#include "daemon/exec/run_paths.h"
#include "daemon/exec/runner_options.h"

namespace carbond {
namespace {

// A process takes real time to leave: a Python job with its libraries 0.3 to
// 0.5 s. So however fast a demonstration's clock runs, TERM gets this long.
constexpr Duration kLeastGrace = seconds(2);

}  // namespace

// ---- Opening ----------------------------------------------------------------

LocalExecutor::Held::Held(const std::string& directory)
    : dir(directory), progress(directory + '/' + kProgressFile) {}

LocalExecutor::LocalExecutor(LocalOptions options, const SystemClock& clock,
                             Environment environment,
                             std::unique_ptr<RunnerWatch> watch)
    : options_(std::move(options)),
      clock_(clock),
      environment_(std::move(environment)),
      boot_id_(ReadBootId()),
      watch_(std::move(watch)) {}

Result<std::unique_ptr<LocalExecutor>> LocalExecutor::Open(
    LocalOptions options, const SystemClock& clock,
    std::function<void()> wake) {
  std::error_code error;
  for (std::string* path : {&options.state_dir, &options.runner}) {
    *path = std::filesystem::absolute(*path, error).lexically_normal();
    if (error) return Trouble("path {}: {}", *path, error.message());
  }
  if (::access(options.runner.c_str(), X_OK) != 0) {
    return Missing(
        "carbon-runner {}: {}; install it beside carbond or set `runner:`",
        options.runner, std::strerror(errno));
  }
  std::filesystem::create_directories(options.state_dir, error);
  if (error) {
    return Trouble("state_dir {}: {}", options.state_dir, error.message());
  }
  // As /proc will show its files, for comparison.
  options.state_dir = std::filesystem::canonical(options.state_dir, error);
  if (error) return Trouble("state_dir: {}", error.message());
  if (options.shared_dir.empty()) options.shared_dir = options.state_dir;
  std::string& shared = options.shared_dir;
  std::filesystem::create_directories(shared, error);
  if (!error) shared = std::filesystem::canonical(shared, error);
  if (error) return Trouble("shared_dir {}: {}", shared, error.message());
  CARBOND_RETURN_IF_ERROR(MakeDirectory(RunsDir(options.state_dir), 0700));
  CARBOND_RETURN_IF_ERROR(MakeSharedDirectories(shared));

  Environment environment = OwnEnvironment();
  for (const std::string& name : options.drop_env) environment.erase(name);
  CARBOND_ASSIGN_OR_RETURN(
      auto watch,
      RunnerWatch::Open(RunsDir(options.state_dir), std::move(wake)));
  return std::unique_ptr<LocalExecutor>(new LocalExecutor(
      std::move(options), clock, std::move(environment), std::move(watch)));
}

RunPaths LocalExecutor::PathsOf(ProcessId id) const {
  return {CheckpointDir(options_.shared_dir, id.job),
          RunDir(options_.state_dir, id) + '/' + kProgressFile};
}

Instant LocalExecutor::FromReal(int64_t millis) const {
  return clock_.FromReal(Instant::FromMillis(millis));
}

// ---- Acts -------------------------------------------------------------------

Status LocalExecutor::Check(const JobSpec& spec, const std::string&) {
  return CheckCommand(spec, environment_);
}

LocalExecutor::Held& LocalExecutor::Hold(ProcessId id) {
  return held_.try_emplace(id, RunDir(options_.state_dir, id)).first->second;
}

Status LocalExecutor::Start(const StartOrder& order) {
  Held& held = Hold(order.id);
  const Sight sight = Look(order.id, held);
  if (sight.what == Sight::What::kUnknown) return Trouble("{}", sight.detail);
  if (sight.what != Sight::What::kAbsent) return Ok();
  if (held.retry_at && SystemClock::RealNow() < *held.retry_at) {
    return Trouble("the runner could not begin: {}", held.complaint);
  }
  return Launch(order, held);
}

Status LocalExecutor::Launch(const StartOrder& order, Held& held) {
  const std::string& shared = options_.shared_dir;
  const RunPaths paths = PathsOf(order.id);
  CARBOND_RETURN_IF_ERROR(MakeDirectory(held.dir, 0700));
  CARBOND_RETURN_IF_ERROR(MakeJobDirectories(shared, order.id.job));

  RunnerOptions runner;
  runner.dir = held.dir;
  runner.workdir = order.spec.workdir;
  runner.out = LogPath(shared, order.id, LogStream::kOut);
  runner.err = LogPath(shared, order.id, LogStream::kErr);
  const Duration grace =
      std::max(kLeastGrace, clock_.ToReal(options_.stop_grace));
  runner.grace_ms = static_cast<int>(
      std::min<int64_t>(grace.count(), Duration(hours(24)).count()));
  if (order.spec.pause == PauseMode::kCheckpoint) {
    CARBOND_ASSIGN_OR_RETURN(runner.checkpoint_signal,
                             SignalNumber(order.spec.checkpoint_signal));
    runner.on_pause = order.spec.on_pause;
  }
  if (order.resume) runner.on_resume = order.spec.on_resume;
  runner.command = order.spec.command;
  if (options_.meter_of) runner.meter = options_.meter_of(order, held.dir);

  CARBOND_ASSIGN_OR_RETURN(
      held.spawned,
      LaunchRunner(options_.runner, FormatRunnerOptions(runner),
                   JobEnvironment(environment_, order, paths,
                                  options_.gpu_regions.contains(order.region)),
                   held.dir + '/' + kRunnerLogFile));
  held.retry_at.reset();
  WatchRunner(order.id, *held.spawned);
  return Ok();
}

void LocalExecutor::WatchRunner(ProcessId id, const ProcessIdentity& runner) {
  auto pidfd = OpenProcess(runner);
  // Without a watch (no descriptors left) its end is seen at the next look.
  if (pidfd.value) watch_->Add(id, std::move(*pidfd.value));
}

Status LocalExecutor::Suspend(ProcessId id) {
  return Tell(id, Control::kSuspend);
}

Status LocalExecutor::Continue(ProcessId id) {
  return Tell(id, Control::kContinue);
}

Status LocalExecutor::Stop(ProcessId id) { return Tell(id, Control::kStop); }

// The runner heeds each attempt once, and it lives as long as the run does, so
// asking again after a crash of ours does no harm.
Status LocalExecutor::Checkpoint(ProcessId id, int attempt) {
  return Tell(id, Control::kCheckpoint, attempt);
}

Status LocalExecutor::Tell(ProcessId id, Control control, int attempt) {
  Held& held = Hold(id);
  const Sight sight = Look(id, held);
  const std::string name =
      fmt::format("job {} run {}", Number(id.job), id.process);
  switch (sight.what) {
    case Sight::What::kUnknown:
      return Trouble("{}: {}", name, sight.detail);
    case Sight::What::kAbsent:
    case Sight::What::kEnded:
    case Sight::What::kLost:
      if (control == Control::kStop) return Ok();
      return NotNow("{} is not running", name);
    case Sight::What::kStarting:
    case Sight::What::kRunning:
    case Sight::What::kSuspended:
      break;
  }
  if (control == Control::kCheckpoint && (!held.job || held.job->before)) {
    return NotNow("{} has not begun its command yet", name);
  }
  const auto runner = held.started ? held.started->runner : held.spawned;
  if (!runner) return Trouble("{} has a runner that is just beginning", name);
  const auto pidfd = OpenProcess(*runner);
  int error = pidfd.error;
  if (pidfd.value) {
    error = QueueSignal(pidfd.value->get(), ControlSignal(),
                        ControlValue(control, attempt));
    // Somebody may have stopped the runner itself: it would never hear.
    if (error == 0) error = SendSignal(pidfd.value->get(), SIGCONT);
  }
  if (!pidfd.value && error == 0) error = ESRCH;  // it ended just now
  if (error == 0 || (error == ESRCH && control == Control::kStop)) return Ok();
  return Trouble("cannot signal the runner of {}: {}", name,
                 std::strerror(error));
}

void LocalExecutor::Forget(ProcessId id) {
  Held& held = Hold(id);
  const Sight sight = Look(id, held);
  if (sight.what != Sight::What::kEnded && sight.what != Sight::What::kLost &&
      sight.what != Sight::What::kAbsent) {
    spdlog::warn("job {} run {}: {} is kept, since it still runs",
                 Number(id.job), id.process, held.dir);
    return;
  }
  std::error_code error;
  std::filesystem::remove_all(held.dir, error);
  if (error) {
    spdlog::warn("job {} run {}: cannot remove {}: {}", Number(id.job),
                 id.process, held.dir, error.message());
  }
  watch_->Drop(id);
  held_.erase(id);
}

}  // namespace carbond
