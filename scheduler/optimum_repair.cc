#include "scheduler/optimum_repair.h"

#include <algorithm>
#include <optional>

namespace carbond {
namespace {

template <typename C>
class Repairing {
 public:
  Repairing(const PricedTime<C>& time, const RunRules& rules,
            std::vector<RunSpan>& runs)
      : time_(time), rules_(rules), task_(rules.task), runs_(runs) {}

  bool Succeeds() {
    DropShort();
    if (!RunsOnLongEnough()) return false;
    if (rules_.PausesMatter() || rules_.task.pause_left > 0) Separate();
    int64_t surplus = rules_.WorkOf(runs_) - task_.work;
    while ((surplus > Spare() && runs_.size() > 2) || TooMany()) {
      Drop(Shortest());
      surplus = rules_.WorkOf(runs_) - task_.work;
    }
    if (runs_.size() < 2) return false;
    return (surplus >= 0 ? Trim(surplus) : Extend(-surplus)) && LongEnough();
  }

 private:
  // An end of a run, how far it can be moved within one slot, and what that
  // gains or costs a millisecond.
  struct End {
    int64_t* at = nullptr;
    int64_t by = 0;  // signed
    C price = 0;
  };

  bool Fixed(size_t k) const { return k == 0 && rules_.running(); }
  int64_t Length(size_t k) const { return runs_[k].end - runs_[k].begin; }
  int64_t Least(size_t k) const { return rules_.LeastLength(runs_, k); }
  int64_t Spare() const {
    int64_t spare = 0;
    for (size_t k = 0; k < runs_.size(); ++k) spare += Length(k) - Least(k);
    return spare;
  }

  void Drop(size_t k) {
    runs_.erase(runs_.begin() + static_cast<std::ptrdiff_t>(k));
  }
  void DropShort() {
    for (size_t k = runs_.size(); k-- > 0;) {
      if (Length(k) < Least(k) && !Fixed(k)) Drop(k);
    }
  }
  // Where one was dropped, another may have become a move.
  bool LongEnough() const {
    for (size_t k = 0; k < runs_.size(); ++k) {
      if (Length(k) < Least(k) || TooClose(k) > 0) return false;
    }
    return true;
  }

  // What is missing to the least pause before run k.
  int64_t TooClose(size_t k) const {
    if (Fixed(k)) return 0;
    return rules_.EarliestBegin(runs_, k, time_.begin()) - runs_[k].begin;
  }
  // Runs too close to each other begin later and end earlier, as far as they
  // are long enough; else the pause goes, or the shorter of the two.
  void Separate() {
    for (size_t k = 0; k < runs_.size();) {
      int64_t missing = TooClose(k);
      if (missing > 0 && k > 0 && Bridged(k, missing)) continue;
      for (const size_t side : {k, k - 1}) {
        if (missing <= 0 || (side != k && k == 0)) break;
        const int64_t by =
            std::clamp<int64_t>(Length(side) - Least(side), 0, missing);
        (side == k ? runs_[k].begin : runs_[k - 1].end) += side == k ? by : -by;
        missing -= by;
      }
      if (missing <= 0) {
        ++k;
      } else if (k > 0 && !Fixed(k - 1) && Length(k - 1) < Length(k)) {
        Drop(--k);
      } else {
        Drop(k);
      }
    }
  }
  // A pause of which less is there than is missing.
  bool Bridged(size_t k, int64_t missing) {
    RunSpan& before = runs_[k - 1];
    const RunSpan& run = runs_[k];
    if (before.place != run.place || run.begin - before.end > missing) {
      return false;
    }
    const int slot = time_.SlotAt(before.end);
    if (!time_.Free(run.place, slot, run.begin)) return false;
    before.end = run.end;
    Drop(k);
    return true;
  }
  // The run under way, which cannot be dropped.
  bool RunsOnLongEnough() {
    if (runs_.empty() || !Fixed(0) || Length(0) >= Least(0)) return true;
    runs_[0].end = runs_[0].begin + Least(0);
    return time_.Free(runs_[0].place, 0, runs_[0].end) &&
           (runs_.size() == 1 || runs_[0].end < runs_[1].begin);
  }
  bool TooMany() const {
    return task_.max_runs > 0 &&
           runs_.size() > static_cast<size_t>(task_.max_runs);
  }
  size_t Shortest() const {
    size_t shortest = runs_.size() - 1;
    for (size_t k = runs_.size(); k-- > 0;) {
      if (!Fixed(k) && Length(k) < Length(shortest)) shortest = k;
    }
    return shortest;
  }

  // What running in a slot costs more than not running there.
  C Price(size_t k, bool is_begin, int slot) const {
    const bool idles =
        is_begin ? k > 0 || rules_.paused() : k + 1 < runs_.size();
    return time_.price(runs_[k].place, slot) -
           (idles      ? time_.idle_price(slot)
            : is_begin ? rules_.template WaitPrice<C>()
                       : 0);
  }

  bool Trim(int64_t surplus) {
    while (surplus > 0) {
      End dearest;
      for (size_t k = 0; k < runs_.size(); ++k) {
        const int64_t spare = Length(k) - Least(k);
        if (spare < 0) return false;
        if (spare > 0) OfferToTrim(k, spare, dearest);
      }
      if (!Move(dearest, surplus)) return false;
    }
    return true;
  }

  void OfferToTrim(size_t k, int64_t spare, End& dearest) {
    const auto offer = [&](int64_t& at, int64_t by, C price) {
      if (dearest.at == nullptr || price > dearest.price) {
        dearest = {&at, by, price};
      }
    };
    RunSpan& run = runs_[k];
    const int first = time_.SlotAt(run.begin);
    const int last = time_.SlotAt(run.end - 1);
    if (!Fixed(k)) {
      offer(run.begin, std::min(spare, time_.point(first + 1) - run.begin),
            Price(k, true, first));
    }
    offer(run.end, -std::min(spare, run.end - time_.point(last)),
          Price(k, false, last));
  }

  // Before run k. Without a move it keeps some length.
  int64_t LeastPause(size_t k) const {
    const bool moved = rules_.Moved(runs_, k);
    return std::max<int64_t>(rules_.LeastPause(moved), moved ? 0 : 1);
  }

  bool Extend(int64_t missing) {
    while (missing > 0) {
      End cheapest;
      for (size_t k = 0; k < runs_.size(); ++k) OfferToExtend(k, cheapest);
      if (!Move(cheapest, missing)) return false;
    }
    return true;
  }

  void OfferToExtend(size_t k, End& cheapest) {
    const auto offer = [&](int64_t& at, int64_t by, int slot, C price) {
      if (time_.blocked(runs_[k].place, slot)) return;
      if (cheapest.at == nullptr || price < cheapest.price) {
        cheapest = {&at, by, price};
      }
    };
    RunSpan& run = runs_[k];
    const int64_t from = k > 0 ? runs_[k - 1].end + LeastPause(k)
                               : rules_.EarliestBegin(runs_, 0, time_.begin());
    const int64_t to = k + 1 < runs_.size()
                           ? runs_[k + 1].begin - LeastPause(k + 1)
                           : time_.end();
    if (!Fixed(k) && run.begin > from) {
      const int slot = time_.SlotAt(run.begin - 1);
      offer(run.begin, std::max(from, time_.point(slot)) - run.begin, slot,
            Price(k, true, slot));
    }
    if (run.end < to) {
      const int slot = time_.SlotAt(run.end);
      offer(run.end, std::min(to, time_.point(slot + 1)) - run.end, slot,
            Price(k, false, slot));
    }
  }

  static bool Move(const End& end, int64_t& need) {
    if (end.at == nullptr) return false;
    const int64_t step = std::min(need, end.by > 0 ? end.by : -end.by);
    *end.at += end.by > 0 ? step : -step;
    need -= step;
    return true;
  }

  const PricedTime<C>& time_;
  const RunRules& rules_;
  const Task& task_;
  std::vector<RunSpan>& runs_;
};

}  // namespace

template <typename C>
bool Repair(const PricedTime<C>& time, const RunRules& rules,
            std::vector<RunSpan>& runs) {
  return Repairing<C>(time, rules, runs).Succeeds();
}

template bool Repair(const PricedTime<int64_t>&, const RunRules&,
                     std::vector<RunSpan>&);
template bool Repair(const PricedTime<Cost>&, const RunRules&,
                     std::vector<RunSpan>&);

}  // namespace carbond
