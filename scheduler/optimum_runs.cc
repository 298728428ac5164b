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
// optimum_bound.h): a label whose bound reaches the best row known is dropped,
// which loses nothing.

#include <algorithm>
#include <tuple>
#include <utility>

#include "scheduler/optimum.h"
#include "scheduler/optimum_bound.h"
#include "scheduler/optimum_ties.h"
#include "scheduler/priced_time.h"

namespace carbond {
namespace {

// A search that would hold more labels than this ends with the best row found
// till then. Grids and jobs as they are stay far below; a week of white noise
// does not.
constexpr int64_t kMostLabels = 1'000'000;

// ---- The labels -----------------------------------------------------------

// A run that has ended, and those before it. With a free begin (end) it is
// [begin - x, end) or [begin, end + x).
struct Link {
  int before = -1;
  RunSpan run;
  enum class Free { kNone, kBegin, kEnd } free = Free::kNone;
};

struct Label {
  Cost cost = 0;     // at x = 0
  int64_t work = 0;  // at x = 0; grows with x
  Cost slope = 0;    // of the cost over x
  int64_t x_low = 0, x_high = 0;
  bool free = false;  // holds a free end point
  int link = -1;      // the runs that have ended
  // The run under way.
  int64_t begun = 0;
  bool begin_free = false;
  // Its last run ended just here: another is not begun at the same instant,
  // since going on would be better.
  bool just_stopped = false;

  Cost CostAt(int64_t x) const { return cost + slope * x; }
};

class RunsSearch {
 public:
  RunsSearch(const std::vector<PricedSlot>& slots, const Task& task,
             std::optional<Optimum> unbroken)
      : time_(slots),
        task_(task),
        bound_(time_, task),
        best_(std::move(unbroken)),
        limit_(best_ ? best_->cost : kInfinite) {}

  std::optional<Optimum> Find() {
    for (const Optimum& guess : bound_.Guesses()) {
      if (guess.cost >= limit_) continue;
      limit_ = guess.cost;
      best_ = guess;
    }
    if (bound_.Whole() >= limit_) {
      if (best_) PreferEarlier(time_, task_, *best_);
      return best_;
    }
    const auto points = static_cast<size_t>(time_.count()) + 1;
    idle_.resize(points);
    running_.resize(points);
    if (task_.start == Task::Start::kPaused) idle_[0].push_back({});
    if (task_.start == Task::Start::kRunning) BeginWithRunning();
    for (int i = 0; i < time_.count(); ++i) {
      if (task_.start == Task::Start::kFresh) {
        BeginIn(Label(), i, time_.point(i), true);
      }
      for (const Label& label : Thin(running_[Index(i)], i, false)) {
        ExtendRunning(label, i);
      }
      for (const Label& label : Thin(idle_[Index(i)], i, true)) {
        ExtendIdle(label, i);
      }
      running_[Index(i)] = {};
      idle_[Index(i)] = {};
      if (best_ && labels_ > kMostLabels) {
        best_->exact = false;
        break;
      }
    }
    if (best_) PreferEarlier(time_, task_, *best_);
    return best_;
  }

 private:
  static size_t Index(int i) { return static_cast<size_t>(i); }
  int64_t Length(int i) const { return time_.point(i + 1) - time_.point(i); }
  bool Free(int64_t from, int64_t to) const {
    return time_.BlockedUntil(to) == time_.BlockedUntil(from);
  }
  // The least useful work of a run.
  int64_t LeastWork() const { return std::max<int64_t>(task_.min_run, 1); }

  // ---- Keeping labels few

  bool Hopeless(const Label& label, int i, bool idle) const {
    // The work that must still follow a pause here.
    const int64_t done = label.work + label.x_low - (idle ? 0 : task_.save);
    if (task_.work - done < LeastWork()) return true;
    const auto bound_at = [&](int64_t x) {
      return idle ? bound_.FromIdle(i, label.CostAt(x), label.work + x)
                  : bound_.FromRunning(i, label.CostAt(x), label.work + x);
    };
    return std::min(bound_at(label.x_low), bound_at(label.x_high)) >= limit_;
  }

  // The labels of a point without those that cannot win and those that another
  // makes needless: the same work for less.
  std::vector<Label>& Thin(std::vector<Label>& labels, int i, bool idle) {
    std::erase_if(labels, [&](const Label& l) { return Hopeless(l, i, idle); });
    std::sort(labels.begin(), labels.end(), [](const Label& a, const Label& b) {
      const auto key = [](const Label& l) {
        return std::tuple(l.free, l.work + l.x_low, l.work + l.x_high,
                          l.CostAt(l.x_low), l.CostAt(l.x_high),
                          l.just_stopped);
      };
      return key(a) < key(b);
    });
    size_t kept = 0;
    for (size_t j = 0; j < labels.size(); ++j) {
      const Label& label = labels[j];
      if (kept > 0) {
        const Label& last = labels[kept - 1];
        const bool same = last.free == label.free &&
                          last.work + last.x_low == label.work + label.x_low &&
                          last.work + last.x_high == label.work + label.x_high;
        if (same && last.CostAt(last.x_high) <= label.CostAt(label.x_high)) {
          continue;
        }
      }
      if (kept != j) labels[kept] = labels[j];
      ++kept;
    }
    labels.resize(kept);
    return labels;
  }

  void PushIdle(int i, const Label& label) {
    if (i < time_.count() && !Hopeless(label, i, true)) {
      idle_[Index(i)].push_back(label);
      ++labels_;
    }
  }
  void PushRunning(int i, const Label& label) {
    if (i < time_.count() && !Hopeless(label, i, false)) {
      running_[Index(i)].push_back(label);
      ++labels_;
    }
  }

  // ---- Going on

  void BeginWithRunning() {
    const int64_t mature =
        std::max(task_.running_min, task_.restore_left) + task_.save;
    Label label;
    label.begun = time_.begin();
    label.work = -task_.restore_left;
    if (mature == 0) {  // it may pause at once
      Label stopped = label;
      stopped.link = Close(label, time_.begin(), Link::Free::kNone);
      stopped.just_stopped = true;
      PushIdle(0, stopped);
    }
    Mature(label, time_.begin(), time_.begin() + mature);
  }

  // A run begun at `from` goes on to `at`, where it may end for the first time.
  void Mature(Label label, int64_t from, int64_t at) {
    if (at >= time_.end() || !Free(from, at)) return;
    const int i = time_.SlotAt(at);
    label.cost += time_.RunningUntil(at, i) - time_.RunningUntil(from);
    label.work += at - from;
    if (at == time_.point(i) && at > from) {
      PushRunning(i, label);
      return;
    }
    // Inside a slot: it ends just here, somewhere later in it, or goes on.
    const PricedSlot& slot = time_.slot(i);
    const int64_t rest = slot.end - at;
    if (at > from) StopWithin(label, i, at, 0);
    if (slot.blocked) return;
    if (!label.free && rest > 1) StopWithin(label, i, at, rest - 1);
    label.cost += slot.price * rest;
    label.work += rest;
    PushRunning(i + 1, label);
  }

  // Ends the run at `at`, or up to `freedom` later, in slot i.
  void StopWithin(Label label, int i, int64_t at, int64_t freedom) {
    const PricedSlot& slot = time_.slot(i);
    label.work -= task_.save;
    if (freedom > 0) {
      label.free = true;
      label.slope = slot.price - slot.idle_price;
      label.x_high = freedom;
    }
    if (task_.work - label.work - label.x_low < LeastWork()) return;
    label.link =
        Close(label, at, freedom > 0 ? Link::Free::kEnd : Link::Free::kNone);
    label.begin_free = false;
    // The next run may begin in what is left of the slot.
    label.just_stopped = true;
    if (at > slot.begin || freedom > 0) BeginIn(label, i, at, false);
    label.just_stopped = false;
    label.cost += slot.idle_price * (slot.end - at);
    PushIdle(i + 1, label);
  }

  int Close(const Label& label, int64_t end, Link::Free free_end) {
    Link link{label.link, {label.begun, end}, free_end};
    if (label.begin_free) link.free = Link::Free::kBegin;
    links_.push_back(link);
    return static_cast<int>(links_.size()) - 1;
  }

  void ExtendRunning(const Label& label, int i) {
    const PricedSlot& slot = time_.slot(i);
    Label stopped = label;  // on this border
    stopped.work -= task_.save;
    if (!Hopeless(stopped, i, true)) {
      stopped.link = Close(label, time_.point(i), Link::Free::kNone);
      stopped.begin_free = false;
      stopped.just_stopped = true;
      PushIdle(i, stopped);
    }
    if (slot.blocked) return;
    if (!label.free && Length(i) > 1) {
      StopWithin(label, i, slot.begin, Length(i) - 1);
    }
    Label on = label;
    on.cost += slot.price * Length(i);
    on.work += Length(i);
    PushRunning(i + 1, on);
  }

  void ExtendIdle(const Label& label, int i) {
    BeginIn(label, i, time_.point(i), false);
    Label on = label;
    on.just_stopped = false;
    on.cost += time_.slot(i).idle_price * Length(i);
    PushIdle(i + 1, on);
  }

  // Every way to begin a run in slot i for a label that has idled (free of
  // charge, when fresh) until `from`.
  void BeginIn(const Label& label, int i, int64_t from, bool fresh) {
    if (time_.slot(i).blocked) return;
    if (!fresh) EndWithLastRun(label, i, from);
    BeginRuns(label, i, from, fresh);
  }

  // The runs that a pause will follow.
  void BeginRuns(Label label, int i, int64_t from, bool fresh) {
    const int64_t restore = fresh ? 0 : task_.restore;
    const int64_t least = restore + LeastWork() + task_.save;
    label.begin_free = false;
    label.work -= restore;
    if (!label.just_stopped) {
      Label at_once = label;
      at_once.begun = from;
      Mature(at_once, from, from + least);
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
      if (!Free(begin, time_.point(j))) continue;
      Label run = label;
      LeavePause(run, from, begin);
      if (run.x_high < run.x_low) continue;
      run.begun = begin;
      if (!fresh) run.cost += time_.slot(i).idle_price * (begin - from);
      run.cost +=
          time_.RunningUntil(time_.point(j), j) - time_.RunningUntil(begin, i);
      run.work += least - task_.save;
      if (Hopeless(run, j, true)) continue;
      run.link = Close(run, time_.point(j), Link::Free::kNone);
      run.just_stopped = true;
      PushIdle(j, run);
    }
  }

  // Runs that begin x before the end of slot i, after `from`. At each border
  // those are taken up that can end there for the first time.
  void BeginAnywhere(const Label& label, int i, int64_t from, int64_t least,
                     bool fresh) {
    const PricedSlot& slot = time_.slot(i);
    int64_t taken = slot.end - from - 1;  // greater x were taken up before
    for (int j = i + 1; j < time_.count() && taken > 0; ++j) {
      if (j > i + 1 && time_.slot(j - 1).blocked) return;
      const int64_t later = time_.point(j) - slot.end;
      const int64_t needs = std::max<int64_t>(least - later, 0);
      if (needs > taken) continue;
      Label run = label;
      run.just_stopped = false;
      run.free = true;
      run.begin_free = true;
      run.begun = slot.end;
      run.x_low = needs;
      run.x_high = taken;
      run.slope = slot.price;
      run.cost += time_.RunningUntil(time_.point(j), j) -
                  time_.RunningUntil(slot.end, i);
      if (!fresh) {
        run.slope -= slot.idle_price;
        run.cost += slot.idle_price * (slot.end - from);
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
    const Cost cost =
        label.CostAt(x) + time_.slot(i).idle_price * (begin - from) +
        time_.RunningUntil(end, last) - time_.RunningUntil(begin, i);
    if (cost >= limit_) return;
    if (time_.BlockedUntil(end, last) != time_.BlockedUntil(begin, i)) return;
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

  const PricedTime time_;
  const Task& task_;
  const CostBound bound_;
  std::optional<Optimum> best_;
  Cost limit_;  // what a row must cost less than to matter
  std::vector<std::vector<Label>> idle_, running_;  // by point
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
  if (!may_pause) return unbroken;
  return RunsSearch(slots, task, std::move(unbroken)).Find();
}

}  // namespace carbond
