// Places all anew, again and again: who complained comes earlier.

#include <algorithm>
#include <cmath>
#include <numeric>

#include "scheduler/spread.h"

namespace carbond {
namespace {

constexpr int kMostTurns = 60;
// What room for a job is likely to cost, in ranges of all prices by its own
// size: others have to leave. More than time of which nothing is known.
constexpr int kRoomCosts = 8;
constexpr int64_t kFewOf = 500;  // one of so many

size_t Index(int64_t i) { return static_cast<size_t>(i); }

// What comes first when all is placed anew: whatever has little choice for its
// length, and large ones, which later find no room in one piece.
std::vector<double> FirstKeys(const std::vector<FleetJob>& jobs) {
  std::vector<double> keys;
  for (const FleetJob& job : jobs) {
    const auto length = static_cast<double>(std::max<int64_t>(job.length, 1));
    const auto slack = static_cast<double>(job.end - job.begin) - length;
    const double size =
        length * (1 + std::max(job.need.gpus, job.need.cpus / 8));
    keys.push_back((0.05 + std::max(slack, 0.0) / length) *
                   static_cast<double>(job.regions.size()) / std::sqrt(size));
  }
  return keys;
}

std::vector<int> InOrder(const std::vector<double>& keys) {
  std::vector<int> order(keys.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    return keys[Index(a)] < keys[Index(b)];
  });
  return order;
}

}  // namespace

std::vector<double> Spread::Complaints() {
  std::vector<double> complaints;
  for (size_t i = 0; i < jobs_.size(); ++i) {
    const double much = static_cast<double>(jobs_[i].weight) *
                        static_cast<double>(jobs_[i].length) *
                        static_cast<double>(time_.price_range()) / 8;
    if (places_[i].region < 0) {
      complaints.push_back(-1);
      continue;
    }
    const auto lost = static_cast<double>(RegretOf(static_cast<int>(i)));
    complaints.push_back(std::min(lost / (much + 1), 1.0));
  }
  return complaints;
}

// A few without a place will get one if there is any: a turn is not better
// because it has one more placed, but dear. Where they are many there is hardly
// room, and the fewest are the best.
Worth Spread::WorthWithRoom() const {
  Worth worth = worth_;
  worth.unplaced = std::max(worth.unplaced, std::ssize(jobs_) / kFewOf);
  for (const int job : nowhere_) {
    worth.cost += static_cast<Int128>(jobs_[Index(job)].weight) *
                  jobs_[Index(job)].length * time_.price_range() * kRoomCosts;
  }
  return worth;
}

int64_t Spread::Turn(int64_t budget) {
  int64_t spent = 0;
  std::vector<double> keys = FirstKeys(jobs_);
  std::vector<Place> best = places_;
  Worth best_worth = WorthWithRoom();
  for (int turn = 0; turn < kMostTurns && spent < budget; ++turn) {
    Clear();
    spent += PlaceAll(InOrder(keys), any_price_ ? 4 : 0);
    const Worth worth = WorthWithRoom();
    if (worth < best_worth) {
      best = places_;
      best_worth = worth;
    }
    const std::vector<double> complaints = Complaints();
    for (size_t i = 0; i < keys.size(); ++i) {
      if (complaints[i] < 0) keys[i] *= 0.1;
      if (complaints[i] > 0.02) keys[i] *= 1 - 0.3 * complaints[i];
    }
  }
  Clear();
  Keep(best);
  return spent;
}

}  // namespace carbond
