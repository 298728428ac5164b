#include "scheduler/optimum_bound.h"

#include <algorithm>

#include "scheduler/optimum_repair.h"

namespace carbond {
namespace {

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
void CostBound<C>::Relax() {
  C highest = 0;
  for (int i = 0; i < time_.count(); ++i) {
    highest = std::max(highest, time_.price(i));
  }
  const Look low = LookAt(0);
  Climb(low, LookAt(highest + 1));
}

template <typename C>
void CostBound<C>::Refine(C limit) {
  FindPlaces(limit);
  arcs_.emplace(time_, task_, may_begin_);
  const C about = best_.lambda;
  best_.whole = -kInfinite<C>;
  const Look middle = LookAt(about);
  if (!middle.possible) {
    best_.whole = kInfinite<C>;
    return;
  }
  if (middle.work >= task_.work) {
    Look low = LookAt(low_);
    if (low.work >= task_.work && low_ > 0) low = LookAt(0);
    Climb(low, middle);
  } else {
    Look high = LookAt(high_);
    if (high.work < task_.work) high = LookAt(2 * high_ + 1);
    Climb(middle, high);
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
  return arc.cost - ways_.lambda * arc.work + after;
}

template <typename C>
void CostBound<C>::Solve(C lambda) {
  ways_.lambda = lambda;
  const C restore = lambda * task_.restore, save = lambda * task_.save;
  C idle = kInfinite<C>, running = 0, fresh = kInfinite<C>;
  for (int i = time_.count() - 1; i >= 0; --i) {
    const int64_t length = time_.length(i);
    // Ends here for good, or goes on.
    const C on = RunsOn(i, running);
    running = std::min<C>(on, 0);
    const C stay = idle + time_.idle_price(i) * length;
    if (arcs_) {
      idle = std::min(stay, Cheapest(arcs_->FromIdle(i)));
      fresh = std::min(fresh, Cheapest(arcs_->FromFresh(i)));
    } else {
      idle = std::min(stay, running + restore);
      fresh = std::min(fresh, running);
    }
    running = std::min(running, idle + save);
    ways_.idle[Index(i)] = idle;
    ways_.running[Index(i)] = running;
    ways_.fresh[Index(i)] = fresh;
  }
  ways_.start = Start();
  ways_.whole =
      Known(ways_.start) ? ways_.start + lambda * task_.work : kInfinite<C>;
}

template <typename C>
C CostBound<C>::RunsOn(int i, C running_next) const {
  if (time_.blocked(i)) return kInfinite<C>;
  return running_next + (time_.price(i) - ways_.lambda) * time_.length(i);
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
                   : ways_.running[0] + ways_.lambda * task_.restore_left;
  }
  return 0;
}

// ---- The best price of work -------------------------------------------------

template <typename C>
typename CostBound<C>::Look CostBound<C>::LookAt(C lambda) {
  Solve(lambda);
  Look look;
  look.lambda = lambda;
  look.possible = Known(ways_.start);
  if (look.possible) {
    look.runs = Walk();
    look.work = WorkOf(task_, look.runs);
    look.cost = ways_.start + lambda * look.work;
  }
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
    const C lambda = (high.cost - low.cost) / (high.work - low.work);
    if (lambda <= low.lambda || lambda >= high.lambda) break;
    Look middle = LookAt(lambda);
    (middle.work >= task_.work ? high : low) = std::move(middle);
  }
  low_ = low.lambda;
  high_ = high.lambda;
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

// The cheapest way to each point and on from there, through a begin or an end
// at that point. Within a slot these are concave in the instant: where they
// reach the limit on both borders, they do so in between.
template <typename C>
void CostBound<C>::FindPlaces(C limit) {
  const auto points = Index(time_.count()) + 1;
  std::vector<bool> begin(points), end(points);
  const C lambda = best_.lambda;
  const C rest = limit - lambda * task_.work;
  const C restore = lambda * task_.restore, save = lambda * task_.save;
  const bool fresh = task_.start == Task::Start::kFresh;
  C idle = task_.start == Task::Start::kPaused ? 0 : kInfinite<C>;
  C running = task_.start == Task::Start::kRunning ? lambda * task_.restore_left
                                                   : kInfinite<C>;
  ways_.lambda = lambda;
  for (int i = 0; i < time_.count(); ++i) {
    const C begun = std::min<C>(fresh ? 0 : kInfinite<C>,
                                std::min(idle, running + save) + restore);
    const C on = RunsOn(i, best_.running[Index(i + 1)]);
    begin[Index(i)] = begun + std::min<C>(on, 0) < rest;
    running = std::min(running, begun);
    end[Index(i)] = running + save + best_.idle[Index(i)] < rest;
    idle =
        std::min(idle, running + save) + time_.idle_price(i) * time_.length(i);
    running = RunsOn(i, running);
  }
  begin.back() = std::min(idle, running + save) + restore < rest;
  end.back() = running + save + restore < rest;
  may_begin_.assign(points, false);
  may_end_.assign(points, false);
  for (size_t i = 0; i + 1 < points; ++i) {
    may_begin_[i] = begin[i] || begin[i + 1];
    may_end_[i] = end[i] || end[i + 1];
  }
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
        Begin(&RunArcs<C>::FromFresh, ways_.fresh[Index(at_)]);
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
  enum class State { kIdle, kRunning, kEnd };

  void Start() {
    if (bound_.arcs_) {
      Follow(bound_.arcs_->FromStart(), ways_.start);
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
      Begin(&RunArcs<C>::FromIdle, idle);
    }
  }

  void Begin(Arcs (RunArcs<C>::*arcs)(int) const, C value) {
    if (bound_.arcs_) return Follow((*bound_.arcs_.*arcs)(at_), value);
    AddRun({time_.point(at_), time_.point(at_)});
    const bool goes_on = bound_.RunsOn(at_, ways_.running[Index(at_ + 1)]) < 0;
    state_ = goes_on ? State::kRunning : State::kEnd;
    if (goes_on) RunTo(at_ + 1);
  }

  void Follow(const Arcs& arcs, C value) {
    const Arc* arc = arcs.begin();
    while (bound_.ValueOf(*arc) != value) ++arc;
    const auto& runs = bound_.arcs_->RunsOf(*arc);
    for (int k = 0; k < runs.count; ++k) AddRun(runs.spans[Index(k)]);
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
