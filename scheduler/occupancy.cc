#include "scheduler/occupancy.h"

#include <iterator>
#include <numeric>

namespace carbond {

bool Occupancy::Place::Taken(int gpu) const {
  const auto i = static_cast<size_t>(gpu);
  return i < gpus.size() && gpus[i];
}

void Occupancy::Place::Take(const std::vector<int>& more) {
  for (const int gpu : more) {
    const auto i = static_cast<size_t>(gpu);
    if (i >= gpus.size()) gpus.resize(i + 1);
    gpus[i] = true;
  }
}

void Occupancy::Add(const Job& job) {
  const Run& run = job.runs.back();
  Place& place = places_[run.region];
  if (job.state == State::kStarting && ComesLater(run, now_)) {
    place.coming.emplace_back(*run.not_before, job.spec->need);
    return;
  }
  place.used += job.spec->need;
  place.Take(run.allotment.gpus);
}

std::optional<Allotment> Occupancy::Allot(const Job& job, const Region& region,
                                          Interval during) {
  Place& place = places_[region.name];
  Resources with = place.used;
  with += job.spec->need;
  Resources at_most = with;
  for (const auto& [begin, need] : place.coming) {
    if (begin < during.end) at_most += need;
  }
  if (!at_most.Fits(region.CapacityAt(during.begin))) return std::nullopt;
  Allotment allotment;
  allotment.cpus = job.spec->need.cpus;
  if (region.queue_ahead) {
    allotment.gpus.resize(static_cast<size_t>(job.spec->need.gpus));
    std::iota(allotment.gpus.begin(), allotment.gpus.end(), 0);
    if (during.begin > now_) {
      place.coming.emplace_back(during.begin, job.spec->need);
    } else {
      place.used = with;
    }
    return allotment;
  }
  for (int gpu = 0; gpu < region.capacity.gpus &&
                    std::ssize(allotment.gpus) < job.spec->need.gpus;
       ++gpu) {
    if (!place.Taken(gpu)) allotment.gpus.push_back(gpu);
  }
  if (std::ssize(allotment.gpus) < job.spec->need.gpus) return std::nullopt;
  place.used = with;
  place.Take(allotment.gpus);
  return allotment;
}

}  // namespace carbond
