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
  int64_t begun = 0;        // the run under way, at x = 0
  int link = -1;            // the runs that have ended
  int runs = 0;             // how many have begun, where that is limited
  int16_t place = 0;        // where it runs, or where its data are
  bool free = false;        // holds a free end point
  bool begin_free = false;  // the run under way began x before `begun`
  // Its last run ended just here, or x later.
  bool drifts = false;
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

  static Label At(Label label, C cost, int64_t work) {
    label.cost += cost;
    label.work += work;
    return label;
  }

  // A label as it would be at the window's begin.
  void Insert(const Label& label);
  // None of them has stopped just here any more.
  void Leave() {
    if (!just_stopped_) return;
    for (Label& label : labels_) label.just_stopped = false;
    just_stopped_ = false;
  }
  void Clear() { labels_.clear(); }
  // Forgets the looks as well.
  void Reset() {
    Clear();
    looks_ = 0;
  }
  bool empty() const { return labels_.empty(); }
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
  std::vector<Label> labels_;  // by work at x = 0
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

// Labels on their way to a later point, each to one of the fronts.
template <typename C>
class RunsUnderWay {
 public:
  using Label = RunsLabel<C>;

  void Reset(int points) {
    last_.assign(static_cast<size_t>(points), kNone);
    nodes_.clear();
    unused_ = kNone;
  }
  void Add(int i, int front, const Label& label) {
    const int32_t added = NewNode();
    Waiting& node = Node(added);
    node.label = label;
    node.front = front;
    node.next = added;
    int32_t& last = last_[static_cast<size_t>(i)];
    if (last != kNone) std::swap(node.next, Node(last).next);
    last = added;
  }
  // Shows those for point i, in the order in which they were added, and lets
  // them go. `take` adds none.
  template <typename Take>
  void Arrive(int i, Take take) {
    int32_t& last = last_[static_cast<size_t>(i)];
    if (last == kNone) return;
    int32_t at = last;
    do {
      at = Node(at).next;
      take(Node(at).front, Node(at).label);
    } while (at != last);
    std::swap(Node(last).next, unused_);
    last = kNone;
  }

 private:
  struct Waiting {
    Label label;
    int32_t front = 0;
    int32_t next =
        0;  // of those for the same point; the last leads to the first
  };
  static constexpr int32_t kNone = -1;

  int32_t NewNode() {
    if (unused_ == kNone) {
      nodes_.emplace_back();
      return static_cast<int32_t>(nodes_.size()) - 1;
    }
    const int32_t node = unused_;
    unused_ = Node(node).next;
    return node;
  }
  Waiting& Node(int32_t at) { return nodes_[static_cast<size_t>(at)]; }

  std::vector<int32_t> last_;  // by point
  std::vector<Waiting> nodes_;
  int32_t unused_ = kNone;  // of the nodes; each leads to another
};

}  // namespace carbond
