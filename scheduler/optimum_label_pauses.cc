// Where labels go that have stopped, when pauses have a least length.

#include <algorithm>

#include "scheduler/optimum_labels.h"

namespace carbond {

// A label whose run has ended at `at`, in slot i, or x later.
template <typename C>
void LabelWalk<C>::Pause(const Label& label, int i, int64_t at) {
  if (!LeavesWork(label)) return;
  for (const bool moving : {false, true}) {
    if (!(moving ? moves_ : stays_)) continue;
    Await(label, i, at, at + rules_.LeastPause(moving), moving);
  }
}

// Idles from `at` until `ready`, from x later on as well, and begins the next
// run from then on: in the rest of the slot that this lies in, or on a border
// after it. What of x leads into which slot is told apart.
template <typename C>
void LabelWalk<C>::Await(const Label& label, int i, int64_t at, int64_t ready,
                         bool moving) {
  const int64_t low = label.drifts ? label.x_low : 0;
  const int64_t high = label.drifts ? label.x_high : 0;
  if (ready + low >= time_.end() || TooLong()) return;
  Label waiting = label;
  waiting.cost -= time_.IdlingUntil(at, i);
  waiting.just_stopped = false;
  int j = time_.SlotAt(ready + low);
  if (ready + low == time_.point(j)) {  // on a border
    Label here = waiting;
    if (label.drifts) here.x_high = low;
    here.cost += time_.IdlingTo(j);
    IdleReady(j, here, moving);
    if (low == high) return;
  }
  for (; j < time_.count() && time_.point(j) <= ready + high; ++j) {
    Label part = waiting;
    if (label.drifts) {
      part.x_low = std::max(low, time_.point(j) - ready + 1);
      part.x_high = std::min(high, time_.point(j + 1) - ready);
      if (part.x_low > part.x_high) continue;
    }
    part.cost += time_.IdlingUntil(ready, j);
    shifts_ += moving ? places_ : 1;
    const int64_t stopped = at + (label.drifts ? part.x_high : 0);
    BeginWithin(part, j, ready, stopped <= time_.point(j), moving);
    part.cost += time_.idle_price(j) * (time_.point(j + 1) - ready);
    IdleReady(j + 1, part, moving);
  }
}

// Every way to begin a run in slot i, from `from` on or x later. Where it idles
// at the border before that, the bounds of optimum_slots.h hold.
template <typename C>
void LabelWalk<C>::BeginWithin(Label label, int i, int64_t from,
                               bool idle_before, bool moving) {
  if (idle_before) {
    const bool may =
        moving ? slots_.MayBeginMoving(i) : slots_.MayBeginStay(label.place, i);
    if (!may) return;
    Label here = label;
    here.cost -= time_.idle_price(i) * (from - time_.point(i));
    const C to_go =
        moving ? slots_.ToBeginMoving(i) : slots_.ToBeginStay(label.place, i);
    if (!MayWin(here, bound_.ways().lambda, to_go)) return;
    label.x_low = here.x_low;
    label.x_high = here.x_high;
  }
  if (!moving || !stays_) Begin(label, label.place, i, from);
  if (!moving) return;
  for (int place = 0; place < places_; ++place) {
    if (place != label.place) Begin(label, place, i, from);
  }
}

// Its pause is over at point i.
template <typename C>
void LabelWalk<C>::IdleReady(int i, Label label, bool moving) {
  if (i >= time_.count()) return;
  label.drifts = false;
  if (!(moving ? MayWinMoving(label, i) : MayWinStaying(label, i))) return;
  const int front = moving ? 2 * places_ : places_ + label.place;
  under_way_.Add(i, front, RunsFront<C>::At(label, -time_.IdlingTo(i), 0));
  ++labels_;
}

template void LabelWalk<int64_t>::Pause(const Label&, int, int64_t);
template void LabelWalk<int64_t>::Await(const Label&, int, int64_t, int64_t,
                                        bool);
template void LabelWalk<Cost>::Pause(const Label&, int, int64_t);
template void LabelWalk<Cost>::Await(const Label&, int, int64_t, int64_t, bool);

}  // namespace carbond
