#pragma once
// What has become of a run in Slurm, from what its directory holds and what
// Slurm says. The directory goes first: the runner knows when its job began,
// lives and ended, while Slurm forgets an ended job after minutes, shows a dead
// node's jobs as running for minutes, and calls those failed that live on
// behind a dead slurmd. Pure.

#include <optional>

#include "daemon/exec/progress.h"
#include "daemon/exec/run_files.h"
#include "daemon/exec/slurm/commands.h"
#include "scheduler/ports.h"

namespace carbond {

struct SlurmPatience {
  // A runner says this often that it lives, and ends its job when it could not
  // for a lease; only after more than that is it given up.
  Duration heartbeat = seconds(5);
  Duration lease() const { return heartbeat * 6; }
  Duration silence() const { return heartbeat * 9; }
  // Slurm's controller writes its state up to 5 s after it answered; a crash
  // in that time loses the job.
  Duration durable = seconds(6);
  // A submission without an answer may still arrive for MessageTimeout (10 s).
  Duration unanswered = seconds(15);
  // Until a record that was written is surely seen through shared storage.
  Duration storage = seconds(10);
};

// Times are of the daemon's own steady clock: as it saw things.
struct RunFacts {
  // Of its directory.
  std::optional<StartedRecord> started;
  std::optional<MainProcess> job;
  std::optional<ExitRecord> exit;
  bool suspended = false;
  Progress progress;
  Duration exit_for{0};  // since its end was first seen
  Duration silent{0};    // since its heartbeat was last seen to change
  std::optional<int64_t> heartbeat_ms;
  Orders orders;

  // Of its submission.
  bool submitted = false;   // asked for at least once
  bool answered = false;    // and Slurm gave it a number
  Duration since_asked{0};  // until the queue was asked for what follows
  std::string refusal;      // why Slurm will never take it

  // Of the queue, as last read; nothing when it has not been read since.
  bool queue_known = false;
  std::optional<SlurmJob> row;
  Duration over_for{0};  // how long its row is over
};

struct RunVerdict {
  Sight sight;  // its instants by the machine's clock
  enum class Next { kNothing, kSubmit, kAbandon } next = Next::kNothing;
};
RunVerdict Judge(const RunFacts& facts, const SlurmPatience& patience);

}  // namespace carbond
