#pragma once
// What of each region is taken at one moment, devices by index. Held against
// the future only where a region's queue holds runs that are to come.

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/lifecycle.h"

namespace carbond {

class Occupancy {
 public:
  explicit Occupancy(Instant now) : now_(now) {}

  // Counts a job that occupies its current run's region, or will.
  void Add(const Job& job);

  // Takes devices and cores for a job in a region; nothing when it does not fit
  // there beside what is there now and what comes meanwhile. A region with a
  // queue gives devices itself: there they are only counted.
  std::optional<Allotment> Allot(const Job& job, const Region& region,
                                 Interval during);

 private:
  struct Place {
    Resources used;
    std::vector<bool> gpus;  // by index: whether it is taken
    std::vector<std::pair<Instant, Resources>> coming;  // handed over by now

    bool Taken(int gpu) const;
    void Take(const std::vector<int>& more);
  };
  Instant now_;
  std::map<std::string, Place> places_;  // by region
};

}  // namespace carbond
