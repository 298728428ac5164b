// The exact search for the best row of runs: the bound says where to look
// (optimum_slots.h), and labels walk through what is left (optimum_labels.h).

#include <algorithm>
#include <utility>

#include "scheduler/optimum.h"
#include "scheduler/optimum_labels.h"
#include "scheduler/optimum_ties.h"

namespace carbond {
namespace {

// So few slots are searched at once, without trying a lower limit first.
constexpr int kFewSlots = 32;

template <typename C>
class RunsSearch {
 public:
  RunsSearch(PricedRows rows, const RunRules& rules,
             std::optional<Optimum> unbroken, C cut_off)
      : rows_(rows),
        rules_(rules),
        time_(rows),
        bound_(time_, rules),
        slots_(time_, rules, bound_),
        known_(std::move(unbroken), cut_off) {}

  std::optional<Optimum> Find() {
    bound_.Relax(known_.best());
    TakeGuesses();
    if (MayFind()) {
      slots_.FindBegins(known_.limit());
      AddTouches();
      bound_.Refine(slots_.begins());
      TakeGuesses();
    }
    if (MayFind()) {
      slots_.PriceNextSteps();
      SearchWidening();
    }
    std::optional<Optimum>& best = known_.best();
    if (best && !all_touches_) best->exact = false;
    if (best) PreferEarlier(time_, rules_, *best);
    return std::move(best);
  }

 private:
  bool MayFind() const { return bound_.Whole() < known_.limit(); }
  void TakeGuesses() {
    for (const Optimum& guess : bound_.Guesses()) known_.Offer(guess);
  }

  // Where runs may touch, that is where a border has to be.
  void AddTouches() {
    if (time_.places() == 1) return;
    const std::vector<int64_t> touches =
        slots_.Touches(known_.limit(), all_touches_);
    if (touches.empty()) return;
    time_ = PricedTime<C>(rows_, touches);
    bound_.Adapt();
    slots_.FindBegins(known_.limit());
  }

  // The labels grow many as the limit grows above the bound, and the best row
  // is often far below the best one known: so a low limit is tried first. What
  // is found below a limit is the best of all.
  void SearchWidening() {
    C most = known_.limit();
    slots_.Find(most);
    const bool few = !known_.any() || slots_.count() <= kFewSlots;
    const C gap = most - bound_.Whole();
    LabelWalk<C> walk(time_, rules_, bound_, slots_, known_);
    for (const int part : {16, 4, 1}) {
      if (part > 1 && few) continue;
      const C limit = std::min(most, bound_.Whole() + (gap - 1) / part + 1);
      known_.LimitTo(limit);
      slots_.Find(limit);
      const bool whole = walk.Whole() && all_touches_;
      if (known_.limit() < limit || limit == most) {
        if (known_.any()) known_.best()->exact = whole;
        return;
      }
      known_.LimitTo(most);
      TakeGuesses();
      most = known_.limit();
    }
  }

  const PricedRows rows_;
  const RunRules& rules_;
  PricedTime<C> time_;
  CostBound<C> bound_;
  SlotsThatMatter<C> slots_;
  KnownRuns<C> known_;
  bool all_touches_ = true;
};

template <typename C>
std::optional<Optimum> Search(PricedRows places, const RunRules& rules,
                              std::optional<Optimum> unbroken) {
  return RunsSearch<C>(places, rules, std::move(unbroken), kInfinite<C>).Find();
}

std::optional<Optimum> RunsIn(PricedRows places, const Task& task,
                              const Moves& moves,
                              std::optional<Optimum> unbroken) {
  if (places.empty() || places.front().empty()) return std::nullopt;
  // Two runs need twice the least work; the one under way may end at once.
  const bool may_pause = task.start == Task::Start::kRunning
                             ? task.work >= task.min_run
                             : task.work >= 2 * task.min_run;
  if (!may_pause || task.max_runs == 1) return unbroken;
  const RunRules rules{task, moves};
  return FitsInt64(places, task, moves)
             ? Search<int64_t>(places, rules, std::move(unbroken))
             : Search<Cost>(places, rules, std::move(unbroken));
}

}  // namespace

std::optional<Optimum> BestRuns(const std::vector<PricedRow>& places,
                                const Task& task, const Moves& moves) {
  return RunsIn(places, task, moves, BestUnbroken(places, task, moves));
}
std::optional<Optimum> BestRuns(const PricedRow& slots, const Task& task) {
  return RunsIn(PricedRows(&slots, 1), task, {.at = 0},
                BestUnbroken(slots, task));
}

}  // namespace carbond
