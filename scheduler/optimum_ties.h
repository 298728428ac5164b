#pragma once
// Among rows of runs of equal cost, the one a person would choose.

#include "scheduler/optimum.h"
#include "scheduler/optimum_rules.h"
#include "scheduler/priced_time.h"

namespace carbond {

// Lets stretches of runs stay in a neighbour's place, and otherwise prefers the
// first of the places, brings work to earlier instants as long as the cost
// stays the same, closes pauses and drops runs that gain nothing by it. The
// cost does not change.
template <typename C>
void PreferEarlier(const PricedTime<C>& time, const RunRules& rules,
                   Optimum& optimum);

}  // namespace carbond
