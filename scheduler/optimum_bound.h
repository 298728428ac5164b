#pragma once
// A lower bound on the cost still to come, for the search of optimum_runs.cc,
// and good rows of runs to begin with.
//
// The bound prices work at lambda per millisecond and gives up the demand that
// the work be exact (Lagrangian relaxation; see Fisher, "The Lagrangian
// Relaxation Method for Solving Integer Programming Problems", Management
// Science 27, 1981). What is left is a shortest path (optimum_paths.h). lambda
// is chosen to make the bound greatest. Where the runs are limited and the
// relaxed solution has more, they get a price as well.
//
// It is done twice. First without the least length of a run. That is quick, and
// with the best row known it tells the few slots in which a better row could
// begin or end a run. Then with the least length, for those slots alone, which
// makes them fewer still (optimum_slots.h).

#include <cstdint>
#include <optional>
#include <vector>

#include "scheduler/optimum_paths.h"

namespace carbond {

template <typename C>
class CostBound {
 public:
  CostBound(const PricedTime<C>& time, const RunRules& rules)
      : time_(time), rules_(rules), paths_(time, rules) {}

  // The first bound. `unbroken`: a row known, if any. That no row is below
  // `limit` is enough to know.
  void Relax(const std::optional<Optimum>& unbroken, C limit);
  // After the time has got more points: the first bound for those as well.
  void Adapt();
  // The second, for rows that begin their runs where `may_begin` says.
  void Refine(const std::vector<bool>& may_begin);
  // After Refine: bounds at other prices of work as well, which say more of
  // rows that have done much or little by their point.
  void AddPrices();

  // For every row.
  C Whole() const { return whole_; }
  // What the ways of a row below `limit` must stay below.
  C Rest(C limit) const {
    return limit - best_.lambda * rules_.task.work +
           best_.run_price * rules_.task.max_runs;
  }

  // At least this much is still to be paid, less the price for each millisecond
  // of work and with that of each run: see RelaxedWays.
  const RelaxedWays<C>& ways() const { return best_; }
  const std::vector<RelaxedWays<C>>& more() const { return more_; }
  // As `ways` at the same prices, without the least length.
  const RelaxedWays<C>& loose() const { return loose_; }
  const RunArcs<C>& arcs() const { return *arcs_; }
  const RelaxedPaths<C>& paths() const { return paths_; }

  // Rows that were the best at prices about lambda, repaired so that their work
  // is exact; none of them need be the best.
  const std::vector<Optimum>& Guesses() const { return guesses_; }

 private:
  // The line that a path's value makes over lambda, and where it was found.
  struct Look {
    C lambda = 0;
    C cost = 0;  // of its runs as well
    int64_t work = 0;
    bool possible = false;
    std::vector<RunSpan> runs;
  };

  const RunArcs<C>* Arcs() const { return arcs_ ? &*arcs_ : nullptr; }
  Look LookAt(C lambda);
  Look Try(C lambda);
  C WholeOf(const RelaxedWays<C>& ways) const;
  void ClimbFromRows(const std::optional<Optimum>& unbroken);
  void PriceRuns(const std::optional<Optimum>& unbroken);
  void Climb(Look low, Look high);
  void ClimbAround(const Look& middle);
  void Guess(std::vector<RunSpan> runs);

  const PricedTime<C>& time_;
  const RunRules& rules_;
  const RelaxedPaths<C> paths_;
  std::optional<RunArcs<C>> arcs_;  // from Refine on
  RelaxedWays<C> ways_, best_, loose_;
  std::vector<RelaxedWays<C>> more_;
  C limit_ = kInfinite<C>;
  C whole_ = -kInfinite<C>;  // the bound that best_ gives
  C low_ = 0, high_ = 0;     // where the last climb ended
  size_t most_runs_ = 0;     // of the rows there
  C run_price_ = 0;
  C dearest_ = 0;  // price
  std::vector<Optimum> guesses_;
};

}  // namespace carbond
