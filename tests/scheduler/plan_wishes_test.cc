// What a user may wish for beside few grams: an early end, few pauses, a
// reserve before the deadline.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/scheduler/plan_world.h"

namespace carbond {
namespace {

using testing::HasSubstr;

std::vector<double> RandomHours(std::mt19937_64& random, int count) {
  std::uniform_real_distribution<double> grams(50, 600);
  std::vector<double> hours;
  for (int i = 0; i < count; ++i) hours.push_back(std::round(grams(random)));
  return hours;
}

double GramsOver(const std::vector<double>& hours, double begin, double end) {
  double grams = 0;  // a kilowatt, so that hours are kWh
  for (size_t i = 0; i < hours.size(); ++i) {
    const auto at = static_cast<double>(i);
    grams +=
        hours[i] * std::max(0.0, std::min(end, at + 1) - std::max(begin, at));
  }
  return grams;
}

TEST(DelayCost, FindsTheBestTradeOfAllStarts) {
  std::mt19937_64 random(21);
  for (int world = 0; world < 200; ++world) {
    const std::vector<double> hours_of = RandomHours(random, 24);
    PlanJob job = JobOf(minutes(150));
    const double price = static_cast<double>(random() % 200);
    job.delay_cost_per_hour = Grams::Of(price);
    const JobPlan plan = PlanFor(HourlyWorld(hours_of), job);
    double least = 1e18;
    for (int minute = 0; minute <= 24 * 60 - 150; minute += 30) {
      const double begin = minute / 60.0;
      least = std::min(least, GramsOver(hours_of, begin, begin + 2.5) +
                                  price * (begin + 2.5));
    }
    const double finish =
        static_cast<double>((*plan.finish_at - kNow).count()) / 3.6e6;
    EXPECT_NEAR(plan.expected->value() + price * finish, least, 0.01);
  }
}

// Once the wait before the first run was searched for as a pause, whose end
// takes a restore, and first runs shorter than that and the least run were
// overlooked. (Those shorter than a restore are never worth it: without them
// the next would not restore, and end no later.)
TEST(DelayCost, LeavesAFirstRunOfTheLeastWork) {
  PlanJob job = JobOf(minutes(150));
  job.pause = PauseMode::kCheckpoint;
  job.resume_cost = minutes(30);
  job.min_run = hours(1);
  job.delay_cost_per_hour = Grams::Of(1);
  EXPECT_THAT(
      PlanFor(HourlyWorld({10, 900, 900, 10, 10, 900, 900}), job).intervals(),
      testing::ElementsAre(Hours(0, 1), Hours(3, 5)));
}

// Once it seemed to draw its idle power from the beginning.
TEST(DelayCost, IsAllThatAJobWaitsForBeforeItHasBegun) {
  PlanJob job = JobOf(hours(1));
  job.pause = PauseMode::kSuspend;
  job.idle_power = Watts::Of(500);
  job.delay_cost_per_hour = Grams::Of(10);
  const JobPlan plan = PlanFor(HourlyWorld({200, 100, 900, 900}), job);
  EXPECT_THAT(plan.intervals(), testing::ElementsAre(Hours(1, 2)));
}

TEST(DelayCost, MakesAJobStartAtOnceWhenItIsHigh) {
  PlanJob job = JobOf(hours(2));
  const std::vector<double> falling = {500, 400, 300, 200, 100, 90, 80, 70};
  EXPECT_GT(PlanFor(HourlyWorld(falling), job).intervals().front().begin, kNow);
  job.delay_cost_per_hour = Grams::Of(1000);
  EXPECT_EQ(PlanFor(HourlyWorld(falling), job).intervals().front().begin, kNow);
}

TEST(DelayCost, WeighsPausesToo) {
  PlanJob job = JobOf(hours(4));
  job.pause = PauseMode::kCheckpoint;
  const std::vector<double> peaks = {100, 100, 400, 400, 100,
                                     100, 400, 400, 400, 400};
  EXPECT_EQ(PlanFor(HourlyWorld(peaks), job).intervals().size(), 2u);
  job.delay_cost_per_hour = Grams::Of(500);
  const JobPlan plan = PlanFor(HourlyWorld(peaks), job);
  EXPECT_EQ(plan.intervals(), (std::vector<Interval>{Hours(0, 4)}));
}

TEST(DelayCost, IsNoPartOfTheExpectedGrams) {
  PlanJob job = JobOf(hours(2));
  job.delay_cost_per_hour = Grams::Of(5);
  const JobPlan plan = PlanFor(HourlyWorld({300, 300, 100, 100, 300}), job);
  EXPECT_EQ(plan.expected, Grams::Of(200));
}

TEST(MinSaving, IsForTheDecisionToWaitAndNotForEachHourOfIt) {
  PlanJob job = JobOf(hours(1));
  job.min_saving = 0.02;
  const std::vector<double> nearly_there = {101, 100, 300, 300};
  const JobPlan fresh = PlanFor(HourlyWorld(nearly_there), job);
  EXPECT_EQ(fresh.intervals().front().begin, kNow);
  EXPECT_EQ(fresh.reason, Reason::kNoGain);
  job.waits = true;
  const JobPlan waiting = PlanFor(HourlyWorld(nearly_there), job);
  EXPECT_EQ(waiting.intervals().front(), Hours(1, 2));
  EXPECT_EQ(
      PlanFor(HourlyWorld({100, 100, 100}), job).intervals().front().begin,
      kNow)
      << "on a flat forecast a job runs now";
}

TEST(MaxPauses, LimitsTheRunsOfAPlan) {
  std::vector<double> comb;
  for (int i = 0; i < 24; ++i) comb.push_back(i % 2 == 0 ? 100 : 500);
  PlanJob job = JobOf(hours(6));
  job.pause = PauseMode::kCheckpoint;
  EXPECT_EQ(PlanFor(HourlyWorld(comb), job).intervals().size(), 6u);
  for (const int runs : {1, 2, 4}) {
    job.max_runs = runs;
    EXPECT_EQ(PlanFor(HourlyWorld(comb), job).intervals().size(),
              static_cast<size_t>(runs));
  }
}

TEST(SlackReserve, IsKeptFreeBeforeTheDeadline) {
  std::vector<double> falling;
  for (int i = 0; i < 24; ++i) falling.push_back(500 - 10 * i);
  PlanJob job = JobOf(hours(10));
  EXPECT_EQ(PlanFor(HourlyWorld(falling), job).finish_at, kNow + hours(24));
  job.reserve = hours(1);
  EXPECT_EQ(PlanFor(HourlyWorld(falling), job).finish_at, kNow + hours(23));
}

TEST(SlackReserve, GivesWayWhereTheDeadlineNeedsIt) {
  PlanJob job = JobOf(hours(10));
  job.deadline = kNow + hours(10) + minutes(20);
  job.reserve = hours(1);
  const JobPlan plan = PlanFor(HourlyWorld(std::vector<double>(24, 300)), job);
  EXPECT_EQ(plan.intervals().front().begin, kNow);
  EXPECT_FALSE(plan.late);
  EXPECT_EQ(plan.reason, Reason::kSlackUsedUp);
}

TEST(SlackReserve, GivesWayWhereOnlyThenItFits) {
  PlanInput input = HourlyWorld(std::vector<double>(24, 300));
  input.regions[0].capacity = {1, 1};
  input.regions[0].taken = {{Hours(0, 14), {1, 1}}};
  PlanJob job = JobOf(hours(10));
  job.reserve = hours(1);
  const JobPlan plan = PlanFor(input, job);
  EXPECT_EQ(plan.intervals().front(), Hours(14, 24));
  EXPECT_FALSE(plan.late);
}

TEST(LearntDuration, IsSaidInThePlan) {
  PlanJob job = JobOf(hours(2));
  job.duration_learnt_from = 3;
  EXPECT_THAT(PlanFor(HourlyWorld({300, 100, 100, 300}), job).why,
              HasSubstr("its duration is learnt from 3 earlier jobs"));
}

// ---- The least length of a pause

PlanJob PausableJob(Duration work, Duration min_pause) {
  PlanJob job = JobOf(work);
  job.pause = PauseMode::kCheckpoint;
  job.min_pause = min_pause;
  return job;
}

// Paused, and not for long enough before so much more time.
PlanJob PausedJob(Duration work, Duration left) {
  PlanJob job = PausableJob(work, hours(2));
  job.standing = PlanJob::Standing::kCheckpointed;
  job.may_resume_from = kNow + left;
  return job;
}

TEST(MinPause, LiesBetweenTheRunsOfAPlan) {
  const PlanInput world = HourlyWorld({100, 900, 100, 900, 110, 900, 900});
  EXPECT_THAT(PlanFor(world, PausableJob(hours(2), {})).intervals(),
              testing::ElementsAre(Hours(0, 1), Hours(2, 3)));
  EXPECT_THAT(PlanFor(world, PausableJob(hours(2), hours(3))).intervals(),
              testing::ElementsAre(Hours(0, 1), Hours(4, 5)));
}

TEST(MinPause, MakesAJobRunThroughAShortPeak) {
  const PlanInput world = HourlyWorld({100, 200, 100, 900, 900, 900, 900});
  const JobPlan plan = PlanFor(world, PausableJob(hours(2), hours(4)));
  EXPECT_THAT(plan.intervals(), testing::ElementsAre(Hours(0, 2)));
}

TEST(MinPause, CountsTheCheckpointToTheRunAndTheRestoreToTheNext) {
  PlanJob job = PausableJob(hours(3), hours(2));
  job.checkpoint_cost = job.resume_cost = minutes(30);
  const PlanInput world =
      HourlyWorld({100, 100, 900, 900, 100, 100, 900, 900, 900});
  EXPECT_THAT(PlanFor(world, job).intervals(),
              testing::ElementsAre(Hours(0, 2), Hours(4, 6)));
  job.min_pause = hours(2) + minutes(15);
  const std::vector<Interval> runs = PlanFor(world, job).intervals();
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_EQ(runs[1].begin, runs[0].end + job.min_pause);
}

TEST(MinPause, IsWaitedOutByAJobThatIsPausedAlready) {
  const PlanInput world = HourlyWorld(std::vector<double>(24, 300));
  const JobPlan plan = PlanFor(world, PausedJob(hours(2), minutes(90)));
  EXPECT_EQ(plan.intervals().front().begin, kNow + minutes(90));
  EXPECT_EQ(plan.reason, Reason::kMinPause);
  EXPECT_THAT(plan.why, HasSubstr("pauses for 2h at least, until"));
}

TEST(MinPause, IsWaitedOutInMemoryAsWell) {
  PlanJob job = PausedJob(hours(2), minutes(90));
  job.pause = PauseMode::kSuspend;
  job.standing = PlanJob::Standing::kSuspended;
  job.region = 0;
  const PlanInput world = HourlyWorld(std::vector<double>(24, 300));
  const JobPlan plan = PlanFor(world, job);
  EXPECT_EQ(plan.intervals().front().begin, kNow + minutes(90));
  EXPECT_EQ(plan.reason, Reason::kMinPause);
}

TEST(MinPause, IsCutShortAsFarAsTheDeadlineNeeds) {
  PlanJob job = PausedJob(hours(2), hours(1));
  job.deadline = kNow + hours(2) + minutes(30);
  const PlanInput world = HourlyWorld({900, 800, 700, 600, 500});
  const JobPlan plan = PlanFor(world, job);
  EXPECT_FALSE(plan.late);
  EXPECT_EQ(plan.intervals().front().begin, kNow + minutes(30));
}

TEST(MinPause, ComesBeforeTheReserve) {
  PlanJob job = PausedJob(hours(2), hours(1));
  job.deadline = kNow + hours(3);
  job.reserve = minutes(30);
  const PlanInput world = HourlyWorld({100, 800, 700, 600, 500});
  EXPECT_EQ(PlanFor(world, job).intervals().front().begin, kNow + hours(1));
}

TEST(MinPause, EndsAtOnceWhereTheDeadlineAndOthersLeaveNothingElse) {
  PlanJob job = PausedJob(hours(1), hours(1) + minutes(30));
  job.deadline = kNow + hours(2);
  PlanInput world = HourlyWorld({900, 100, 100, 100});
  world.regions[0].taken = {{Hours(1, 2), {4, 32}}};
  const JobPlan plan = PlanFor(world, job);
  EXPECT_FALSE(plan.late);
  EXPECT_THAT(plan.intervals(), testing::ElementsAre(Hours(0, 1)));
}

TEST(MinPause, IncludesTheTransferOfAMove) {
  PlanInput world = HourlyWorld(std::vector<double>(24, 300));
  world.regions.push_back(
      RegionWith(Hourly(std::vector<double>(24, 10)), "there"));
  PlanJob job = PausedJob(hours(2), hours(1));
  job.regions = {0, 1};
  job.data_region = 0;
  job.transfer = minutes(20);
  const JobPlan plan = PlanFor(world, job);
  EXPECT_EQ(plan.region_name, "there");
  EXPECT_EQ(plan.intervals().front().begin, kNow + minutes(40));
}

// Those who wait out a pause are spread with the others, and keep it.
TEST(MinPause, IsKeptByManyJobsThatShareARegion) {
  PlanInput world = HourlyWorld({50, 60, 300, 100, 100, 300, 300, 300});
  world.regions[0].capacity = {2, 32};
  for (int id = 1; id <= 8; ++id) {
    PlanJob job = id % 2 == 0 ? PausedJob(hours(1), hours(2))
                              : PausableJob(hours(1), hours(2));
    job.id = JobId{id};
    job.deadline = kNow + hours(8);
    world.jobs.push_back(job);
  }
  for (const JobPlan& plan : MakePlan(world).jobs) {
    EXPECT_FALSE(plan.late);
    const bool paused = Number(plan.id) % 2 == 0;
    EXPECT_GE(plan.intervals().front().begin, paused ? kNow + hours(2) : kNow);
  }
}

}  // namespace
}  // namespace carbond
