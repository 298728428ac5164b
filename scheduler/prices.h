#pragma once
// Prices on full time, and what they prove.
//
// Many jobs want the same clean hour. A price on each region's GPUs and cores
// in each slot, paid on top of the grams, makes each job look elsewhere by
// itself; where the prices are right, what all jobs choose just fits. This is
// the Lagrangian relaxation of the capacity: for any prices >= 0, the sum of
// every job's cheapest choice at grams plus prices, less the prices times the
// capacity, is no more than the grams of any plan that keeps to the capacity.
// The greatest such bound is sought by subgradient steps (Fisher, Management
// Science 27, 1981; Held, Wolfe, Crowder, Mathematical Programming 6, 1974), of
// a length of their own for each price (Kingma, Ba, "Adam", ICLR 2015), which
// shrinks from step to step. With ten thousand jobs a hundred steps came within
// 0.1 % of a thousand; Polyak's length, one for all, stayed 3 % below.
//
// All sums are exact whole numbers, so that the bound is one.

#include <cstdint>
#include <span>
#include <vector>

#include "scheduler/capacity.h"
#include "scheduler/fleet_job.h"

namespace carbond {

// Per GPU or core and millisecond, in FleetTime's unit, by slot.
struct RegionPrices {
  std::vector<int64_t> gpu, cpu;
  std::vector<Int128> gpu_sums, cpu_sums;  // from the begin to each point

  void SumUp(const RegionTime& time);
};

// Grams, and the prices of what the job needs.
struct GramsAndPrices {
  const RegionTime& time;
  const RegionPrices& prices;
  int64_t weight;
  int64_t gpus, cpus;

  int64_t Slope(int slot) const {
    const auto i = static_cast<size_t>(slot);
    return weight * time.price(slot) + gpus * prices.gpu[i] +
           cpus * prices.cpu[i];
  }
  Int128 Until(int64_t t, int slot) const {
    const auto i = static_cast<size_t>(slot);
    const int64_t part = t - time.point(slot);
    return weight * time.Until(t, slot) +
           gpus * (prices.gpu_sums[i] +
                   static_cast<Int128>(prices.gpu[i]) * part) +
           cpus *
               (prices.cpu_sums[i] + static_cast<Int128>(prices.cpu[i]) * part);
  }
};

// The same of a row of sums of all that.
struct SummedUp {
  const RegionTime& time;
  const std::vector<int64_t>& slopes;
  const std::vector<Int128>& sums;  // from the begin to each point

  int64_t Slope(int slot) const { return slopes[static_cast<size_t>(slot)]; }
  Int128 Until(int64_t t, int slot) const {
    const auto i = static_cast<size_t>(slot);
    return sums[i] + static_cast<Int128>(slopes[i]) * (t - time.point(slot));
  }
};

class Prices {
 public:
  // Prices of nothing. `free` holds what the jobs may share; all must outlive
  // this.
  Prices(const FleetTime& time, const std::vector<CapacityProfile>& free,
         const std::vector<FleetJob>& jobs);

  // Takes over prices found earlier, of the same slots.
  void Set(const std::vector<RegionPrices>& prices);

  // Steps towards the greatest bound until `budget` (starts looked at) is
  // spent. Steps begin and end with these lengths, in parts of the range of all
  // prices of grams. Returns what was spent.
  int64_t Climb(int64_t budget, int most_steps, double first, double last);

  // The greatest bound met, and its prices. Jobs that fit nowhere count as if
  // they could be turned away at several times their dearest cost.
  Int128 bound() const { return best_bound_; }
  const std::vector<RegionPrices>& prices() const { return best_; }

  // The mean of the later half of the last climb. Those of one step swing
  // between places that cost about the same: jobs placed at the mean emitted up
  // to 1 % less.
  const std::vector<RegionPrices>& mean() const { return mean_; }

  // The bound that the best prices prove for the jobs that are `counted`.
  Int128 BoundFor(const std::vector<bool>& counted) const;

  GramsAndPrices Tariff(const FleetJob& job, int region) const {
    return {time_.region(region), best_[static_cast<size_t>(region)],
            job.weight, job.need.gpus, job.need.cpus};
  }

 private:
  // Of the resources of a region in each slot.
  struct Load {
    std::vector<int64_t> gpu, cpu;        // unit-milliseconds
    std::vector<int64_t> gpu_on, cpu_on;  // units that begin (end) with it
  };
  struct Choice {
    Int128 cost = 0;
    int region = -1;
    int64_t begin = 0;
    bool in_pieces = false;
  };

  GramsAndPrices TariffOf(const FleetJob& job, int region,
                          const std::vector<RegionPrices>& prices) const;
  // Jobs whose power, GPUs and cores stand in one proportion: what they pay
  // differs by a factor, and is summed up once for all of them.
  struct Alike {
    int64_t weight = 1, gpus = 0, cpus = 0;    // in lowest terms
    std::vector<std::vector<int64_t>> slopes;  // by region; at the last prices
    std::vector<std::vector<Int128>> sums;
  };

  void FindAlike();
  void SumUp(Alike& alike) const;
  // `alike` may be null: then it is asked at any prices.
  Choice ChoiceOf(const FleetJob& job, const std::vector<RegionPrices>& prices,
                  const Alike* alike, int64_t& looked) const;
  Int128 InPieces(const FleetJob& job, std::span<const int> regions,
                  const std::vector<RegionPrices>& prices,
                  std::vector<Load>* load, int64_t& looked) const;
  Int128 TurnedAway(const FleetJob& job) const;
  void Count(const FleetJob& job, const Choice& choice, int64_t& looked);
  void CountRun(Load& load, const RegionTime& time, Resources need,
                int64_t begin, int64_t end) const;
  Int128 Evaluate(int64_t& looked);
  Int128 Rent(const std::vector<RegionPrices>& prices) const;
  void Step(double length);
  void TakeIntoMean(int64_t count);

  const FleetTime& time_;
  const std::vector<FleetJob>& jobs_;
  int64_t highest_;         // no price is above
  std::vector<Load> room_;  // unit-milliseconds that are free
  std::vector<Load> load_;  // of the choices at the last prices
  std::vector<RegionPrices> at_, best_, mean_;
  std::vector<Alike> alike_;
  std::vector<int> alike_of_;  // by job; -1: too few are like it
  struct Way {
    double mean = 0, square = 0;
  };
  std::vector<std::vector<Way>> gpu_way_, cpu_way_;
  double gpu_unit_ = 0, cpu_unit_ = 0;
  Int128 best_bound_ = 0;
  bool any_bound_ = false;
  bool aligned_ = true;  // all regions have the same slots
  struct Piece {
    int64_t slope = 0;
    int slot = 0, region = 0;
    auto operator<=>(const Piece&) const = default;
  };
  mutable std::vector<Piece> sorted_;  // scratch
};

}  // namespace carbond
