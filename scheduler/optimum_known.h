#pragma once
// What the search of optimum_runs.cc knows: the runs of its labels that have
// ended, and the best row put together from them.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "scheduler/optimum.h"
#include "scheduler/optimum_front.h"
#include "scheduler/priced_time.h"

namespace carbond {

template <typename C>
class KnownRuns {
 public:
  using Label = RunsLabel<C>;

  // Rows that cost `cut_off` and more do not matter.
  KnownRuns(std::optional<Optimum> best, C cut_off)
      : best_(std::move(best)), limit_(cut_off) {
    if (!best_) return;
    limit_ = std::min(limit_, static_cast<C>(best_->cost));
  }

  // What a row must cost less than to matter.
  C limit() const { return limit_; }
  void LimitTo(C limit) { limit_ = limit; }
  std::optional<Optimum>& best() { return best_; }
  const std::optional<Optimum>& best() const { return best_; }
  bool any() const { return best_.has_value(); }

  void Offer(const Optimum& row) {
    if (row.cost >= static_cast<Cost>(limit_)) return;
    limit_ = static_cast<C>(row.cost);
    best_ = row;
  }
  // A label with its last run.
  void Offer(C cost, const Label& label, int64_t x, RunSpan last) {
    if (cost >= limit_) return;
    limit_ = cost;
    best_ = Optimum{static_cast<Cost>(cost), RunsOf(label, x)};
    best_->runs.push_back(last);
  }

  // Ends the label's run at `end`, or by `shift` x later; gives the new link.
  int Close(const Label& label, int64_t end, int shift) {
    ended_.push_back({{label.begun, end, label.place},
                      label.link,
                      label.begin_free ? -1 : 0,
                      shift});
    return static_cast<int>(ended_.size()) - 1;
  }
  // The same for a run that lies between shifting ends.
  int CloseShifted(const Label& label, int64_t end, int shift) {
    const int link = Close(label, end, shift);
    ended_.back().begin_shift = shift;
    return link;
  }

 private:
  // A run that has ended, and those before it. Its ends move by so many x.
  struct Ended {
    RunSpan run;
    int before = -1;
    int begin_shift = 0, end_shift = 0;
  };

  std::vector<RunSpan> RunsOf(const Label& label, int64_t x) const {
    std::vector<RunSpan> runs;
    for (int at = label.link; at >= 0;) {
      const Ended& ended = ended_[static_cast<size_t>(at)];
      runs.push_back(ended.run);
      runs.back().begin += ended.begin_shift * x;
      runs.back().end += ended.end_shift * x;
      at = ended.before;
    }
    std::reverse(runs.begin(), runs.end());
    return runs;
  }

  std::vector<Ended> ended_;
  std::optional<Optimum> best_;
  C limit_;
};

}  // namespace carbond
