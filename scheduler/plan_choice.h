#pragma once
// Which of the ways found to run a job is taken, and how that is told.

#include <optional>
#include <vector>

#include "scheduler/candidate.h"

namespace carbond {

struct WaysToRun {
  Candidate best;
  std::optional<Candidate> at_once;    // as soon as it fits, without a pause
  std::optional<Candidate> at_latest;  // where it waits for want of a forecast
  std::vector<Candidate> alternatives;
  bool must_leave = false;  // its place is not its own all the time
  Instant wanted_by;        // the deadline, less what is kept free before it
  Instant ready;            // when a pause under way has lasted long enough
};

JobPlan ChooseWay(const PlanInput& input, const PlanJob& job, WaysToRun ways);

}  // namespace carbond
