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

// Idle from point i on, to stay or to move. `close` makes its link.
template <typename C>
template <typename Close>
void LabelWalk<C>::Idle(int i, const Label& label, Close close, bool may_move) {
  if (i >= time_.count()) return;
  Label staying = label, moving = label;
  const bool stays = stays_ && MayWinStaying(staying, i);
  const bool moves = may_move && MayWinMoving(moving, i);
  if (!stays && !moves) return;
  const int link = close();
  const C paid = -time_.IdlingTo(i);
  const auto add = [&](int front, Label& idle) {
    idle.link = link;
    under_way_.Add(i, front, RunsFront<C>::At(idle, paid, 0));
    ++labels_;
  };
  if (stays) add(places_ + label.place, staying);
  if (moves) add(2 * places_, moving);
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

// ---- Beginning runs

// Whether runs of the least length may touch in slot i.
template <typename C>
bool LabelWalk<C>::MayShift(int i) const {
  return rules_.LeastWorkMatters() && slots_.MayTouch(i);
}

// Every way to begin a run in `place`, in slot i, for a label that has idled
// until `from`.
template <typename C>
void LabelWalk<C>::Begin(const Label& label, int place, int i, int64_t from) {
  const bool moved = place != label.place;
  if (!moved) {
    BeginIn(label, i, from, rules_.Overhead(true, false), false);
    return;
  }
  Label begins = label;
  begins.place = static_cast<int16_t>(place);
  begins.cost += MoveCost();
  // Runs touch on the points, which are there for that.
  if (from == time_.point(i) && !label.drifts) begins.just_stopped = false;
  BeginIn(begins, i, from, rules_.Overhead(true, true), false);
}

// The same; at the price of waiting until the run begins when `fresh`.
template <typename C>
void LabelWalk<C>::BeginIn(const Label& label, int i, int64_t from,
                           int64_t overhead, bool fresh) {
  if (time_.blocked(label.place, i) || !slots_.MayBegin(label.place, i)) return;
  if (!fresh) EndWithLastRun(label, i, from, overhead);
  BeginRuns(label, i, from, overhead, fresh);
}

// The runs that a pause will follow.
template <typename C>
void LabelWalk<C>::BeginRuns(Label label, int i, int64_t from, int64_t overhead,
                             bool fresh) {
  const int64_t least = overhead + LeastWork() + task_.save;
  label.begin_free = false;
  label.runs += limited_ ? 1 : 0;
  if (!MayRunAgain(label)) return;
  label.work -= overhead;
  if (!label.just_stopped && !label.drifts) {
    Label at_once = label;
    at_once.begun = from;
    Mature(at_once, i, from, from + least);
  }
  BeginToEndOnBorder(label, i, from, least, fresh);
  if (!label.free) BeginAnywhere(label, i, from, least, fresh);
}

// A label whose free end lies in the slot, of which x must leave a pause.
template <typename C>
void LabelWalk<C>::LeavePause(Label& label, int64_t from, int64_t begin) const {
  if (label.drifts) {
    const int64_t pause = label.just_stopped ? 1 : 0;
    label.x_high = std::min(label.x_high, begin - from - pause);
  }
  label.just_stopped = label.drifts = false;
}

// Least runs that end on a border and begin in slot i, after `from`.
template <typename C>
void LabelWalk<C>::BeginToEndOnBorder(const Label& label, int i, int64_t from,
                                      int64_t least, bool fresh) {
  const int place = label.place;
  for (int j = FirstPointAfter(from + least);
       j < time_.count() && time_.point(j) - least < time_.point(i + 1); ++j) {
    const int64_t begin = time_.point(j) - least;
    if (!time_.Free(place, i, time_.point(j))) return;
    Label run = label;
    LeavePause(run, from, begin);
    if (run.x_high < run.x_low) continue;
    run.begun = begin;
    run.cost += IdlePrice(i, fresh) * (begin - from);
    run.cost += time_.RunningTo(place, j) - time_.RunningUntil(place, begin, i);
    run.work += least - task_.save;
    if (rules_.PausesMatter()) {
      if (!LeavesWork(run)) continue;
      run.link = known_.Close(run, time_.point(j), 0);
      Pause(run, j, time_.point(j));
      continue;
    }
    run.just_stopped = true;
    Idle(
        j, run, [&] { return known_.Close(run, time_.point(j), 0); }, moves_);
  }
}

// Runs that begin x before the end of slot i, after `from`.
template <typename C>
void LabelWalk<C>::BeginAnywhere(const Label& label, int i, int64_t from,
                                 int64_t least, bool fresh) {
  const int64_t border = time_.point(i + 1);
  // Runs may touch it wherever it begins, at `from` as well.
  const bool at_once = moves_ && !label.just_stopped;
  Label run = label;
  run.just_stopped = false;
  run.free = true;
  run.x_low = 0;
  run.x_high = border - from - (at_once ? 0 : 1);
  run.slope = -IdlePrice(i, fresh);
  run.cost += IdlePrice(i, fresh) * (border - from);
  std::vector<Within> stops;
  BeginShifted({run, i, border, least}, stops);
  if (!stops.empty()) ShiftOn(std::move(stops));
}

// A run that begins x before an instant. At each border those are taken up that
// can end there for the first time; `stops` gets those that may stop just then,
// for another run to begin elsewhere, or after the least pause.
template <typename C>
void LabelWalk<C>::BeginShifted(const Within& begin,
                                std::vector<Within>& stops) {
  const Label& label = begin.label;
  const int place = label.place, i = begin.slot;
  const int64_t from = begin.at, least = begin.least;
  int64_t taken = label.x_high;  // greater x were taken up before
  for (int j = i + 1; j < time_.count() && taken > 0; ++j) {
    if (!time_.Free(place, i, time_.point(j))) return;
    const int64_t later = time_.point(j) - from;
    const int64_t needs = std::max(least - later, label.x_low);
    if (needs > taken) continue;
    Label run = label;
    run.begin_free = true;
    run.begun = from;
    run.x_low = needs;
    run.x_high = taken;
    run.slope += time_.price(place, i);
    if (MayShift(j - 1) && LeavesWork(label)) {
      stops.push_back(StopShifted(run, i, from, j - 1, from + least));
    }
    run.cost += time_.RunningTo(place, j) - time_.RunningUntil(place, from, i);
    run.work += later;
    Run(j, run);
    if (needs == label.x_low) return;
    taken = needs - 1;
  }
}

// ---- Runs that touch and move with x

// Of those that come to the same instant in the same slot and place.
template <typename C>
void LabelWalk<C>::AddUnbeaten(const Within& added, std::vector<Within>& all) {
  const auto alike = [&](const Within& other) {
    return other.slot == added.slot && other.at == added.at &&
           other.least == added.least && other.label.place == added.label.place;
  };
  const auto beats = [&](const Within& other) {
    return alike(other) && other.label.Beats(added.label);
  };
  if (std::any_of(all.begin(), all.end(), beats)) return;
  std::erase_if(all, [&](const Within& other) {
    return alike(other) && added.label.Beats(other.label);
  });
  all.push_back(added);
}

// It ends x before `to`, in slot j, when it has done its least.
template <typename C>
typename LabelWalk<C>::Within LabelWalk<C>::StopShifted(Label label, int i,
                                                        int64_t from, int j,
                                                        int64_t to) {
  label.cost += time_.RunningUntil(label.place, to, j) -
                time_.RunningUntil(label.place, from, i);
  label.slope -= time_.price(label.place, j);
  label.work += to - from - task_.save;
  label.link = known_.CloseShifted(label, to, -1);
  label.begin_free = false;
  return {label, j, to};
}

// From runs that end x before an instant on.
template <typename C>
void LabelWalk<C>::ShiftOn(std::vector<Within> stops) {
  while (!stops.empty() && !TooLong()) {
    std::vector<Within> begins;
    for (const Within& stop : stops) {
      shifts_ += places_;
      for (int place = 0; place < places_; ++place) {
        ShiftInto(stop, place, begins);
      }
    }
    stops.clear();
    for (const Within& begin : begins) BeginShifted(begin, stops);
  }
}

template <typename C>
void LabelWalk<C>::ShiftInto(const Within& stop, int place,
                             std::vector<Within>& begins) {
  const bool moved = place != stop.label.place;
  if (!moved && !rules_.PausesMatter()) return;
  const int64_t pause = rules_.LeastPause(moved), from = stop.at + pause;
  if (pause == 0) return ShiftIntoSlot(stop, place, stop.slot, from, begins);
  const int64_t latest = std::min(from - stop.label.x_low, time_.end() - 1);
  const int64_t soonest = from - stop.label.x_high;
  if (soonest > latest) return;
  for (int i = time_.SlotAt(soonest);
       i < time_.count() && time_.point(i) <= latest; ++i) {
    Within part = stop;
    part.label.x_low = std::max(stop.label.x_low, from - time_.point(i + 1));
    part.label.x_high = std::min(stop.label.x_high, from - time_.point(i));
    ShiftIntoSlot(part, place, i, from, begins);
  }
}

// The next run begins in slot i.
template <typename C>
void LabelWalk<C>::ShiftIntoSlot(const Within& stop, int place, int i,
                                 int64_t from, std::vector<Within>& begins) {
  if (time_.blocked(place, i) || !slots_.MayBegin(place, i)) return;
  const bool moved = place != stop.label.place;
  const int64_t overhead = rules_.Overhead(true, moved);
  Label run = stop.label;
  run.place = static_cast<int16_t>(place);
  run.cost +=
      time_.IdlingUntil(from, i) - time_.IdlingUntil(stop.at, stop.slot);
  run.slope += time_.idle_price(stop.slot) - time_.idle_price(i);
  if (moved) run.cost += MoveCost();
  EndShifted(run, i, from, overhead);
  run.runs += limited_ ? 1 : 0;
  run.work -= overhead;
  if (!MayRunAgain(run)) return;
  AddUnbeaten({run, i, from, overhead + LeastWork() + task_.save}, begins);
}

// The last run of all begins x before `from`, in slot i, and ends on a border.
template <typename C>
void LabelWalk<C>::EndShifted(const Label& label, int i, int64_t from,
                              int64_t overhead) {
  const int64_t whole = overhead + task_.work - label.work;
  if (whole < overhead + LeastWork()) return;
  for (int j = FirstPointAfter(from + whole - label.x_high - 1);
       j <= time_.count() && time_.point(j) <= from + whole - label.x_low;
       ++j) {
    const int64_t end = time_.point(j), begin = end - whole;
    if (!time_.Free(label.place, i, end)) return;
    const int64_t x = from - begin;
    const C cost = label.CostAt(x) + time_.RunningTo(label.place, j) -
                   time_.RunningUntil(label.place, begin, i);
    known_.Offer(cost, label, x, {begin, end, label.place});
  }
}

// A label whose last run ends x after `at`, in slot i: runs of the least length
// that begin just then elsewhere, or after the least pause, one after another.
template <typename C>
void LabelWalk<C>::DriftOn(const Label& label, int i, int64_t at) {
  std::vector<Within> stops = {{label, i, at}};
  while (!stops.empty() && !TooLong()) {
    std::vector<Within> next;
    for (const Within& stop : stops) {
      shifts_ += places_;
      for (int place = 0; place < places_; ++place) {
        DriftInto(stop, place, next);
      }
    }
    stops = std::move(next);
    for (const Within& stop : stops) {
      if (rules_.PausesMatter()) {
        Pause(stop.label, stop.slot, stop.at);
      } else {
        GoOnWithin(stop.label, stop.slot, stop.at);
      }
    }
    std::erase_if(stops,
                  [&](const Within& stop) { return !MayShift(stop.slot); });
  }
}

template <typename C>
void LabelWalk<C>::DriftInto(const Within& stop, int place,
                             std::vector<Within>& stops) {
  const bool moved = place != stop.label.place;
  if (!moved && !rules_.PausesMatter()) return;
  const int64_t pause = rules_.LeastPause(moved), from = stop.at + pause;
  if (pause == 0) return DriftIntoSlot(stop, place, stop.slot, from, stops);
  const int64_t latest = std::min(from + stop.label.x_high, time_.end() - 1);
  if (from + stop.label.x_low > latest) return;
  for (int i = time_.SlotAt(from + stop.label.x_low);
       i < time_.count() && time_.point(i) <= latest; ++i) {
    Within part = stop;
    part.label.x_low = std::max(stop.label.x_low, time_.point(i) - from);
    part.label.x_high = std::min(stop.label.x_high, time_.point(i + 1) - from);
    DriftIntoSlot(part, place, i, from, stops);
  }
}

// The next run begins x after `from`, in slot i.
template <typename C>
void LabelWalk<C>::DriftIntoSlot(const Within& stop, int place, int i,
                                 int64_t from, std::vector<Within>& stops) {
  if (time_.blocked(place, i) || !slots_.MayBegin(place, i)) return;
  const bool moved = place != stop.label.place;
  Label run = stop.label;
  run.place = static_cast<int16_t>(place);
  run.cost +=
      time_.IdlingUntil(from, i) - time_.IdlingUntil(stop.at, stop.slot);
  if (moved) run.cost += MoveCost();
  run.just_stopped = false;
  const int64_t least = rules_.Overhead(true, moved) + LeastWork();
  const int64_t x = task_.work - run.work - LeastWork();
  End(run, x, i, from, from + x, from + x + least);
  run.runs += limited_ ? 1 : 0;
  run.work += LeastWork();
  run.begun = from;
  if (!LeavesWork(run)) return;
  // It idles no more, and runs on.
  run.slope += time_.idle_price(i) - time_.price(place, i);
  run.cost -= time_.RunningUntil(place, from, i);
  const int64_t to = from + least + task_.save;
  const int64_t latest =
      std::min({to + run.x_high, time_.FreeUntil(place, i), time_.end() - 1});
  run.link = known_.CloseShifted(run, to, 1);
  for (int j = time_.SlotAt(to + run.x_low);
       j < time_.count() && time_.point(j) <= latest; ++j) {
    Within stopped{run, j, to};
    stopped.label.x_low = std::max(run.x_low, time_.point(j) - to);
    stopped.label.x_high = std::min(latest, time_.point(j + 1)) - to;
    if (stopped.label.x_low > stopped.label.x_high) continue;
    stopped.label.cost += time_.RunningUntil(place, to, j);
    stopped.label.slope += time_.price(place, j) - time_.idle_price(j);
    AddUnbeaten(stopped, stops);
  }
}

// ---- The end

// The last run of a label that has idled until `from` begins in slot i.
template <typename C>
void LabelWalk<C>::EndWithLastRun(const Label& label, int i, int64_t from,
                                  int64_t overhead) {
  const int64_t next = time_.point(i + 1);
  const int64_t whole = overhead + task_.work - label.work;
  const int64_t least = overhead + LeastWork();
  const bool at_once = !label.just_stopped && !label.drifts;
  if (!label.free) {
    if (whole < least) return;
    if (at_once) End(label, 0, i, from, from, from + whole);
    for (int j = FirstPointAfter(from + whole);
         j <= time_.count() && time_.point(j) - whole < next; ++j) {
      End(label, 0, i, from, time_.point(j) - whole, time_.point(j));
    }
    return;
  }
  // x is what the length of the last run leaves.
  if (at_once) {
    for (int j = FirstPointAfter(
             std::max(from + least, from + whole - label.x_high) - 1);
         j <= time_.count() && time_.point(j) - from <= whole - label.x_low;
         ++j) {
      End(label, whole - (time_.point(j) - from), i, from, from,
          time_.point(j));
    }
    End(label, whole - least, i, from, from, from + least);
  }
  for (int j = FirstPointAfter(from + least);
       j <= time_.count() && time_.point(j) - least < next; ++j) {
    End(label, whole - least, i, from, time_.point(j) - least, time_.point(j));
  }
}

template <typename C>
void LabelWalk<C>::End(Label label, int64_t x, int i, int64_t from,
                       int64_t begin, int64_t end) {
  LeavePause(label, from, begin);
  if (end > time_.end() || x < label.x_low || x > label.x_high) return;
  const int place = label.place;
  const int last = time_.SlotAt(end);
  const C cost = label.CostAt(x) + time_.idle_price(i) * (begin - from) +
                 time_.RunningUntil(place, end, last) -
                 time_.RunningUntil(place, begin, i);
  if (time_.Free(place, i, end)) {
    known_.Offer(cost, label, x, {begin, end, place});
  }
}

// The first point later than t; count() + 1 when there is none.
template <typename C>
int LabelWalk<C>::FirstPointAfter(int64_t t) const {
  if (t < time_.begin()) return 0;
  if (t >= time_.end()) return time_.count() + 1;
  return time_.SlotAt(t) + 1;
}

template class LabelWalk<int64_t>;
template class LabelWalk<Cost>;

}  // namespace carbond
