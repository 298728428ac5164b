#include "scheduler/clean_time.h"

#include <algorithm>

namespace carbond {

// The mean changes in proportion to the begin while neither end passes a slot
// border, so that it is least where one of them lies on a border, of a slot or
// of `within`. Sums are compared, which are exact; means are rounded.
std::optional<CleanTime> FindCleanest(const Series& series, Interval within,
                                      Duration length) {
  const Series known = series.Clip(within);
  std::vector<Instant> begins{within.begin, within.end - length};
  for (const Slot& slot : known.slots()) {
    for (const Instant border : {slot.interval.begin, slot.interval.end}) {
      begins.push_back(border);
      begins.push_back(border - length);
    }
  }
  std::sort(begins.begin(), begins.end());
  std::optional<CleanTime> cleanest;
  int64_t least = 0;
  for (const Instant begin : begins) {
    const Interval time{begin, begin + length};
    if (begin < within.begin || time.end > within.end) continue;
    const Integral sum = known.Over(time);
    if (sum.known != length) continue;
    if (cleanest && sum.mg_per_kwh_ms >= least) continue;
    least = sum.mg_per_kwh_ms;
    cleanest = {begin, *known.Mean(time)};
  }
  return cleanest;
}

}  // namespace carbond
