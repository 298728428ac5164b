#pragma once
// What is left of a region's capacity over time, while jobs are planned one
// after another.

#include <map>
#include <vector>

#include "scheduler/job.h"
#include "scheduler/time.h"

namespace carbond {

class CapacityProfile {
 public:
  explicit CapacityProfile(Resources capacity) : capacity_(capacity) {}

  // Takes `need` out of an interval, which may leave less than nothing (two
  // jobs that run already may exceed a capacity that has shrunk).
  void Take(Interval interval, Resources need);

  // The times in which `need` does not fit, in order and apart.
  std::vector<Interval> TimesWithout(Resources need) const;

 private:
  Resources capacity_;
  std::map<Instant, Resources> changes_;  // of what is taken, at instants
};

}  // namespace carbond
