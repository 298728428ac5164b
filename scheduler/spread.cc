#include "scheduler/spread.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace carbond {
namespace {

constexpr int64_t kHour = 3'600'000;
// Work is counted in starts looked at by CheapestStart; here a start comes with
// capacities to look up and jobs to move.
constexpr int64_t kStart = 4;
// A part of the range of all prices.
constexpr int kBesideIsWorth = 128;

size_t Index(int64_t i) { return static_cast<size_t>(i); }

Interval IntervalOf(int64_t begin, int64_t end) {
  return {Instant::FromMillis(begin), Instant::FromMillis(end)};
}

}  // namespace

Spread::Spread(const FleetTime& time, std::vector<CapacityProfile> free,
               const std::vector<FleetJob>& jobs,
               const std::vector<RegionPrices>& prices)
    : time_(time),
      jobs_(jobs),
      prices_(prices),
      free_(std::move(free)),
      places_(jobs.size()),
      costs_(jobs.size()),
      reach_(jobs.size()),
      trouble_(jobs.size()) {
  for (const RegionPrices& each : prices) {
    for (const int64_t price : each.gpu) any_price_ |= price > 0;
    for (const int64_t price : each.cpu) any_price_ |= price > 0;
  }
  for (int r = 0; r < time.count(); ++r) {
    const int64_t span = time.region(r).end() - time.region(r).begin();
    crowds_.emplace_back(Index(std::min<int64_t>(span / kHour, 24 * 60) + 1));
  }
  nowhere_.resize(jobs.size());
  std::iota(nowhere_.begin(), nowhere_.end(), 0);
  nowhere_at_ = nowhere_;
  worth_.unplaced = std::ssize(jobs);
  for (size_t i = 0; i < jobs.size(); ++i) {
    worth_.cost += CostOfNone(static_cast<int>(i));
  }
}

// xorshift*: Vigna, ACM TOMS 42 (2016).
uint64_t Spread::Random(uint64_t below) {
  chance_ ^= chance_ >> 12;
  chance_ ^= chance_ << 25;
  chance_ ^= chance_ >> 27;
  return (chance_ * 0x2545f4914f6cdd1d >> 33) % below;
}

int64_t Spread::SpentSince(int64_t work) const {
  return kStart * (work_ - work);
}

int64_t Spread::HourAt(int64_t t) const {
  const int64_t hour = (t - time_.region(0).begin()) / kHour;
  return std::clamp<int64_t>(hour, 0, std::ssize(crowds_[0]) - 1);
}

Int128 Spread::PricedCostOf(int job, const Place& place) const {
  const FleetJob& of = jobs_[Index(job)];
  const RegionTime& time = time_.region(place.region);
  const GramsAndPrices tariff{time, prices_[Index(place.region)], of.weight,
                              of.need.gpus, of.need.cpus};
  const int64_t end = place.begin + of.LengthIn(place.region);
  return tariff.Until(end, time.SlotAt(end)) -
         tariff.Until(place.begin, time.SlotAt(place.begin));
}

Int128 Spread::CostOf(int job, const Place& place) const {
  const FleetJob& of = jobs_[Index(job)];
  const RegionTime& time = time_.region(place.region);
  const int64_t end = place.begin + of.LengthIn(place.region);
  return of.weight * (time.Until(end, time.SlotAt(end)) -
                      time.Until(place.begin, time.SlotAt(place.begin)));
}

Int128 Spread::CostOfNone(int job) const {
  const FleetJob& of = jobs_[Index(job)];
  return static_cast<Int128>(of.weight) * of.length * time_.lowest_price();
}

// What its place costs more, at the prices, than its best.
Int128 Spread::RegretOf(int job) {
  return PricedCostOf(job, places_[Index(job)]) - ReachOf(job)[0].priced / 4;
}

void Spread::Put(int job, const Place& place) {
  const FleetJob& of = jobs_[Index(job)];
  const int64_t end = place.begin + of.LengthIn(place.region);
  free_[Index(place.region)].Take(IntervalOf(place.begin, end), of.need);
  auto& crowds = crowds_[Index(place.region)];
  for (int64_t h = HourAt(place.begin); h <= HourAt(end - 1); ++h) {
    crowds[Index(h)].push_back(job);
  }
  places_[Index(job)] = place;
  costs_[Index(job)] = CostOf(job, place);
  worth_.cost += costs_[Index(job)] - CostOfNone(job);
  --worth_.unplaced;
  const int at = nowhere_at_[Index(job)];
  nowhere_[Index(at)] = nowhere_.back();
  nowhere_at_[Index(nowhere_.back())] = at;
  nowhere_.pop_back();
}

void Spread::TakeOut(int job) {
  const FleetJob& of = jobs_[Index(job)];
  Place& place = places_[Index(job)];
  const int64_t end = place.begin + of.LengthIn(place.region);
  free_[Index(place.region)].Give(IntervalOf(place.begin, end), of.need);
  auto& crowds = crowds_[Index(place.region)];
  for (int64_t h = HourAt(place.begin); h <= HourAt(end - 1); ++h) {
    Crowd& crowd = crowds[Index(h)];
    *std::find(crowd.begin(), crowd.end(), job) = crowd.back();
    crowd.pop_back();
  }
  worth_.cost += CostOfNone(job) - costs_[Index(job)];
  ++worth_.unplaced;
  nowhere_at_[Index(job)] = static_cast<int>(nowhere_.size());
  nowhere_.push_back(job);
  place = {};
}

const std::vector<Spread::Reach>& Spread::ReachOf(int job) {
  std::vector<Reach>& reach = reach_[Index(job)];
  if (!reach.empty()) return reach;
  const FleetJob& of = jobs_[Index(job)];
  for (int place = 0; place < std::ssize(of.regions); ++place) {
    const int region = of.regions[Index(place)];
    const int64_t length = of.LengthIn(region);
    const int64_t first = of.BeginIn(region);
    const int64_t last = of.fixed ? of.begin : of.end - length;
    if (last < first) continue;
    const RegionTime& time = time_.region(region);
    const BestStart grams = CheapestStart(GramsOnly{time, of.weight * 4}, time,
                                          length, first, last);
    const BestStart priced = CheapestStart(
        GramsAndPrices{time, prices_[Index(region)], of.weight * 4,
                       of.need.gpus * 4, of.need.cpus * 4},
        time, length, first, last);
    work_ += grams.looked + priced.looked;
    reach.push_back({place, grams.cost, priced.cost});
  }
  std::sort(reach.begin(), reach.end(), [](const Reach& a, const Reach& b) {
    return a.priced != b.priced ? a.priced < b.priced : a.place < b.place;
  });
  return reach;
}

// The cheapest place of a job in what is free, if it is cheaper than `best`;
// among equals the region that it prefers. Where a region cannot be cheaper
// than what was found, nobody looks: the least cost is concave in the share of
// the prices.
Spread::Found Spread::Find(int job, int share, Found best) {
  const FleetJob& of = jobs_[Index(job)];
  for (const Reach& reach : ReachOf(job)) {
    const Int128 least =
        (4 - share) * reach.grams + share * reach.priced -
        (snug_ ? 4 * BesideIsWorth(of, of.regions[Index(reach.place)]) : 0);
    const bool dearer = best.place.region >= 0 &&
                        (least > 4 * best.price ||
                         (least == 4 * best.price && reach.place > best.rank));
    if (!dearer) FindIn(job, reach.place, share, best);
  }
  return best;
}

// A place beside another job leaves fewer holes: it may cost a little.
Int128 Spread::BesideIsWorth(const FleetJob& job, int region) const {
  return static_cast<Int128>(job.weight) * job.LengthIn(region) *
         time_.price_range() / kBesideIsWorth;
}

void Spread::FindIn(int job, int place, int share, Found& best) {
  const FleetJob& of = jobs_[Index(job)];
  const int region = of.regions[Index(place)];
  const RegionTime& time = time_.region(region);
  const int64_t length = of.LengthIn(region);
  const int64_t first = of.BeginIn(region);
  const int64_t last = of.fixed ? of.begin : of.end - length;
  const Int128 worth = BesideIsWorth(of, region);
  free_[Index(region)].TimesWith(of.need, IntervalOf(first, last + length),
                                 stretches_);
  work_ += 1 + (of.end - of.begin) / kHour;
  const auto look = [&](const auto& tariff, const Interval& stretch) {
    const int64_t from = stretch.begin.millis();
    const int64_t until = stretch.end.millis() - length;
    if (until < from) return;
    BestStart start = CheapestStart(tariff, time, length, from, until);
    work_ += start.looked;
    const auto beside = [&](int64_t begin) {
      const int64_t end = begin + length;
      Int128 cost = tariff.Until(end, time.SlotAt(end)) -
                    tariff.Until(begin, time.SlotAt(begin));
      cost -= worth;
      if (cost < start.cost) start = {cost, begin, 0};
    };
    if (snug_ && from > first) beside(from);
    if (snug_ && until + length < of.end) beside(until);
    if (best.place.region < 0 || start.cost < best.price ||
        (start.cost == best.price && place < best.rank)) {
      best = {{region, start.begin}, place, start.cost};
    }
  };
  for (const Interval& stretch : stretches_) {
    if (share == 0) {
      look(GramsOnly{time, of.weight * 4}, stretch);
    } else {
      look(GramsAndPrices{time, prices_[Index(region)], of.weight * 4,
                          of.need.gpus * share, of.need.cpus * share},
           stretch);
    }
  }
}

// Where it would stand, were it alone.
Place Spread::Wish(int job, int share) {
  const FleetJob& of = jobs_[Index(job)];
  Place best;
  Int128 least = 0;
  for (const int region : of.regions) {
    const int64_t length = of.LengthIn(region);
    if (of.end - of.begin < length) continue;
    const RegionTime& time = time_.region(region);
    const int64_t last = of.fixed ? of.begin : of.end - length;
    const BestStart start = CheapestStart(
        GramsAndPrices{time, prices_[Index(region)], of.weight * 4,
                       of.need.gpus * share, of.need.cpus * share},
        time, length, of.BeginIn(region), last);
    work_ += start.looked;
    if (best.region < 0 || start.cost < least) {
      best = {region, start.begin};
      least = start.cost;
    }
  }
  return best;
}

void Spread::Keep(const std::vector<Place>& places) {
  for (size_t i = 0; i < jobs_.size(); ++i) {
    const FleetJob& job = jobs_[i];
    const Place& place = places[i];
    const int64_t end = place.begin + job.LengthIn(place.region);
    bool fits = place.region >= 0 && place.begin >= job.BeginIn(place.region) &&
                end <= job.end &&
                std::find(job.regions.begin(), job.regions.end(),
                          place.region) != job.regions.end();
    if (fits) {
      const Interval run = IntervalOf(place.begin, end);
      free_[Index(place.region)].TimesWith(job.need, run, stretches_);
      fits = stretches_.size() == 1 && stretches_[0] == run;
    }
    if (fits) Put(static_cast<int>(i), place);
  }
}

void Spread::Clear() {
  for (size_t i = 0; i < jobs_.size(); ++i) {
    if (places_[i].region >= 0) TakeOut(static_cast<int>(i));
  }
}

int64_t Spread::PlaceAll(const std::vector<int>& order, int share) {
  const int64_t before = work_;
  snug_ = any_price_ && share > 0;
  for (const int job : order) {
    if (places_[Index(job)].region >= 0) continue;
    const Found found = Find(job, any_price_ ? share : 0);
    if (found.place.region >= 0) Put(job, found.place);
  }
  snug_ = false;
  return SpentSince(before);
}

}  // namespace carbond
