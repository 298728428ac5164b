#pragma once
// A job as the spreading of many sees it: a cost per time, a need, a window.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "scheduler/region_time.h"

namespace carbond {

// Instants and lengths are milliseconds.
struct FleetJob {
  int64_t weight = 1;  // FleetTime::WeightOf its power
  Resources need;
  int64_t length = 0;    // running time without a pause, where its data are
  int64_t transfer = 0;  // and so much more in every other region
  int data_region = -1;  // -1: its data are everywhere
  // Running time with pauses is at least this; 0: it cannot be paused.
  int64_t in_pieces = 0;
  int64_t begin = 0;  // not before
  int64_t end = 0;    // finished by
  // Paused until then, where its data are; a bound may leave that out.
  int64_t ready = 0;
  bool fixed = false;  // unbroken it starts at `begin` and at no other instant
  std::vector<int> regions;  // where it may run and fits, by preference
  // Where runs that follow a pause may lie, if not in the first one's region.
  std::vector<int> later_regions;

  int64_t LengthIn(int region) const {
    return length + (data_region >= 0 && data_region != region ? transfer : 0);
  }

  // The earliest begin of an unbroken run. Keeping the deadline goes before the
  // least length of a pause.
  int64_t BeginIn(int region) const {
    if (ready <= begin) return begin;
    const bool moves = data_region >= 0 && data_region != region;
    const int64_t from = ready - (moves ? transfer : 0);
    return std::max(begin, std::min(from, end - LengthIn(region)));
  }

  friend bool operator==(const FleetJob&, const FleetJob&) = default;
};

// Where a job stands, unbroken.
struct Place {
  int region = -1;  // -1: nowhere
  int64_t begin = 0;

  friend bool operator==(const Place&, const Place&) = default;
};

// What a job pays for a stretch of a region's time: something with
//   int64_t Slope(int slot), cost per millisecond in a slot, and
//   Int128 Until(int64_t t, int slot), the cost from the region's begin to t.
struct GramsOnly {
  const RegionTime& time;
  int64_t weight;

  int64_t Slope(int slot) const { return weight * time.price(slot); }
  Int128 Until(int64_t t, int slot) const {
    return weight * time.Until(t, slot);
  }
};

struct BestStart {
  Int128 cost = 0;
  int64_t begin = 0;
  int64_t looked = 0;  // starts that were looked at
};

// The cheapest start in [from, last], the earliest among equals. Between the
// instants at which the start or the end meets a slot border the cost is
// linear: so only those are looked at, in one walk that adds up slopes.
template <typename Tariff>
BestStart CheapestStart(const Tariff& tariff, const RegionTime& time,
                        int64_t length, int64_t from, int64_t last) {
  int64_t begin = from, end = from + length;
  int i = time.SlotAt(begin), k = time.SlotAt(end);
  Int128 cost = tariff.Until(end, k) - tariff.Until(begin, i);
  BestStart best{cost, begin, 1};
  int64_t leaving = tariff.Slope(i), entering = tariff.Slope(k);
  while (begin < last) {
    const int64_t to_next = time.point(i + 1) - begin;
    const int64_t to_end = time.point(k + 1) - end;
    int64_t step = to_next < to_end || to_end == 0 ? to_next : to_end;
    if (step > last - begin) step = last - begin;
    cost += static_cast<Int128>(entering - leaving) * step;
    begin += step;
    end += step;
    if (cost < best.cost) {
      best.cost = cost;
      best.begin = begin;
    }
    ++best.looked;
    if (begin == time.point(i + 1)) leaving = tariff.Slope(++i);
    if (end == time.point(k + 1) && k + 1 < time.count()) {
      entering = tariff.Slope(++k);
    }
  }
  return best;
}

}  // namespace carbond
