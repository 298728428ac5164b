#pragma once
// Places many jobs, unbroken, within the capacity, for few grams in all: first
// one after another at grams plus prices (prices.h), so that each leaves to
// others what they need more; then each moves where it is cheapest among the
// others, while the prices fade; then by taking a few that stand in each
// other's way out and in again, as long as work is allowed (large neighbourhood
// search:
// Shaw, "Using Constraint Programming and Local Search Methods to Solve Vehicle
// Routing Problems", CP 1998; ruin and recreate: Schrimpf et al., J. Comput.
// Phys. 159, 2000).
//
// Work is counted in starts looked at, never in time, and chance is a fixed
// sequence: the same input gives the same places on every machine.

#include <cstdint>
#include <optional>
#include <vector>

#include "scheduler/prices.h"

namespace carbond {

// What a plan of many is worth: first that few are late, then grams. Whoever
// has no place counts as if it ran through the cleanest time of all: if it cost
// nothing, to leave out the heaviest would look like saving, and the more so
// the dirtier the whole grid is.
struct Worth {
  int64_t unplaced = 0;
  Int128 cost = 0;  // in FleetTime's unit

  friend bool operator<(const Worth& a, const Worth& b) {
    return a.unplaced != b.unplaced ? a.unplaced < b.unplaced : a.cost < b.cost;
  }
};

class Spread {
 public:
  // `prices` may be those of nothing. All must outlive this.
  Spread(const FleetTime& time, std::vector<CapacityProfile> free,
         const std::vector<FleetJob>& jobs,
         const std::vector<RegionPrices>& prices);

  // Places at once those that stand somewhere already (and fit there still).
  void Keep(const std::vector<Place>& places);
  // Places all that have no place, in an order, cheapest at grams plus
  // `share`/4 of the prices. Returns the work spent.
  int64_t PlaceAll(const std::vector<int>& order, int share);
  // Places all anew, again and again: whoever complains (it found no place, or
  // one that costs far more than its best at the prices) comes earlier in the
  // next turn. Ends with the best of all turns and of what was before, where a
  // few without a place count as what room for them is likely to cost.
  // "Squeaky wheel" optimization: Joslin, Clements, JAIR 10 (1999).
  int64_t Turn(int64_t budget);
  // Each in its turn moves to its cheapest place among the others, whoever
  // loses most first: at grams plus prices, then at fewer of the prices, and at
  // last at grams (spread_sweeps.cc). Ends with the best of it and of what was
  // before. Returns the work spent.
  int64_t Sweep(int64_t budget);
  // Takes out and in again, for about so much work. Returns the work spent.
  int64_t Improve(int64_t budget);
  // Makes room for those that found none, however many grams that costs, until
  // all have a place or about so much work is done (spread_room.cc). Ends with
  // the fewest without a place. Returns the work spent.
  int64_t MakeRoom(int64_t budget);

  const std::vector<Place>& places() const { return places_; }
  const Worth& worth() const { return worth_; }

 private:
  struct Found {
    Place place;
    int rank = 0;      // of its region in the job's list
    Int128 price = 0;  // at which it was chosen
  };
  // Those that stand in an hour of a region, in no order.
  using Crowd = std::vector<int>;

  // A region of a job: what it costs there at least, were it alone, at grams
  // only and at grams plus prices; both times four.
  struct Reach {
    int place = 0;  // in its list of regions
    Int128 grams = 0, priced = 0;
  };

  uint64_t Random(uint64_t below);
  int64_t SpentSince(int64_t work) const;
  int64_t HourAt(int64_t t) const;
  const std::vector<Reach>& ReachOf(int job);
  Found Find(int job, int share) { return Find(job, share, Found()); }
  Found Find(int job, int share, Found best);
  void FindIn(int job, int place, int share, Found& best);
  Int128 BesideIsWorth(const FleetJob& job, int region) const;
  Int128 PricedCostOf(int job, const Place& place) const;
  Int128 CostOf(int job, const Place& place) const;
  Int128 CostOfNone(int job) const;
  Int128 RegretOf(int job);
  Place Wish(int job, int share);
  void Put(int job, const Place& place);
  void TakeOut(int job);
  void Clear();

  // ---- All anew (spread_turns.cc)
  std::vector<double> Complaints();
  Worth WorthWithRoom() const;

  // ---- Each to where it is cheapest (spread_sweeps.cc)
  std::vector<int> MostLossFirst();
  bool Move(int job, int share);
  int MoveAll(int share);

  // ---- A few out and in again (spread_ruin.cc)
  int Choose();
  void Ruin(int job);
  void RemoveAround(int region, int64_t begin, int64_t end, size_t count);
  void Order();
  void Recreate();
  void Settle(const std::vector<int>& removed, const Worth& before);

  // ---- Room for those without a place (spread_room.cc)
  // A place for a job, and who has to leave for it.
  struct Spot {
    Place place;
    std::vector<int> leave;
    int64_t trouble = 0;  // of those, in all
  };
  void Seat(int job, std::vector<int>& seekers);
  void Shake();
  std::vector<Place> PlacesToTry(int job);
  std::vector<int> StandingIn(const Place& place, int64_t end) const;
  bool Fits(int job, const Place& place);
  std::optional<Spot> SpotAt(int job, const Place& place, int64_t most);

  // Fixed after construction
  const FleetTime& time_;
  const std::vector<FleetJob>& jobs_;
  const std::vector<RegionPrices>& prices_;
  bool any_price_ = false;

  std::vector<CapacityProfile> free_;
  std::vector<Place> places_;
  std::vector<Int128> costs_;
  // By job, the cheapest first; found when it is asked for.
  std::vector<std::vector<Reach>> reach_;
  std::vector<std::vector<Crowd>> crowds_;  // by region and hour
  std::vector<int> nowhere_;                // those without a place
  std::vector<int> nowhere_at_;   // where each of them stands in that list
  std::vector<int64_t> trouble_;  // what each has been to the others so far
  Worth worth_;
  int64_t work_ = 0;
  bool snug_ = false;  // places beside others are preferred
  uint64_t chance_ = 0x9e3779b97f4a7c15;

  // Of a try
  std::vector<int> out_;
  std::vector<Place> were_;
  std::vector<Interval> stretches_;
};

}  // namespace carbond
