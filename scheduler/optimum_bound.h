#pragma once
// A lower bound on the cost still to come, for the search of optimum_runs.cc,
// and a good row of runs to begin with.
//
// The bound prices work at lambda per millisecond and gives up the demand that
// the work be exact (Lagrangian relaxation; see Fisher, "The Lagrangian
// Relaxation Method for Solving Integer Programming Problems", Management
// Science 27, 1981). What is left is a shortest path over the slot borders:
// each arc is a stretch of idling or running with its cost and its work. lambda
// is chosen to make the bound greatest.

#include <cstdint>
#include <optional>
#include <vector>

#include "scheduler/optimum.h"
#include "scheduler/priced_time.h"

namespace carbond {

inline constexpr Cost kInfinite = static_cast<Cost>(1) << 120;

class CostBound {
 public:
  CostBound(const PricedTime& time, const Task& task);

  // At least this much will have been paid in the end by a row of runs that has
  // paid `cost` for `work`, and is idle (running) at point i.
  Cost FromIdle(int i, Cost cost, int64_t work) const {
    return cost + idle_[Index(i)].reduced + lambda_ * (task_.work - work);
  }
  Cost FromRunning(int i, Cost cost, int64_t work) const {
    return cost + running_[Index(i)].reduced + lambda_ * (task_.work - work);
  }
  // For every row of two or more runs.
  Cost Whole() const;

  // Rows that were the best at prices about lambda, repaired so that their work
  // is exact; none of them need be the best.
  const std::vector<Optimum>& Guesses() const { return guesses_; }

 private:
  enum class Target { kEnd, kIdle, kRunning };
  // A way on: its cost, its work (overheads taken off), where it leads, and the
  // run s that it holds; the last goes on where it leads to kRunning.
  struct Arc {
    Cost cost = 0;
    int64_t work = 0;
    Target target = Target::kEnd;
    int point = 0;
    std::vector<RunSpan> runs;
  };
  // The cheapest way on from a point: its cost less lambda times its work, that
  // work, and its first arc (-1: the one that needs no arc; see Solve).
  struct ToGo {
    Cost reduced = kInfinite;
    int64_t work = 0;
    int arc = -1;
  };

  static size_t Index(int i) { return static_cast<size_t>(i); }

  void MakeArcs();
  void AddRunsFrom(int i, int64_t restore, bool idles, std::vector<Arc>& arcs);
  void AddSecondRuns(const Arc& first, int64_t from, int slot,
                     std::vector<Arc>& arcs);
  void AddRun(int i, int64_t begin, int64_t end, bool last, int64_t restore,
              bool idles, std::vector<Arc>& arcs);
  void AddRunOn(int i, int64_t begin, int64_t mature, int64_t restore,
                std::vector<Arc>& arcs);
  bool Free(int64_t from, int64_t to) const;

  ToGo Best(const std::vector<Arc>& arcs) const;
  ToGo Start() const;
  void Solve(Cost lambda);
  void ClimbTo(Cost highest);

  void Guess();
  std::optional<std::vector<RunSpan>> Walk() const;
  bool Repair(std::vector<RunSpan>& runs) const;
  bool Trim(std::vector<RunSpan>& runs, int64_t surplus) const;
  bool Extend(std::vector<RunSpan>& runs, int64_t missing) const;
  int64_t WorkOf(const std::vector<RunSpan>& runs) const;

  const PricedTime& time_;
  const Task& task_;
  // By point: runs that begin in the slot after it, from idle and from fresh.
  std::vector<std::vector<Arc>> from_idle_, from_fresh_;
  std::vector<Arc> from_start_;  // kRunning: the run under way
  Cost lambda_ = 0;
  std::vector<ToGo> idle_, running_, fresh_;
  std::vector<Optimum> guesses_;
};

}  // namespace carbond
