#include "scheduler/priced_time.h"

namespace carbond {

bool FitsInt64(const std::vector<PricedSlot>& slots, const Task& task) {
  Cost highest = 0;  // all their bits: at most twice the highest
  for (const PricedSlot& slot : slots) highest |= slot.price | slot.idle_price;
  // Costs, work times lambda (which is at most the highest price and one) and
  // what overheads take: each at most so much time at that price.
  const Cost time = static_cast<Cost>(slots.back().end - slots.front().begin) +
                    task.work + task.restore + task.save;
  // Runs may have a price as well, of which the same holds.
  const auto runs = static_cast<Cost>(
      std::min(static_cast<size_t>(task.max_runs), slots.size()));
  return (runs + 1) * (highest + 1) * 4 < kInfinite<int64_t> / time;
}

template <typename C>
PricedTime<C>::PricedTime(const std::vector<PricedSlot>& slots) {
  CARBOND_INVARIANT(!slots.empty(), "a window has slots");
  slots_.reserve(slots.size() + 1);
  AddSlots(slots);
  IndexByTime();
}

template <typename C>
void PricedTime<C>::AddSlots(const std::vector<PricedSlot>& slots) {
  std::vector<bool> blocked;
  blocked.reserve(slots.size());
  C running = 0, idling = 0;
  int64_t end = slots.front().begin;
  for (const PricedSlot& slot : slots) {
    CARBOND_INVARIANT(slot.end > slot.begin && slot.begin == end,
                      "slots follow each other");
    const C price = static_cast<C>(slot.price);
    const C idle_price = static_cast<C>(slot.idle_price);
    const bool same = !slots_.empty() && slots_.back().price == price &&
                      slots_.back().idle_price == idle_price &&
                      blocked.back() == slot.blocked;
    if (!same) {
      slots_.push_back({slot.begin, price, idle_price, running, idling, 0});
      blocked.push_back(slot.blocked);
    }
    end = slot.end;
    running += price * (slot.end - slot.begin);
    idling += idle_price * (slot.end - slot.begin);
  }
  slots_.push_back({end, 0, 0, running, idling, 0});
  FindBlocked(blocked);
}

template <typename C>
void PricedTime<C>::FindBlocked(const std::vector<bool>& blocked) {
  int64_t free_until = end();
  slots_.back().free_until = free_until;
  for (size_t i = blocked.size(); i-- > 0;) {
    if (blocked[i]) free_until = slots_[i].begin;
    slots_[i].free_until = free_until;
  }
}

template <typename C>
void PricedTime<C>::IndexByTime() {
  const int64_t span = end() - begin();
  while ((span >> shift_) > 2 * static_cast<int64_t>(count())) ++shift_;
  at_.resize(static_cast<size_t>(span >> shift_) + 2);
  int slot = 0;
  for (size_t k = 0; k < at_.size(); ++k) {
    const int64_t t = begin() + (static_cast<int64_t>(k) << shift_);
    while (slot + 1 < count() && point(slot + 1) <= t) ++slot;
    at_[k] = slot;
  }
}

template <typename C>
C PricedTime<C>::CostOf(const Task& task,
                        const std::vector<RunSpan>& runs) const {
  C cost = 0;
  int64_t idle_from =
      task.start == Task::Start::kFresh ? runs.front().begin : begin();
  for (const RunSpan& run : runs) {
    cost += IdlingUntil(run.begin) - IdlingUntil(idle_from);
    cost += RunningUntil(run.end) - RunningUntil(run.begin);
    idle_from = run.end;
  }
  return cost;
}

template class PricedTime<int64_t>;
template class PricedTime<Cost>;

}  // namespace carbond
