#pragma once
// What carbon-runner does once it has taken a run. Standard library only.

#include <signal.h>
#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "daemon/exec/meter_link.h"
#include "daemon/exec/run_files.h"
#include "daemon/exec/runner_options.h"

namespace carbond {

// The machine's clock. The runner is a program of its own and has no other.
int64_t RealMillis();

// Keeps one run from its first process to its last. Single-threaded: every
// signal is blocked and taken in one place.
class Keeper {
 public:
  explicit Keeper(RunnerOptions options, MeterLink meter = {})
      : options_(std::move(options)), meter_(std::move(meter)) {}

  // Returns when nothing of the job is left and its exit record is on disk.
  void Run();

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;

  bool OpenLogs();
  void BeginFirst();
  void Begin(const std::vector<std::string>& command, bool before);
  pid_t Spawn(const std::vector<std::string>& command, bool main);
  void Fail(int code, const std::string& what, int error);

  bool ReapAll();  // false: there is no child left
  void OnMainEnd(int status);
  void WaitAndHandle();
  void Pulse();
  void Obey(const Orders& orders);
  void Abandon(const std::string& why);
  void Handle(const siginfo_t& info);
  void Stop();
  void Suspend();
  void Continue();
  void Checkpoint(int attempt);
  void Settle();
  void KillWhenDue();
  void SignalAll(int signal, bool running_only = false);
  void Complain(const std::string& text);

  // Fixed after construction
  const RunnerOptions options_;

  MeterLink meter_;
  UniqueFd out_;
  UniqueFd err_;
  ExitRecord record_;
  pid_t main_ = 0;  // the command, or before it the on_resume line
  bool before_ = false;
  bool begun_ = false;
  bool main_ended_ = false;
  pid_t on_pause_ = 0;
  int attempts_ = 0;  // the last checkpoint attempt heeded
  bool stopping_ = false;
  bool suspended_ = false;
  SteadyTime next_pulse_{};  // due at once
  SteadyTime heard_at_{};    // when the last heartbeat was written
  int calm_scans_ = 0;       // in a row that found no process unstopped
  std::optional<SteadyTime> kill_at_;
  std::chrono::milliseconds patience_{1};  // until the next look
};

}  // namespace carbond
