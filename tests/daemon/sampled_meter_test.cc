#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "daemon/meter/factory.h"
#include "daemon/meter/sampled.h"

namespace carbond {
namespace {

constexpr int64_t kBegan = 1'700'000'000'000;
constexpr int64_t kMinute = 60'000;
constexpr int64_t kJoule = 1'000'000;  // microjoules

Instant At(int64_t after_begin_ms) {
  return Instant::FromMillis(kBegan + after_begin_ms);
}

// A job of 360 W, whose first run began at kBegan.
class SampledMeterTest : public testing::Test {
 protected:
  SampledMeterTest() {
    job_.id = JobId{1};
    JobSpec spec;
    spec.power = Watts::Of(360);
    spec.idle_power = Watts::Of(36);
    job_.spec = spec;
    carbond::Run run;
    run.number = run.process = 1;
    run.started_at = At(0);
    job_.runs.push_back(run);
    log_.meters = "nvml+rapl";
  }
  void Sample(int64_t at_ms, int64_t joules,
              EnergyMark mark = EnergyMark::kTick,
              std::optional<int64_t> measured = {}) {
    log_.samples.push_back({kBegan + at_ms, mark, joules * kJoule,
                            measured.value_or(joules) * kJoule});
    board_.Put({JobId{1}, 1}, log_);
  }
  // The next reading, up to an instant; what it says is booked.
  Meter::Measured Read(int64_t until_ms, bool last = false,
                       Purpose purpose = Purpose::kWork) {
    const auto read = meter_.Read(job_, job_.runs.back(),
                                  {since_,
                                   {at_, At(until_ms)},
                                   purpose,
                                   booked_,
                                   last,
                                   booked_measured_});
    EXPECT_TRUE(read.ok()) << read.status();
    booked_ += read->energy;
    if (read->source == EnergySource::kMeasured) {
      booked_measured_ += read->energy;
    } else if (read->source == EnergySource::kMixed) {
      booked_measured_ += read->measured;
    }
    at_ = read->until.value_or(At(until_ms));
    return *read;
  }

  Job job_;
  EnergyLog log_;
  SystemClock clock_;
  EnergyBoard board_{"/nowhere"};
  SampledMeter meter_{MeterConfig{}, minutes(5), clock_, board_};
  Instant since_ = At(0);
  Instant at_ = At(0);
  WattHours booked_, booked_measured_;
};

TEST_F(SampledMeterTest, BooksTheTableWhereNothingIsMeasured) {
  const auto read = Read(kMinute);
  EXPECT_EQ(read.energy, WattHours::Of(6));
  EXPECT_EQ(read.source, EnergySource::kModelled);
  EXPECT_EQ(read.meter, "");
}

TEST_F(SampledMeterTest, BooksWhatWasCountedAndNotWhatWasDeclared) {
  Sample(0, 0, EnergyMark::kBegin);
  Sample(kMinute, 7'200);
  const auto read = Read(kMinute);
  EXPECT_EQ(read.energy, WattHours::Of(2));
  EXPECT_EQ(read.source, EnergySource::kMeasured);
  EXPECT_EQ(read.meter, "nvml+rapl");
  Sample(2 * kMinute, 7'200 + 3'600);
  EXPECT_EQ(Read(2 * kMinute).energy, WattHours::Of(1));
}

TEST_F(SampledMeterTest, CatchesUpWithASampleThatCameLate) {
  Sample(0, 0, EnergyMark::kBegin);
  EXPECT_EQ(Read(10'000).energy, WattHours());
  EXPECT_EQ(Read(20'000).energy, WattHours());
  Sample(25'000, 3'600);
  EXPECT_EQ(Read(30'000).energy, WattHours::Of(1));
  EXPECT_EQ(booked_, WattHours::Of(1));
}

TEST_F(SampledMeterTest, TakesTheLastSampleWhateverItsTime) {
  Sample(0, 0, EnergyMark::kBegin);
  Sample(61'000, 7'200, EnergyMark::kEnd);
  EXPECT_EQ(Read(kMinute, true).energy, WattHours::Of(2));
  EXPECT_EQ(Read(kMinute, true).energy, WattHours()) << "once";
}

TEST_F(SampledMeterTest, SaysMixedWhereAModelGaveAPart) {
  Sample(0, 0, EnergyMark::kBegin);
  Sample(kMinute, 3'600, EnergyMark::kTick, 2'700);
  const auto mixed = Read(kMinute);
  EXPECT_EQ(mixed.source, EnergySource::kMixed);
  EXPECT_EQ(mixed.energy, WattHours::Of(1));
  EXPECT_EQ(mixed.measured, WattHours::Of(0.75));
  Sample(2 * kMinute, 7'200, EnergyMark::kTick, 2'700);
  EXPECT_EQ(Read(2 * kMinute).source, EnergySource::kModelled);
  Sample(3 * kMinute, 10'800, EnergyMark::kTick, 6'300);
  EXPECT_EQ(Read(3 * kMinute).source, EnergySource::kMeasured);
  EXPECT_EQ(booked_, WattHours::Of(3));
  EXPECT_EQ(booked_measured_, WattHours::Of(1.75));
}

TEST_F(SampledMeterTest, CutsAnAbsenceOfTheDaemonIntoItsHours) {
  Sample(0, 0, EnergyMark::kBegin);
  for (int i = 1; i <= 6; ++i) Sample(i * 10 * kMinute, i * i * 3'600);
  const auto first = Read(60 * kMinute, true);
  EXPECT_EQ(first.until, At(5 * kMinute));
  EXPECT_EQ(first.energy, WattHours::Of(0.5));
  int readings = 1;
  while (at_ < At(60 * kMinute)) {
    Read(60 * kMinute, true);
    ++readings;
  }
  EXPECT_EQ(readings, 12);
  EXPECT_EQ(booked_, WattHours::Of(36));
}

TEST_F(SampledMeterTest, StandsInForAMeterThatDied) {
  Sample(0, 0, EnergyMark::kBegin);
  Sample(10'000, 3'600);
  EXPECT_EQ(Read(30'000).energy, WattHours::Of(1)) << "patience";
  const auto read = Read(70'000);  // a minute since its last word
  EXPECT_EQ(read.energy, WattHours::Of(6));
  EXPECT_EQ(read.source, EnergySource::kModelled);
  EXPECT_EQ(Read(80'000).energy, WattHours::Of(1));
  EXPECT_EQ(Read(90'000, false, Purpose::kIdle).energy, WattHours::Of(0.1));
  // It was only away.
  Sample(100'000, 36'000);
  EXPECT_EQ(Read(100'000).energy, WattHours::Of(10) - WattHours::Of(8.1));
  EXPECT_EQ(booked_, WattHours::Of(10));
}

TEST_F(SampledMeterTest, CountsTheTimeBeforeAMeterThatBeganLate) {
  EXPECT_EQ(Read(5'000).energy, WattHours::Of(0.5));
  Sample(10'000, 0, EnergyMark::kBegin);
  Sample(40'000, 3'600);
  const auto read = Read(40'000);
  EXPECT_EQ(read.energy, WattHours::Of(1.5));
  EXPECT_EQ(read.source, EnergySource::kMixed);
  Sample(50'000, 7'200);
  EXPECT_EQ(Read(50'000).source, EnergySource::kMeasured);
}

// Samples at any time, some missing, the clock set to and fro, the daemon away
// for hours, its memory gone: the readings add up to the counter at its end.
TEST_F(SampledMeterTest, ReadingsAddUpToTheCounterWhateverHappens) {
  std::mt19937_64 random(5);
  const auto upto = [&](int64_t most) {
    return std::uniform_int_distribution<int64_t>(0, most)(random);
  };
  for (int world = 0; world < 200; ++world) {
    log_.samples.clear();
    booked_ = booked_measured_ = WattHours();
    at_ = At(0);
    int64_t now = 0, off = 0, microjoules = 0;
    const auto sample = [&](EnergyMark mark) {
      log_.samples.push_back(
          {kBegan + now + off, mark, microjoules, microjoules});
      board_.Put({JobId{1}, 1}, log_);
    };
    sample(EnergyMark::kBegin);
    for (int step = 0; step < 200; ++step) {
      now += 1 + upto(20'000);
      microjoules += upto(20'000'000'000);
      if (upto(30) == 0) off = upto(2'000'000) - 1'000'000;
      if (upto(4) > 0) sample(EnergyMark::kTick);
      // The engine's time never goes back.
      const Instant engine = std::max(at_, At(now + off));
      if (upto(2) == 0 && engine > at_) {
        const auto purpose = upto(3) == 0 ? Purpose::kIdle : Purpose::kWork;
        ASSERT_GE(Read((engine - At(0)).count(), false, purpose).energy,
                  WattHours());
      }
    }
    // More than what stood in for samples that were away: it is caught up.
    microjoules += 1'000'000'000'000'000;
    sample(EnergyMark::kEnd);
    const Instant end = std::max(at_, At(now + off));
    do {
      Read((end - At(0)).count(), true);
    } while (at_ < end);
    ASSERT_EQ(booked_, WattHours::FromThousandths(RoundedDivide(
                           Int128{microjoules}, Int128{3'600'000})))
        << world;
  }
}

// ---- What carbon-meter is told ---------------------------------------------

class MeterCommandTest : public testing::Test {
 protected:
  MeterCommandTest() {
    RegionConfig region;
    region.region.name = "here";
    region.region.capacity.gpus = 4;
    region.region.capacity.cpus = 32;
    config_.regions.push_back(region);
    order_.region = "here";
    order_.spec.need.gpus = 2;
    order_.spec.need.cpus = 8;
    order_.allotment = {{1, 3}, 8};
  }
  std::string Words() const {
    return fmt::format(
        "{}", fmt::join(MeterCommand(config_, "/usr/bin/carbon-meter", order_,
                                     "/runs/1.1"),
                        " "));
  }
  Config config_;
  StartOrder order_;
};

TEST_F(MeterCommandTest, NamesTheRunsOwnDevicesAndCpus) {
  EXPECT_THAT(Words(),
              testing::StartsWith("/usr/bin/carbon-meter --dir /runs/1.1 "));
  EXPECT_THAT(Words(), testing::HasSubstr("--sources nvml,rapl "));
  EXPECT_THAT(Words(), testing::HasSubstr("--gpus 2 --devices 1,3 --cpus 8 "));
}

TEST_F(MeterCommandTest, LetsAClustersNodeNameTheDevices) {
  config_.regions[0].executor.type = "slurm";
  EXPECT_THAT(Words(), testing::HasSubstr("--gpus 2 --cpus 8 "));
}

TEST_F(MeterCommandTest, GivesARunItsPartOfAMachinesMeter) {
  MeterSources own;
  own.command = {"outlet", "7"};
  own.of_machine = true;
  config_.regions[0].meter = own;
  // Of 4 x 300 W + 32 x 10 W it has 2 x 300 W + 8 x 10 W.
  EXPECT_THAT(Words(), testing::HasSubstr("--command outlet --command 7 "));
  EXPECT_THAT(Words(),
              testing::HasSubstr("--share-parts 680000 --share-whole 1520000"));
}

TEST_F(MeterCommandTest, MeasuresNothingOnADemonstrationsClock) {
  config_.clock.speed = 1200;
  EXPECT_EQ(Words(), "");
  config_.clock.speed = 1;
  config_.meter.sources = {.nvml = false, .rapl = false};
  EXPECT_EQ(Words(), "");
  EXPECT_TRUE(MeterCheckCommand(config_, "m", config_.regions[0]).empty());
}

}  // namespace
}  // namespace carbond
