#include "storage/sqlite_ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/verify.h"
#include "tests/storage/ledger_world.h"
#include "tests/storage/raw_ledger.h"

namespace carbond {
namespace {

using testing::HasSubstr;
using testing::Not;

class SqliteLedgerTest : public testing::Test {
 protected:
  void Reopen() {
    ledger_.reset();
    ledger_ = OpenLedger(path_);
  }
  Recovered Recover(Instant since = Instant()) {
    Result<Recovered> recovered = ledger_->Recover(since);
    EXPECT_TRUE(recovered.ok()) << recovered.status();
    return recovered.ok() ? *std::move(recovered) : Recovered();
  }
  void ExpectVerified() {
    const Result<VerifySummary> summary = VerifyLedger(path_);
    EXPECT_TRUE(summary.ok()) << summary.status();
  }

  LedgerFolder folder_;
  const std::string path_ = folder_ / "ledger.db";
  std::unique_ptr<SqliteLedger> ledger_ = OpenLedger(path_);
  Lives lives_{*ledger_};
};

TEST_F(SqliteLedgerTest, KnowsWhatEarlierJobsOfANameTook) {
  const auto live = [&](const std::string& name, int minutes_of_work,
                        RunEnd end) {
    JobSpec spec = SmallSpec();
    spec.name = name;
    const JobId id = lives_.Submit(spec, 0);
    lives_.Start(id, 1);
    lives_.Meter(id, 1, 1 + minutes_of_work, 10);
    lives_.End(id, 1 + minutes_of_work, end, end == RunEnd::kSucceeded ? 0 : 1);
  };
  live("a", 10, RunEnd::kSucceeded);
  live("a", 20, RunEnd::kSucceeded);
  live("b", 30, RunEnd::kSucceeded);
  live("a", 40, RunEnd::kFailed);
  ASSERT_TRUE(lives_.TryCommit().ok());
  const std::string user = SmallSpec().user;
  EXPECT_THAT(*ledger_->PastWork(user, "a", 20),
              testing::ElementsAre(minutes(20), minutes(10)))
      << "newest first";
  EXPECT_THAT(*ledger_->PastWork(user, "a", 1),
              testing::ElementsAre(minutes(20)));
  EXPECT_THAT(*ledger_->PastWork("nobody", "a", 20), testing::IsEmpty());
}

TEST_F(SqliteLedgerTest, IsEmptyWhenNew) {
  const Recovered recovered = Recover();
  EXPECT_EQ(recovered.next_job, JobId{1});
  EXPECT_TRUE(recovered.live.empty());
  EXPECT_TRUE(recovered.unsettled.empty());
  EXPECT_TRUE(recovered.forecast_zones.empty());
  EXPECT_TRUE(recovered.observed.empty());
  ExpectVerified();
}

TEST_F(SqliteLedgerTest, GivesBackALiveJobAsItWasAtEveryStepOfItsLife) {
  const JobId id = lives_.Submit(FullSpec(), 0);
  lives_.Commit();
  const auto expect_same = [&] {
    Result<std::unique_ptr<SqliteLedger>> other = SqliteLedger::Open(path_);
    ASSERT_TRUE(other.ok()) << other.status();
    const Result<Recovered> recovered = (*other)->Recover(Instant());
    ASSERT_TRUE(recovered.ok()) << recovered.status();
    ASSERT_EQ(recovered->live.size(), 1u);
    EXPECT_EQ(Describe(recovered->live[0]), Describe(lives_.job(id)));
  };
  const std::vector<Fact> life = {
      Held{"anna"},
      StartIssued{1, "here", 1, {{0, 3}, 4}, false},
      RunStarted{1},
      Progressed{1, 0.1, false},
      EnergyMetered{1, Minutes(3, 9), WattHours::Of(1.5), Purpose::kWork,
                    EnergySource::kMeasured},
      PauseIssued{1, 1, "dirty"},
      PauseFailed{1, "late"},
      PauseIssued{1, 2, "dirty"},
      Progressed{1, 0.5, true},
      StopIssued{1, RunEnd::kTimeLimit},
      RunEnded{1, RunEnd::kCheckpointed, 85, 15, "saved"},
      Released{"anna"},
      StartIssued{2, "eu", 2, {{}, 0}, true},
      RunEnded{2, RunEnd::kNotStarted, {}, {}, "no such file"},
      StartIssued{3, "eu", 3, {{7}, 1}, true},
      RunStarted{3},
      CancelRequested{"anna"},
  };
  expect_same();
  int64_t minute = 1;
  for (const Fact& fact : life) {
    SCOPED_TRACE(FactName(fact));
    lives_.Tell(id, minute++, fact);
    lives_.Commit();
    expect_same();
  }
  ExpectVerified();
}

TEST_F(SqliteLedgerTest, WritesEveryRunThatABatchTouches) {
  const JobId id = WholeLife(lives_);
  // A whole life of three runs in one batch, after a first part.
  const JobId other = lives_.Submit(SmallSpec(), 0);
  lives_.Start(other, 1);
  lives_.Meter(other, 1, 2, 3);
  lives_.Commit();
  lives_.Meter(other, 2, 3, 3);
  lives_.End(other, 3, RunEnd::kCheckpointed, 85);
  for (const int64_t minute : {10, 20}) {
    lives_.Start(other, minute);
    lives_.Meter(other, minute, minute + 5, 9);
    lives_.End(other, minute + 5, RunEnd::kCheckpointed, 85);
  }
  lives_.Commit();
  const Recovered recovered = Recover();
  ASSERT_EQ(recovered.live.size(), 1u);
  EXPECT_EQ(Describe(recovered.live[0]), Describe(lives_.job(other)));
  ASSERT_EQ(recovered.unsettled.size(), 1u);
  EXPECT_EQ(Describe(recovered.unsettled[0]), Describe(lives_.job(id)));
  ExpectVerified();
}

TEST_F(SqliteLedgerTest, RecoversReadingsInTheirOrder) {
  const JobId id = WholeLife(lives_);
  const Recovered recovered = Recover();
  const std::vector<Reading>& readings = recovered.readings.at(id);
  const std::vector<Reading> expected = lives_.ReadingsOf(id);
  ASSERT_EQ(readings.size(), expected.size());
  for (size_t i = 0; i < readings.size(); ++i) {
    EXPECT_EQ(readings[i].run, expected[i].run);
    EXPECT_EQ(readings[i].region, expected[i].region);
    EXPECT_EQ(readings[i].metered.run, expected[i].run);
    EXPECT_EQ(readings[i].metered.interval, expected[i].metered.interval);
    EXPECT_EQ(readings[i].metered.energy, expected[i].metered.energy);
    EXPECT_EQ(readings[i].metered.purpose, expected[i].metered.purpose);
    EXPECT_EQ(readings[i].metered.source, expected[i].metered.source);
  }
}

TEST_F(SqliteLedgerTest, LeavesSettledJobsAloneAtARestart) {
  const JobId done = WholeLife(lives_);
  const JobId live = lives_.Submit(SmallSpec(), 301);
  lives_.Commit();
  EXPECT_EQ(Recover().unsettled.size(), 1u) << "no figures yet";

  lives_.Account(done, 300, Quality::kProvisional, Grams::Of(900));
  lives_.Commit();
  EXPECT_EQ(Recover().unsettled.size(), 1u) << "provisional figures";

  lives_.Account(done, 310, Quality::kSettled, Grams::Of(900));
  lives_.Commit();
  const Recovered recovered = Recover();
  EXPECT_TRUE(recovered.unsettled.empty());
  EXPECT_EQ(recovered.readings.count(done), 0u);
  ASSERT_EQ(recovered.live.size(), 1u);
  EXPECT_EQ(recovered.live[0].id, live);
  EXPECT_EQ(recovered.next_job, JobId{Number(live) + 1});
  ExpectVerified();
}

// A crash between a reading and the figures that cover it must not leave the
// older, settled figures standing as the last word.
TEST_F(SqliteLedgerTest, ReopensFiguresWhenMoreHappens) {
  const JobId id = lives_.Submit(SmallSpec(), 0);
  lives_.Start(id, 1);
  lives_.Meter(id, 1, 10, 15);
  lives_.Account(id, 300, Quality::kSettled, {});
  lives_.Commit();
  lives_.Meter(id, 10, 20, 15);
  lives_.End(id, 20, RunEnd::kSucceeded, 0);
  lives_.Commit();
  EXPECT_EQ(Recover().unsettled.size(), 1u);
  ExpectVerified();
}

TEST_F(SqliteLedgerTest, NeverGivesANumberTwice) {
  for (int i = 0; i < 3; ++i) {
    const JobId id = lives_.Submit(SmallSpec(), i);
    lives_.Tell(id, i, CancelRequested{"anna"});
    lives_.Account(id, 0, Quality::kSettled, {});
  }
  lives_.Commit();
  Reopen();
  const Recovered recovered = Recover();
  EXPECT_TRUE(recovered.live.empty());
  EXPECT_TRUE(recovered.unsettled.empty());
  EXPECT_EQ(recovered.next_job, JobId{4});
}

TEST_F(SqliteLedgerTest, KeepsTheNewestPlanOfLiveJobs) {
  const JobId id = lives_.Submit(SmallSpec(), 0);
  PlanRecord plan;
  plan.job = id;
  plan.plan.id = id;
  plan.plan.region_name = "here";
  plan.plan.runs = {{Minutes(30, 90), 0, "here"}};
  plan.plan.reason = Reason::kCleanerHours;
  plan.plan.why = "waits";
  plan.plan.expected = Grams::Of(80);
  plan.plan.run_now = Grams::Of(100);
  plan.expected_total = Grams::Of(81);
  plan.made_at = At(0);
  lives_.batch().plans.push_back(plan);
  lives_.Commit();
  plan.made_at = At(5);
  plan.plan.why = "waits longer";
  plan.baseline = Grams::Of(101);
  lives_.batch().plans.push_back(plan);
  lives_.Commit();

  const PlanRecord newest = Recover().plans.at(id);
  EXPECT_EQ(newest.job, id);
  EXPECT_EQ(newest.made_at, At(5));
  EXPECT_EQ(newest.expected_total, Grams::Of(81));
  EXPECT_EQ(newest.baseline, Grams::Of(101));
  EXPECT_EQ(EncodePlan(newest.plan), EncodePlan(plan.plan));

  RawLedger raw(path_);
  EXPECT_EQ(raw.Ask("SELECT count(*) FROM plans"), "2");
  EXPECT_EQ(raw.Ask("SELECT region || reason || why || expected_mg || "
                    "run_now_mg FROM plans ORDER BY made_at_ms"),
            "herecleaner_hourswaits80000100000");
}

TEST_F(SqliteLedgerTest, RemembersRequests) {
  RequestRecord request{"01J-abc", "digest", JobId{7}, 3, At(1)};
  lives_.batch().requests.push_back(request);
  lives_.Commit();
  const auto found = ledger_->FindRequest("01J-abc");
  ASSERT_TRUE(found.ok() && found->has_value());
  EXPECT_EQ((*found)->request_id, "01J-abc");
  EXPECT_EQ((*found)->digest, "digest");
  EXPECT_EQ((*found)->first, JobId{7});
  EXPECT_EQ((*found)->count, 3);
  EXPECT_EQ((*found)->at, At(1));
  EXPECT_FALSE(ledger_->FindRequest("01J-ab")->has_value());

  lives_.batch().requests.push_back(request);
  EXPECT_EQ(lives_.TryCommit().code(), absl::StatusCode::kInternal);
}

TEST_F(SqliteLedgerTest, KeepsSettings) {
  EXPECT_FALSE(ledger_->GetSetting("anchor")->has_value());
  ASSERT_TRUE(ledger_->PutSetting("anchor", "1").ok());
  ASSERT_TRUE(ledger_->PutSetting("anchor", "2").ok());
  Reopen();
  EXPECT_EQ(*ledger_->GetSetting("anchor"), "2");
}

TEST_F(SqliteLedgerTest, LeavesNothingOfABatchThatFailsInTheMiddle) {
  const JobId id = lives_.Submit(SmallSpec(), 0);
  lives_.Commit();
  // The second event of this batch is there already, so the batch fails after
  // its jobs, its runs and its first events were written.
  const Event first{JobId{2}, 1, At(1), Submitted{SmallSpec()}};
  const Event again{id, 1, At(1), Submitted{SmallSpec()}};
  Job job = *ApplyFirst(first);
  ASSERT_TRUE(
      Apply(job, {JobId{2}, 2, At(1), StartIssued{1, "here", 1, {}, false}})
          .ok());
  Batch batch;
  batch.jobs = {&job};
  batch.events = {first, again};
  batch.requests = {{"id", "digest", JobId{2}, 1, At(1)}};
  batch.forecasts = {
      {"Z", "wt", "s", At(0), At(0), SeriesOf(0, hours(1), {1})}};
  const Status status = ledger_->Append(batch);
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(Message(status),
            "cannot write ledger " + path_ +
                ": UNIQUE constraint failed: events.job, events.seq; report "
                "this as a bug in carbond, with the ledger's copy");

  const Recovered recovered = Recover();
  ASSERT_EQ(recovered.live.size(), 1u);
  EXPECT_EQ(recovered.next_job, JobId{2});
  EXPECT_TRUE(recovered.forecast_zones.empty());
  EXPECT_FALSE(ledger_->FindRequest("id")->has_value());
  ExpectVerified();
  // The connection is as good as new.
  lives_.Submit(SmallSpec(), 2);
  lives_.Commit();
  ExpectVerified();
}

TEST_F(SqliteLedgerTest, RefusesToChangeOrDeleteEvents) {
  WholeLife(lives_);
  RawLedger raw(path_);
  EXPECT_EQ(raw.Refusal("UPDATE events SET at_ms = 0"),
            "events are facts: they are never changed");
  EXPECT_EQ(raw.Refusal("DELETE FROM events WHERE seq = 2"),
            "events are facts: they are never deleted");
  EXPECT_EQ(raw.Refusal("DELETE FROM events"),
            "events are facts: they are never deleted");
  ExpectVerified();
}

TEST_F(SqliteLedgerTest, SitsOnDiskWithTheSettingsThatKeepIt) {
  RawLedger raw(path_);
  EXPECT_EQ(raw.Ask("PRAGMA journal_mode"), "wal");
  EXPECT_EQ(raw.Ask("PRAGMA application_id"), std::to_string(0x43424f4e));
  EXPECT_EQ(raw.Ask("PRAGMA user_version"), "7");
  EXPECT_EQ(raw.Ask("SELECT count(*) FROM sqlite_master WHERE type = 'table' "
                    "AND sql NOT LIKE '%STRICT%'"),
            "0");
}

TEST_F(SqliteLedgerTest, FindsLiveAndUnsettledJobsByTheirIndexes) {
  RawLedger raw(path_);
  EXPECT_THAT(raw.PlanOf("SELECT * FROM jobs WHERE state <> 'done' AND id < ? "
                         "ORDER BY id DESC"),
              HasSubstr("jobs_live"));
  const std::string unsettled = raw.PlanOf(
      "SELECT * FROM jobs WHERE jobs.state = 'done' AND jobs.settled = 0 "
      "ORDER BY jobs.id");
  EXPECT_THAT(unsettled, HasSubstr("jobs_unsettled"));
  EXPECT_THAT(unsettled, Not(HasSubstr("TEMP B-TREE")));
}

TEST_F(SqliteLedgerTest, HasViewsForPeople) {
  const JobId id = WholeLife(lives_);
  lives_.Account(id, 300, Quality::kSettled, Grams::Of(2000));
  lives_.batch().observed.push_back({"CAISO_NORTH", "wt", "co2_moer", At(20),
                                     At(5),
                                     SeriesOf(0, minutes(5), {300, 310})});
  PlanRecord plan;
  plan.job = id;
  plan.made_at = At(0);
  plan.plan.why = "now";
  lives_.batch().plans.push_back(plan);
  lives_.Commit();
  RawLedger raw(path_);
  EXPECT_EQ(raw.Ask("SELECT job || ' ' || user || ' ' || energy_kwh || ' ' || "
                    "baseline_g || ' ' || quality || ' ' || energy_source "
                    "FROM v_job_emissions"),
            "1 anna 5.304148 2000.0 settled mixed");
  EXPECT_EQ(raw.Ask("SELECT round(saved_g + emissions_g, 3) FROM "
                    "v_job_emissions"),
            "2000.0");
  EXPECT_EQ(raw.Ask("SELECT started_at || ' ' || ended_at || ' ' || end || ' ' "
                    "|| it_energy_kwh FROM v_runs WHERE run = 1"),
            "2026-11-21T08:10:00.000Z 2026-11-21T09:11:00.000Z checkpointed "
            "1.220123");
  EXPECT_EQ(raw.Ask("SELECT submitted_at FROM v_jobs"),
            "2026-11-21T08:00:00.000Z");
  EXPECT_EQ(raw.Ask("SELECT at FROM v_events WHERE seq = 2"),
            "2026-11-21T08:01:00.000Z");
  EXPECT_EQ(raw.Ask("SELECT why FROM v_plans"), "now");
  EXPECT_EQ(raw.Ask("SELECT group_concat(begin || ' ' || intensity_g_per_kwh "
                    "|| ' ' || final, ', ') FROM v_intensities"),
            "2026-11-21T08:00:00.000Z 300.0 1, "
            "2026-11-21T08:05:00.000Z 310.0 0");
}

// A job of a week is accounted anew thousands of times.
TEST_F(SqliteLedgerTest, WritesOnlyTheFiguresThatChanged) {
  const JobId id = lives_.Submit(SmallSpec(), 0);
  lives_.Start(id, 0);
  for (int i = 0; i < 500; ++i) lives_.Meter(id, i, i + 1, 1.5);
  lives_.Account(id, 300, Quality::kProvisional, {});
  lives_.Commit();
  RawLedger raw(path_);
  raw.Run("PRAGMA wal_checkpoint(TRUNCATE)");
  lives_.Account(id, 300, Quality::kProvisional, {});
  lives_.Commit();
  const auto wal = std::filesystem::file_size(path_ + "-wal");
  EXPECT_LT(wal, 8 * 4120u) << "of some 25 pages of rows";
  EXPECT_EQ(raw.Ask("SELECT count(*) FROM emissions"), "500");
  ExpectVerified();
}

TEST_F(SqliteLedgerTest, ReplacesFiguresWithFewerRows) {
  const JobId id = WholeLife(lives_);
  lives_.Account(id, 300, Quality::kProvisional, {});
  Account shorter = lives_.batch().accounts.back();
  lives_.Commit();
  const EmissionsRow first = shorter.rows.front();
  shorter.rows = {first};
  shorter.total.grams = first.grams;
  shorter.total.facility_energy = first.energy * first.pue;
  shorter.total.measured_facility = first.measured_facility;
  lives_.batch().accounts.push_back(shorter);
  lives_.Commit();
  RawLedger raw(path_);
  EXPECT_EQ(raw.Ask("SELECT count(*) FROM emissions"), "1");
  ExpectVerified();
}

TEST_F(SqliteLedgerTest, KeepsWordsThatAreNotUtf8) {
  const JobId id = lives_.Submit(SmallSpec(), 0);
  lives_.Start(id, 1);
  lives_.Tell(id, 2,
              RunEnded{1, RunEnd::kFailed, 1, {}, "last words \xff\xc3"});
  lives_.Commit();
  const Recovered recovered = Recover();
  ASSERT_EQ(recovered.unsettled.size(), 1u);
  EXPECT_EQ(recovered.unsettled[0].runs[0].detail,
            "last words \xEF\xBF\xBD\xEF\xBF\xBD");
  ExpectVerified();
}

TEST_F(SqliteLedgerTest, RecoversWhoHoldsAJobAndWhatItsRunHadSaved) {
  const auto ledger = OpenLedger(path_);
  Lives lives(*ledger);
  JobSpec spec = SmallSpec();
  spec.retries = 1;
  const JobId id = lives.Submit(spec, 0);
  lives.Tell(id, 1, Held{"carbond", "budget of user anna: 51 of 50 kg"});
  lives.Commit();
  EXPECT_EQ(ledger->Recover(Instant())->live.at(0).held_for_budget,
            "budget of user anna: 51 of 50 kg");
  lives.Tell(id, 2, Released{"anna"});
  lives.Start(id, 3);
  lives.Meter(id, 3, 10, 20);
  lives.Tell(id, 10, Progressed{1, 0.2, true});
  lives.Tell(id, 11, RunEnded{1, RunEnd::kLost, {}, {}, "power"});
  lives.Tell(id, 12, Held{"anna"});
  lives.Commit();
  const Job recovered = ledger->Recover(Instant())->live.at(0);
  EXPECT_EQ(Describe(recovered), Describe(lives.job(id)));
  EXPECT_TRUE(recovered.over_budget);
  EXPECT_EQ(recovered.held_by, "anna");
  EXPECT_EQ(recovered.runs[0].saved_at, At(10));
}

}  // namespace
}  // namespace carbond
