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

  ArcMaker(const PricedTime<C>& time, const RunRules& rules,
           const std::vector<bool>& may_begin, Take take)
      : time_(time),
        rules_(rules),
        save_(rules.task.save),
        wait_price_(rules.template WaitPrice<C>()),
        may_begin_(may_begin),
        take_(take) {}

  void FromStart() {
    const int64_t begin = time_.begin();
    const int64_t mature = begin + rules_.MatureAfter();
    Entry entry;
    entry.place = rules_.moves.at;
    entry.overhead = rules_.task.restore_left;
    if (mature > begin) {
      AddRun(entry, 0, begin, mature, false);
    } else {  // it may pause at once
      Arc arc;
      arc.target = Target::kIdle;
      arc.place = static_cast<int16_t>(entry.place);
      IdleOn(arc, begin, 0);
      take_(arc, {{begin, begin, entry.place}});
    }
    AddRunOn(entry, 0, begin, mature);
  }

  void From(typename RunArcs<C>::From from, int place, int i) {
    const Entry entry = EntryOf(from, place);
    const int64_t begin = time_.point(i);
    const int64_t next = time_.point(i + 1);
    const int64_t least = entry.overhead + rules_.LeastWork();
    for (const bool last : {true, false}) {
      const int64_t length = last ? least : least + save_;
      AddRun(entry, i, begin, begin + length, last);
      if (begin + length >= time_.end()) continue;
      for (int j = time_.SlotAt(begin + length) + 1;
           j <= time_.count() && time_.point(j) - length < next; ++j) {
        AddRun(entry, i, time_.point(j) - length, time_.point(j), last);
      }
    }
    AddRunOn(entry, i, begin, begin + least);
  }

 private:
  // How a run begins.
  struct Entry {
    int place = 0;
    int64_t overhead = 0;
    C cost = 0;
    bool idles = false;  // before it
  };

  Entry EntryOf(typename RunArcs<C>::From from, int place) const {
    using Before = typename RunArcs<C>::From;
    const int at = rules_.moves.at;
    const bool moved =
        from == Before::kFresh ? at >= 0 && at != place : from == Before::kMove;
    const bool restores = from != Before::kFresh;
    return {place, rules_.Overhead(restores, moved),
            moved ? static_cast<C>(rules_.moves.cost) : 0, restores};
  }

  // The run [begin, end), which begins in slot i.
  void AddRun(const Entry& entry, int i, int64_t begin, int64_t end,
              bool last) {
    const int place = entry.place;
    if (end > time_.end() || !time_.Free(place, i, end)) return;
    const int slot = time_.SlotAt(end);
    Arc arc;
    arc.place = static_cast<int16_t>(place);
    arc.cost = entry.cost + time_.RunningUntil(place, end, slot) -
               time_.RunningUntil(place, begin, i);
    const int64_t waits = begin - time_.point(i);
    if (entry.idles) {
      arc.cost += time_.idle_price(i) * waits;
    } else if (wait_price_ > 0) {
      arc.cost += wait_price_ * waits;
    }
    arc.work = end - begin - entry.overhead;
    if (!last) {
      arc.target = Target::kIdle;
      arc.work -= save_;
      const bool inside = end > time_.point(slot) && end < time_.end();
      if (inside) AddSecondRuns(arc, {begin, end, place}, slot);
      IdleOn(arc, end, slot);
    }
    take_(arc, {{begin, end, place}});
  }

  // To the next border, or as far as the least pause is sure to last.
  void IdleOn(Arc& arc, int64_t end, int slot) const {
    const bool inside = end > time_.point(slot);
    arc.point = inside ? slot + 1 : slot;
    arc.cost += time_.idle_price(slot) * (time_.point(arc.point) - end);
    if (!rules_.PausesMatter()) return;
    const int border = arc.point;
    arc.point = std::max(
        border, rules_.ReadyAfter(time_, slot, time_.places() > 1, inside));
    arc.cost += time_.IdlingTo(arc.point) - time_.IdlingTo(border);
  }

  // After a run that ended inside a slot: those of the least length that begin
  // in what is left of the slot and end on a border.
  void AddSecondRuns(const Arc& first, RunSpan first_run, int slot) {
    for (int place = 0; place < time_.places(); ++place) {
      const bool moved = place != first_run.place;
      if (moved && !MayBegin(place, slot)) continue;
      using Before = typename RunArcs<C>::From;
      AddSecondRun(first, first_run, slot,
                   EntryOf(moved ? Before::kMove : Before::kStay, place));
    }
  }

  void AddSecondRun(const Arc& first, RunSpan first_run, int slot,
                    const Entry& entry) {
    const int64_t from = first_run.end;
    const int place = entry.place;
    for (const bool last : {true, false}) {
      const int64_t length =
          entry.overhead + rules_.LeastWork() + (last ? 0 : save_);
      if (from + length >= time_.end()) continue;
      for (int j = time_.SlotAt(from + length) + 1;
           j <= time_.count() &&
           time_.point(j) - length < time_.point(slot + 1);
           ++j) {
        const RunSpan run = {time_.point(j) - length, time_.point(j), place};
        if (!time_.Free(place, slot, run.end)) continue;
        Arc arc = first;
        arc.cost += entry.cost + time_.idle_price(slot) * (run.begin - from) +
                    time_.RunningTo(place, j) -
                    time_.RunningUntil(place, run.begin, slot);
        arc.work += rules_.LeastWork();
        arc.target = last ? Target::kEnd : Target::kIdle;
        arc.point = j;
        if (!last) IdleOn(arc, time_.point(j), j);
        arc.place = static_cast<int16_t>(place);
        arc.runs = 2;
        take_(arc, {first_run, run});
      }
    }
  }

  // A run that goes on over the first border at or after `mature`.
  void AddRunOn(const Entry& entry, int i, int64_t begin, int64_t mature) {
    const int place = entry.place;
    if (mature > time_.end()) return;
    const int slot = time_.SlotAt(mature);
    const bool on_border = mature == time_.point(slot) && slot > i;
    const int border = on_border ? slot : slot + 1;
    const int64_t end = time_.point(border);
    if (!time_.Free(place, i, end)) return;
    Arc arc;
    arc.cost = entry.cost + time_.RunningTo(place, border) -
               time_.RunningUntil(place, begin, i);
    arc.work = end - begin - entry.overhead;
    arc.target = Target::kRunning;
    arc.point = border;
    arc.place = static_cast<int16_t>(place);
    take_(arc, {{begin, end, place}});
  }

  bool MayBegin(int place, int i) const {
    return may_begin_[static_cast<size_t>(i * time_.places() + place)];
  }

  const PricedTime<C>& time_;
  const RunRules& rules_;
  const int64_t save_;
  const C wait_price_;
  const std::vector<bool>& may_begin_;
  Take take_;
};

}  // namespace

template <typename C>
RunArcs<C>::RunArcs(const PricedTime<C>& time, const RunRules& rules,
                    const std::vector<bool>& may_begin)
    : time_(time),
      rules_(rules),
      may_begin_(may_begin),
      any_(static_cast<size_t>(time.count())) {
  const auto take = [&](const Arc& arc, std::initializer_list<RunSpan>) {
    arcs_.push_back(arc);
  };
  ArcMaker<C, decltype(take)> maker(time, rules, may_begin, take);
  const auto add = [&](bool wanted, From from, int place, int i) {
    firsts_.push_back(static_cast<int32_t>(arcs_.size()));
    if (wanted) maker.From(from, place, i);
  };
  firsts_.reserve(kParts * may_begin.size() + 2);
  const bool moves = time.places() > 1 && !rules.MovesAreFree();
  for (int i = 0; i < time.count(); ++i) {
    const size_t before = arcs_.size();
    for (int place = 0; place < time.places(); ++place) {
      const auto at = static_cast<size_t>(i * time.places() + place);
      const bool may = may_begin[at] && !time.blocked(place, i);
      add(may, From::kStay, place, i);
      add(may && moves, From::kMove, place, i);
      add(may && rules.fresh(), From::kFresh, place, i);
    }
    any_[static_cast<size_t>(i)] = arcs_.size() > before;
  }
  firsts_.push_back(static_cast<int32_t>(arcs_.size()));
  if (rules.running()) maker.FromStart();
  firsts_.push_back(static_cast<int32_t>(arcs_.size()));
}

template <typename C>
std::vector<RunSpan> RunArcs<C>::RunsOf(From from, int place, int i,
                                        const Arc& arc) const {
  if (from == From::kMove && rules_.MovesAreFree()) from = From::kStay;
  Range range = from == From::kStart   ? FromStart()
                : from == From::kFresh ? FromFresh(place, i)
                : from == From::kMove  ? FromMove(place, i)
                                       : FromStay(place, i);
  std::vector<RunSpan> found;
  const auto take = [&](const Arc&, std::initializer_list<RunSpan> runs) {
    if (range.first++ == &arc) found = runs;
  };
  ArcMaker<C, decltype(take)> maker(time_, rules_, may_begin_, take);
  if (from == From::kStart) {
    maker.FromStart();
  } else {
    maker.From(from, place, i);
  }
  return found;
}

template class RunArcs<int64_t>;
template class RunArcs<Cost>;

}  // namespace carbond
