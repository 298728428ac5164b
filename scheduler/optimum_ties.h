#pragma once
// Among rows of runs of equal cost, the one a person would choose.

#include "scheduler/optimum.h"
#include "scheduler/priced_time.h"

namespace carbond {

// Moves work to earlier instants as long as the cost stays the same, closes
// pauses and drops runs that gain nothing by it. The cost does not change.
template <typename C>
void PreferEarlier(const PricedTime<C>& time, const Task& task,
                   Optimum& optimum);

}  // namespace carbond
