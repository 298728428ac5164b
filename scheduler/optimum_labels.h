#pragma once
// The walk of labels over the slot borders, of the exact search for the best
// row of runs.
//
// For a fixed number of runs in fixed places the cost is linear in their end
// points, so an optimum exists in which every end point but one lies on a slot
// border, on an end of the window, or a least run's length away from such a
// point; the total work fixes the one that is left. The walk carries labels: a
// label is a row of runs so far, the useful work it has done and what it has
// cost. A label may hold one free end point: then its work and cost are linear
// in x, the time by which that end point was moved, and the last run decides x.
//
// Where a run begins just when another ends elsewhere (they touch), the two
// move as one: the borders hold the instants of those that are fixed (see
// SlotsThatMatter::Touches), and with a free end point all runs of the least
// length that touch it move along. Where pauses have a least length, the same
// holds of runs that the least pause lies between, in any place (the instants
// are those of optimum_pauses.h); a label then waits where its pause may end.
//
// What keeps the labels few is a lower bound on the cost still to come (see
// optimum_bound.h): a label, or the part of its x, whose bound reaches the best
// row known is dropped, and so is one than which another is better wherever it
// is; neither loses anything. Idling and running on change all labels alike, so
// they wait on fronts and are looked at only where, by the bound, a run may
// begin or end.

#include <cstdint>
#include <vector>

#include "scheduler/optimum_bound.h"
#include "scheduler/optimum_front.h"
#include "scheduler/optimum_known.h"
#include "scheduler/optimum_slots.h"

namespace carbond {

template <typename C>
class LabelWalk {
 public:
  LabelWalk(const PricedTime<C>& time, const RunRules& rules,
            CostBound<C>& bound, const SlotsThatMatter<C>& slots,
            KnownRuns<C>& known);

  // Leaves the best row that costs less than the limit in `known`; false when
  // it was cut short. The bound gets more prices when the labels grow many.
  bool Whole();

 private:
  using Label = RunsLabel<C>;
  using Ways = RelaxedWays<C>;

  static size_t Index(int i) { return static_cast<size_t>(i); }
  int64_t LeastWork() const { return rules_.LeastWork(); }
  C IdlePrice(int i, bool fresh) const {
    return fresh ? rules_.template WaitPrice<C>() : time_.idle_price(i);
  }
  C MoveCost() const { return static_cast<C>(rules_.moves.cost); }
  bool TooLong() const;
  void BeginAll();
  void Arrive(int i);

  void BeginFresh(int i);
  void VisitRunning(int place, int i);
  void VisitStay(int place, int i);
  void VisitMoving(int i);

  bool MayWin(Label& label, C lambda, C to_go) const;
  template <typename Of>
  bool MayWinBy(Label& label, Of of) const;
  bool MayWinStaying(Label& label, int i) const;
  bool MayWinMoving(Label& label, int i) const;
  bool MayWinRunning(Label& label, int i) const;
  bool MayRunAgain(const Label& label) const;
  bool LeavesWork(const Label& label) const;

  template <typename Close>
  void Idle(int i, const Label& label, Close close, bool may_move);
  void IdleFrom(int i, const Label& label);
  void Run(int i, Label label);

  void Mature(Label label, int first, int64_t from, int64_t at);
  void StopWithin(Label label, int i, int64_t at, int64_t freedom);
  void GoOnWithin(Label label, int i, int64_t at);
  void StopIn(const Label& label, int i);

  // Of pauses that have a least length (optimum_label_pauses.cc)
  void Pause(const Label& label, int i, int64_t at);
  void Await(const Label& label, int i, int64_t at, int64_t ready, bool moving);
  void BeginWithin(Label label, int i, int64_t from, bool idle_before,
                   bool moving);
  void IdleReady(int i, Label label, bool moving);

  // Runs that begin, and the last one (optimum_label_runs.cc)
  void Begin(const Label& label, int place, int i, int64_t from);
  void BeginIn(const Label& label, int i, int64_t from, int64_t overhead,
               bool fresh);
  void BeginRuns(Label label, int i, int64_t from, int64_t overhead,
                 bool fresh);
  bool MayShift(int i) const;
  void LeavePause(Label& label, int64_t from, int64_t begin) const;
  void BeginToEndOnBorder(const Label& label, int i, int64_t from,
                          int64_t least, bool fresh);
  void BeginAnywhere(const Label& label, int i, int64_t from, int64_t least,
                     bool fresh);

  // A label that has come to an instant which moves with x, inside a slot.
  struct Within {
    Label label;
    int slot = 0;
    int64_t at = 0;     // at x = 0
    int64_t least = 0;  // of the run that begins there, if one does
  };
  // (optimum_label_shifts.cc)
  static void AddUnbeaten(const Within& added, std::vector<Within>& all);
  void BeginShifted(const Within& begin, std::vector<Within>& stops);
  Within StopShifted(Label label, int i, int64_t from, int j, int64_t to);
  void ShiftOn(std::vector<Within> stops);
  void ShiftInto(const Within& stop, int place, std::vector<Within>& begins);
  void ShiftIntoSlot(const Within& stop, int place, int i, int64_t from,
                     std::vector<Within>& begins);
  void EndShifted(const Label& label, int i, int64_t from, int64_t overhead);
  void DriftOn(const Label& label, int i, int64_t at);
  void DriftInto(const Within& stop, int place, std::vector<Within>& stops);
  void DriftIntoSlot(const Within& stop, int place, int i, int64_t from,
                     std::vector<Within>& stops);

  void EndWithLastRun(const Label& label, int i, int64_t from,
                      int64_t overhead);
  void End(Label label, int64_t x, int i, int64_t from, int64_t begin,
           int64_t end);
  int FirstPointAfter(int64_t t) const;

  const PricedTime<C>& time_;
  const RunRules& rules_;
  const Task& task_;
  const bool limited_;  // the number of runs
  CostBound<C>& bound_;
  const SlotsThatMatter<C>& slots_;
  KnownRuns<C>& known_;
  const int places_;
  const bool moves_, stays_;                     // as in RelaxedPaths
  std::vector<RunsFront<C>> running_, staying_;  // by place
  RunsFront<C> moving_;
  RunsUnderWay<C> under_way_;
  int64_t labels_ = 0;
  int64_t shifts_ =
      0;  // looks at runs that move with x, or await a pause's end
};

// Idle from point i on, to stay or to move. `close` makes its link.
template <typename C>
template <typename Close>
void LabelWalk<C>::Idle(int i, const Label& label, Close close, bool may_move) {
  if (i >= time_.count()) return;
  Label staying = label, moving = label;
  const bool stays = stays_ && MayWinStaying(staying, i);
  const bool moves = may_move && MayWinMoving(moving, i);
  if (!stays && !moves) return;
  const int link = close();
  const C paid = -time_.IdlingTo(i);
  const auto add = [&](int front, Label& idle) {
    idle.link = link;
    under_way_.Add(i, front, RunsFront<C>::At(idle, paid, 0));
    ++labels_;
  };
  if (stays) add(places_ + label.place, staying);
  if (moves) add(2 * places_, moving);
}

}  // namespace carbond
