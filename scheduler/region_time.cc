#include "scheduler/region_time.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

namespace carbond {
namespace {

// A slope (weight x price) has at most so many bits, and the finest difference
// of prices is worth so many.
constexpr int kMostBits = 56;
constexpr int kFineBits = 40;
constexpr int64_t kCoarse = 3'600'000;
// What is not known is priced above all that is, by so many ranges of that: a
// multiple of the highest would weigh the more the dirtier the whole grid is.
constexpr int64_t kUnknown = 4;

int BitsOf(int64_t n) {
  return static_cast<int>(std::bit_width(static_cast<uint64_t>(n)));
}

int64_t PowerOf(Watts power) {
  return std::max<int64_t>(power.thousandths(), 1);
}

}  // namespace

int RegionTime::SlotAt(int64_t t) const {
  const int64_t cell = (t - begin()) >> step_bits_;
  int i = guess_[static_cast<size_t>(
      std::clamp<int64_t>(cell, 0, std::ssize(guess_) - 1))];
  while (i + 1 < count() && points_[Index(i + 1)] <= t) ++i;
  return i;
}

int64_t RegionTime::UnknownUntil(int64_t t) const {
  if (unknown_.back() == 0) return 0;
  const int i = SlotAt(t);
  return unknown_[Index(i)] + (known_[Index(i)] ? 0 : t - point(i));
}

void FleetTime::MakeRegion(const PlanRegion& region, Instant now,
                           Instant until) {
  RegionTime time;
  Instant at = now;
  const auto add = [&](Instant end, int64_t price, bool known) {
    if (end <= at) return;
    time.points_.push_back(at.millis());
    time.prices_.push_back(price);
    time.known_.push_back(known);
    at = end;
  };
  for (const Slot& slot : region.outlook.slots()) {
    if (slot.interval.end <= at) continue;
    if (slot.interval.begin >= until) break;
    add(std::min(slot.interval.begin, until), 0, false);
    add(std::min(slot.interval.end, until),
        slot.intensity.thousandths() * region.pue.thousandths(), true);
  }
  add(until, 0, false);
  time.points_.push_back(until.millis());
  regions_.push_back(std::move(time));
}

FleetTime::FleetTime(const PlanInput& input) {
  Instant until = input.now + hours(1);
  int64_t heaviest = 1;
  power_divisor_ = 0;
  for (const PlanJob& job : input.jobs) {
    until = std::max(until, job.deadline);
    power_divisor_ = std::gcd(power_divisor_, PowerOf(job.power));
    heaviest = std::max(heaviest, PowerOf(job.power));
  }
  power_divisor_ = std::max<int64_t>(power_divisor_, 1);
  heaviest /= power_divisor_;
  for (const PlanRegion& region : input.regions) {
    MakeRegion(region, input.now, until);
  }
  int64_t lowest = 0;
  bool any = false;
  divisor_ = 0;
  highest_ = 0;
  for (const RegionTime& time : regions_) {
    for (size_t i = 0; i < time.prices_.size(); ++i) {
      if (!time.known_[i]) continue;
      divisor_ = std::gcd(divisor_, time.prices_[i]);
      highest_ = std::max(highest_, time.prices_[i]);
      lowest = any ? std::min(lowest, time.prices_[i]) : time.prices_[i];
      any = true;
    }
  }
  divisor_ = std::max<int64_t>(divisor_, 1);
  highest_ = std::max<int64_t>(highest_ / divisor_, 1);
  lowest /= divisor_;
  const int weight_bits = BitsOf(heaviest);
  finer_ = std::max(kFineBits - weight_bits - BitsOf(highest_ - lowest), 0);
  unknown_ = highest_ + kUnknown * (highest_ - lowest) + 1;
  const int bits = weight_bits + BitsOf(unknown_);
  finer_ = std::clamp(kMostBits - bits, 0, finer_);
  coarser_ = std::max(bits - kMostBits, 0);
  exact_ = coarser_ == 0;
  for (RegionTime& time : regions_) {
    for (size_t i = 0; i < time.prices_.size(); ++i) {
      int64_t& price = time.prices_[i];
      price = time.known_[i] ? price / divisor_ : unknown_;
      price >>= coarser_;
    }
    Finish(time);
  }
  range_ = (highest_ - lowest) >> coarser_;
  highest_ = std::max<int64_t>(highest_ >> coarser_, 1);
  unknown_ >>= coarser_;
}

void FleetTime::Finish(RegionTime& time) {
  Int128 sum = 0;
  int64_t unknown = 0;
  for (size_t i = 0; i < time.prices_.size(); ++i) {
    time.sums_.push_back(sum);
    time.unknown_.push_back(unknown);
    const int64_t length = time.points_[i + 1] - time.points_[i];
    sum += static_cast<Int128>(time.prices_[i]) * length;
    unknown += time.known_[i] ? 0 : length;
  }
  time.sums_.push_back(sum);
  time.unknown_.push_back(unknown);
  // A power of two: to divide takes longer than the rest of a look.
  const int64_t each = (time.end() - time.begin()) / time.count();
  time.step_bits_ = BitsOf(each) - (each > 1 ? 1 : 0);
  const int64_t step = int64_t{1} << time.step_bits_;
  int slot = 0;
  for (int64_t t = time.begin(); t <= time.end(); t += step) {
    while (slot + 1 < time.count() && time.point(slot + 1) <= t) ++slot;
    time.guess_.push_back(slot);
  }
}

FleetTime FleetTime::Coarse() const {
  FleetTime coarse = *this;
  for (int r = 0; r < count(); ++r) {
    const RegionTime& fine = region(r);
    RegionTime time;
    for (int i = 0; i < fine.count();) {
      int last = i;  // whole slots that end within an hour
      while (last + 1 < fine.count() &&
             fine.point(last + 2) <= fine.point(i) + kCoarse) {
        ++last;
      }
      const Int128 cost =
          fine.Until(fine.point(last + 1), last) - fine.Until(fine.point(i), i);
      time.points_.push_back(fine.point(i));
      time.prices_.push_back(
          static_cast<int64_t>(cost / (fine.point(last + 1) - fine.point(i))));
      time.known_.push_back(true);
      i = last + 1;
    }
    time.points_.push_back(fine.end());
    Finish(time);
    coarse.regions_[static_cast<size_t>(r)] = std::move(time);
  }
  return coarse;
}

int64_t FleetTime::WeightOf(Watts power) const {
  return (PowerOf(power) / power_divisor_) << finer_;
}

double FleetTime::unit() const {
  return std::ldexp(
      static_cast<double>(divisor_) * static_cast<double>(power_divisor_),
      coarser_ - finer_);
}

Grams FleetTime::GramsOf(Int128 cost) const {
  // Milliwatts x milliseconds x mg/kWh x thousandths of PUE, per milligram.
  constexpr Int128 kUnit = Int128{3'600'000'000'000} * 1000;
  Int128 whole = (cost >> finer_) * power_divisor_;
  // Multiplied in two steps, lest it overflow.
  const Int128 unit = static_cast<Int128>(divisor_) << coarser_;
  const Int128 grams = whole / kUnit * unit + whole % kUnit * unit / kUnit;
  return Grams::FromThousandths(static_cast<int64_t>(grams));
}

}  // namespace carbond
