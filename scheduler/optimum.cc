#include "scheduler/optimum.h"

#include <algorithm>

#include "scheduler/priced_time.h"

namespace carbond {

PricedTime::PricedTime(const std::vector<PricedSlot>& slots) : slots_(slots) {
  CARBOND_INVARIANT(!slots.empty(), "a window has slots");
  points_.reserve(slots.size() + 1);
  running_.reserve(slots.size() + 1);
  Cost running = 0, idling = 0;
  int64_t blocked = 0;
  for (const PricedSlot& slot : slots) {
    CARBOND_INVARIANT(
        slot.end > slot.begin &&
            (points_.empty() || slots[points_.size() - 1].end == slot.begin),
        "slots follow each other");
    points_.push_back(slot.begin);
    running_.push_back(running);
    idling_.push_back(idling);
    blocked_.push_back(blocked);
    const int64_t length = slot.end - slot.begin;
    running += slot.price * length;
    idling += slot.idle_price * length;
    blocked += slot.blocked ? length : 0;
  }
  points_.push_back(slots.back().end);
  running_.push_back(running);
  idling_.push_back(idling);
  blocked_.push_back(blocked);
}

int PricedTime::SlotAt(int64_t t) const {
  const auto it = std::upper_bound(points_.begin(), points_.end(), t);
  const auto i = static_cast<int>(it - points_.begin()) - 1;
  return std::clamp(i, 0, count() - 1);
}

namespace {

// Keeps the cheapest unbroken run seen; the earlier of two alike.
class BestRun {
 public:
  BestRun(const PricedTime& time, bool idles) : time_(time), idles_(idles) {}

  // The run [begin, end), whose ends lie in slots `first` and `last`.
  void Try(int64_t begin, int first, int64_t end, int last) {
    if (time_.BlockedUntil(end, last) != time_.BlockedUntil(begin, first)) {
      return;
    }
    Cost cost =
        time_.RunningUntil(end, last) - time_.RunningUntil(begin, first);
    if (idles_) cost += time_.IdlingUntil(begin, first);
    if (found_ && (cost > cost_ || (cost == cost_ && begin >= run_.begin))) {
      return;
    }
    found_ = true;
    cost_ = cost;
    run_ = {begin, end};
  }

  std::optional<Optimum> Take() const {
    if (!found_) return std::nullopt;
    return Optimum{cost_, {run_}};
  }

 private:
  const PricedTime& time_;
  const bool idles_;
  bool found_ = false;
  Cost cost_ = 0;
  RunSpan run_;
};

}  // namespace

std::optional<Optimum> BestUnbroken(const std::vector<PricedSlot>& slots,
                                    const Task& task) {
  if (slots.empty()) return std::nullopt;
  const PricedTime time(slots);
  BestRun best(time, task.start == Task::Start::kPaused);
  if (task.start == Task::Start::kRunning) {
    const int64_t end = time.begin() + task.restore_left + task.work;
    if (end > time.end()) return std::nullopt;
    best.Try(time.begin(), 0, end, time.SlotAt(end));
    return best.Take();
  }
  const int64_t length =
      task.work + (task.start == Task::Start::kPaused ? task.restore : 0);
  // Starts on a border; the end walks along.
  int last = 0;
  for (int first = 0; first < time.count(); ++first) {
    const int64_t begin = time.point(first);
    if (begin + length > time.end()) break;
    while (time.point(last + 1) < begin + length) ++last;
    best.Try(begin, first, begin + length, last);
  }
  // Ends on a border; the start walks along.
  int first = 0;
  for (int border = 1; border <= time.count(); ++border) {
    const int64_t begin = time.point(border) - length;
    if (begin < time.begin()) continue;
    while (time.point(first + 1) <= begin) ++first;
    best.Try(begin, first, time.point(border), border - 1);
  }
  return best.Take();
}

Cost CostOf(const std::vector<PricedSlot>& slots, const Task& task,
            const std::vector<RunSpan>& runs) {
  if (runs.empty()) return 0;
  const PricedTime time(slots);
  Cost cost = 0;
  int64_t idle_from =
      task.start == Task::Start::kFresh ? runs.front().begin : time.begin();
  for (const RunSpan& run : runs) {
    cost += time.IdlingUntil(run.begin) - time.IdlingUntil(idle_from);
    cost += time.RunningUntil(run.end) - time.RunningUntil(run.begin);
    idle_from = run.end;
  }
  return cost;
}

}  // namespace carbond
