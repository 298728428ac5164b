#pragma once
// How many requests went to a service, and whether the next may go now. Values
// in, values out; one thread's.

#include <deque>

#include "scheduler/time.h"

namespace carbond {

class RequestBudget {
 public:
  // At most `most` in any time of that length; 0: no limit.
  RequestBudget(int most, Duration per) : most_(most), per_(per) {}

  // `now`, or when enough of the past requests are long enough ago.
  Instant FreeAt(Instant now);
  void Count(Instant now);

  // Days are UTC.
  int today(Instant now) const { return DayOf(now) == day_ ? today_ : 0; }
  int yesterday(Instant now) const;

 private:
  static int64_t DayOf(Instant t) { return t.millis() / 86'400'000; }
  void Forget(Instant now);

  // Fixed after construction
  const int most_;
  const Duration per_;

  std::deque<Instant> sent_;  // within `per_`, when there is a limit
  int64_t day_ = 0;
  int today_ = 0;
  int yesterday_ = 0;
};

}  // namespace carbond
