#pragma once
// The directory of one run, state_dir/runs/JOB.PROCESS: where the daemon and
// carbon-runner meet. Each record is lines of `key value`, closed by `end`,
// and appears whole or not at all. Standard library only, since carbon-runner
// uses it too.
//
//   lock       held by the runner as long as it lives
//   started    there from the moment a runner has taken the run, for good
//   job        who the job's main process is; written when it begins
//   suspended  there while every process of the job is stopped
//   exit       how it ended; written when nothing of the job is left
//   options    what a runner is to do that a cluster starts (runner_options.h),
//   environment  and with which environment: texts that end in NUL each
//   orders     what is wanted of such a runner, which no signal reaches
//   heartbeat  written by such a runner again and again
//   energy     what it has drawn, by carbon-meter (daemon/energy_log.h)
//   progress   appended to by the job itself
//   runner.log complaints of the runner
//
// A run of another user's than carbond's has two: what carbond writes stays in
// JOB.PROCESS, where its user reads nothing but `orders`, and the rest is in
// JOB.PROCESS/run, which is his. What stands there is his word: he can forge
// the end of his own job with it, and what it drew, and nothing else.

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/exec/process.h"

namespace carbond {

inline constexpr char kLockFile[] = "lock";
inline constexpr char kStartedFile[] = "started";
inline constexpr char kJobFile[] = "job";
inline constexpr char kSuspendedFile[] = "suspended";
inline constexpr char kExitFile[] = "exit";
inline constexpr char kOptionsFile[] = "options";
inline constexpr char kEnvironmentFile[] = "environment";
inline constexpr char kOrdersFile[] = "orders";
inline constexpr char kHeartbeatFile[] = "heartbeat";
inline constexpr char kProgressFile[] = "progress";
inline constexpr char kRunnerLogFile[] = "runner.log";
inline constexpr char kHandedFolder[] = "run";

// What the daemon asks of a runner: the value queued with ControlSignal().
// One real-time signal for all, since the kernel keeps those of one number in
// their order and would reorder two: a suspend must not overtake a continue.
enum class Control { kSuspend = 1, kContinue = 2, kCheckpoint = 3, kStop = 4 };
int ControlSignal();
constexpr int ControlValue(Control control, int attempt) {
  return (attempt << 4) | static_cast<int>(control);
}
constexpr Control ControlOf(int value) {
  return static_cast<Control>(value & 15);
}
constexpr int AttemptOf(int value) { return value >> 4; }

// Instants are milliseconds of the machine's clock since 1970.
struct StartedRecord {
  ProcessIdentity runner;
  std::string boot_id;
  int64_t at_ms = 0;
  std::string place;  // for people: which node, and the cluster's own id
};

// What is wanted, not what is to be done: read twice it asks for nothing new.
struct Orders {
  bool suspend = false;
  int checkpoint_attempt = 0;  // the last one asked for
  bool stop = false;
  bool recall = false;  // if nothing of it has begun, nothing shall
  // The run was given up, and another may begin: nothing of it may go on.
  bool abandon = false;
  friend bool operator==(const Orders&, const Orders&) = default;
};

struct MainProcess {
  ProcessIdentity main;
  bool before = false;  // `main` is the on_resume line; the command follows
  int64_t began_ms = 0;
};

struct ExitRecord {
  std::optional<int> code;
  std::optional<int> signal;
  int64_t began_ms = 0;
  int64_t ended_ms = 0;
  int exec_errno = 0;          // the command could not be started
  bool before_failed = false;  // the on_resume line failed; no command ran
  bool stopped = false;        // the runner was told to stop it
  bool recalled = false;       // it was taken back before anything began
  int64_t user_cpu_ms = 0;     // of all its processes
  int64_t system_cpu_ms = 0;
  std::string detail;  // one line, for people
};

// Each gives the value, or errno, or neither: it is not there (yet).
Found<StartedRecord> ReadStarted(const std::string& dir);
Found<MainProcess> ReadJob(const std::string& dir);
Found<ExitRecord> ReadExit(const std::string& dir);
Found<bool> IsSuspended(const std::string& dir);  // always a value or errno
Found<Orders> ReadOrders(const std::string& dir);
// When the runner last said that it lives, by its machine's clock.
Found<int64_t> ReadHeartbeat(const std::string& dir);
// Does a runner hold the directory? Looks without taking the lock, so that a
// look cannot turn a runner away.
Found<bool> IsLocked(const std::string& dir);

// For the runner. Each gives errno, or 0.
int TakeLock(const std::string& dir, UniqueFd& lock);  // EAGAIN: it is held
// EEXIST when some runner took this run before.
int ClaimStarted(const std::string& dir, const StartedRecord& record);
int WriteJob(const std::string& dir, const MainProcess& record);
int WriteExit(const std::string& dir, const ExitRecord& record);
int SetSuspended(const std::string& dir, bool suspended);
int WriteHeartbeat(const std::string& dir, int64_t at_ms);

// For the daemon. Each gives errno, or 0.
// `mode`: for a runner of another user it must be readable for all.
int WriteOrders(const std::string& dir, const Orders& orders,
                mode_t mode = 0600);
// A file of texts that may hold anything but NUL, and back.
int WriteTexts(const std::string& dir, const char* file,
               const std::vector<std::string>& texts);
Found<std::vector<std::string>> ReadTexts(const std::string& dir,
                                          const char* file);
// A file as it is, such as a script.
int WriteText(const std::string& dir, const char* file,
              const std::string& text);
// A record of the daemon's own in the directory of a run.
using TextRecord = std::map<std::string, std::string, std::less<>>;
int WriteRecord(const std::string& dir, const char* file,
                const TextRecord& record);
Found<TextRecord> ReadRecord(const std::string& dir, const char* file);
// Tells whoever watches the folder of all runs that something here changed.
void TouchDirectory(const std::string& dir);

}  // namespace carbond
