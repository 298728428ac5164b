// The optimum against an exhaustive search (priced_world.h says why that is
// exact). The rules as tested:
//   - useful work of a run = its length - restore - save, where the first run
//     of a fresh task restores nothing, the first of a running one what is left
//     of its restore, and the last run saves nothing;
//   - with one run in all no minimum applies; with more, each does at least
//     min_run of useful work (and some), but a running task's first run lasts
//     at least running_min + save instead;
//   - a running task goes on at the window's begin, if only to save; with
//     nothing to save and no minimum left its first run is empty;
//   - from the end of a run (saved) to the begin of the next (which restores)
//     lies at least min_pause, a transfer included; a paused task's first run
//     begins pause_left after the window's begin at the soonest;
//   - waiting for the first run costs, for fresh tasks that have such a price;
//   - idling costs from the window's begin when paused, else from the end of
//     the first run, up to the last run; a blocked slot may be idled through.

#include "scheduler/optimum.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>

#include "tests/scheduler/priced_world.h"

namespace carbond {

std::ostream& operator<<(std::ostream& out, const RunSpan& run) {
  return out << "[" << run.begin << ", " << run.end << ") in " << run.place;
}

namespace {

using Start = Task::Start;
using Idle = WorldKind::Idle;

::testing::AssertionResult Agrees(const World& world) {
  const Exhaustive truth = TryEverything(world);
  const std::vector<PricedRow> places = world.Places();
  const auto unbroken = BestUnbroken(places, world.task, world.moves);
  const auto best = BestRuns(places, world.task, world.moves);
  const auto cost_of = [&](const Optimum& row) {
    return CostOf(places, world.task, world.moves, row.runs);
  };
  const auto wrong = [&](const std::string& what) {
    return ::testing::AssertionFailure()
           << what << "\n"
           << Describe(world)
           << "unbroken: " << (unbroken ? Describe(unbroken->runs) : "none")
           << "best: " << (best ? Describe(best->runs) : "none");
  };
  if (unbroken.has_value() != truth.unbroken.has_value()) {
    return wrong(truth.unbroken ? "an unbroken run exists"
                                : "no unbroken run exists");
  }
  if (best.has_value() != truth.best.has_value()) {
    return wrong(truth.best ? "a row of runs exists" : "no row exists");
  }
  if (unbroken) {
    if (unbroken->cost != *truth.unbroken) {
      return wrong("unbroken costs " + Describe(unbroken->cost) + ", not " +
                   Describe(*truth.unbroken));
    }
    if (unbroken->runs.size() != 1 ||
        unbroken->runs[0].begin != truth.unbroken_begin ||
        unbroken->runs[0].place != truth.unbroken_place) {
      return wrong(fmt::format("the first of the cheapest begins at {} in {}",
                               truth.unbroken_begin, truth.unbroken_place));
    }
    const std::string broken = BrokenRule(world, unbroken->runs);
    if (!broken.empty()) return wrong("unbroken: " + broken);
    if (SlowCost(world, unbroken->runs) != unbroken->cost ||
        cost_of(*unbroken) != unbroken->cost) {
      return wrong("unbroken: the cost is not that of the run");
    }
  }
  if (!best) return ::testing::AssertionSuccess();
  if (best->cost != *truth.best) {
    return wrong("best costs " + Describe(best->cost) + ", not " +
                 Describe(*truth.best));
  }
  const std::string broken = BrokenRule(world, best->runs);
  if (!broken.empty()) return wrong("best: " + broken);
  if (SlowCost(world, best->runs) != best->cost) {
    return wrong("best: its runs cost " +
                 Describe(SlowCost(world, best->runs)) + ", not " +
                 Describe(best->cost));
  }
  if (cost_of(*best) != best->cost)
    return wrong("CostOf differs from the cost");
  if (!best->exact) return wrong("it was cut short");
  if (unbroken && unbroken->cost == best->cost &&
      !(best->runs == unbroken->runs)) {
    return wrong("pauses that gain nothing");
  }
  if (MovesNeedlessly(world, best->runs)) return wrong("a move gains nothing");
  return ::testing::AssertionSuccess();
}

void AgreesOnMany(const WorldKind& kind, uint64_t worlds) {
  for (uint64_t seed = 0; seed < worlds; ++seed) {
    ASSERT_TRUE(Agrees(RandomWorld(seed, kind))) << "seed " << seed;
  }
}

std::vector<PricedSlot> Row(const std::vector<Cost>& prices, int64_t length = 1,
                            Cost idle = 0) {
  std::vector<PricedSlot> slots;
  for (size_t i = 0; i < prices.size(); ++i) {
    const int64_t begin = static_cast<int64_t>(i) * length;
    slots.push_back({begin, begin + length, prices[i], idle, false});
  }
  return slots;
}

using Spans = std::vector<RunSpan>;

// ---- By hand ----------------------------------------------------------------

TEST(Unbroken, StartsAtAnInstantThatNoSlotBorderNames) {
  // 10 ms of work; the cheapest lies where its end meets the border at 20.
  Task task;
  task.work = 10;
  const std::vector<PricedSlot> slots = {
      {0, 7, 9, 0, false}, {7, 20, 1, 0, false}, {20, 40, 9, 0, false}};
  EXPECT_EQ(BestUnbroken(slots, task)->runs, (Spans{{7, 17}}));
  task.work = 20;  // [0, 20) costs 76, [7, 27) costs 76: the earlier
  EXPECT_EQ(BestUnbroken(slots, task)->runs, (Spans{{0, 20}}));
  const std::vector<PricedSlot> dear_begin = {
      {0, 7, 9, 0, false}, {7, 20, 1, 0, false}, {20, 40, 8, 0, false}};
  EXPECT_EQ(BestUnbroken(dear_begin, task)->runs, (Spans{{7, 27}}));
  const std::vector<PricedSlot> dear_end = {
      {0, 9, 8, 0, false}, {9, 20, 1, 0, false}, {20, 40, 9, 0, false}};
  task.work = 15;  // ends on the border: begins at 5
  EXPECT_EQ(BestUnbroken(dear_end, task)->runs, (Spans{{5, 20}}));
}

TEST(Unbroken, IsEarliestOnAFlatSignal) {
  Task task;
  task.work = 5;
  EXPECT_EQ(BestUnbroken(Row({3, 3, 3, 3, 3}, 4), task)->runs, (Spans{{0, 5}}));
  EXPECT_EQ(BestRuns(Row({3, 3, 3, 3, 3}, 4), task)->runs, (Spans{{0, 5}}));
}

TEST(Unbroken, IsNothingWhereItDoesNotFit) {
  Task task;
  task.work = 6;
  EXPECT_FALSE(BestUnbroken(Row({1, 1, 1, 1, 1}), task));
  EXPECT_FALSE(BestRuns(Row({1, 1, 1, 1, 1}), task));
  EXPECT_FALSE(BestUnbroken({}, task));
  EXPECT_FALSE(BestRuns({}, task));
}

TEST(Runs, SkipTheDearHour) {
  Task task;
  task.work = 4;
  EXPECT_EQ(BestRuns(Row({1, 1, 9, 9, 1, 1}), task)->runs,
            (Spans{{0, 2}, {4, 6}}));
  EXPECT_EQ(BestRuns(Row({1, 1, 9, 9, 1, 1}), task)->cost, 4);
}

TEST(Runs, PayForSavingAndRestoring) {
  Task task;
  task.work = 4;
  task.restore = 1;
  task.save = 1;
  // Two pieces of 2: 3 + 3 running, at the cheap price if they fit.
  const auto found = BestRuns(Row({1, 1, 1, 9, 9, 9, 1, 1, 1}), task);
  EXPECT_EQ(found->cost, 6);
  EXPECT_EQ(found->runs, (Spans{{0, 3}, {6, 9}}));
  // Where the gap is only a little dearer the pause does not pay.
  EXPECT_EQ(BestRuns(Row({2, 2, 2, 3, 2, 2, 2}), task)->runs.size(), 1u);
}

TEST(Runs, IdlingInMemoryMayCostMoreThanGoingOn) {
  Task task;
  task.work = 4;
  const std::vector<Cost> prices = {1, 1, 4, 4, 4, 4, 1, 1};
  EXPECT_EQ(BestRuns(Row(prices, 1, 1), task)->cost, 8);   // 4 + 4 idle
  EXPECT_EQ(BestRuns(Row(prices, 1, 2), task)->cost, 10);  // 1 1 4 4
}

TEST(Runs, KeepTheMinimumOnBothSidesOfAPause) {
  Task task;
  task.work = 4;
  task.min_run = 2;
  const auto found = BestRuns(Row({1, 9, 9, 1, 1, 1, 9}), task);
  EXPECT_EQ(found->cost, 12);  // 1 + 3 is not allowed: one run of 4
  task.min_run = 1;
  EXPECT_EQ(BestRuns(Row({1, 9, 9, 1, 1, 1, 9}), task)->cost, 4);
}

TEST(Runs, TwoLeastRunsMayReachIntoTheSameDearSlot) {
  Task task;
  task.work = 12;
  task.min_run = 6;
  const std::vector<PricedSlot> slots = {
      {0, 4, 1, 0, false}, {4, 14, 5, 0, false}, {14, 18, 1, 0, false}};
  const auto found = BestRuns(slots, task);
  EXPECT_EQ(found->cost, 4 + 10 + 10 + 4);
  EXPECT_EQ(found->runs, (Spans{{0, 6}, {12, 18}}));
}

// Found by the search below: a run that cannot end earlier, and one that begins
// anywhere, meet in one slot.
TEST(Runs, ALeastRunAndAFreeOneMayMeetInOneSlot) {
  Task task;
  task.start = Start::kRunning;
  task.work = 16;
  task.restore = task.save = task.running_min = 1;
  task.min_run = 4;
  const std::vector<PricedSlot> slots = {
      {0, 6, 10, 0, false},    {6, 11, 12, 9, false},  {11, 12, 37, 18, false},
      {12, 15, 26, 13, false}, {15, 19, 23, 0, false}, {19, 26, 5, 1, false},
      {26, 30, 0, 0, false}};
  EXPECT_EQ(BestRuns(slots, task)->cost, 192);
  EXPECT_EQ(CostOf(slots, task, {{0, 2}, {4, 11}, {19, 30}}), 192);
}

TEST(Runs, ARunFreeAtItsBeginMayStopWhereTheNextBegins) {
  Task task;
  task.work = 20;
  task.save = 1;
  task.min_run = 9;
  const std::vector<PricedSlot> slots = {
      {0, 5, 17, 0, false},   {5, 8, 0, 0, false},     {8, 9, 22, 0, false},
      {9, 12, 4, 3, false},   {12, 13, 3, 0, false},   {13, 14, 0, 0, false},
      {14, 17, 36, 0, false}, {17, 20, 35, 26, false}, {20, 23, 12, 0, false},
      {23, 24, 5, 2, false}};
  EXPECT_EQ(CostOf(slots, task, {{2, 14}, {15, 24}}), 306);
  EXPECT_EQ(BestRuns(slots, task)->cost, 306);
}

TEST(Runs, ARunningTaskMaySaveAtOnceOrGoOn) {
  Task task;
  task.start = Start::kRunning;
  task.work = 2;
  task.save = 1;
  const auto found = BestRuns(Row({5, 9, 9, 1, 1}), task);
  EXPECT_EQ(found->runs, (Spans{{0, 1}, {3, 5}}));
  EXPECT_EQ(found->cost, 7);
  task.running_min = 1;
  EXPECT_EQ(BestRuns(Row({5, 9, 9, 1, 1}), task)->cost, 14);  // goes on
}

TEST(Runs, AWholeWeekOfPenaltiesDoesNotOverflow) {
  Cost penalty = 1;
  for (int i = 0; i < 24; ++i) penalty *= 10;
  std::vector<Cost> prices(2016, penalty);
  prices[3] = prices[1000] = 1;
  Task task;
  task.work = 604'800'000;
  const auto found = BestRuns(Row(prices, 300'000), task);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->cost, penalty * 2014 * 300'000 + 2 * 300'000);
}

// A daily curve with a little weather, five minutes a slot.
World Curve(uint64_t seed, int64_t days) {
  std::mt19937_64 random(seed);
  World world;
  Cost weather = 0;
  for (int64_t i = 0; i < days * 288; ++i) {
    const int64_t noon = std::abs(i % 288 - 144);
    weather = weather * 19 / 20 + static_cast<Cost>(random() % 8001) - 4000;
    const Cost price =
        std::max<Cost>(0, 150'000 + static_cast<Cost>(noon) * 1500 + weather);
    world.slots.push_back(
        {i * 300'000, (i + 1) * 300'000, price, price / 8, false});
  }
  world.task.work = 8 * 3'600'000 + 1234;
  world.task.restore = 61'000;
  world.task.save = 59'000;
  world.task.min_run = 1'800'000;
  world.task.start = static_cast<Start>(seed % 3);
  return world;
}

// The same in minutes, with idle prices, blocked hours and limits of runs.
World CurveInMinutes(uint64_t seed) {
  World world = Curve(seed, 1);
  std::mt19937_64 random(seed);
  const Cost share = static_cast<Cost>(random() % 3);
  for (PricedSlot& slot : world.slots) {
    slot.begin /= 60'000;
    slot.end /= 60'000;
    slot.idle_price = slot.price * share / 10;
    slot.blocked = seed % 2 == 0 && random() % 60 == 0;
  }
  Task& task = world.task;
  task.work = 60 + static_cast<int64_t>(random() % 540);
  task.restore = static_cast<int64_t>(random() % 4);
  task.save = static_cast<int64_t>(random() % 4);
  task.min_run = static_cast<int64_t>(random() % 4) * 10;
  task.max_runs = static_cast<int>(random() % 6);
  return world;
}

// ---- Against the exhaustive search
// -------------------------------------------

TEST(Optimum, IsExactOnRegularSlots) {
  WorldKind kind;
  kind.irregular = false;
  AgreesOnMany(kind, 6000);
}

TEST(Optimum, IsExactOnIrregularSlots) { AgreesOnMany(WorldKind(), 8000); }

TEST(Optimum, IsExactWhereEverythingIsAMultipleOfAUnit) {
  WorldKind kind;
  kind.unit = 60;
  kind.longest = 20;
  AgreesOnMany(kind, 1000);
}

TEST(Optimum, IsExactWithoutOverheads) {
  WorldKind kind;
  kind.overheads = false;
  kind.idle = Idle::kFree;
  AgreesOnMany(kind, 4000);
}

TEST(Optimum, IsExactWithBlockedSlots) {
  WorldKind kind;
  kind.blocked = true;
  AgreesOnMany(kind, 6000);
}

TEST(Optimum, IsExactWhereIdlingIsFree) {
  WorldKind kind;
  kind.idle = Idle::kFree;
  kind.blocked = true;
  AgreesOnMany(kind, 4000);
}

TEST(Optimum, IsExactWhereIdlingMayBeDearerThanRunning) {
  WorldKind kind;
  kind.idle = Idle::kAny;
  AgreesOnMany(kind, 4000);
}

TEST(Optimum, IsExactWithTwoPricesAndManyTies) {
  WorldKind kind;
  kind.dearest = 1;
  kind.blocked = true;
  AgreesOnMany(kind, 4000);
}

TEST(Optimum, IsExactWithHugePenalties) {
  WorldKind kind;
  for (int i = 0; i < 24; ++i) kind.dearest *= 10;
  AgreesOnMany(kind, 1000);
}

TEST(Optimum, IsExactWhereTheRunsAreLimited) {
  WorldKind kind;
  kind.limited = true;
  AgreesOnMany(kind, 8000);
  kind.blocked = true;
  kind.longest = 40;
  kind.dearest = 40;
  AgreesOnMany(kind, 4000);
}

TEST(Optimum, IsExactForEachStandingOfTheTask) {
  for (const Start start : {Start::kFresh, Start::kRunning, Start::kPaused}) {
    WorldKind kind;
    kind.start = start;
    kind.longest = 32;
    kind.dearest = 40;
    AgreesOnMany(kind, 3000);
  }
}

TEST(Optimum, IsExactToTheMillisecondInLongerWindows) {
  WorldKind kind;
  kind.longest = 97;
  kind.dearest = 1'000'003;
  kind.blocked = true;
  AgreesOnMany(kind, 400);
}

// Slots and lengths without a common measure but the millisecond.
TEST(Optimum, IsExactWithPrimeLengths) {
  constexpr int64_t kPrimes[] = {2, 3, 5, 7, 11, 13, 17, 19, 23};
  for (uint64_t seed = 0; seed < 500; ++seed) {
    std::mt19937_64 random(seed);
    World world;
    int64_t t = 0;
    while (t < 110) {
      const int64_t end = t + kPrimes[random() % 9];
      const Cost price = static_cast<Cost>(random() % 1009);
      world.slots.push_back({t, end, price, price / 7, random() % 9 == 0});
      t = end;
    }
    Task& task = world.task;
    task.start = static_cast<Start>(random() % 3);
    task.work = kPrimes[random() % 9] + kPrimes[random() % 9];
    task.restore = kPrimes[random() % 3] - 2;
    task.save = kPrimes[random() % 3] - 2;
    task.min_run = random() % 2 == 0 ? 0 : kPrimes[random() % 5];
    if (task.start == Start::kRunning) {
      task.restore_left = task.restore / 2;
      task.running_min = task.restore_left + kPrimes[random() % 4];
    }
    ASSERT_TRUE(Agrees(world)) << "seed " << seed;
  }
}

// Days of five-minute slots, as a planner sees them, in which all lengths are
// whole minutes: there the search has to rely on its bounds.
TEST(Optimum, IsExactOnDailyCurves) {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    ASSERT_TRUE(Agrees(CurveInMinutes(seed))) << "seed " << seed;
  }
}

// Once the climb to the best price of work stopped short where the unbroken run
// was dear, and the search was cut short at a bound that said little.
TEST(Optimum, IsWhatSortingGivesWithoutOverheads) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    std::mt19937_64 random(seed);
    std::vector<Cost> prices;
    for (int h = 0; h < 216; ++h) {
      const int noon = std::abs(h % 24 - 12);
      prices.push_back(5000 + noon * 200 + static_cast<int>(random() % 1500));
    }
    Task task;
    task.work = 48 * 3'600'000;
    const auto best = BestRuns(Row(prices, 3'600'000), task);
    std::sort(prices.begin(), prices.end());
    Cost least = 0;
    for (size_t h = 0; h < 48; ++h) least += prices[h] * 3'600'000;
    ASSERT_TRUE(best->exact) << "seed " << seed;
    ASSERT_EQ(best->cost, least) << "seed " << seed;
  }
}

// ---- Several places

TEST(Optimum, IsExactInSeveralPlaces) {
  WorldKind kind;
  kind.places = 4;
  AgreesOnMany(kind, 8000);
  kind.blocked = true;
  AgreesOnMany(kind, 8000);
}

TEST(Optimum, IsExactWhereMovesAreFree) {
  WorldKind kind;
  kind.places = 3;
  kind.dear_moves = false;
  kind.blocked = true;
  AgreesOnMany(kind, 4000);
  kind.overheads = false;
  AgreesOnMany(kind, 4000);
}

TEST(Optimum, IsExactInSeveralPlacesWithTwoPricesAndManyTies) {
  WorldKind kind;
  kind.places = 3;
  kind.dearest = 1;
  kind.idle = Idle::kFree;
  kind.blocked = true;
  AgreesOnMany(kind, 4000);
}

TEST(Optimum, IsExactInSeveralPlacesWithFewRuns) {
  WorldKind kind;
  kind.places = 3;
  kind.limited = true;
  kind.longest = 36;
  kind.dearest = 40;
  AgreesOnMany(kind, 4000);
}

TEST(Optimum, IsExactInSeveralPlacesForEachStandingOfTheTask) {
  for (const Start start : {Start::kFresh, Start::kRunning, Start::kPaused}) {
    WorldKind kind;
    kind.places = 4;
    kind.start = start;
    kind.longest = 48;
    kind.dearest = 1'000'003;
    kind.blocked = start != Start::kRunning;
    AgreesOnMany(kind, 1500);
  }
}

TEST(Optimum, IsExactInSeveralPlacesWithHugePenalties) {
  WorldKind kind;
  kind.places = 3;
  kind.unit = 60;
  for (int i = 0; i < 24; ++i) kind.dearest *= 10;
  AgreesOnMany(kind, 500);
}

// ---- Pauses of a least length

TEST(Optimum, IsExactWherePausesHaveALeastLength) {
  WorldKind kind;
  kind.pauses = true;
  AgreesOnMany(kind, 8000);
  kind.irregular = false;
  kind.blocked = true;
  AgreesOnMany(kind, 8000);
}

TEST(Optimum, IsExactWherePausesHaveALeastLengthAndIdlingIsFree) {
  WorldKind kind;
  kind.pauses = true;
  kind.idle = Idle::kFree;
  kind.dearest = 1;
  AgreesOnMany(kind, 4000);
  kind.overheads = false;
  kind.dearest = 40;
  AgreesOnMany(kind, 4000);
}

TEST(Optimum, IsExactWherePausesHaveALeastLengthAndIdlingIsDear) {
  WorldKind kind;
  kind.pauses = true;
  kind.idle = Idle::kAny;
  kind.dearest = 40;
  AgreesOnMany(kind, 4000);
  kind.limited = true;
  AgreesOnMany(kind, 4000);
}

TEST(Optimum, IsExactInLongerWindowsWherePausesHaveALeastLength) {
  for (const Start start : {Start::kFresh, Start::kRunning, Start::kPaused}) {
    WorldKind kind;
    kind.pauses = true;
    kind.start = start;
    kind.longest = 97;
    kind.dearest = 1'000'003;
    kind.blocked = start == Start::kPaused;
    AgreesOnMany(kind, 400);
  }
}

TEST(Optimum, IsExactInSeveralPlacesWherePausesHaveALeastLength) {
  WorldKind kind;
  kind.pauses = true;
  kind.places = 4;
  AgreesOnMany(kind, 8000);
  kind.blocked = true;
  kind.dearest = 40;
  kind.longest = 36;
  AgreesOnMany(kind, 4000);
  kind.dear_moves = false;
  AgreesOnMany(kind, 4000);
  kind.limited = true;
  AgreesOnMany(kind, 4000);
}

TEST(Optimum, IsExactWhereWaitingForTheFirstRunCosts) {
  WorldKind kind;
  kind.waits = true;
  kind.dearest = 40;
  kind.start = Start::kFresh;
  AgreesOnMany(kind, 4000);
  kind.idle = Idle::kAny;
  kind.limited = true;
  AgreesOnMany(kind, 4000);
  kind.idle = Idle::kFree;
  kind.pauses = true;
  kind.blocked = true;
  AgreesOnMany(kind, 4000);
  kind.places = 3;
  AgreesOnMany(kind, 4000);
  kind.longest = 97;
  kind.places = 1;
  kind.dearest = 1'000'003;
  AgreesOnMany(kind, 400);
}

// Short clean hours far from each other, in which runs and pauses of the least
// length follow one another from a border, to one, or between two.
World ManyLeastPauses(uint64_t seed, bool moves) {
  std::mt19937_64 random(seed);
  const auto pick = [&](int64_t least, int64_t most) {
    return least + static_cast<int64_t>(
                       random() % static_cast<uint64_t>(most - least + 1));
  };
  World world;
  const int64_t units = pick(20, 60);
  for (int place = 0; place < (moves ? 3 : 1); ++place) {
    PricedRow row;
    for (int64_t t = 0; t < units;) {
      const int64_t end = std::min(units, t + pick(1, 7));
      row.push_back({t, end, static_cast<Cost>(pick(0, 3) * pick(0, 300)), 0,
                     random() % 12 == 0});
      t = end;
    }
    (place == 0 ? world.slots : world.others.emplace_back()) = row;
  }
  Task& task = world.task;
  task.start = static_cast<Start>(seed % 3);
  task.min_run = pick(2, 6);
  task.min_pause = pick(2, 9);
  task.work = task.min_run * pick(2, 4) + pick(0, 3);
  task.restore = pick(0, 1);
  task.save = pick(0, 1);
  if (task.start == Start::kRunning) task.running_min = pick(0, 4);
  if (task.start == Start::kPaused) task.pause_left = pick(0, task.min_pause);
  if (moves) world.moves.transfer = pick(0, 3);
  return world;
}

TEST(Optimum, IsExactWhereLeastRunsAndLeastPausesFollowOneAnother) {
  for (uint64_t seed = 8000; seed < 13'000; ++seed) {
    ASSERT_TRUE(Agrees(ManyLeastPauses(seed, false))) << "seed " << seed;
    ASSERT_TRUE(Agrees(ManyLeastPauses(seed, true))) << "seed " << seed;
  }
}

// ---- Against what is known already

TEST(Optimum, BelowACutOffIsTheBestOrNothing) {
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    WorldKind kind;
    kind.blocked = seed % 2 == 0;
    kind.limited = seed % 3 == 0;
    kind.places = 1 + static_cast<int>(seed % 3);
    kind.dearest = 50;
    const World world = RandomWorld(seed, kind);
    const std::vector<PricedRow> places = world.Places();
    const auto best = BestRuns(places, world.task, world.moves);
    const auto below = [&](Cost cut_off) {
      return BestRuns(places, world.task, world.moves, cut_off);
    };
    if (!best) {
      EXPECT_FALSE(below(1'000'000)) << "seed " << seed;
      continue;
    }
    EXPECT_FALSE(below(best->cost)) << "seed " << seed;
    EXPECT_FALSE(below(best->cost / 2)) << "seed " << seed;
    const auto found = below(best->cost + 1);
    ASSERT_TRUE(found) << "seed " << seed;
    EXPECT_EQ(found->cost, best->cost) << "seed " << seed;
    EXPECT_EQ(BrokenRule(world, found->runs), "") << "seed " << seed;
    if (places.size() > 1) continue;
    const auto alone = BestRuns(world.slots, world.task, best->cost + 1);
    ASSERT_TRUE(alone) << "seed " << seed;
    EXPECT_EQ(alone->cost, best->cost) << "seed " << seed;
  }
}

// ---- Properties on worlds too large to search -------------------------------

TEST(Optimum, KeepsTheRulesInTwoDaysOfFiveMinuteSlots) {
  for (uint64_t seed = 0; seed < 9; ++seed) {
    const World world = Curve(seed, 2);
    const auto best = BestRuns(world.slots, world.task);
    const auto unbroken = BestUnbroken(world.slots, world.task);
    ASSERT_TRUE(best);
    ASSERT_TRUE(unbroken);
    EXPECT_LE(best->cost, unbroken->cost);
    EXPECT_EQ(BrokenRule(world, best->runs), "");
    EXPECT_EQ(CostOf(world.slots, world.task, best->runs), best->cost);
  }
}

}  // namespace
}  // namespace carbond
