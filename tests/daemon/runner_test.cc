#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include "daemon/exec/launch.h"
#include "daemon/exec/run_files.h"
#include "daemon/exec/runner_options.h"
#include "tests/daemon/local_world.h"

namespace carbond {
namespace {

using testing::HasSubstr;

constexpr int kNotMine = 112;

// One run directory and the runners a test starts on it.
class RunPlace {
 public:
  RunPlace() {
    std::filesystem::create_directory(dir());
    options_.dir = dir();
    options_.workdir = folder_.path();
    options_.out = folder_.path() + "/out";
    options_.err = folder_.path() + "/err";
    options_.grace_ms = 50;
  }
  RunnerOptions& options() { return options_; }
  const ScratchFolder& folder() const { return folder_; }
  std::string dir() const { return folder_.path() + "/run"; }

  ProcessIdentity Launch(const std::string& line) {
    options_.command = {"/bin/sh", "-c", line};
    return LaunchArguments(FormatRunnerOptions(options_));
  }
  ProcessIdentity LaunchArguments(const std::vector<std::string>& arguments) {
    auto launched = LaunchRunner(CARBON_RUNNER, arguments, OwnEnvironment(),
                                 folder_.path() + "/log");
    EXPECT_TRUE(launched.ok()) << launched.status();
    return *launched;
  }
  // The runner's own exit code.
  int Await(const ProcessIdentity& runner) {
    int status = 0;
    EXPECT_EQ(::waitpid(runner.pid, &status, 0), runner.pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  ExitRecord RunToEnd(const std::string& line) {
    EXPECT_EQ(Await(Launch(line)), 0);
    return Exit();
  }
  ExitRecord Exit() {
    const auto exit = ReadExit(dir());
    EXPECT_TRUE(exit.value.has_value());
    return exit.value.value_or(ExitRecord{});
  }
  void Tell(const ProcessIdentity& runner, Control control, int attempt = 0) {
    const auto handle = OpenProcess(runner);
    ASSERT_TRUE(handle.value.has_value());
    EXPECT_EQ(QueueSignal(handle.value->get(), ControlSignal(),
                          ControlValue(control, attempt)),
              0);
  }
  std::string Log() const { return ReadAll(folder_.path() + "/log"); }

 private:
  ScratchFolder folder_;
  RunnerOptions options_;
};

TEST(Runner, RecordsTheEndWithItsTimeAndWork) {
  RunPlace place;
  const int64_t before = SystemClock::RealNow().millis();
  const ExitRecord exit = place.RunToEnd(
      "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done; exit 7");
  EXPECT_EQ(exit.code, 7);
  EXPECT_FALSE(exit.signal.has_value());
  EXPECT_GE(exit.began_ms, before);
  EXPECT_GE(exit.ended_ms, exit.began_ms);
  EXPECT_LE(exit.ended_ms, SystemClock::RealNow().millis());
  EXPECT_GT(exit.user_cpu_ms + exit.system_cpu_ms, 0);
  EXPECT_FALSE(exit.stopped);
  EXPECT_EQ(place.Log(), "");
}

TEST(Runner, LivesInASessionOfItsOwnAndHoldsTheLock) {
  RunPlace place;
  Fifo fifo(place.folder().path() + "/fifo");
  const auto runner =
      place.Launch("echo $$ >" + fifo.path() + "; exec sleep 1000");
  const ProcessIdentity job = fifo.AwaitProcess();
  EXPECT_EQ(::getsid(runner.pid), runner.pid);
  EXPECT_EQ(::getsid(job.pid), job.pid);
  EXPECT_EQ(::getpgid(job.pid), job.pid);
  EXPECT_EQ(*IsLocked(place.dir()).value, true);
  const auto started = ReadStarted(place.dir());
  ASSERT_TRUE(started.value.has_value());
  EXPECT_EQ(started.value->runner, runner);
  EXPECT_EQ(started.value->boot_id, ReadBootId());
  place.Tell(runner, Control::kStop);
  EXPECT_EQ(place.Await(runner), 0);
  EXPECT_EQ(*IsLocked(place.dir()).value, false);
  EXPECT_TRUE(place.Exit().stopped);
}

TEST(Runner, LeavesARunThatIsNotItsOwn) {
  RunPlace place;
  Fifo fifo(place.folder().path() + "/fifo");
  const auto first = place.Launch("read line <" + fifo.path() + "; exit 4");
  std::vector<ProcessIdentity> others;
  for (int i = 0; i < 5; ++i) others.push_back(place.Launch("exit 5"));
  int codes_of_others = 0;
  for (const auto& other : others) codes_of_others += place.Await(other);
  std::ofstream(fifo.path()) << "go\n" << std::flush;
  const int code_of_first = place.Await(first);
  // Any of them may have been the quickest. It is one, and only one.
  EXPECT_EQ(code_of_first + codes_of_others, 5 * kNotMine);
  const auto code = place.Exit().code;
  EXPECT_TRUE(code == 4 || code == 5);
  EXPECT_EQ(place.Await(place.Launch("exit 6")), kNotMine);
  EXPECT_EQ(place.Exit().code, code);
  EXPECT_THAT(place.Log(), HasSubstr("cannot take the run"));
}

TEST(Runner, KillsWhatIgnoresTerm) {
  RunPlace place;
  Fifo fifo(place.folder().path() + "/fifo");
  const auto runner =
      place.Launch("trap '' TERM; (setsid sh -c 'echo $$ >" + fifo.path() +
                   "; while :; do sleep 1000; done' &); read line <" +
                   fifo.path() + ".never || while :; do sleep 1000; done");
  const ProcessIdentity grandchild = fifo.AwaitProcess();
  place.Tell(runner, Control::kStop);
  EXPECT_EQ(place.Await(runner), 0);
  EXPECT_EQ(place.Exit().signal, SIGKILL);
  EXPECT_TRUE(IsGone(grandchild));
}

TEST(Runner, LetsTheRestFinishAfterAStop) {
  RunPlace place;
  place.options().grace_ms = 60'000;
  Fifo fifo(place.folder().path() + "/fifo");
  // A shell falls at once; the program it started saves first.
  const auto runner =
      place.Launch("sh -c 'trap \"echo saved; exit 0\" TERM; echo up >" +
                   fifo.path() + "; while :; do sleep 0.01; done' & wait");
  fifo.AwaitLine();
  place.Tell(runner, Control::kStop);
  EXPECT_EQ(place.Await(runner), 0);
  EXPECT_EQ(place.Exit().signal, SIGTERM);
  EXPECT_EQ(ReadAll(place.options().out), "saved\n");
}

TEST(Runner, StopsAtATermFromAnyone) {
  RunPlace place;
  const auto runner = place.Launch("exec sleep 1000");
  EXPECT_EQ(SendSignal(runner, SIGTERM), 0);
  EXPECT_EQ(place.Await(runner), 0);
  EXPECT_EQ(place.Exit().detail, "its runner was told to end by SIGTERM");
}

TEST(Runner, TakesItsJobAlongWhenKilled) {
  RunPlace place;
  Fifo fifo(place.folder().path() + "/fifo");
  const auto runner =
      place.Launch("echo $$ >" + fifo.path() + "; exec sleep 1000");
  const ProcessIdentity job = fifo.AwaitProcess();
  const auto handle = OpenProcess(job);
  ASSERT_TRUE(handle.value.has_value());
  EXPECT_EQ(SendSignal(runner, SIGKILL), 0);
  EXPECT_EQ(place.Await(runner), -SIGKILL);
  pollfd gone = {handle.value->get(), POLLIN, 0};
  EXPECT_EQ(::poll(&gone, 1, 60'000), 1);
  EXPECT_FALSE(ReadExit(place.dir()).value.has_value());
  EXPECT_EQ(*IsLocked(place.dir()).value, false);
}

TEST(Runner, RecordsALogItCannotWrite) {
  RunPlace place;
  place.options().out = "/no/place/out";
  const ExitRecord exit = place.RunToEnd("exit 0");
  EXPECT_EQ(exit.code, 126);
  EXPECT_EQ(exit.exec_errno, ENOENT);
  EXPECT_THAT(exit.detail, HasSubstr("log file /no/place/out"));
}

TEST(Runner, RefusesWordsItDoesNotKnow) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{},
        {"--dir", "/x"},
        {"--colour", "red", "--", "true"},
        {"--grace-ms", "soon", "--", "true"},
        {"--help"}}) {
    RunPlace place;
    EXPECT_EQ(place.Await(place.LaunchArguments(arguments)), 2);
    EXPECT_THAT(place.Log(), HasSubstr("carbon-runner: "));
  }
}

TEST(Runner, HoldsNothingOpenThatItsStarterHad) {
  RunPlace place;
  Fifo fifo(place.folder().path() + "/fifo");
  // Not closed on exec, as a careless library would leave it.
  UniqueFd careless(::open("/dev/null", O_RDONLY));
  ASSERT_TRUE(careless);
  const auto runner = place.Launch("ls -l /proc/self/fd; echo x >" +
                                   fifo.path() + "; exec sleep 1000");
  fifo.AwaitLine();
  EXPECT_EQ(ReadAll(place.options().out).find("pipe:"), std::string::npos);
  const auto open_files = [&] {
    const std::filesystem::directory_iterator files(
        "/proc/" + std::to_string(runner.pid) + "/fd");
    return std::distance(begin(files), end(files));
  };
  // One more while it looks for orders: of some looks one sees it wait.
  auto least = open_files();
  for (int look = 0; look < 1000; ++look) least = std::min(least, open_files());
  EXPECT_EQ(least, 6);  // three of its own, lock, two logs
  place.Tell(runner, Control::kStop);
  place.Await(runner);
}

// ---- Its command line and its files -----------------------------------------

TEST(RunnerOptions, ComeBackAsTheyWere) {
  RunnerOptions options;
  options.dir = "/d";
  options.workdir = "/w";
  options.out = "/o";
  options.err = "/e";
  options.grace_ms = 1234;
  options.checkpoint_signal = 10;
  options.on_pause = "kill -USR1 $CARBON_PID; --";
  options.on_resume = "--dir";
  options.command = {"a", "--", "", "--dir"};
  RunnerOptions back;
  std::string mistake;
  ASSERT_TRUE(ParseRunnerOptions(FormatRunnerOptions(options), back, mistake))
      << mistake;
  EXPECT_EQ(back.dir, options.dir);
  EXPECT_EQ(back.workdir, options.workdir);
  EXPECT_EQ(back.out, options.out);
  EXPECT_EQ(back.err, options.err);
  EXPECT_EQ(back.grace_ms, options.grace_ms);
  EXPECT_EQ(back.checkpoint_signal, options.checkpoint_signal);
  EXPECT_EQ(back.on_pause, options.on_pause);
  EXPECT_EQ(back.on_resume, options.on_resume);
  EXPECT_EQ(back.command, options.command);
}

TEST(RunFiles, HalfARecordIsNotThereYet) {
  ScratchFolder folder;
  ExitRecord record;
  record.code = 3;
  record.began_ms = 1000;
  record.ended_ms = 2500;
  record.detail = "two\nlines";
  ASSERT_EQ(WriteExit(folder.path(), record), 0);
  const std::string whole = ReadAll(folder.path() + "/exit");
  for (size_t size = 0; size < whole.size(); ++size) {
    folder.Write("exit", whole.substr(0, size));
    const auto half = ReadExit(folder.path());
    EXPECT_FALSE(half.value.has_value()) << size;
    EXPECT_EQ(half.error, 0);
  }
  folder.Write("exit", whole);
  EXPECT_EQ(ReadExit(folder.path()).value->ended_ms, 2500);
  EXPECT_EQ(ReadExit(folder.path()).value->detail, "two lines");
}

TEST(RunFiles, ARunIsTakenOnce) {
  ScratchFolder folder;
  StartedRecord record;
  record.runner = {12, 345};
  record.boot_id = "boot";
  record.at_ms = 7;
  EXPECT_EQ(ClaimStarted(folder.path(), record), 0);
  record.runner.pid = 13;
  EXPECT_EQ(ClaimStarted(folder.path(), record), EEXIST);
  EXPECT_EQ(ReadStarted(folder.path()).value->runner,
            (ProcessIdentity{12, 345}));
}

TEST(RunFiles, TroubleIsNotAbsence) {
  ScratchFolder folder;
  EXPECT_EQ(ReadExit(folder.path()).error, 0);
  EXPECT_EQ(ReadExit(folder.Write("file", "")).error, ENOTDIR);
}

// Of those who may write there.
TEST(RunFiles, WhatIsNoPlainFileIsNotThere) {
  ScratchFolder folder;
  const std::string exit = folder.path() + "/exit";
  const auto is_absent = [&] {
    const auto found = ReadExit(folder.path());
    return !found.value && found.error == 0;
  };
  std::filesystem::create_directory(exit);
  EXPECT_TRUE(is_absent());
  std::filesystem::remove(exit);
  std::filesystem::create_symlink("/etc/hostname", exit);
  EXPECT_TRUE(is_absent());
  std::filesystem::remove(exit);
  ASSERT_EQ(::mkfifo(exit.c_str(), 0600), 0);
  EXPECT_TRUE(is_absent());
}

TEST(RunFiles, LookingAtTheLockDoesNotTakeIt) {
  ScratchFolder folder;
  EXPECT_EQ(*IsLocked(folder.path()).value, false);
  UniqueFd lock;
  ASSERT_EQ(TakeLock(folder.path(), lock), 0);
  EXPECT_EQ(*IsLocked(folder.path()).value, true);
  UniqueFd second;
  EXPECT_EQ(TakeLock(folder.path(), second), EAGAIN);
  lock = UniqueFd();
  EXPECT_EQ(*IsLocked(folder.path()).value, false);
  EXPECT_EQ(TakeLock(folder.path(), second), 0);
}

}  // namespace
}  // namespace carbond
