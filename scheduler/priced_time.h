#pragma once
// A window of priced time, ready for questions: what does running from here to
// there cost? Used by the searches of optimum.h.

#include <cstdint>
#include <vector>

#include "scheduler/optimum.h"

namespace carbond {

class PricedTime {
 public:
  // `slots` is not empty and without gaps; it must outlive this.
  explicit PricedTime(const std::vector<PricedSlot>& slots);

  // Points 0..count(): the slot borders, the window's ends included.
  int count() const { return static_cast<int>(slots_.size()); }
  int64_t point(int i) const { return points_[static_cast<size_t>(i)]; }
  const std::vector<PricedSlot>& slots() const { return slots_; }
  const PricedSlot& slot(int i) const { return slots_[static_cast<size_t>(i)]; }
  int64_t begin() const { return points_.front(); }
  int64_t end() const { return points_.back(); }

  // The slot that holds t; the last one for t = end().
  int SlotAt(int64_t t) const;

  // Sums from begin() to t. `i` is SlotAt(t), or any slot that t borders on.
  Cost RunningUntil(int64_t t, int i) const {
    return running_[Index(i)] + slot(i).price * (t - point(i));
  }
  Cost IdlingUntil(int64_t t, int i) const {
    return idling_[Index(i)] + slot(i).idle_price * (t - point(i));
  }
  int64_t BlockedUntil(int64_t t, int i) const {
    return blocked_[Index(i)] + (slot(i).blocked ? t - point(i) : 0);
  }
  Cost RunningUntil(int64_t t) const { return RunningUntil(t, SlotAt(t)); }
  Cost IdlingUntil(int64_t t) const { return IdlingUntil(t, SlotAt(t)); }
  int64_t BlockedUntil(int64_t t) const { return BlockedUntil(t, SlotAt(t)); }

 private:
  static size_t Index(int i) { return static_cast<size_t>(i); }

  const std::vector<PricedSlot>& slots_;
  std::vector<int64_t> points_;
  std::vector<Cost> running_, idling_;  // at each point
  std::vector<int64_t> blocked_;
};

}  // namespace carbond
