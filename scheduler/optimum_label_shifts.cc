// Labels with a free end point, where runs touch: all of them move with x.

#include <algorithm>

#include "scheduler/optimum_labels.h"

namespace carbond {

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

template void LabelWalk<int64_t>::BeginShifted(const Within&,
                                               std::vector<Within>&);
template void LabelWalk<int64_t>::ShiftOn(std::vector<Within>);
template void LabelWalk<int64_t>::DriftOn(const Label&, int, int64_t);
template void LabelWalk<Cost>::BeginShifted(const Within&,
                                            std::vector<Within>&);
template void LabelWalk<Cost>::ShiftOn(std::vector<Within>);
template void LabelWalk<Cost>::DriftOn(const Label&, int, int64_t);

}  // namespace carbond
