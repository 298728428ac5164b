#pragma once
// What of each region is taken at one moment, devices by index.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "scheduler/lifecycle.h"

namespace carbond {

class Occupancy {
 public:
  // Counts a job that occupies its current run's region.
  void Add(const Job& job);

  // Takes devices and cores for a job in a region; nothing when it does not
  // fit there now.
  std::optional<Allotment> Allot(const Job& job, const Region& region,
                                 Instant now);

 private:
  struct Place {
    Resources used;
    std::vector<bool> gpus;  // by index: whether it is taken

    bool Taken(int gpu) const;
    void Take(const std::vector<int>& more);
  };
  std::map<std::string, Place> places_;  // by region
};

}  // namespace carbond
