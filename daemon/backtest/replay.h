#pragma once
// Replays a scenario under one policy: the same engine as the daemon's, over
// the doors of world.h. What a plan could not know it does not use; what a job
// emitted is counted by what the grid then did.

#include <string>
#include <vector>

#include "daemon/backtest/scenario.h"

namespace carbond {

struct ReplayedRun {
  std::string region;
  // All the time in which it draws power: restore first, checkpoint last.
  Interval interval;
};

struct ReplayedJob {
  std::string id;
  std::vector<ReplayedRun> runs;
  WattHours energy;  // PUE included; that of idling in memory, too
  Grams emissions;
  Grams baseline;       // had it run at submission, in its home region
  Duration delay{0};    // of its finish, against running at submission
  bool missed = false;  // its deadline
};

struct PolicyResult {
  PolicyKind policy = PolicyKind::kRunNow;
  bool perfect = false;           // foresight
  std::vector<ReplayedJob> jobs;  // in the scenario's order

  WattHours energy;
  Grams emissions;
  Grams baseline;
  // Nothing with perfect knowledge could emit less: each job alone, on what the
  // grid did, without regard to capacity. The same for all policies.
  Grams lower_bound;
  double saved_fraction = 0;  // against the baseline
  double mean_delay_s = 0;
  int misses = 0;
  int pauses = 0;
};

// Refuses a job that no region could ever hold, and jobs that run beyond what
// is recorded of their region.
Result<PolicyResult> Replay(const Scenario& scenario, PolicyKind policy,
                            bool perfect);

// The sum over all jobs of the least that each could emit alone.
Result<Grams> LowerBound(const Scenario& scenario);

}  // namespace carbond
