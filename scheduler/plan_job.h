#pragma once
// The plan of one job among what those planned before it left.

#include <vector>

#include "scheduler/capacity.h"
#include "scheduler/planner.h"

namespace carbond {

// `free` holds what is left of each region of the input, in their order.
JobPlan PlanOneJob(const PlanInput& input, const PlanJob& job,
                   const std::vector<CapacityProfile>& free);

}  // namespace carbond
