#include "storage/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/storage/ledger_world.h"
#include "tests/storage/raw_ledger.h"

namespace carbond {
namespace {

using testing::HasSubstr;

class VerifyTest : public testing::Test {
 protected:
  VerifyTest() {
    const auto ledger = OpenLedger(path_);
    Lives lives(*ledger);
    lives.Submit(SmallSpec(), 0);
    lives.Commit();
    const JobId id = WholeLife(lives);
    SuspendedLife(lives);
    lives.Account(id, 300, Quality::kSettled, Grams::Of(2000));
    lives.Commit();
  }
  // What verify says once somebody has done this to the file.
  std::string After(const std::string& sql) {
    RawLedger raw(path_);
    raw.Run("PRAGMA foreign_keys = OFF");
    raw.Run("DROP TRIGGER IF EXISTS events_are_not_changed");
    raw.Run("DROP TRIGGER IF EXISTS events_are_not_deleted");
    raw.Run(sql);
    const Status status = VerifyLedger(path_).status();
    if (!status.ok()) {
      EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    }
    return Message(status);
  }
  void ExpectFound(const std::string& sql, const std::string& words) {
    EXPECT_EQ(After(sql), "ledger " + path_ + ": " + words +
                              "; restore a backup, or report this as a bug");
  }

  LedgerFolder folder_;
  const std::string path_ = folder_ / "ledger.db";
};

TEST_F(VerifyTest, CountsWhatItProved) {
  const auto summary = VerifyLedger(path_);
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->jobs, 3);
  EXPECT_EQ(summary->events, 37);
  EXPECT_EQ(summary->readings, 9);
}

TEST_F(VerifyTest, FindsAChangedJob) {
  ExpectFound("UPDATE jobs SET state = 'waiting' WHERE id = 2",
              "job 2: jobs.state is `waiting`, but its events say `done`");
}

TEST_F(VerifyTest, FindsAnyChangedColumnOfAJob) {
  for (const char* column :
       {"name", "project", "user", "home_region", "outcome", "region"}) {
    RawLedger raw(path_);
    raw.Run("SAVEPOINT s");
    const std::string old =
        raw.Ask(fmt::format("SELECT {} FROM jobs WHERE id = 2", column));
    raw.Run("RELEASE s");
    EXPECT_THAT(
        After(fmt::format("UPDATE jobs SET {} = 'x' WHERE id = 2", column)),
        HasSubstr(fmt::format("job 2: jobs.{} is `x`", column)));
    After(
        fmt::format("UPDATE jobs SET {0} = (SELECT CASE '{0}' WHEN 'name' "
                    "THEN json_extract(body, '$.name') ELSE '{1}' END FROM "
                    "events WHERE job = 2 AND seq = 1) WHERE id = 2",
                    column, old));
  }
  for (const char* column :
       {"gpus", "cpus", "exit_code", "submitted_at_ms", "started_at_ms",
        "finished_at_ms", "deadline_ms", "held", "cancel_requested", "failures",
        "has_checkpoint", "pauses", "work_done_ms", "work_saved_ms",
        "energy_mwh", "last_seq"}) {
    EXPECT_THAT(After(fmt::format("UPDATE jobs SET {0} = {0} + 7 WHERE id = 2",
                                  column)),
                HasSubstr(fmt::format("job 2: jobs.{} is `", column)));
    EXPECT_EQ(After(fmt::format("UPDATE jobs SET {0} = {0} - 7 WHERE id = 2",
                                column)),
              "");
  }
}

TEST_F(VerifyTest, FindsAChangedRun) {
  ExpectFound("UPDATE runs SET exit_code = 0 WHERE job = 2 AND run = 1",
              "job 2: runs (run 1).exit_code is `0`, but its events say `85`");
}

TEST_F(VerifyTest, FindsARunTooMany) {
  ExpectFound(
      "INSERT INTO runs SELECT job, 4, region, process, gpus, cpus, resume, "
      "issued_at_ms, started_at_ms, ended_at_ms, end, exit_code, signal, "
      "detail, metered_until_ms, pause_issued_at_ms, pause_attempts, "
      "pause_failed_at_ms, ready, stop_why, work_ms, data_from, transfer_ms, "
      "transfer_mwh, not_before_ms, saved_at_ms FROM runs WHERE job = 2 AND "
      "run = 3",
      "job 2: table runs has a run too many");
}

TEST_F(VerifyTest, FindsEnergyThatIsMissingOrTooMuch) {
  ExpectFound(
      "UPDATE energy SET energy_mwh = energy_mwh * 2 WHERE job = 2 "
      "AND seq = 7",
      "job 2: energy (event 7).energy_mwh is `1200246`, but its events "
      "say `600123`");
}

TEST_F(VerifyTest, FindsAReadingThatIsGone) {
  ExpectFound("DELETE FROM energy WHERE job = 3",
              "job 3: the reading of event 4 is not in table energy");
}

TEST_F(VerifyTest, FindsAReadingThatWasCountedTwice) {
  ExpectFound(
      "INSERT INTO energy SELECT job, 99, run, begin_ms, end_ms, "
      "energy_mwh, purpose, source, measured_mwh, pue_thousandths FROM energy "
      "WHERE job = 2 AND "
      "seq = 7",
      "job 2: table energy has a reading too many");
}

TEST_F(VerifyTest, FindsAJobWithoutEventsAndEventsWithoutAJob) {
  ExpectFound("DELETE FROM events WHERE job = 1",
              "job 1: it is in table jobs, but has no events");
  ExpectFound(
      "DELETE FROM jobs WHERE id = 1; INSERT INTO events VALUES (0, 1, "
      "0, 'Submitted', '{}')",
      "job 0: it has events, but no row in table jobs");
}

TEST_F(VerifyTest, FindsAnEventThatCannotHaveHappened) {
  EXPECT_THAT(After("DELETE FROM events WHERE job = 2 AND seq = 4"),
              HasSubstr("job 2: event 5 does not apply: job 2: RunStarted"));
}

TEST_F(VerifyTest, FindsAnEventThatCannotBeRead) {
  ExpectFound(
      "UPDATE events SET body = '{\"run\":true}' WHERE job = 2 AND "
      "seq = 5",
      "job 2: event 5 does not apply: fact RunStarted cannot be read: "
      "`run`: not a whole number");
}

TEST_F(VerifyTest, FindsFiguresThatDoNotAddUp) {
  ExpectFound(
      "UPDATE emissions SET emissions_mg = emissions_mg + 1 WHERE "
      "job = 2 AND reading = 1",
      "job 2: job_emissions.emissions_mg is `1591244`, but its events "
      "say `1591245`");
}

TEST_F(VerifyTest, FindsFiguresOfAnotherReading) {
  ExpectFound(
      "UPDATE emissions SET energy_mwh = 1 WHERE job = 2 AND "
      "reading = 2",
      "job 2: emissions (reading 2).energy_mwh is `1`, but its events "
      "say `600000`");
}

TEST_F(VerifyTest, FindsThePueThatWasForgotten) {
  ExpectFound(
      "UPDATE emissions SET facility_mwh = energy_mwh WHERE job = 2 "
      "AND reading = 2",
      "job 2: emissions (reading 2).facility_mwh is `600000`, but "
      "energy times PUE is `720000`");
}

TEST_F(VerifyTest, FindsAMeasurementThatWasNone) {
  ExpectFound(
      "UPDATE emissions SET measured_mwh = 5 WHERE job = 2 AND reading = 2",
      "job 2: emissions (reading 2).measured_mwh is `5`, but what was measured "
      "times PUE is `720000`");
}

TEST_F(VerifyTest, FindsAReadingThatWasNotMeasured) {
  EXPECT_THAT(After("UPDATE energy SET measured_mwh = energy_mwh WHERE job = 2 "
                    "AND source = 'modelled'"),
              HasSubstr("measured_mwh is `600123`, but its events say `0`"));
}

TEST_F(VerifyTest, FindsFiguresWithoutTheirSum) {
  ExpectFound("DELETE FROM job_emissions",
              "job 2: it has rows in table emissions, but no sum of them");
}

TEST_F(VerifyTest, FindsSettledFiguresThatAreNot) {
  ExpectFound("UPDATE job_emissions SET quality = 'provisional'",
              "job 2: its figures are marked settled, but 6 of 6 readings are "
              "in them, provisional");
}

TEST_F(VerifyTest, FindsRowsThatBelongToNothing) {
  EXPECT_THAT(After("DELETE FROM jobs WHERE id = 2"),
              HasSubstr("names a row of table jobs that is not there"));
}

TEST_F(VerifyTest, ChangesNothing) {
  RawLedger raw(path_);
  const std::string before = raw.Ask("PRAGMA data_version");
  ASSERT_TRUE(VerifyLedger(path_).ok());
  EXPECT_EQ(raw.Ask("PRAGMA data_version"), before);
}

TEST_F(VerifyTest, WorksWhileTheDaemonHasTheLedgerOpen) {
  const auto ledger = OpenLedger(path_);
  ASSERT_TRUE(ledger->PutSetting("a", "b").ok());
  EXPECT_TRUE(VerifyLedger(path_).ok());
}

}  // namespace
}  // namespace carbond
