#pragma once
// The daemon's clock: the machine's, or, for demonstrations, one that began at
// a chosen instant and runs `speed` times faster. Nothing else knows of speed.
// Safe to call from any thread.

#include "scheduler/ports.h"

namespace carbond {

class SystemClock : public Clock {
 public:
  // speed 1: the machine's clock. Otherwise `real_anchor` on the machine's
  // clock is `anchor` on this one.
  SystemClock() = default;
  SystemClock(double speed, Instant real_anchor, Instant anchor)
      : speed_(speed), real_anchor_(real_anchor), anchor_(anchor) {}

  Instant Now() const override;
  double speed() const { return speed_; }
  // The machine's own time, and the two ways between them.
  static Instant RealNow();
  // Goes on evenly, through sleep and whatever the clock is set to.
  static Duration SinceBoot();
  Instant FromReal(Instant real) const;
  Instant ToReal(Instant t) const;
  Duration ToReal(Duration d) const;  // how long this lasts for the machine

 private:
  // Fixed after construction
  double speed_ = 1;
  Instant real_anchor_;
  Instant anchor_;
};

}  // namespace carbond
