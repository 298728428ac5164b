#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/local_world.h"

namespace carbond {
namespace {

using testing::HasSubstr;
using What = Sight::What;

constexpr ProcessId Id(int job) { return {JobId{job}, 1}; }

// ---- Checkpoints ------------------------------------------------------------

StartOrder Saving(const LocalWorld& world, int job, const std::string& line) {
  StartOrder order = world.Shell(job, line);
  order.spec.pause = PauseMode::kCheckpoint;
  return order;
}

TEST(LocalExecutor, AsksForACheckpointBySignal) {
  LocalWorld world;
  Fifo fifo(world.folder().path() + "/fifo");
  StartOrder order = Saving(world, 1,
                            "trap 'exit 85' USR2; echo up >" + fifo.path() +
                                "; while :; do sleep 0.01; done");
  order.spec.checkpoint_signal = "USR2";
  world.Start(order);
  fifo.AwaitLine();
  world.Await(Id(1), What::kRunning);
  EXPECT_TRUE(world.executor().Checkpoint(Id(1), 1).ok());
  EXPECT_EQ(world.AwaitEnd(1).exit_code, 85);
  EXPECT_FALSE(world.executor().Checkpoint(Id(1), 2).ok());
}

TEST(LocalExecutor, AsksOnceForEachAttempt) {
  LocalWorld world;
  Fifo fifo(world.folder().path() + "/fifo");
  world.Start(Saving(world, 1,
                     "trap 'echo asked >" + fifo.path() +
                         "' USR1; trap 'exit 0' TERM; echo up >" + fifo.path() +
                         "; while :; do sleep 0.01; done"));
  EXPECT_EQ(fifo.AwaitLine(), "up");
  world.Await(Id(1), What::kRunning);
  for (const int attempt : {1, 1, 1}) {
    EXPECT_TRUE(world.executor().Checkpoint(Id(1), attempt).ok());
  }
  EXPECT_EQ(fifo.AwaitLine(), "asked");
  world.Reopen();
  EXPECT_TRUE(world.executor().Checkpoint(Id(1), 1).ok());
  EXPECT_TRUE(world.executor().Checkpoint(Id(1), 2).ok());
  EXPECT_EQ(fifo.AwaitLine(), "asked");
  EXPECT_TRUE(world.executor().Stop(Id(1)).ok());
  world.AwaitEnd(1);
  std::ofstream(fifo.path()) << "nothing more\n" << std::flush;
  EXPECT_EQ(fifo.AwaitLine(), "nothing more");
}

TEST(LocalExecutor, RunsTheOnPauseLineInstead) {
  LocalWorld world;
  Fifo fifo(world.folder().path() + "/fifo");
  StartOrder order = Saving(world, 1,
                            "trap 'exit 85' TERM; echo $$ >" + fifo.path() +
                                "; while :; do sleep 0.01; done");
  order.spec.on_pause =
      "echo saving $CARBON_JOB_ID $CARBON_PID; kill -TERM $CARBON_PID; "
      "while kill -0 $CARBON_PID; do :; done 2>/dev/null; echo put away";
  world.Start(order);
  const std::string pid = fifo.AwaitLine();
  world.Await(Id(1), What::kRunning);
  EXPECT_TRUE(world.executor().Checkpoint(Id(1), 1).ok());
  EXPECT_EQ(world.AwaitEnd(1).exit_code, 85);
  // The line may finish although the job it saves has left.
  EXPECT_EQ(world.Out(1), "saving 1 " + pid + "\nput away\n");
}

TEST(LocalExecutor, RunsTheOnResumeLineFirst) {
  LocalWorld world;
  Fifo fifo(world.folder().path() + "/fifo");
  StartOrder order = Saving(world, 1, "echo command $CARBON_RESUME; exit 3");
  order.resume = true;
  order.spec.on_resume = "read line <" + fifo.path() + "; echo before";
  world.Start(order);
  // The restore draws power: the run has begun.
  EXPECT_TRUE(world.Await(Id(1), What::kRunning).began_at > Instant());
  EXPECT_THAT(Message(world.executor().Checkpoint(Id(1), 1)),
              HasSubstr("has not begun its command"));
  std::ofstream(fifo.path()) << "go\n" << std::flush;
  EXPECT_EQ(world.AwaitEnd(1).exit_code, 3);
  EXPECT_EQ(world.Out(1), "before\ncommand 1\n");

  order.id = Id(2);
  order.spec.on_resume = "exit 85";
  const Sight sight = world.RunToEnd(order);
  EXPECT_EQ(sight.exit_code, 1);  // no order to start it again and again
  EXPECT_EQ(sight.detail, "on_resume exited with 85");
  EXPECT_EQ(world.Out(2), "");
}

// ---- Progress ---------------------------------------------------------------

TEST(LocalExecutor, ReadsTheProgressFile) {
  LocalWorld world;
  Fifo go(world.folder().path() + "/go");
  Fifo done(world.folder().path() + "/done");
  const std::string step =
      "; echo x >" + done.path() + "; read line <" + go.path() + "; ";
  world.Start(world.Shell(
      1, "P=$CARBON_PROGRESS_FILE" + step + "echo '{\"ready\":true}' >>$P" +
             step + "echo '{\"progress\":0.42,\"checkpoint\":true}' >>$P" +
             step +
             "printf 'garbage\\n{\"progress\":7}\\n{\"progress\":0.5' >>$P" +
             step + "echo '}' >>$P; exit 0"));
  const auto next = [&] {
    std::ofstream(go.path()) << "go\n" << std::flush;
    done.AwaitLine();
    return world.Look(Id(1));
  };
  done.AwaitLine();
  EXPECT_FALSE(world.Await(Id(1), What::kRunning).ready);
  Sight sight = next();
  EXPECT_TRUE(sight.ready);
  EXPECT_EQ(sight.fraction, std::nullopt);
  sight = next();
  EXPECT_EQ(sight.fraction, 0.42);
  EXPECT_TRUE(sight.checkpoint);
  sight = next();  // half a line is none
  EXPECT_EQ(sight.fraction, 0.42);
  world.Reopen();
  EXPECT_EQ(world.Look(Id(1)).fraction, 0.42);
  std::ofstream(go.path()) << "go\n" << std::flush;
  sight = world.AwaitEnd(1);
  EXPECT_EQ(sight.fraction, 0.5);
  EXPECT_FALSE(sight.checkpoint);
}

}  // namespace
}  // namespace carbond
