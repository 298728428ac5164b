#pragma once
// The priced time of one region, made once and shared by all jobs of a plan:
// slots, their prices and their sums. Whole numbers throughout, so that a plan
// is the same on every machine.

#include <cstdint>
#include <vector>

#include "scheduler/planner.h"
#include "scheduler/units.h"

namespace carbond {

// Slots follow each other from the plan's instant to the last deadline. Points
// are milliseconds since 1970; a price is intensity x PUE, in a unit that all
// regions of a plan share.
class RegionTime {
 public:
  int count() const { return static_cast<int>(prices_.size()); }
  int64_t point(int i) const { return points_[Index(i)]; }
  int64_t begin() const { return points_.front(); }
  int64_t end() const { return points_.back(); }
  int64_t price(int slot) const { return prices_[Index(slot)]; }
  // No forecast, no history: priced above all that is known.
  bool Knows(int64_t from, int64_t to) const {
    return UnknownUntil(to) == UnknownUntil(from);
  }

  bool SameSlots(const RegionTime& other) const {
    return points_ == other.points_;
  }

  // The slot that holds t, the last one for t = end().
  int SlotAt(int64_t t) const;
  // Price x milliseconds from begin() to t, which lies in or borders `slot`.
  Int128 Until(int64_t t, int slot) const {
    return sums_[Index(slot)] +
           static_cast<Int128>(price(slot)) * (t - point(slot));
  }

 private:
  friend class FleetTime;
  static size_t Index(int i) { return static_cast<size_t>(i); }
  int64_t UnknownUntil(int64_t t) const;

  std::vector<int64_t> points_;  // count() + 1
  std::vector<int64_t> prices_;
  std::vector<Int128> sums_;      // at each point
  std::vector<int64_t> unknown_;  // milliseconds until each point
  std::vector<bool> known_;
  std::vector<int32_t> guess_;  // the slot at each of steps of 2^step_bits_
  int step_bits_ = 0;
};

// The regions of a plan, in the order of the input, and the units of cost.
//
// A job's cost is weight x price x milliseconds. Prices and weights are divided
// by their greatest common divisors, which makes a plan deaf to the scale of
// the intensity, and weights are multiplied by a power of two, so that the
// prices on full time (prices.h), whole numbers in the same unit, are fine
// enough.
class FleetTime {
 public:
  explicit FleetTime(const PlanInput& input);

  // The same with slots of about an hour, each with the mean price: cheaper to
  // search for prices on full time.
  FleetTime Coarse() const;

  int count() const { return static_cast<int>(regions_.size()); }
  const RegionTime& region(int i) const {
    return regions_[static_cast<size_t>(i)];
  }
  int64_t WeightOf(Watts power) const;
  // False where the largest numbers had to be rounded down.
  bool exact() const { return exact_; }
  // Rounded down to a milligram: a bound stays one.
  Grams GramsOf(Int128 cost) const;
  // What a cost of one is worth, the same in all plans.
  double unit() const;

  int64_t highest_price() const { return highest_; }
  int64_t unknown_price() const { return unknown_; }
  int64_t price_range() const { return range_; }  // dearest less cheapest
  int64_t lowest_price() const { return highest_ - range_; }

 private:
  static void Finish(RegionTime& time);
  void MakeRegion(const PlanRegion& region, Instant now, Instant until);

  std::vector<RegionTime> regions_;
  int64_t divisor_ = 1;        // of prices
  int64_t power_divisor_ = 1;  // of weights
  int64_t highest_ = 1, unknown_ = 1;
  int64_t range_ = 0;
  int finer_ = 0;    // weights are multiplied by 2^finer
  int coarser_ = 0;  // or prices divided by 2^coarser
  bool exact_ = true;
};

}  // namespace carbond
