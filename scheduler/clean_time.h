#pragma once
// When running for a while would be cleanest.

#include <optional>

#include "scheduler/series.h"

namespace carbond {

struct CleanTime {
  Instant begin;
  GramsPerKwh mean;
};

// The cleanest `length` of time that begins and ends within `within`, exactly:
// no other has a lower mean. The earliest of several; nothing where no such
// time is wholly known.
std::optional<CleanTime> FindCleanest(const Series& series, Interval within,
                                      Duration length);

}  // namespace carbond
