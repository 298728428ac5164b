// From jobs and regions to what the planner is asked.

#include "scheduler/plan_input.h"

#include <gtest/gtest.h>

#include "tests/scheduler/sim_world.h"

namespace carbond {
namespace {

Region Office() {  // two of four GPUs by day, none in the small hours
  Region region;
  region.name = "office";
  region.capacity = {4, 32};
  region.hours = {{hours(8), hours(18), {2, 32}},
                  {hours(23), hours(1), {0, 8}}};
  return region;
}

Instant At(int64_t hour) {
  return Instant::FromSeconds(1'767'225'600 + hour * 3600);  // 2026-01-01
}

TEST(CapacityHours, HoldWithinThemAndNotAtTheirEnd) {
  const Region region = Office();
  EXPECT_EQ(region.CapacityAt(At(7)), (Resources{4, 32}));
  EXPECT_EQ(region.CapacityAt(At(8)), (Resources{2, 32}));
  EXPECT_EQ(region.CapacityAt(At(18)), (Resources{4, 32}));
  EXPECT_EQ(region.CapacityAt(At(23)), (Resources{0, 8}));
  EXPECT_EQ(region.CapacityAt(At(24)), (Resources{0, 8}));
  EXPECT_EQ(region.CapacityAt(At(25)), (Resources{4, 32}));
}

TEST(CapacityHours, OfWhichSeveralHoldLeaveTheLeast) {
  Region region = Office();
  region.hours.push_back({hours(12), hours(13), {3, 4}});
  EXPECT_EQ(region.CapacityAt(At(12)), (Resources{2, 4}));
}

TEST(CapacityHours, AreLackingPieceByPiece) {
  const std::vector<Taken> lacking =
      LackingDuring(Office(), {}, {At(0), At(24 + 9)});
  ASSERT_EQ(lacking.size(), 4u);
  EXPECT_EQ(lacking[0].interval, (Interval{At(0), At(1)}));
  EXPECT_EQ(lacking[0].need, (Resources{4, 24}));
  EXPECT_EQ(lacking[1].interval, (Interval{At(8), At(18)}));
  EXPECT_EQ(lacking[1].need, (Resources{2, 0}));
  EXPECT_EQ(lacking[2].interval, (Interval{At(23), At(25)}));
  EXPECT_EQ(lacking[3].interval, (Interval{At(32), At(33)}));
  EXPECT_TRUE(LackingDuring(Region(), {}, {At(0), At(9)}).empty());
}

TEST(CapacityHours, KeepAJobFromRunningInThem) {
  Region office = Place("office", 1, 8);
  office.hours = {{hours(0), hours(3), {0, 8}}};
  SimWorld world({office});
  world.Grid("office", Hourly(kDawn, std::vector<double>(48, 300)));
  const JobId id = world.Submit(Work(hours(2)));
  ASSERT_TRUE(world.driver->Settle().ok());
  EXPECT_EQ(world.PlanOf(id).reason, Reason::kNoCapacity);
  ASSERT_TRUE(world.driver->RunUntilDone(kDawn + hours(30)).ok());
  EXPECT_EQ(world.At(id).started_at, kDawn + hours(3));
}

TEST(CapacityHours, PauseAJobThatCanBeSaved) {
  Region office = Place("office", 1, 8);
  office.hours = {{hours(1), hours(3), {0, 8}}};
  SimWorld world({office});
  world.Grid("office", Hourly(kDawn, std::vector<double>(48, 300)));
  JobSpec spec = Work(hours(2));
  spec.pause = PauseMode::kCheckpoint;
  spec.checkpoint_timeout = minutes(30);
  spec.min_run = minutes(10);
  spec.deadline = kDawn + hours(4);
  const JobId id = world.Submit(spec);
  ASSERT_TRUE(world.driver->RunUntilDone(kDawn + hours(30)).ok());
  const Job& job = world.At(id);
  ASSERT_EQ(job.runs.size(), 2u);
  EXPECT_EQ(job.runs[0].ended_at, kDawn + hours(1));
  EXPECT_EQ(job.runs[1].started_at, kDawn + hours(3));
}

TEST(DataMove, TakesTimeAndEnergyByTheGigabyte) {
  JobSpec spec;
  EXPECT_EQ(MoveFrom("here", spec, {}), DataMove());
  spec.data_gb = 10;
  const DataMove move = MoveFrom("here", spec, {seconds(8), WattHours::Of(2)});
  EXPECT_EQ(move.from, "here");
  EXPECT_EQ(move.time, seconds(80));
  EXPECT_EQ(move.energy, WattHours::Of(20));
}

}  // namespace
}  // namespace carbond
