// Jobs that go on in another region after a pause, and what the move costs.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/scheduler/plan_world.h"
#include "tests/scheduler/sim_world.h"

namespace carbond {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

PlanInput TwoRegions(const std::vector<double>& here,
                     const std::vector<double>& there) {
  PlanInput input;
  input.now = kNow;
  input.regions = {RegionWith(Hourly(here)),
                   RegionWith(Hourly(there), "there")};
  return input;
}

// Two hours that can be saved and restored for nothing, in both regions.
PlanJob Movable(Duration work = hours(2)) {
  PlanJob job = JobOf(work);
  job.pause = PauseMode::kCheckpoint;
  job.regions = {0, 1};
  job.home = 0;
  job.deadline = kNow + hours(4);
  return job;
}

PlanJob WithData(PlanJob job, Duration transfer, double network_wh) {
  job.data_region = 0;
  job.transfer = transfer;
  job.transfer_energy = WattHours::Of(network_wh);
  return job;
}

PlannedRun In(int region, Interval interval) {
  return {interval, region, region == 0 ? "here" : "there"};
}

TEST(Moves, AJobGoesOnWhereItIsClean) {
  const PlanInput input = TwoRegions({100, 900, 900, 900}, {900, 900, 900, 50});
  const JobPlan plan = PlanFor(input, Movable());
  EXPECT_THAT(plan.runs, ElementsAre(In(0, Hours(0, 1)), In(1, Hours(3, 4))));
  EXPECT_EQ(plan.expected, Grams::Of(150));
  EXPECT_EQ(plan.region_name, "here");
  EXPECT_THAT(plan.why, HasSubstr("in 2 runs (here, then there)"));
}

TEST(Moves, ARunningJobMovesAsWell) {
  PlanJob job = Movable();
  job.standing = PlanJob::Standing::kRunning;
  job.region = 0;
  job.may_pause_from = kNow;
  const JobPlan plan =
      PlanFor(TwoRegions({100, 900, 900, 900}, {900, 50, 900, 900}), job);
  EXPECT_THAT(plan.runs, ElementsAre(In(0, Hours(0, 1)), In(1, Hours(1, 2))));
  EXPECT_EQ(plan.region, 0);
  // Or leaves at once, where that is better.
  const JobPlan leaves =
      PlanFor(TwoRegions({100, 900, 900, 900}, {50, 50, 900, 900}), job);
  EXPECT_THAT(leaves.runs, ElementsAre(In(1, Hours(0, 2))));
  EXPECT_EQ(leaves.region, 1);
}

TEST(Moves, WhatStaysInMemoryStaysInItsRegion) {
  PlanJob job = Movable();
  job.pause = PauseMode::kSuspend;
  const JobPlan plan =
      PlanFor(TwoRegions({100, 900, 900, 100}, {900, 50, 900, 900}), job);
  EXPECT_THAT(plan.runs, ElementsAre(In(0, Hours(0, 1)), In(0, Hours(3, 4))));
}

TEST(Moves, FetchingTheDataTakesTimeAtTheJobsPower) {
  // Half an hour of a kilowatt at 50 g/kWh, and 100 Wh of the network there.
  PlanJob job = WithData(Movable(), minutes(30), 100);
  job.deadline = kNow + hours(5);
  const JobPlan plan = PlanFor(
      TwoRegions({100, 900, 900, 900, 900}, {900, 900, 50, 50, 900}), job);
  EXPECT_THAT(plan.runs, ElementsAre(In(0, {kNow, kNow + minutes(30)}),
                                     In(1, Hours(2, 4))));
  EXPECT_EQ(plan.expected, Grams::Of(50 + 100 + 5));
}

TEST(Moves, AJobStaysWhereTheMoveCostsMoreThanItSaves) {
  const PlanInput input = TwoRegions({100, 900, 900, 100}, {900, 900, 900, 50});
  EXPECT_EQ(PlanFor(input, Movable()).runs.back().region, 1);
  const PlanJob heavy = WithData(Movable(), seconds(1), 1000);
  EXPECT_THAT(PlanFor(input, heavy).runs,
              ElementsAre(In(0, Hours(0, 1)), In(0, Hours(3, 4))));
}

TEST(Moves, AFreshJobFetchesItsDataFromHome) {
  PlanJob job = WithData(JobOf(hours(2)), hours(1), 0);
  job.regions = {0, 1};
  job.deadline = kNow + hours(4);
  const JobPlan plan =
      PlanFor(TwoRegions({900, 900, 900, 900}, {100, 100, 100, 100}), job);
  EXPECT_THAT(plan.runs, ElementsAre(In(1, Hours(0, 3))));
  EXPECT_EQ(plan.expected, Grams::Of(300));
  // Two hours at home are as good as three away at two thirds.
  const JobPlan home =
      PlanFor(TwoRegions({90, 90, 90, 90}, {61, 61, 61, 61}), job);
  EXPECT_THAT(home.runs, ElementsAre(In(0, Hours(0, 2))));
}

TEST(Moves, KeepToTheCapacityOfBothRegions) {
  // Both hold one job; each would rather be where the other is.
  PlanInput input = TwoRegions({500, 100, 100, 100}, {500, 100, 100, 100});
  for (PlanRegion& region : input.regions) region.capacity = {1, 8};
  for (int i = 0; i < 2; ++i) {
    PlanJob job = Movable();
    job.id = JobId{i + 1};
    job.standing = PlanJob::Standing::kRunning;
    job.region = i;
    job.may_pause_from = kNow;
    input.jobs.push_back(job);
  }
  const Plan plan = MakePlan(input);
  for (int i = 0; i < 2; ++i) {
    for (const PlannedRun& run : plan.jobs[static_cast<size_t>(i)].runs) {
      EXPECT_EQ(run.region, i);
    }
  }
}

TEST(Moves, ADelayThatCostsKeepsAJobInOneRegion) {
  PlanJob job = Movable();
  job.delay_cost_per_hour = Grams::Of(1);
  const JobPlan plan =
      PlanFor(TwoRegions({100, 900, 900, 900}, {900, 900, 900, 50}), job);
  for (const PlannedRun& run : plan.runs) {
    EXPECT_EQ(run.region, plan.runs[0].region);
  }
}

// ---- Carried out ------------------------------------------------------------

TEST(Moves, AreCarriedOutAndAccountedFor) {
  SimWorld world({Place("here", 1, 4), Place("there", 1, 4)});
  world.Grid("here", Hourly({100, 900, 900, 900, 900, 900}, kDawn));
  world.Grid("there", Hourly({900, 900, 50, 50, 900, 900}, kDawn));
  JobSpec spec = Work(hours(2));
  spec.pause = PauseMode::kCheckpoint;
  spec.checkpoint_timeout = minutes(30);
  spec.min_run = minutes(30);
  spec.regions = {"here", "there"};
  spec.home_region = "here";
  spec.deadline = kDawn + hours(5);
  spec.data_gb = 225;  // half an hour at 1 Gbit/s; 450 Wh at 2 Wh/GB
  const JobId id = world.Submit(spec);
  ASSERT_TRUE(world.driver->Settle().ok());
  const Grams expected = *world.PlanOf(id).expected;
  ASSERT_TRUE(world.driver->RunUntilDone(kDawn + hours(30)).ok());
  const Job& job = world.At(id);
  ASSERT_EQ(job.outcome, Outcome::kSucceeded);
  ASSERT_EQ(job.runs.size(), 2u);
  EXPECT_EQ(job.runs[0].move, DataMove());
  EXPECT_EQ(job.runs[1].region, "there");
  EXPECT_EQ(job.runs[1].move.from, "here");
  EXPECT_EQ(job.runs[1].move.time, minutes(30));
  // Two hours of work and half an hour of fetching at 1 kW, and the network.
  EXPECT_EQ(job.energy, WattHours::Of(2500 + 450));
  EXPECT_EQ(job.work_done, hours(2));
  EXPECT_EQ(world.Figures(id).grams, Grams::Of(50 + 100 + 22.5));
  EXPECT_EQ(world.Figures(id).grams, expected);
  EXPECT_TRUE(world.ledger.Verify().ok());
}

}  // namespace
}  // namespace carbond
