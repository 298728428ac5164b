// Moves each job to where it is cheapest among the others.
//
// Placed at grams plus all of the prices, jobs leave to others more than these
// take: some of what is priced stays free. So the prices fade while all look
// again and again. A few such sweeps bring as much as ten times their work
// spent on taking a few out and in again.

#include <algorithm>

#include "scheduler/spread.h"

namespace carbond {
namespace {

// Prices fade so often, and return.
constexpr int kRounds = 2;
constexpr int kAllPrices = 4;
// Sweeps at grams only; hardly any job moves after these.
constexpr int kMostPlain = 4;

size_t Index(int64_t i) { return static_cast<size_t>(i); }

}  // namespace

// Those without a place, then who loses most.
std::vector<int> Spread::MostLossFirst() {
  std::vector<int> order = nowhere_;
  std::sort(order.begin(), order.end());
  std::vector<std::pair<Int128, int>> losses;
  for (size_t i = 0; i < jobs_.size(); ++i) {
    const auto job = static_cast<int>(i);
    if (places_[i].region >= 0) losses.push_back({-RegretOf(job), job});
  }
  std::sort(losses.begin(), losses.end());
  for (const auto& [loss, job] : losses) order.push_back(job);
  return order;
}

// With prices a job may go where it costs as much, but leaves fewer holes.
bool Spread::Move(int job, int share) {
  const Place was = places_[Index(job)];
  Found best;
  if (was.region >= 0) {
    if (share == 0) {
      const std::vector<int>& regions = jobs_[Index(job)].regions;
      const auto rank = std::find(regions.begin(), regions.end(), was.region);
      best = {was, static_cast<int>(rank - regions.begin()),
              4 * CostOf(job, was)};
    }
    TakeOut(job);
  }
  snug_ = share > 0;
  const Found found = Find(job, share, best);
  snug_ = false;
  const Place to = found.place.region >= 0 ? found.place : was;
  if (to.region >= 0) Put(job, to);
  return !(to == was);
}

int Spread::MoveAll(int share) {
  int moved = 0;
  for (const int job : MostLossFirst()) moved += Move(job, share);
  return moved;
}

int64_t Spread::Sweep(int64_t budget) {
  const int64_t start = work_;
  const auto spent = [&] { return SpentSince(start) >= budget; };
  const std::vector<Place> before = places_;
  const Worth was = worth_;
  for (int i = 0; any_price_ && i < kRounds && !spent(); ++i) {
    for (int share = kAllPrices; share > 0; --share) MoveAll(share);
  }
  for (int i = 0; i < kMostPlain && !spent(); ++i) {
    if (MoveAll(0) == 0) break;
  }
  if (was < worth_) {
    Clear();
    Keep(before);
  }
  return SpentSince(start);
}

}  // namespace carbond
