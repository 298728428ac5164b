#include <gtest/gtest.h>

#include <random>

#include "daemon/meter/factory.h"
#include "daemon/meter/modelled.h"

namespace carbond {
namespace {

MeterConfig Watts300() {
  MeterConfig config;
  config.per_gpu = Watts::Of(300);
  config.per_cpu = Watts::Of(10);
  config.idle_fraction = 0.2;
  return config;
}

Resources Need(int gpus, int cpus) {
  Resources need;
  need.gpus = gpus;
  need.cpus = cpus;
  return need;
}

TEST(ModelledMeter, ExpectsWhatTheTableSays) {
  ModelledMeter meter(Watts300());
  const auto power = meter.Expected(Need(2, 4), "here");
  EXPECT_EQ(power.running, Watts::Of(640));
  EXPECT_EQ(power.idle, Watts::Of(128));
  EXPECT_EQ(meter.Expected(Need(0, 8), "here").running, Watts::Of(80));
  EXPECT_EQ(meter.Expected(Need(1, 0), "here").running, Watts::Of(300));
}

TEST(ModelledMeter, ExpectsOneCpuOfAJobThatAsksForNothing) {
  ModelledMeter meter(Watts300());
  EXPECT_EQ(meter.Expected(Need(0, 0), "here").running, Watts::Of(10));
}

struct Reads {
  Reads() {
    job.id = JobId{1};
    JobSpec spec;
    spec.power = Watts::Of(310);
    spec.idle_power = Watts::Of(40);
    job.spec = spec;
    run.number = 1;
  }
  WattHours Between(int64_t begin, int64_t end, Purpose purpose) {
    const auto read =
        meter.Read(job, run,
                   {since,
                    {Instant::FromMillis(begin), Instant::FromMillis(end)},
                    purpose,
                    {},
                    false});
    EXPECT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->source, EnergySource::kModelled);
    return read->energy;
  }
  ModelledMeter meter{Watts300()};
  Job job;
  Run run;
  Instant since = Instant::FromMillis(1000);
};

constexpr int64_t kHour = 3'600'000;

TEST(ModelledMeter, ReadsPowerTimesTime) {
  Reads reads;
  EXPECT_EQ(reads.Between(1000, 1000 + 2 * kHour, Purpose::kWork),
            WattHours::Of(620));
  for (const Purpose purpose : {Purpose::kRestore, Purpose::kCheckpoint}) {
    EXPECT_EQ(reads.Between(1000, 1000 + kHour, purpose), WattHours::Of(310));
  }
  EXPECT_EQ(reads.Between(1000, 1000 + kHour, Purpose::kIdle),
            WattHours::Of(40));
  EXPECT_EQ(reads.Between(5000, 5000, Purpose::kWork), WattHours());
}

TEST(ModelledMeter, ReadingsAddUpHoweverTheTimeIsCut) {
  Reads reads;
  std::mt19937 random(7);
  for (int world = 0; world < 50; ++world) {
    JobSpec spec;
    spec.power = Watts::FromThousandths(
        std::uniform_int_distribution<int64_t>(1, 2'000'000)(random));
    reads.job.spec = spec;
    std::uniform_int_distribution<int64_t> step(1, 5000);
    int64_t at = 1000;
    WattHours sum;
    for (int cut = 0; cut < 500; ++cut) {
      const int64_t next = at + step(random);
      sum += reads.Between(at, next, Purpose::kWork);
      at = next;
    }
    EXPECT_EQ(sum, reads.Between(1000, at, Purpose::kWork)) << world;
  }
}

TEST(ModelledMeter, RefusesTimeBeforeTheRun) {
  Reads reads;
  for (const auto& [begin, end] : {std::pair{999, 2000}, {3000, 2000}}) {
    const auto read = reads.meter.Read(
        reads.job, reads.run,
        {reads.since,
         {Instant::FromMillis(begin), Instant::FromMillis(end)},
         Purpose::kWork,
         {},
         false});
    EXPECT_EQ(read.status().code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST(MakeMeter, TakesTheTableOfTheConfiguration) {
  Config config;
  config.meter.per_gpu = Watts::Of(700);
  const SystemClock clock;
  const EnergyBoard board("/nowhere");
  EXPECT_EQ(
      MakeMeter(config, clock, board)->Expected(Need(1, 0), "here").running,
      Watts::Of(700));
}

}  // namespace
}  // namespace carbond
