#include "scheduler/optimum.h"

#include <tuple>

#include "scheduler/optimum_rules.h"
#include "scheduler/priced_time.h"

namespace carbond {
namespace {

// A run of fixed length, slid along the window from border to border: at each
// stop its begin or its end lies on one.
template <typename C>
class Sliding {
 public:
  Sliding(const PricedRow& slots, const RunRules& rules, bool moved)
      : past_(&slots.back() + 1),
        fixed_(rules.running()),
        idles_(rules.paused()),
        wait_price_(rules.WaitPrice<C>()),
        length_(rules.task.work + (fixed_ ? rules.task.restore_left
                                          : rules.Overhead(idles_, moved))),
        begin_(slots.front().begin),
        first_(&slots.front()),
        last_(first_) {
    WaitUntil(begin_ + rules.PauseLeft(moved));
  }

  std::optional<Optimum> Best() {
    if (begin_ + length_ > (past_ - 1)->end) return std::nullopt;
    Grow();
    Look();
    while (!fixed_ && (after_ > 0 || last_ + 1 != past_)) {
      Slide();
      Look();
    }
    if (!found_) return std::nullopt;
    return Optimum{best_, {{best_begin_, best_begin_ + length_}}};
  }

 private:
  static int64_t Length(const PricedSlot& slot) {
    return slot.end - slot.begin;
  }

  // Idles through a pause that is not over.
  void WaitUntil(int64_t ready) {
    if (ready >= (past_ - 1)->end) {
      begin_ = ready;  // nothing fits
      return;
    }
    while (begin_ < ready) {
      const int64_t until = std::min(ready, first_->end);
      cost_ += static_cast<C>(first_->idle_price) * (until - begin_);
      begin_ = until;
      if (until == first_->end) ++first_;
    }
    last_ = first_;
  }

  // From its first instant to its full length.
  void Grow() {
    before_ = first_->end - begin_;
    after_ = before_ - length_;
    cost_ += static_cast<C>(first_->price) * std::min(before_, length_);
    blocked_ = first_->blocked ? 1 : 0;
    while (after_ < 0) {
      ++last_;
      cost_ += static_cast<C>(last_->price) * std::min(Length(*last_), -after_);
      after_ += Length(*last_);
      blocked_ += last_->blocked ? 1 : 0;
    }
  }

  // To where the begin or the end meets the next border.
  void Slide() {
    if (after_ == 0) {
      ++last_;
      after_ = Length(*last_);
      blocked_ += last_->blocked ? 1 : 0;
    }
    C slope = static_cast<C>(last_->price) - static_cast<C>(first_->price);
    if (idles_) slope += static_cast<C>(first_->idle_price);
    if (wait_price_ > 0) slope += wait_price_;
    const int64_t by = std::min(before_, after_);
    cost_ += slope * by;
    begin_ += by;
    after_ -= by;
    before_ -= by;
    if (before_ > 0) return;
    blocked_ -= first_->blocked ? 1 : 0;
    ++first_;
    before_ = Length(*first_);
  }

  void Look() {
    if (blocked_ > 0 || (found_ && cost_ >= best_)) return;
    found_ = true;
    best_ = cost_;
    best_begin_ = begin_;
  }

  const PricedSlot* const past_;
  const bool fixed_, idles_;
  const C wait_price_;
  const int64_t length_;
  int64_t begin_;
  const PricedSlot *first_, *last_;  // those that the ends lie in
  int64_t before_ = 0, after_ = 0;   // from the ends to the ends of those
  C cost_ = 0;
  int blocked_ = 0;  // slots that the run touches
  bool found_ = false;
  C best_ = 0;
  int64_t best_begin_ = 0;
};

std::optional<Optimum> UnbrokenIn(PricedRows places, const Task& task,
                                  const Moves& moves) {
  if (places.empty() || places.front().empty()) return std::nullopt;
  const bool narrow = FitsInt64(places, task, moves);
  const RunRules rules{task, moves};
  CARBOND_INVARIANT(moves.at < static_cast<int>(places.size()) &&
                        (moves.at >= 0 || !rules.running()),
                    "what runs does so in one of the places");
  std::optional<Optimum> best;
  bool best_moved = false;
  for (int place = 0; place < static_cast<int>(places.size()); ++place) {
    const bool moved = moves.at >= 0 && place != moves.at;
    if (moved && rules.running()) continue;
    const PricedRow& row = places[static_cast<size_t>(place)];
    std::optional<Optimum> found =
        narrow ? Sliding<int64_t>(row, rules, moved).Best()
               : Sliding<Cost>(row, rules, moved).Best();
    if (!found) continue;
    if (moved) found->cost += moves.cost;
    found->runs.front().place = place;
    const auto rank = [](const Optimum& optimum, bool moves_first) {
      return std::tuple(optimum.cost, moves_first, optimum.runs.front().begin);
    };
    if (best && rank(*best, best_moved) <= rank(*found, moved)) continue;
    best = std::move(found);
    best_moved = moved;
  }
  return best;
}

}  // namespace

std::optional<Optimum> BestUnbroken(const std::vector<PricedRow>& places,
                                    const Task& task, const Moves& moves) {
  return UnbrokenIn(places, task, moves);
}
std::optional<Optimum> BestUnbroken(const PricedRow& slots, const Task& task) {
  return UnbrokenIn(PricedRows(&slots, 1), task, {.at = 0});
}

Cost CostOf(const std::vector<PricedRow>& places, const Task& task,
            const Moves& moves, const std::vector<RunSpan>& runs) {
  return runs.empty() ? 0 : PricedTime<Cost>(places).CostOf(task, moves, runs);
}
Cost CostOf(const PricedRow& slots, const Task& task,
            const std::vector<RunSpan>& runs) {
  if (runs.empty()) return 0;
  return PricedTime<Cost>(PricedRows(&slots, 1)).CostOf(task, Moves(), runs);
}

}  // namespace carbond
