// Ledgers written by each schema ever released, as SQL text. They must open,
// verify, and say what they said then.

#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "storage/ledger_reader.h"
#include "storage/schema.h"
#include "storage/verify.h"
#include "tests/storage/ledger_world.h"
#include "tests/storage/raw_ledger.h"

namespace carbond {
namespace {

class GoldenTest : public testing::TestWithParam<size_t> {
 protected:
  void SetUp() override {
    const std::string file = fmt::format("{}/tests/golden/schema_{}.sql",
                                         CARBOND_SOURCE_DIR, GetParam());
    std::ifstream in(file);
    ASSERT_TRUE(in.good()) << file;
    RawLedger(path_).Run(std::string(std::istreambuf_iterator<char>(in), {}));
  }
  // A sixth job ran away from its data.
  bool knows_moves() const { return GetParam() >= 3; }
  // A seventh was released from a pause.
  bool knows_releases() const { return GetParam() >= 5; }
  // An eighth waits in a cluster's queue until its time.
  bool knows_queues() const { return GetParam() >= 6; }
  // A ninth was held for a budget, lost work, and was stated twice.
  bool knows_budgets() const { return GetParam() >= 7; }
  int64_t jobs() const {
    return 5 + knows_moves() + knows_releases() + knows_queues() +
           knows_budgets();
  }

  LedgerFolder folder_;
  const std::string path_ = folder_ / "ledger.db";
};

// One for each, so that none is forgotten.
INSTANTIATE_TEST_SUITE_P(EachSchema, GoldenTest,
                         testing::Range(size_t{1}, Migrations().size() + 1));

TEST_P(GoldenTest, Opens) {
  ASSERT_EQ(RawLedger(path_).Ask("PRAGMA user_version"),
            std::to_string(GetParam()));
  const auto ledger = OpenLedger(path_);
  ASSERT_NE(ledger, nullptr);
  const auto verified = VerifyLedger(path_);
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_EQ(verified->jobs, jobs());
  EXPECT_EQ(verified->events,
            44 + (knows_moves() ? 6 : 0) + (knows_releases() ? 8 : 0) +
                (knows_queues() ? 5 : 0) + (knows_budgets() ? 13 : 0));
  EXPECT_EQ(verified->readings, 10 + (knows_moves() ? 2 : 0) +
                                    (knows_releases() ? 1 : 0) +
                                    (knows_budgets() ? 3 : 0));
}

TEST_P(GoldenTest, HasTheColumnsOfANewLedgerOnceItIsOpened) {
  const auto columns = [](const std::string& path) {
    std::set<std::string> found;
    SQLite::Database database(path);
    SQLite::Statement query(
        database,
        "SELECT format('%s %s.%s %s %d %s', m.type, m.name, c.name, c.type, "
        "c.\"notnull\", c.dflt_value) FROM sqlite_master m LEFT JOIN "
        "pragma_table_xinfo(m.name) c");
    while (query.executeStep()) found.insert(query.getColumn(0).getString());
    return found;
  };
  OpenLedger(path_).reset();
  OpenLedger(folder_ / "new.db").reset();
  EXPECT_EQ(columns(path_), columns(folder_ / "new.db"));
}

TEST_P(GoldenTest, HasEveryKindOfFactInIt) {
  std::set<std::string> kinds;
  SQLite::Database database(path_);
  SQLite::Statement query(database, "SELECT DISTINCT kind FROM events");
  while (query.executeStep()) kinds.insert(query.getColumn(0).getString());
  EXPECT_EQ(kinds,
            (std::set<std::string>{"Submitted", "StartIssued", "RunStarted",
                                   "Progressed", "EnergyMetered", "PauseIssued",
                                   "PauseFailed", "RunEnded", "StopIssued",
                                   "CancelRequested", "Held", "Released"}));
}

TEST_P(GoldenTest, SaysWhatItSaidThen) {
  OpenLedger(path_).reset();  // brings it forward
  const auto reader = LedgerReader::Open(path_);
  ASSERT_TRUE(reader.ok()) << reader.status();

  const auto whole = (*reader)->Get(JobId{1});
  ASSERT_TRUE(whole.ok()) << whole.status();
  EXPECT_EQ(whole->job.spec, FullSpec());
  EXPECT_EQ(whole->job.outcome, Outcome::kSucceeded);
  EXPECT_EQ(whole->job.runs.size(), 3u);
  EXPECT_EQ(whole->job.energy, WattHours::Of(4420.123));
  EXPECT_EQ(whole->emissions->grams, Grams::Of(1591.244));
  EXPECT_EQ(whole->emissions->baseline, Grams::Of(2000));
  EXPECT_EQ(whole->emissions->quality, Quality::kSettled);
  EXPECT_TRUE(whole->emissions->any_measured);

  const auto waiting = (*reader)->Get(JobId{3});
  ASSERT_TRUE(waiting.ok()) << waiting.status();
  EXPECT_EQ(waiting->job.state, State::kWaiting);
  EXPECT_EQ(waiting->plan->plan.why, "waits for cleaner hours");
  EXPECT_EQ(waiting->plan->plan.alternatives.size(), 1u);
  EXPECT_EQ(waiting->plan->expected_total, Grams::Of(81));

  const auto forecast = (*reader)->NewestForecast("CAISO_NORTH");
  ASSERT_TRUE(forecast.ok() && forecast->has_value()) << forecast.status();
  EXPECT_EQ((*forecast)->series,
            SeriesOf(0, minutes(5), {412.345, 0, 399.999}));
  EXPECT_EQ(*(*reader)->ObservedOf("CAISO_NORTH", Minutes(0, 60)),
            SeriesOf(0, minutes(5), {410, 411.5}));
  EXPECT_EQ(*(*reader)->GetSetting("clock"), "1");
}

TEST_P(GoldenTest, KnowsWhatARunFetchedSinceSchema3) {
  OpenLedger(path_).reset();
  const auto reader = LedgerReader::Open(path_);
  ASSERT_TRUE(reader.ok()) << reader.status();
  const auto moved = (*reader)->Get(JobId{6});
  if (!knows_moves()) {
    EXPECT_EQ(moved.status().code(), absl::StatusCode::kNotFound);
    EXPECT_EQ((*reader)->Get(JobId{1})->job.runs[0].move, DataMove());
    return;
  }
  ASSERT_TRUE(moved.ok()) << moved.status();
  ASSERT_EQ(moved->job.runs.size(), 1u);
  EXPECT_EQ(moved->job.runs[0].move,
            (DataMove{"here", seconds(120), WattHours::Of(20)}));
}

TEST_P(GoldenTest, KnowsWhoMayGoOnAfterItsReleaseSinceSchema5) {
  OpenLedger(path_).reset();
  const auto reader = LedgerReader::Open(path_);
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ((*reader)->Get(JobId{1})->job.released_at, std::nullopt);
  if (!knows_releases()) return;
  const auto released = (*reader)->Get(JobId{7});
  ASSERT_TRUE(released.ok()) << released.status();
  EXPECT_EQ(released->job.state, State::kPaused);
  EXPECT_EQ(released->job.spec->min_pause, minutes(90));
  EXPECT_EQ(released->job.released_at, At(375));
}

// Schema 1's has no forecast that is old.
TEST_P(GoldenTest, IsThinnedFromTheNextForecastOn) {
  const auto forecasts = [&] {
    return RawLedger(path_).Ask("SELECT count(*) FROM forecasts");
  };
  const bool any_old = GetParam() >= 2;
  const bool thinned = GetParam() >= 4;
  const auto ledger = OpenLedger(path_);
  EXPECT_EQ(forecasts(), any_old ? (thinned ? "2" : "3") : "1");
  Batch batch;
  batch.forecasts.push_back({"CAISO_NORTH", "wt", "co2_moer", At(5), At(6),
                             SeriesOf(5, minutes(5), {1})});
  ASSERT_TRUE(ledger->Append(batch).ok());
  EXPECT_EQ(forecasts(), any_old ? "3" : "2");
}

TEST_P(GoldenTest, GoesOnFromWhereItWas) {
  const auto ledger = OpenLedger(path_);
  const auto recovered = ledger->Recover(Instant());
  ASSERT_TRUE(recovered.ok()) << recovered.status();
  EXPECT_EQ(recovered->next_job, JobId{jobs() + 1});
  EXPECT_EQ(recovered->live.size(), 2u + knows_releases() + knows_queues());
  EXPECT_EQ(recovered->unsettled.size(),
            size_t{2} + knows_moves() + knows_budgets());
  EXPECT_EQ(recovered->plans.size(), 1u);
  const auto request = ledger->FindRequest("01JD-golden");
  ASSERT_TRUE(request.ok() && request->has_value());
  EXPECT_EQ((*request)->first, JobId{3});

  Job job = recovered->live[0];
  const Event cancelled{job.id, job.last_seq + 1, At(500),
                        CancelRequested{"anna"}};
  ASSERT_TRUE(Apply(job, cancelled).ok());
  Batch batch;
  batch.jobs = {&job};
  batch.events = {cancelled};
  ASSERT_TRUE(ledger->Append(batch).ok());
  const auto verified = VerifyLedger(path_);
  EXPECT_TRUE(verified.ok()) << verified.status();
}

TEST_P(GoldenTest, KnowsWhenARunMayBeginSinceSchema6) {
  OpenLedger(path_).reset();
  const auto reader = LedgerReader::Open(path_);
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ((*reader)->Get(JobId{1})->job.runs[0].not_before, std::nullopt);
  if (!knows_queues()) return;
  const auto queued = (*reader)->Get(JobId{8});
  ASSERT_TRUE(queued.ok()) << queued.status();
  ASSERT_EQ(queued->job.runs.size(), 2u);
  EXPECT_EQ(queued->job.state, State::kStarting);
  EXPECT_EQ(queued->job.runs[0].end, RunEnd::kRecalled);
  EXPECT_EQ(queued->job.runs[1].not_before, At(370));
}

}  // namespace
}  // namespace carbond
