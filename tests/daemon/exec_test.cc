#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "tests/daemon/local_world.h"

namespace carbond {
namespace {

using testing::HasSubstr;
using What = Sight::What;

constexpr ProcessId Id(int job) { return {JobId{job}, 1}; }

// ---- Ends -------------------------------------------------------------------

TEST(LocalExecutor, TellsHowAJobEnded) {
  LocalWorld world;
  int job = 0;
  for (const int code : {0, 1, 85, 255}) {
    const Sight sight =
        world.RunToEnd(world.Shell(++job, "exit " + std::to_string(code)));
    EXPECT_EQ(sight.exit_code, code);
    EXPECT_EQ(sight.signal, std::nullopt);
    EXPECT_LE(sight.began_at, sight.ended_at);
    EXPECT_EQ(sight.detail, "");
  }
  for (const int signal : {9, 11, 15}) {
    const Sight sight = world.RunToEnd(
        world.Shell(++job, "kill -" + std::to_string(signal) + " $$"));
    EXPECT_EQ(sight.signal, signal);
    EXPECT_EQ(sight.exit_code, std::nullopt);
  }
}

TEST(LocalExecutor, TellsWhenTheCommandCouldNotBeStarted) {
  LocalWorld world;
  const Sight absent = world.RunToEnd(world.Order(1, {"/no/such/program"}));
  EXPECT_EQ(absent.exit_code, std::nullopt);  // it has none: it never ran
  EXPECT_THAT(absent.detail,
              HasSubstr("command `/no/such/program` could not be used: No such "
                        "file or directory"));
  EXPECT_THAT(world.Err(1), HasSubstr("/no/such/program"));

  const std::string text = world.folder().Write("text", "no program");
  EXPECT_THAT(world.RunToEnd(world.Order(2, {text})).detail,
              HasSubstr("Permission denied"));

  StartOrder nowhere = world.Shell(3, "true");
  nowhere.spec.workdir = "/no/such/place";
  EXPECT_THAT(world.RunToEnd(nowhere).detail,
              HasSubstr("working directory /no/such/place"));
}

// As much as a submission may hold (scheduler/job.cc) is started.
TEST(LocalExecutor, StartsTheLongestCommandThatIsAccepted) {
  LocalWorld world;
  StartOrder order = world.Shell(
      1, "test $# = 6 && test ${#1} = 131071 && test ${#BIG} = 131067");
  order.spec.command.push_back("sh");
  const std::string longest(128 * 1024 - 1, 'x');
  for (int i = 0; i < 6; ++i) order.spec.command.push_back(longest);
  order.spec.env["BIG"] = longest.substr(4);
  order.spec.env["MORE"] = longest.substr(5, 130'500);
  const Region here{"here", "DE", Pue::Of(1), {1, 1}, {}, false};
  order.spec.duration = hours(1);
  const auto accepted =
      CompleteSpec(order.spec, {}, {here}, {}, SystemClock::RealNow());
  ASSERT_TRUE(accepted.ok()) << accepted.status();
  order.spec.env["YET_MORE"] = "x" + longest.substr(9, 1000);
  EXPECT_FALSE(
      CompleteSpec(order.spec, {}, {here}, {}, SystemClock::RealNow()).ok());
  order.spec.env.erase("YET_MORE");
  EXPECT_EQ(world.RunToEnd(order).exit_code, 0);
}

TEST(LocalExecutor, GivesInstantsOfTheDaemonsClock) {
  LocalWorld world;
  const Instant real = SystemClock::RealNow();
  const SystemClock fast(1000, real, Instant::FromSeconds(0));
  Bell bell;
  auto opened =
      LocalExecutor::Open(world.Options(), fast, [&bell] { bell.Ring(); });
  ASSERT_TRUE(opened.ok()) << opened.status();
  const Sight sight = world.RunToEnd(world.Shell(1, "exit 0"));
  const ProcessId id = Id(1);
  const Sight seen = (*opened)->Observe({&id, 1}).front();
  EXPECT_EQ(seen.began_at, fast.FromReal(sight.began_at));
  EXPECT_EQ(seen.ended_at, fast.FromReal(sight.ended_at));
}

TEST(LocalExecutor, KeepsTheWholeOutput) {
  LocalWorld world;
  const Sight sight = world.RunToEnd(world.Shell(
      1, "head -c 20000000 /dev/zero; echo last; echo complaint >&2"));
  EXPECT_EQ(sight.exit_code, 0);
  EXPECT_EQ(world.Out(1).size(), 20000005u);
  EXPECT_TRUE(world.Out(1).ends_with("last\n"));
  EXPECT_EQ(world.Err(1), "complaint\n");
}

TEST(LocalExecutor, RecordsManyJobsThatEndAtOnce) {
  LocalWorld world;
  constexpr int kJobs = 200;
  for (int job = 1; job <= kJobs; ++job) {
    world.Start(world.Shell(job, "exit " + std::to_string(job % 100)));
  }
  for (int job = 1; job <= kJobs; ++job) {
    EXPECT_EQ(world.AwaitEnd(job).exit_code, job % 100) << job;
  }
}

// ---- Once -------------------------------------------------------------------

TEST(LocalExecutor, StartsARunOnlyOnce) {
  LocalWorld world;
  const StartOrder order = world.Shell(1, "echo ran");
  EXPECT_EQ(world.Look(Id(1)).what, What::kAbsent);
  for (int i = 0; i < 3; ++i) world.Start(order);
  EXPECT_NE(world.Look(Id(1)).what, What::kAbsent);
  world.AwaitEnd(1);
  world.Start(order);
  world.Reopen();
  world.Start(order);
  EXPECT_EQ(world.Look(Id(1)).what, What::kEnded);
  EXPECT_EQ(world.Out(1), "ran\n");
}

TEST(LocalExecutor, StartsARunOnlyOnceThoughTwoDaemonsAsk) {
  LocalWorld world;
  SystemClock clock;
  auto other = LocalExecutor::Open(world.Options(), clock, [] {});
  ASSERT_TRUE(other.ok()) << other.status();
  constexpr int kJobs = 30;
  for (int job = 1; job <= kJobs; ++job) {
    const StartOrder order = world.Shell(job, "echo ran; exit 7");
    world.Start(order);
    EXPECT_TRUE((*other)->Start(order).ok());
  }
  for (int job = 1; job <= kJobs; ++job) {
    EXPECT_EQ(world.AwaitEnd(job).exit_code, 7);
    EXPECT_EQ(world.Out(job), "ran\n");
  }
}

TEST(LocalExecutor, TellsWhyARunnerCannotBegin) {
  LocalWorld world;
  // Where the runner would make its lock.
  std::filesystem::create_directories(world.Dir(1) + "/lock");
  const StartOrder order = world.Shell(1, "echo ran");
  world.Start(order);
  const Sight sight = world.Await(Id(1), What::kAbsent);
  EXPECT_THAT(sight.detail, HasSubstr("cannot lock"));
  const Status again = world.executor().Start(order);
  EXPECT_EQ(again.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(Message(again), HasSubstr("Is a directory"));
}

TEST(LocalExecutor, RefusesForNowWhereNoDirectoryCanBeMade) {
  LocalWorld world;
  world.folder().Write("state/runs/1.1", "in the way");
  EXPECT_EQ(world.executor().Start(world.Shell(1, "true")).code(),
            absl::StatusCode::kUnavailable);
}

TEST(LocalExecutor, RefusesForEverWhatNoSystemWouldTake) {
  LocalWorld world;
  const StartOrder order =
      world.Order(1, {"/bin/echo", std::string(8 << 20, 'x')});
  EXPECT_EQ(world.executor().Start(order).code(),
            absl::StatusCode::kInvalidArgument);
}

// ---- What a job sees --------------------------------------------------------

TEST(LocalExecutor, TellsTheJobWhoItIs) {
  LocalWorld world;
  StartOrder order = world.Order(41, {"/usr/bin/env"});
  order.spec.env = {{"MINE", "a b"}, {"CARBON_RUN", "forged"}};
  order.allotment = {{0, 2}, 3};
  world.RunToEnd(order);
  const std::string state =
      std::filesystem::canonical(world.Options().state_dir);
  const std::string env = "\n" + world.Out(41);
  for (const std::string& line :
       {std::string("MINE=a b"), std::string("CARBON_JOB_ID=41"),
        std::string("CARBON_RUN=1"), std::string("CARBON_REGION=here"),
        std::string("CARBON_RESUME=0"),
        "CARBON_CHECKPOINT_DIR=" + state + "/checkpoints/41",
        "CARBON_PROGRESS_FILE=" + state + "/runs/41.1/progress",
        std::string("CUDA_VISIBLE_DEVICES=0,2"),
        std::string("CUDA_DEVICE_ORDER=PCI_BUS_ID"),
        std::string("OMP_NUM_THREADS=3")}) {
    EXPECT_THAT(env, HasSubstr("\n" + line + "\n"));
  }
  struct stat info = {};
  ASSERT_EQ(::stat((state + "/checkpoints/41").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST(LocalExecutor, HidesTheGpusFromAJobThatGotNone) {
  LocalWorld world;
  StartOrder order = world.Shell(1, "echo \"<$CUDA_VISIBLE_DEVICES>\"");
  order.spec.env = {{"CUDA_VISIBLE_DEVICES", "0"}, {"OMP_NUM_THREADS", "8"}};
  order.allotment.cpus = 2;
  world.RunToEnd(order);
  EXPECT_EQ(world.Out(1), "<>\n");
  order = world.Shell(2, "echo $CUDA_VISIBLE_DEVICES $OMP_NUM_THREADS");
  order.region = "without";  // where carbond has no GPUs to give, hands off
  order.spec.env = {{"CUDA_VISIBLE_DEVICES", "0"}, {"OMP_NUM_THREADS", "8"}};
  order.allotment.cpus = 2;
  world.RunToEnd(order);
  EXPECT_EQ(world.Out(2), "0 8\n");
}

TEST(LocalExecutor, GivesTheJobACleanProcess) {
  LocalWorld world;
  world.RunToEnd(
      world.Shell(1,
                  "awk '/SigBlk|SigIgn/ {print $2}' /proc/self/status; "
                  "ls /proc/self/fd | wc -l; readlink /proc/self/fd/0; pwd"));
  std::istringstream out(world.Out(1));
  uint64_t blocked = 1;
  uint64_t ignored = 1;
  int files = 0;
  std::string input;
  std::string workdir;
  out >> std::hex >> blocked >> ignored >> std::dec >> files >> input >>
      workdir;
  EXPECT_EQ(blocked, 0u);
  // glibc's posix_spawn ignores its own two signals, 32 and 33, in any child.
  EXPECT_EQ(ignored & ~(uint64_t{3} << 31), 0u);
  EXPECT_EQ(files, 4);  // three, and the one by which `ls` reads the folder
  EXPECT_EQ(input, "/dev/null");
  EXPECT_EQ(workdir, world.folder().path());
}

// ---- What can be known at submission ----------------------------------------

TEST(LocalExecutor, ChecksTheCommand) {
  LocalWorld world;
  const std::string here = world.folder().path();
  const auto check = [&](std::vector<std::string> command,
                         const std::string& workdir) {
    JobSpec spec;
    spec.command = std::move(command);
    spec.workdir = workdir;
    return Message(world.executor().Check(spec, "here"));
  };
  world.folder().Write("train.py", "print(1)");
  const std::string tool = world.folder().Write("tool", "#!/bin/sh\n");
  std::filesystem::permissions(tool, std::filesystem::perms::owner_all);

  EXPECT_EQ(check({"sh"}, here), "");
  EXPECT_EQ(check({"/bin/sh"}, here), "");
  EXPECT_EQ(check({"./tool"}, here), "");
  EXPECT_EQ(check({"trian.py"}, here),
            "command `trian.py` was not found in PATH nor in " + here +
                ": give its path");
  EXPECT_EQ(check({"tool"}, here),
            "command `tool` was not found in PATH; the one in " + here +
                " is called `./tool`");
  EXPECT_EQ(check({"./train.py"}, here),
            "command " + here +
                "/./train.py is not executable: chmod +x it, or name its "
                "interpreter before it");
  EXPECT_EQ(check({"/etc"}, here),
            "command /etc is a directory: name the program in it");
  EXPECT_EQ(check({"/dev/null"}, here),
            "command /dev/null is not a regular file");
  EXPECT_EQ(check({"/no/tool"}, here),
            "command /no/tool: No such file or directory");
  EXPECT_EQ(check({}, here), "command is empty: say what to run after `--`");
  EXPECT_EQ(check({"sh"}, "/no/place"),
            "working directory /no/place: No such file or directory");
  EXPECT_EQ(check({"sh"}, tool),
            "working directory " + tool + " is not a directory");
  EXPECT_EQ(check({"sh"}, "runs"),
            "working directory `runs` is not absolute: begin it with /");
  EXPECT_THAT(check({"sh", std::string("a\0b", 3)}, here), HasSubstr("NUL"));
}

TEST(LocalExecutor, LooksForTheCommandWhereTheJobWould) {
  LocalWorld world;
  const std::string tool = world.folder().Write("tool", "#!/bin/sh\nexit 12\n");
  std::filesystem::permissions(tool, std::filesystem::perms::owner_all);
  StartOrder order = world.Order(1, {"tool"});
  EXPECT_FALSE(world.executor().Check(order.spec, "here").ok());
  for (const std::string& path :
       {world.folder().path(), std::string("."), std::string("/no:")}) {
    order.spec.env["PATH"] = path;
    EXPECT_TRUE(world.executor().Check(order.spec, "here").ok()) << path;
    EXPECT_EQ(world.RunToEnd(order).exit_code, 12) << path;
    order.id.process++;
  }
  order.spec.env["A=B"] = "x";
  EXPECT_FALSE(world.executor().Check(order.spec, "here").ok());
}

TEST(LocalExecutor, SaysWhatMendsAMissingRunner) {
  LocalWorld world;
  LocalOptions options = world.Options();
  options.runner = "/no/carbon-runner";
  const auto opened = LocalExecutor::Open(options, world.clock(), [] {});
  EXPECT_EQ(Message(opened.status()),
            "carbon-runner /no/carbon-runner: No such file or directory; "
            "install it beside carbond or set `runner:`");
}

}  // namespace
}  // namespace carbond
