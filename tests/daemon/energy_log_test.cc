#include "daemon/energy_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "daemon/meter/sampler.h"
#include "tests/daemon/fake_machine.h"
#include "tests/daemon/scratch_folder.h"

namespace carbond {
namespace {

constexpr auto kTick = EnergyMark::kTick;

std::string Text() {
  return "meters nvml+rapl\n1000 begin 0 0\n2000 tick 50 40\n"
         "3000 suspend 70 60\n4000 continue 71 61\n5000 end 90 80\n";
}

TEST(EnergyLog, ComesBackFromItsText) {
  const EnergyLog log = ParseEnergyLog(Text());
  EXPECT_EQ(log.meters, "nvml+rapl");
  ASSERT_EQ(log.samples.size(), 5u);
  EXPECT_EQ(log.samples[1], (EnergySample{2000, kTick, 50, 40}));
  EXPECT_TRUE(log.ended());
  EXPECT_EQ(Format(log), Text());
}

// A crash of the machine or a full disk may end it anywhere.
TEST(EnergyLog, IsReadWhereverItWasTorn) {
  const std::string text = Text();
  const EnergyLog whole = ParseEnergyLog(text);
  for (size_t n = 0; n <= text.size(); ++n) {
    const EnergyLog log = ParseEnergyLog(text.substr(0, n));
    ASSERT_LE(log.samples.size(), whole.samples.size());
    for (size_t i = 0; i < log.samples.size(); ++i) {
      ASSERT_EQ(log.samples[i], whole.samples[i]) << n;
    }
  }
}

TEST(EnergyLog, LeavesOutWhatIsNoSample) {
  for (const char* bad :
       {"x tick 1 1", "1 tock 1 1", "1 tick 1", "1 tick 1 2", "1 tick -1 -1",
        "1 tick 1 1 1", "1  tick 1 1", "99999999999999999999 tick 1 1", ""}) {
    const EnergyLog log =
        ParseEnergyLog("1 begin 5 5\n" + std::string(bad) + "\n3 tick 6 6\n");
    EXPECT_EQ(log.samples.size(), 2u) << bad;
  }
  // Energy does not fall, whoever wrote that.
  EXPECT_EQ(
      ParseEnergyLog("1 begin 9 9\n2 tick 8 8\n3 tick 9 9\n").samples.size(),
      2u);
}

TEST(EnergyLog, TellsTheEnergyUpToAnyInstant) {
  const EnergyLog log = ParseEnergyLog(Text());
  EXPECT_EQ(Until(log, 500)->total_uj, 0);
  EXPECT_EQ(Until(log, 1000)->total_uj, 0);
  EXPECT_EQ(Until(log, 1500)->total_uj, 25);
  EXPECT_EQ(Until(log, 1500)->measured_uj, 20);
  EXPECT_EQ(Until(log, 2000)->total_uj, 50);
  EXPECT_EQ(Until(log, 4500)->total_uj, 80);
  EXPECT_EQ(Until(log, 9999)->total_uj, 90);
  EXPECT_EQ(Until(log, 9999)->known_ms, 5000);
  EXPECT_FALSE(Until(EnergyLog{}, 1));
}

TEST(EnergyLog, BelievesTheLastWriterWhenTheClockWasSetBack) {
  const EnergyLog log = ParseEnergyLog(
      "1000 begin 0 0\n2000 tick 50 50\n600 tick 70 70\n1600 tick 90 90\n");
  EXPECT_EQ(Until(log, 2500)->total_uj, 90);
  EXPECT_EQ(Until(log, 1100)->total_uj, 80);
}

TEST(EnergyLog, IsThinnedOutAndLosesNoEnergy) {
  EnergyLog log;
  log.meters = "rapl";
  for (int i = 0; i < 1000; ++i) {
    log.samples.push_back({i * 10, kTick, i * 7, i * 5});
  }
  log.samples.front().mark = EnergyMark::kBegin;
  log.samples[333].mark = EnergyMark::kSuspend;
  const EnergyLog thin = Thinned(log, 100);
  EXPECT_LT(thin.samples.size(), 560u);
  EXPECT_EQ(thin.samples.front(), log.samples.front());
  EXPECT_EQ(thin.samples.back(), log.samples.back());
  EXPECT_THAT(thin.samples, testing::Contains(log.samples[333]));
  for (int at = 0; at < 10'000; at += 130) {
    EXPECT_EQ(Until(thin, at)->total_uj, Until(log, at)->total_uj) << at;
  }
}

TEST(EnergyFile, StaysSmallForWeeks) {
  ScratchFolder folder;
  const std::string path = folder.path() + "/energy";
  EnergyFile file(path);
  ASSERT_EQ(file.Begin("nvml+rapl", {0, EnergyMark::kBegin, 0, 0}), 0);
  EnergySample sample;
  for (int i = 1; i <= 10'000; ++i) {  // 28 hours of them
    sample = {1'700'000'000'000 + i * 10'000, kTick, i * 3'000'000'000LL,
              i * 2'900'000'000LL};
    ASSERT_EQ(file.Append(sample), 0);
    ASSERT_LT(std::filesystem::file_size(path), 130u * 1024);
  }
  const EnergyLog log = ParseEnergyLog(*ReadText(path));
  EXPECT_EQ(log.meters, "nvml+rapl");
  EXPECT_EQ(log.samples.front().mark, EnergyMark::kBegin);
  EXPECT_EQ(log.samples.back(), sample);
}

TEST(EnergyFile, GoesOnAfterATornLine) {
  ScratchFolder folder;
  const std::string path = folder.Write("energy", Text() + "6000 ti");
  EnergyFile file(path);
  ASSERT_EQ(file.Append({7000, kTick, 95, 85}), 0);
  const EnergyLog log = ParseEnergyLog(*ReadText(path));
  ASSERT_EQ(log.samples.size(), 6u);
  EXPECT_EQ(log.samples.back().total_uj, 95);
  EXPECT_EQ(EnergyFile(folder.path() + "/gone/energy").Append({}), ENOENT);
}

}  // namespace
}  // namespace carbond
