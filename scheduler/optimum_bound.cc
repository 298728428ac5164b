#include "scheduler/optimum_bound.h"

#include <algorithm>

#include "scheduler/optimum_repair.h"

namespace carbond {
namespace {

constexpr int kRunPriceSteps = 8;

}  // namespace

template <typename C>
void CostBound<C>::Relax(const std::optional<Optimum>& unbroken, C limit) {
  limit_ = limit;
  for (int i = 0; i < time_.count(); ++i) {
    for (int place = 0; place < time_.places(); ++place) {
      dearest_ = std::max(dearest_, time_.price(place, i));
    }
  }
  ClimbFromRows(unbroken);
  const auto most = static_cast<size_t>(rules_.task.max_runs);
  if (most > 0 && most_runs_ > most) PriceRuns(unbroken);
  loose_ = best_;
}

template <typename C>
void CostBound<C>::Adapt() {
  paths_.Solve(nullptr, best_);
  loose_ = best_;
}

// The lines to climb between are those of rows: of one run that ends as soon as
// it has begun, and of the unbroken one.
template <typename C>
void CostBound<C>::ClimbFromRows(const std::optional<Optimum>& unbroken) {
  whole_ = -kInfinite<C>;
  Look none;
  none.possible = true;
  none.cost = run_price_;
  const int place = std::max(rules_.moves.at, 0);
  none.work = rules_.WorkOf({{time_.begin(), time_.begin(), place}});
  Look high;
  if (unbroken) {
    high = {dearest_ + 2,
            static_cast<C>(unbroken->cost) + run_price_,
            rules_.task.work,
            true,
            {}};
  } else {
    high = Try(dearest_ + 1);
  }
  Climb(none, std::move(high));
  if (whole_ == -kInfinite<C>) Try(low_);
}

// The price of a run is doubled until the runs are few enough, then halved
// towards the least that keeps them so; the greatest bound is kept.
template <typename C>
void CostBound<C>::PriceRuns(const std::optional<Optimum>& unbroken) {
  const auto most = static_cast<size_t>(rules_.task.max_runs);
  C low = 0, high = 0;
  C price = best_.lambda * (rules_.task.restore + rules_.task.save) + 1;
  C best_price = 0, best_whole = whole_;
  for (int step = 0; step < kRunPriceSteps; ++step) {
    run_price_ = price;
    ClimbFromRows(unbroken);
    if (whole_ > best_whole) {
      best_whole = whole_;
      best_price = price;
    }
    (most_runs_ > most ? low : high) = price;
    price = high == 0 ? 4 * low : (low + high) / 2;
    if (price == low || whole_ >= limit_) break;
  }
  run_price_ = best_price;
  ClimbFromRows(unbroken);
}

template <typename C>
void CostBound<C>::Refine(const std::vector<bool>& may_begin) {
  arcs_.emplace(time_, rules_, may_begin);
  const C whole = whole_;
  whole_ = -kInfinite<C>;
  const Look middle = Try(best_.lambda);
  if (!middle.possible) {
    whole_ = kInfinite<C>;
    return;
  }
  // Where the least length does not matter, there is no more to be had.
  if (whole_ > whole) ClimbAround(middle);
  if (best_.lambda == loose_.lambda) return;
  loose_.lambda = best_.lambda;
  paths_.Solve(nullptr, loose_);
}

template <typename C>
void CostBound<C>::AddPrices() {
  for (const int part : {4, 16, 64, 256}) {
    for (const C by : {best_.lambda / part, -best_.lambda / part}) {
      Look look = LookAt(best_.lambda + by);
      Guess(std::move(look.runs));
      more_.push_back(ways_);
    }
  }
}

template <typename C>
void CostBound<C>::ClimbAround(const Look& middle) {
  const int64_t work = rules_.task.work;
  if (middle.work >= work) {
    Look low = Try(low_);
    if (low.work >= work && low_ > 0) low = Try(0);
    Climb(std::move(low), middle);
  } else {
    Look high = Try(high_);
    if (high.work < work) high = Try(dearest_ + 1);
    Climb(middle, std::move(high));
  }
}

template <typename C>
typename CostBound<C>::Look CostBound<C>::LookAt(C lambda) {
  ways_.lambda = lambda;
  ways_.run_price = run_price_;
  paths_.Solve(Arcs(), ways_);
  Look look;
  look.lambda = lambda;
  look.possible = Known(ways_.start);
  if (look.possible) {
    look.runs = paths_.Walk(Arcs(), ways_);
    look.work = rules_.WorkOf(look.runs);
    look.cost = ways_.start + lambda * look.work;
  }
  return look;
}

template <typename C>
C CostBound<C>::WholeOf(const RelaxedWays<C>& ways) const {
  if (!Known(ways.start)) return kInfinite<C>;
  return ways.start + ways.lambda * rules_.task.work -
         ways.run_price * rules_.task.max_runs;
}

// Keeps the bound if it is the best.
template <typename C>
typename CostBound<C>::Look CostBound<C>::Try(C lambda) {
  Look look = LookAt(lambda);
  const C whole = WholeOf(ways_);
  if (whole > whole_) {
    whole_ = whole;
    std::swap(ways_, best_);
  }
  return look;
}

// The greatest bound lies where the work of the relaxed solution passes the
// demand. Each solution is a line over lambda; the next lambda is where the
// lines of the two sides meet.
template <typename C>
void CostBound<C>::Climb(Look low, Look high) {
  for (int step = 0; step < 40 && high.work > low.work; ++step) {
    if (!low.possible || !high.possible || whole_ >= limit_) break;
    const C meet = (high.cost - low.cost) / (high.work - low.work);
    // At more than the dearest price all that can be done is.
    const C lambda = std::min<C>(meet, dearest_ + 1);
    if (lambda <= low.lambda || lambda >= high.lambda) break;
    Look middle = Try(lambda);
    (middle.work >= rules_.task.work ? high : low) = std::move(middle);
  }
  low_ = low.lambda;
  high_ = high.lambda;
  most_runs_ = std::max(low.runs.size(), high.runs.size());
  Guess(std::move(low.runs));
  Guess(std::move(high.runs));
}

template <typename C>
void CostBound<C>::Guess(std::vector<RunSpan> runs) {
  if (runs.size() < 2 || !Repair(time_, rules_, runs)) return;
  const C cost = time_.CostOf(rules_.task, rules_.moves, runs);
  guesses_.push_back({cost, std::move(runs)});
}

template class CostBound<int64_t>;
template class CostBound<Cost>;

}  // namespace carbond
