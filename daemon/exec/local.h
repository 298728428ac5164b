#pragma once
// Runs jobs as processes of this machine. Each run is held by carbon-runner,
// which outlives the daemon; this class starts runners, tells them what is
// wanted, and reads what they leave in the runs' directories. It keeps nothing
// that it could not find there again. For the engine's thread only; its watch
// has a thread of its own.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/clock.h"
#include "daemon/exec/command.h"
#include "daemon/exec/meter_of.h"
#include "daemon/exec/progress.h"
#include "daemon/exec/run_files.h"
#include "daemon/exec/watch.h"
#include "scheduler/ports.h"

namespace carbond {

struct LocalOptions {
  std::string state_dir;
  std::string shared_dir;             // of logs and checkpoints; or state_dir
  std::string runner;                 // path of carbon-runner
  Duration stop_grace = seconds(10);  // between TERM and KILL
  std::set<std::string> gpu_regions;  // whose capacity has GPUs
  std::set<std::string> drop_env;     // of the daemon's own environment
  RunMeter meter_of = {};             // what measures each run
};

class LocalExecutor : public Executor {
 public:
  // `wake` is called from another thread when a run has begun, stopped or
  // ended, so that the engine looks soon. `clock` outlives the executor.
  static Result<std::unique_ptr<LocalExecutor>> Open(
      LocalOptions options, const SystemClock& clock,
      std::function<void()> wake);

  Status Check(const JobSpec& spec, const std::string& region) override;
  Status Start(const StartOrder& order) override;
  Status Suspend(ProcessId id) override;
  Status Continue(ProcessId id) override;
  Status Checkpoint(ProcessId id, int attempt) override;
  Status Stop(ProcessId id) override;
  // Nothing waits here: what was handed over has begun.
  Status Recall(ProcessId) override { return Ok(); }
  std::optional<Room> RoomIn(const std::string&) override { return {}; }
  std::vector<Sight> Observe(std::span<const ProcessId> ids) override;
  void Forget(ProcessId id) override;

 private:
  // What is remembered of a process between two looks.
  struct Held {
    explicit Held(const std::string& dir);
    std::string dir;
    std::optional<ProcessIdentity> spawned;  // a runner of this daemon
    std::optional<StartedRecord> started;
    std::optional<MainProcess> job;
    ProgressReader progress;
    std::optional<Instant> alive_at;  // last seen alive, machine's clock
    std::optional<Instant> retry_at;  // a runner failed to begin; likewise
    std::string complaint;            // why
    std::optional<Sight> last_word;   // ended or lost: cannot change again
  };

  LocalExecutor(LocalOptions options, const SystemClock& clock,
                Environment environment, std::unique_ptr<RunnerWatch> watch);

  Held& Hold(ProcessId id);
  Sight Look(ProcessId id, Held& held);
  Sight LookUnclaimed(ProcessId id, Held& held);
  Sight LookAlive(Held& held);
  Sight LookDead(ProcessId id, Held& held);
  Sight LookLost(ProcessId id, Held& held, const std::string& why, bool sweep);
  Found<bool> RunnerLives(ProcessId id, Held& held);
  void WatchRunner(ProcessId id, const ProcessIdentity& runner);
  Sight EndedSight(const ExitRecord& record, Held& held);
  Status Launch(const StartOrder& order, Held& held);
  Status Tell(ProcessId id, Control control, int attempt = 0);
  RunPaths PathsOf(ProcessId id) const;
  Instant FromReal(int64_t millis) const;

  // Fixed after construction
  const LocalOptions options_;
  const SystemClock& clock_;
  const Environment environment_;
  const std::string boot_id_;

  // Only the engine's thread
  std::map<ProcessId, Held> held_;

  std::unique_ptr<RunnerWatch> watch_;
};

}  // namespace carbond
