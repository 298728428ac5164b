#pragma once
// Jobs that users send to Slurm themselves: what squeue and scontrol are asked
// of them, and how the answers read. Pure; squeue(1), scontrol(1) of Slurm
// 22.05 and later, asked with SLURM_TIME_FORMAT=%s.
//
// Names and comments hold whatever their users like, line ends among it. They
// are asked for apart from the facts, and each of their rows begins with a mark
// that nobody could foresee: a comment cannot pass for another job's row.
//
// Each task of a job array is a job of its own here, and is called as squeue
// shows it, `123_4`: hold, release, StartTime and scancel take that name too.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scheduler/job.h"

namespace carbond {

// What Slurm says of a job. Instants by its clock.
struct SlurmEntry {
  std::string id;  // `123`, of an array's task `123_4`, of a part `123+1`
  Instant submitted_at;
  std::string state;   // PENDING, RUNNING, COMPLETED, ...
  std::string reason;  // why it waits, or how it ended
  bool held = false;
  int restarts = 0;              // how often it was put back into its queue
  std::optional<Instant> start;  // or when it is expected to, or may
  std::optional<Instant> end;
  int wait_status = 0;  // of wait(2)
  Duration limit{0};    // 0: none
  Resources need;       // all its nodes together
  std::string user;
  std::string account;
  std::string nodes;  // empty: it never had any
};
// All tasks of the arrays whose tasks are among `ids`.
std::vector<std::string> EntryArguments(const std::vector<std::string>& ids);
std::vector<SlurmEntry> ParseEntries(std::string_view text);

// What sbatch printed: `123`, for whatever is a part of it.
std::string BaseOf(const std::string& id);
bool IsTask(const std::string& id);           // of a job array
bool IsHeterogeneous(const std::string& id);  // a component of such a job

// Numbers are handed out again after a crash; what was put back into the queue
// keeps its own, with a new time of submission.
bool IsSame(const SlurmEntry& row, const QueueEntry& entry);

// What its user wrote.
struct SlurmWords {
  std::string id;
  std::string name;
  std::string script;  // empty: given by --wrap
  std::string workdir;
  std::string comment;
};
// Of those that are held in a partition. `mark` holds no blank.
std::vector<std::string> HeldArguments(const std::string& partition,
                                       const std::string& mark);
std::vector<SlurmWords> ParseHeld(std::string_view text, std::string_view mark);

// From then on, by Slurm's clock; without: at once.
std::vector<std::string> BeginArguments(const std::string& id,
                                        std::optional<Instant> begin);
std::vector<std::string> ReleaseArguments(const std::string& id);
// So that its user may let it go.
std::vector<std::string> HoldArguments(const std::string& id);
std::vector<std::string> TellArguments(const std::string& id,
                                       const std::string& words);

// Whose cluster it is, of `scontrol show config`.
struct SlurmOwner {
  std::string cluster;
  std::string user;  // SlurmUser
};
std::vector<std::string> OwnerArguments();
SlurmOwner ParseOwner(std::string_view text);

}  // namespace carbond
