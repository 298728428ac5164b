#pragma once
// The slots that matter: where, by the bound of optimum_bound.h, a row of runs
// below a limit may begin a run, end one, or move without a pause.

#include <cstdint>
#include <vector>

#include "scheduler/optimum_bound.h"

namespace carbond {

template <typename C>
class SlotsThatMatter {
 public:
  SlotsThatMatter(const PricedTime<C>& time, const RunRules& rules,
                  const CostBound<C>& bound)
      : time_(time), rules_(rules), bound_(bound), paths_(bound.paths()) {}

  // By the first bound: the slots to begin in.
  void FindBegins(C limit);
  // By slot and place, those whose runs the second bound needs: with each slot
  // the border at its end, since the bound is linear in between.
  const std::vector<bool>& begins() const { return begins_; }
  // After FindBegins: every instant inside a slot at which a row may need to
  // end a run in one place and begin one in another at once: a row of runs of
  // the least length away from a border. `all` is false when they are too many.
  std::vector<int64_t> Touches(C limit, bool& all);

  // By the second bound.
  void PriceNextSteps();
  void Find(C limit);

  // At least this much is still to be paid, as by the ways of the bound, by a
  // row that begins a run (ends one, to pause) in slot i or on its borders.
  C ToBeginStay(int place, int i) const { return to_begin_[At(place, i)]; }
  C ToBeginMoving(int i) const { return to_begin_moving_[Index(i)]; }
  C ToBeginFresh(int i) const { return to_begin_fresh_[Index(i)]; }
  C ToEnd(int place, int i) const { return to_end_[At(place, i)]; }

  // Whether a row below the limit may begin a run in slot i; whether one that
  // is idle (running) at point i may begin (end) one there; whether one may end
  // and another begin at the same instant in slot i, or after the least pause.
  bool MayBegin(int place, int i) const { return may_begin_[At(place, i)]; }
  bool MayBeginStay(int place, int i) const {
    return may_begin_stay_[At(place, i)];
  }
  bool MayBeginMoving(int i) const { return may_begin_moving_[Index(i)]; }
  bool MayEnd(int place, int i) const { return may_end_[At(place, i)]; }
  bool MayTouch(int i) const { return may_touch_[Index(i)]; }
  // To how many of those the search must look.
  int count() const { return count_; }

 private:
  static size_t Index(int i) { return static_cast<size_t>(i); }
  size_t At(int place, int i) const { return paths_.At(place, i); }
  using Reached = typename RelaxedPaths<C>::Reached;

  C ToTouch(int i, const Reached& reached) const;
  void FindTouches(std::vector<C> at_points, C rest);
  void FindLeastPauses(C rest);
  C ToPause(int place, int i) const;
  class Touching;

  const PricedTime<C>& time_;
  const RunRules& rules_;
  const CostBound<C>& bound_;
  const RelaxedPaths<C>& paths_;
  std::vector<C> to_begin_, to_begin_moving_, to_begin_fresh_, to_end_;
  std::vector<bool> begins_;
  std::vector<bool> may_begin_, may_begin_stay_, may_begin_moving_;
  std::vector<bool> may_end_, may_touch_;
  int count_ = 0;
};

}  // namespace carbond
