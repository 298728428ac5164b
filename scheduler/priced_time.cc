#include "scheduler/priced_time.h"

namespace carbond {

bool FitsInt64(PricedRows places, const Task& task, const Moves& moves) {
  Cost highest = task.wait_price;  // all their bits: at most twice the highest
  size_t slots = 0;
  for (const PricedRow& row : places) {
    slots += row.size();
    for (const PricedSlot& slot : row) highest |= slot.price | slot.idle_price;
  }
  const PricedRow& row = places.front();
  // Costs, work times lambda (which is at most the highest price and one) and
  // what overheads take: each at most so much time at that price.
  const Cost time = static_cast<Cost>(row.back().end - row.front().begin) +
                    task.work + task.restore + task.save + moves.transfer;
  // Runs may have a price as well, of which the same holds.
  const auto runs =
      static_cast<Cost>(std::min(static_cast<size_t>(task.max_runs), slots));
  constexpr auto kHalf = kInfinite<int64_t> / 2;
  return (runs + 1) * (highest + 1) * 4 < kHalf / time &&
         moves.cost < kHalf / static_cast<Cost>(4 * slots + 4);
}

// Walks along all rows at once.
template <typename C>
class PricedTime<C>::Merging {
 public:
  Merging(PricedTime& time, PricedRows rows, const std::vector<int64_t>& cuts)
      : time_(time), cut_(cuts.begin()), past_(cuts.end()) {
    CARBOND_INVARIANT(!rows.empty(), "a window has places");
    for (const PricedRow& row : rows) {
      CARBOND_INVARIANT(!row.empty(), "a window has slots");
      rows_.push_back({row.data(), row.data() + row.size()});
    }
    at_ = rows.front().front().begin;
    end_ = rows.front().back().end;
    for (const Row& row : rows_) {
      CARBOND_INVARIANT(row.slot->begin == at_ && (row.past - 1)->end == end_,
                        "all places share one window");
    }
  }

  void Merge() {
    while (at_ < end_) {
      if (MeetsCut() || Differs()) AddPoint();
      GoOn();
    }
    const PricedSlot none;
    AddTo(time_.points_, none);
    for (Row& row : rows_) time_.slots_.push_back({0, row.running, end_});
    FindBlocked();
  }

 private:
  struct Row {
    const PricedSlot* slot = nullptr;
    const PricedSlot* past = nullptr;
    const PricedSlot* taken = nullptr;  // whose price the last slot has
    C running = 0;
  };

  bool MeetsCut() {
    while (cut_ != past_ && *cut_ < at_) ++cut_;
    return cut_ != past_ && *cut_ == at_;
  }
  bool Differs() const {
    return std::any_of(rows_.begin(), rows_.end(), [](const Row& row) {
      return row.taken == nullptr || row.taken->price != row.slot->price ||
             row.taken->idle_price != row.slot->idle_price ||
             row.taken->blocked != row.slot->blocked;
    });
  }

  void AddTo(std::vector<Point>& points, const PricedSlot& slot) const {
    points.push_back({at_, static_cast<C>(slot.idle_price), idling_});
  }
  void AddPoint() {
    const PricedSlot& first = *rows_.front().slot;
    AddTo(time_.points_, first);
    for (Row& row : rows_) {
      const PricedSlot& slot = *row.slot;
      CARBOND_INVARIANT(
          rows_.size() == 1 ||
              (slot.idle_price == first.idle_price &&
               (slot.blocked || slot.idle_price <= slot.price)),
          "idling costs the same in every place, and no more than running");
      row.taken = &slot;
      blocked_.push_back(slot.blocked);
      time_.slots_.push_back({static_cast<C>(slot.price), row.running, 0});
    }
  }

  void GoOn() {
    auto cut = cut_;
    if (cut != past_ && *cut == at_) ++cut;
    int64_t next = cut != past_ ? std::min(*cut, end_) : end_;
    for (const Row& row : rows_) next = std::min(next, row.slot->end);
    const int64_t length = next - at_;
    idling_ += static_cast<C>(rows_.front().slot->idle_price) * length;
    for (Row& row : rows_) {
      row.running += static_cast<C>(row.slot->price) * length;
      if (row.slot->end > next) continue;
      ++row.slot;
      CARBOND_INVARIANT(
          length > 0 && (row.slot == row.past || row.slot->begin == next),
          "slots follow each other");
    }
    at_ = next;
  }

  void FindBlocked() {
    const auto places = rows_.size();
    for (size_t k = blocked_.size(); k-- > 0;) {
      time_.slots_[k].free_until = blocked_[k]
                                       ? time_.points_[k / places].at
                                       : time_.slots_[k + places].free_until;
    }
  }

  PricedTime& time_;
  std::vector<int64_t>::const_iterator cut_, past_;
  std::vector<Row> rows_;
  std::vector<bool> blocked_;
  int64_t at_ = 0, end_ = 0;
  C idling_ = 0;
};

template <typename C>
PricedTime<C>::PricedTime(PricedRows rows, const std::vector<int64_t>& cuts)
    : places_(static_cast<int>(rows.size())) {
  const size_t points = rows.front().size() + cuts.size() + 1;
  points_.reserve(points);
  slots_.reserve(points * rows.size());
  Merging(*this, rows, cuts).Merge();
  IndexByTime();
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
C PricedTime<C>::CostOf(const Task& task, const Moves& moves,
                        const std::vector<RunSpan>& runs) const {
  C cost = 0;
  if (task.start == Task::Start::kFresh) {
    cost += static_cast<C>(task.wait_price) * (runs.front().begin - begin());
  }
  int64_t idle_from =
      task.start == Task::Start::kFresh ? runs.front().begin : begin();
  int data_at = moves.at;
  for (const RunSpan& run : runs) {
    cost += IdlingUntil(run.begin) - IdlingUntil(idle_from);
    cost +=
        RunningUntil(run.place, run.end) - RunningUntil(run.place, run.begin);
    if (data_at >= 0 && data_at != run.place)
      cost += static_cast<C>(moves.cost);
    idle_from = run.end;
    data_at = run.place;
  }
  return cost;
}

template class PricedTime<int64_t>;
template class PricedTime<Cost>;

}  // namespace carbond
