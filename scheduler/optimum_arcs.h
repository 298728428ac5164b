#pragma once
// Every way to begin a run in a slot that a row of runs of least cost may need,
// for the bound of optimum_bound.h: with the work priced at any lambda, the
// cheapest row is put together from these.
//
// A run longer than the least has both ends on borders (its cost is linear in
// each); one of the least length has one of them there.

#include <cstdint>
#include <vector>

#include "scheduler/optimum.h"
#include "scheduler/priced_time.h"

namespace carbond {

template <typename C>
class RunArcs {
 public:
  enum class Target : int16_t { kEnd, kIdle, kRunning };
  // A way on: its cost, its work (overheads taken off) and where it leads.
  struct Arc {
    C cost = 0;
    int64_t work = 0;
    int point = 0;
    Target target = Target::kEnd;
    int16_t runs = 1;  // that it begins
  };
  struct Range {
    const Arc* first = nullptr;
    const Arc* past = nullptr;
    const Arc* begin() const { return first; }
    const Arc* end() const { return past; }
  };

  // Runs that begin in the slots marked in `may_begin`.
  RunArcs(const PricedTime<C>& time, const Task& task,
          const std::vector<bool>& may_begin);

  Range FromIdle(int i) const { return Part(2 * i); }
  Range FromFresh(int i) const { return Part(2 * i + 1); }
  Range FromStart() const { return Part(2 * time_.count()); }  // kRunning

  // The runs of an arc that one of the above gives; the last goes on where the
  // arc leads to kRunning.
  enum class From { kStart, kFresh, kIdle };
  std::vector<RunSpan> RunsOf(From from, int i, const Arc& arc) const;

 private:
  Range Part(int k) const {
    const auto at = static_cast<size_t>(k);
    return {arcs_.data() + firsts_[at], arcs_.data() + firsts_[at + 1]};
  }

  const PricedTime<C>& time_;
  const Task& task_;
  std::vector<Arc> arcs_;
  std::vector<int32_t> firsts_;  // where those of each slot and state begin
};

}  // namespace carbond
