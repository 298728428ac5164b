// Where it is proven who calls, a job is its owner's alone.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/scheduler/sim_world.h"

namespace carbond {
namespace {

using ::testing::HasSubstr;

class Owners : public ::testing::Test {
 protected:
  Owners() {
    world.Grid("here", Hourly(kDawn, std::vector<double>(48, 300)));
    JobSpec spec = Work(hours(1));
    spec.earliest = kDawn + hours(10);
    adas = world.Submit(spec);
  }

  SimWorld world;
  JobId adas;
};

TEST_F(Owners, SomebodyElseMayNotCancelPauseOrResumeAJob) {
  for (const Command& command : {Command(CancelCommand{adas, "bob", "bob"}),
                                 Command(HoldCommand{adas, "bob", "bob"}),
                                 Command(ReleaseCommand{adas, "bob", "bob"})}) {
    const Reply reply = world.Send(command);
    EXPECT_TRUE(absl::IsPermissionDenied(reply.status)) << reply.status;
    EXPECT_THAT(Message(reply.status), HasSubstr("is ada's, and you are bob"));
  }
  EXPECT_FALSE(world.At(adas).cancel_requested);
  EXPECT_FALSE(world.At(adas).held);
}

TEST_F(Owners, TheOwnerMayAndSoMayWhoActsOnAllJobs) {
  EXPECT_TRUE(world.Send(HoldCommand{adas, "ada", "ada"}).status.ok());
  EXPECT_TRUE(world.At(adas).held);
  EXPECT_TRUE(world.Send(ReleaseCommand{adas, "root", ""}).status.ok());
  EXPECT_TRUE(world.Send(CancelCommand{adas, "root", ""}).status.ok());
  EXPECT_TRUE(world.At(adas).cancel_requested);
}

TEST_F(Owners, AJobThatIsNotThereIsNobodys) {
  const Reply reply = world.Send(CancelCommand{JobId{7}, "bob", "bob"});
  EXPECT_TRUE(absl::IsNotFound(reply.status)) << reply.status;
}

// What is fine for one user is not for another: both are asked about.
TEST(OwnersOfOneRequest, EachIsChecked) {
  class OnlyAda : public SimExecutor {
   public:
    using SimExecutor::SimExecutor;
    Status Check(const JobSpec& spec, const std::string&) override {
      if (spec.user == "ada") return Ok();
      return absl::PermissionDeniedError("not for " + spec.user);
    }
  };
  SimWorld world;
  OnlyAda executor(world.clock);
  auto engine = Engine::Recover(
      world.options,
      {world.clock, world.ledger, world.grid, executor, world.meter});
  ASSERT_TRUE(engine.ok()) << engine.status();
  std::vector<Command> commands;
  for (const char* user : {"ada", "bob", "ada"}) {
    SubmitCommand command;
    command.jobs.push_back({Work(hours(1)), {}});
    command.jobs.front().spec.user = user;
    commands.emplace_back(std::move(command));
  }
  const auto replies = (*engine)->Execute(commands);
  ASSERT_TRUE(replies.ok()) << replies.status();
  EXPECT_TRUE((*replies)[0].status.ok());
  EXPECT_EQ(Message((*replies)[1].status), "not for bob");
  EXPECT_TRUE((*replies)[2].status.ok());
}

}  // namespace
}  // namespace carbond
