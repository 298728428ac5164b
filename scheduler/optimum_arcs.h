#pragma once
// Every way to begin a run in a slot that a row of runs of least cost may need,
// for the bound of optimum_bound.h: with the work priced at any lambda, the
// cheapest row is put together from these.
//
// A run longer than the least has both ends on borders (its cost is linear in
// each); one of the least length has one of them there.

#include <array>
#include <cstdint>
#include <vector>

#include "scheduler/optimum.h"
#include "scheduler/priced_time.h"

namespace carbond {

template <typename C>
class RunArcs {
 public:
  enum class Target : int32_t { kEnd, kIdle, kRunning };
  // A way on: its cost, its work (overheads taken off) and where it leads.
  struct Arc {
    C cost = 0;
    int64_t work = 0;
    Target target = Target::kEnd;
    int point = 0;
  };
  // The runs of an arc; the last goes on where the arc leads to kRunning.
  struct Runs {
    std::array<RunSpan, 2> spans;
    int count = 0;
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

  Range FromIdle(int i) const { return Part(2 * i, idle_and_fresh_); }
  Range FromFresh(int i) const { return Part(2 * i + 1, idle_and_fresh_); }
  Range FromStart() const;  // kRunning: the run under way
  const Runs& RunsOf(const Arc& arc) const {
    return runs_[static_cast<size_t>(&arc - arcs_.data())];
  }

 private:
  Range Part(int k, const std::vector<int32_t>& firsts) const {
    const auto at = static_cast<size_t>(k);
    return {arcs_.data() + firsts[at], arcs_.data() + firsts[at + 1]};
  }

  void AddStart();
  void AddFrom(int i, int64_t restore, bool idles);
  void AddRun(int i, int64_t begin, int64_t end, bool last, int64_t restore,
              bool idles);
  void AddSecondRuns(const Arc& first, RunSpan first_run, int slot);
  void AddRunOn(int i, int64_t begin, int64_t mature, int64_t restore);
  void Add(const Arc& arc, RunSpan run);

  const PricedTime<C>& time_;
  const Task& task_;
  std::vector<Arc> arcs_;
  std::vector<Runs> runs_;               // of each arc
  std::vector<int32_t> idle_and_fresh_;  // where those of each slot begin
  size_t start_ = 0;
};

}  // namespace carbond
