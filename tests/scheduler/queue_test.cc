// Regions with a queue of their own, such as a cluster: runs are handed over
// ahead of their time and taken back while they wait.

#include <gtest/gtest.h>

#include "tests/scheduler/sim_world.h"

namespace carbond {
namespace {

Region Cluster(const std::string& name, Duration ahead = minutes(30)) {
  Region region = Place(name);
  region.queue_ahead = ahead;
  return region;
}

// Two dirty hours, then clean ones.
class Queue : public ::testing::Test {
 protected:
  Queue() : world({Cluster("here")}) {
    world.executor.SetQueue(world.options.regions.front(), Duration(0), 1);
    world.Grid("here", Hourly(kDawn, {500, 500, 50, 50, 400, 300, 300, 300}));
  }

  void RunUntil(Instant t) {
    const Status ran = world.driver->RunUntil(t);
    ASSERT_TRUE(ran.ok()) << ran;
  }
  const carbond::Run& LastRun(JobId id) { return world.At(id).runs.back(); }

  SimWorld world;
};

TEST_F(Queue, ARunIsHandedOverAheadOfItsTime) {
  const JobId id = world.Submit(Work(hours(1)));
  RunUntil(kDawn + minutes(80));
  EXPECT_TRUE(world.At(id).runs.empty());
  RunUntil(kDawn + minutes(100));
  ASSERT_EQ(world.At(id).state, State::kStarting);
  EXPECT_EQ(LastRun(id).issued_at, kDawn + minutes(90));
  EXPECT_EQ(LastRun(id).not_before, kDawn + hours(2));
  EXPECT_EQ(world.executor.Live(id), 0);
  RunUntil(kDawn + hours(8));
  EXPECT_EQ(world.At(id).outcome, Outcome::kSucceeded);
  EXPECT_EQ(LastRun(id).started_at, kDawn + hours(2));
  EXPECT_EQ(world.At(id).energy, WattHours::Of(1000));
  EXPECT_EQ(world.At(id).runs.size(), 1u);
}

TEST_F(Queue, APlanHoldsWhileCarbondIsDown) {
  const JobId id = world.Submit(Work(hours(1)));
  RunUntil(kDawn + minutes(100));
  world.clock.Set(kDawn + minutes(150));  // nobody looked
  world.Restart();
  RunUntil(kDawn + minutes(151));
  EXPECT_EQ(world.At(id).state, State::kRunning);
  RunUntil(kDawn + hours(8));
  EXPECT_EQ(world.At(id).outcome, Outcome::kSucceeded);
  EXPECT_EQ(world.At(id).runs.size(), 1u);
}

TEST_F(Queue, ARunComesBackWhenItsPlanMoves) {
  const JobId id = world.Submit(Work(hours(1)));
  RunUntil(kDawn + minutes(95));
  ASSERT_EQ(world.At(id).state, State::kStarting);
  const Instant now = world.clock.Now();
  world.grid.AddForecast(
      Issue("here", now,
            Steps(now, minutes(5), std::vector<double>(12 * 8, 500))
                .Under(Hourly(kDawn + hours(5), {10, 500, 500}))));
  RunUntil(kDawn + minutes(97));
  EXPECT_EQ(LastRun(id).end, RunEnd::kRecalled);
  EXPECT_EQ(world.At(id).state, State::kWaiting);
  EXPECT_EQ(world.At(id).failures, 0);
  RunUntil(kDawn + hours(9));
  EXPECT_EQ(world.At(id).outcome, Outcome::kSucceeded);
  EXPECT_EQ(LastRun(id).started_at, kDawn + hours(5));
}

TEST_F(Queue, ThePlanDecidesAgainWhenTheGreenHoursPassInTheQueue) {
  // Somebody else has the cluster: nothing fits before the dirty hours.
  world.executor.SetQueue(Place("here", 0, 0), Duration(0), 1);
  world.Grid("here", Hourly(kDawn, {500, 500, 50, 50, 400, 300, 300, 300, 60,
                                    60, 60, 400, 400, 400, 400, 400}));
  const JobId id = world.Submit(Work(hours(1)));
  RunUntil(kDawn + minutes(150));
  ASSERT_EQ(world.At(id).state, State::kStarting);
  RunUntil(kDawn + hours(4) + minutes(5));
  EXPECT_EQ(LastRun(id).end, RunEnd::kRecalled);
  EXPECT_EQ(world.At(id).state, State::kWaiting);
  world.executor.SetQueue(Place("here"), Duration(0), 1);
  RunUntil(kDawn + hours(16));
  EXPECT_EQ(world.At(id).outcome, Outcome::kSucceeded);
  EXPECT_EQ(LastRun(id).started_at, kDawn + hours(8));
}

TEST_F(Queue, ARunThatBeganBeforeTheRecallGoesOn) {
  Job job;
  Event event{JobId{1}, 1, kDawn, Submitted{Work(hours(1))}};
  job = *ApplyFirst(event);
  const auto apply = [&](Fact fact) {
    return Apply(job, {JobId{1}, job.last_seq + 1, kDawn, std::move(fact)});
  };
  ASSERT_TRUE(apply(StartIssued{1, "here", 1, {}, false}).ok());
  ASSERT_TRUE(apply(StopIssued{1, RunEnd::kRecalled}).ok());
  ASSERT_TRUE(apply(RunStarted{1}).ok());
  EXPECT_EQ(job.runs.back().stop_why, std::nullopt);
  EXPECT_EQ(job.state, State::kRunning);
  EXPECT_FALSE(apply(StopIssued{1, RunEnd::kRecalled}).ok());
}

TEST_F(Queue, APauseByItsUserTakesBackWhatWaitsInTheQueue) {
  const JobId id = world.Submit(Work(hours(1)));
  RunUntil(kDawn + minutes(95));
  world.Send(HoldCommand{id, "ada"});
  RunUntil(kDawn + hours(3));
  EXPECT_EQ(LastRun(id).end, RunEnd::kRecalled);
  EXPECT_EQ(world.At(id).state, State::kWaiting);
  EXPECT_EQ(world.executor.Starts(), 1);
}

TEST_F(Queue, ACancelEndsWhatWaitsInTheQueue) {
  const JobId id = world.Submit(Work(hours(1)));
  RunUntil(kDawn + minutes(95));
  world.Send(CancelCommand{id, "ada"});
  RunUntil(kDawn + minutes(97));
  EXPECT_EQ(world.At(id).outcome, Outcome::kCancelled);
  EXPECT_FALSE(LastRun(id).started_at.has_value());
}

TEST_F(Queue, ARecallLeavesAPausedJobPaused) {
  world.Grid("here",
             Hourly(kDawn, {50, 500, 500, 50, 500, 500, 500, 500, 500}));
  JobSpec spec = Work(hours(2));
  spec.pause = PauseMode::kCheckpoint;
  spec.checkpoint_cost = spec.resume_cost = Duration(0);
  const JobId id = world.Submit(spec);
  RunUntil(kDawn + minutes(160));
  ASSERT_EQ(world.At(id).runs.size(), 2u);
  world.Send(HoldCommand{id, "ada"});
  RunUntil(kDawn + minutes(161));
  EXPECT_EQ(LastRun(id).end, RunEnd::kRecalled);
  EXPECT_EQ(world.At(id).state, State::kPaused);
  EXPECT_EQ(Pauses(world.At(id)), 1);
  world.Send(ReleaseCommand{id, "ada"});
  RunUntil(kDawn + hours(9));
  EXPECT_EQ(world.At(id).outcome, Outcome::kSucceeded);
  EXPECT_TRUE(LastRun(id).resume);
}

TEST_F(Queue, ALeastPauseHoldsInTheQueueToo) {
  JobSpec spec = Work(hours(2));
  spec.pause = PauseMode::kCheckpoint;
  spec.checkpoint_cost = spec.resume_cost = Duration(0);
  spec.min_pause = hours(3);
  spec.min_run = Duration(0);
  world.Grid("here", Hourly(kDawn, {50, 500, 90, 90, 50, 500, 500, 500, 500}));
  const JobId id = world.Submit(spec);
  RunUntil(kDawn + hours(9));
  EXPECT_EQ(world.At(id).outcome, Outcome::kSucceeded);
  ASSERT_EQ(world.At(id).runs.size(), 2u);
  EXPECT_EQ(LastRun(id).started_at, kDawn + hours(4));
}

TEST_F(Queue, WhatIsToComeHoldsNoPlaceUntilThen) {
  Region one = Cluster("here", hours(2));
  one.capacity = {1, 1};
  world.options.regions = {one};
  world.Restart();
  world.executor.SetQueue(one, Duration(0), 1);
  const JobId later = world.Submit(Work(hours(1)));
  RunUntil(kDawn + minutes(1));
  ASSERT_EQ(world.At(later).state, State::kStarting);  // for two hours on
  JobSpec urgent = Work(hours(1));
  urgent.deadline = kDawn + minutes(90);
  const JobId now = world.Submit(urgent);
  RunUntil(kDawn + minutes(3));
  EXPECT_EQ(world.At(now).state, State::kRunning);
  RunUntil(kDawn + hours(8));
  EXPECT_EQ(LastRun(later).started_at, kDawn + hours(2));
  EXPECT_EQ(world.At(later).runs.size(), 1u);
}

// Or others who keep coming would always be before it.
TEST_F(Queue, WhatWaitsForOthersToEndStandsInTheQueue) {
  world.options.regions.push_back(Cluster("there"));
  world.executor.SetQueue(world.options.regions.back(), Duration(0), 1);
  world.Restart();
  world.Grid("here", Hourly(kDawn, {100, 100, 100, 100, 100, 100, 100}));
  world.Grid("there", Hourly(kDawn, {100, 100, 100, 100, 100, 100, 100}));
  world.executor.SetQueue(Place("here", 0, 0), Duration(0), 1);
  const Room full{{4, 16}, {{{Instant(), kDawn + hours(3)}, {4, 16}}}};
  world.executor.SetRoom("here", full);
  world.executor.SetRoom("there", full);
  const JobId id = world.Submit(Work(hours(1)));
  RunUntil(kDawn + minutes(1));
  EXPECT_EQ(world.At(id).state, State::kStarting);
  RunUntil(kDawn + minutes(90));
  EXPECT_EQ(world.At(id).runs.size(), 1u);  // and keeps its place
  // Those in the other cluster end: it need not wait here any longer.
  const std::string other = LastRun(id).region == "here" ? "there" : "here";
  world.executor.SetRoom(other, {{4, 16}, {}});
  world.executor.SetQueue(Place(other), Duration(0), 1);
  RunUntil(kDawn + hours(4));
  EXPECT_EQ(LastRun(id).region, other);
  EXPECT_EQ(world.At(id).outcome, Outcome::kSucceeded);
}

TEST_F(Queue, NothingIsHandedOverBeforeItMayBegin) {
  Region one = Cluster("here");
  one.capacity = {1, 1};
  world.options.regions = {one};
  world.Restart();
  world.executor.SetQueue(one, Duration(0), 1);
  world.executor.SetRoom("here", {{4, 16}, {}});
  JobSpec spec = Work(hours(1));
  spec.earliest = kDawn + hours(4);
  world.Submit(spec);
  const JobId second = world.Submit(spec);  // its place is the first one's
  RunUntil(kDawn + hours(3));
  EXPECT_TRUE(world.At(second).runs.empty());
  EXPECT_EQ(world.executor.Starts(), 0);
}

TEST_F(Queue, PlansFitWhatOthersLeaveOfTheCluster) {
  world.executor.SetRoom("here",
                         {{4, 16}, {{{kDawn, kDawn + hours(4)}, {4, 16}}}});
  const JobId id = world.Submit(Work(hours(1)));
  RunUntil(kDawn + minutes(10));
  EXPECT_EQ(world.PlanOf(id).runs.front().interval.begin, kDawn + hours(5));
  // They end earlier than they said.
  world.executor.SetRoom("here", {{4, 16}, {}});
  RunUntil(kDawn + minutes(12));
  EXPECT_EQ(world.PlanOf(id).runs.front().interval.begin, kDawn + hours(2));
}

}  // namespace
}  // namespace carbond
