#include "daemon/grid/timeline.h"

namespace carbond {
namespace {

constexpr Duration kDay = hours(24);

int64_t FloorDivide(int64_t a, int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

}  // namespace

Instant FloorTo(Instant t, Duration step) {
  return Instant::FromMillis(FloorDivide(t.millis(), step.count()) *
                             step.count());
}

Instant DayOf(Instant t) { return FloorTo(t, kDay); }

Timeline::Timeline(Interval recorded, Duration shift, bool loop)
    : recorded_begin_(recorded.begin), shift_(shift) {
  CARBOND_INVARIANT(!recorded.empty(), "a recording of nothing");
  if (loop) period_ = kDay * ((recorded.length() + kDay - Duration(1)) / kDay);
}

int64_t Timeline::Round(Instant t) const {
  return FloorDivide((t - shift_ - recorded_begin_).count(), period_.count());
}

Duration Timeline::OffsetAt(Instant t) const {
  return loops() ? shift_ + period_ * Round(t) : shift_;
}

std::vector<Timeline::Showing> Timeline::During(Interval live) const {
  std::vector<Showing> showings;
  if (live.empty()) return showings;
  if (!loops()) return {{shift_, live}};
  for (Instant at = live.begin; at < live.end;) {
    const Duration offset = OffsetAt(at);
    const Instant next = recorded_begin_ + offset + period_;
    showings.push_back({offset, {at, std::min(next, live.end)}});
    at = next;
  }
  return showings;
}

}  // namespace carbond
