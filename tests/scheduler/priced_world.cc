#include "tests/scheduler/priced_world.h"

#include <algorithm>
#include <limits>

namespace carbond {
namespace {

int64_t Pick(std::mt19937_64& random, int64_t least, int64_t most) {
  return least + static_cast<int64_t>(random() %
                                      static_cast<uint64_t>(most - least + 1));
}

// A world in whole units: prices per unit step, and the task's numbers.
struct Steps {
  std::vector<Cost> price;
  std::vector<Cost> idle;
  std::vector<bool> blocked;
  Task task;
  int64_t size() const { return static_cast<int64_t>(price.size()); }
};

Steps InUnits(const World& world) {
  Steps steps;
  for (const PricedSlot& slot : world.slots) {
    for (int64_t t = slot.begin; t < slot.end; t += world.unit) {
      steps.price.push_back(slot.price * world.unit);
      steps.idle.push_back(slot.idle_price * world.unit);
      steps.blocked.push_back(slot.blocked);
    }
  }
  steps.task = world.task;
  Task& task = steps.task;
  for (int64_t* number : {&task.work, &task.restore, &task.restore_left,
                          &task.save, &task.min_run, &task.running_min}) {
    *number /= world.unit;
  }
  return steps;
}

// A lowest value that may be missing.
struct Lowest {
  bool known = false;
  Cost cost = 0;
  bool Offer(Cost other) {
    if (known && cost <= other) return false;
    known = true;
    cost = other;
    return true;
  }
};

int64_t RestoreOf(const Task& task, bool first) {
  if (!first) return task.restore;
  switch (task.start) {
    case Task::Start::kFresh:
      return 0;
    case Task::Start::kRunning:
      return task.restore_left;
    case Task::Start::kPaused:
      return task.restore;
  }
  return 0;
}

void TryUnbroken(const Steps& steps, Exhaustive& found) {
  const Task& task = steps.task;
  const int64_t length = RestoreOf(task, true) + task.work;
  const bool running = task.start == Task::Start::kRunning;
  const int64_t last = running ? 0 : steps.size() - length;
  Lowest lowest;
  for (int64_t begin = 0; begin <= last; ++begin) {
    if (begin + length > steps.size()) break;
    Cost cost = 0;
    bool free = true;
    for (int64_t t = 0; t < begin + length; ++t) {
      if (t >= begin) {
        free = free && !steps.blocked[t];
        cost += steps.price[t];
      } else if (task.start == Task::Start::kPaused) {
        cost += steps.idle[t];
      }
    }
    if (free && lowest.Offer(cost)) found.unbroken_begin = begin;
  }
  if (lowest.known) found.unbroken = lowest.cost;
}

// Rows of two runs and more: the least cost of being idle, or in a run that has
// done its least, at each step with each amount of work done in so many runs.
class Rows {
 public:
  explicit Rows(const Steps& steps)
      : steps_(steps), task_(steps.task), most_(std::max(task_.max_runs, 1)) {
    const auto size = static_cast<size_t>(most_ + 1) *
                      static_cast<size_t>(steps.size() + 1) *
                      static_cast<size_t>(task_.work + 1);
    idle_.resize(size);
    running_.resize(size);
    running_until_.push_back(0);
    free_from_.push_back(0);
    for (int64_t t = 0; t < steps.size(); ++t) {
      running_until_.push_back(running_until_.back() + steps.price[t]);
      free_from_.push_back(steps.blocked[t] ? t + 1 : free_from_.back());
    }
  }

  Lowest Best() {
    Lowest best;
    if (task_.max_runs == 1) return best;
    for (int64_t t = 0; t <= steps_.size(); ++t) {
      for (int runs = 1; runs <= most_; ++runs) {
        for (int64_t w = 0; w <= task_.work; ++w) {
          GoOnRunning(runs, t, w);
          Begin(runs, t, w);
          GoOnIdling(runs, t, w);
          Save(runs, t, w);
        }
        FirstRuns(runs, t);
        // The last one saves nothing.
        const Lowest& last = At(running_, runs, t, task_.work);
        if (last.known) best.Offer(last.cost);
      }
    }
    return best;
  }

 private:
  // A run that does nothing useful is none.
  int64_t Least() const { return std::max<int64_t>(task_.min_run, 1); }

  Lowest& At(std::vector<Lowest>& all, int runs, int64_t t, int64_t w) const {
    return all[static_cast<size_t>(
        (runs * (steps_.size() + 1) + t) * (task_.work + 1) + w)];
  }
  bool Free(int64_t from, int64_t to) const {
    return from >= 0 && (to == from || free_from_[to] <= from);
  }
  Cost Running(int64_t from, int64_t to) const {
    return running_until_[to] - running_until_[from];
  }
  // Runs are counted only where they are limited.
  int Before(int runs) const { return task_.max_runs > 0 ? runs - 1 : 1; }

  void GoOnRunning(int runs, int64_t t, int64_t w) {
    if (w == 0 || !Free(t - 1, t)) return;
    const Lowest& before = At(running_, runs, t - 1, w - 1);
    if (!before.known) return;
    At(running_, runs, t, w).Offer(before.cost + Running(t - 1, t));
  }

  // A run, not the first, that has just done its least.
  void Begin(int runs, int64_t t, int64_t w) {
    const int64_t begin = t - task_.restore - Least();
    if (w < Least() || !Free(begin, t)) return;
    const Lowest& before = At(idle_, Before(runs), begin, w - Least());
    if (!before.known) return;
    At(running_, runs, t, w).Offer(before.cost + Running(begin, t));
  }

  void GoOnIdling(int runs, int64_t t, int64_t w) {
    if (t == 0) return;
    const Lowest& before = At(idle_, runs, t - 1, w);
    if (!before.known) return;
    At(idle_, runs, t, w).Offer(before.cost + steps_.idle[t - 1]);
  }

  void Save(int runs, int64_t t, int64_t w) {
    if (!Free(t - task_.save, t)) return;
    const Lowest& before = At(running_, runs, t - task_.save, w);
    if (!before.known) return;
    At(idle_, runs, t, w).Offer(before.cost + Running(t - task_.save, t));
  }

  // First runs that end at t, having saved.
  void FirstRuns(int runs, int64_t t) {
    if (runs > 1) return;
    const bool running = task_.start == Task::Start::kRunning;
    Cost idled = 0;
    for (int64_t begin = 0; begin <= t; ++begin) {
      const int64_t length = t - begin;
      const int64_t useful = length - RestoreOf(task_, true) - task_.save;
      // A running task may stop at once: its first run is empty then.
      const bool enough = running ? length >= task_.running_min + task_.save
                                  : useful >= Least();
      if (enough && useful >= 0 && useful <= task_.work && Free(begin, t)) {
        At(idle_, 1, t, useful).Offer(idled + Running(begin, t));
      }
      if (running) return;
      if (task_.start == Task::Start::kPaused && begin < t) {
        idled += steps_.idle[begin];
      }
    }
  }

  const Steps& steps_;
  const Task& task_;
  const int most_;
  std::vector<Lowest> idle_, running_;
  std::vector<Cost> running_until_;
  std::vector<int64_t> free_from_;  // the last instant blocked before, by end
};

}  // namespace

World RandomWorld(uint64_t seed, const WorldKind& kind) {
  std::mt19937_64 random(seed * 0x9E3779B97F4A7C15u + 1);
  World world;
  world.unit = kind.unit;
  const int64_t units = Pick(random, 2, kind.longest);
  const int64_t step = Pick(random, 1, 8);
  const int64_t longest_slot = Pick(random, 3, 12);
  const int64_t origin = Pick(random, 0, 2) * 1'000 * kind.unit;
  Cost last = 0;
  for (int64_t t = 0; t < units;) {
    int64_t length = kind.irregular ? Pick(random, 1, longest_slot) : step;
    length = std::min(length, units - t);
    PricedSlot slot;
    slot.begin = origin + t * kind.unit;
    slot.end = origin + (t + length) * kind.unit;
    const int what = static_cast<int>(random() % 8);
    slot.price = what == 0   ? 0
                 : what == 1 ? last
                             : static_cast<Cost>(random() % 1000) *
                                   (kind.dearest + 1) / 1000;
    last = slot.price;
    const Cost share = static_cast<Cost>(random() % 4);
    if (kind.idle == WorldKind::Idle::kCheaper) {
      slot.idle_price = slot.price * share / 4;
    } else if (kind.idle == WorldKind::Idle::kAny) {
      slot.idle_price = kind.dearest * share / 3;
    }
    slot.blocked = kind.blocked && random() % 5 == 0;
    world.slots.push_back(slot);
    t += length;
  }
  Task& task = world.task;
  task.start =
      kind.start ? *kind.start : static_cast<Task::Start>(random() % 3);
  const int64_t tight = Pick(random, 0, 2);
  task.work = Pick(random, 1, tight == 0 ? units : (units + 1) / 2);
  if (kind.overheads) {
    task.restore = Pick(random, 0, 3);
    task.save = Pick(random, 0, 3);
  }
  if (random() % 2 == 0) task.min_run = Pick(random, 0, units / 3 + 1);
  if (task.start == Task::Start::kRunning) {
    task.restore_left = Pick(random, 0, task.restore);
    task.running_min = task.restore_left + Pick(random, 0, 4);
  }
  for (int64_t* number : {&task.work, &task.restore, &task.restore_left,
                          &task.save, &task.min_run, &task.running_min}) {
    *number *= kind.unit;
  }
  if (kind.limited) task.max_runs = static_cast<int>(Pick(random, 1, 4));
  return world;
}

Exhaustive TryEverything(const World& world) {
  const Steps steps = InUnits(world);
  Exhaustive found;
  TryUnbroken(steps, found);
  Lowest lowest = Rows(steps).Best();
  if (found.unbroken) lowest.Offer(*found.unbroken);
  if (lowest.known) found.best = lowest.cost;
  found.unbroken_begin =
      world.slots.front().begin + found.unbroken_begin * world.unit;
  return found;
}

Cost SlowCost(const World& world, const std::vector<RunSpan>& runs) {
  if (runs.empty()) return 0;
  const bool paused = world.task.start == Task::Start::kPaused;
  Cost cost = 0;
  for (const PricedSlot& slot : world.slots) {
    for (int64_t t = slot.begin; t < slot.end; ++t) {
      const bool running = std::any_of(
          runs.begin(), runs.end(),
          [t](const RunSpan& run) { return run.begin <= t && t < run.end; });
      const bool begun = paused || t >= runs.front().begin;
      if (running) {
        cost += slot.price;
      } else if (begun && t < runs.back().end) {
        cost += slot.idle_price;
      }
    }
  }
  return cost;
}

std::string BrokenRule(const World& world, const std::vector<RunSpan>& runs) {
  const Task& task = world.task;
  if (runs.empty()) return "there is no run";
  int64_t at = world.slots.front().begin;
  if (task.start == Task::Start::kRunning && runs[0].begin != at) {
    return "a running task does not go on at once";
  }
  if (task.max_runs > 0 && runs.size() > static_cast<size_t>(task.max_runs)) {
    return "more runs than are allowed";
  }
  int64_t done = 0;
  for (size_t i = 0; i < runs.size(); ++i) {
    const RunSpan& run = runs[i];
    const bool going_on = i == 0 && task.start == Task::Start::kRunning;
    if (i > 0 && run.begin == at && task.save + task.restore == 0) {
      return "a pause of no length";
    }
    if (run.begin < at || run.end < run.begin ||
        (run.end == run.begin && !going_on)) {
      return "runs out of order";
    }
    at = run.end;
    for (const PricedSlot& slot : world.slots) {
      if (slot.blocked && run.begin < slot.end && slot.begin < run.end) {
        return "a run touches a blocked slot";
      }
    }
    const bool last = i + 1 == runs.size();
    const int64_t useful =
        run.end - run.begin - RestoreOf(task, i == 0) - (last ? 0 : task.save);
    if (useful < 0) return "a run shorter than its overhead";
    done += useful;
    if (runs.size() == 1) continue;
    if (going_on ? run.end - run.begin < task.running_min + task.save
                 : useful < std::max<int64_t>(task.min_run, 1)) {
      return "a run shorter than the minimum";
    }
  }
  if (at > world.slots.back().end) return "a run beyond the window";
  if (done != task.work) return "the work done is not the work asked for";
  return "";
}

std::string Describe(Cost cost) {
  if (cost == 0) return "0";
  std::string text;
  const bool negative = cost < 0;
  if (negative) cost = -cost;
  for (; cost > 0; cost /= 10) {
    text.insert(text.begin(),
                static_cast<char>('0' + static_cast<int>(cost % 10)));
  }
  return negative ? "-" + text : text;
}

std::string Describe(const std::vector<RunSpan>& runs) {
  std::string text;
  for (const RunSpan& run : runs) {
    text += fmt::format("[{}, {}) ", run.begin, run.end);
  }
  return text.empty() ? "no runs" : text;
}

std::string Describe(const World& world) {
  const Task& task = world.task;
  constexpr const char* kStarts[] = {"fresh", "running", "paused"};
  std::string text = fmt::format(
      "{}: work {} restore {} (left {}) save {} min run {} (running {}) runs "
      "{}\n",
      kStarts[static_cast<int>(task.start)], task.work, task.restore,
      task.restore_left, task.save, task.min_run, task.running_min,
      task.max_runs);
  for (const PricedSlot& slot : world.slots) {
    text += fmt::format("  [{}, {}) price {} idle {}{}\n", slot.begin, slot.end,
                        Describe(slot.price), Describe(slot.idle_price),
                        slot.blocked ? " blocked" : "");
  }
  return text;
}

}  // namespace carbond
