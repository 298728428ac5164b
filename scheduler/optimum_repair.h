#pragma once
// From a row of runs that does about enough work to one that does it exactly.

#include <vector>

#include "scheduler/optimum_rules.h"
#include "scheduler/priced_time.h"

namespace carbond {

// Drops runs that are too short or too many, then takes time off the dearest
// ends of runs or adds it to the cheapest, until the work is what is asked for.
// False when that does not succeed, or leaves no pause.
template <typename C>
bool Repair(const PricedTime<C>& time, const RunRules& rules,
            std::vector<RunSpan>& runs);

}  // namespace carbond
