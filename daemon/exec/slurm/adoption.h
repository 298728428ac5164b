#pragma once
// From a job that its user sent to Slurm, and that is held there for carbond,
// to a submission like any other. Pure.

#include <functional>
#include <string>

#include "daemon/clock.h"
#include "daemon/exec/slurm/comment.h"
#include "daemon/exec/slurm/entry.h"
#include "daemon/exec/slurm/place.h"
#include "scheduler/engine.h"

namespace carbond {

struct HeldJob {
  SlurmEntry entry;
  SlurmWords words;
  SlurmWishes wishes;
  std::string cluster;
  std::string region;
};

// An array may have a million tasks; the planner has been tried with thousands.
inline constexpr int kMostTasks = 2000;

// Why it cannot be deferred at all; empty: it can. `tasks`: how many of its
// array are held.
std::string WhyNotAdopted(const SlurmEntry& entry, int tasks = 1);

// The same job is the same request, however often it is seen.
SubmitCommand AdoptionOf(const HeldJob& job, const SlurmDefer& defer,
                         const SystemClock& clock);

// Hands a submission to the engine; the answer may come on another thread.
using HandIn = std::function<void(SubmitCommand, std::function<void(Reply)>)>;

}  // namespace carbond
