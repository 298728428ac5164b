#include "scheduler/optimum_labels.h"

#include <algorithm>

namespace carbond {
namespace {

// From so many labels on the bound is taken at more prices of work.
constexpr int64_t kManyLabels = 300;

}  // namespace

template <typename C>
LabelWalk<C>::LabelWalk(const PricedTime<C>& time, const RunRules& rules,
                        CostBound<C>& bound, const SlotsThatMatter<C>& slots,
                        KnownRuns<C>& known)
    : time_(time),
      rules_(rules),
      task_(rules.task),
      limited_(rules.task.max_runs > 0),
      bound_(bound),
      slots_(slots),
      known_(known),
      places_(time.places()),
      moves_(bound.paths().moves()),
      stays_(bound.paths().stays()),
      running_(Index(places_)),
      staying_(Index(places_)) {}

template <typename C>
bool LabelWalk<C>::Whole() {
  for (RunsFront<C>& front : running_) front.Reset();
  for (RunsFront<C>& front : staying_) front.Reset();
  moving_.Reset();
  under_way_.Reset(time_.count());
  labels_ = shifts_ = 0;
  BeginAll();
  for (int i = 0; i < time_.count(); ++i) {
    if (rules_.fresh()) BeginFresh(i);
    Arrive(i);
    for (int place = 0; place < places_; ++place) VisitRunning(place, i);
    Arrive(i);
    for (int place = 0; place < places_; ++place) VisitStay(place, i);
    VisitMoving(i);
    if (TooLong()) return false;
    if (labels_ > kManyLabels && bound_.more().empty()) {
      bound_.AddPrices();
      for (const Optimum& guess : bound_.Guesses()) known_.Offer(guess);
    }
  }
  return true;
}

// Where nothing is known yet that fits, a little more is worth a try.
template <typename C>
bool LabelWalk<C>::TooLong() const {
  constexpr int64_t kMoreForTheFirst = 20;
  int64_t looks = shifts_ + moving_.looks();
  for (const RunsFront<C>& front : running_) looks += front.looks();
  for (const RunsFront<C>& front : staying_) looks += front.looks();
  return looks > task_.most_looks * (known_.any() ? 1 : kMoreForTheFirst);
}

template <typename C>
void LabelWalk<C>::BeginAll() {
  Label label;
  const int at = rules_.moves.at;
  if (rules_.paused()) {
    for (int place = 0; place < places_; ++place) {
      if (at >= 0 && at != place) continue;
      label.place = static_cast<int16_t>(place);
      // With its data everywhere it need not move.
      const bool may_move = moves_ && (at >= 0 || !stays_);
      if (task_.pause_left > 0) {
        const int64_t begin = time_.begin();
        const auto ready = [&](bool moves) {
          return begin + rules_.PauseLeft(moves);
        };
        if (stays_) Await(label, 0, begin, ready(false), false);
        if (may_move) Await(label, 0, begin, ready(true), true);
        continue;
      }
      const auto none = [] { return -1; };
      Idle(0, label, none, may_move);
    }
  }
  if (!rules_.running()) return;
  label.place = static_cast<int16_t>(at);
  label.runs = limited_ ? 1 : 0;
  label.begun = time_.begin();
  label.work = -task_.restore_left;
  const int64_t mature = rules_.MatureAfter();
  if (mature == 0) {  // it may pause at once
    Label stopped = label;
    if (rules_.PausesMatter()) {
      stopped.link = known_.Close(label, time_.begin(), 0);
      Pause(stopped, 0, time_.begin());
    } else {
      stopped.just_stopped = true;
      Idle(
          0, stopped, [&] { return known_.Close(label, time_.begin(), 0); },
          moves_);
    }
  }
  Mature(label, 0, time_.begin(), time_.begin() + mature);
}

template <typename C>
void LabelWalk<C>::Arrive(int i) {
  under_way_.Arrive(i, [&](int front, const Label& label) {
    if (front < places_) {
      running_[Index(front)].Insert(label);
    } else if (front < 2 * places_) {
      staying_[Index(front - places_)].Insert(label);
    } else {
      moving_.Insert(label);
    }
  });
}

template <typename C>
void LabelWalk<C>::BeginFresh(int i) {
  for (int place = 0; place < places_; ++place) {
    if (!slots_.MayBegin(place, i)) continue;
    Label label;
    label.place = static_cast<int16_t>(place);
    label.cost =
        rules_.template WaitPrice<C>() * (time_.point(i) - time_.begin());
    if (!MayWin(label, bound_.ways().lambda, slots_.ToBeginFresh(i))) return;
    const bool moved = rules_.moves.at >= 0 && rules_.moves.at != place;
    if (moved) label.cost += MoveCost();
    BeginIn(label, i, time_.point(i), rules_.Overhead(false, moved), true);
  }
}

template <typename C>
void LabelWalk<C>::VisitRunning(int place, int i) {
  RunsFront<C>& front = running_[Index(place)];
  if (front.empty()) return;
  if (slots_.MayEnd(place, i)) {
    const auto visit = [&](Label& label) {
      if (!MayWinRunning(label, i)) return false;
      Label ending = label;
      if (MayWin(ending, bound_.ways().lambda, slots_.ToEnd(place, i))) {
        StopIn(ending, i);
      }
      return true;
    };
    front.Visit(time_.RunningTo(place, i), time_.point(i), visit);
  }
  if (time_.blocked(place, i)) front.Clear();
}

template <typename C>
void LabelWalk<C>::VisitStay(int place, int i) {
  RunsFront<C>& front = staying_[Index(place)];
  if (front.empty()) return;
  if (slots_.MayBeginStay(place, i)) {
    front.Visit(time_.IdlingTo(i), 0, [&](Label& label) {
      if (!MayWinStaying(label, i)) return false;
      Label beginning = label;
      if (MayWin(beginning, bound_.ways().lambda,
                 slots_.ToBeginStay(place, i))) {
        Begin(beginning, place, i, time_.point(i));
      }
      return true;
    });
  }
  front.Leave();
}

template <typename C>
void LabelWalk<C>::VisitMoving(int i) {
  if (moving_.empty()) return;
  if (slots_.MayBeginMoving(i)) {
    moving_.Visit(time_.IdlingTo(i), 0, [&](Label& label) {
      if (!MayWinMoving(label, i)) return false;
      Label beginning = label;
      if (!MayWin(beginning, bound_.ways().lambda, slots_.ToBeginMoving(i))) {
        return true;
      }
      if (!stays_) Begin(beginning, label.place, i, time_.point(i));
      for (int place = 0; place < places_; ++place) {
        if (place != label.place) Begin(beginning, place, i, time_.point(i));
      }
      return true;
    });
  }
  moving_.Leave();
}

// ---- Keeping labels few

// Leaves of a label what may still win by a bound; false when that is nothing.
template <typename C>
bool LabelWalk<C>::MayWin(Label& label, C lambda, C to_go) const {
  const C bound = label.cost + to_go + lambda * (task_.work - label.work) -
                  bound_.ways().run_price * (task_.max_runs - label.runs);
  const C room = known_.limit() - 1 - bound;
  if (!label.free) return room >= 0;
  return label.LimitX(label.slope - lambda, room);
}

template <typename C>
template <typename Of>
bool LabelWalk<C>::MayWinBy(Label& label, Of of) const {
  if (!MayWin(label, bound_.ways().lambda, of(bound_.ways()))) return false;
  for (const Ways& ways : bound_.more()) {
    if (!MayWin(label, ways.lambda, of(ways))) return false;
  }
  return true;
}

template <typename C>
bool LabelWalk<C>::MayWinStaying(Label& label, int i) const {
  const size_t at = bound_.paths().At(label.place, i);
  return LeavesWork(label) &&
         MayWinBy(label, [at](const Ways& ways) { return ways.stay[at]; });
}
template <typename C>
bool LabelWalk<C>::MayWinMoving(Label& label, int i) const {
  const size_t at = Index(i);
  return LeavesWork(label) &&
         MayWinBy(label, [at](const Ways& ways) { return ways.moving[at]; });
}
template <typename C>
bool LabelWalk<C>::MayWinRunning(Label& label, int i) const {
  const size_t at = bound_.paths().At(label.place, i);
  return MayRunAgain(label) &&
         MayWinBy(label, [at](const Ways& ways) { return ways.running[at]; });
}

template <typename C>
bool LabelWalk<C>::MayRunAgain(const Label& label) const {
  return !limited_ || label.runs < task_.max_runs;
}
// Whether another run can follow.
template <typename C>
bool LabelWalk<C>::LeavesWork(const Label& label) const {
  return MayRunAgain(label) && task_.work - label.LeastWork() >= LeastWork();
}

template <typename C>
void LabelWalk<C>::IdleFrom(int i, const Label& label) {
  Idle(
      i, label, [&] { return label.link; }, moves_);
}

template <typename C>
void LabelWalk<C>::Run(int i, Label label) {
  if (i >= time_.count() || !MayWinRunning(label, i)) return;
  const C paid = -time_.RunningTo(label.place, i);
  under_way_.Add(i, label.place,
                 RunsFront<C>::At(label, paid, -time_.point(i)));
  ++labels_;
}

// ---- Going on

// A run begun at `from`, in slot `first`, goes on to `at`, where it may end for
// the first time.
template <typename C>
void LabelWalk<C>::Mature(Label label, int first, int64_t from, int64_t at) {
  const int place = label.place;
  if (at >= time_.end() || !time_.Free(place, first, at)) return;
  const int i = time_.SlotAt(at);
  label.cost +=
      time_.RunningUntil(place, at, i) - time_.RunningUntil(place, from, first);
  label.work += at - from;
  if (at == time_.point(i) && at > from) {
    Run(i, label);
    return;
  }
  // Inside a slot: it ends just here, somewhere later in it, or goes on.
  const int64_t rest = time_.point(i + 1) - at;
  if (at > from) StopWithin(label, i, at, 0);
  if (time_.blocked(place, i)) return;
  if (!label.free && rest > 1) StopWithin(label, i, at, rest - 1);
  label.cost += time_.price(place, i) * rest;
  label.work += rest;
  Run(i + 1, label);
}

// Ends the run at `at`, or up to `freedom` later, in slot i.
template <typename C>
void LabelWalk<C>::StopWithin(Label label, int i, int64_t at, int64_t freedom) {
  label.work -= task_.save;
  if (freedom > 0) {
    label.free = true;
    label.slope = time_.price(label.place, i) - time_.idle_price(i);
    label.x_high = freedom;
  }
  if (!LeavesWork(label)) return;
  label.link = known_.Close(label, at, freedom > 0 ? 1 : 0);
  label.begin_free = false;
  label.drifts = freedom > 0;
  if (rules_.PausesMatter()) {
    Pause(label, i, at);
  } else {
    GoOnWithin(label, i, at);
  }
  if (label.drifts && MayShift(i)) DriftOn(label, i, at);
}

// A label that has just stopped at `at`, or x later, in slot i: the next run
// may begin in what is left of the slot.
template <typename C>
void LabelWalk<C>::GoOnWithin(Label label, int i, int64_t at) {
  label.just_stopped = true;
  if (at > time_.point(i) || label.drifts) {
    Begin(label, label.place, i, at);
    for (int place = 0; place < places_; ++place) {
      if (place != label.place) Begin(label, place, i, at);
    }
  }
  label.just_stopped = label.drifts = false;
  label.cost += time_.idle_price(i) * (time_.point(i + 1) - at);
  IdleFrom(i + 1, label);
}

// Ends the run on the border before slot i, or within the slot.
template <typename C>
void LabelWalk<C>::StopIn(const Label& label, int i) {
  Label stopped = label;
  stopped.work -= task_.save;
  stopped.begin_free = false;
  if (rules_.PausesMatter()) {
    if (LeavesWork(stopped)) {
      stopped.link = known_.Close(label, time_.point(i), 0);
      Pause(stopped, i, time_.point(i));
    }
  } else {
    stopped.just_stopped = true;
    Idle(
        i, stopped, [&] { return known_.Close(label, time_.point(i), 0); },
        moves_);
  }
  if (label.free || time_.blocked(label.place, i) || time_.length(i) == 1) {
    return;
  }
  StopWithin(label, i, time_.point(i), time_.length(i) - 1);
}

template class LabelWalk<int64_t>;
template class LabelWalk<Cost>;

}  // namespace carbond
