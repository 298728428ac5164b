#include "scheduler/optimum_bound.h"

#include <algorithm>

#include "scheduler/optimum_ties.h"

namespace carbond {

CostBound::CostBound(const PricedTime& time, const Task& task)
    : time_(time), task_(task) {
  MakeArcs();
  Cost highest = 0;
  for (int i = 0; i < time.count(); ++i) {
    highest = std::max(highest, time.slot(i).price);
  }
  ClimbTo(highest + 1);
}

Cost CostBound::Whole() const {
  const ToGo start = Start();
  return start.reduced >= kInfinite ? kInfinite
                                    : start.reduced + lambda_ * task_.work;
}

// ---- Arcs -----------------------------------------------------------------

bool CostBound::Free(int64_t from, int64_t to) const {
  return time_.BlockedUntil(from) == time_.BlockedUntil(to);
}

void CostBound::MakeArcs() {
  const auto points = Index(time_.count()) + 1;
  from_idle_.resize(points);
  from_fresh_.resize(points);
  for (int i = 0; i < time_.count(); ++i) {
    if (time_.slot(i).blocked) continue;
    AddRunsFrom(i, task_.restore, true, from_idle_[Index(i)]);
    if (task_.start == Task::Start::kFresh) {
      AddRunsFrom(i, 0, false, from_fresh_[Index(i)]);
    }
  }
  if (task_.start != Task::Start::kRunning) return;
  const int64_t begin = time_.begin();
  const int64_t mature =
      begin + std::max(task_.running_min, task_.restore_left) + task_.save;
  if (mature > begin) {
    AddRun(0, begin, mature, false, task_.restore_left, false, from_start_);
  } else {  // it may pause at once
    from_start_.push_back({0, 0, Target::kIdle, 0, {{begin, begin}}});
  }
  AddRunOn(0, begin, mature, task_.restore_left, from_start_);
}

// A run longer than the least has both ends on borders (its cost is linear in
// each); one of the least length has one of them there.
void CostBound::AddRunsFrom(int i, int64_t restore, bool idles,
                            std::vector<Arc>& arcs) {
  const int64_t begin = time_.point(i);
  const int64_t next = time_.point(i + 1);
  const int64_t least = restore + std::max<int64_t>(task_.min_run, 1);
  for (const bool last : {true, false}) {
    const int64_t length = last ? least : least + task_.save;
    AddRun(i, begin, begin + length, last, restore, idles, arcs);
    if (begin + length >= time_.end()) continue;
    for (int j = time_.SlotAt(begin + length) + 1;
         j <= time_.count() && time_.point(j) - length < next; ++j) {
      AddRun(i, time_.point(j) - length, time_.point(j), last, restore, idles,
             arcs);
    }
  }
  AddRunOn(i, begin, begin + least, restore, arcs);
}

// The run [begin, end), which begins in slot i.
void CostBound::AddRun(int i, int64_t begin, int64_t end, bool last,
                       int64_t restore, bool idles, std::vector<Arc>& arcs) {
  if (end > time_.end() || !Free(begin, end)) return;
  Arc arc;
  arc.runs = {{begin, end}};
  arc.cost = time_.RunningUntil(end) - time_.RunningUntil(begin, i);
  if (idles) {
    arc.cost +=
        time_.IdlingUntil(begin, i) - time_.IdlingUntil(time_.point(i), i);
  }
  arc.work = end - begin - restore;
  if (!last) {
    const int slot = time_.SlotAt(end);
    arc.target = Target::kIdle;
    arc.work -= task_.save;
    const bool inside = end > time_.point(slot) && end < time_.end();
    if (inside) AddSecondRuns(arc, end, slot, arcs);
    arc.point = end == time_.point(slot) ? slot : slot + 1;
    arc.cost += time_.IdlingUntil(time_.point(arc.point), arc.point - 1) -
                time_.IdlingUntil(end, slot);
  }
  arcs.push_back(std::move(arc));
}

// After a run that ended at `from`, inside a slot: those of the least length
// that begin in what is left of the slot and end on a border.
void CostBound::AddSecondRuns(const Arc& first, int64_t from, int slot,
                              std::vector<Arc>& arcs) {
  const int64_t least = task_.restore + std::max<int64_t>(task_.min_run, 1);
  for (const bool last : {true, false}) {
    const int64_t length = last ? least : least + task_.save;
    if (from + length >= time_.end()) continue;
    for (int j = time_.SlotAt(from + length) + 1;
         j <= time_.count() && time_.point(j) - length < time_.point(slot + 1);
         ++j) {
      const int64_t begin = time_.point(j) - length;
      if (!Free(begin, time_.point(j))) continue;
      Arc arc = first;
      arc.runs.push_back({begin, time_.point(j)});
      arc.cost +=
          time_.IdlingUntil(begin, slot) - time_.IdlingUntil(from, slot) +
          time_.RunningUntil(time_.point(j)) - time_.RunningUntil(begin, slot);
      arc.work += length - task_.restore - (last ? 0 : task_.save);
      arc.target = last ? Target::kEnd : Target::kIdle;
      arc.point = j;
      arcs.push_back(std::move(arc));
    }
  }
}

// A run that goes on over the first border at or after `mature`.
void CostBound::AddRunOn(int i, int64_t begin, int64_t mature, int64_t restore,
                         std::vector<Arc>& arcs) {
  if (mature > time_.end()) return;
  const int slot = time_.SlotAt(mature);
  const bool on_border = mature == time_.point(slot) && slot > i;
  const int border = on_border ? slot : slot + 1;
  const int64_t end = time_.point(border);
  if (!Free(begin, end)) return;
  Arc arc;
  arc.runs = {{begin, end}};
  arc.cost = time_.RunningUntil(end) - time_.RunningUntil(begin, i);
  arc.work = end - begin - restore;
  arc.target = Target::kRunning;
  arc.point = border;
  arcs.push_back(arc);
}

// ---- The shortest path at a price of work ---------------------------------

CostBound::ToGo CostBound::Best(const std::vector<Arc>& arcs) const {
  ToGo best;
  for (size_t k = 0; k < arcs.size(); ++k) {
    const Arc& arc = arcs[k];
    ToGo after{0, 0, -1};
    if (arc.target == Target::kIdle) after = idle_[Index(arc.point)];
    if (arc.target == Target::kRunning) after = running_[Index(arc.point)];
    if (after.reduced >= kInfinite) continue;
    const Cost reduced = arc.cost - lambda_ * arc.work + after.reduced;
    if (reduced < best.reduced) {
      best = {reduced, arc.work + after.work, static_cast<int>(k)};
    }
  }
  return best;
}

// Without an arc: from idle (fresh) one idles to the next border; from running
// `arc` says 0: ends here for good, 1: runs to the next border, 2: pauses.
void CostBound::Solve(Cost lambda) {
  lambda_ = lambda;
  const auto n = Index(time_.count());
  idle_.assign(n + 1, ToGo());
  running_.assign(n + 1, ToGo());
  fresh_.assign(n + 1, ToGo());
  running_[n] = {0, 0, 0};
  for (int i = time_.count() - 1; i >= 0; --i) {
    const PricedSlot& slot = time_.slot(i);
    const int64_t length = slot.end - slot.begin;
    ToGo idle = Best(from_idle_[Index(i)]);
    const ToGo& stay = idle_[Index(i + 1)];
    const Cost stayed = stay.reduced + slot.idle_price * length;
    if (stay.reduced < kInfinite && stayed <= idle.reduced) {
      idle = {stayed, stay.work, -1};
    }
    idle_[Index(i)] = idle;

    ToGo running{0, 0, 0};
    const ToGo& next = running_[Index(i + 1)];
    const Cost on = next.reduced + (slot.price - lambda) * length;
    if (!slot.blocked && on < running.reduced) {
      running = {on, next.work + length, 1};
    }
    const Cost paused = idle.reduced + lambda * task_.save;
    if (idle.reduced < kInfinite && paused < running.reduced) {
      running = {paused, idle.work - task_.save, 2};
    }
    running_[Index(i)] = running;

    ToGo fresh = Best(from_fresh_[Index(i)]);
    const ToGo& later = fresh_[Index(i + 1)];
    if (later.reduced <= fresh.reduced) fresh = {later.reduced, later.work, -1};
    fresh_[Index(i)] = fresh;
  }
}

CostBound::ToGo CostBound::Start() const {
  switch (task_.start) {
    case Task::Start::kFresh:
      return fresh_[0];
    case Task::Start::kPaused:
      return idle_[0];
    case Task::Start::kRunning:
      return Best(from_start_);
  }
  return {};
}

// The greatest bound lies where the work of the relaxed solution passes the
// demand. Each solution is a line over lambda; the next lambda is where the
// lines of the two sides meet.
void CostBound::ClimbTo(Cost highest) {
  Cost low = 0, high = highest;
  Cost best_lambda = 0, best = -kInfinite;
  const auto look = [&](Cost lambda) {
    Solve(lambda);
    Guess();
    if (Whole() > best) {
      best = Whole();
      best_lambda = lambda;
    }
    return Start();
  };
  ToGo left = look(low), right = look(high);
  for (int step = 0; step < 40 && right.work > left.work; ++step) {
    if (left.reduced >= kInfinite || right.reduced >= kInfinite) break;
    const Cost left_cost = left.reduced + low * left.work;
    const Cost right_cost = right.reduced + high * right.work;
    const Cost lambda = (right_cost - left_cost) / (right.work - left.work);
    if (lambda <= low || lambda >= high) break;
    const ToGo middle = look(lambda);
    if (middle.work >= task_.work) {
      high = lambda;
      right = middle;
    } else {
      low = lambda;
      left = middle;
    }
  }
  if (best_lambda != lambda_) Solve(best_lambda);
}

// ---- Rows to begin with -----------------------------------------------------

void CostBound::Guess() {
  std::optional<std::vector<RunSpan>> runs = Walk();
  if (!runs || runs->size() < 2 || !Repair(*runs)) return;
  Optimum guess;
  guess.cost = CostOf(time_.slots(), task_, *runs);
  guess.runs = *std::move(runs);
  guesses_.push_back(std::move(guess));
}

// The runs of the relaxed solution.
std::optional<std::vector<RunSpan>> CostBound::Walk() const {
  std::vector<RunSpan> runs;
  const ToGo start = Start();
  if (start.reduced >= kInfinite) return std::nullopt;
  bool fresh = task_.start == Task::Start::kFresh;
  int i = 0;
  bool first = task_.start == Task::Start::kRunning;
  while (i <= time_.count()) {
    const ToGo& go = first ? start : fresh ? fresh_[Index(i)] : idle_[Index(i)];
    if (go.arc < 0) {
      ++i;
      continue;
    }
    const Arc& arc = (first   ? from_start_
                      : fresh ? from_fresh_[Index(i)]
                              : from_idle_[Index(i)])[Index(go.arc)];
    first = fresh = false;
    // Where two runs would touch, one is better.
    for (const RunSpan& run : arc.runs) {
      if (!runs.empty() && runs.back().end == run.begin) {
        runs.back().end = run.end;
      } else {
        runs.push_back(run);
      }
    }
    i = arc.point;
    if (arc.target == Target::kEnd) return runs;
    if (arc.target == Target::kIdle) continue;
    while (running_[Index(i)].arc == 1) ++i;
    runs.back().end = time_.point(i);
    if (running_[Index(i)].arc == 0) return runs;
  }
  return std::nullopt;
}

int64_t CostBound::WorkOf(const std::vector<RunSpan>& runs) const {
  int64_t work = 0;
  for (size_t k = 0; k < runs.size(); ++k) {
    work += runs[k].end - runs[k].begin;
    if (k > 0 || task_.start == Task::Start::kPaused) work -= task_.restore;
    if (k == 0) work -= task_.restore_left;
    if (k + 1 < runs.size()) work -= task_.save;
  }
  return work;
}

bool CostBound::Repair(std::vector<RunSpan>& runs) const {
  for (size_t k = 0; k < runs.size(); ++k) {
    // The relaxation may forget that a pause also saves.
    if (runs[k].end - runs[k].begin < LeastLength(task_, k, runs.size()))
      return false;
  }
  const int64_t surplus = WorkOf(runs) - task_.work;
  return surplus >= 0 ? Trim(runs, surplus) : Extend(runs, -surplus);
}

// Takes time off the ends of runs, the dearest first.
bool CostBound::Trim(std::vector<RunSpan>& runs, int64_t surplus) const {
  while (surplus > 0) {
    int64_t* end = nullptr;
    int64_t by = 0;
    Cost dearest = -1;
    for (size_t k = 0; k < runs.size(); ++k) {
      const int64_t spare =
          runs[k].end - runs[k].begin - LeastLength(task_, k, runs.size());
      if (spare <= 0) continue;
      const int first = time_.SlotAt(runs[k].begin);
      const int last = time_.SlotAt(runs[k].end - 1);
      const bool fixed = k == 0 && task_.start == Task::Start::kRunning;
      if (!fixed && time_.slot(first).price > dearest) {
        dearest = time_.slot(first).price;
        end = &runs[k].begin;
        by = std::min(spare, time_.point(first + 1) - runs[k].begin);
      }
      if (time_.slot(last).price > dearest) {
        dearest = time_.slot(last).price;
        end = &runs[k].end;
        by = -std::min(spare, runs[k].end - time_.point(last));
      }
    }
    if (end == nullptr) return false;
    const int64_t step = std::min(surplus, by > 0 ? by : -by);
    *end += by > 0 ? step : -step;
    surplus -= step;
  }
  return true;
}

// Adds time to the ends of runs, where it is cheapest.
bool CostBound::Extend(std::vector<RunSpan>& runs, int64_t missing) const {
  while (missing > 0) {
    int64_t* end = nullptr;
    int64_t by = 0;
    Cost cheapest = kInfinite;
    for (size_t k = 0; k < runs.size(); ++k) {
      // A pause keeps some length.
      const int64_t from = k > 0 ? runs[k - 1].end + 1 : time_.begin();
      const int64_t to =
          k + 1 < runs.size() ? runs[k + 1].begin - 1 : time_.end();
      const bool fixed = k == 0 && task_.start == Task::Start::kRunning;
      if (!fixed && runs[k].begin > from) {
        const int slot = time_.SlotAt(runs[k].begin - 1);
        if (!time_.slot(slot).blocked && time_.slot(slot).price < cheapest) {
          cheapest = time_.slot(slot).price;
          end = &runs[k].begin;
          by = -(runs[k].begin - std::max(from, time_.point(slot)));
        }
      }
      if (runs[k].end < to) {
        const int slot = time_.SlotAt(runs[k].end);
        if (!time_.slot(slot).blocked && time_.slot(slot).price < cheapest) {
          cheapest = time_.slot(slot).price;
          end = &runs[k].end;
          by = std::min(to, time_.point(slot + 1)) - runs[k].end;
        }
      }
    }
    if (end == nullptr) return false;
    const int64_t step = std::min(missing, by > 0 ? by : -by);
    *end += by > 0 ? step : -step;
    missing -= step;
  }
  return true;
}

}  // namespace carbond
