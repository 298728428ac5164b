#include "storage/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "storage/ledger_reader.h"
#include "storage/verify.h"
#include "tests/storage/ledger_world.h"
#include "tests/storage/raw_ledger.h"

namespace carbond {
namespace {

using testing::HasSubstr;

std::vector<const char*> AllMigrations() {
  const auto all = Migrations();
  return {all.begin(), all.end()};
}

// What later schemas added to one that holds no figures yet.
constexpr const char* kBackToSchema4 = R"sql(
DROP VIEW v_job_costs;
DROP VIEW v_superseded;
DROP VIEW v_job_emissions;
DROP TABLE superseded_emissions;
DROP TABLE second_emissions;
DROP INDEX jobs_submitted;
DROP INDEX jobs_of_user;
ALTER TABLE jobs DROP COLUMN held_by;
ALTER TABLE jobs DROP COLUMN held_for_budget;
ALTER TABLE jobs DROP COLUMN over_budget;
ALTER TABLE runs DROP COLUMN saved_at_ms;
ALTER TABLE emissions DROP COLUMN lost_mwh;
ALTER TABLE emissions DROP COLUMN lost_mg;
ALTER TABLE emissions DROP COLUMN measured_mwh;
ALTER TABLE energy DROP COLUMN measured_mwh;
ALTER TABLE energy DROP COLUMN pue_thousandths;
ALTER TABLE job_emissions DROP COLUMN forecast_ms;
ALTER TABLE job_emissions DROP COLUMN same_region_mg;
ALTER TABLE job_emissions DROP COLUMN worst_start_mg;
ALTER TABLE job_emissions DROP COLUMN stated_at_ms;
ALTER TABLE job_emissions DROP COLUMN version;
CREATE VIEW v_job_emissions AS SELECT job FROM job_emissions;
ALTER TABLE jobs DROP COLUMN released_at_ms;
ALTER TABLE runs DROP COLUMN not_before_ms;
PRAGMA user_version = 4;
)sql";

// What a copy is called that is kept before the next migration.
const std::string kBackup =
    ".schema-" + std::to_string(Migrations().size()) + ".bak";

class SchemaTest : public testing::Test {
 protected:
  void WriteFile(const std::string& text) {
    std::ofstream(path_, std::ios::binary) << text;
  }
  // Opens with the migrations of another time.
  Status OpenWith(const std::vector<const char*>& migrations) {
    auto connection = Connection::Open(path_, Connection::Access::kWrite);
    if (!connection.ok()) return connection.status();
    return PrepareSchema(**connection, migrations);
  }

  LedgerFolder folder_;
  const std::string path_ = folder_ / "ledger.db";
};

TEST_F(SchemaTest, RefusesALedgerOfANewerCarbond) {
  OpenLedger(path_).reset();
  RawLedger(path_).Run("PRAGMA user_version = 9");
  const std::string words = "ledger " + path_ +
                            " has schema 9, this carbond knows up to " +
                            std::to_string(Migrations().size()) +
                            ": run the newer carbond, or restore a backup";
  const Status writer = SqliteLedger::Open(path_).status();
  EXPECT_EQ(writer.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Message(writer), words);
  EXPECT_EQ(Message(LedgerReader::Open(path_).status()), words);
  EXPECT_EQ(Message(VerifyLedger(path_).status()), words);
  EXPECT_EQ(RawLedger(path_).Ask("PRAGMA user_version"), "9");
}

TEST_F(SchemaTest, FindsInAnOldLedgerWhoWasReleasedSinceItsLastPause) {
  JobId released{}, paused_again{};
  {
    const auto ledger = OpenLedger(path_);
    Lives lives(*ledger);
    for (JobId* id : {&released, &paused_again}) {
      *id = lives.Submit(SmallSpec(), 0);
      lives.Start(*id, 1);
      lives.Tell(*id, 10, Held{"anna"});
      lives.Tell(*id, 10, PauseIssued{1, 1, "its user paused it"});
      lives.End(*id, 11, RunEnd::kCheckpointed, 85);
      lives.Tell(*id, 12, Released{"anna"});
    }
    lives.Start(paused_again, 13);
    lives.Tell(paused_again, 20, PauseIssued{2, 1, "cleaner hours"});
    lives.End(paused_again, 21, RunEnd::kCheckpointed, 85);
    lives.Commit();
  }
  RawLedger(path_).Run(kBackToSchema4);
  const auto recovered = OpenLedger(path_)->Recover(Instant());
  ASSERT_TRUE(recovered.ok()) << recovered.status();
  ASSERT_EQ(recovered->live.size(), 2u);
  EXPECT_EQ(recovered->live[0].released_at, At(12));
  EXPECT_EQ(recovered->live[1].released_at, std::nullopt);
  const auto verified = VerifyLedger(path_);
  EXPECT_TRUE(verified.ok()) << verified.status();
}

TEST_F(SchemaTest, RefusesAFileThatIsNoDatabase) {
  const std::string text(5000, 'x');
  WriteFile(text);
  for (const Status& status :
       {SqliteLedger::Open(path_).status(), LedgerReader::Open(path_).status(),
        VerifyLedger(path_).status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(Message(status),
                HasSubstr(path_ + ": file is not a database; name a carbond "
                                  "ledger, or restore a backup"));
  }
  std::ifstream in(path_);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), text);
}

TEST_F(SchemaTest, RefusesADatabaseOfSomethingElse) {
  RawLedger(path_).Run("CREATE TABLE photos (id INTEGER)");
  for (const Status& status : {SqliteLedger::Open(path_).status(),
                               LedgerReader::Open(path_).status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(Message(status),
              path_ +
                  " is an SQLite database, but no carbond ledger; name "
                  "another file");
  }
  EXPECT_EQ(RawLedger(path_).Ask("PRAGMA journal_mode"), "delete");
}

TEST_F(SchemaTest, TellsAReaderThatThereIsNoLedgerYet) {
  const Status absent = LedgerReader::Open(path_).status();
  EXPECT_EQ(absent.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(
      Message(absent),
      "ledger " + path_ + " does not exist: name another, or start carbond");
  WriteFile("");
  EXPECT_EQ(Message(LedgerReader::Open(path_).status()),
            path_ + " is empty, no carbond ledger yet: start carbond first");
  EXPECT_TRUE(SqliteLedger::Open(path_).ok()) << "an empty file may become one";
}

TEST_F(SchemaTest, NamesTheFolderThatIsNotThere) {
  const Status status = SqliteLedger::Open(folder_ / "no/ledger.db").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(Message(status), HasSubstr("see that its folder exists"));
}

TEST_F(SchemaTest, BringsAnOlderLedgerForwardAndKeepsACopy) {
  {
    const auto ledger = OpenLedger(path_);
    Lives lives(*ledger);
    WholeLife(lives);
  }
  std::vector<const char*> later = AllMigrations();
  later.push_back("ALTER TABLE settings ADD COLUMN note TEXT");
  later.push_back("ALTER TABLE settings ADD COLUMN more TEXT");
  ASSERT_TRUE(OpenWith(later).ok());
  RawLedger raw(path_);
  EXPECT_EQ(raw.Ask("PRAGMA user_version"), std::to_string(later.size()));
  EXPECT_EQ(raw.Ask("SELECT count(*) FROM events"),
            RawLedger(path_ + kBackup).Ask("SELECT count(*) FROM events"));
  EXPECT_EQ(raw.Ask("SELECT count(note) + count(more) FROM settings"), "0");
  // The copy is a ledger that the older carbond opens and finds whole.
  const auto verified = VerifyLedger(path_ + kBackup);
  EXPECT_TRUE(verified.ok()) << verified.status();
  EXPECT_EQ(SqliteLedger::Open(path_).status().code(),
            absl::StatusCode::kFailedPrecondition);
  // Opened again, nothing is left to do.
  std::filesystem::remove(path_ + kBackup);
  EXPECT_TRUE(OpenWith(later).ok());
  EXPECT_FALSE(std::filesystem::exists(path_ + kBackup));
}

TEST_F(SchemaTest, LeavesTheLedgerAsItWasWhenAMigrationFails) {
  OpenLedger(path_).reset();
  std::vector<const char*> broken = AllMigrations();
  broken.push_back("CREATE TABLE t (a INTEGER)");
  broken.push_back("NONSENSE");
  const Status status = OpenWith(broken);
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(Message(status), HasSubstr("near \"NONSENSE\": syntax error"));
  RawLedger raw(path_);
  EXPECT_EQ(raw.Ask("PRAGMA user_version"),
            std::to_string(Migrations().size()));
  EXPECT_EQ(raw.Ask("SELECT count(*) FROM sqlite_master WHERE name = 't'"),
            "0");
  EXPECT_TRUE(SqliteLedger::Open(path_).ok());
}

TEST_F(SchemaTest, AsksForAStartBeforeItReadsAnOlderLedger) {
  OpenLedger(path_).reset();
  RawLedger raw(path_);
  // Schema 0 with tables in it: an older one, as far as this carbond knows.
  raw.Run("PRAGMA user_version = 0");
  EXPECT_THAT(Message(LedgerReader::Open(path_).status()),
              HasSubstr("no carbond ledger yet"));
}

}  // namespace
}  // namespace carbond
