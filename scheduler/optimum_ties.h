#pragma once
// Among rows of runs of equal cost, the one a person would choose.

#include "scheduler/optimum.h"
#include "scheduler/priced_time.h"

namespace carbond {

// The least length of run k of `count`, overheads included.
int64_t LeastLength(const Task& task, size_t k, size_t count);

// Moves work to earlier instants as long as the cost stays the same, closes
// pauses and drops runs that gain nothing by it. The cost does not change.
void PreferEarlier(const PricedTime& time, const Task& task, Optimum& optimum);

}  // namespace carbond
