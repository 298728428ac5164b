#pragma once
// A window of priced time in one or more places, ready for questions: what does
// running from here to there cost? Used by the searches of optimum.h.
//
// All places share one row of points, the borders of any of them, so that a
// slot has one price in each place.
//
// C is the type in which costs are added up: int64_t where no sum of the window
// can leave it (see FitsInt64), else Cost.

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "scheduler/optimum.h"

namespace carbond {

using PricedRows = std::span<const PricedRow>;

// Greater than every cost, and twice it can still be added to.
template <typename C>
inline constexpr C kInfinite = static_cast<C>(1) << (sizeof(C) * 8 - 4);

// Whether every cost, reduced cost and bound in this window is far below
// kInfinite<int64_t>.
bool FitsInt64(PricedRows places, const Task& task, const Moves& moves);

template <typename C>
class PricedTime {
 public:
  // The rows are as optimum.h says, and not empty. Neighbours alike in every
  // place become one slot, but not across `cuts`: instants in order that are
  // points as well.
  explicit PricedTime(PricedRows rows, const std::vector<int64_t>& cuts = {});

  int places() const { return places_; }

  // Points 0..count(): the slot borders, the window's ends included.
  int count() const { return static_cast<int>(points_.size()) - 1; }
  int64_t point(int i) const { return points_[Index(i)].at; }
  C idle_price(int i) const { return points_[Index(i)].idle_price; }
  C price(int place, int i) const { return SlotOf(place, i).price; }
  bool blocked(int place, int i) const {
    return SlotOf(place, i).free_until == point(i);
  }
  int64_t length(int i) const { return point(i + 1) - point(i); }
  int64_t begin() const { return points_.front().at; }
  int64_t end() const { return points_.back().at; }

  // The slot that holds t; the last one for t = end().
  int SlotAt(int64_t t) const;

  // Sums from begin() to point i.
  C RunningTo(int place, int i) const { return SlotOf(place, i).running; }
  C IdlingTo(int i) const { return points_[Index(i)].idling; }
  // Sums from begin() to t. `i` is SlotAt(t), or any slot that t borders on.
  C RunningUntil(int place, int64_t t, int i) const {
    return RunningTo(place, i) + price(place, i) * (t - point(i));
  }
  C IdlingUntil(int64_t t, int i) const {
    return IdlingTo(i) + idle_price(i) * (t - point(i));
  }
  C RunningUntil(int place, int64_t t) const {
    return RunningUntil(place, t, SlotAt(t));
  }
  C IdlingUntil(int64_t t) const { return IdlingUntil(t, SlotAt(t)); }

  // What a row of runs costs, as in optimum.h.
  C CostOf(const Task& task, const Moves& moves,
           const std::vector<RunSpan>& runs) const;

  // Until when a run that begins in slot i, or on its first border, can last.
  int64_t FreeUntil(int place, int i) const {
    return SlotOf(place, i).free_until;
  }
  bool Free(int place, int i, int64_t to) const {
    return to <= FreeUntil(place, i);
  }

 private:
  struct Point {
    int64_t at = 0;
    C idle_price = 0;
    C idling = 0;  // sum up to `at`
  };
  struct Slot {
    C price = 0;
    C running = 0;           // sum up to its begin
    int64_t free_until = 0;  // where the next blocked slot begins
  };
  class Merging;

  static size_t Index(int i) { return static_cast<size_t>(i); }
  const Slot& SlotOf(int place, int i) const {
    return slots_[Index(i * places_ + place)];
  }
  void IndexByTime();

  int places_ = 1;
  std::vector<Point> points_;
  std::vector<Slot> slots_;  // of each point those of all places
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
