// Ledgers written by each schema ever released, as SQL text. They must open,
// verify, and say what they said then.

#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "storage/ledger_reader.h"
#include "storage/verify.h"
#include "tests/storage/ledger_world.h"
#include "tests/storage/raw_ledger.h"

namespace carbond {
namespace {

class GoldenTest : public testing::Test {
 protected:
  void Load(const std::string& name) {
    const std::string file =
        std::string(CARBOND_SOURCE_DIR) + "/tests/golden/" + name;
    std::ifstream in(file);
    ASSERT_TRUE(in.good()) << file;
    RawLedger(path_).Run(std::string(std::istreambuf_iterator<char>(in), {}));
  }

  LedgerFolder folder_;
  const std::string path_ = folder_ / "ledger.db";
};

TEST_F(GoldenTest, OpensALedgerOfSchema1) {
  Load("schema_1.sql");
  const auto ledger = OpenLedger(path_);
  ASSERT_NE(ledger, nullptr);
  const auto verified = VerifyLedger(path_);
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_EQ(verified->jobs, 5);
  EXPECT_EQ(verified->events, 44);
  EXPECT_EQ(verified->readings, 10);
}

TEST_F(GoldenTest, HasEveryKindOfFactInIt) {
  Load("schema_1.sql");
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

TEST_F(GoldenTest, SaysWhatItSaidThen) {
  Load("schema_1.sql");
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

TEST_F(GoldenTest, GoesOnFromWhereItWas) {
  Load("schema_1.sql");
  const auto ledger = OpenLedger(path_);
  const auto recovered = ledger->Recover(Instant());
  ASSERT_TRUE(recovered.ok()) << recovered.status();
  EXPECT_EQ(recovered->next_job, JobId{6});
  EXPECT_EQ(recovered->live.size(), 2u);
  EXPECT_EQ(recovered->unsettled.size(), 2u);
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

}  // namespace
}  // namespace carbond
