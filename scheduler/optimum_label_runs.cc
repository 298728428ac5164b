// How labels begin runs, and how they end with the last one.

#include <algorithm>

#include "scheduler/optimum_labels.h"

namespace carbond {

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

template void LabelWalk<int64_t>::Begin(const Label&, int, int, int64_t);
template void LabelWalk<int64_t>::BeginIn(const Label&, int, int64_t, int64_t,
                                          bool);
template bool LabelWalk<int64_t>::MayShift(int) const;
template void LabelWalk<int64_t>::End(Label, int64_t, int, int64_t, int64_t,
                                      int64_t);
template int LabelWalk<int64_t>::FirstPointAfter(int64_t) const;
template void LabelWalk<Cost>::Begin(const Label&, int, int, int64_t);
template void LabelWalk<Cost>::BeginIn(const Label&, int, int64_t, int64_t,
                                       bool);
template bool LabelWalk<Cost>::MayShift(int) const;
template void LabelWalk<Cost>::End(Label, int64_t, int, int64_t, int64_t,
                                   int64_t);
template int LabelWalk<Cost>::FirstPointAfter(int64_t) const;

}  // namespace carbond
