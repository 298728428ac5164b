#pragma once
// Carbon intensity over time: piecewise constant on half-open slots. A gap is a
// gap; nothing here interpolates or extends.

#include <optional>
#include <vector>

#include "scheduler/time.h"
#include "scheduler/units.h"

namespace carbond {

struct Slot {
  Interval interval;
  GramsPerKwh intensity;
  friend bool operator==(const Slot&, const Slot&) = default;
};

// The integral of intensity over the part of an interval that is known.
struct Integral {
  int64_t mg_per_kwh_ms = 0;  // milligrams per kWh, times milliseconds
  Duration known{0};          // how much of the interval was covered
};

class Series {
 public:
  Series() = default;
  // Slots must be non-empty, in order, disjoint, and not negative; the message
  // names the first that is not. Zero is legal.
  static Result<Series> Make(std::vector<Slot> slots);

  const std::vector<Slot>& slots() const& { return slots_; }
  const std::vector<Slot>& slots() const&& = delete;  // of a series about to go
  bool empty() const { return slots_.empty(); }
  Instant begin() const;  // of the first slot; Never() when empty
  Instant end() const;    // of the last slot; the epoch when empty

  std::optional<GramsPerKwh> At(Instant t) const;
  Integral Over(Interval interval) const;
  // The mean over an interval; nothing unless every instant of it is known.
  std::optional<GramsPerKwh> Mean(Interval interval) const;
  bool Covers(Interval interval) const;

  // The slots that overlap the interval, cut to it.
  Series Clip(Interval to) const;
  Series Shift(Duration by) const;
  // This series, with every instant that `above` knows replaced by it.
  Series Under(const Series& above) const;
  // The parts of an interval that this series does not know, in order.
  std::vector<Interval> Gaps(Interval within) const;

  friend bool operator==(const Series&, const Series&) = default;

 private:
  explicit Series(std::vector<Slot> slots) : slots_(std::move(slots)) {}
  size_t FirstEndingAfter(Instant t) const;

  std::vector<Slot> slots_;
};

}  // namespace carbond
