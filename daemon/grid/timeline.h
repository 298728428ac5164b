#pragma once
// Where a recording lies on the daemon's clock: as it was, or moved by whole
// days so that the time of day is kept; and, when it loops, repeated without
// end in both directions, again by whole days.

#include <vector>

#include "scheduler/time.h"

namespace carbond {

// The midnight (UTC) at or before an instant.
Instant DayOf(Instant t);
// The multiple of `step` since 1970 at or before an instant.
Instant FloorTo(Instant t, Duration step);

class Timeline {
 public:
  // One showing of the recording. Recorded instant + offset = daemon's instant.
  struct Showing {
    Duration offset{0};
    Interval live;  // the part of the question it answers
  };

  // `recorded` must not be empty.
  Timeline(Interval recorded, Duration shift, bool loop);

  // The showings that fill an interval of the daemon's time, in order. Without
  // a loop there is one, of everything.
  std::vector<Showing> During(Interval live) const;
  // The one that is on at an instant, and the one before it.
  Duration OffsetAt(Instant t) const;
  bool loops() const { return period_ > Duration(0); }
  // The smallest number of whole days that holds the recording; 0: no loop.
  Duration period() const { return period_; }

 private:
  int64_t Round(Instant t) const;  // how often it had begun again

  // Fixed after construction
  Instant recorded_begin_;
  Duration shift_;
  Duration period_{0};
};

}  // namespace carbond
