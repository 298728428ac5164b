#pragma once
// The labels of the search in optimum_runs.cc, and where they wait.

#include <algorithm>
#include <cstdint>
#include <vector>

namespace carbond {

template <typename C>
struct RunsLabel {
  C cost = 0;        // at x = 0
  int64_t work = 0;  // at x = 0; grows with x
  C slope = 0;       // of the cost over x
  int64_t x_low = 0, x_high = 0;
  int64_t begun = 0;  // the run under way
  int link = -1;      // the runs that have ended
  int runs = 0;       // how many have begun, where that is limited
  bool free = false;  // holds a free end point
  bool begin_free = false;
  // Its last run ended just here: another is not begun at the same instant,
  // since going on would be better.
  bool just_stopped = false;

  C CostAt(int64_t x) const { return cost + slope * x; }
  int64_t LeastWork() const { return work + x_low; }
  int64_t MostWork() const { return work + x_high; }

  // Leaves the x with slope * x <= room; false when there are none.
  bool LimitX(C slope_of_room, C room);
  // Whether the other may be dropped: this is better wherever that one is, or
  // as good and not less free to go on.
  bool Beats(const RunsLabel& other) const;
};

template <typename C>
bool RunsLabel<C>::LimitX(C slope_of_room, C room) {
  if (slope_of_room * x_low > room && slope_of_room * x_high > room) {
    return false;
  }
  // Of the two, the one that is left out is divided for.
  if (slope_of_room > 0 && slope_of_room * x_high > room) {
    x_high = static_cast<int64_t>(room / slope_of_room);
  } else if (slope_of_room < 0 && slope_of_room * x_low > room) {
    x_low = static_cast<int64_t>((-room - slope_of_room - 1) / -slope_of_room);
  }
  return true;
}

template <typename C>
bool RunsLabel<C>::Beats(const RunsLabel& other) const {
  if (runs > other.runs || LeastWork() > other.LeastWork() ||
      MostWork() < other.MostWork()) {
    return false;
  }
  const C low = CostAt(other.LeastWork() - work) - other.CostAt(other.x_low);
  const C high = CostAt(other.MostWork() - work) - other.CostAt(other.x_high);
  if (low < 0 && high < 0) return true;
  const bool as_free = !free || other.free;
  return low <= 0 && high <= 0 && as_free && just_stopped <= other.just_stopped;
}

// Labels in one state, idle or running, all of which change alike from point to
// point: they are kept as they would be at the window's begin.
template <typename C>
class RunsFront {
 public:
  using Label = RunsLabel<C>;

  explicit RunsFront(int points) : arriving_(static_cast<size_t>(points)) {}

  // A label that is at point i, by which time `cost` and `work` have been paid
  // and done there by one that was in this state all along.
  void Push(int i, const Label& label, C cost, int64_t work) {
    arriving_[static_cast<size_t>(i)].push_back(At(label, -cost, -work));
  }
  static Label At(Label label, C cost, int64_t work) {
    label.cost += cost;
    label.work += work;
    return label;
  }

  void Arrive(int i) {
    for (const Label& label : arriving_[static_cast<size_t>(i)]) Insert(label);
    arriving_[static_cast<size_t>(i)] = {};
  }
  // None of them has stopped just here any more.
  void Leave() {
    if (!just_stopped_) return;
    for (Label& label : labels_) label.just_stopped = false;
    just_stopped_ = false;
  }
  void Clear() { labels_.clear(); }
  // Forgets those still to come as well, and the looks.
  void Reset() {
    Clear();
    for (std::vector<Label>& arriving : arriving_) arriving.clear();
    looks_ = 0;
  }
  // How often a label has been looked at.
  int64_t looks() const { return looks_; }
  // Shows each label as it is where `cost` and `work` have been paid and done;
  // keeps it, with what `visit` leaves of its x, where that says so.
  template <typename Keep>
  void Visit(C cost, int64_t work, Keep visit) {
    looks_ += static_cast<int64_t>(labels_.size());
    std::erase_if(labels_, [&](Label& label) {
      Label here = At(label, cost, work);
      if (!visit(here)) return true;
      label.x_low = here.x_low;
      label.x_high = here.x_high;
      return false;
    });
  }

 private:
  void Insert(const Label& label);

  std::vector<Label> labels_;                 // by work at x = 0
  std::vector<std::vector<Label>> arriving_;  // by point
  bool just_stopped_ = false;
  int64_t looks_ = 0;
  int64_t widest_ = 0;  // the most that x has been free
};

template <typename C>
void RunsFront<C>::Insert(const Label& label) {
  widest_ = std::max(widest_, label.x_high);
  just_stopped_ |= label.just_stopped;
  const auto from = [&](int64_t work) {
    return std::lower_bound(
        labels_.begin(), labels_.end(), work,
        [](const Label& a, int64_t least) { return a.work < least; });
  };
  const auto first = from(label.LeastWork() - widest_);
  const auto past = from(label.MostWork() + 1);
  looks_ += past - first;
  const auto beats = [&](const Label& other) { return other.Beats(label); };
  if (std::any_of(first, past, beats)) return;
  const auto beaten = [&](const Label& other) { return label.Beats(other); };
  labels_.erase(std::remove_if(first, past, beaten), past);
  labels_.insert(from(label.work), label);
}

}  // namespace carbond
