#include "scheduler/optimum_arcs.h"

#include <algorithm>
#include <initializer_list>

namespace carbond {
namespace {

// Hands every arc to `take`, with its runs. Most runs are never asked for, so
// they are not kept but made again.
template <typename C, typename Take>
class ArcMaker {
 public:
  using Arc = typename RunArcs<C>::Arc;
  using Target = typename RunArcs<C>::Target;

  ArcMaker(const PricedTime<C>& time, const Task& task, Take take)
      : time_(time), task_(task), take_(take) {}

  void FromStart() {
    const int64_t begin = time_.begin();
    const int64_t mature =
        begin + std::max(task_.running_min, task_.restore_left) + task_.save;
    if (mature > begin) {
      AddRun(0, begin, mature, false, task_.restore_left, false);
    } else {  // it may pause at once
      take_(Arc{0, 0, 0, Target::kIdle}, {{begin, begin}});
    }
    AddRunOn(0, begin, mature, task_.restore_left);
  }

  void From(int i, int64_t restore, bool idles) {
    const int64_t begin = time_.point(i);
    const int64_t next = time_.point(i + 1);
    const int64_t least = restore + LeastWork();
    for (const bool last : {true, false}) {
      const int64_t length = last ? least : least + task_.save;
      AddRun(i, begin, begin + length, last, restore, idles);
      if (begin + length >= time_.end()) continue;
      for (int j = time_.SlotAt(begin + length) + 1;
           j <= time_.count() && time_.point(j) - length < next; ++j) {
        AddRun(i, time_.point(j) - length, time_.point(j), last, restore,
               idles);
      }
    }
    AddRunOn(i, begin, begin + least, restore);
  }

 private:
  int64_t LeastWork() const { return std::max<int64_t>(task_.min_run, 1); }

  // The run [begin, end), which begins in slot i.
  void AddRun(int i, int64_t begin, int64_t end, bool last, int64_t restore,
              bool idles) {
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
    take_(arc, {{begin, end}});
  }

  // After a run that ended inside a slot: those of the least length that begin
  // in what is left of the slot and end on a border.
  void AddSecondRuns(const Arc& first, RunSpan first_run, int slot) {
    const int64_t from = first_run.end;
    for (const bool last : {true, false}) {
      const int64_t length =
          task_.restore + LeastWork() + (last ? 0 : task_.save);
      if (from + length >= time_.end()) continue;
      for (int j = time_.SlotAt(from + length) + 1;
           j <= time_.count() &&
           time_.point(j) - length < time_.point(slot + 1);
           ++j) {
        const RunSpan run = {time_.point(j) - length, time_.point(j)};
        if (!time_.Free(slot, run.end)) continue;
        Arc arc = first;
        arc.cost += time_.idle_price(slot) * (run.begin - from) +
                    time_.RunningTo(j) - time_.RunningUntil(run.begin, slot);
        arc.work += length - task_.restore - (last ? 0 : task_.save);
        arc.target = last ? Target::kEnd : Target::kIdle;
        arc.point = j;
        arc.runs = 2;
        take_(arc, {first_run, run});
      }
    }
  }

  // A run that goes on over the first border at or after `mature`.
  void AddRunOn(int i, int64_t begin, int64_t mature, int64_t restore) {
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
    take_(arc, {{begin, end}});
  }

  const PricedTime<C>& time_;
  const Task& task_;
  Take take_;
};

}  // namespace

template <typename C>
RunArcs<C>::RunArcs(const PricedTime<C>& time, const Task& task,
                    const std::vector<bool>& may_begin)
    : time_(time), task_(task) {
  const auto take = [&](const Arc& arc, std::initializer_list<RunSpan>) {
    arcs_.push_back(arc);
  };
  ArcMaker<C, decltype(take)> maker(time, task, take);
  const auto mark = [&] {
    firsts_.push_back(static_cast<int32_t>(arcs_.size()));
  };
  firsts_.reserve(2 * may_begin.size() + 2);
  for (int i = 0; i < time.count(); ++i) {
    const bool may = may_begin[static_cast<size_t>(i)] && !time.blocked(i);
    mark();
    if (may) maker.From(i, task.restore, true);
    mark();
    if (may && task.start == Task::Start::kFresh) maker.From(i, 0, false);
  }
  mark();
  if (task.start == Task::Start::kRunning) maker.FromStart();
  mark();
}

template <typename C>
std::vector<RunSpan> RunArcs<C>::RunsOf(From from, int i,
                                        const Arc& arc) const {
  Range range = from == From::kStart   ? FromStart()
                : from == From::kFresh ? FromFresh(i)
                                       : FromIdle(i);
  std::vector<RunSpan> found;
  const auto take = [&](const Arc&, std::initializer_list<RunSpan> runs) {
    if (range.first++ == &arc) found = runs;
  };
  ArcMaker<C, decltype(take)> maker(time_, task_, take);
  if (from == From::kStart) {
    maker.FromStart();
  } else {
    const bool idles = from == From::kIdle;
    maker.From(i, idles ? task_.restore : 0, idles);
  }
  return found;
}

template class RunArcs<int64_t>;
template class RunArcs<Cost>;

}  // namespace carbond
