#include "scheduler/occupancy.h"

#include <iterator>

namespace carbond {

void Occupancy::Add(const Job& job) {
  const Run& run = job.runs.back();
  Place& place = places_[run.region];
  place.used += job.spec->need;
  place.gpus.insert(run.allotment.gpus.begin(), run.allotment.gpus.end());
}

std::optional<Allotment> Occupancy::Allot(const Job& job, const Region& region,
                                          Instant now) {
  Place& place = places_[region.name];
  Resources with = place.used;
  with += job.spec->need;
  if (!with.Fits(region.CapacityAt(now))) return std::nullopt;
  Allotment allotment;
  allotment.cpus = job.spec->need.cpus;
  for (int gpu = 0; gpu < region.capacity.gpus &&
                    std::ssize(allotment.gpus) < job.spec->need.gpus;
       ++gpu) {
    if (!place.gpus.contains(gpu)) allotment.gpus.push_back(gpu);
  }
  if (std::ssize(allotment.gpus) < job.spec->need.gpus) return std::nullopt;
  place.used = with;
  place.gpus.insert(allotment.gpus.begin(), allotment.gpus.end());
  return allotment;
}

}  // namespace carbond
