#pragma once
// A lower bound on the cost still to come, for the search of optimum_runs.cc,
// and good rows of runs to begin with.
//
// The bound prices work at lambda per millisecond and gives up the demand that
// the work be exact (Lagrangian relaxation; see Fisher, "The Lagrangian
// Relaxation Method for Solving Integer Programming Problems", Management
// Science 27, 1981). What is left is a shortest path over the slot borders.
// lambda is chosen to make the bound greatest. Where the runs are limited and
// the relaxed solution has more, they get a price as well.
//
// It is done twice. First without the least length of a run: a path steps from
// border to border and changes between idling and running at the price of the
// overheads. That is quick, and with the best row known it tells the few places
// at which a better row could begin or end a run. Then with the least length,
// for those places alone, which makes them fewer still.

#include <cstdint>
#include <optional>
#include <vector>

#include "scheduler/optimum.h"
#include "scheduler/optimum_arcs.h"
#include "scheduler/priced_time.h"

namespace carbond {

template <typename C>
class CostBound {
 public:
  CostBound(const PricedTime<C>& time, const Task& task);

  // The first bound. `unbroken`: a row known, if any.
  void Relax(const std::optional<Optimum>& unbroken);
  // The second, for rows that cost less than `limit`.
  void Refine(C limit);
  // After Refine: the places for rows that cost less than `limit`.
  void FindPlaces(C limit);

  // After Refine: bounds at other prices of work as well, which say more of
  // rows that have done much or little by their point.
  void AddPrices();

  // For every row.
  C Whole() const { return best_.whole; }
  // To how many points the search must look, after FindPlaces.
  int Places() const { return places_; }

  // At least this much is still to be paid, less the price for each millisecond
  // of work and with that of each run, by a row of runs that is idle (running,
  // at will) at point i ...
  struct ToGo {
    C price = 0;
    C cost = 0;
  };
  C RunPrice() const { return run_price_; }
  ToGo FromIdle(int i) const { return {best_.lambda, best_.idle[Index(i)]}; }
  ToGo FromRunning(int i) const {
    return {best_.lambda, best_.running[Index(i)]};
  }
  // ... the same at the k-th of the prices added ...
  int Prices() const { return static_cast<int>(more_.size()); }
  ToGo FromIdle(int i, int k) const {
    return {more_[Index(k)].lambda, more_[Index(k)].idle[Index(i)]};
  }
  ToGo FromRunning(int i, int k) const {
    return {more_[Index(k)].lambda, more_[Index(k)].running[Index(i)]};
  }
  // ... and begins a run (ends one, to pause) in slot i or on its borders.
  ToGo ToBegin(int i) const { return {best_.lambda, to_begin_[Index(i)]}; }
  ToGo ToBeginFresh(int i) const {
    return {best_.lambda, to_begin_fresh_[Index(i)]};
  }
  ToGo ToEnd(int i) const { return {best_.lambda, to_end_[Index(i)]}; }

  // Whether a row below the limit may begin a run in slot i; whether one that
  // is idle (running) at point i may begin (end) one there.
  bool MayBegin(int i) const { return may_begin_[Index(i)]; }
  bool MayBeginFromIdle(int i) const { return may_begin_from_idle_[Index(i)]; }
  bool MayEnd(int i) const { return may_end_[Index(i)]; }

  // Rows that were the best at prices about lambda, repaired so that their work
  // is exact; none of them need be the best.
  const std::vector<Optimum>& Guesses() const { return guesses_; }

 private:
  // The cheapest way on from each point, cost less lambda times work.
  struct Ways {
    C lambda = 0;
    std::vector<C> idle, running, fresh;
    C start = 0, whole = 0;
  };
  // The line that a path's value makes over lambda, and where it was found.
  struct Look {
    C lambda = 0;
    C cost = 0;  // of its runs as well
    int64_t work = 0;
    bool possible = false;
    std::vector<RunSpan> runs;
  };

  using Arcs = typename RunArcs<C>::Range;
  using Arc = typename RunArcs<C>::Arc;

  static size_t Index(int i) { return static_cast<size_t>(i); }

  C Cheapest(const Arcs& arcs) const;
  C ValueOf(const Arc& arc) const;
  void Solve(C lambda, const std::optional<RunArcs<C>>& arcs);
  C RunsOn(int i, C running_next) const;
  C Idles(int i, C idle_next) const;
  C Start() const;

  Look LookAt(C lambda);
  Look Try(C lambda);
  C WholeOf(C start, C lambda) const;
  void ClimbFromRows(const std::optional<Optimum>& unbroken);
  void PriceRuns(const std::optional<Optimum>& unbroken);
  void Climb(Look low, Look high);
  void ClimbAround(const Look& middle);
  void Guess(std::vector<RunSpan> runs);
  void FindPlacesToBegin(C limit);
  void PriceNextSteps();
  template <typename See>
  void GoForward(C lambda, See see) const;

  class Walker;
  std::vector<RunSpan> Walk() const;

  const PricedTime<C>& time_;
  const Task& task_;
  std::optional<RunArcs<C>> arcs_;  // from Refine on
  Ways ways_, best_;
  std::vector<Ways> more_;
  std::vector<C> loose_running_;  // those of the first bound
  C loose_lambda_ = 0;            // and its price of work
  C low_ = 0, high_ = 0;          // where the last climb ended
  size_t most_runs_ = 0;          // of the rows there
  C run_price_ = 0;
  C dearest_ = 0;  // price
  std::vector<C> to_begin_, to_begin_fresh_, to_end_;
  std::vector<bool> may_begin_, may_begin_from_idle_, may_end_;
  int places_ = 0;
  std::vector<Optimum> guesses_;
};

}  // namespace carbond
