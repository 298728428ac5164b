#include <gtest/gtest.h>

#include "storage/ledger_reader.h"
#include "tests/storage/ledger_world.h"

namespace carbond {
namespace {

constexpr double kGrams = 500;  // per kWh, in all figures here

class ReportTest : public testing::Test {
 protected:
  // A job that draws 100 W for the minutes named, PUE 1.2.
  JobId Job(const std::string& user, const std::string& project,
            const std::string& region, std::vector<Interval> runs) {
    const JobId id = lives_.Submit(SmallSpec(user, project), 0);
    for (const Interval& run : runs) {
      const int64_t from = (run.begin - At(0)) / minutes(1);
      const int64_t to = (run.end - At(0)) / minutes(1);
      lives_.Start(id, from, region);
      lives_.Meter(id, from, to, 100.0 * static_cast<double>(to - from) / 60);
      lives_.End(id, to, RunEnd::kCheckpointed, 85);
    }
    return id;
  }
  void Account(JobId id, std::optional<double> baseline_g,
               Quality quality = Quality::kSettled,
               const std::string& signal = "co2_moer") {
    std::optional<Grams> baseline;
    if (baseline_g) baseline = Grams::Of(*baseline_g);
    lives_.Account(id, kGrams, quality, baseline, signal);
  }
  std::vector<ReportRow> Report(ReportKey by, std::optional<Instant> since = {},
                                std::optional<Instant> until = {},
                                std::vector<JobId> jobs = {}) {
    lives_.Commit();
    const auto reader = LedgerReader::Open(path_);
    EXPECT_TRUE(reader.ok()) << reader.status();
    ReportFilter filter;
    filter.by = by;
    filter.since = since;
    filter.until = until;
    filter.jobs = std::move(jobs);
    const auto rows = (*reader)->Report(filter);
    EXPECT_TRUE(rows.ok()) << rows.status();
    return *rows;
  }
  // "key: jobs, Wh, g, baseline" of each row.
  static std::vector<std::string> Lines(const std::vector<ReportRow>& rows) {
    std::vector<std::string> lines;
    for (const ReportRow& row : rows) {
      lines.push_back(fmt::format(
          "{}: {}, {} Wh, {} g, {}", row.key, row.jobs,
          row.facility_energy.value(), row.grams.value(),
          row.baseline ? fmt::format("{}", row.baseline->value()) : "-"));
    }
    return lines;
  }
  using Expected = std::vector<std::string>;

  LedgerFolder folder_;
  const std::string path_ = folder_ / "ledger.db";
  std::unique_ptr<SqliteLedger> ledger_ = OpenLedger(path_);
  Lives lives_{*ledger_};
};

TEST_F(ReportTest, SumsByEveryKeyOfWholeJobs) {
  Account(Job("anna", "vision", "here", {Minutes(0, 60)}), 70);
  Account(Job("anna", "speech", "eu", {Minutes(60, 120)}), 80);
  Account(Job("ben", "speech", "eu", {Minutes(0, 30), Minutes(60, 90)}), 90);
  lives_.Submit(SmallSpec("cy", "none"), 0);  // nothing to report
  EXPECT_EQ(Lines(Report(ReportKey::kTotal)),
            Expected({": 3, 360 Wh, 180 g, 240"}));
  EXPECT_EQ(Lines(Report(ReportKey::kJob)),
            Expected({"1: 1, 120 Wh, 60 g, 70", "2: 1, 120 Wh, 60 g, 80",
                      "3: 1, 120 Wh, 60 g, 90"}));
  EXPECT_EQ(
      Lines(Report(ReportKey::kUser)),
      Expected({"anna: 2, 240 Wh, 120 g, 150", "ben: 1, 120 Wh, 60 g, 90"}));
  EXPECT_EQ(Lines(Report(ReportKey::kProject)),
            Expected({"speech: 2, 240 Wh, 120 g, 170",
                      "vision: 1, 120 Wh, 60 g, 70"}));
  EXPECT_EQ(Lines(Report(ReportKey::kTotal, {}, {}, {JobId{1}, JobId{3}})),
            Expected({": 2, 240 Wh, 120 g, 160"}));
  const ReportRow total = Report(ReportKey::kTotal)[0];
  EXPECT_EQ(total.signal, "co2_moer");
  EXPECT_EQ(total.provider, "wt");
}

TEST_F(ReportTest, IsEmptyOfAnEmptyLedger) {
  for (const ReportKey by :
       {ReportKey::kTotal, ReportKey::kJob, ReportKey::kUser,
        ReportKey::kProject, ReportKey::kRegion, ReportKey::kDay}) {
    EXPECT_TRUE(Report(by).empty());
  }
}

TEST_F(ReportTest, ListsJobsInTheOrderOfTheirNumbers) {
  for (int i = 0; i < 12; ++i) {
    Account(Job("anna", "p", "here", {Minutes(i, i + 1)}), 1);
  }
  const auto rows = Report(ReportKey::kJob);
  ASSERT_EQ(rows.size(), 12u);
  EXPECT_EQ(rows[1].key, "2");
  EXPECT_EQ(rows[11].key, "12");
}

TEST_F(ReportTest, HasNoBaselineUnlessItIsKnownOfEveryJob) {
  Account(Job("anna", "p", "here", {Minutes(0, 60)}), 70);
  Account(Job("anna", "p", "here", {Minutes(0, 60)}), {});
  EXPECT_EQ(Lines(Report(ReportKey::kUser)),
            Expected({"anna: 2, 240 Wh, 120 g, -"}));
  EXPECT_EQ(Lines(Report(ReportKey::kRegion)),
            Expected({"here: 2, 240 Wh, 120 g, -"}));
}

TEST_F(ReportTest, NeverAddsFiguresOfTwoSignals) {
  Account(Job("anna", "p", "here", {Minutes(0, 60)}), 70);
  Account(Job("anna", "p", "here", {Minutes(0, 60)}), 80, Quality::kSettled,
          "average");
  for (const ReportKey by : {ReportKey::kTotal, ReportKey::kUser,
                             ReportKey::kRegion, ReportKey::kDay}) {
    const auto rows = Report(by);
    ASSERT_EQ(rows.size(), 2u);
    EXPECT_EQ(rows[0].signal, "average");
    EXPECT_EQ(rows[1].signal, "co2_moer");
    EXPECT_EQ(rows[0].grams, Grams::Of(60));
  }
}

TEST_F(ReportTest, TellsMeasuredFromModelledAndSettledFromProvisional) {
  const JobId id = lives_.Submit(SmallSpec(), 0);
  lives_.Start(id, 0);
  lives_.Meter(id, 0, 60, 100);
  lives_.Meter(id, 60, 120, 50, Purpose::kWork, EnergySource::kMeasured);
  Account(id, 70, Quality::kProvisional);
  for (auto& account : lives_.batch().accounts) {
    account.rows[0].quality = Quality::kSettled;
    account.rows[1].unknown = minutes(7);
    account.total.unknown = minutes(7);
  }
  for (const ReportKey by : {ReportKey::kTotal, ReportKey::kRegion}) {
    const ReportRow row = Report(by).at(0);
    EXPECT_EQ(row.facility_energy, WattHours::Of(180));
    EXPECT_EQ(row.measured_energy, WattHours::Of(60));
    EXPECT_EQ(row.grams, Grams::Of(90));
    EXPECT_EQ(row.settled_grams, Grams::Of(60));
    EXPECT_EQ(row.unknown, minutes(7));
    EXPECT_FALSE(row.settled);
    EXPECT_TRUE(row.any_measured);
  }
}

// Of a reading whose GPUs were counted and whose CPUs were not, what the GPUs
// drew was measured.
TEST_F(ReportTest, SaysWhereAPartWasMeasured) {
  const JobId id = lives_.Submit(SmallSpec(), 0);
  lives_.Start(id, 0);
  lives_.Meter(id, 0, 60, 100, Purpose::kWork, EnergySource::kMixed, 75);
  Account(id, 70, Quality::kProvisional);
  for (const ReportKey by :
       {ReportKey::kTotal, ReportKey::kRegion, ReportKey::kDay}) {
    const ReportRow row = Report(by).at(0);
    EXPECT_TRUE(row.any_measured);
    EXPECT_EQ(row.measured_energy, WattHours::Of(75) * Pue::Of(1.2));
    EXPECT_EQ(row.facility_energy, WattHours::Of(100) * Pue::Of(1.2));
  }
}

TEST_F(ReportTest, DoesNotTakeNothingEmittedForNothingToSettle) {
  const JobId id = lives_.Submit(SmallSpec(), 0);
  lives_.Start(id, 0);
  lives_.Meter(id, 0, 60, 100);
  for (const Quality quality : {Quality::kProvisional, Quality::kSettled}) {
    Account(id, 70, quality);
    for (auto& account : lives_.batch().accounts) {
      account.total.grams = account.rows[0].grams = Grams();
      account.rows[0].quality = account.total.quality = quality;
    }
    for (const ReportKey by : {ReportKey::kTotal, ReportKey::kRegion}) {
      EXPECT_EQ(Report(by).at(0).settled, quality == Quality::kSettled);
    }
  }
}

TEST_F(ReportTest, TakesWholeJobsByTheirSubmission) {
  Account(Job("anna", "p", "here", {Minutes(0, 60)}), 70);
  EXPECT_EQ(Report(ReportKey::kTotal, At(0), At(1)).size(), 1u);
  EXPECT_EQ(Report(ReportKey::kTotal, At(1), At(60)).size(), 0u);
  EXPECT_EQ(Report(ReportKey::kTotal, At(-60), At(0)).size(), 0u);
}

TEST_F(ReportTest, GivesARegionItsShareAndItsBaselineOnlyWhereItIsWhole) {
  const JobId home = Job("anna", "p", "here", {Minutes(0, 60)});
  Account(home, 70);
  EXPECT_EQ(Lines(Report(ReportKey::kRegion)),
            Expected({"here: 1, 120 Wh, 60 g, 70"}));
  // Away from home.
  Account(Job("anna", "p", "eu", {Minutes(0, 60)}), 80);
  EXPECT_EQ(Lines(Report(ReportKey::kRegion)),
            Expected({"eu: 1, 120 Wh, 60 g, -", "here: 1, 120 Wh, 60 g, 70"}));
  // A window that cuts the job: half of its energy, no baseline.
  EXPECT_EQ(Lines(Report(ReportKey::kRegion, At(30), At(300), {home})),
            Expected({"here: 1, 60 Wh, 30 g, -"}));
  EXPECT_EQ(Lines(Report(ReportKey::kRegion, At(0), At(60), {home})),
            Expected({"here: 1, 120 Wh, 60 g, 70"}));
  EXPECT_TRUE(Report(ReportKey::kRegion, At(60), At(300)).empty());
  EXPECT_TRUE(Report(ReportKey::kRegion, At(50), At(10)).empty());
  // A job that moved: each region has its part, neither a baseline.
  const JobId moved = lives_.Submit(SmallSpec(), 0);
  lives_.Start(moved, 100, "here");
  lives_.Meter(moved, 100, 130, 50);
  lives_.End(moved, 130, RunEnd::kCheckpointed, 85);
  lives_.Start(moved, 200, "eu");
  lives_.Meter(moved, 200, 230, 50);
  Account(moved, 99);
  EXPECT_EQ(Lines(Report(ReportKey::kRegion, {}, {}, {moved})),
            Expected({"eu: 1, 60 Wh, 30 g, -", "here: 1, 60 Wh, 30 g, -"}));
}

TEST_F(ReportTest, TellsOfARegionWhatItsComputersUsedAndWhatIsAccounted) {
  const JobId id = lives_.Submit(SmallSpec(), 0);
  lives_.Start(id, 0);
  lives_.Meter(id, 0, 60, 100);
  lives_.Meter(id, 60, 120, 50);
  Account(id, 70);
  for (auto& account : lives_.batch().accounts) {
    account.rows[1].unknown = minutes(45);
    account.rows[1].zone = "EU";
  }
  const ReportRow row = Report(ReportKey::kRegion).at(0);
  EXPECT_EQ(row.it_energy, WattHours::Of(150));
  EXPECT_EQ(row.facility_energy, WattHours::Of(180));
  EXPECT_EQ(row.accounted_energy, WattHours::Of(135));  // 120 and 15 of 60
  EXPECT_EQ(row.zone, "CAISO_NORTH, EU");
  const ReportRow cut = Report(ReportKey::kDay, At(30), At(90)).at(0);
  EXPECT_EQ(cut.it_energy, WattHours::Of(75));
  EXPECT_EQ(cut.accounted_energy, WattHours::Of(67.5));
  EXPECT_FALSE(Report(ReportKey::kTotal).at(0).it_energy.has_value());
}

// Midnight after At(0) is at minute 960.
TEST_F(ReportTest, SharesAReadingOutToTheDaysInWhichItsEnergyWasUsed) {
  const JobId id = Job("anna", "p", "here", {Minutes(900, 900 + 2880)});
  Account(id, 5000);
  const auto rows = Report(ReportKey::kDay);
  EXPECT_EQ(Lines(rows), Expected({"2026-11-21: 1, 120 Wh, 60 g, -",
                                   "2026-11-22: 1, 2880 Wh, 1440 g, -",
                                   "2026-11-23: 1, 2760 Wh, 1380 g, -"}));
  EXPECT_EQ(Lines(Report(ReportKey::kDay, At(930), At(960))),
            Expected({"2026-11-21: 1, 60 Wh, 30 g, -"}));
  EXPECT_EQ(
      Lines(Report(ReportKey::kDay, At(959), At(961))),
      Expected({"2026-11-21: 1, 2 Wh, 1 g, -", "2026-11-22: 1, 2 Wh, 1 g, -"}));
}

TEST_F(ReportTest, LosesNoMilligramWhereItCuts) {
  const JobId id = lives_.Submit(SmallSpec(), 0);
  lives_.Start(id, 901);
  for (int i = 0; i < 40; ++i) {
    lives_.Meter(id, 901 + i * 997, 901 + (i + 1) * 997, 7.777 + i);
  }
  Account(id, {});
  const ReportRow whole = Report(ReportKey::kTotal).at(0);
  WattHours energy;
  Grams grams;
  for (const ReportRow& row : Report(ReportKey::kDay)) {
    energy += row.facility_energy;
    grams += row.grams;
    EXPECT_EQ(row.jobs, 1);
  }
  EXPECT_EQ(energy, whole.facility_energy);
  EXPECT_EQ(grams, whole.grams);
  // Windows that follow each other add up as well.
  Grams cut;
  for (int64_t minute = 0; minute < 42000; minute += 1234) {
    for (const ReportRow& row :
         Report(ReportKey::kRegion, At(minute), At(minute + 1234))) {
      cut += row.grams;
    }
  }
  EXPECT_EQ(cut, whole.grams);
}

}  // namespace
}  // namespace carbond
