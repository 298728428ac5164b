#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/daemon/local_world.h"

namespace carbond {
namespace {

using testing::AnyOf;
using What = Sight::What;

constexpr ProcessId Id(int job) { return {JobId{job}, 1}; }

// ---- Nothing outlives its run -----------------------------------------------

TEST(LocalExecutor, EndsWhatAJobLeavesBehind) {
  LocalWorld world;
  Fifo fifo(world.folder().path() + "/fifo");
  Fifo go(world.folder().path() + "/go");
  // A daemon as the book has it: two forks, a session of its own, no output.
  world.Start(world.Shell(
      1, "(setsid sh -c 'trap \"\" TERM HUP; echo $$ >" + fifo.path() +
             "; exec sleep 1000' >/dev/null 2>&1 &) & read line <" + go.path() +
             "; exit 3"));
  const ProcessIdentity stray = fifo.AwaitProcess();
  EXPECT_FALSE(IsGone(stray));
  std::ofstream(go.path()) << "go\n" << std::flush;
  EXPECT_EQ(world.AwaitEnd(1).exit_code, 3);
  EXPECT_TRUE(IsGone(stray));
}

TEST(LocalExecutor, EndsHundredsOfProcessesInSessionsOfTheirOwn) {
  LocalWorld world;
  Fifo fifo(world.folder().path() + "/fifo");
  world.Start(world.Shell(
      1,
      "i=0; while [ $i -lt 150 ]; do setsid sh -c "
      "'trap \"\" TERM; sleep 1000 & wait' & i=$((i+1)); done; echo $$ >" +
          fifo.path() + "; kill -9 $$"));
  fifo.AwaitLine();
  EXPECT_EQ(world.AwaitEnd(1).signal, 9);
  const auto all = AllProcesses();
  ASSERT_TRUE(all.has_value());
  for (const ProcessStat& stat : *all) {
    const auto environment = ReadSmallFile(
        "/proc/" + std::to_string(stat.who.pid) + "/environ", 1 << 20);
    EXPECT_EQ(environment.value.value_or("").find(world.Dir(1)),
              std::string::npos)
        << stat.who.pid;
  }
}

// Each link of the chain forks the next, in a session of its own, and leaves.
std::string Hopper(const LocalWorld& world) {
  const std::string path = world.folder().Write(
      "hopper", "#!/bin/sh\nsetsid \"$0\" >/dev/null 2>&1 &\n");
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  return path;
}

TEST(LocalExecutor, CatchesAChainOfProcessesThatForkAndLeave) {
  LocalWorld world;
  Fifo fifo(world.folder().path() + "/fifo");
  world.Start(world.Shell(
      1, Hopper(world) + "; echo on >" + fifo.path() + "; exec sleep 1000"));
  fifo.AwaitLine();
  world.Await(Id(1), What::kRunning);
  EXPECT_TRUE(world.executor().Suspend(Id(1)).ok());
  world.Await(Id(1), What::kSuspended);
  EXPECT_TRUE(world.executor().Continue(Id(1)).ok());
  world.Await(Id(1), What::kRunning);
  EXPECT_TRUE(world.executor().Stop(Id(1)).ok());
  world.AwaitEnd(1);
}

TEST(LocalExecutor, StopsTheWholeTree) {
  LocalWorld world;
  Fifo fifo(world.folder().path() + "/fifo");
  world.Start(world.Shell(1, "setsid sh -c 'echo $$ >" + fifo.path() +
                                 "; exec sleep 1000' & exec sleep 1000"));
  const ProcessIdentity grandchild = fifo.AwaitProcess();
  world.Await(Id(1), What::kRunning);
  EXPECT_TRUE(world.executor().Stop(Id(1)).ok());
  EXPECT_TRUE(world.executor().Stop(Id(1)).ok());
  EXPECT_EQ(world.AwaitEnd(1).signal, SIGTERM);
  EXPECT_TRUE(IsGone(grandchild));
  EXPECT_TRUE(world.executor().Stop(Id(1)).ok());
}

TEST(LocalExecutor, StopsARunThatHasHardlyBegun) {
  LocalWorld world;
  for (int job = 1; job <= 20; ++job) {
    world.Start(world.Order(job, {"/bin/sleep", "1000"}));
    EXPECT_TRUE(world.executor().Stop(Id(job)).ok());
    EXPECT_EQ(world.AwaitEnd(job).signal, SIGTERM);
  }
}

TEST(LocalExecutor, StopsARunWhoseRunnerSomebodyStopped) {
  LocalWorld world;
  world.Start(world.Order(1, {"/bin/sleep", "1000"}));
  world.Await(Id(1), What::kRunning);
  ASSERT_EQ(SendSignal(world.Runner(1), SIGSTOP), 0);
  EXPECT_TRUE(world.executor().Stop(Id(1)).ok());
  EXPECT_EQ(world.AwaitEnd(1).signal, SIGTERM);
}

TEST(LocalExecutor, StopsASuspendedRun) {
  LocalWorld world;
  world.Start(world.Order(1, {"/bin/sleep", "1000"}));
  world.Await(Id(1), What::kRunning);
  EXPECT_TRUE(world.executor().Suspend(Id(1)).ok());
  world.Await(Id(1), What::kSuspended);
  EXPECT_TRUE(world.executor().Stop(Id(1)).ok());
  EXPECT_EQ(world.AwaitEnd(1).signal, SIGTERM);
}

// ---- Suspended --------------------------------------------------------------

TEST(LocalExecutor, SuspendsGrandchildrenInSessionsOfTheirOwn) {
  LocalWorld world;
  Fifo fifo(world.folder().path() + "/fifo");
  Fifo answer(world.folder().path() + "/answer");
  world.Start(world.Shell(1, "setsid sh -c 'echo $$ >" + fifo.path() +
                                 "; while :; do :; done' & echo $$ >" +
                                 fifo.path() + "; while :; do :; done"));
  const ProcessIdentity first = fifo.AwaitProcess();
  const ProcessIdentity second = fifo.AwaitProcess();
  world.Await(Id(1), What::kRunning);
  for (int round = 0; round < 5; ++round) {
    EXPECT_TRUE(world.executor().Suspend(Id(1)).ok());
    const Sight sight = world.Await(Id(1), What::kSuspended);
    EXPECT_EQ(StateOf(first), 'T');
    EXPECT_EQ(StateOf(second), 'T');
    EXPECT_TRUE(sight.began_at > Instant());
    EXPECT_TRUE(world.executor().Continue(Id(1)).ok());
    world.Await(Id(1), What::kRunning);
    EXPECT_THAT(StateOf(first), AnyOf('R', 'S'));
    EXPECT_THAT(StateOf(second), AnyOf('R', 'S'));
  }
}

TEST(LocalExecutor, HeedsSuspendAndContinueInTheirOrder) {
  LocalWorld world;
  world.Start(world.Order(1, {"/bin/sleep", "1000"}));
  world.Await(Id(1), What::kRunning);
  for (int round = 0; round < 50; ++round) {
    EXPECT_TRUE(world.executor().Continue(Id(1)).ok());
    EXPECT_TRUE(world.executor().Suspend(Id(1)).ok());
  }
  // The runner may be seen suspended in between. In the end it stays so.
  EXPECT_TRUE(world.executor().Checkpoint(Id(1), 1).ok());
  world.Await(Id(1), What::kSuspended);
  EXPECT_TRUE(world.executor().Stop(Id(1)).ok());
  world.AwaitEnd(1);
}

TEST(LocalExecutor, StopsAgainWhatSomebodyElseContinued) {
  LocalWorld world;
  world.Start(world.Order(1, {"/bin/sleep", "1000"}));
  world.Await(Id(1), What::kRunning);
  EXPECT_TRUE(world.executor().Suspend(Id(1)).ok());
  world.Await(Id(1), What::kSuspended);
  const auto job = ReadJob(world.Dir(1));
  ASSERT_TRUE(job.value.has_value());
  const int rung = world.bell().Count();
  ASSERT_EQ(SendSignal(job.value->main, SIGCONT), 0);
  ASSERT_TRUE(world.bell().AwaitMoreThan(
      rung, std::chrono::steady_clock::now() + kTestPatience));
  EXPECT_EQ(StateOf(job.value->main), 'T');
}

TEST(LocalExecutor, GoesOnWithASuspendedRunAfterARestart) {
  LocalWorld world;
  Fifo go(world.folder().path() + "/go");
  world.Start(world.Shell(1, "read line <" + go.path() + "; exit 4"));
  world.Await(Id(1), What::kRunning);
  EXPECT_TRUE(world.executor().Suspend(Id(1)).ok());
  world.Await(Id(1), What::kSuspended);
  world.Reopen();
  EXPECT_EQ(world.Look(Id(1)).what, What::kSuspended);
  EXPECT_TRUE(world.executor().Continue(Id(1)).ok());
  std::ofstream(go.path()) << "go\n" << std::flush;
  EXPECT_EQ(world.AwaitEnd(1).exit_code, 4);
}

}  // namespace
}  // namespace carbond
