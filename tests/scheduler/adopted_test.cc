// Jobs that stand in a region's own queue by their users' hands: planned here,
// let go there, and followed wherever another hand leads them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/scheduler/sim_world.h"

namespace carbond {
namespace {

using testing::HasSubstr;

// Two dirty hours, then clean ones.
class Adopted : public ::testing::Test {
 protected:
  Adopted() : world({Cluster()}) {
    world.executor.SetQueue(world.options.regions.front(), Duration(0), 1);
    // What carbond would start itself could not be checked here.
    world.executor.RefuseCommand("sbatch", Missing("no such command"));
    world.Grid("here", Hourly(kDawn, {500, 500, 50, 50, 400, 300, 300, 300}));
  }

  static Region Cluster() {
    Region region = Place("here");
    region.queue_ahead = minutes(30);
    return region;
  }
  static JobSpec Held(Duration duration = hours(1)) {
    JobSpec spec = Work(duration);
    spec.command = {"sbatch"};
    spec.name = "train";
    spec.entry = {"cluster", "12", kDawn, hours(3), ""};
    return spec;
  }
  void RunUntil(Instant t) {
    const Status ran = world.driver->RunUntil(t);
    ASSERT_TRUE(ran.ok()) << ran;
  }

  SimWorld world;
};

TEST_F(Adopted, AJobIsLetGoAtItsHour) {
  const JobId id = world.Submit(Held());
  RunUntil(kDawn + minutes(80));
  EXPECT_EQ(world.At(id).state, State::kWaiting);
  EXPECT_EQ(world.executor.Starts(), 0);
  RunUntil(kDawn + hours(8));
  EXPECT_EQ(world.At(id).outcome, Outcome::kSucceeded);
  EXPECT_EQ(world.At(id).started_at, kDawn + hours(2));
  EXPECT_EQ(world.At(id).energy, WattHours::Of(1000));
}

TEST_F(Adopted, WhatItsUserLetsGoRunsAtOnceAndIsAccounted) {
  const JobId id = world.Submit(Held());
  RunUntil(kDawn + minutes(10));
  world.executor.LetGo("12", kDawn + minutes(10));
  RunUntil(kDawn + hours(2));
  EXPECT_EQ(world.At(id).outcome, Outcome::kSucceeded);
  EXPECT_EQ(world.At(id).runs.size(), 1u);
  EXPECT_EQ(world.At(id).energy, WattHours::Of(1000));
}

TEST_F(Adopted, WhatItsUserLetsGoIsNotTakenBackThoughItHasToWait) {
  world.executor.SetQueue(Place("here", 0, 0), Duration(0), 1);
  const JobId id = world.Submit(Held());
  RunUntil(kDawn + minutes(10));
  world.executor.LetGo("12", kDawn + minutes(10));
  RunUntil(kDawn + minutes(110));
  EXPECT_EQ(world.At(id).state, State::kStarting);
  world.executor.SetQueue(Place("here"), Duration(0), 1);
  RunUntil(kDawn + hours(8));
  EXPECT_EQ(world.At(id).outcome, Outcome::kSucceeded);
  EXPECT_EQ(world.At(id).runs.size(), 1u);
}

TEST_F(Adopted, WhatBeganWhileNobodyLookedIsAccountedFromItsBegin) {
  const JobId id = world.Submit(Held());
  RunUntil(kDawn + minutes(10));
  world.executor.LetGo("12", kDawn + minutes(20));
  world.clock.Set(kDawn + minutes(50));
  world.Restart();
  RunUntil(kDawn + hours(8));
  EXPECT_EQ(world.At(id).started_at, kDawn + minutes(20));
  EXPECT_EQ(world.At(id).finished_at, kDawn + minutes(80));
  EXPECT_EQ(world.At(id).energy, WattHours::Of(1000));
}

TEST_F(Adopted, WhatIsEndedInItsQueueIsCancelled) {
  const JobId id = world.Submit(Held());
  RunUntil(kDawn + minutes(10));
  world.executor.EndEntry("12");
  RunUntil(kDawn + minutes(130));
  EXPECT_EQ(world.At(id).outcome, Outcome::kCancelled);
  EXPECT_EQ(world.At(id).started_at, std::nullopt);
  EXPECT_EQ(world.At(id).energy, WattHours());
}

// Done only when it has left its queue: a crash in between must not leave it
// there for ever.
TEST_F(Adopted, ACancelTakesItOutOfItsQueueThoughCarbondCrashes) {
  const JobId id = world.Submit(Held());
  RunUntil(kDawn + minutes(10));
  world.Send(CancelCommand{id, "ada"});
  EXPECT_EQ(world.At(id).state, State::kWaiting);
  world.Restart();
  RunUntil(kDawn + minutes(20));
  EXPECT_EQ(world.At(id).outcome, Outcome::kCancelled);
  EXPECT_EQ(world.executor.Live(id), 0);
}

TEST_F(Adopted, ACancelReachesWhatIsTakenBackAtThatMoment) {
  const JobId id = world.Submit(Held());
  RunUntil(kDawn + minutes(100));
  ASSERT_EQ(world.At(id).state, State::kStarting);
  world.Send(HoldCommand{id, "ada"});
  world.Send(CancelCommand{id, "ada"});
  RunUntil(kDawn + minutes(110));
  EXPECT_EQ(world.At(id).outcome, Outcome::kCancelled);
  EXPECT_EQ(world.executor.StandingOf(Held()).what, Standing::What::kMoved);
}

TEST_F(Adopted, DoorsThatFailLeaveNothingBehind) {
  world.executor.FailAtRandom(0.3, 7);
  const JobId id = world.Submit(Held());
  RunUntil(kDawn + hours(8));
  EXPECT_EQ(world.At(id).outcome, Outcome::kSucceeded);
  EXPECT_EQ(world.At(id).energy, WattHours::Of(1000));
}

// ---- What is learnt, and what the queue allows ------------------------------

TEST_F(Adopted, ItsTimeLimitStandsInForADurationThatNobodyKnows) {
  JobSpec spec = Held(Duration(0));
  const JobId id = world.Submit(spec);
  EXPECT_EQ(world.At(id).spec->duration, hours(3));
  spec.entry.limit = Duration(0);
  EXPECT_THAT(Message(world.SubmitReply(spec).status),
              HasSubstr("no duration is given"));
}

TEST_F(Adopted, NoDurationIsLongerThanItsTimeLimit) {
  EXPECT_EQ(world.At(world.Submit(Held(hours(9)))).spec->duration, hours(3));
}

TEST_F(Adopted, ADeadlineThatCannotBeKeptHasItBeginAtOnce) {
  JobSpec spec = Held(hours(2));
  spec.deadline = kDawn + hours(1);
  const JobId id = world.Submit(spec);
  RunUntil(kDawn + hours(3));
  EXPECT_EQ(world.At(id).started_at, kDawn);
  EXPECT_EQ(world.At(id).outcome, Outcome::kSucceeded);
}

TEST_F(Adopted, TheSameEntryIsOneJobHoweverOftenItIsHandedIn) {
  SubmitCommand command;
  command.request_id = "sbatch:cluster:12:1767225600";
  command.digest = "sbatch";
  command.jobs.push_back({Held(), {}});
  const Reply first = world.Send(command);
  world.Restart();
  command.jobs = {{Held(hours(2)), {}}};
  const Reply again = world.Send(command);
  ASSERT_TRUE(again.status.ok()) << again.status;
  EXPECT_TRUE(again.repeated);
  EXPECT_EQ(again.jobs, first.jobs);
}

}  // namespace
}  // namespace carbond
