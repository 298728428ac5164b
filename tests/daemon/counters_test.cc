#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <random>

#include "daemon/meter/command_counter.h"
#include "daemon/meter/cpu_time.h"
#include "daemon/meter/energy_sum.h"
#include "daemon/meter/meter_options.h"
#include "daemon/meter/nvml.h"
#include "daemon/meter/procfs.h"
#include "daemon/meter/rapl.h"
#include "daemon/meter/sampler.h"
#include "tests/daemon/fake_machine.h"

namespace carbond {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// ---- NVML ------------------------------------------------------------------
// By the stand-in library: no GPU is needed, and none was seen.

TEST(Nvml, CountsTheRunsOwnDevicesAlone) {
  ScratchFolder folder;
  FakeGpus gpus(folder.path());
  gpus.Set({{"GPU-a", "1000"}, {"GPU-b", "5000"}, {"GPU-c", "9000"}});
  std::string complaint;
  auto two = NvmlCounter::Open(gpus.library(), {"0", "2"}, complaint);
  ASSERT_NE(two, nullptr) << complaint;
  auto by_name = NvmlCounter::Open(gpus.library(), {"GPU-b"}, complaint);
  ASSERT_NE(by_name, nullptr) << complaint;
  EXPECT_EQ(two->Read(), 0);
  gpus.Set({{"GPU-a", "1300"}, {"GPU-b", "5050"}, {"GPU-c", "9007"}});
  EXPECT_EQ(two->Read(), 307'000);
  EXPECT_EQ(by_name->Read(), 50'000);
  EXPECT_EQ(two->longest_gap_ms(), 0);
}

TEST(Nvml, SaysWhyThereIsNothingToCount) {
  ScratchFolder folder;
  FakeGpus gpus(folder.path());
  std::string complaint;
  EXPECT_EQ(NvmlCounter::Open(gpus.library(), {"0"}, complaint), nullptr);
  EXPECT_EQ(complaint, "NVML: Driver Not Loaded");
  gpus.Set({{"GPU-a", "1000"}});
  EXPECT_EQ(NvmlCounter::Open(gpus.library(), {"1"}, complaint), nullptr);
  EXPECT_EQ(complaint, "GPU 1: Not Found");
  EXPECT_EQ(NvmlCounter::Open(gpus.library(), {"MIG-x"}, complaint), nullptr);
  EXPECT_THAT(complaint, HasSubstr("a slice of a GPU"));
  gpus.Set({{"GPU-a", "-", "-"}});
  EXPECT_EQ(NvmlCounter::Open(gpus.library(), {"0"}, complaint), nullptr);
  EXPECT_EQ(complaint, "GPU 0: Not Supported");
  EXPECT_EQ(NvmlCounter::Open("/no/lib.so", {"0"}, complaint), nullptr);
  EXPECT_THAT(complaint, HasSubstr("/no/lib.so"));
}

TEST(Nvml, IsNeverNegativeWhenTheDriverIsLoadedAnew) {
  ScratchFolder folder;
  FakeGpus gpus(folder.path());
  gpus.Set({{"GPU-a", "700000"}});
  std::string complaint;
  auto counter = NvmlCounter::Open(gpus.library(), {"0"}, complaint);
  gpus.Set({{"GPU-a", "700100"}});
  EXPECT_EQ(counter->Read(), 100'000);
  gpus.Unload();
  EXPECT_EQ(counter->Read(), std::nullopt);
  EXPECT_EQ(counter->Read(), std::nullopt);
  gpus.Set({{"GPU-a", "40"}});  // since then
  EXPECT_EQ(counter->Read(), 140'000);
  gpus.Set({{"GPU-a", "lost"}});
  EXPECT_EQ(counter->Read(), std::nullopt);
  gpus.Set({{"GPU-a", "50"}});
  EXPECT_EQ(counter->Read(), 150'000);
  gpus.Set({{"GPU-a", "99999999"}});  // 100 kJ in no time: no energy
  EXPECT_EQ(counter->Read(), 150'000);
}

TEST(Nvml, SumsUpPowerWhereTheCounterIsMissing) {
  ScratchFolder folder;
  FakeGpus gpus(folder.path());
  gpus.Set({{"GPU-a", "-", "200000"}});
  std::string complaint;
  auto counter = NvmlCounter::Open(gpus.library(), {"0"}, complaint);
  ASSERT_NE(counter, nullptr) << complaint;
  EXPECT_EQ(counter->longest_gap_ms(), 1000);
  const int64_t began = SinceBootMillis();
  gpus.Set({{"GPU-a", "-", "400000"}});
  int64_t drawn = 0;
  while (SinceBootMillis() < began + 20) drawn = *counter->Read();
  // 200 W to 400 W at first, then 400 W.
  EXPECT_GT(drawn, 0);
  EXPECT_LE(drawn, 400'000 * (SinceBootMillis() - began + 1));
}

TEST(Nvml, ReadsWhatCudaIsShown) {
  EXPECT_THAT(ParseGpuNames("0,2"), ElementsAre("0", "2"));
  EXPECT_THAT(ParseGpuNames("GPU-8f6a,MIG-1"),
              ElementsAre("GPU-8f6a", "MIG-1"));
  EXPECT_THAT(ParseGpuNames("1,-1,2"), ElementsAre("1"));
  EXPECT_THAT(ParseGpuNames(""), IsEmpty());
  EXPECT_THAT(ParseGpuNames("NoDevFiles"), IsEmpty());
}

// ---- RAPL ------------------------------------------------------------------

TEST(Rapl, TakesPackagesAndMemoryAndNothingTwice) {
  ScratchFolder folder;
  FakePowercap powercap(folder.path() + "/powercap");
  powercap.Zone("intel-rapl:0", "package-0", 100);
  powercap.Zone("intel-rapl:0:0", "core", 60);
  powercap.Zone("intel-rapl:0:1", "uncore", 5);
  powercap.Zone("intel-rapl:0:2", "dram", 30);
  powercap.Zone("intel-rapl:1", "package-1", 200);
  powercap.Zone("intel-rapl:1:0", "dram", 40);
  powercap.Zone("intel-rapl:2", "psys", 900);
  powercap.Zone("intel-rapl-mmio:0", "package-0", 100);
  powercap.Zone("dtpm", "package-0", 100);
  const RaplDomains rapl = FindRapl(powercap.root());
  EXPECT_EQ(rapl.complaint, "");
  EXPECT_THAT(ReadRapl(rapl), ElementsAre(std::pair("intel-rapl:0", 100),
                                          std::pair("intel-rapl:0:2", 30),
                                          std::pair("intel-rapl:1", 200),
                                          std::pair("intel-rapl:1:0", 40)));
  std::filesystem::remove(powercap.EnergyOf("intel-rapl:1"));
  EXPECT_EQ(ReadRapl(rapl).size(), 3u);
}

TEST(Rapl, SaysWhatGivesLeaveToReadIt) {
  ScratchFolder folder;
  FakePowercap powercap(folder.path() + "/powercap");
  EXPECT_THAT(FindRapl(powercap.root()).complaint,
              HasSubstr("shows no CPU package"));
  powercap.Zone("intel-rapl:0", "package-0", 100);
  ::chmod(powercap.EnergyOf("intel-rapl:0").c_str(), 0);
  if (::access(powercap.EnergyOf("intel-rapl:0").c_str(), R_OK) == 0) {
    GTEST_SKIP() << "root may read everything";
  }
  EXPECT_THAT(FindRapl(powercap.root()).complaint,
              HasSubstr("intel-rapl:0/energy_uj: Permission denied; root may"));
}

TEST(Counter, AdvancesOverAWrapAndNotOverNonsense) {
  EXPECT_EQ(Advanced(10, 25, 100, 1000), 15);
  EXPECT_EQ(Advanced(90, 5, 100, 1000), 15);
  EXPECT_EQ(Advanced(90, 5, 0, 1000), 5);             // begun anew
  EXPECT_EQ(Advanced(90, 5, 100, 10), 0);             // too much for the time
  EXPECT_EQ(Advanced(500, 5, 100, 1000), 0);          // beyond its own range
  EXPECT_EQ(MostMicrojoules(2, 500), 3'000'000'000);  // 2 kW for 1.5 s
}

// ---- The user's own --------------------------------------------------------

TEST(CommandCounter, ReadsAmountsWithTheirUnits) {
  EXPECT_EQ(ParsePrintedEnergy("81234 J\n")->amount, 81'234e6);
  EXPECT_EQ(ParsePrintedEnergy("0.5 kWh")->amount, 1.8e12);
  EXPECT_EQ(ParsePrintedEnergy("2 Wh\nmore\n")->amount, 7.2e9);
  EXPECT_FALSE(ParsePrintedEnergy("1 kJ")->is_power);
  EXPECT_TRUE(ParsePrintedEnergy("350.5 W")->is_power);
  EXPECT_EQ(ParsePrintedEnergy("1.2 kW")->amount, 1.2e9);
  for (const char* bad :
       {"", "350", "W", "-1 W", "nan W", "inf J", "350 W 7", "watts 350"}) {
    EXPECT_FALSE(ParsePrintedEnergy(bad)) << bad;
  }
}

TEST(CommandCounter, TakesDifferencesOfJoulesAndARunsPartOfThem) {
  ScratchFolder folder;
  const std::string file = folder.Write("joules", "1000 J\n");
  std::string complaint;
  auto counter = CommandCounter::Open({"cat", file}, {3, 4}, complaint);
  ASSERT_NE(counter, nullptr) << complaint;
  EXPECT_EQ(counter->Read(), 0);
  folder.Write("joules", "1100 J\n");
  EXPECT_EQ(counter->Read(), 75'000'000);
  folder.Write("joules", "20 J\n");  // another meter, or begun anew
  EXPECT_EQ(counter->Read(), 75'000'000);
  folder.Write("joules", "garbage\n");
  EXPECT_EQ(counter->Read(), std::nullopt);
  folder.Write("joules", "60 J\n");
  EXPECT_EQ(counter->Read(), 105'000'000);
}

TEST(CommandCounter, SaysWhatIsWrongWithTheCommand) {
  std::string complaint;
  EXPECT_FALSE(CommandCounter::Open({"/no/such"}, {}, complaint)->began());
  EXPECT_THAT(complaint, HasSubstr("`/no/such`: No such file"));
  complaint.clear();
  EXPECT_FALSE(CommandCounter::Open({"false"}, {}, complaint)->began());
  EXPECT_EQ(complaint, "`false`: it failed");
  complaint.clear();
  EXPECT_FALSE(CommandCounter::Open({"echo", "12"}, {}, complaint)->began());
  EXPECT_THAT(complaint, HasSubstr("no line like `350.5 W`"));
  complaint.clear();
  EXPECT_FALSE(CommandCounter::Open({"sleep", "60"}, {}, complaint)->began());
  EXPECT_EQ(complaint, "`sleep`: no answer within 2 s");
}

TEST(CommandCounter, BeginsWithItsFirstAnswer) {
  ScratchFolder folder;
  const std::string file = folder.Write("joules", "");
  std::string complaint;
  auto counter = CommandCounter::Open({"cat", file}, {}, complaint);
  EXPECT_FALSE(counter->began());
  EXPECT_EQ(counter->Read(), std::nullopt);
  folder.Write("joules", "5000 J\n");
  EXPECT_EQ(counter->Read(), 0);
  EXPECT_TRUE(counter->began());
  folder.Write("joules", "5001 J\n");
  EXPECT_EQ(counter->Read(), 1'000'000);
}

TEST(CommandCounter, BelievesNoAnswerThatNoMachineCouldGive) {
  ScratchFolder folder;
  const std::string file = folder.Write("meter", "350 W\n");
  std::string complaint;
  CommandShare share;
  share.most_mw = 10'000'000;
  auto counter = CommandCounter::Open({"cat", file}, share, complaint);
  EXPECT_TRUE(counter->Read().has_value());
  folder.Write("meter", "350000 W\n");  // milliwatts
  EXPECT_EQ(counter->Read(), std::nullopt);
  folder.Write("meter", "9999999999 kW\n");
  EXPECT_EQ(counter->Read(), std::nullopt);
  folder.Write("meter", "351 W\n");
  EXPECT_TRUE(counter->Read().has_value());

  folder.Write("meter", "5 kJ\n");
  counter = CommandCounter::Open({"cat", file}, share, complaint);
  folder.Write("meter", "99999 kJ\n");
  EXPECT_EQ(counter->Read(), std::nullopt) << "another counter's";
  folder.Write("meter", "100000 kJ\n");
  EXPECT_EQ(counter->Read(), 1'000'000'000) << "goes on from there";
}

// A stand-in for sstat, in the words of Slurm 22.05's manual page.
TEST(SlurmEnergy, IsWhatSlurmsAccountingSaysOfTheBatchStep) {
  ScratchFolder folder;
  const std::string joules = folder.Write("joules", "0\n");
  const std::string sstat = folder.Write(
      "sstat",
      "#!/bin/sh\ncase \"$*\" in\n'--noheader --parsable2 "
      "--format=ConsumedEnergyRaw --jobs=42.batch') exec cat " +
          joules + ";;\nesac\necho \"sstat: error\" >&2; exit 1\n");
  std::filesystem::permissions(sstat, std::filesystem::perms::owner_all);
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", (folder.path() + ":" + path).c_str(), 1);
  MeterOptions options;
  options.slurm = true;
  options.nvml = options.rapl = false;
  options.power_mw = 300'000;
  ::unsetenv("SLURM_JOB_ID");
  EXPECT_TRUE(OpenMeters(options).sum.empty()) << "no job of Slurm's";
  ::setenv("SLURM_JOB_ID", "42", 1);
  RunMeters meters = OpenMeters(options);
  EXPECT_EQ(meters.names, "slurm");
  EXPECT_EQ(meters.complaint, "`sstat`: it knows no energy");
  const int64_t now = SinceBootMillis();
  EXPECT_EQ(meters.sum.Look(now).total_uj, 0);
  folder.Write("joules", "1000\n");
  const EnergyTotal begun = meters.sum.Look(now + 1000);
  EXPECT_EQ(begun.measured_uj, 0) << "from here on";
  folder.Write("joules", "1250\n");
  EXPECT_EQ(meters.sum.Look(now + 2000).measured_uj, 250'000'000);
  ::unsetenv("SLURM_JOB_ID");
  ::setenv("PATH", path.c_str(), 1);
}

// ---- CPU time --------------------------------------------------------------

TEST(CpuTime, IsTheTableWhereAllIsBusyAndIdleWhereNothingIs) {
  const CpuModel model{10'000, 200, 4};
  // 4 CPUs of 10 W for an hour, in microjoules.
  constexpr int64_t kHour = 3'600'000;
  EXPECT_EQ(ModelledCpuEnergy(model, 4 * kHour, kHour), 144'000'000'000);
  EXPECT_EQ(ModelledCpuEnergy(model, 0, kHour), 28'800'000'000);
  EXPECT_EQ(ModelledCpuEnergy(model, 2 * kHour, kHour),
            72'000'000'000 + 14'400'000'000);
  // More threads than were allotted draw power all the same.
  EXPECT_EQ(ModelledCpuEnergy(model, 8 * kHour, kHour), 288'000'000'000);
}

TEST(CpuTime, CountsATreeWithThoseThatHaveEnded) {
  const auto times = ParseProcessTimes(
      "42 (a ) b) S 7 42 42 0 -1 4194304 1 2 3 4 150 50 20 5 20 0 1 0 9001 1 2",
      100);
  ASSERT_TRUE(times);
  EXPECT_EQ(times->parent, 7);
  EXPECT_EQ(times->start_ticks, 9001u);
  EXPECT_EQ(times->own_us, 2'000'000);
  EXPECT_EQ(times->children_us, 250'000);
  ProcessTable all;
  all[7] = {1, 5, 100, 1000};
  all[42] = {7, 9001, 10, 20};
  all[43] = {42, 9002, 1, 2};
  all[50] = {1, 9003, 7777, 7777};
  EXPECT_EQ(TreeTime(all, 7, 5), 1133);
  EXPECT_EQ(TreeTime(all, 7, 6), std::nullopt) << "another process by now";
  EXPECT_EQ(TreeTime(all, 8, 5), std::nullopt);
  EXPECT_FALSE(ParseProcessTimes("42 (x) S 7", 100));
}

TEST(CpuTime, ReadsThisProcessAndThisMachine) {
  const auto table = ReadProcesses("/proc");
  ASSERT_TRUE(table.contains(::getpid()));
  const auto machine = ReadMachineTimes("/proc");
  ASSERT_TRUE(machine);
  EXPECT_EQ(machine->cpus, ::sysconf(_SC_NPROCESSORS_ONLN));
  EXPECT_GT(machine->busy_us, table.at(::getpid()).own_us);
  EXPECT_FALSE(ParseMachineTimes("intr 1 2\n", 100));
  const auto parsed = ParseMachineTimes(
      "cpu  10 20 30 400 50 6 7 8 9 10\ncpu0 1\ncpu1 1\nintr 5\n", 100);
  EXPECT_EQ(parsed->busy_us, 730'000);
  EXPECT_EQ(parsed->idle_us, 4'500'000);
  EXPECT_EQ(parsed->cpus, 2);
}

// ---- The sum ---------------------------------------------------------------

class Script : public EnergyCounter {
 public:
  explicit Script(std::optional<int64_t>& says) : says_(says) {}
  std::optional<int64_t> Read() override {
    began_ = began_ || says_;
    return says_;
  }
  bool began() const override { return began_; }

 private:
  std::optional<int64_t>& says_;
  bool began_ = says_.has_value();
};

TEST(EnergySum, StandsInForASilentCounterAndThenBelievesIt) {
  std::optional<int64_t> gpu = 0, cpu = 0;
  EnergySum sum(30'000);
  sum.Add(std::make_unique<Script>(gpu), true, {300'000, 60'000}, 0);
  sum.Add(std::make_unique<Script>(cpu), false, {10'000, 2'000}, 0);
  gpu = 2'000'000'000;
  cpu = 7;
  EXPECT_EQ(sum.Look(10'000).total_uj, 2'000'000'007);
  gpu.reset();
  EXPECT_EQ(sum.Look(20'000).total_uj, 2'000'000'007) << "patience";
  // 300 W from the last word on.
  EXPECT_EQ(sum.Look(50'000).total_uj, 2'000'000'007 + 300'000LL * 40'000);
  EXPECT_EQ(sum.Look(50'000).measured_uj, 2'000'000'000);
  gpu = 3'000'000'000;  // less than was put in its place
  EXPECT_EQ(sum.Look(60'000).total_uj, 14'000'000'007);
  gpu = 14'500'000'000;
  EXPECT_EQ(sum.Look(70'000).total_uj, 14'500'000'007);
  EXPECT_EQ(sum.Look(70'000).measured_uj, 2'500'000'000);
}

TEST(EnergySum, CountsOnFromWhereACounterBegan) {
  std::optional<int64_t> outlet;
  EnergySum sum(30'000);
  sum.Add(std::make_unique<Script>(outlet), true, {300'000, 60'000}, 0);
  EXPECT_EQ(sum.Look(10'000).total_uj, 0) << "patience";
  EXPECT_EQ(sum.Look(40'000).total_uj, 300'000LL * 40'000);
  outlet = 0;  // what it counts, it counts from now on
  EXPECT_EQ(sum.Look(50'000).total_uj, 300'000LL * 50'000);
  outlet = 7;
  EXPECT_EQ(sum.Look(60'000).total_uj, 300'000LL * 50'000 + 7);
  EXPECT_EQ(sum.Look(60'000).measured_uj, 7);
}

TEST(EnergySum, AtTheEndNothingIsLeftToWaitFor) {
  std::optional<int64_t> outlet = 0;
  EnergySum sum(30'000);
  sum.Add(std::make_unique<Script>(outlet), true, {300'000, 60'000}, 0);
  outlet.reset();
  EXPECT_EQ(sum.Look(20'000).total_uj, 0);
  EXPECT_EQ(sum.Look(24'000, true).total_uj, 300'000LL * 24'000);
  EXPECT_EQ(sum.Look(24'000, true).measured_uj, 0);
}

TEST(EnergySum, AStoppedRunIsStoodInForByWhatItDrawsIdle) {
  std::optional<int64_t> outlet = 0;
  EnergySum sum(0);
  sum.Add(std::make_unique<Script>(outlet), true, {300'000, 60'000}, 0);
  outlet.reset();
  EXPECT_EQ(sum.Look(10'000).total_uj, 300'000LL * 10'000);
  sum.SetStopped(true);
  EXPECT_EQ(sum.Look(20'000).total_uj, 360'000LL * 10'000);
  sum.SetStopped(false);
  EXPECT_EQ(sum.Look(30'000).total_uj, 660'000LL * 10'000);
}

TEST(EnergySum, EqualsItsCountersHoweverSamplesAreMissed) {
  std::mt19937 random(11);
  for (int world = 0; world < 200; ++world) {
    std::optional<int64_t> says[2] = {0, 0};
    int64_t truth[2] = {0, 0};
    EnergySum sum(30'000);
    sum.Add(std::make_unique<Script>(says[0]), true, {100, 100}, 0);
    sum.Add(std::make_unique<Script>(says[1]), true, {100, 100}, 0);
    EnergyTotal last;
    int64_t now = 0;
    for (int step = 0; step < 300; ++step) {
      now += std::uniform_int_distribution<int64_t>(1, 20'000)(random);
      for (int i = 0; i < 2; ++i) {
        // Always above what stands in: nothing is ever made up.
        truth[i] += 200 * 20'000 + static_cast<int64_t>(random() % 1000);
        says[i] = random() % 4 == 0 ? std::nullopt : std::optional(truth[i]);
      }
      const EnergyTotal total = sum.Look(now);
      ASSERT_GE(total.total_uj, last.total_uj);
      ASSERT_GE(total.measured_uj, last.measured_uj);
      ASSERT_LE(total.measured_uj, total.total_uj);
      ASSERT_LE(total.total_uj, truth[0] + truth[1]);
      last = total;
    }
    says[0] = truth[0];
    says[1] = truth[1];
    ASSERT_EQ(sum.Look(now + 1).total_uj, truth[0] + truth[1]) << world;
  }
}

TEST(MeterOptions, ComeBackFromTheirWords) {
  MeterOptions options;
  options.dir = "/runs/1.1";
  options.root = 42;
  options.nvml = false;
  options.cpu_time = true;
  options.gpus = 2;
  options.devices = "0,3";
  options.cpu = {7'500, 150, 16};
  options.command = {"outlet", "a b"};
  options.share = {380, 1520, 77};
  options.power_mw = 300'000;
  options.idle_mw = 60'000;
  options.nvml_library = "/lib/x.so";
  MeterOptions again;
  std::string mistake;
  ASSERT_TRUE(ParseMeterOptions(FormatMeterOptions(options), again, mistake));
  EXPECT_EQ(FormatMeterOptions(again), FormatMeterOptions(options));
  EXPECT_EQ(again.cpu.cpus, 16);
  EXPECT_FALSE(again.nvml);
  for (const std::vector<std::string>& bad :
       {std::vector<std::string>{"--gpus", "two"},
        {"--dir"},
        {"--what", "1"},
        {"--sources", "nvml,gas"},
        {"--period-ms", "0"}}) {
    EXPECT_FALSE(ParseMeterOptions(bad, again, mistake)) << bad[0];
  }
}

}  // namespace
}  // namespace carbond
