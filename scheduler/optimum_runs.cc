// The exact search for the best row of runs.
//
// For a fixed number of runs the cost is linear in their end points, so an
// optimum exists in which every end point but one lies on a slot border, on an
// end of the window, or a least run's length away from such a point; the total
// work fixes the one that is left. The search walks over the borders with
// labels: a label is a row of runs so far, the useful work it has done and what
// it has cost. A label may hold one free end point: then its work and cost are
// linear in x, the time by which that end point was moved, and the last run
// decides x.
//
// What keeps the labels few is a lower bound on the cost still to come (see
// optimum_bound.h): a label, or the part of its x, whose bound reaches the best
// row known is dropped, and so is one than which another is better wherever it
// is; neither loses anything. Idling and running on change all labels alike, so
// they wait on two fronts and are looked at only where, by the bound, a run may
// begin or end.

#include <algorithm>
#include <utility>

#include "scheduler/optimum.h"
#include "scheduler/optimum_bound.h"
#include "scheduler/optimum_front.h"
#include "scheduler/optimum_ties.h"
#include "scheduler/priced_time.h"

namespace carbond {
namespace {

// From so many labels on the bound is taken at more prices of work.
constexpr int64_t kManyLabels = 300;

// So few points are searched at once, without trying a lower limit first.
constexpr int kFewPlaces = 32;

// A run that has ended, and those before it. With a free begin (end) it is
// [begin - x, end) or [begin, end + x).
struct Link {
  int before = -1;
  RunSpan run;
  enum class Free { kNone, kBegin, kEnd } free = Free::kNone;
};

template <typename C>
class RunsSearch {
 public:
  using Label = RunsLabel<C>;

  RunsSearch(const std::vector<PricedSlot>& slots, const Task& task,
             std::optional<Optimum> unbroken)
      : time_(slots),
        task_(task),
        limited_(task.max_runs > 0),
        bound_(time_, task),
        best_(std::move(unbroken)),
        limit_(best_ ? static_cast<C>(best_->cost) : kInfinite<C>),
        idle_(time_.count()),
        running_(time_.count()) {}

  std::optional<Optimum> Find() {
    bound_.Relax(best_);
    TakeGuesses();
    if (bound_.Whole() < limit_) {
      bound_.Refine(limit_);
      TakeGuesses();
    }
    if (bound_.Whole() < limit_) SearchWidening();
    if (best_) PreferEarlier(time_, task_, *best_);
    return std::move(best_);
  }

 private:
  static size_t Index(int i) { return static_cast<size_t>(i); }
  // The least useful work of a run.
  int64_t LeastWork() const { return std::max<int64_t>(task_.min_run, 1); }

  void TakeGuesses() {
    for (const Optimum& guess : bound_.Guesses()) {
      if (guess.cost >= limit_) continue;
      limit_ = static_cast<C>(guess.cost);
      best_ = guess;
    }
  }

  // The labels grow many as the limit grows above the bound, and the best row
  // is often far below the best one known: so a low limit is tried first. What
  // is found below a limit is the best of all.
  void SearchWidening() {
    C known = limit_;
    bound_.FindPlaces(known);
    const bool few = !best_ || bound_.Places() <= kFewPlaces;
    const C gap = known - bound_.Whole();
    for (const int part : {16, 4, 1}) {
      if (part > 1 && few) continue;
      limit_ = std::min(known, bound_.Whole() + (gap - 1) / part + 1);
      const C limit = limit_;
      const bool whole = Search();
      if (limit_ < limit || limit == known) {
        if (best_) best_->exact = whole;
        return;
      }
      limit_ = known;
      TakeGuesses();
      known = limit_;
    }
  }

  // Where nothing is known yet that fits, a little more is worth a try.
  bool TooLong() const {
    constexpr int64_t kMoreForTheFirst = 20;
    const int64_t looks = idle_.looks() + running_.looks();
    return looks > task_.most_looks * (best_ ? 1 : kMoreForTheFirst);
  }

  // Whether it came to an end.
  bool Search() {
    bound_.FindPlaces(limit_);
    idle_.Reset();
    running_.Reset();
    labels_ = 0;
    if (task_.start == Task::Start::kPaused) PushIdle(0, {});
    if (task_.start == Task::Start::kRunning) BeginWithRunning();
    for (int i = 0; i < time_.count(); ++i) {
      if (task_.start == Task::Start::kFresh) BeginFresh(i);
      VisitRunning(i);
      VisitIdle(i);
      if (TooLong()) return false;
      if (labels_ > kManyLabels && bound_.Prices() == 0) {
        bound_.AddPrices();
        TakeGuesses();
      }
    }
    return true;
  }

  void BeginFresh(int i) {
    Label label;
    if (!bound_.MayBegin(i)) return;
    if (MayWin(label, bound_.ToBeginFresh(i))) {
      BeginIn(label, i, time_.point(i), true);
    }
  }

  void VisitRunning(int i) {
    running_.Arrive(i);
    if (bound_.MayEnd(i)) {
      running_.Visit(time_.RunningTo(i), time_.point(i), [&](Label& label) {
        if (!MayWinFromRunning(label, i)) return false;
        Label ending = label;
        if (MayWin(ending, bound_.ToEnd(i))) StopIn(ending, i);
        return true;
      });
    }
    if (time_.blocked(i)) running_.Clear();
  }

  void VisitIdle(int i) {
    idle_.Arrive(i);
    if (bound_.MayBeginFromIdle(i)) {
      idle_.Visit(time_.IdlingTo(i), 0, [&](Label& label) {
        if (!MayWinFromIdle(label, i)) return false;
        Label beginning = label;
        if (MayWin(beginning, bound_.ToBegin(i))) {
          BeginIn(beginning, i, time_.point(i), false);
        }
        return true;
      });
    }
    idle_.Leave();
  }

  // ---- Keeping labels few

  using ToGo = typename CostBound<C>::ToGo;

  // Leaves of a label what may still win by a bound; false when that is
  // nothing.
  bool MayWin(Label& label, const ToGo& to_go) const {
    const C bound = label.cost + to_go.cost +
                    to_go.price * (task_.work - label.work) -
                    bound_.RunPrice() * (task_.max_runs - label.runs);
    const C room = limit_ - 1 - bound;
    if (!label.free) return room >= 0;
    return label.LimitX(label.slope - to_go.price, room);
  }
  bool MayWinFromIdle(Label& label, int i) const {
    if (!LeavesWork(label) || !MayWin(label, bound_.FromIdle(i))) return false;
    for (int k = 0; k < bound_.Prices(); ++k) {
      if (!MayWin(label, bound_.FromIdle(i, k))) return false;
    }
    return true;
  }
  bool MayWinFromRunning(Label& label, int i) const {
    if (limited_ && label.runs >= task_.max_runs) return false;
    if (!MayWin(label, bound_.FromRunning(i))) return false;
    for (int k = 0; k < bound_.Prices(); ++k) {
      if (!MayWin(label, bound_.FromRunning(i, k))) return false;
    }
    return true;
  }
  // Whether another run can follow.
  bool LeavesWork(const Label& label) const {
    if (limited_ && label.runs >= task_.max_runs) return false;
    return task_.work - label.LeastWork() >= LeastWork();
  }

  void PushIdle(int i, Label label) {
    if (i >= time_.count() || !MayWinFromIdle(label, i)) return;
    idle_.Push(i, label, time_.IdlingTo(i), 0);
    ++labels_;
  }
  void PushRunning(int i, Label label) {
    if (i >= time_.count() || !MayWinFromRunning(label, i)) return;
    running_.Push(i, label, time_.RunningTo(i), time_.point(i));
    ++labels_;
  }

  // ---- Going on

  void BeginWithRunning() {
    const int64_t mature =
        std::max(task_.running_min, task_.restore_left) + task_.save;
    Label label;
    label.runs = limited_ ? 1 : 0;
    label.begun = time_.begin();
    label.work = -task_.restore_left;
    if (mature == 0) {  // it may pause at once
      Label stopped = label;
      stopped.link = Close(label, time_.begin(), Link::Free::kNone);
      stopped.just_stopped = true;
      PushIdle(0, stopped);
    }
    Mature(label, 0, time_.begin(), time_.begin() + mature);
  }

  // A run begun at `from`, in slot `first`, goes on to `at`, where it may end
  // for the first time.
  void Mature(Label label, int first, int64_t from, int64_t at) {
    if (at >= time_.end() || !time_.Free(first, at)) return;
    const int i = time_.SlotAt(at);
    label.cost += time_.RunningUntil(at, i) - time_.RunningUntil(from, first);
    label.work += at - from;
    if (at == time_.point(i) && at > from) {
      PushRunning(i, label);
      return;
    }
    // Inside a slot: it ends just here, somewhere later in it, or goes on.
    const int64_t rest = time_.point(i + 1) - at;
    if (at > from) StopWithin(label, i, at, 0);
    if (time_.blocked(i)) return;
    if (!label.free && rest > 1) StopWithin(label, i, at, rest - 1);
    label.cost += time_.price(i) * rest;
    label.work += rest;
    PushRunning(i + 1, label);
  }

  // Ends the run at `at`, or up to `freedom` later, in slot i.
  void StopWithin(Label label, int i, int64_t at, int64_t freedom) {
    label.work -= task_.save;
    if (freedom > 0) {
      label.free = true;
      label.slope = time_.price(i) - time_.idle_price(i);
      label.x_high = freedom;
    }
    if (!LeavesWork(label)) return;
    label.link =
        Close(label, at, freedom > 0 ? Link::Free::kEnd : Link::Free::kNone);
    label.begin_free = false;
    // The next run may begin in what is left of the slot.
    label.just_stopped = true;
    if (at > time_.point(i) || freedom > 0) BeginIn(label, i, at, false);
    label.just_stopped = false;
    label.cost += time_.idle_price(i) * (time_.point(i + 1) - at);
    PushIdle(i + 1, label);
  }

  int Close(const Label& label, int64_t end, Link::Free free_end) {
    Link link{label.link, {label.begun, end}, free_end};
    if (label.begin_free) link.free = Link::Free::kBegin;
    links_.push_back(link);
    return static_cast<int>(links_.size()) - 1;
  }

  // Ends the run on the border before slot i, or within the slot.
  void StopIn(const Label& label, int i) {
    Label stopped = label;
    stopped.work -= task_.save;
    stopped.begin_free = false;
    stopped.just_stopped = true;
    if (MayWinFromIdle(stopped, i)) {
      stopped.link = Close(label, time_.point(i), Link::Free::kNone);
      PushIdle(i, stopped);
    }
    if (label.free || time_.blocked(i) || time_.length(i) == 1) return;
    StopWithin(label, i, time_.point(i), time_.length(i) - 1);
  }

  // Every way to begin a run in slot i for a label that has idled (free of
  // charge, when fresh) until `from`.
  void BeginIn(const Label& label, int i, int64_t from, bool fresh) {
    if (time_.blocked(i) || !bound_.MayBegin(i)) return;
    if (!fresh) EndWithLastRun(label, i, from);
    BeginRuns(label, i, from, fresh);
  }

  // The runs that a pause will follow.
  void BeginRuns(Label label, int i, int64_t from, bool fresh) {
    const int64_t restore = fresh ? 0 : task_.restore;
    const int64_t least = restore + LeastWork() + task_.save;
    label.begin_free = false;
    label.runs += limited_ ? 1 : 0;
    if (limited_ && label.runs >= task_.max_runs) return;
    label.work -= restore;
    if (!label.just_stopped) {
      Label at_once = label;
      at_once.begun = from;
      Mature(at_once, i, from, from + least);
    }
    BeginToEndOnBorder(label, i, from, least, fresh);
    if (!label.free) BeginAnywhere(label, i, from, least, fresh);
  }

  // A label whose free end lies in the slot, of which x must leave a pause.
  void LeavePause(Label& label, int64_t from, int64_t begin) const {
    const bool free_end =
        label.link >= 0 && links_[Index(label.link)].free == Link::Free::kEnd;
    if (label.just_stopped && free_end) {
      label.x_high = std::min(label.x_high, begin - from - 1);
    }
    label.just_stopped = false;
  }

  // Least runs that end on a border and begin in slot i, after `from`.
  void BeginToEndOnBorder(const Label& label, int i, int64_t from,
                          int64_t least, bool fresh) {
    if (least == 0) return;
    for (int j = FirstPointAfter(from + least);
         j < time_.count() && time_.point(j) - least < time_.point(i + 1);
         ++j) {
      const int64_t begin = time_.point(j) - least;
      if (!time_.Free(i, time_.point(j))) return;
      Label run = label;
      LeavePause(run, from, begin);
      if (run.x_high < run.x_low) continue;
      run.begun = begin;
      if (!fresh) run.cost += time_.idle_price(i) * (begin - from);
      run.cost += time_.RunningTo(j) - time_.RunningUntil(begin, i);
      run.work += least - task_.save;
      if (!MayWinFromIdle(run, j)) continue;
      run.link = Close(run, time_.point(j), Link::Free::kNone);
      run.just_stopped = true;
      PushIdle(j, run);
    }
  }

  // Runs that begin x before the end of slot i, after `from`. At each border
  // those are taken up that can end there for the first time.
  void BeginAnywhere(const Label& label, int i, int64_t from, int64_t least,
                     bool fresh) {
    const int64_t border = time_.point(i + 1);
    int64_t taken = border - from - 1;  // greater x were taken up before
    for (int j = i + 1; j < time_.count() && taken > 0; ++j) {
      if (!time_.Free(i, time_.point(j))) return;
      const int64_t later = time_.point(j) - border;
      const int64_t needs = std::max<int64_t>(least - later, 0);
      if (needs > taken) continue;
      Label run = label;
      run.just_stopped = false;
      run.free = true;
      run.begin_free = true;
      run.begun = border;
      run.x_low = needs;
      run.x_high = taken;
      run.slope = time_.price(i);
      run.cost += time_.RunningTo(j) - time_.RunningTo(i + 1);
      if (!fresh) {
        run.slope -= time_.idle_price(i);
        run.cost += time_.idle_price(i) * (border - from);
      }
      run.work += later;
      PushRunning(j, run);
      if (needs == 0) return;
      taken = needs - 1;
    }
  }

  // ---- The end

  // The last run of a label that has idled until `from` begins in slot i.
  void EndWithLastRun(const Label& label, int i, int64_t from) {
    const int64_t next = time_.point(i + 1);
    const int64_t whole = task_.restore + task_.work - label.work;
    const int64_t least = task_.restore + LeastWork();
    if (!label.free) {
      if (!label.just_stopped) End(label, 0, i, from, from, from + whole);
      for (int j = FirstPointAfter(from + whole);
           j <= time_.count() && time_.point(j) - whole < next; ++j) {
        End(label, 0, i, from, time_.point(j) - whole, time_.point(j));
      }
      return;
    }
    // x is what the length of the last run leaves.
    if (!label.just_stopped) {
      for (int j = FirstPointAfter(from + whole - label.x_high - 1);
           j <= time_.count() && time_.point(j) - from <= whole - label.x_low;
           ++j) {
        End(label, whole - (time_.point(j) - from), i, from, from,
            time_.point(j));
      }
      End(label, whole - least, i, from, from, from + least);
    }
    for (int j = FirstPointAfter(from + least);
         j <= time_.count() && time_.point(j) - least < next; ++j) {
      End(label, whole - least, i, from, time_.point(j) - least,
          time_.point(j));
    }
  }

  void End(Label label, int64_t x, int i, int64_t from, int64_t begin,
           int64_t end) {
    LeavePause(label, from, begin);
    if (end > time_.end() || x < label.x_low || x > label.x_high) return;
    if (end - begin - task_.restore < LeastWork()) return;
    const int last = time_.SlotAt(end);
    const C cost = label.CostAt(x) + time_.idle_price(i) * (begin - from) +
                   time_.RunningUntil(end, last) - time_.RunningUntil(begin, i);
    if (cost >= limit_ || !time_.Free(i, end)) return;
    limit_ = cost;
    best_ = Optimum{cost, RunsOf(label, x)};
    best_->runs.push_back({begin, end});
  }

  std::vector<RunSpan> RunsOf(const Label& label, int64_t x) const {
    std::vector<RunSpan> runs;
    for (int at = label.link; at >= 0; at = links_[Index(at)].before) {
      const Link& link = links_[Index(at)];
      runs.push_back(link.run);
      if (link.free == Link::Free::kBegin) runs.back().begin -= x;
      if (link.free == Link::Free::kEnd) runs.back().end += x;
    }
    std::reverse(runs.begin(), runs.end());
    return runs;
  }

  // The first point later than t; count() + 1 when there is none.
  int FirstPointAfter(int64_t t) const {
    if (t < time_.begin()) return 0;
    if (t >= time_.end()) return time_.count() + 1;
    return time_.SlotAt(t) + 1;
  }

  const PricedTime<C> time_;
  const Task& task_;
  const bool limited_;
  CostBound<C> bound_;
  std::optional<Optimum> best_;
  C limit_;  // what a row must cost less than to matter
  RunsFront<C> idle_, running_;
  std::vector<Link> links_;
  int64_t labels_ = 0;
};

}  // namespace

std::optional<Optimum> BestRuns(const std::vector<PricedSlot>& slots,
                                const Task& task) {
  if (slots.empty()) return std::nullopt;
  std::optional<Optimum> unbroken = BestUnbroken(slots, task);
  // Two runs need twice the least work; the one under way may end at once.
  const bool may_pause = task.start == Task::Start::kRunning
                             ? task.work >= task.min_run
                             : task.work >= 2 * task.min_run;
  if (!may_pause || task.max_runs == 1) return unbroken;
  return FitsInt64(slots, task)
             ? RunsSearch<int64_t>(slots, task, std::move(unbroken)).Find()
             : RunsSearch<Cost>(slots, task, std::move(unbroken)).Find();
}

}  // namespace carbond
