#pragma once
// The instants inside slots at which a run may have to end, because the least
// pause that follows, and perhaps runs of the least length and least pauses
// after it, lead to a border. Runs that follow a border in the same way are
// found by walking on.

#include <cstdint>
#include <vector>

#include "scheduler/optimum_slots.h"

namespace carbond {

// As far as they lie in slots that matter, in order. `all` is false when they
// are too many.
template <typename C>
std::vector<int64_t> EndsBeforeLeastPauses(const PricedTime<C>& time,
                                           const RunRules& rules,
                                           const SlotsThatMatter<C>& slots,
                                           bool& all);

}  // namespace carbond
