// Makes room for jobs that found no place.
//
// Guided ejection search: Nagata, Braysy, "A powerful route minimization
// heuristic for the vehicle routing problem with time windows", Operations
// Research Letters 37 (2009). A job without a place takes one where those are
// in its way that have been the least trouble to place so far; they seek a
// place next, and so on. What is hard to place becomes trouble soon, and is
// left where it is.

#include <algorithm>
#include <limits>

#include "scheduler/spread.h"

namespace carbond {
namespace {

constexpr int64_t kHour = 3'600'000;
constexpr int kTriesARegion = 16;
constexpr int kShaken = 10;
constexpr int64_t kAnyTrouble = std::numeric_limits<int64_t>::max() / 2;

size_t Index(int64_t i) { return static_cast<size_t>(i); }

Interval RunOf(const FleetJob& job, const Place& place) {
  const Instant begin = Instant::FromMillis(place.begin);
  return {begin, begin + Duration(job.LengthIn(place.region))};
}

// A job without a place is as much trouble as it is large and bound.
int64_t BulkOf(const FleetJob& job) {
  return 1 + job.length * (1 + job.need.gpus) / kHour /
                 std::max<int64_t>(std::ssize(job.regions), 1);
}

}  // namespace

// Those of the region that run within [place.begin, end), in no order.
std::vector<int> Spread::StandingIn(const Place& place, int64_t end) const {
  std::vector<int> standing;
  const int64_t first = HourAt(place.begin);
  for (int64_t h = first; h <= HourAt(end - 1); ++h) {
    for (const int job : crowds_[Index(place.region)][Index(h)]) {
      const Place& at = places_[Index(job)];
      // It stands in several hours, and counts in the first of them.
      if (h != std::max(first, HourAt(at.begin))) continue;
      const int64_t its_end = at.begin + jobs_[Index(job)].LengthIn(at.region);
      if (at.begin < end && place.begin < its_end) standing.push_back(job);
    }
  }
  return standing;
}

// At the ends of its window, and beside others that stand in it.
std::vector<Place> Spread::PlacesToTry(int job) {
  const FleetJob& of = jobs_[Index(job)];
  std::vector<Place> places;
  for (const int region : of.regions) {
    const int64_t length = of.LengthIn(region);
    const int64_t first = of.fixed ? of.begin : of.BeginIn(region);
    const int64_t last = of.fixed ? of.begin : of.end - length;
    if (last < first) continue;
    places.push_back({region, first});
    if (last == first) continue;
    places.push_back({region, last});
    const int64_t first_hour = HourAt(first);
    const auto span =
        static_cast<uint64_t>(HourAt(of.end - 1) - first_hour + 1);
    for (int i = 0; i < kTriesARegion; ++i) {
      const int64_t hour = first_hour + static_cast<int64_t>(Random(span));
      const Crowd& crowd = crowds_[Index(region)][Index(hour)];
      if (crowd.empty()) continue;
      const int other = crowd[Random(crowd.size())];
      const int64_t begin = places_[Index(other)].begin;
      const int64_t end = begin + jobs_[Index(other)].LengthIn(region);
      const int64_t beside[] = {begin, end, begin - length, end - length};
      places.push_back({region, std::clamp(beside[Random(4)], first, last)});
    }
  }
  return places;
}

bool Spread::Fits(int job, const Place& place) {
  const Interval run = RunOf(jobs_[Index(job)], place);
  work_ += 1 + run.length().count() / kHour;
  free_[Index(place.region)].TimesWith(jobs_[Index(job)].need, run, stretches_);
  return stretches_.size() == 1 && stretches_[0] == run;
}

// Who has to leave for a place; nothing where that is `most` trouble or more.
std::optional<Spread::Spot> Spread::SpotAt(int job, const Place& place,
                                           int64_t most) {
  CapacityProfile& free = free_[Index(place.region)];
  const auto leave = [&](int other, bool leaves) {
    const Interval its = RunOf(jobs_[Index(other)], places_[Index(other)]);
    const Resources& need = jobs_[Index(other)].need;
    leaves ? free.Give(its, need) : free.Take(its, need);
  };
  std::vector<int> others =
      StandingIn(place, RunOf(jobs_[Index(job)], place).end.millis());
  std::sort(others.begin(), others.end(), [&](int a, int b) {
    const int64_t one = trouble_[Index(a)], other = trouble_[Index(b)];
    return one != other ? one < other : a < b;
  });
  Spot spot{place, {}, 0};
  bool room = Fits(job, place);
  for (const int other : others) {
    if (room || spot.trouble / 2 >= most) break;
    leave(other, true);
    spot.leave.push_back(other);
    spot.trouble += trouble_[Index(other)];
    room = Fits(job, place);
  }
  // Some of them need not leave after all: the most troublesome stays first.
  for (size_t i = spot.leave.size(); room && i-- > 0;) {
    const int other = spot.leave[i];
    leave(other, false);
    if (Fits(job, place)) {
      spot.trouble -= trouble_[Index(other)];
      spot.leave.erase(spot.leave.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      leave(other, true);
    }
  }
  for (const int other : spot.leave) leave(other, false);
  if (!room || spot.trouble >= most) return std::nullopt;
  return spot;
}

// Moves a few to other places, so that no two rounds begin alike: without it
// the search went in circles where the jobs fill more than half of all there
// is.
void Spread::Shake() {
  for (int i = 0; i < kShaken; ++i) {
    const auto job = static_cast<int>(Random(jobs_.size()));
    const Place was = places_[Index(job)];
    if (was.region < 0) continue;
    TakeOut(job);
    Place to = was;
    for (const Place& place : PlacesToTry(job)) {
      if (Random(3) > 0 || !Fits(job, place)) continue;
      to = place;
      break;
    }
    Put(job, to);
  }
}

// Gives the job a place if there is one; who must leave for it joins the
// seekers.
void Spread::Seat(int job, std::vector<int>& seekers) {
  const int share = any_price_ ? static_cast<int>(Random(5)) : 0;
  const Found found = Find(job, share);
  if (found.place.region >= 0) return Put(job, found.place);
  trouble_[Index(job)] += BulkOf(jobs_[Index(job)]);
  std::optional<Spot> best;
  for (const Place& place : PlacesToTry(job)) {
    auto spot = SpotAt(job, place, best ? best->trouble : kAnyTrouble);
    if (spot) best = std::move(spot);
  }
  if (!best) return;
  for (const int other : best->leave) {
    TakeOut(other);
    seekers.push_back(other);
  }
  Put(job, best->place);
  Shake();
}

int64_t Spread::MakeRoom(int64_t budget) {
  const int64_t start = work_;
  std::vector<int> seekers = nowhere_;
  std::erase_if(seekers,
                [&](int job) { return jobs_[Index(job)].regions.empty(); });
  if (seekers.empty()) return 0;
  std::sort(seekers.begin(), seekers.end());
  for (size_t i = 0; i < jobs_.size(); ++i) trouble_[i] = BulkOf(jobs_[i]);
  std::vector<Place> best = places_;
  Worth best_worth = worth_;
  while (!seekers.empty() && SpentSince(start) < budget) {
    work_ += 8;
    const int job = seekers.back();
    seekers.pop_back();
    Seat(job, seekers);
    if (worth_ < best_worth) {
      best = places_;
      best_worth = worth_;
    }
  }
  Clear();
  Keep(best);
  return SpentSince(start);
}

}  // namespace carbond
