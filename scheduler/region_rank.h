#pragma once
// Where running would be cleanest: what an hour of it would emit in each
// region, the coming one and the best of the next day.

#include <optional>
#include <vector>

#include "scheduler/engine.h"

namespace carbond {

struct RankedRegion {
  RegionView view;
  // Of one kilowatt-hour that the computers themselves use, PUE included, by
  // the outlook that plans use. Nothing where the hour is not wholly known.
  std::optional<Grams> next_hour;  // from now on
  std::optional<Grams> best_hour;  // begins and ends within the next 24 h
  std::optional<Instant> best_hour_begin;
};

// The cleanest coming hour first, ties by name. Those of which it is not known
// come after them, and those that are drained last. Grams of different signals
// are not to be compared: regions of one signal stand together.
std::vector<RankedRegion> RankRegions(std::vector<RegionView> regions,
                                      Instant now);

}  // namespace carbond
