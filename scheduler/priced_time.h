#pragma once
// A window of priced time, ready for questions: what does running from here to
// there cost? Used by the searches of optimum.h.
//
// C is the type in which costs are added up: int64_t where no sum of the window
// can leave it (see FitsInt64), else Cost.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "scheduler/optimum.h"

namespace carbond {

// Greater than every cost, and twice it can still be added to.
template <typename C>
inline constexpr C kInfinite = static_cast<C>(1) << (sizeof(C) * 8 - 4);

// Whether every cost, reduced cost and bound in this window is far below
// kInfinite<int64_t>.
bool FitsInt64(const std::vector<PricedSlot>& slots, const Task& task);

template <typename C>
class PricedTime {
 public:
  // `slots` is not empty and without gaps. Neighbours alike become one.
  explicit PricedTime(const std::vector<PricedSlot>& slots);

  // Points 0..count(): the slot borders, the window's ends included.
  int count() const { return static_cast<int>(slots_.size()) - 1; }
  int64_t point(int i) const { return slots_[Index(i)].begin; }
  C price(int i) const { return slots_[Index(i)].price; }
  C idle_price(int i) const { return slots_[Index(i)].idle_price; }
  bool blocked(int i) const {
    return slots_[Index(i)].free_until == slots_[Index(i)].begin;
  }
  int64_t length(int i) const { return point(i + 1) - point(i); }
  int64_t begin() const { return slots_.front().begin; }
  int64_t end() const { return slots_.back().begin; }

  // The slot that holds t; the last one for t = end().
  int SlotAt(int64_t t) const;

  // Sums from begin() to point i.
  C RunningTo(int i) const { return slots_[Index(i)].running; }
  C IdlingTo(int i) const { return slots_[Index(i)].idling; }
  // Sums from begin() to t. `i` is SlotAt(t), or any slot that t borders on.
  C RunningUntil(int64_t t, int i) const {
    return RunningTo(i) + price(i) * (t - point(i));
  }
  C IdlingUntil(int64_t t, int i) const {
    return IdlingTo(i) + idle_price(i) * (t - point(i));
  }
  C RunningUntil(int64_t t) const { return RunningUntil(t, SlotAt(t)); }
  C IdlingUntil(int64_t t) const { return IdlingUntil(t, SlotAt(t)); }

  // What a row of runs costs, as in optimum.h.
  C CostOf(const Task& task, const std::vector<RunSpan>& runs) const;

  // Whether a run that begins in slot i, or on its first border, can last until
  // `to`.
  bool Free(int i, int64_t to) const {
    return to <= slots_[Index(i)].free_until;
  }

 private:
  struct Slot {
    int64_t begin = 0;
    C price = 0;
    C idle_price = 0;
    C running = 0, idling = 0;  // sums up to `begin`
    int64_t free_until = 0;     // where the next blocked slot begins
  };

  static size_t Index(int i) { return static_cast<size_t>(i); }
  void AddSlots(const std::vector<PricedSlot>& slots);
  void FindBlocked(const std::vector<bool>& blocked);
  void IndexByTime();

  std::vector<Slot> slots_;  // and one without length at the window's end
  // The slots at evenly spaced instants, 2^shift_ milliseconds apart.
  std::vector<int32_t> at_;
  int shift_ = 0;
};

template <typename C>
inline int PricedTime<C>::SlotAt(int64_t t) const {
  const int64_t since = std::clamp<int64_t>(t - begin(), 0, end() - begin());
  const auto bucket = static_cast<size_t>(since >> shift_);
  int low = at_[bucket], high = at_[bucket + 1];
  while (low < high) {  // the last slot that begins by then
    const int middle = (low + high + 1) / 2;
    if (point(middle) <= t) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

}  // namespace carbond
