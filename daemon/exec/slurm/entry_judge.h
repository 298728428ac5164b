#pragma once
// What has become of a job that its user sent to Slurm and that was let go, or
// is to be. No runner of ours holds it: Slurm alone says when it began and how
// it ended, and forgets that after minutes (MinJobAge). Pure.

#include <optional>

#include "daemon/exec/run_files.h"
#include "daemon/exec/slurm/entry.h"
#include "scheduler/ports.h"

namespace carbond {

// Instants by the machine's clock, which Slurm's is taken for.
struct EntryFacts {
  std::string number;  // Slurm's
  Orders orders;
  // The queue was read since it was handed over; and since the last act, so
  // that what it shows is the answer to that.
  bool known = false;
  bool fresh = false;
  std::optional<SlurmEntry> row;

  // What was seen of it before.
  bool let_go = false;
  std::optional<Instant> began;
  Instant seen_at;  // when it was last seen to run
  // It was held until a moment ago, and neither let go nor seen to begin.
  bool was_held = false;
};

struct EntryVerdict {
  Sight sight;
  enum class Next { kNothing, kLetGo, kHold, kCancel } next = Next::kNothing;
};
EntryVerdict JudgeEntry(const EntryFacts& facts);

// Of one that waits for us.
Standing StandingIn(const std::optional<SlurmEntry>& row);

}  // namespace carbond
