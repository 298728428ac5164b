// The real carbon-runner with the real carbon-meter beside it, on counters that
// the test makes up.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "daemon/energy_board.h"
#include "daemon/exec/launch.h"
#include "daemon/exec/run_files.h"
#include "daemon/exec/runner_options.h"
#include "daemon/meter/meter_options.h"
#include "tests/daemon/fake_machine.h"
#include "tests/daemon/local_world.h"

namespace carbond {
namespace {

using testing::HasSubstr;

class MeteredRun : public testing::Test {
 protected:
  MeteredRun() : gpus_(folder_.path()), powercap_(folder_.path() + "/cap") {
    gpus_.Set({{"GPU-a", "1000000"}, {"GPU-b", "2000000"}});
    powercap_.Zone("intel-rapl:0", "package-0", 77);
    meter_.devices = "0";
    meter_.gpus = 1;
    meter_.period_ms = 20;
    meter_.nvml_library = gpus_.library();
    meter_.powercap = powercap_.root();
    meter_.book = folder_.path() + "/book/book";
  }
  std::string Dir(int run) const {
    return folder_.path() + "/run" + std::to_string(run);
  }
  ProcessIdentity Launch(int run, const std::string& line) {
    std::filesystem::create_directory(Dir(run));
    RunnerOptions options;
    options.dir = Dir(run);
    options.workdir = folder_.path();
    options.out = Dir(run) + "/out";
    options.err = Dir(run) + "/err";
    options.grace_ms = 50;
    options.command = {"/bin/sh", "-c", line};
    meter_.dir = Dir(run);
    options.meter = {meter_program_};
    for (const std::string& word : FormatMeterOptions(meter_)) {
      options.meter.push_back(word);
    }
    auto launched = LaunchRunner(CARBON_RUNNER, FormatRunnerOptions(options),
                                 OwnEnvironment(), Dir(run) + "/log");
    EXPECT_TRUE(launched.ok()) << launched.status();
    return *launched;
  }
  void Await(const ProcessIdentity& runner) {
    int status = 0;
    EXPECT_EQ(::waitpid(runner.pid, &status, 0), runner.pid);
  }
  // A job that says it began, and ends when it is told to.
  ProcessIdentity LaunchWaiting(int run) {
    const std::string up = Dir(run) + ".up", go = Dir(run) + ".go";
    up_.push_back(std::make_unique<Fifo>(up));
    go_.push_back(std::make_unique<Fifo>(go));
    const auto runner =
        Launch(run, "echo $$ >" + up + "; read line <" + go + "; exit 0");
    job_ = up_.back()->AwaitProcess();
    return runner;
  }
  void LetEnd(int run, const ProcessIdentity& runner) {
    std::ofstream(Dir(run) + ".go") << "go\n" << std::flush;
    Await(runner);
  }
  EnergyLog Log(int run) const {
    return ReadEnergyLog(Dir(run)).value_or(EnergyLog{});
  }
  void AwaitMark(int run, EnergyMark mark) {
    const auto deadline = std::chrono::steady_clock::now() + kTestPatience;
    while (std::chrono::steady_clock::now() < deadline) {
      for (const EnergySample& sample : Log(run).samples) {
        if (sample.mark == mark) return;
      }
      ::sched_yield();
    }
    ADD_FAILURE() << "no mark " << static_cast<int>(mark);
  }
  void AwaitTick(int run) {
    const size_t before = Log(run).samples.size();
    const auto deadline = std::chrono::steady_clock::now() + kTestPatience;
    while (Log(run).samples.size() <= before) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      ::sched_yield();
    }
  }
  static void Tell(const ProcessIdentity& runner, Control control) {
    const auto handle = OpenProcess(runner);
    ASSERT_TRUE(handle.value.has_value());
    EXPECT_EQ(QueueSignal(handle.value->get(), ControlSignal(),
                          ControlValue(control, 0)),
              0);
  }

  ScratchFolder folder_;
  FakeGpus gpus_;
  FakePowercap powercap_;
  MeterOptions meter_;
  std::string meter_program_ = CARBON_METER;
  std::vector<std::unique_ptr<Fifo>> up_, go_;
  ProcessIdentity job_;
};

TEST_F(MeteredRun, DrewWhatItsOwnGpuCounted) {
  const auto runner = LaunchWaiting(1);
  gpus_.Set({{"GPU-a", "2500001"}, {"GPU-b", "9000000"}});
  LetEnd(1, runner);
  const EnergyLog log = Log(1);
  EXPECT_EQ(log.meters, "nvml+rapl");
  ASSERT_TRUE(log.ended());
  EXPECT_EQ(log.samples.front().mark, EnergyMark::kBegin);
  EXPECT_EQ(log.samples.back().total_uj, 1'500'001'000);
  EXPECT_EQ(log.samples.back().measured_uj, 1'500'001'000);
  EXPECT_EQ(ReadAll(Dir(1) + "/log"), "");
  // The last sample is there before the end is told.
  EXPECT_LE(ReadExit(Dir(1)).value->ended_ms, log.samples.back().at_ms);
}

TEST_F(MeteredRun, IsSampledWhereItIsPausedAndGoesOn) {
  const auto runner = LaunchWaiting(1);
  gpus_.Set({{"GPU-a", "1500000"}});
  Tell(runner, Control::kSuspend);
  AwaitMark(1, EnergyMark::kSuspend);
  EXPECT_EQ(StateOf(job_), 'T');
  gpus_.Set({{"GPU-a", "1600000"}});
  Tell(runner, Control::kContinue);
  AwaitMark(1, EnergyMark::kContinue);
  gpus_.Set({{"GPU-a", "1700000"}});
  LetEnd(1, runner);
  std::map<EnergyMark, int64_t> at;
  for (const EnergySample& sample : Log(1).samples) {
    at[sample.mark] = sample.total_uj;
  }
  EXPECT_EQ(at[EnergyMark::kSuspend], 500'000'000);
  EXPECT_EQ(at[EnergyMark::kContinue], 600'000'000);
  EXPECT_EQ(at[EnergyMark::kEnd], 700'000'000);
}

TEST_F(MeteredRun, IsMeasuredToItsEndThoughItsRunnerWasKilled) {
  const auto runner = LaunchWaiting(1);
  gpus_.Set({{"GPU-a", "1300000"}});
  ::kill(runner.pid, SIGKILL);
  Await(runner);
  AwaitMark(1, EnergyMark::kEnd);
  EXPECT_EQ(Log(1).samples.back().total_uj, 300'000'000);
}

TEST_F(MeteredRun, RunsWithoutADriverAndSaysWhyItIsModelled) {
  gpus_.Unload();
  Await(Launch(1, "exit 3"));
  EXPECT_EQ(ReadExit(Dir(1)).value->code, 3);
  EXPECT_FALSE(std::filesystem::exists(Dir(1) + "/energy"));
  EXPECT_EQ(ReadAll(Dir(1) + "/log"),
            "carbon-meter: this run's energy is modelled: NVML: Driver Not "
            "Loaded\n");
}

TEST_F(MeteredRun, RunsWithoutAMeter) {
  meter_program_ = "/no/such/carbon-meter";
  Await(Launch(1, "exit 3"));
  EXPECT_EQ(ReadExit(Dir(1)).value->code, 3);
  EXPECT_THAT(ReadAll(Dir(1) + "/log"),
              HasSubstr("/no/such/carbon-meter: No such file"));
}

TEST_F(MeteredRun, IsMixedWhereTheCpusCanNotBeRead) {
  meter_.powercap = "/no/such";
  const auto runner = LaunchWaiting(1);
  gpus_.Set({{"GPU-a", "1400000"}});
  LetEnd(1, runner);
  const EnergySample last = Log(1).samples.back();
  EXPECT_EQ(Log(1).meters, "nvml+cpu_time");
  EXPECT_EQ(last.measured_uj, 400'000'000);
  EXPECT_GT(last.total_uj, last.measured_uj);
}

TEST_F(MeteredRun, TakesTheUsersOwnMeterInPlaceOfCounters) {
  const std::string file = folder_.Write("outlet", "5000 J\n");
  meter_.command = {"/bin/cat", file};
  meter_.share = {1, 2};
  const auto runner = LaunchWaiting(1);
  WriteWhole(file, "5600 J\n");
  LetEnd(1, runner);
  EXPECT_EQ(Log(1).meters, "command");
  EXPECT_EQ(Log(1).samples.back().total_uj, 300'000'000);
}

// Two runs side by side, each with its own meter.
TEST_F(MeteredRun, TwoRunsNeverShareMoreThanThePackagesDrew) {
  meter_.gpus = 0;
  meter_.devices = "";
  meter_.cpu.cpus = 1000;  // promised more than the machine has
  powercap_.Set("intel-rapl:0", 1'000'000);
  const auto busy = [&](int run) {
    return Launch(run, "while [ ! -e go ]; do :; done");
  };
  const auto one = busy(1);
  const auto two = busy(2);
  // Once each has been seen to work, its share of what follows is no accident.
  const auto has_some = [&](int run) {
    const auto& samples = Log(run).samples;
    return !samples.empty() && samples.back().total_uj > 0;
  };
  int64_t drawn_uj = 0;
  while (!HasFailure() && (!has_some(1) || !has_some(2))) {
    drawn_uj += 100'000'000;
    powercap_.Set("intel-rapl:0", 1'000'000 + drawn_uj);
    AwaitTick(1);
    AwaitTick(2);
  }
  folder_.Write("go", "");
  Await(one);
  Await(two);
  const int64_t first = Log(1).samples.back().total_uj;
  const int64_t second = Log(2).samples.back().total_uj;
  EXPECT_EQ(Log(1).meters, "rapl");
  EXPECT_GT(first, 0);
  EXPECT_GT(second, 0);
  EXPECT_LE(first + second, drawn_uj);
}

}  // namespace
}  // namespace carbond
