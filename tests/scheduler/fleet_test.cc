// Many jobs under one capacity: spread by what each would lose, never beyond
// what there is, and with a bound that no plan goes below.

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "scheduler/fleet_job.h"
#include "scheduler/optimum.h"
#include "tests/scheduler/plan_world.h"

namespace carbond {
namespace {

struct Kind {
  int jobs = 60;
  int regions = 3;
  int gpus = 4;      // of a region
  int pausable = 0;  // in a hundred
  int priorities = 1;
  int users = 1;
};

PlanInput Crowd(uint64_t seed, const Kind& kind) {
  std::mt19937_64 random(seed);
  const auto pick = [&](int64_t least, int64_t most) {
    return least + static_cast<int64_t>(
                       random() % static_cast<uint64_t>(most - least + 1));
  };
  PlanInput input;
  input.now = kNow;
  for (int r = 0; r < kind.regions; ++r) {
    std::vector<double> grams;
    for (int i = 0; i < 48; ++i) {
      grams.push_back(static_cast<double>(pick(20, 600)));
    }
    input.regions.push_back(RegionWith(Hourly(grams)));
    input.regions.back().name = fmt::format("region-{}", r);
    input.regions.back().capacity = {kind.gpus, 64};
  }
  for (int id = 1; id <= kind.jobs; ++id) {
    PlanJob job = JobOf(minutes(pick(20, 300)), id);
    job.user = fmt::format("user-{}", pick(1, kind.users));
    job.need = {static_cast<int>(pick(1, 2)), static_cast<int>(pick(1, 8))};
    job.power = Watts::Of(static_cast<double>(pick(100, 2000)));
    job.priority = static_cast<int>(pick(1, kind.priorities));
    job.earliest = kNow + minutes(pick(0, 1200));
    job.deadline = job.earliest + job.work + minutes(pick(0, 900));
    if (pick(1, 100) <= kind.pausable) {
      job.pause = PauseMode::kCheckpoint;
      job.checkpoint_cost = job.resume_cost = minutes(2);
      job.min_run = minutes(10);
    }
    job.regions.clear();
    for (int r = 0; r < kind.regions; ++r) {
      if (pick(0, 1) == 0) job.regions.push_back(r);
    }
    if (job.regions.empty()) job.regions = {0};
    input.jobs.push_back(std::move(job));
  }
  return input;
}

std::string Exceeded(const PlanInput& input, const Plan& plan) {
  for (size_t r = 0; r < input.regions.size(); ++r) {
    std::map<Instant, Resources> changes;
    const auto use = [&](Interval interval, Resources need) {
      changes[interval.begin] += need;
      changes[interval.end] -= need;
    };
    for (const Taken& taken : input.regions[r].taken) {
      use(taken.interval, taken.need);
    }
    for (size_t i = 0; i < plan.jobs.size(); ++i) {
      for (const PlannedRun& run : plan.jobs[i].runs) {
        if (run.region == static_cast<int>(r)) {
          use(run.interval, input.jobs[i].need);
        }
      }
    }
    Resources used;
    for (const auto& [t, by] : changes) {
      used += by;
      if (!used.Fits(input.regions[r].capacity)) {
        return input.regions[r].name + " at " + FormatInstant(t);
      }
    }
  }
  return "";
}

int64_t Late(const Plan& plan) {
  return std::count_if(plan.jobs.begin(), plan.jobs.end(),
                       [](const JobPlan& each) { return each.late; });
}

std::vector<std::vector<Interval>> IntervalsOf(const Plan& plan) {
  std::vector<std::vector<Interval>> all;
  for (const JobPlan& each : plan.jobs) all.push_back(each.intervals());
  return all;
}

// Each takes what is cheapest for it among what those before it left.
Plan OneAfterAnother(PlanInput input) {
  std::vector<size_t> order(input.jobs.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    const PlanJob &one = input.jobs[a], &other = input.jobs[b];
    return std::pair(one.deadline - one.work, one.id) <
           std::pair(other.deadline - other.work, other.id);
  });
  const std::vector<PlanJob> jobs = std::move(input.jobs);
  Plan plan;
  plan.jobs.resize(jobs.size());
  for (const size_t i : order) {
    input.jobs = {jobs[i]};
    plan.jobs[i] = MakePlan(input).jobs[0];
    for (const PlannedRun& run : plan.jobs[i].runs) {
      input.regions[static_cast<size_t>(run.region)].taken.push_back(
          {run.interval, jobs[i].need});
    }
  }
  for (const JobPlan& each : plan.jobs) {
    if (!each.late) plan.quality.expected += each.expected.value_or(Grams());
  }
  return plan;
}

// ---- Rules ------------------------------------------------------------------

TEST(Fleet, NeverExceedsTheCapacity) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    Kind kind;
    kind.pausable = seed % 3 == 0 ? 50 : 0;
    kind.priorities = 1 + static_cast<int>(seed % 4);
    kind.users = 1 + static_cast<int>(seed % 3);
    PlanInput input = Crowd(seed, kind);
    input.regions[0].taken = {{Hours(3, 7), {2, 0}}};
    const Plan plan = MakePlan(input);
    ASSERT_EQ(Exceeded(input, plan), "") << "seed " << seed;
    ASSERT_LE(plan.quality.lower_bound, plan.quality.expected)
        << "seed " << seed;
    ASSERT_GE(plan.quality.gap(), 0) << "seed " << seed;
    for (size_t i = 0; i < plan.jobs.size(); ++i) {
      if (plan.jobs[i].intervals().empty()) continue;
      ASSERT_GE(plan.jobs[i].intervals().front().begin, input.jobs[i].earliest);
      ASSERT_EQ(plan.jobs[i].late,
                plan.jobs[i].intervals().back().end > input.jobs[i].deadline);
      ASSERT_FALSE(plan.jobs[i].why.empty());
    }
  }
}

TEST(Fleet, IsNeverDearerNorLaterThanOneAfterAnother) {
  int64_t better = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    Kind kind;
    kind.pausable = seed % 2 == 0 ? 40 : 0;
    const PlanInput input = Crowd(seed, kind);
    const Plan plain = OneAfterAnother(input);
    const Plan spread = MakePlan(input);
    ASSERT_LE(Late(spread), Late(plain)) << "seed " << seed;
    if (Late(spread) < Late(plain)) {
      ++better;
      continue;
    }
    ASSERT_LE(spread.quality.expected, plain.quality.expected)
        << "seed " << seed;
    better += spread.quality.expected < plain.quality.expected;
  }
  EXPECT_GT(better, 30) << "it is worth its while";
}

// Jobs on whole half hours: no plan among all of them is below the bound.
TEST(Fleet, NoPlanOfATinyWorldIsBelowTheBound) {
  int exact = 0;
  for (uint64_t seed = 0; seed < 150; ++seed) {
    std::mt19937_64 random(seed);
    PlanInput input;
    input.now = kNow;
    for (int r = 0; r < 2; ++r) {
      std::vector<double> grams;
      for (int i = 0; i < 6; ++i) {
        grams.push_back(static_cast<double>(random() % 500));
      }
      input.regions.push_back(RegionWith(Hourly(grams)));
      input.regions.back().capacity = {1, 2};
    }
    for (int id = 1; id <= 4; ++id) {
      PlanJob job = JobOf(minutes(30 * (1 + random() % 4)), id);
      job.need = {static_cast<int>(random() % 2), 1};
      job.deadline = kNow + hours(6);
      job.regions = {0, 1};
      input.jobs.push_back(job);
    }
    std::optional<Grams> least;
    const std::function<void(size_t, Grams, Plan)> all = [&](size_t i,
                                                             Grams sum,
                                                             Plan plan) {
      if (Exceeded(input, plan) != "") return;
      if (i == input.jobs.size()) {
        least = least ? std::min(*least, sum) : sum;
        return;
      }
      const PlanJob& job = input.jobs[i];
      plan.jobs.resize(i + 1);
      for (int r = 0; r < 2; ++r) {
        for (int half = 0; half <= 12; ++half) {
          const Instant begin = kNow + minutes(30 * half);
          const Interval run{begin, begin + job.work};
          if (run.end > job.deadline) break;
          plan.jobs[i].runs = {{run, r, ""}};
          const Series& outlook = input.regions[static_cast<size_t>(r)].outlook;
          const Grams grams = Grams::Of(outlook.Mean(run)->value() *
                                        KilowattHours(job.power * job.work));
          all(i + 1, sum + grams, plan);
        }
      }
    };
    if (seed < 30) {
      input.jobs.resize(3);
      all(0, Grams(), Plan());
    }
    const Plan plan = MakePlan(input);
    ASSERT_LE(plan.quality.lower_bound, plan.quality.expected)
        << "seed " << seed;
    if (!least || Late(plan) > 0) continue;
    // The mean was rounded to a milligram per kWh.
    ASSERT_LE(plan.quality.lower_bound, *least + Grams::FromThousandths(10))
        << "seed " << seed;
    ASSERT_LE(plan.quality.expected.value(), least->value() * 1.1 + 0.01)
        << "seed " << seed;
    exact += plan.quality.expected <= *least + Grams::FromThousandths(10);
  }
  EXPECT_GT(exact, 20) << "of 30";
}

TEST(Fleet, PushesAFlexibleJobAwayToMeetADeadline) {
  // The first, with less slack, would choose from half past one, and leave no
  // two hours in a piece.
  PlanInput world = HourlyWorld({500, 500, 100, 100, 500});
  world.regions[0].capacity = {1, 8};
  PlanJob tight = JobOf(hours(2), 1), other = JobOf(hours(2), 2);
  tight.earliest = kNow + hours(1);
  tight.deadline = kNow + minutes(210);
  other.deadline = kNow + hours(5);
  world.jobs = {tight, other};
  EXPECT_EQ(Late(OneAfterAnother(world)), 1);
  const Plan plan = MakePlan(world);
  EXPECT_EQ(Late(plan), 0);
  EXPECT_EQ(Exceeded(world, plan), "");
}

TEST(Fleet, OneWhoLosesLittleLeavesTheCleanHours) {
  // The first to choose gains 10 g by the clean hours here, for the second they
  // are all that there is.
  PlanInput world = HourlyWorld({500, 500, 100, 100, 500, 500});
  world.regions.push_back(
      RegionWith(Hourly({500, 500, 105, 105, 500, 500}), "there"));
  world.regions[0].capacity = world.regions[1].capacity = {1, 8};
  PlanJob mobile = JobOf(hours(2), 1), settled = JobOf(hours(2), 2);
  mobile.regions = {0, 1};
  mobile.deadline = settled.deadline = kNow + hours(6);
  world.jobs = {mobile, settled};
  const Plan plan = MakePlan(world);
  EXPECT_EQ(plan.jobs[0].region_name, "there");
  EXPECT_EQ(plan.jobs[1].region_name, "here");
  EXPECT_EQ(plan.quality.expected, Grams::Of(410));
  EXPECT_EQ(plan.jobs[1].intervals(), std::vector<Interval>{Hours(2, 4)});
}

TEST(Fleet, DoesNotAddGramsOfTwoSignals) {
  for (const int gpus : {1, 64}) {  // where they stand in line, and all fit
    PlanInput world = HourlyWorld({100, 100, 100, 100});
    world.regions.push_back(RegionWith(Hourly({30, 30, 30, 30}), "there"));
    world.regions[0].signal = "co2_moer";
    world.regions[1].signal = "average";
    world.regions[0].capacity = world.regions[1].capacity = {gpus, 64};
    PlanJob here = JobOf(hours(1), 1), there = JobOf(hours(1), 2);
    PlanJob also = JobOf(hours(1), 3);
    there.regions = also.regions = {1};
    there.home = also.home = 1;
    for (PlanJob* job : {&here, &there, &also}) {
      job->deadline = kNow + hours(4);
      world.jobs.push_back(*job);
    }
    const Plan plan = MakePlan(world);
    EXPECT_EQ(plan.jobs[0].together.jobs, 1);
    EXPECT_EQ(plan.jobs[0].together.expected, Grams::Of(100));
    EXPECT_EQ(plan.jobs[1].together.jobs, 2);
    EXPECT_EQ(plan.jobs[1].together.expected, Grams::Of(60));
    EXPECT_LE(plan.jobs[1].together.lower_bound, Grams::Of(60));
    EXPECT_EQ(plan.quality.jobs, 0) << "of both together there is none";
  }
}

TEST(Fleet, ABoundThatIsReachedIsExact) {
  PlanInput world = HourlyWorld({500, 500, 100, 100, 500, 500});
  world.jobs = {JobOf(hours(1), 1), JobOf(hours(2), 2)};
  for (PlanJob& job : world.jobs) job.deadline = kNow + hours(6);
  const Plan plan = MakePlan(world);
  EXPECT_EQ(plan.quality.expected, Grams::Of(300));
  EXPECT_EQ(plan.quality.lower_bound, Grams::Of(300));
  EXPECT_EQ(plan.quality.gap(), 0);
}

// ---- Who comes first --------------------------------------------------------

TEST(Fleet, ALowerPriorityChangesNothingForAHigherOne) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Kind kind;
    kind.priorities = 3;
    PlanInput input = Crowd(seed, kind);
    const Plan all = MakePlan(input);
    PlanInput higher = input;
    std::erase_if(higher.jobs,
                  [](const PlanJob& job) { return job.priority < 2; });
    const Plan alone = MakePlan(higher);
    for (size_t i = 0, k = 0; i < input.jobs.size(); ++i) {
      if (input.jobs[i].priority < 2) continue;
      ASSERT_EQ(all.jobs[i].intervals(), alone.jobs[k].intervals())
          << "seed " << seed << " job " << i + 1;
      ASSERT_EQ(all.jobs[i].region, alone.jobs[k++].region);
    }
  }
}

TEST(Fleet, AThousandJobsDoNotShutOutOne) {
  PlanInput world = HourlyWorld({500, 500, 100, 500, 500, 500, 500, 500, 500,
                                 500, 500, 500, 500, 500, 500, 500});
  world.regions[0].capacity = {10, 100};
  for (int id = 1; id <= 120; ++id) {
    PlanJob job = JobOf(hours(1), id);
    job.user = "many";
    job.deadline = kNow + hours(16);
    world.jobs.push_back(job);
  }
  PlanJob one = JobOf(hours(1), 1000);
  one.user = "one";
  one.deadline = kNow + hours(16);
  world.jobs.push_back(one);
  const Plan plan = MakePlan(world);
  EXPECT_EQ(plan.jobs.back().intervals(), std::vector<Interval>{Hours(2, 3)});
  EXPECT_EQ(Exceeded(world, plan), "");
  EXPECT_EQ(Late(plan), 0);
}

TEST(Fleet, WhatRunsKeepsItsPlaceForNobodysGrams) {
  PlanInput world = HourlyWorld({100, 100, 100, 500, 500, 500, 500});
  world.regions[0].capacity = {1, 8};
  world.jobs = {RunningJob(hours(3), 1)};
  PlanJob hungry = JobOf(hours(3), 2);
  hungry.power = Watts::Of(100'000);
  hungry.deadline = kNow + hours(7);
  world.jobs.push_back(hungry);
  const Plan plan = MakePlan(world);
  EXPECT_EQ(plan.jobs[0].intervals(), std::vector<Interval>{Hours(0, 3)});
  EXPECT_EQ(plan.jobs[1].intervals(), std::vector<Interval>{Hours(3, 6)});
}

// ---- The same from the same -------------------------------------------------

TEST(Fleet, TheOrderOfTheInputChangesNothing) {
  Kind kind;
  kind.jobs = 200;
  kind.gpus = 6;
  kind.users = 3;
  PlanInput input = Crowd(7, kind);
  const Plan plan = MakePlan(input);
  std::vector<size_t> at(input.jobs.size());
  for (size_t i = 0; i < at.size(); ++i) at[i] = i;
  std::shuffle(at.begin(), at.end(), std::mt19937_64(1));
  PlanInput shuffled = input;
  for (size_t i = 0; i < at.size(); ++i) shuffled.jobs[i] = input.jobs[at[i]];
  const Plan after = MakePlan(shuffled);
  for (size_t i = 0; i < at.size(); ++i) {
    ASSERT_EQ(after.jobs[i].intervals(), plan.jobs[at[i]].intervals());
    ASSERT_EQ(after.jobs[i].why, plan.jobs[at[i]].why);
  }
  EXPECT_EQ(after.quality.lower_bound, plan.quality.lower_bound);
}

TEST(Fleet, ScalingTheIntensityChangesNoChoice) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    PlanInput input = Crowd(seed, {});
    const auto before = IntervalsOf(MakePlan(input));
    for (PlanRegion& region : input.regions) {
      std::vector<Slot> slots = region.outlook.slots();
      for (Slot& slot : slots) slot.intensity = slot.intensity * 7;
      region.outlook = Series::Make(std::move(slots)).value();
    }
    ASSERT_EQ(IntervalsOf(MakePlan(input)), before) << "seed " << seed;
  }
}

// ---- Again and again --------------------------------------------------------

TEST(Planner, OneMoreJobHardlyMovesTheOthers) {
  Kind kind;
  kind.jobs = 150;
  kind.gpus = 8;
  kind.pausable = 20;
  PlanInput input = Crowd(3, kind);
  Planner planner, twin;
  const Plan first = planner.Make(input);
  twin.Make(input);
  EXPECT_EQ(IntervalsOf(first), IntervalsOf(MakePlan(input)));
  PlanJob job = JobOf(hours(2), 1000);
  job.regions = {0, 1};
  input.jobs.push_back(job);
  input.now += seconds(20);
  const Plan second = planner.Make(input);
  EXPECT_EQ(IntervalsOf(second), IntervalsOf(twin.Make(input)));
  EXPECT_EQ(Exceeded(input, second), "");
  EXPECT_LE(Late(second), Late(first) + 1);
  int64_t moved = 0;
  for (size_t i = 0; i < first.jobs.size(); ++i) {
    moved += first.jobs[i].intervals() != second.jobs[i].intervals();
  }
  EXPECT_LT(moved, 60);
  EXPECT_LE(second.quality.gap(), MakePlan(input).quality.gap() + 0.05);
}

// What it leaves out is what a twin says again.
TEST(Planner, TellsOnlyWhatIsNew) {
  for (const int gpus : {4, 10'000}) {
    Kind kind;
    kind.jobs = 60;
    kind.gpus = gpus;
    kind.pausable = 30;
    PlanInput input = Crowd(9, kind);
    Planner planner, twin;
    const Plan first = planner.Make(input);
    EXPECT_EQ(first.jobs.size(), input.jobs.size());
    twin.Make(input);
    input.now += seconds(20);
    PlanJob job = JobOf(hours(2), 1000);
    job.regions = {0, 1};
    input.jobs.push_back(job);
    const Plan all = twin.Make(input);
    input.told.assign(first.jobs.size(), true);
    const Plan news = planner.Make(input);
    EXPECT_EQ(news.quality, all.quality);
    EXPECT_LT(news.jobs.size(), 60);
    auto next = news.jobs.begin();
    for (size_t i = 0; i < all.jobs.size(); ++i) {
      if (next != news.jobs.end() && next->id == all.jobs[i].id) {
        EXPECT_EQ(next->runs, all.jobs[i].runs);
        EXPECT_EQ(next->why, all.jobs[i].why);
        ++next;
      } else {
        EXPECT_EQ(first.jobs[i].runs, all.jobs[i].runs);
      }
    }
    EXPECT_EQ(next, news.jobs.end());
  }
}

TEST(Planner, FollowsWhatChanges) {
  Kind kind;
  kind.jobs = 80;
  kind.pausable = 30;
  PlanInput input = Crowd(5, kind);
  Planner planner;
  for (int step = 0; step < 12; ++step) {
    const Plan plan = planner.Make(input);
    ASSERT_EQ(Exceeded(input, plan), "") << "step " << step;
    for (size_t i = 0; i < plan.jobs.size(); ++i) {
      if (plan.jobs[i].intervals().empty()) continue;
      ASSERT_GE(plan.jobs[i].intervals().front().begin, input.now);
    }
    // Time goes on, a region shrinks, a job ends, the grid turns.
    input.now += minutes(17);
    if (step == 4) input.regions[0].capacity.gpus = 2;
    if (step == 6) input.regions[1].drained = true;
    if (step % 3 == 0) input.jobs.erase(input.jobs.begin());
    if (step == 8) {
      std::swap(input.regions[0].outlook, input.regions[2].outlook);
    }
  }
}

TEST(Planner, NoticesWhatOthersLeaveOfARegion) {
  Kind kind;
  kind.jobs = 1;
  PlanInput input = Crowd(5, kind);
  input.jobs.front().regions = {0};
  PlanRegion& region = input.regions[0];
  Planner planner;
  const Plan free = planner.Make(input);
  // A cluster's nodes are drained, and come back.
  region.taken = {{{input.now, input.now + hours(24 * 9)}, region.capacity}};
  const Plan full = planner.Make(input);
  EXPECT_EQ(full.jobs.front().reason, Reason::kNoCapacity);
  input.now += minutes(1);
  region.taken.clear();
  EXPECT_NE(planner.Make(input).jobs.front().reason, Reason::kNoCapacity);
  EXPECT_NE(free.jobs.front().reason, Reason::kNoCapacity);
}

// ---- The parts --------------------------------------------------------------

TEST(CheapestStart, FindsWhatBestUnbrokenFinds) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    std::mt19937_64 random(seed);
    std::vector<double> grams;
    for (int i = 0; i < 24; ++i) {
      grams.push_back(static_cast<double>(random() % 20));
    }
    PlanInput input = HourlyWorld(grams);
    PlanJob job = JobOf(minutes(1 + random() % 600));
    job.earliest = kNow + minutes(random() % 300);
    job.deadline = job.earliest + job.work + minutes(random() % 500);
    input.jobs = {job};
    const FleetTime time(input);
    const RegionTime& region = time.region(0);
    const BestStart start = CheapestStart(
        GramsOnly{region, 1}, region, job.work.count(), job.earliest.millis(),
        job.deadline.millis() - job.work.count());
    std::vector<PricedSlot> slots;
    for (int i = 0; i < region.count(); ++i) {
      const int64_t begin = std::max(region.point(i), job.earliest.millis());
      if (begin >= region.point(i + 1)) continue;
      slots.push_back({begin, region.point(i + 1), region.price(i), 0, false});
    }
    Task task;
    task.work = job.work.count();
    const auto best = BestUnbroken(slots, task);
    ASSERT_TRUE(best);
    ASSERT_EQ(start.cost, best->cost) << "seed " << seed;
    ASSERT_EQ(start.begin, best->runs[0].begin) << "seed " << seed;
  }
}

}  // namespace
}  // namespace carbond
