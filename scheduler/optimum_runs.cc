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
    bound_.Relax(known_.best(), known_.limit());
    TakeGuesses();
    if (MayFind()) {
      slots_.FindBegins(known_.limit());
      const std::vector<int> matter = PlacesThatMatter();
      const auto few = static_cast<int>(matter.size());
      if (few > 0 && 2 * few <= time_.places()) {
        return FindIn(matter, known_.best());
      }
      TryStaying();
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

  // Those in which a better row may run, or the best known does, or where the
  // data are.
  std::vector<int> PlacesThatMatter() const {
    std::vector<bool> matters(static_cast<size_t>(time_.places()));
    const auto add = [&](int place) {
      matters[static_cast<size_t>(place)] = true;
    };
    for (size_t k = 0; k < slots_.begins().size(); ++k) {
      if (slots_.begins()[k]) matters[k % matters.size()] = true;
    }
    if (rules_.moves.at >= 0) add(rules_.moves.at);
    if (known_.any()) {
      for (const RunSpan& run : known_.best()->runs) add(run.place);
    }
    std::vector<int> places;
    for (int place = 0; place < time_.places(); ++place) {
      if (matters[static_cast<size_t>(place)]) places.push_back(place);
    }
    return places;
  }

  // Where the bound says little, as it does of moves that cost much, the best
  // row that stays where it is comes first: that is soon found.
  void TryStaying() {
    const C gap = known_.limit() - bound_.Whole();
    if (time_.places() == 1 || gap < known_.limit() / 8) return;
    int place = rules_.moves.at;
    if (place < 0 && known_.any()) place = known_.best()->runs.front().place;
    if (place < 0) return;
    const std::optional<Optimum> stays = FindIn({place}, std::nullopt);
    if (!stays) return;
    known_.Offer(*stays);
    slots_.FindBegins(known_.limit());
  }

  // The same search in a few of the places.
  std::optional<Optimum> FindIn(const std::vector<int>& places,
                                std::optional<Optimum> known) {
    std::vector<PricedRow> rows;
    std::vector<int> index(static_cast<size_t>(time_.places()), -1);
    for (const int place : places) {
      index[static_cast<size_t>(place)] = static_cast<int>(rows.size());
      rows.push_back(rows_[static_cast<size_t>(place)]);
    }
    const auto index_of = [&](int place) {
      return index[static_cast<size_t>(place)];
    };
    Moves moves = rules_.moves;
    if (moves.at >= 0) moves.at = index_of(moves.at);
    if (known) {
      for (RunSpan& run : known->runs) run.place = index_of(run.place);
    }
    const RunRules rules{rules_.task, moves};
    std::optional<Optimum> best =
        RunsSearch(rows, rules, std::move(known), known_.limit()).Find();
    if (!best) return best;
    for (RunSpan& run : best->runs) {
      run.place = places[static_cast<size_t>(run.place)];
    }
    return best;
  }

  // Where runs may touch, or the least pause may lie between them, that is
  // where a border has to be.
  void AddTouches() {
    if (time_.places() == 1 && !rules_.PausesMatter()) return;
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
                              std::optional<Optimum> unbroken,
                              std::optional<Cost> cut_off) {
  C limit = kInfinite<C>;
  if (cut_off && *cut_off < static_cast<Cost>(limit)) {
    limit = static_cast<C>(*cut_off);
  }
  return RunsSearch<C>(places, rules, std::move(unbroken), limit).Find();
}

std::optional<Optimum> RunsIn(PricedRows places, const Task& task,
                              const Moves& moves,
                              std::optional<Optimum> unbroken,
                              std::optional<Cost> cut_off = {}) {
  if (places.empty() || places.front().empty()) return std::nullopt;
  // Two runs need twice the least work; the one under way may end at once.
  const bool may_pause = task.start == Task::Start::kRunning
                             ? task.work >= task.min_run
                             : task.work >= 2 * task.min_run;
  std::optional<Optimum> best = std::move(unbroken);
  if (may_pause && task.max_runs != 1) {
    const RunRules rules{task, moves};
    best = FitsInt64(places, task, moves)
               ? Search<int64_t>(places, rules, std::move(best), cut_off)
               : Search<Cost>(places, rules, std::move(best), cut_off);
  }
  if (best && cut_off && best->cost >= *cut_off) return std::nullopt;
  return best;
}

}  // namespace

std::optional<Optimum> BestRuns(const std::vector<PricedRow>& places,
                                const Task& task, const Moves& moves) {
  return RunsIn(places, task, moves, BestUnbroken(places, task, moves));
}
std::optional<Optimum> BestRuns(const std::vector<PricedRow>& places,
                                const Task& task, const Moves& moves,
                                Cost cut_off) {
  return RunsIn(places, task, moves, BestUnbroken(places, task, moves),
                cut_off);
}
std::optional<Optimum> BestRuns(const PricedRow& slots, const Task& task) {
  return RunsIn(PricedRows(&slots, 1), task, {.at = 0},
                BestUnbroken(slots, task));
}
std::optional<Optimum> BestRuns(const PricedRow& slots, const Task& task,
                                Cost cut_off) {
  return RunsIn(PricedRows(&slots, 1), task, {.at = 0},
                BestUnbroken(slots, task), cut_off);
}

}  // namespace carbond
