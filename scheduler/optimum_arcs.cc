#include "scheduler/optimum_arcs.h"

#include <algorithm>

namespace carbond {

template <typename C>
RunArcs<C>::RunArcs(const PricedTime<C>& time, const Task& task,
                    const std::vector<bool>& may_begin)
    : time_(time), task_(task) {
  idle_and_fresh_.reserve(2 * may_begin.size() + 1);
  const auto mark = [&] {
    idle_and_fresh_.push_back(static_cast<int32_t>(arcs_.size()));
  };
  for (int i = 0; i < time.count(); ++i) {
    const bool may = may_begin[static_cast<size_t>(i)] && !time.blocked(i);
    mark();
    if (may) AddFrom(i, task.restore, true);
    mark();
    if (may && task.start == Task::Start::kFresh) AddFrom(i, 0, false);
  }
  mark();
  start_ = arcs_.size();
  if (task.start == Task::Start::kRunning) AddStart();
}

template <typename C>
typename RunArcs<C>::Range RunArcs<C>::FromStart() const {
  return {arcs_.data() + start_, arcs_.data() + arcs_.size()};
}

template <typename C>
void RunArcs<C>::AddStart() {
  const int64_t begin = time_.begin();
  const int64_t mature =
      begin + std::max(task_.running_min, task_.restore_left) + task_.save;
  if (mature > begin) {
    AddRun(0, begin, mature, false, task_.restore_left, false);
  } else {  // it may pause at once
    Add({0, 0, Target::kIdle, 0}, {begin, begin});
  }
  AddRunOn(0, begin, mature, task_.restore_left);
}

template <typename C>
void RunArcs<C>::AddFrom(int i, int64_t restore, bool idles) {
  const int64_t begin = time_.point(i);
  const int64_t next = time_.point(i + 1);
  const int64_t least = restore + std::max<int64_t>(task_.min_run, 1);
  for (const bool last : {true, false}) {
    const int64_t length = last ? least : least + task_.save;
    AddRun(i, begin, begin + length, last, restore, idles);
    if (begin + length >= time_.end()) continue;
    for (int j = time_.SlotAt(begin + length) + 1;
         j <= time_.count() && time_.point(j) - length < next; ++j) {
      AddRun(i, time_.point(j) - length, time_.point(j), last, restore, idles);
    }
  }
  AddRunOn(i, begin, begin + least, restore);
}

// The run [begin, end), which begins in slot i.
template <typename C>
void RunArcs<C>::AddRun(int i, int64_t begin, int64_t end, bool last,
                        int64_t restore, bool idles) {
  if (end > time_.end() || !time_.Free(i, end)) return;
  const int slot = time_.SlotAt(end);
  Arc arc;
  arc.cost = time_.RunningUntil(end, slot) - time_.RunningUntil(begin, i);
  if (idles) arc.cost += time_.idle_price(i) * (begin - time_.point(i));
  arc.work = end - begin - restore;
  if (!last) {
    arc.target = Target::kIdle;
    arc.work -= task_.save;
    const bool inside = end > time_.point(slot) && end < time_.end();
    if (inside) AddSecondRuns(arc, {begin, end}, slot);
    arc.point = end == time_.point(slot) ? slot : slot + 1;
    arc.cost += time_.idle_price(slot) * (time_.point(arc.point) - end);
  }
  Add(arc, {begin, end});
}

// After a run that ended inside a slot: those of the least length that begin in
// what is left of the slot and end on a border.
template <typename C>
void RunArcs<C>::AddSecondRuns(const Arc& first, RunSpan first_run, int slot) {
  const int64_t least = task_.restore + std::max<int64_t>(task_.min_run, 1);
  const int64_t from = first_run.end;
  for (const bool last : {true, false}) {
    const int64_t length = last ? least : least + task_.save;
    if (from + length >= time_.end()) continue;
    for (int j = time_.SlotAt(from + length) + 1;
         j <= time_.count() && time_.point(j) - length < time_.point(slot + 1);
         ++j) {
      const RunSpan run = {time_.point(j) - length, time_.point(j)};
      if (!time_.Free(slot, run.end)) continue;
      Arc arc = first;
      arc.cost += time_.idle_price(slot) * (run.begin - from) +
                  time_.RunningTo(j) - time_.RunningUntil(run.begin, slot);
      arc.work += length - task_.restore - (last ? 0 : task_.save);
      arc.target = last ? Target::kEnd : Target::kIdle;
      arc.point = j;
      Add(arc, first_run);
      runs_.back().spans[1] = run;
      runs_.back().count = 2;
    }
  }
}

// A run that goes on over the first border at or after `mature`.
template <typename C>
void RunArcs<C>::AddRunOn(int i, int64_t begin, int64_t mature,
                          int64_t restore) {
  if (mature > time_.end()) return;
  const int slot = time_.SlotAt(mature);
  const bool on_border = mature == time_.point(slot) && slot > i;
  const int border = on_border ? slot : slot + 1;
  const int64_t end = time_.point(border);
  if (!time_.Free(i, end)) return;
  Arc arc;
  arc.cost = time_.RunningTo(border) - time_.RunningUntil(begin, i);
  arc.work = end - begin - restore;
  arc.target = Target::kRunning;
  arc.point = border;
  Add(arc, {begin, end});
}

template <typename C>
void RunArcs<C>::Add(const Arc& arc, RunSpan run) {
  arcs_.push_back(arc);
  runs_.push_back({{run, {}}, 1});
}

template class RunArcs<int64_t>;
template class RunArcs<Cost>;

}  // namespace carbond
