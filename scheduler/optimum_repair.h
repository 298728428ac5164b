#pragma once
// From a row of runs that does about enough work to one that does it exactly.

#include <vector>

#include "scheduler/optimum.h"
#include "scheduler/priced_time.h"

namespace carbond {

// The least length of run k of `count`, overheads included.
int64_t LeastLength(const Task& task, size_t k, size_t count);

// The useful work of a row.
int64_t WorkOf(const Task& task, const std::vector<RunSpan>& runs);

// Drops runs that are too short or too many, then takes time off the dearest
// ends of runs or adds it to the cheapest, until the work is what is asked for.
// False when that does not succeed, or leaves no pause.
template <typename C>
bool Repair(const PricedTime<C>& time, const Task& task,
            std::vector<RunSpan>& runs);

}  // namespace carbond
