#include "scheduler/capacity.h"

namespace carbond {

void CapacityProfile::Take(Interval interval, Resources need) {
  if (interval.empty()) return;
  changes_[interval.begin] += need;
  changes_[interval.end] -= need;
}

std::vector<Interval> CapacityProfile::TimesWithout(Resources need) const {
  std::vector<Interval> without;
  if (!need.Fits(capacity_)) {
    without.push_back({Instant::FromMillis(0), Instant::Never()});
    return without;
  }
  Resources taken;
  for (auto it = changes_.begin(); it != changes_.end(); ++it) {
    taken += it->second;
    Resources with = taken;
    with += need;
    if (with.Fits(capacity_)) continue;
    const auto next = std::next(it);
    const Instant end = next == changes_.end() ? Instant::Never() : next->first;
    if (!without.empty() && without.back().end == it->first) {
      without.back().end = end;
    } else {
      without.push_back({it->first, end});
    }
  }
  return without;
}

}  // namespace carbond
