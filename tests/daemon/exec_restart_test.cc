#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/daemon/local_world.h"

namespace carbond {
namespace {

using What = Sight::What;

constexpr ProcessId Id(int job) { return {JobId{job}, 1}; }

// ---- Restarts and losses ----------------------------------------------------

TEST(LocalExecutor, FindsItsRunsAgainAndCollectsTheirEnds) {
  LocalWorld world;
  Fifo go(world.folder().path() + "/go");
  world.Start(world.Shell(1, "read line <" + go.path() + "; exit 5"));
  world.Start(world.Shell(2, "exit 6"));
  const Sight before = world.Await(Id(1), What::kRunning);
  const ProcessIdentity second = world.Runner(2);
  world.AwaitEnd(2);
  world.Reopen();
  const Sight after = world.Look(Id(1));
  EXPECT_EQ(after.what, What::kRunning);
  EXPECT_EQ(after.began_at, before.began_at);
  EXPECT_EQ(world.Look(Id(2)).exit_code, 6);
  EXPECT_TRUE(IsGone(second));
  std::ofstream(go.path()) << "go\n" << std::flush;
  EXPECT_EQ(world.AwaitEnd(1).exit_code, 5);
}

TEST(LocalExecutor, TellsThatARunIsLostAndLetsNothingOfItLive) {
  LocalWorld world;
  Fifo fifo(world.folder().path() + "/fifo");
  world.Start(
      world.Shell(1, "setsid sh -c 'echo $$ >" + fifo.path() +
                         "; exec sleep 1000' >/dev/null 2>&1 & echo $$ >" +
                         fifo.path() + "; exec sleep 1000"));
  const ProcessIdentity first = fifo.AwaitProcess();
  const ProcessIdentity second = fifo.AwaitProcess();
  const Sight running = world.Await(Id(1), What::kRunning);
  ASSERT_EQ(SendSignal(world.Runner(1), SIGKILL), 0);
  const Sight lost = world.Await(Id(1), What::kLost);
  EXPECT_EQ(lost.detail, "its runner was killed");
  EXPECT_EQ(lost.began_at, running.began_at);
  EXPECT_GE(lost.ended_at, lost.began_at);
  EXPECT_LE(lost.ended_at, world.clock().Now());
  EXPECT_TRUE(IsGone(first));
  EXPECT_TRUE(IsGone(second));
  // And it stays lost, for this daemon and for the next.
  world.Start(world.Shell(1, "echo again"));
  world.Reopen();
  EXPECT_EQ(world.Look(Id(1)).what, What::kLost);
  EXPECT_EQ(world.Out(1), "");
  EXPECT_FALSE(world.executor().Suspend(Id(1)).ok());
  EXPECT_TRUE(world.executor().Stop(Id(1)).ok());
}

TEST(LocalExecutor, SweepsALostRunThatOnlyItsLogKnows) {
  LocalWorld world;
  Fifo fifo(world.folder().path() + "/fifo");
  world.Start(world.Shell(1, "env -i setsid sh -c 'echo $$ >" + fifo.path() +
                                 "; exec sleep 1000' & exec sleep 1000"));
  const ProcessIdentity stray = fifo.AwaitProcess();
  world.Await(Id(1), What::kRunning);
  world.Close();
  ASSERT_EQ(SendSignal(world.Runner(1), SIGKILL), 0);
  world.Open();
  // Found after a restart, and perhaps a moment before it is gone.
  world.Await(Id(1), What::kLost);
  EXPECT_TRUE(IsGone(stray));
}

void WriteStarted(const LocalWorld& world, int job, StartedRecord record) {
  std::filesystem::create_directories(world.Dir(job));
  ASSERT_EQ(ClaimStarted(world.Dir(job), record), 0);
}

TEST(LocalExecutor, DoesNotTakeARecycledNumberForARunner) {
  LocalWorld world;
  StartedRecord record;
  record.runner = ReadStat(::getpid()).value->who;
  record.boot_id = ReadBootId();
  record.at_ms = 1000;
  record.runner.start_ticks -= 1;  // the one that had our number before
  WriteStarted(world, 1, record);
  const Sight sight = world.Look(Id(1));
  EXPECT_EQ(sight.what, What::kLost);  // and the test itself lives
  EXPECT_EQ(sight.began_at, Instant::FromMillis(1000));
  EXPECT_TRUE(world.executor().Stop(Id(1)).ok());
}

TEST(LocalExecutor, TellsThatTheMachineRestarted) {
  LocalWorld world;
  StartedRecord record;
  record.runner = ReadStat(::getpid()).value->who;  // by chance the same
  record.boot_id = "of-another-boot";
  WriteStarted(world, 1, record);
  const Sight sight = world.Look(Id(1));
  EXPECT_EQ(sight.what, What::kLost);
  EXPECT_EQ(sight.detail, "the machine restarted");
}

TEST(LocalExecutor, StartsAnewWhereNoRunnerHadTakenTheRun) {
  LocalWorld world;
  std::filesystem::create_directories(world.Dir(1));
  world.folder().Write("state/runs/1.1/started.tmp", "runner 12");
  world.folder().Write("state/runs/1.1/lock", "");
  EXPECT_EQ(world.Look(Id(1)).what, What::kAbsent);
  EXPECT_EQ(world.RunToEnd(world.Shell(1, "exit 9")).exit_code, 9);
}

TEST(LocalExecutor, DoesNotStartAgainWhatItCannotRead) {
  LocalWorld world;
  std::filesystem::create_directories(world.Dir(1));
  world.folder().Write("state/runs/1.1/started", "runner 12");
  EXPECT_EQ(world.Look(Id(1)).what, What::kLost);
  // Half an exit record is none.
  StartedRecord record;
  record.runner = {1, 1};
  record.boot_id = ReadBootId();
  WriteStarted(world, 2, record);
  world.folder().Write("state/runs/2.1/exit", "code 0\nbegan_ms 1\n");
  EXPECT_EQ(world.Look(Id(2)).what, What::kLost);
}

TEST(LocalExecutor, ForgetsTheRunAndKeepsItsLogs) {
  LocalWorld world;
  world.RunToEnd(world.Shell(1, "echo kept"));
  world.executor().Forget(Id(1));
  EXPECT_FALSE(std::filesystem::exists(world.Dir(1)));
  EXPECT_EQ(world.Out(1), "kept\n");
  EXPECT_EQ(world.Look(Id(1)).what, What::kAbsent);
  world.executor().Forget(Id(1));
}

TEST(LocalExecutor, DoesNotForgetARunThatRuns) {
  LocalWorld world;
  world.Start(world.Order(1, {"/bin/sleep", "1000"}));
  world.Await(Id(1), What::kRunning);
  world.executor().Forget(Id(1));
  EXPECT_EQ(world.Look(Id(1)).what, What::kRunning);
}

}  // namespace
}  // namespace carbond
