#include "scheduler/optimum_ties.h"

#include <algorithm>
#include <optional>

namespace carbond {
namespace {

template <typename C>
class Ties {
 public:
  Ties(const PricedTime<C>& time, const RunRules& rules,
       std::vector<RunSpan>& runs)
      : time_(time), rules_(rules), runs_(runs) {}

  void Settle() {
    // Each move brings work forward; the limit is for the absurd.
    int left = 10'000;
    do {
      while (left > 0 && MoveOne()) {
        Clean();
        --left;
      }
    } while (left > 0 && StayOnce());
  }

 private:
  // One end of a run that may be moved by up to `room`, within one slot.
  struct End {
    size_t run = 0;
    bool is_begin = false;
    int64_t at = 0;    // the time that is won or given up begins here
    int64_t room = 0;  // milliseconds
    C price = 0;       // of running instead of idling there
  };

  // ---- Places

  int MovesIn(const std::vector<RunSpan>& runs) const {
    int moves = 0;
    for (size_t k = 0; k < runs.size(); ++k) moves += rules_.Moved(runs, k);
    return moves;
  }
  C CostOf(const std::vector<RunSpan>& runs) const {
    return time_.CostOf(rules_.task, rules_.moves, runs);
  }

  bool StayOnce() {
    if (time_.places() == 1) return false;
    for (size_t k = 0; k < runs_.size(); ++k) {
      size_t past = k + 1;
      while (past < runs_.size() && runs_[past].place == runs_[k].place) ++past;
      for (int place = 0; place < time_.places(); ++place) {
        if (place != runs_[k].place && PutInto(place, k, past)) return true;
      }
      k = past - 1;
    }
    return false;
  }

  // Puts runs k..past into another place where that is as cheap and spares
  // moves, or as many and the place comes first.
  bool PutInto(int place, size_t k, size_t past) {
    if (Fixed(k, true)) return false;
    std::vector<RunSpan> put = runs_;
    for (size_t l = k; l < past; ++l) put[l].place = place;
    const int spared = MovesIn(runs_) - MovesIn(put);
    if (spared < 0 || (spared == 0 && place > runs_[k].place)) return false;
    for (size_t l = k; l < put.size() && l <= past; ++l) {
      put[l].begin += rules_.Before(runs_, l) - rules_.Before(put, l);
      // What now stays begins later; a move that it was not would not be
      // spared.
      const int64_t from = rules_.EarliestBegin(put, l, time_.begin());
      if (put[l].begin < from) return false;
      const int slot = time_.SlotAt(put[l].begin);
      if (!time_.Free(put[l].place, slot, put[l].end)) return false;
    }
    if (CostOf(put) > CostOf(runs_)) return false;
    runs_ = std::move(put);
    Clean();
    return true;
  }

  // ---- Instants

  // Before run k.
  int64_t LeastPause(size_t k) const {
    const bool moved = rules_.Moved(runs_, k);
    return std::max<int64_t>(rules_.LeastPause(moved),
                             rules_.CutsAreFree() || moved ? 0 : 1);
  }

  C PriceAt(size_t run, bool is_begin, int64_t t) const {
    const int slot = time_.SlotAt(t);
    const bool idles =
        is_begin ? run > 0 || rules_.paused() : run + 1 < runs_.size();
    return time_.price(runs_[run].place, slot) -
           (idles      ? time_.idle_price(slot)
            : is_begin ? rules_.template WaitPrice<C>()
                       : 0);
  }

  bool Fixed(size_t run, bool is_begin) const {
    return is_begin && run == 0 && rules_.running();
  }

  // Where a run could be made longer.
  std::optional<End> Longer(size_t k, bool is_begin) const {
    if (Fixed(k, is_begin)) return std::nullopt;
    End end{k, is_begin, 0, 0, 0};
    if (is_begin) {
      const int64_t from = k > 0
                               ? runs_[k - 1].end + LeastPause(k)
                               : rules_.EarliestBegin(runs_, 0, time_.begin());
      if (runs_[k].begin <= from) return std::nullopt;
      const int slot = time_.SlotAt(runs_[k].begin - 1);
      if (time_.blocked(runs_[k].place, slot)) return std::nullopt;
      end.at = std::max(from, time_.point(slot));
      end.room = runs_[k].begin - end.at;
    } else {
      const int64_t to = k + 1 < runs_.size()
                             ? runs_[k + 1].begin - LeastPause(k + 1)
                             : time_.end();
      if (runs_[k].end >= to) return std::nullopt;
      const int slot = time_.SlotAt(runs_[k].end);
      if (time_.blocked(runs_[k].place, slot)) return std::nullopt;
      end.at = runs_[k].end;
      end.room = std::min(to, time_.point(slot + 1)) - end.at;
    }
    end.price = PriceAt(k, is_begin, end.at);
    return end;
  }

  // Where a run could be made shorter.
  std::optional<End> Shorter(size_t k, bool is_begin) const {
    if (Fixed(k, is_begin)) return std::nullopt;
    const int64_t length = runs_[k].end - runs_[k].begin;
    const bool may_vanish =
        rules_.CutsAreFree() && rules_.LeastWork() <= 1 && runs_.size() > 2;
    const int64_t spare =
        may_vanish ? length : length - rules_.LeastLength(runs_, k);
    if (spare <= 0) return std::nullopt;
    End end{k, is_begin, 0, 0, 0};
    if (is_begin) {
      const int slot = time_.SlotAt(runs_[k].begin);
      end.room = std::min(spare, time_.point(slot + 1) - runs_[k].begin);
      end.at = runs_[k].begin;
    } else {
      const int slot = time_.SlotAt(runs_[k].end - 1);
      end.room = std::min(spare, runs_[k].end - time_.point(slot));
      end.at = runs_[k].end - end.room;
    }
    end.price = PriceAt(k, is_begin, end.at);
    return end;
  }

  bool MoveOne() {
    for (size_t k = 0; k < runs_.size(); ++k) {
      for (const bool early : {true, false}) {
        const std::optional<End> longer = Longer(k, early);
        if (!longer) continue;
        for (size_t l = runs_.size(); l-- > k;) {
          for (const bool late : {false, true}) {
            const std::optional<End> shorter = Shorter(l, late);
            if (!shorter || shorter->price != longer->price ||
                shorter->at < longer->at + longer->room) {
              continue;
            }
            if (l == k && (late || !early)) continue;
            Move(*longer, *shorter);
            return true;
          }
        }
      }
    }
    return false;
  }

  void Move(const End& longer, const End& shorter) {
    const int64_t by = std::min(longer.room, shorter.room);
    RunSpan& grows = runs_[longer.run];
    (longer.is_begin ? grows.begin : grows.end) += longer.is_begin ? -by : by;
    RunSpan& shrinks = runs_[shorter.run];
    (shorter.is_begin ? shrinks.begin : shrinks.end) +=
        shorter.is_begin ? by : -by;
  }

  // Empty runs go, and runs that touch become one.
  void Clean() {
    if (!rules_.CutsAreFree()) return;
    // The run under way stays, though it be asked to pause at once.
    const auto first = runs_.begin() + (rules_.running() ? 1 : 0);
    runs_.erase(
        std::remove_if(first, runs_.end(),
                       [](const RunSpan& r) { return r.begin == r.end; }),
        runs_.end());
    for (size_t k = 1; k < runs_.size();) {
      if (runs_[k - 1].end == runs_[k].begin &&
          runs_[k - 1].place == runs_[k].place) {
        runs_[k - 1].end = runs_[k].end;
        runs_.erase(runs_.begin() + static_cast<std::ptrdiff_t>(k));
      } else {
        ++k;
      }
    }
  }

  const PricedTime<C>& time_;
  const RunRules& rules_;
  std::vector<RunSpan>& runs_;
};

}  // namespace

template <typename C>
void PreferEarlier(const PricedTime<C>& time, const RunRules& rules,
                   Optimum& optimum) {
  if (optimum.runs.size() < 2) return;
  Optimum earlier = optimum;
  Ties<C>(time, rules, earlier.runs).Settle();
  // A vanished run may leave another without its idle price: cheaper is fine,
  // dearer is not taken.
  earlier.cost = time.CostOf(rules.task, rules.moves, earlier.runs);
  if (earlier.cost <= optimum.cost) optimum = std::move(earlier);
}

template void PreferEarlier(const PricedTime<int64_t>&, const RunRules&,
                            Optimum&);
template void PreferEarlier(const PricedTime<Cost>&, const RunRules&, Optimum&);

}  // namespace carbond
