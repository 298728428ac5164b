#pragma once
// The plan of one job among what those planned before it left.

#include <cstdint>
#include <vector>

#include "scheduler/capacity.h"
#include "scheduler/region_time.h"

namespace carbond {

// How a job is looked at.
struct JobSearch {
  const FleetTime& time;
  // Whether a job that can be paused is searched for the best row of runs,
  // which takes long, or for the best unbroken run only.
  bool in_pieces = true;
  // Windows cut into more slots than this are searched for an unbroken run.
  size_t most_slots = SIZE_MAX;
  // A plan that the job has, and that fits into what is free: nothing dearer is
  // chosen. May be null.
  const JobPlan* given = nullptr;
};

struct PlannedJob {
  JobPlan plan;
  bool crowded = false;  // something was taken where it might have run
};

// `free` holds what is left of each region of the input, in their order.
PlannedJob PlanOneJob(const PlanInput& input, const PlanJob& job,
                      const std::vector<CapacityProfile>& free,
                      const JobSearch& search);

}  // namespace carbond
