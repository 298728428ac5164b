// Jobs that leave as saved (exit 85) without being asked to.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/scheduler/sim_world.h"

namespace carbond {
namespace {

using ::testing::Each;
using ::testing::Field;
using ::testing::HasSubstr;

class LeftAsSaved : public testing::Test {
 protected:
  LeftAsSaved() {
    world.Grid("here", Hourly(kDawn, std::vector<double>(48, 100)));
  }

  JobId SubmitOneThatLeavesAfter(Duration time, int retries = 0) {
    JobSpec spec = Work(hours(1));
    spec.pause = PauseMode::kCheckpoint;
    spec.retries = retries;
    SimBehaviour behaviour;
    behaviour.work = time;
    behaviour.exit_code = kCheckpointExitCode;
    const JobId id = world.Submit(spec);
    world.executor.SetBehaviour(id, behaviour);
    return id;
  }

  SimWorld world;
};

TEST_F(LeftAsSaved, WithoutAnyWorkItFailsInsteadOfBeingStartedForEver) {
  const JobId id = SubmitOneThatLeavesAfter(seconds(5));
  ASSERT_TRUE(world.driver->RunUntilDone(kDawn + hours(30)).ok());
  const Job& job = world.At(id);
  EXPECT_EQ(job.outcome, Outcome::kFailed);
  ASSERT_EQ(job.runs.size(), 3u);
  EXPECT_EQ(job.runs[0].end, RunEnd::kCheckpointed);
  EXPECT_EQ(job.runs[1].end, RunEnd::kCheckpointed);
  EXPECT_EQ(job.runs[2].end, RunEnd::kFailed);
  EXPECT_THAT(job.runs[2].detail, HasSubstr("without being asked"));
  EXPECT_EQ(job.exit_code, kCheckpointExitCode);
}

TEST_F(LeftAsSaved, ARetryGivesItThreeRunsMore) {
  const JobId id = SubmitOneThatLeavesAfter(seconds(5), 1);
  ASSERT_TRUE(world.driver->RunUntilDone(kDawn + hours(30)).ok());
  EXPECT_EQ(world.At(id).outcome, Outcome::kFailed);
  EXPECT_EQ(world.At(id).runs.size(), 6u);
}

TEST_F(LeftAsSaved, AfterSomeWorkItIsStartedAgainAsOftenAsItLikes) {
  const JobId id = SubmitOneThatLeavesAfter(minutes(10));
  ASSERT_TRUE(world.driver->RunUntil(kDawn + hours(1)).ok());
  const Job& job = world.At(id);
  EXPECT_NE(job.state, State::kDone);
  ASSERT_GE(job.runs.size(), 5u);
  EXPECT_THAT(std::vector<carbond::Run>(job.runs.begin(), job.runs.end() - 1),
              Each(Field(&carbond::Run::end, RunEnd::kCheckpointed)));
}

// What a job draws while it is stopped.
TEST(IdlePower, IsTheModelsShareOfThePowerThatWasDeclared) {
  SimWorld world;
  const auto idle_of = [&](JobSpec spec, bool said) {
    const Meter::Power model = world.meter.Expected(spec.need, "here");
    EXPECT_GT(model.idle, Watts());
    spec.idle_power = said ? Watts::Of(7) : Watts();
    Unset unset;
    unset.idle_power = !said;
    const JobId id = world.Submit(spec, unset);
    return world.At(id).spec->idle_power;
  };
  const Meter::Power model = world.meter.Expected(Resources{1, 1}, "here");
  EXPECT_NEAR(idle_of(Work(hours(1), 1000), false).value(),
              1000 * model.idle.value() / model.running.value(), 0.001);
  JobSpec undeclared = Work(hours(1));
  undeclared.power = Watts();
  undeclared.power_declared = false;
  EXPECT_EQ(idle_of(undeclared, false), model.idle);
  EXPECT_EQ(idle_of(Work(hours(1), 1000), true), Watts::Of(7));
}

}  // namespace
}  // namespace carbond
