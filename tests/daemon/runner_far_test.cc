// A runner that a cluster starts: it reads what to do from the run's directory,
// takes its orders there, and says there that it lives.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include "daemon/exec/launch.h"
#include "daemon/exec/run_files.h"
#include "daemon/exec/runner_options.h"
#include "tests/daemon/local_world.h"

namespace carbond {
namespace {

using testing::HasSubstr;

class FarPlace {
 public:
  explicit FarPlace(const std::string& line) {
    std::filesystem::create_directory(dir());
    RunnerOptions options;
    options.dir = dir();
    options.workdir = folder_.path();
    options.out = folder_.path() + "/out";
    options.err = folder_.path() + "/err";
    options.grace_ms = 50;
    options.heartbeat_ms = 20;
    options.lease_ms = 100;
    options.checkpoint_signal = SIGUSR1;
    options.command = {"/bin/sh", "-c", line};
    EXPECT_EQ(WriteTexts(dir(), kOptionsFile, FormatRunnerOptions(options)), 0);
    EXPECT_EQ(WriteTexts(dir(), kEnvironmentFile, {"GREETING=two\nlines"}), 0);
  }
  std::string dir() const { return folder_.path() + "/run"; }
  std::string fifo() const { return folder_.path() + "/fifo"; }
  std::string Out() const { return ReadAll(folder_.path() + "/out"); }
  std::string Log() const { return ReadAll(folder_.path() + "/log"); }
  void Order(const Orders& orders) { EXPECT_EQ(WriteOrders(dir(), orders), 0); }

  ProcessIdentity Launch() {
    auto launched = LaunchRunner(CARBON_RUNNER, {"--run", dir()},
                                 OwnEnvironment(), folder_.path() + "/log");
    EXPECT_TRUE(launched.ok()) << launched.status();
    return *launched;
  }
  int Await(const ProcessIdentity& runner) {
    int status = 0;
    EXPECT_EQ(::waitpid(runner.pid, &status, 0), runner.pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  ExitRecord Exit() {
    const auto exit = ReadExit(dir());
    EXPECT_TRUE(exit.value.has_value());
    return exit.value.value_or(ExitRecord{});
  }

 private:
  ScratchFolder folder_;
};

TEST(FarRunner, FindsItsCommandAndEnvironmentInTheDirectory) {
  FarPlace place("printf %s \"$GREETING\"; exit 7");
  EXPECT_EQ(place.Await(place.Launch()), 0);
  EXPECT_EQ(place.Exit().code, 7);
  EXPECT_EQ(place.Out(), "two\nlines");
  EXPECT_TRUE(ReadHeartbeat(place.dir()).value.has_value());
  EXPECT_THAT(ReadStarted(place.dir()).value->place, HasSubstr("on "));
}

TEST(FarRunner, IsTheOnlyOneThatARunWillHave) {
  FarPlace place("echo once");
  const auto first = place.Launch();
  const auto second = place.Launch();
  EXPECT_EQ(place.Await(first) + place.Await(second), 112);
  EXPECT_EQ(place.Await(place.Launch()), 112);
  EXPECT_EQ(place.Out(), "once\n");
}

TEST(FarRunner, SaysWhatIsMissingWhereTheStorageIsNotShared) {
  FarPlace place("true");
  std::filesystem::remove_all(place.dir());
  EXPECT_EQ(place.Await(place.Launch()), 2);
  EXPECT_THAT(place.Log(), HasSubstr("does this machine see carbond's "
                                     "shared_dir?"));
}

TEST(FarRunner, BeginsNothingThatIsUnwantedByNow) {
  FarPlace place("echo never");
  Orders orders;
  orders.stop = true;
  place.Order(orders);
  EXPECT_EQ(place.Await(place.Launch()), 0);
  EXPECT_EQ(place.Out(), "");
  EXPECT_EQ(place.Exit().signal, SIGTERM);
  EXPECT_TRUE(place.Exit().stopped);
}

TEST(FarRunner, BeginsNothingThatWasTakenBack) {
  FarPlace place("echo never");
  Orders orders;
  orders.recall = true;
  place.Order(orders);
  EXPECT_EQ(place.Await(place.Launch()), 0);
  EXPECT_EQ(place.Out(), "");
  EXPECT_TRUE(place.Exit().recalled);
  EXPECT_FALSE(place.Exit().code || place.Exit().signal);
  EXPECT_FALSE(place.Exit().stopped);
}

TEST(FarRunner, IsNotTakenBackOnceItHasBegun) {
  FarPlace place("echo $$ >fifo; while :; do sleep 0.01; done");
  Fifo fifo(place.fifo());
  const auto runner = place.Launch();
  fifo.AwaitProcess();
  Orders orders;
  orders.recall = true;
  orders.checkpoint_attempt = 1;
  place.Order(orders);
  EXPECT_EQ(place.Await(runner), 0);
  EXPECT_EQ(place.Exit().signal, SIGUSR1);  // the other order was read
}

TEST(FarRunner, StopsContinuesAndAsksForACheckpointAsTheOrdersSay) {
  FarPlace place(
      "trap 'exit 85' USR1; echo $$ >fifo; while :; do sleep 0.01; done");
  Fifo fifo(place.fifo());
  const auto runner = place.Launch();
  const ProcessIdentity job = fifo.AwaitProcess();
  Orders orders;
  orders.suspend = true;
  place.Order(orders);
  while (!*IsSuspended(place.dir()).value) sched_yield();
  // D: it waits for a child that was stopped before it ran its program.
  EXPECT_TRUE(StateOf(job) == 'T' || StateOf(job) == 'D');
  orders.suspend = false;
  orders.checkpoint_attempt = 1;
  place.Order(orders);
  EXPECT_EQ(place.Await(runner), 0);
  EXPECT_EQ(place.Exit().code, 85);
  EXPECT_FALSE(place.Exit().stopped);
}

TEST(FarRunner, KillsAtOnceWhatWasGivenUp) {
  FarPlace place("trap '' TERM; echo $$ >fifo; while :; do sleep 0.01; done");
  Fifo fifo(place.fifo());
  const auto runner = place.Launch();
  const ProcessIdentity job = fifo.AwaitProcess();
  Orders orders;
  orders.abandon = true;
  place.Order(orders);
  EXPECT_EQ(place.Await(runner), 0);
  EXPECT_TRUE(IsGone(job));
  EXPECT_EQ(place.Exit().signal, SIGKILL);
  EXPECT_EQ(place.Exit().detail, "it was given up");
}

TEST(FarRunner, EndsWhenItsDirectoryIsGone) {
  FarPlace place("trap '' TERM; echo $$ >fifo; while :; do sleep 0.01; done");
  Fifo fifo(place.fifo());
  const auto runner = place.Launch();
  const ProcessIdentity job = fifo.AwaitProcess();
  std::filesystem::rename(place.dir(), place.dir() + ".gone");
  EXPECT_EQ(place.Await(runner), 0);
  EXPECT_TRUE(IsGone(job));
}

TEST(FarRunner, EndsItsJobWhenItCannotSayThatItLives) {
  FarPlace place("echo $$ >fifo; while :; do sleep 0.01; done");
  Fifo fifo(place.fifo());
  const auto runner = place.Launch();
  const ProcessIdentity job = fifo.AwaitProcess();
  // A directory of that name cannot be written over.
  std::filesystem::create_directory(place.dir() + "/heartbeat.tmp");
  EXPECT_EQ(place.Await(runner), 0);
  EXPECT_TRUE(IsGone(job));
  EXPECT_THAT(place.Exit().detail, HasSubstr("could not say that it lives"));
}

}  // namespace
}  // namespace carbond
