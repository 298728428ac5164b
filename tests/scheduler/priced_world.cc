#include "tests/scheduler/priced_world.h"

#include <algorithm>
#include <tuple>

namespace carbond {
namespace {

int64_t Pick(std::mt19937_64& random, int64_t least, int64_t most) {
  return least + static_cast<int64_t>(random() %
                                      static_cast<uint64_t>(most - least + 1));
}

// A world in whole units: prices per unit step, and the task's numbers.
struct Steps {
  struct Place {
    std::vector<Cost> price;
    std::vector<bool> blocked;
  };
  std::vector<Place> places;
  std::vector<Cost> idle;
  Task task;
  Moves moves;
  int64_t size() const { return static_cast<int64_t>(idle.size()); }
  bool Moved(int from, int to) const { return from >= 0 && from != to; }
};

Steps InUnits(const World& world) {
  Steps steps;
  for (const PricedSlot& slot : world.slots) {
    for (int64_t t = slot.begin; t < slot.end; t += world.unit) {
      steps.idle.push_back(slot.idle_price * world.unit);
    }
  }
  for (const PricedRow& row : world.Places()) {
    Steps::Place place;
    for (const PricedSlot& slot : row) {
      for (int64_t t = slot.begin; t < slot.end; t += world.unit) {
        place.price.push_back(slot.price * world.unit);
        place.blocked.push_back(slot.blocked);
      }
    }
    steps.places.push_back(std::move(place));
  }
  steps.moves = world.moves;
  steps.moves.transfer /= world.unit;
  steps.task = world.task;
  Task& task = steps.task;
  for (int64_t* number :
       {&task.work, &task.restore, &task.restore_left, &task.save,
        &task.min_run, &task.running_min, &task.min_pause, &task.pause_left}) {
    *number /= world.unit;
  }
  task.wait_price *= world.unit;
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

// The transfer is a part of the pause.
int64_t PauseBefore(const Moves& moves, int64_t least, bool moved) {
  return moved ? std::max<int64_t>(least - moves.transfer, 0) : least;
}

// The overhead of the first run in a place, when it may begin, and the price of
// moving there.
struct First {
  bool possible = true;
  bool moved = false;
  int64_t earliest = 0;
  int64_t overhead = 0;
  Cost cost = 0;
};
First FirstIn(const Steps& steps, int place) {
  First first;
  first.moved = steps.Moved(steps.moves.at, place);
  first.possible = !first.moved || steps.task.start != Task::Start::kRunning;
  first.overhead = RestoreOf(steps.task, true);
  if (steps.task.start == Task::Start::kPaused) {
    first.earliest =
        PauseBefore(steps.moves, steps.task.pause_left, first.moved);
  }
  if (!first.moved) return first;
  first.overhead += steps.moves.transfer;
  first.cost = steps.moves.cost;
  return first;
}

// What a step before the first run costs.
Cost BeforeFirst(const Steps& steps, int64_t t) {
  const bool paused = steps.task.start == Task::Start::kPaused;
  return paused ? steps.idle[t] : steps.task.wait_price;
}

void TryUnbroken(const Steps& steps, int place, bool& found_moved,
                 Exhaustive& found) {
  const Task& task = steps.task;
  const First first = FirstIn(steps, place);
  if (!first.possible) return;
  const Steps::Place& here = steps.places[place];
  const int64_t length = first.overhead + task.work;
  const bool running = task.start == Task::Start::kRunning;
  const int64_t last = running ? 0 : steps.size() - length;
  for (int64_t begin = first.earliest; begin <= last; ++begin) {
    if (begin + length > steps.size()) break;
    Cost cost = first.cost;
    bool free = true;
    for (int64_t t = 0; t < begin + length; ++t) {
      if (t >= begin) {
        free = free && !here.blocked[t];
        cost += here.price[t];
      } else {
        cost += BeforeFirst(steps, t);
      }
    }
    if (!free) continue;
    if (found.unbroken &&
        std::tuple(*found.unbroken, found_moved, found.unbroken_begin) <=
            std::tuple(cost, first.moved, begin)) {
      continue;
    }
    found.unbroken = cost;
    found.unbroken_begin = begin;
    found.unbroken_place = place;
    found_moved = first.moved;
  }
}

// Rows of two runs and more: the least cost of having stopped just then, of
// being idle long enough to go on in the same place or in another, or in a run
// that has done its least, at each step with each amount of work done in so
// many runs.
class Rows {
 public:
  explicit Rows(const Steps& steps)
      : steps_(steps),
        task_(steps.task),
        most_(std::max(task_.max_runs, 1)),
        places_(static_cast<int>(steps.places.size())) {
    const auto size = static_cast<size_t>(places_) *
                      static_cast<size_t>(most_ + 1) *
                      static_cast<size_t>(steps.size() + 1) *
                      static_cast<size_t>(task_.work + 1);
    stopped_.resize(size);
    idle_.resize(size);
    leaving_.resize(size);
    running_.resize(size);
    for (const Cost idle : steps.idle) idled_.push_back(idled_.back() + idle);
    for (const Steps::Place& place : steps.places) {
      Sums sums;
      for (int64_t t = 0; t < steps.size(); ++t) {
        sums.running.push_back(sums.running.back() + place.price[t]);
        sums.free_from.push_back(place.blocked[t] ? t + 1
                                                  : sums.free_from.back());
      }
      sums_.push_back(std::move(sums));
    }
  }

  Lowest Best() {
    Lowest best;
    if (task_.max_runs == 1) return best;
    for (int64_t t = 0; t <= steps_.size(); ++t) {
      for (int place = 0; place < places_; ++place) {
        for (int runs = 1; runs <= most_; ++runs) {
          for (int64_t w = 0; w <= task_.work; ++w) {
            const Key key{place, runs, t, w};
            GoOnRunning(key);
            Begin(key);
            Save(key);
          }
          FirstRuns(place, runs, t);
          for (int64_t w = 0; w <= task_.work; ++w) {
            const Key key{place, runs, t, w};
            GoOnIdling(idle_, key, task_.min_pause);
            GoOnIdling(leaving_, key,
                       PauseBefore(steps_.moves, task_.min_pause, true));
          }
          // The last one saves nothing.
          const Lowest& last = At(running_, {place, runs, t, task_.work});
          if (last.known) best.Offer(last.cost);
        }
      }
    }
    return best;
  }

 private:
  struct Sums {
    std::vector<Cost> running = {0};
    std::vector<int64_t> free_from = {0};  // the last instant blocked, by end
  };
  // In a place after so many runs, at t, with so much work done.
  struct Key {
    int place = 0;
    int runs = 0;
    int64_t t = 0;
    int64_t w = 0;
  };

  // A run that does nothing useful is none.
  int64_t Least() const { return std::max<int64_t>(task_.min_run, 1); }

  Lowest& At(std::vector<Lowest>& all, const Key& key) const {
    const int64_t row = (key.place * (most_ + 1) + key.runs);
    return all[static_cast<size_t>(
        (row * (steps_.size() + 1) + key.t) * (task_.work + 1) + key.w)];
  }
  bool Free(int place, int64_t from, int64_t to) const {
    return from >= 0 && (to == from || sums_[place].free_from[to] <= from);
  }
  Cost Running(int place, int64_t from, int64_t to) const {
    return sums_[place].running[to] - sums_[place].running[from];
  }
  // Runs are counted only where they are limited.
  int Before(int runs) const { return task_.max_runs > 0 ? runs - 1 : 1; }

  void GoOnRunning(const Key& key) {
    const int64_t from = key.t - 1;
    if (key.w == 0 || !Free(key.place, from, key.t)) return;
    const Lowest& before = At(running_, {key.place, key.runs, from, key.w - 1});
    if (!before.known) return;
    At(running_, key).Offer(before.cost + Running(key.place, from, key.t));
  }

  // A run, not the first, that has just done its least.
  void Begin(const Key& key) {
    for (int at = 0; at < places_; ++at) {
      const bool moved = at != key.place;
      const int64_t transfer = moved ? steps_.moves.transfer : 0;
      const int64_t begin = key.t - transfer - task_.restore - Least();
      if (key.w < Least() || !Free(key.place, begin, key.t)) continue;
      const Lowest& before = At(moved ? leaving_ : idle_,
                                {at, Before(key.runs), begin, key.w - Least()});
      if (!before.known) continue;
      At(running_, key)
          .Offer(before.cost + Running(key.place, begin, key.t) +
                 (moved ? steps_.moves.cost : 0));
    }
  }

  // Idle for so long, or for longer.
  void GoOnIdling(std::vector<Lowest>& idle, const Key& key, int64_t least) {
    const auto offer = [&](std::vector<Lowest>& from, int64_t t) {
      if (t < 0) return;
      const Lowest& before = At(from, {key.place, key.runs, t, key.w});
      if (!before.known) return;
      At(idle, key).Offer(before.cost + idled_[key.t] - idled_[t]);
    };
    offer(idle, key.t - 1);
    offer(stopped_, key.t - least);
  }

  void Save(const Key& key) {
    const int64_t from = key.t - task_.save;
    if (!Free(key.place, from, key.t)) return;
    const Lowest& before = At(running_, {key.place, key.runs, from, key.w});
    if (!before.known) return;
    At(stopped_, key).Offer(before.cost + Running(key.place, from, key.t));
  }

  // First runs that end at t, having saved.
  void FirstRuns(int place, int runs, int64_t t) {
    const First first = FirstIn(steps_, place);
    if (runs > 1 || !first.possible) return;
    const bool running = task_.start == Task::Start::kRunning;
    Cost idled = first.cost;
    for (int64_t begin = 0; begin <= t; ++begin) {
      const int64_t length = t - begin;
      const int64_t useful = length - first.overhead - task_.save;
      // A running task may stop at once: its first run is empty then.
      const bool enough = running
                              ? length >= task_.running_min + task_.save
                              : useful >= Least() && begin >= first.earliest;
      if (enough && useful >= 0 && useful <= task_.work &&
          Free(place, begin, t)) {
        At(stopped_, {place, 1, t, useful})
            .Offer(idled + Running(place, begin, t));
      }
      if (running) return;
      if (begin < t) idled += BeforeFirst(steps_, begin);
    }
  }

  const Steps& steps_;
  const Task& task_;
  const int most_;
  const int places_;
  std::vector<Lowest> stopped_, idle_, leaving_, running_;
  std::vector<Cost> idled_ = {0};
  std::vector<Sums> sums_;  // by place
};

const PricedSlot& SlotAt(const PricedRow& row, int64_t t) {
  size_t i = 0;
  while (row[i].end <= t) ++i;
  return row[i];
}

// A row of slots from `origin` on.
PricedRow RandomRow(std::mt19937_64& random, const WorldKind& kind,
                    int64_t units, int64_t origin) {
  PricedRow row;
  const int64_t step = Pick(random, 1, 8);
  const int64_t longest_slot = Pick(random, 3, 12);
  for (int64_t t = 0; t < units;) {
    int64_t length = kind.irregular ? Pick(random, 1, longest_slot) : step;
    length = std::min(length, units - t);
    PricedSlot slot;
    slot.begin = origin + t * kind.unit;
    slot.end = origin + (t + length) * kind.unit;
    slot.price = static_cast<Cost>(random() % 1000) * (kind.dearest + 1) / 1000;
    slot.blocked = kind.blocked && random() % 5 == 0;
    row.push_back(slot);
    t += length;
  }
  return row;
}

// Idling that costs the same everywhere, and no more than running: `before`
// `at`, and then `after`.
void IdleAlike(PricedRow& row, int64_t at, Cost before, Cost after) {
  for (size_t i = 0; i < row.size(); ++i) {
    if (row[i].begin < at && at < row[i].end) {
      row.insert(row.begin() + static_cast<std::ptrdiff_t>(i), row[i]);
      row[i].end = row[i + 1].begin = at;
    }
    row[i].idle_price = row[i].begin < at ? before : after;
    row[i].price += row[i].idle_price;
  }
}

void AddPlaces(std::mt19937_64& random, const WorldKind& kind, World& world) {
  const int64_t origin = world.slots.front().begin;
  const int64_t units = (world.slots.back().end - origin) / kind.unit;
  const auto count = static_cast<int>(Pick(random, 1, kind.places));
  for (int place = 1; place < count; ++place) {
    world.others.push_back(RandomRow(random, kind, units, origin));
  }
  if (count > 1) {
    const int64_t at = origin + Pick(random, 0, units) * kind.unit;
    const bool free = kind.idle == WorldKind::Idle::kFree;
    const Cost before = free ? 0 : Pick(random, 0, 2) / 2;
    const Cost after = free ? 0 : Pick(random, 0, 2);
    IdleAlike(world.slots, at, before, after);
    for (PricedRow& row : world.others) IdleAlike(row, at, before, after);
  }
  Moves& moves = world.moves;
  const bool anywhere =
      world.task.start != Task::Start::kRunning && random() % 4 == 0;
  moves.at = anywhere ? -1 : static_cast<int>(Pick(random, 0, count - 1));
  if (!kind.dear_moves) return;
  if (random() % 2 == 0) moves.transfer = Pick(random, 1, 4) * kind.unit;
  if (random() % 2 == 0) {
    moves.cost = static_cast<Cost>(random() % 1000) * 3 * (kind.dearest + 1) *
                 kind.unit / 1000;
  }
}

void AddPauses(std::mt19937_64& random, int64_t units, World& world) {
  Task& task = world.task;
  task.min_pause = Pick(random, 0, units / 3 + 1) * world.unit;
  if (task.start != Task::Start::kPaused) return;
  task.pause_left = Pick(random, 0, task.min_pause / world.unit) * world.unit;
}

// Every instant until the end costs as much, whatever the task does.
void AddWaits(Cost thousandths, const WorldKind& kind, World& world) {
  const Cost price = thousandths * kind.dearest / 3000;
  if (world.task.start == Task::Start::kFresh) world.task.wait_price = price;
  const auto add = [&](PricedRow& row) {
    for (PricedSlot& slot : row) {
      slot.price += price;
      slot.idle_price += price;
    }
  };
  add(world.slots);
  for (PricedRow& row : world.others) add(row);
}

int MovesIn(const World& world, const std::vector<RunSpan>& runs) {
  int moves = 0, at = world.moves.at;
  for (const RunSpan& run : runs) {
    if (at >= 0 && at != run.place) ++moves;
    at = run.place;
  }
  return moves;
}

}  // namespace

std::vector<PricedRow> World::Places() const {
  std::vector<PricedRow> places = {slots};
  places.insert(places.end(), others.begin(), others.end());
  return places;
}

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
  world.moves.at = 0;
  if (kind.places > 1) AddPlaces(random, kind, world);
  if (kind.pauses) AddPauses(random, units, world);
  if (kind.waits) AddWaits(static_cast<Cost>(random() % 1000), kind, world);
  return world;
}

Exhaustive TryEverything(const World& world) {
  const Steps steps = InUnits(world);
  Exhaustive found;
  bool moved = false;
  for (int place = 0; place < static_cast<int>(steps.places.size()); ++place) {
    TryUnbroken(steps, place, moved, found);
  }
  Lowest lowest = Rows(steps).Best();
  if (found.unbroken) lowest.Offer(*found.unbroken);
  if (lowest.known) found.best = lowest.cost;
  found.unbroken_begin =
      world.slots.front().begin + found.unbroken_begin * world.unit;
  return found;
}

Cost SlowCost(const World& world, const std::vector<RunSpan>& runs) {
  if (runs.empty()) return 0;
  const std::vector<PricedRow> places = world.Places();
  Cost cost = 0;
  if (world.task.start == Task::Start::kFresh) {
    cost += world.task.wait_price *
            (runs.front().begin - world.slots.front().begin);
  }
  int at = world.moves.at;
  int64_t idle_from = world.task.start == Task::Start::kPaused
                          ? world.slots.front().begin
                          : runs.front().begin;
  for (const RunSpan& run : runs) {
    for (int64_t t = idle_from; t < run.begin; ++t) {
      cost += SlotAt(world.slots, t).idle_price;
    }
    for (int64_t t = run.begin; t < run.end; ++t) {
      cost += SlotAt(places[static_cast<size_t>(run.place)], t).price;
    }
    if (at >= 0 && at != run.place) cost += world.moves.cost;
    at = run.place;
    idle_from = run.end;
  }
  return cost;
}

bool MovesNeedlessly(const World& world, const std::vector<RunSpan>& runs) {
  const Cost cost = SlowCost(world, runs);
  for (size_t k = 0; k < runs.size(); ++k) {
    size_t past = k + 1;
    while (past < runs.size() && runs[past].place == runs[k].place) ++past;
    const int before = k > 0 ? runs[k - 1].place : world.moves.at;
    const int after = past < runs.size() ? runs[past].place : before;
    for (const int place : {before, after}) {
      if (place < 0 || place == runs[k].place) continue;
      std::vector<RunSpan> stays = runs;
      for (size_t l = k; l < past; ++l) stays[l].place = place;
      if (place == before) stays[k].begin += world.moves.transfer;
      if (place == after && past < runs.size()) {
        stays[past].begin += world.moves.transfer;
      }
      if (MovesIn(world, stays) < MovesIn(world, runs) &&
          BrokenRule(world, stays).empty() && SlowCost(world, stays) <= cost) {
        return true;
      }
    }
    k = past - 1;
  }
  return false;
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
  const std::vector<PricedRow> places = world.Places();
  int data_at = world.moves.at;
  int64_t done = 0;
  for (size_t i = 0; i < runs.size(); ++i) {
    const RunSpan& run = runs[i];
    const bool going_on = i == 0 && task.start == Task::Start::kRunning;
    if (run.place < 0 || run.place >= static_cast<int>(places.size())) {
      return "a run in no place";
    }
    const bool moved = data_at >= 0 && data_at != run.place;
    data_at = run.place;
    if (going_on && moved) return "a running task moves at once";
    if (i > 0 && !moved && run.begin == at && task.save + task.restore == 0) {
      return "a pause of no length";
    }
    const int64_t least = i > 0 ? task.min_pause : task.pause_left;
    if (run.begin < at + PauseBefore(world.moves, least, moved)) {
      return "a pause shorter than the minimum";
    }
    if (run.begin < at || run.end < run.begin ||
        (run.end == run.begin && !going_on)) {
      return "runs out of order";
    }
    at = run.end;
    for (const PricedSlot& slot : places[static_cast<size_t>(run.place)]) {
      if (slot.blocked && run.begin < slot.end && slot.begin < run.end) {
        return "a run touches a blocked slot";
      }
    }
    const bool last = i + 1 == runs.size();
    const int64_t useful = run.end - run.begin - RestoreOf(task, i == 0) -
                           (moved ? world.moves.transfer : 0) -
                           (last ? 0 : task.save);
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
    if (run.place > 0) text += fmt::format("in {} ", run.place);
  }
  return text.empty() ? "no runs" : text;
}

std::string Describe(const World& world) {
  const Task& task = world.task;
  constexpr const char* kStarts[] = {"fresh", "running", "paused"};
  std::string text = fmt::format(
      "{}: work {} restore {} (left {}) save {} min run {} (running {}) min "
      "pause {} (left {}) runs {}, a wait costs {}\n",
      kStarts[static_cast<int>(task.start)], task.work, task.restore,
      task.restore_left, task.save, task.min_run, task.running_min,
      task.min_pause, task.pause_left, task.max_runs,
      Describe(task.wait_price));
  text +=
      fmt::format("data in {}, transfer {}, a move costs {}\n", world.moves.at,
                  world.moves.transfer, Describe(world.moves.cost));
  for (const PricedRow& row : world.Places()) {
    for (const PricedSlot& slot : row) {
      text +=
          fmt::format("  [{}, {}) price {} idle {}{}\n", slot.begin, slot.end,
                      Describe(slot.price), Describe(slot.idle_price),
                      slot.blocked ? " blocked" : "");
    }
    text += "\n";
  }
  return text;
}

}  // namespace carbond
