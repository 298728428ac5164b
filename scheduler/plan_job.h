#pragma once
// The plan of one job among what those planned before it left.

#include <cstdint>
#include <vector>

#include "scheduler/capacity.h"
#include "scheduler/optimum.h"
#include "scheduler/region_time.h"

namespace carbond {

// How a job is looked at.
struct JobSearch {
  const FleetTime& time;
  // Whether a job that can be paused is searched for the best row of runs,
  // which takes long, or for the best unbroken run only.
  bool in_pieces = true;
  // At which the search for runs ends with the best found; see Task.
  int64_t most_looks = Task().most_looks;
  // A plan that the job has, and that fits into what is free: nothing dearer is
  // chosen. May be null.
  const JobPlan* given = nullptr;
};

struct PlannedJob {
  JobPlan plan;
  bool crowded = false;  // something was taken where it might have run
  // What it would emit at least, alone with what is free; nothing where that is
  // not known, or the search was cut short.
  std::optional<Grams> least;
};

// `free` holds what is left of each region of the input, in their order.
PlannedJob PlanOneJob(const PlanInput& input, const PlanJob& job,
                      const std::vector<CapacityProfile>& free,
                      const JobSearch& search);

}  // namespace carbond
