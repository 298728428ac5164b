#include "scheduler/optimum_pauses.h"

#include <set>

namespace carbond {
namespace {

template <typename C>
class LeastPauses {
 public:
  LeastPauses(const PricedTime<C>& time, const RunRules& rules,
              const SlotsThatMatter<C>& slots)
      : time_(time),
        rules_(rules),
        slots_(slots),
        most_(8 * static_cast<size_t>(time.count()) + 4096) {}

  std::vector<int64_t> Find(bool& all) {
    for (int i = 0; i <= time_.count(); ++i) {
      if (i < time_.count() && BeginsIn(i)) EndBefore(time_.point(i));
      LeastRunTo(time_.point(i), true);
      LeastRunTo(time_.point(i), false);
    }
    while (!next_.empty()) {
      const int64_t end = next_.back();
      next_.pop_back();
      LeastRunTo(end, false);
    }
    all = ends_.size() < most_;
    return {ends_.begin(), ends_.end()};
  }

 private:
  int Ways() const { return time_.places() > 1 ? 2 : 1; }

  bool BeginsIn(int i) const {
    for (int place = 0; place < time_.places(); ++place) {
      if (slots_.MayBegin(place, i)) return true;
    }
    return false;
  }

  // The next run begins at `begin`, with or without a move.
  void EndBefore(int64_t begin) {
    for (int moved = 0; moved < Ways(); ++moved) {
      Add(begin - rules_.LeastPause(moved > 0));
    }
  }

  // The next run ends at `end`, and has the least length.
  void LeastRunTo(int64_t end, bool last) {
    if (!rules_.LeastWorkMatters()) return;
    const int64_t after = rules_.LeastWork() + (last ? 0 : rules_.task.save);
    for (int moved = 0; moved < Ways(); ++moved) {
      const int64_t begin = end - rules_.Overhead(true, moved > 0) - after;
      if (begin <= time_.begin() || !BeginsIn(time_.SlotAt(begin))) continue;
      Add(begin - rules_.LeastPause(moved > 0));
    }
  }

  void Add(int64_t end) {
    if (end <= time_.begin() || end >= time_.end()) return;
    const int i = time_.SlotAt(end);
    if (end == time_.point(i) || !slots_.MayTouch(i)) return;
    if (ends_.size() < most_ && ends_.insert(end).second) next_.push_back(end);
  }

  const PricedTime<C>& time_;
  const RunRules& rules_;
  const SlotsThatMatter<C>& slots_;
  const size_t most_;
  std::set<int64_t> ends_;
  std::vector<int64_t> next_;  // of which those before have not been looked for
};

}  // namespace

template <typename C>
std::vector<int64_t> EndsBeforeLeastPauses(const PricedTime<C>& time,
                                           const RunRules& rules,
                                           const SlotsThatMatter<C>& slots,
                                           bool& all) {
  return LeastPauses<C>(time, rules, slots).Find(all);
}

template std::vector<int64_t> EndsBeforeLeastPauses(
    const PricedTime<int64_t>&, const RunRules&,
    const SlotsThatMatter<int64_t>&, bool&);
template std::vector<int64_t> EndsBeforeLeastPauses(
    const PricedTime<Cost>&, const RunRules&, const SlotsThatMatter<Cost>&,
    bool&);

}  // namespace carbond
