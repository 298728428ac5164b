#pragma once
// Every way to begin a run in a slot that a row of runs of least cost may need,
// for the bound of optimum_bound.h: with the work priced at any lambda, the
// cheapest row is put together from these.
//
// A run longer than the least has both ends on borders (its cost is linear in
// each); one of the least length has one of them there.

#include <cstdint>
#include <vector>

#include "scheduler/optimum_rules.h"
#include "scheduler/priced_time.h"

namespace carbond {

template <typename C>
class RunArcs {
 public:
  enum class Target : int8_t { kEnd, kIdle, kRunning };
  // A way on: its cost, its work (overheads taken off) and where it leads.
  struct Arc {
    C cost = 0;
    int64_t work = 0;
    int point = 0;
    int16_t place = 0;
    Target target = Target::kEnd;
    int8_t runs = 1;  // that it begins
  };
  struct Range {
    const Arc* first = nullptr;
    const Arc* past = nullptr;
    const Arc* begin() const { return first; }
    const Arc* end() const { return past; }
  };
  // What comes before the run: the one under way goes on; none has begun;
  // idling with the data in the run's place; the same with them in another.
  enum class From : int8_t { kStart, kFresh, kStay, kMove };

  // Runs that begin in the slots marked in `may_begin`, by slot and place.
  RunArcs(const PricedTime<C>& time, const RunRules& rules,
          const std::vector<bool>& may_begin);

  // Whether any run may begin in slot i.
  bool Any(int i) const { return any_[static_cast<size_t>(i)]; }
  Range FromStay(int place, int i) const { return Part(place, i, 0); }
  Range FromMove(int place, int i) const {
    return Part(place, i, rules_.MovesAreFree() ? 0 : 1);
  }
  Range FromFresh(int place, int i) const { return Part(place, i, 2); }
  Range FromStart() const { return Part(0, time_.count(), 0); }  // kRunning

  // The runs of an arc that one of the above gives; the last goes on where the
  // arc leads to kRunning.
  std::vector<RunSpan> RunsOf(From from, int place, int i,
                              const Arc& arc) const;

 private:
  static constexpr int kParts = 3;

  Range Part(int place, int i, int part) const {
    const auto at =
        static_cast<size_t>((i * time_.places() + place) * kParts + part);
    return {arcs_.data() + firsts_[at], arcs_.data() + firsts_[at + 1]};
  }

  const PricedTime<C>& time_;
  const RunRules& rules_;
  const std::vector<bool>& may_begin_;
  std::vector<Arc> arcs_;
  std::vector<bool> any_;
  std::vector<int32_t> firsts_;  // where those of each part begin
};

}  // namespace carbond
