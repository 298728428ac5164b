#include "scheduler/series.h"

#include <algorithm>

namespace carbond {

Result<Series> Series::Make(std::vector<Slot> slots) {
  for (size_t i = 0; i < slots.size(); ++i) {
    const Slot& slot = slots[i];
    const auto when = [&] { return FormatInstant(slot.interval.begin); };
    if (slot.interval.empty()) {
      return Refused("slot at {} is empty or ends before it begins", when());
    }
    if (slot.intensity < GramsPerKwh()) {
      return Refused("intensity at {} is negative", when());
    }
    if (i > 0 && slot.interval.begin < slots[i - 1].interval.end) {
      return Refused("slot at {} begins before the one at {} has ended", when(),
                     FormatInstant(slots[i - 1].interval.begin));
    }
  }
  return Series(std::move(slots));
}

Instant Series::begin() const {
  return empty() ? Instant::Never() : slots_.front().interval.begin;
}

Instant Series::end() const {
  return empty() ? Instant() : slots_.back().interval.end;
}

size_t Series::FirstEndingAfter(Instant t) const {
  const auto it = std::partition_point(
      slots_.begin(), slots_.end(),
      [t](const Slot& slot) { return slot.interval.end <= t; });
  return static_cast<size_t>(it - slots_.begin());
}

std::optional<GramsPerKwh> Series::At(Instant t) const {
  const size_t i = FirstEndingAfter(t);
  if (i == slots_.size() || !slots_[i].interval.Contains(t)) return {};
  return slots_[i].intensity;
}

Integral Series::Over(Interval interval) const {
  Integral sum;
  if (interval.empty()) return sum;
  for (size_t i = FirstEndingAfter(interval.begin);
       i < slots_.size() && slots_[i].interval.begin < interval.end; ++i) {
    const Duration part = slots_[i].interval.Clip(interval).length();
    sum.mg_per_kwh_ms += slots_[i].intensity.thousandths() * part.count();
    sum.known += part;
  }
  return sum;
}

std::optional<GramsPerKwh> Series::Mean(Interval interval) const {
  if (interval.empty()) return At(interval.begin);
  const Integral sum = Over(interval);
  if (sum.known != interval.length()) return {};
  return GramsPerKwh::FromThousandths(
      RoundedDivide(sum.mg_per_kwh_ms, sum.known.count()));
}

bool Series::Covers(Interval interval) const {
  return Over(interval).known == interval.length();
}

Series Series::Clip(Interval to) const {
  std::vector<Slot> kept;
  if (to.empty()) return Series();
  for (size_t i = FirstEndingAfter(to.begin);
       i < slots_.size() && slots_[i].interval.begin < to.end; ++i) {
    kept.push_back({slots_[i].interval.Clip(to), slots_[i].intensity});
  }
  return Series(std::move(kept));
}

Series Series::Shift(Duration by) const {
  std::vector<Slot> moved = slots_;
  for (Slot& slot : moved) {
    slot.interval.begin += by;
    slot.interval.end += by;
  }
  return Series(std::move(moved));
}

std::vector<Interval> Series::Gaps(Interval within) const {
  std::vector<Interval> gaps;
  if (within.empty()) return gaps;
  Instant at = within.begin;
  for (size_t i = FirstEndingAfter(within.begin);
       i < slots_.size() && slots_[i].interval.begin < within.end; ++i) {
    const Interval slot = slots_[i].interval.Clip(within);
    if (slot.begin > at) gaps.push_back({at, slot.begin});
    at = slot.end;
  }
  if (at < within.end) gaps.push_back({at, within.end});
  return gaps;
}

Series Series::Under(const Series& above) const {
  if (above.empty()) return *this;
  if (empty()) return above;
  std::vector<Slot> merged;
  merged.reserve(slots_.size() + above.slots_.size() + 2);
  Instant at = begin();
  const auto add_until = [&](Instant until) {
    for (size_t i = FirstEndingAfter(at);
         i < slots_.size() && slots_[i].interval.begin < until; ++i) {
      merged.push_back(
          {slots_[i].interval.Clip({at, until}), slots_[i].intensity});
    }
  };
  for (const Slot& slot : above.slots_) {
    if (slot.interval.begin > at) add_until(slot.interval.begin);
    merged.push_back(slot);
    at = std::max(at, slot.interval.end);
  }
  if (at < end()) add_until(end());
  return Series(std::move(merged));
}

}  // namespace carbond
