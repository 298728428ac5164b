// A job paused again and again, over crashes of the daemon and an outage of its
// provider, is one job with one figure: the real engine on the real ledger.

#include <gtest/gtest.h>

#include "scheduler/engine.h"
#include "scheduler/sim/driver.h"
#include "scheduler/sim/sim_doors.h"
#include "storage/ledger_reader.h"
#include "storage/verify.h"
#include "tests/storage/ledger_world.h"

namespace carbond {
namespace {

const Instant kMidnight = Instant::FromSeconds(1'800'057'600);

Instant Clock(double hours_after) {
  return kMidnight + Duration(static_cast<int64_t>(hours_after * 3'600'000));
}

double GramsPerKwhAt(int64_t hour) { return hour % 2 == 0 ? 100 : 500; }

class OneFigureTest : public testing::Test {
 protected:
  OneFigureTest() {
    Region region;
    region.name = "here";
    region.zone = "here";
    region.pue = Pue::Of(1.1);
    region.capacity = {1, 4};
    options_.regions = {region};
    options_.stale_after = hours(3);
    std::vector<Slot> slots;
    for (int64_t h = 0; h < 72; ++h) {
      slots.push_back(
          {{Clock(static_cast<double>(h)), Clock(static_cast<double>(h + 1))},
           GramsPerKwh::Of(GramsPerKwhAt(h))});
    }
    const Series truth = *Series::Make(std::move(slots));
    for (int64_t h = 0; h < 24; ++h) {
      const Instant at = Clock(static_cast<double>(h));
      grid_.AddForecast(
          {"here", "sim", "sim", at, at, truth.Clip({at, at + hours(24)})});
    }
    grid_.SetActual("here", truth);
    Restart();
  }

  // What the daemon knew is gone; the file and the processes stay.
  void Restart() {
    driver_.reset();
    engine_.reset();
    ledger_.reset();
    ledger_ = OpenLedger(path_);
    auto recovered =
        Engine::Recover(options_, {clock_, *ledger_, grid_, executor_, meter_});
    ASSERT_TRUE(recovered.ok()) << recovered.status();
    engine_ = *std::move(recovered);
    driver_ = std::make_unique<Driver>(*engine_, clock_, &executor_);
  }

  JobId Submit() {
    SubmitCommand submit;
    JobSpec spec;
    spec.command = {"/bin/train"};
    spec.workdir = "/";
    spec.user = "ana";
    spec.need = {1, 1};
    spec.duration = hours(6);
    spec.power = Watts::Of(1000);
    spec.power_declared = true;
    spec.pause = PauseMode::kCheckpoint;
    spec.checkpoint_cost = spec.resume_cost = minutes(1);
    spec.checkpoint_timeout = minutes(5);
    spec.min_run = minutes(10);
    spec.deadline = Clock(14);
    submit.jobs.push_back({spec, {}});
    std::vector<Command> commands{std::move(submit)};
    const auto replies = engine_->Execute(commands);
    SimBehaviour behaviour;
    behaviour.work = hours(6);
    behaviour.save = behaviour.restore = minutes(1);
    executor_.SetBehaviour(replies->front().jobs.front(), behaviour);
    return replies->front().jobs.front();
  }

  void RunTo(double hour) { ASSERT_TRUE(driver_->RunUntil(Clock(hour)).ok()); }

  LedgerFolder folder_;
  const std::string path_ = folder_ / "ledger.db";
  EngineOptions options_;
  SimClock clock_{kMidnight};
  SimGrid grid_;
  SimExecutor executor_{clock_};
  SimMeter meter_;
  std::unique_ptr<SqliteLedger> ledger_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Driver> driver_;
};

TEST_F(OneFigureTest, OfFivePausesTwoCrashesAndAnOutage) {
  const JobId id = Submit();
  RunTo(2.4);
  Restart();  // while it runs
  RunTo(3.5);
  grid_.SetDown(true);
  RunTo(3.8);
  Restart();  // while it is paused, and nothing can be asked
  RunTo(6.2);
  grid_.SetDown(false);
  ASSERT_TRUE(driver_->RunUntilDone(Clock(14)).ok());
  RunTo(70);
  const auto reader = LedgerReader::Open(path_);
  ASSERT_TRUE(reader.ok()) << reader.status();
  const auto jobs = (*reader)->List({});
  ASSERT_EQ(jobs->size(), 1u);
  const JobRecord record = *(*reader)->Get(id);
  EXPECT_EQ(record.job.outcome, Outcome::kSucceeded);
  EXPECT_GE(Pauses(record.job), 5);

  // By hand: what ran, minute by minute, at 1.1 kW and the truth's values.
  double grams = 0, kwh = 0;
  for (const auto& run : record.job.runs) {
    ASSERT_TRUE(run.started_at && run.ended_at);
    for (Instant at = *run.started_at; at < *run.ended_at; at += seconds(1)) {
      const int64_t hour = (at - kMidnight) / hours(1);
      grams += 1.1 / 3600 * GramsPerKwhAt(hour);
      kwh += 1.1 / 3600;
    }
  }
  ASSERT_TRUE(record.emissions.has_value());
  EXPECT_EQ(record.emissions->quality, Quality::kSettled);
  EXPECT_EQ(record.emissions->unknown, Duration(0));
  EXPECT_NEAR(record.emissions->grams.value(), grams, 0.2);
  EXPECT_NEAR(record.emissions->facility_energy.value() / 1000, kwh, 0.001);
  EXPECT_NEAR(record.emissions->baseline->value(), 1.1 * 3 * (100 + 500), 0.01);
  EXPECT_LT(record.emissions->grams, *record.emissions->baseline);
  Grams of_parts;
  for (const EmissionsPart& part : record.parts) of_parts += part.grams;
  EXPECT_EQ(of_parts, record.emissions->grams);
  const auto rows = (*reader)->Report({});
  ASSERT_EQ(rows->size(), 1u);
  EXPECT_EQ(rows->front().jobs, 1);
  EXPECT_EQ(rows->front().grams, record.emissions->grams);
  const auto verified = VerifyLedger(path_);
  EXPECT_TRUE(verified.ok()) << verified.status();
}

}  // namespace
}  // namespace carbond
