#include "scheduler/optimum_paths.h"

#include <algorithm>

namespace carbond {

template <typename C>
void RelaxedPaths<C>::Solve(const Arcs* arcs, Ways& ways) const {
  const auto points = static_cast<size_t>(time_.count()) + 1;
  const size_t all = points * static_cast<size_t>(time_.places());
  ways.stay.resize(all);
  ways.running.resize(all);
  ways.moving.resize(points);
  ways.fresh.resize(points);
  for (int place = 0; place < time_.places(); ++place) {
    ways.stay[At(place, time_.count())] = kInfinite<C>;
    ways.running[At(place, time_.count())] = 0;  // at the window's end it ends
  }
  ways.moving.back() = ways.fresh.back() = kInfinite<C>;
  if (arcs != nullptr) {
    rules_.PausesMatter() ? SolveIn<true, true>(arcs, ways)
                          : SolveIn<true, false>(arcs, ways);
  } else {
    rules_.PausesMatter() ? SolveIn<false, true>(arcs, ways)
                          : SolveIn<false, false>(arcs, ways);
  }
  ways.start = Start(arcs, ways);
}

template <typename C>
template <bool kArcs, bool kPauses>
void RelaxedPaths<C>::SolveIn(const Arcs* arcs, Ways& ways) const {
  time_.places() == 1 ? SolveSlots<1, kArcs, kPauses>(arcs, ways)
                      : SolveSlots<0, kArcs, kPauses>(arcs, ways);
}

// One place (0: as many as there are) is told apart for speed: what the next
// slot depends on then stays in registers.
template <typename C>
template <size_t kPlaces, bool kArcs, bool kPauses>
void RelaxedPaths<C>::SolveSlots(const Arcs* arcs, Ways& ways) const {
  const auto places =
      kPlaces > 0 ? kPlaces : static_cast<size_t>(time_.places());
  constexpr bool kMoves = kPlaces != 1;
  const bool told = !kMoves || stays(), fresh = rules_.fresh();
  const int at = rules_.moves.at;
  const C lambda = ways.lambda;
  const C restore = lambda * rules_.task.restore + ways.run_price;
  const C save = lambda * rules_.task.save;
  const C move_cost = MoveCost(lambda, true) + ways.run_price;
  const C fresh_cost = MoveCost(lambda, false) + ways.run_price;
  const C wait_price = rules_.template WaitPrice<C>();
  C moving = kInfinite<C>, first = kInfinite<C>;
  C one_running[1] = {0}, one_stay[1] = {kInfinite<C>};
  for (int i = time_.count() - 1; i >= 0; --i) {
    C* const running = ways.running.data() + static_cast<size_t>(i) * places;
    C* const stay = ways.stay.data() + static_cast<size_t>(i) * places;
    const C* next_running = running + places;
    const C* next_stay = stay + places;
    if constexpr (kPlaces == 1) {
      next_running = one_running;
      next_stay = one_stay;
    }
    const C idles = time_.idle_price(i) * time_.length(i);
    C least = 0;
    for (size_t p = 0; p < places; ++p) {
      // Ends here for good, or goes on.
      running[p] = std::min<C>(
          RunsOn(static_cast<int>(p), i, next_running[p], lambda), 0);
      least = std::min(least, running[p]);
      stay[p] = told ? next_stay[p] + idles : kInfinite<C>;
    }
    if (kMoves) moving += idles;
    if (wait_price > 0) first += wait_price * time_.length(i);
    if constexpr (kArcs) {
      if (arcs->Any(i)) TakeArcs(i, *arcs, ways, stay, moving, first);
    } else {
      // A run may end, for good or to pause, as soon as it has begun.
      if (kMoves) moving = std::min(moving, least + move_cost);
      if (fresh && (at < 0 || !kMoves))
        first = std::min(first, least + ways.run_price);
      if (kMoves && fresh && at >= 0) {
        first =
            std::min({first, running[at] + ways.run_price, least + fresh_cost});
      }
      if (told) {
        for (size_t p = 0; p < places; ++p) {
          stay[p] = std::min(stay[p], running[p] + restore);
        }
      }
    }
    if constexpr (kPauses) ways.moving[static_cast<size_t>(i)] = moving;
    for (size_t p = 0; p < places; ++p) {
      const C stopped = kPauses  ? Stopped(static_cast<int>(p), i, ways)
                        : kMoves ? std::min(stay[p], moving)
                                 : stay[p];
      running[p] = std::min(running[p], stopped + save);
    }
    if constexpr (kPlaces == 1) {
      one_running[0] = running[0];
      one_stay[0] = stay[0];
    }
    ways.moving[static_cast<size_t>(i)] = moving;
    ways.fresh[static_cast<size_t>(i)] = first;
  }
}

template <typename C>
void RelaxedPaths<C>::TakeArcs(int i, const Arcs& arcs, const Ways& ways,
                               C* stay, C& moving, C& first) const {
  const bool told = stays();
  for (int place = 0; place < time_.places(); ++place) {
    if (told) {
      C& here = stay[place];
      here = std::min(here, Cheapest(arcs.FromStay(place, i), ways));
    }
    if (moves()) {
      moving = std::min(moving, Cheapest(arcs.FromMove(place, i), ways));
    }
    first = std::min(first, Cheapest(arcs.FromFresh(place, i), ways));
  }
}

template <typename C>
C RelaxedPaths<C>::Start(const Arcs* arcs, const Ways& ways) const {
  const int at = rules_.moves.at;
  switch (rules_.task.start) {
    case Task::Start::kFresh:
      return ways.fresh[0];
    case Task::Start::kPaused: {
      C start = kInfinite<C>;
      for (int place = 0; place < time_.places(); ++place) {
        if (at >= 0 && at != place) continue;
        start = std::min(start, Idle(place, 0, ways));
      }
      return start;
    }
    case Task::Start::kRunning:
      return arcs != nullptr ? Cheapest(arcs->FromStart(), ways)
                             : ways.running[At(at, 0)] + ways.run_price +
                                   ways.lambda * rules_.task.restore_left;
  }
  return 0;
}

template <typename C>
C RelaxedPaths<C>::Cheapest(const typename Arcs::Range& arcs,
                            const Ways& ways) const {
  C best = kInfinite<C>;
  for (const Arc& arc : arcs) best = std::min(best, ValueOf(arc, ways));
  return best;
}

template <typename C>
C RelaxedPaths<C>::ValueOf(const Arc& arc, const Ways& ways) const {
  C after = 0;
  if (arc.target == Arcs::Target::kIdle) {
    after = Idle(arc.place, arc.point, ways);
  } else if (arc.target == Arcs::Target::kRunning) {
    after = ways.running[At(arc.place, arc.point)];
  }
  return arc.cost - ways.lambda * arc.work + ways.run_price * arc.runs + after;
}

// ---- The runs of the cheapest path ------------------------------------------

template <typename C>
class RelaxedPaths<C>::Walker {
 public:
  Walker(const RelaxedPaths& paths, const Arcs* arcs, const Ways& ways)
      : paths_(paths),
        time_(paths.time_),
        rules_(paths.rules_),
        arcs_(arcs),
        ways_(ways) {}

  std::vector<RunSpan> Walk() {
    place_ = std::max(rules_.moves.at, 0);
    switch (rules_.task.start) {
      case Task::Start::kFresh:
        BeginFresh();
        break;
      case Task::Start::kRunning:
        Start();
        break;
      case Task::Start::kPaused:
        FindPlace();
        state_ = State::kIdle;
        break;
    }
    while (state_ != State::kEnd) {
      state_ == State::kIdle ? FromIdle() : FromRunning();
    }
    return std::move(runs_);
  }

 private:
  using From = typename Arcs::From;
  enum class State { kIdle, kRunning, kEnd };

  static size_t Index(int i) { return static_cast<size_t>(i); }
  C Running(int place, int i) const {
    return ways_.running[paths_.At(place, i)];
  }

  void BeginFresh() {
    const C wait_price = rules_.template WaitPrice<C>();
    while (ways_.fresh[Index(at_)] ==
           ways_.fresh[Index(at_ + 1)] + wait_price * time_.length(at_)) {
      ++at_;
    }
    Begin(From::kFresh, ways_.fresh[Index(at_)]);
  }

  void Start() {
    if (arcs_ != nullptr) {
      Follow(From::kStart, ways_.start);
    } else {
      AddRun({time_.begin(), time_.begin(), place_});
      state_ = State::kRunning;
    }
  }

  void FindPlace() {  // where the path begins, if that is open
    while (rules_.moves.at < 0 &&
           paths_.Idle(place_, 0, ways_) != ways_.start) {
      ++place_;
    }
  }

  void FromIdle() {
    const C stay = ways_.stay[paths_.At(place_, at_)];
    const C moving = ways_.moving[Index(at_)];
    const bool stays = stay <= moving;
    const C value = stays ? stay : moving;
    const C later = stays ? ways_.stay[paths_.At(place_, at_ + 1)]
                          : ways_.moving[Index(at_ + 1)];
    if (value == paths_.Idles(at_, later)) {
      ++at_;
    } else {
      Begin(stays ? From::kStay : From::kMove, value);
    }
  }

  // A run, in whatever place has the value.
  void Begin(From from, C value) {
    if (arcs_ != nullptr) return Follow(from, value);
    if (from != From::kStay) place_ = 0;
    while (GoesOnFrom(place_) + PriceOf(from) != value) ++place_;
    AddRun({time_.point(at_), time_.point(at_), place_});
    const bool goes_on = GoesOnFrom(place_) < 0;
    state_ = goes_on ? State::kRunning : State::kEnd;
    if (goes_on) RunTo(at_ + 1);
  }
  C GoesOnFrom(int place) const {
    return std::min<C>(
        paths_.RunsOn(place, at_, Running(place, at_ + 1), ways_.lambda), 0);
  }
  C PriceOf(From from) const {
    const C lambda = ways_.lambda;
    switch (from) {
      case From::kFresh:
        return paths_.FreshCost(place_, lambda) + ways_.run_price;
      case From::kMove:
        return paths_.MoveCost(lambda, true) + ways_.run_price;
      default:
        return lambda * rules_.task.restore + ways_.run_price;
    }
  }

  void Follow(From from, C value) {
    if (from == From::kMove || from == From::kFresh) place_ = 0;
    typename Arcs::Range arcs = ArcsFrom(from);
    while (true) {
      while (arcs.first != arcs.past &&
             paths_.ValueOf(*arcs.first, ways_) != value) {
        ++arcs.first;
      }
      if (arcs.first != arcs.past) break;
      ++place_;
      arcs = ArcsFrom(from);
    }
    const Arc& arc = *arcs.first;
    for (const RunSpan& run : arcs_->RunsOf(from, place_, at_, arc)) {
      AddRun(run);
    }
    at_ = arc.point;
    place_ = arc.place;
    using Target = typename Arcs::Target;
    state_ = arc.target == Target::kEnd    ? State::kEnd
             : arc.target == Target::kIdle ? State::kIdle
                                           : State::kRunning;
  }
  typename Arcs::Range ArcsFrom(From from) const {
    switch (from) {
      case From::kStart:
        return arcs_->FromStart();
      case From::kFresh:
        return arcs_->FromFresh(place_, at_);
      case From::kMove:
        return arcs_->FromMove(place_, at_);
      case From::kStay:
        return arcs_->FromStay(place_, at_);
    }
    return {};
  }

  // Where two runs would touch, one is better.
  void AddRun(RunSpan run) {
    if (!runs_.empty() && runs_.back().end == run.begin &&
        runs_.back().place == run.place) {
      runs_.back().end = run.end;
    } else {
      runs_.push_back(run);
    }
  }

  void FromRunning() {
    const C running = Running(place_, at_);
    if (running == 0) {
      state_ = State::kEnd;
    } else if (running == paths_.RunsOn(place_, at_, Running(place_, at_ + 1),
                                        ways_.lambda)) {
      RunTo(at_ + 1);
    } else {
      state_ = State::kIdle;
      if (rules_.PausesMatter()) Pause();
    }
  }

  // The least pause passes at once.
  void Pause() {
    const int stay = rules_.ReadyAfter(time_, at_, false);
    const int moving = rules_.ReadyAfter(time_, at_, true);
    const C stays =
        paths_.IdlesUntil(at_, stay, ways_.stay[paths_.At(place_, stay)]);
    const C moves = paths_.IdlesUntil(at_, moving, ways_.moving[Index(moving)]);
    at_ = stays <= moves ? stay : moving;
  }

  void RunTo(int i) {
    at_ = i;
    runs_.back().end = time_.point(i);
  }

  const RelaxedPaths& paths_;
  const PricedTime<C>& time_;
  const RunRules& rules_;
  const Arcs* const arcs_;
  const Ways& ways_;
  int at_ = 0;
  int place_ = 0;  // where it runs, or where the data are
  State state_ = State::kRunning;
  std::vector<RunSpan> runs_;
};

template <typename C>
std::vector<RunSpan> RelaxedPaths<C>::Walk(const Arcs* arcs,
                                           const Ways& ways) const {
  return Walker(*this, arcs, ways).Walk();
}

template class RelaxedPaths<int64_t>;
template class RelaxedPaths<Cost>;

}  // namespace carbond
