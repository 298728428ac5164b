// A ledger written by the engine, replayed under other policies.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "daemon/backtest/from_ledger.h"
#include "daemon/backtest/replay.h"
#include "storage/ledger_reader.h"
#include "storage/sqlite_ledger.h"
#include "tests/daemon/scratch_folder.h"
#include "tests/scheduler/sim_world.h"

namespace carbond {
namespace {

using testing::HasSubstr;

class BacktestLedgerTest : public testing::Test {
 protected:
  // Five days of a sunny grid, in which jobs run as the engine decides.
  void Live(int jobs) {
    auto ledger = SqliteLedger::Open(path_);
    ASSERT_TRUE(ledger.ok()) << ledger.status();
    SimClock clock(kDawn);
    SimGrid grid;
    SimExecutor executor(clock);
    SimMeter meter;
    std::vector<double> truth;
    for (int h = 0; h < 24 * 5; ++h) {
      const double sun = std::sin((h % 24 - 6) / 12.0 * 3.14159);
      truth.push_back(std::round(400 - 250 * std::max(0.0, sun)));
    }
    grid.SetActual("here", Hourly(kDawn, truth));
    for (int h = 0; h + 48 < 24 * 5; h += 6) {
      const std::vector<double> said(truth.begin() + h, truth.begin() + h + 48);
      grid.AddForecast(
          Issue("here", kDawn + hours(h), Hourly(kDawn + hours(h), said)));
    }
    EngineOptions options;
    options.regions = {Place("here")};
    options.stale_after = hours(96);  // as backtests have it
    auto engine =
        Engine::Recover(options, {clock, **ledger, grid, executor, meter});
    ASSERT_TRUE(engine.ok()) << engine.status();
    Driver driver(**engine, clock, &executor);
    for (int i = 0; i < jobs; ++i) {
      ASSERT_TRUE(driver.RunUntil(kDawn + hours(2 + 5 * i)).ok());
      SubmitCommand submit;
      submit.jobs.push_back({Work(hours(3)), {}});
      submit.jobs[0].spec.deadline = clock.Now() + hours(20);
      std::vector<Command> commands = {submit};
      const auto replies = (*engine)->Execute(commands);
      ASSERT_TRUE(replies.ok() && replies->front().status.ok());
    }
    ASSERT_TRUE(driver.RunUntil(kDawn + hours(24 * 5)).ok());
    ASSERT_TRUE((*engine)->live().empty());
  }

  LedgerWish Wish() const {
    LedgerWish wish;
    wish.path = path_;
    wish.since = kDawn;
    return wish;
  }

  ScratchFolder folder_;
  const std::string path_ = folder_.path() + "/ledger.db";
};

TEST_F(BacktestLedgerTest, RunsPastJobsAtOnceAsTheLedgersBaselineSays) {
  Live(6);
  const auto made = ScenarioFromLedger(Wish());
  ASSERT_TRUE(made.ok()) << made.status();
  ASSERT_EQ(made->scenario.jobs.size(), 6u);
  EXPECT_EQ(made->left_out, 0);
  const auto now = Replay(made->scenario, PolicyKind::kRunNow, false);
  ASSERT_TRUE(now.ok()) << now.status();
  const auto reader = LedgerReader::Open(path_);
  ASSERT_TRUE(reader.ok());
  for (const ReplayedJob& job : now->jobs) {
    const auto record = (*reader)->Get(JobId(std::stoi(job.id)));
    ASSERT_TRUE(record.ok());
    EXPECT_EQ(job.emissions, record->emissions->baseline) << job.id;
  }
}

TEST_F(BacktestLedgerTest, DoesAgainWhatTheDaemonDid) {
  Live(6);
  const auto made = ScenarioFromLedger(Wish());
  ASSERT_TRUE(made.ok()) << made.status();
  const auto again = Replay(made->scenario, PolicyKind::kCarbond, false);
  ASSERT_TRUE(again.ok()) << again.status();
  const auto reader = LedgerReader::Open(path_);
  ASSERT_TRUE(reader.ok());
  Grams then;
  for (const ReplayedJob& job : again->jobs) {
    then += (*reader)->Get(JobId(std::stoi(job.id)))->emissions->grams;
  }
  EXPECT_NEAR(again->emissions.value() / then.value(), 1, 0.02);
}

TEST_F(BacktestLedgerTest, ShowsWhatMorePatienceWouldHaveSaved) {
  Live(6);
  LedgerWish wish = Wish();
  wish.slack = hours(0);
  const auto hurry = ScenarioFromLedger(wish);
  wish.slack = hours(40);
  const auto patience = ScenarioFromLedger(wish);
  ASSERT_TRUE(hurry.ok() && patience.ok());
  const auto fast = Replay(hurry->scenario, PolicyKind::kCarbond, false);
  const auto slow = Replay(patience->scenario, PolicyKind::kCarbond, false);
  ASSERT_TRUE(fast.ok()) << fast.status();
  ASSERT_TRUE(slow.ok()) << slow.status();
  EXPECT_EQ(fast->emissions, fast->baseline);
  EXPECT_LT(slow->emissions, fast->emissions);
}

TEST_F(BacktestLedgerTest, SaysWhenThereIsNothingToReplay) {
  Live(0);
  EXPECT_THAT(Message(ScenarioFromLedger(Wish()).status()),
              HasSubstr("no job submitted since 2026-01-01T00:00:00Z"));
  LedgerWish wish = Wish();
  wish.path = folder_.path() + "/nothing.db";
  EXPECT_FALSE(ScenarioFromLedger(wish).ok());
}

}  // namespace
}  // namespace carbond
