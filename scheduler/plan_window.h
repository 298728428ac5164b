#pragma once
// From a job and a region to priced time: what optimum.h is asked about.

#include <vector>

#include "scheduler/optimum.h"
#include "scheduler/planner.h"

namespace carbond {

// The window as a row of slots. Prices are in proportion to grams: intensity x
// PUE, by the job's power while running and by its idle power while suspended
// (in lowest terms, so that sums stay small). An instant that the user forbids
// (max_intensity) or that nobody knows is used only where the deadline leaves
// nothing else: it costs more than all grams of the window together. `blocked`
// holds the times in which the job does not fit.
std::vector<PricedSlot> PricedWindow(const PlanJob& job,
                                     const PlanRegion& region,
                                     const std::vector<Interval>& blocked,
                                     Interval window);

// What is left of the job's work, and how it may be cut.
Task TaskOf(const PlanJob& job, Instant now);

}  // namespace carbond
