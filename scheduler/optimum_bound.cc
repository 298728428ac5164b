#include "scheduler/optimum_bound.h"

#include <algorithm>

#include "scheduler/optimum_repair.h"

namespace carbond {
namespace {

constexpr int kRunPriceSteps = 8;

template <typename C>
bool Known(C cost) {
  return cost < kInfinite<C> / 2;
}

}  // namespace

template <typename C>
CostBound<C>::CostBound(const PricedTime<C>& time, const Task& task)
    : time_(time), task_(task) {
  const auto points = Index(time.count()) + 1;
  for (Ways* ways : {&ways_, &best_}) {
    ways->idle.assign(points, kInfinite<C>);
    ways->running.assign(points, 0);  // at the window's end it ends
    ways->fresh.assign(points, kInfinite<C>);
  }
  best_.whole = -kInfinite<C>;
}

template <typename C>
void CostBound<C>::Relax(const std::optional<Optimum>& unbroken) {
  ClimbFromRows(unbroken);
  const auto most = static_cast<size_t>(task_.max_runs);
  if (most > 0 && most_runs_ > most) PriceRuns(unbroken);
  loose_running_ = best_.running;
  loose_lambda_ = best_.lambda;
}

// The lines to climb between are those of rows: of one run that ends as soon as
// it has begun, and of the unbroken one.
template <typename C>
void CostBound<C>::ClimbFromRows(const std::optional<Optimum>& unbroken) {
  best_.whole = -kInfinite<C>;
  dearest_ = 0;
  for (int i = 0; i < time_.count(); ++i) {
    dearest_ = std::max(dearest_, time_.price(i));
  }
  Look none;
  none.possible = true;
  none.cost = run_price_;
  none.work = WorkOf(task_, {{time_.begin(), time_.begin()}});
  Look high;
  if (unbroken) {
    high = {dearest_ + 2,
            static_cast<C>(unbroken->cost) + run_price_,
            task_.work,
            true,
            {}};
  } else {
    high = Try(dearest_ + 1);
  }
  Climb(none, std::move(high));
  if (best_.whole == -kInfinite<C>) Try(low_);
}

// The price of a run is doubled until the runs are few enough, then halved
// towards the least that keeps them so; the greatest bound is kept.
template <typename C>
void CostBound<C>::PriceRuns(const std::optional<Optimum>& unbroken) {
  const auto most = static_cast<size_t>(task_.max_runs);
  C low = 0, high = 0, price = best_.lambda * (task_.restore + task_.save) + 1;
  C best_price = 0, best_whole = best_.whole;
  for (int step = 0; step < kRunPriceSteps; ++step) {
    run_price_ = price;
    ClimbFromRows(unbroken);
    if (best_.whole > best_whole) {
      best_whole = best_.whole;
      best_price = price;
    }
    (most_runs_ > most ? low : high) = price;
    price = high == 0 ? 4 * low : (low + high) / 2;
    if (price == low) break;
  }
  run_price_ = best_price;
  ClimbFromRows(unbroken);
}

template <typename C>
void CostBound<C>::Refine(C limit) {
  FindPlacesToBegin(limit);
  arcs_.emplace(time_, task_, may_begin_);
  const C whole = best_.whole;
  best_.whole = -kInfinite<C>;
  const Look middle = Try(best_.lambda);
  if (!middle.possible) {
    best_.whole = kInfinite<C>;
    return;
  }
  // Where the least length does not matter, there is no more to be had.
  if (best_.whole > whole) ClimbAround(middle);
  PriceNextSteps();
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
  if (middle.work >= task_.work) {
    Look low = Try(low_);
    if (low.work >= task_.work && low_ > 0) low = Try(0);
    Climb(std::move(low), middle);
  } else {
    Look high = Try(high_);
    if (high.work < task_.work) high = Try(dearest_ + 1);
    Climb(middle, std::move(high));
  }
}

// ---- The shortest path at a price of work ---------------------------------

template <typename C>
C CostBound<C>::Cheapest(const Arcs& arcs) const {
  C best = kInfinite<C>;
  for (const auto& arc : arcs) best = std::min(best, ValueOf(arc));
  return best;
}

template <typename C>
C CostBound<C>::ValueOf(const Arc& arc) const {
  C after = 0;
  if (arc.target == RunArcs<C>::Target::kIdle)
    after = ways_.idle[Index(arc.point)];
  if (arc.target == RunArcs<C>::Target::kRunning) {
    after = ways_.running[Index(arc.point)];
  }
  return arc.cost - ways_.lambda * arc.work + run_price_ * arc.runs + after;
}

template <typename C>
void CostBound<C>::Solve(C lambda, const std::optional<RunArcs<C>>& arcs) {
  ways_.lambda = lambda;
  const C restore = lambda * task_.restore, save = lambda * task_.save;
  C idle = kInfinite<C>, running = 0, fresh = kInfinite<C>;
  for (int i = time_.count() - 1; i >= 0; --i) {
    // Ends here for good, or goes on.
    running = std::min<C>(RunsOn(i, running), 0);
    idle = Idles(i, idle);
    if (arcs) {
      idle = std::min(idle, Cheapest(arcs->FromIdle(i)));
      fresh = std::min(fresh, Cheapest(arcs->FromFresh(i)));
    } else {
      idle = std::min(idle, running + restore + run_price_);
      fresh = std::min(fresh, running + run_price_);
    }
    running = std::min(running, idle + save);
    ways_.idle[Index(i)] = idle;
    ways_.running[Index(i)] = running;
    ways_.fresh[Index(i)] = fresh;
  }
}

// At the price of work in `ways_`.
template <typename C>
C CostBound<C>::RunsOn(int i, C running_next) const {
  if (time_.blocked(i)) return kInfinite<C>;
  return running_next + (time_.price(i) - ways_.lambda) * time_.length(i);
}

template <typename C>
C CostBound<C>::Idles(int i, C idle_next) const {
  return idle_next + time_.idle_price(i) * time_.length(i);
}

template <typename C>
C CostBound<C>::Start() const {
  switch (task_.start) {
    case Task::Start::kFresh:
      return ways_.fresh[0];
    case Task::Start::kPaused:
      return ways_.idle[0];
    case Task::Start::kRunning:
      return arcs_ ? Cheapest(arcs_->FromStart())
                   : ways_.running[0] + run_price_ +
                         ways_.lambda * task_.restore_left;
  }
  return 0;
}

// ---- The best price of work -------------------------------------------------

template <typename C>
typename CostBound<C>::Look CostBound<C>::LookAt(C lambda) {
  Solve(lambda, arcs_);
  ways_.start = Start();
  ways_.whole = WholeOf(ways_.start, lambda);
  Look look;
  look.lambda = lambda;
  look.possible = Known(ways_.start);
  if (look.possible) {
    look.runs = Walk();
    look.work = WorkOf(task_, look.runs);
    look.cost = ways_.start + lambda * look.work;
  }
  return look;
}

template <typename C>
C CostBound<C>::WholeOf(C start, C lambda) const {
  if (!Known(start)) return kInfinite<C>;
  return start + lambda * task_.work - run_price_ * task_.max_runs;
}

// Keeps the bound if it is the best.
template <typename C>
typename CostBound<C>::Look CostBound<C>::Try(C lambda) {
  Look look = LookAt(lambda);
  if (ways_.whole > best_.whole) std::swap(ways_, best_);
  return look;
}

// The greatest bound lies where the work of the relaxed solution passes the
// demand. Each solution is a line over lambda; the next lambda is where the
// lines of the two sides meet.
template <typename C>
void CostBound<C>::Climb(Look low, Look high) {
  for (int step = 0; step < 40 && high.work > low.work; ++step) {
    if (!low.possible || !high.possible) break;
    const C meet = (high.cost - low.cost) / (high.work - low.work);
    // At more than the dearest price all that can be done is.
    const C lambda = std::min<C>(meet, dearest_ + 1);
    if (lambda <= low.lambda || lambda >= high.lambda) break;
    Look middle = Try(lambda);
    (middle.work >= task_.work ? high : low) = std::move(middle);
  }
  low_ = low.lambda;
  high_ = high.lambda;
  most_runs_ = std::max(low.runs.size(), high.runs.size());
  Guess(std::move(low.runs));
  Guess(std::move(high.runs));
}

template <typename C>
void CostBound<C>::Guess(std::vector<RunSpan> runs) {
  if (runs.size() < 2 || !Repair(time_, task_, runs)) return;
  const C cost = time_.CostOf(task_, runs);
  guesses_.push_back({cost, std::move(runs)});
}

// ---- The places that matter -------------------------------------------------

// The cheapest ways to each point without the least length, seen by `see` as
// they are before the point's own begin and end: idle and running.
template <typename C>
template <typename See>
void CostBound<C>::GoForward(C lambda, See see) const {
  const C restore = lambda * task_.restore, save = lambda * task_.save;
  const bool fresh = task_.start == Task::Start::kFresh;
  C idle = task_.start == Task::Start::kPaused ? 0 : kInfinite<C>;
  C running = task_.start == Task::Start::kRunning
                  ? lambda * task_.restore_left + run_price_
                  : kInfinite<C>;
  for (int i = 0;; ++i) {
    idle = std::min(idle, running + save);
    const C begun =
        std::min<C>(fresh ? 0 : kInfinite<C>, idle + restore) + run_price_;
    running = std::min(running, begun);
    see(i, idle, begun, running);
    if (i == time_.count()) return;
    idle = Idles(i, std::min(idle, running + save));
    running = RunsOn(i, running);
  }
}

// Through a begin at each border, without the least length: a run may end, for
// good or to pause, as soon as it has begun. Within a slot the
// cost is concave in the instant of the begin: where it reaches the limit on
// both borders, it does so in between.
template <typename C>
void CostBound<C>::FindPlacesToBegin(C limit) {
  const C lambda = best_.lambda;
  const C rest = limit - lambda * task_.work + run_price_ * task_.max_runs;
  std::vector<bool> begin(Index(time_.count()) + 1);
  ways_.lambda = lambda;
  GoForward(lambda, [&](int i, C, C begun, C) {
    begin[Index(i)] = begun + best_.running[Index(i)] < rest;
  });
  may_begin_.assign(begin.size(), false);
  for (size_t i = 0; i + 1 < begin.size(); ++i) {
    may_begin_[i] = begin[i] || begin[i + 1];
  }
}

// What is linear in an instant within a slot is least on one of its borders. A
// run may also end in a slot and another begin there later: that is bounded
// without the least length.
template <typename C>
void CostBound<C>::PriceNextSteps() {
  const C lambda = best_.lambda;
  const C restore = lambda * task_.restore, save = lambda * task_.save;
  if (lambda != loose_lambda_) {
    Solve(lambda, std::nullopt);
    loose_running_ = ways_.running;
  }
  std::swap(ways_, best_);  // Cheapest and RunsOn look at `ways_`
  const auto points = Index(time_.count()) + 1;
  to_begin_.assign(points, kInfinite<C>);
  to_begin_fresh_.assign(points, kInfinite<C>);
  to_end_.assign(points, kInfinite<C>);
  C begin = kInfinite<C>, fresh = kInfinite<C>;  // in the slot after
  for (int i = time_.count() - 1; i >= 0; --i) {
    const C idle = ways_.idle[Index(i)], next = ways_.idle[Index(i + 1)];
    const C loose = loose_running_[Index(i + 1)];
    const C again = std::min<C>({RunsOn(i, loose), Idles(i, loose), 0}) +
                    restore + run_price_;
    to_end_[Index(i)] = save + std::min({idle, RunsOn(i, next), again});
    const C begin_here = Cheapest(arcs_->FromIdle(i));
    const C fresh_here = Cheapest(arcs_->FromFresh(i));
    to_begin_[Index(i)] = std::min(begin_here, Idles(i, begin));
    to_begin_fresh_[Index(i)] = std::min(fresh_here, fresh);
    begin = begin_here;
    fresh = fresh_here;
  }
  std::swap(ways_, best_);
}

template <typename C>
void CostBound<C>::FindPlaces(C limit) {
  const C lambda = best_.lambda;
  const C rest = limit - lambda * task_.work + run_price_ * task_.max_runs;
  const auto points = Index(time_.count()) + 1;
  may_begin_from_idle_.assign(points, false);
  may_end_.assign(points, false);
  places_ = 0;
  ways_.lambda = lambda;
  GoForward(lambda, [&](int i, C idle, C, C running) {
    const bool begin = idle + to_begin_[Index(i)] < rest;
    const bool end = running + to_end_[Index(i)] < rest;
    may_begin_from_idle_[Index(i)] = begin;
    may_end_[Index(i)] = end;
    places_ += begin || end ? 1 : 0;
  });
}

// ---- The runs of the relaxed solution --------------------------------------

template <typename C>
class CostBound<C>::Walker {
 public:
  explicit Walker(const CostBound& bound)
      : bound_(bound), time_(bound.time_), ways_(bound.ways_) {}

  std::vector<RunSpan> Walk() {
    switch (bound_.task_.start) {
      case Task::Start::kFresh:
        while (ways_.fresh[Index(at_)] == ways_.fresh[Index(at_ + 1)]) ++at_;
        Begin(From::kFresh, ways_.fresh[Index(at_)]);
        break;
      case Task::Start::kRunning:
        Start();
        break;
      case Task::Start::kPaused:
        state_ = State::kIdle;
        break;
    }
    while (state_ != State::kEnd) {
      state_ == State::kIdle ? FromIdle() : FromRunning();
    }
    return std::move(runs_);
  }

 private:
  using From = typename RunArcs<C>::From;
  enum class State { kIdle, kRunning, kEnd };

  void Start() {
    if (bound_.arcs_) {
      Follow(From::kStart, ways_.start);
    } else {
      AddRun({time_.begin(), time_.begin()});
      state_ = State::kRunning;
    }
  }

  void FromIdle() {
    const C idle = ways_.idle[Index(at_)];
    const C stay =
        ways_.idle[Index(at_ + 1)] + time_.idle_price(at_) * time_.length(at_);
    if (idle == stay) {
      ++at_;
    } else {
      Begin(From::kIdle, idle);
    }
  }

  void Begin(From from, C value) {
    if (bound_.arcs_) return Follow(from, value);
    AddRun({time_.point(at_), time_.point(at_)});
    const bool goes_on = bound_.RunsOn(at_, ways_.running[Index(at_ + 1)]) < 0;
    state_ = goes_on ? State::kRunning : State::kEnd;
    if (goes_on) RunTo(at_ + 1);
  }

  void Follow(From from, C value) {
    const RunArcs<C>& arcs = *bound_.arcs_;
    const Arc* arc = from == From::kStart   ? arcs.FromStart().begin()
                     : from == From::kFresh ? arcs.FromFresh(at_).begin()
                                            : arcs.FromIdle(at_).begin();
    while (bound_.ValueOf(*arc) != value) ++arc;
    for (const RunSpan& run : arcs.RunsOf(from, at_, *arc)) AddRun(run);
    at_ = arc->point;
    using Target = typename RunArcs<C>::Target;
    state_ = arc->target == Target::kEnd    ? State::kEnd
             : arc->target == Target::kIdle ? State::kIdle
                                            : State::kRunning;
  }

  // Where two runs would touch, one is better.
  void AddRun(RunSpan run) {
    if (!runs_.empty() && runs_.back().end == run.begin) {
      runs_.back().end = run.end;
    } else {
      runs_.push_back(run);
    }
  }

  void FromRunning() {
    const C running = ways_.running[Index(at_)];
    if (running == 0) {
      state_ = State::kEnd;
    } else if (running == bound_.RunsOn(at_, ways_.running[Index(at_ + 1)])) {
      RunTo(at_ + 1);
    } else {
      state_ = State::kIdle;
    }
  }

  void RunTo(int i) {
    at_ = i;
    runs_.back().end = time_.point(i);
  }

  const CostBound& bound_;
  const PricedTime<C>& time_;
  const Ways& ways_;
  int at_ = 0;
  State state_ = State::kRunning;
  std::vector<RunSpan> runs_;
};

template <typename C>
std::vector<RunSpan> CostBound<C>::Walk() const {
  return Walker(*this).Walk();
}

template class CostBound<int64_t>;
template class CostBound<Cost>;

}  // namespace carbond
