#include "daemon/clock.h"

#include <time.h>

#include <cmath>

namespace carbond {

Instant SystemClock::RealNow() {
  return Instant::FromMillis(
      std::chrono::duration_cast<std::chrono::milliseconds>(
          std::chrono::system_clock::now().time_since_epoch())
          .count());
}

Duration SystemClock::SinceBoot() {
  timespec time{};
  clock_gettime(CLOCK_BOOTTIME, &time);
  return Duration(int64_t{time.tv_sec} * 1000 + time.tv_nsec / 1'000'000);
}

Instant SystemClock::Now() const { return FromReal(RealNow()); }

Instant SystemClock::FromReal(Instant real) const {
  if (speed_ == 1) return real;
  return anchor_ +
         Duration(std::llround(
             static_cast<double>((real - real_anchor_).count()) * speed_));
}

Instant SystemClock::ToReal(Instant t) const {
  if (speed_ == 1) return t;
  return real_anchor_ + ToReal(t - anchor_);
}

Duration SystemClock::ToReal(Duration d) const {
  if (speed_ == 1) return d;
  return Duration(std::llround(static_cast<double>(d.count()) / speed_));
}

}  // namespace carbond
