// What the ledger states of jobs: sums that an independent integration gives
// too, and figures that are never changed without a trace.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "storage/ledger_reader.h"
#include "storage/verify.h"
#include "tests/storage/ledger_world.h"
#include "tests/storage/raw_ledger.h"

namespace carbond {
namespace {

using testing::HasSubstr;

constexpr int kMinutes = 3 * 24 * 60;

// Two regions, whose values are known in a first form and then in a last one.
class Grid {
 public:
  explicit Grid(std::mt19937_64& random) {
    for (const char* name : {"here", "eu"}) {
      Region& region = regions_[name];
      region.pue =
          Pue::FromThousandths(1000 + static_cast<int>(random() % 800));
      int minute = 0;
      while (minute < kMinutes) {
        const int length = 5 * (1 + static_cast<int>(random() % 12));
        const auto mg = static_cast<int64_t>(random() % 900'000);
        region.first.push_back(SlotOf(minute, length, mg));
        const bool revised = random() % 3 == 0;
        region.last.push_back(
            SlotOf(minute, length,
                   revised ? static_cast<int64_t>(random() % 900'000) : mg));
        minute += length;
      }
      region.known.observed = *Series::Make(region.first);
    }
  }

  void Revise() {
    for (auto& [name, region] : regions_) {
      region.known.observed = *Series::Make(region.last);
      region.known.final_until = Instant::Never();
    }
  }

  std::map<std::string, RegionGrid> grids() const {
    std::map<std::string, RegionGrid> grids;
    for (const auto& [name, region] : regions_) {
      grids[name] = {name, "wt", "co2_moer", region.pue, &region.known};
    }
    return grids;
  }

  // Milligrams, minute by minute, in floating point: nothing of the ledger's
  // arithmetic is in it.
  long double Integrate(const std::string& name, Interval interval,
                        WattHours energy) const {
    const Region& region = regions_.at(name);
    const auto length = static_cast<long double>(interval.length().count());
    long double sum = 0;
    for (Instant at = interval.begin; at < interval.end; at += minutes(1)) {
      long double mg_per_kwh = 0;
      for (const Slot& slot : region.last) {
        if (slot.interval.begin <= at && at < slot.interval.end) {
          mg_per_kwh = static_cast<long double>(slot.intensity.thousandths());
          break;
        }
      }
      sum += 60'000 / length * mg_per_kwh;
    }
    return static_cast<long double>(energy.thousandths()) / 1e6L *
           static_cast<long double>(region.pue.thousandths()) / 1e3L * sum;
  }

 private:
  struct Region {
    Pue pue;
    std::vector<Slot> first, last;
    KnownIntensity known;
  };
  static Slot SlotOf(int minute, int length, int64_t mg) {
    return {{At(minute), At(minute + length)},
            GramsPerKwh::FromThousandths(mg)};
  }
  std::map<std::string, Region> regions_;
};

// A job that is paused, crashes, saves and is cancelled as chance will have it.
class RandomLife {
 public:
  RandomLife(Lives& lives, std::mt19937_64& random)
      : lives_(lives), random_(random) {}

  JobId Live() {
    JobSpec spec = SmallSpec("user" + std::to_string(Pick(0, 6)),
                             "project" + std::to_string(Pick(0, 3)));
    spec.regions = {"here", "eu"};
    spec.home_region = Pick(0, 1) == 0 ? "here" : "eu";
    spec.retries = 20;
    spec.deadline = At(kMinutes - 1);
    minute_ = Pick(0, 24 * 60);
    id_ = lives_.Submit(spec, minute_);
    const int runs = Pick(1, 6);
    for (int run = 1; run <= runs; ++run) {
      minute_ += Pick(0, 120);
      lives_.Start(id_, minute_, Pick(0, 2) == 0 ? "eu" : "here");
      if (lives_.job(id_).runs.back().resume)
        Meter(Pick(1, 3), Purpose::kRestore);
      const int pieces = Pick(1, 8);
      for (int i = 0; i < pieces; ++i) {
        Meter(Pick(1, 40), Purpose::kWork);
        if (Pick(0, 4) == 0) {
          lives_.Tell(id_, minute_, Progressed{run, 0.1 * run, true});
        }
      }
      if (run == runs) {
        lives_.End(id_, minute_,
                   Pick(0, 9) == 0 ? RunEnd::kCancelled : RunEnd::kSucceeded,
                   0);
      } else {
        EndInBetween();
      }
    }
    return id_;
  }

 private:
  int Pick(int from, int to) {
    return from +
           static_cast<int>(random_() % static_cast<uint64_t>(to - from + 1));
  }
  void Meter(int length, Purpose purpose) {
    lives_.Meter(
        id_, minute_, minute_ + length, 0.001 * Pick(0, 2'000'000), purpose,
        Pick(0, 1) == 0 ? EnergySource::kMeasured : EnergySource::kModelled);
    minute_ += length;
  }
  void EndInBetween() {
    switch (Pick(0, 3)) {
      case 0:
        return lives_.End(id_, minute_, RunEnd::kFailed, 1);
      case 1:
        return lives_.Tell(id_, minute_,
                           RunEnded{lives_.job(id_).runs.back().number,
                                    RunEnd::kLost,
                                    {},
                                    {},
                                    "power"});
      default:
        Meter(Pick(1, 3), Purpose::kCheckpoint);
        return lives_.End(id_, minute_, RunEnd::kCheckpointed,
                          kCheckpointExitCode);
    }
  }

  Lives& lives_;
  std::mt19937_64& random_;
  JobId id_{};
  int64_t minute_ = 0;
};

class StatementsTest : public testing::Test {
 protected:
  void State(const Grid& grid, int64_t minute) {
    for (const auto& [id, job] : lives_.jobs()) {
      lives_.batch().accounts.push_back(
          AccountOf(job, lives_.ReadingsOf(id), grid.grids(), At(minute)));
    }
    lives_.Commit();
  }
  std::unique_ptr<LedgerReader> Reader() const {
    return *LedgerReader::Open(path_);
  }
  std::map<std::string, ReportRow> Report(ReportKey by) const {
    ReportFilter filter;
    filter.by = by;
    std::map<std::string, ReportRow> rows;
    const auto reader = Reader();
    const auto report = reader->Report(filter);
    for (const ReportRow& row : *report) rows[row.key] = row;
    return rows;
  }

  LedgerFolder folder_;
  const std::string path_ = folder_ / "ledger.db";
  std::unique_ptr<SqliteLedger> ledger_ = OpenLedger(path_);
  Lives lives_{*ledger_};
};

TEST_F(StatementsTest, ThousandRandomJobsAddUpToAnIndependentIntegration) {
  std::mt19937_64 random(20261122);
  Grid grid(random);
  for (int i = 0; i < 1000; ++i) RandomLife(lives_, random).Live();
  lives_.Commit();
  State(grid, kMinutes);
  grid.Revise();
  State(grid, kMinutes + 60);

  const auto reader = Reader();
  std::map<std::string, Grams> by_user, by_project;
  Grams in_all;
  WattHours energy_in_all;
  const auto rows = Report(ReportKey::kJob);
  ASSERT_EQ(rows.size(), 1000u);
  for (const auto& [id, job] : lives_.jobs()) {
    long double milligrams = 0;
    WattHours energy;
    for (const Reading& reading : lives_.ReadingsOf(id)) {
      milligrams += grid.Integrate(reading.region, reading.metered.interval,
                                   reading.metered.energy);
      energy += reading.metered.energy;
    }
    const ReportRow& row = rows.at(std::to_string(Number(id)));
    EXPECT_LE(std::abs(static_cast<long double>(row.grams.thousandths()) -
                       milligrams),
              0.51L)
        << "job " << Number(id);
    EXPECT_EQ(job.energy, energy) << "counted once";
    EXPECT_TRUE(row.settled);
    by_user[job.spec->user] += row.grams;
    by_project[job.spec->project] += row.grams;
    in_all += row.grams;
    energy_in_all += row.facility_energy;

    Grams of_parts;
    WattHours energy_of_parts;
    const auto record = reader->Get(id);
    for (const EmissionsPart& part : record->parts) {
      of_parts += part.grams;
      energy_of_parts += part.facility_energy;
    }
    EXPECT_EQ(of_parts, row.grams) << "the parts of job " << Number(id);
    EXPECT_EQ(energy_of_parts, row.facility_energy);
  }
  for (const auto& [user, row] : Report(ReportKey::kUser)) {
    EXPECT_EQ(row.grams, by_user.at(user)) << user;
  }
  for (const auto& [project, row] : Report(ReportKey::kProject)) {
    EXPECT_EQ(row.grams, by_project.at(project)) << project;
  }
  const ReportRow total = Report(ReportKey::kTotal).at("");
  EXPECT_EQ(total.grams, in_all);
  EXPECT_EQ(total.facility_energy, energy_in_all);
  Grams of_days, of_regions;
  for (const auto& [day, row] : Report(ReportKey::kDay)) of_days += row.grams;
  for (const auto& [region, row] : Report(ReportKey::kRegion)) {
    of_regions += row.grams;
  }
  EXPECT_EQ(of_days, in_all);
  EXPECT_EQ(of_regions, in_all);
  EXPECT_EQ(VerifyLedger(path_)->jobs, 1000);
}

TEST_F(StatementsTest, WhatIsStatedAnewIsKeptAsItWas) {
  std::mt19937_64 random(5);
  Grid grid(random);
  const JobId id = RandomLife(lives_, random).Live();
  lives_.Commit();
  State(grid, kMinutes);
  const JobEmissions first = *Reader()->Get(id)->emissions;
  EXPECT_EQ(first.version, 1);
  State(grid, kMinutes + 10);
  EXPECT_EQ(Reader()->Get(id)->emissions->stated_at, At(kMinutes))
      << "the same, so that it was stated then";
  EXPECT_TRUE(Reader()->Get(id)->superseded.empty());

  grid.Revise();
  State(grid, kMinutes + 60);
  const JobRecord now = *Reader()->Get(id);
  EXPECT_EQ(now.emissions->version, 2);
  EXPECT_EQ(now.emissions->stated_at, At(kMinutes + 60));
  EXPECT_NE(now.emissions->grams, first.grams);
  ASSERT_EQ(now.superseded.size(), 1u);
  EXPECT_EQ(now.superseded[0].grams, first.grams);
  EXPECT_EQ(now.superseded[0].baseline, first.baseline);
  EXPECT_EQ(now.superseded[0].stated_at, At(kMinutes));
  EXPECT_EQ(now.superseded[0].superseded_at, At(kMinutes + 60));
  EXPECT_EQ(now.superseded[0].why, "wt revised its values");
  EXPECT_TRUE(VerifyLedger(path_).ok());

  RawLedger raw(path_);
  EXPECT_THAT(raw.Refusal("UPDATE superseded_emissions SET emissions_mg = 1"),
              HasSubstr("never changed"));
  EXPECT_THAT(raw.Refusal("DELETE FROM superseded_emissions"),
              HasSubstr("never deleted"));
  raw.Run("UPDATE job_emissions SET version = 3");
  EXPECT_THAT(Message(VerifyLedger(path_).status()),
              HasSubstr("statement 3, but table superseded_emissions has 1"));
}

TEST_F(StatementsTest, ASecondSignalStandsBesideAndIsNeverAdded) {
  const auto life = [&](const std::string& user,
                        std::optional<double> second_g) {
    const JobId id = lives_.Submit(SmallSpec(user), 0);
    lives_.Start(id, 1);
    lives_.Meter(id, 1, 61, 1000);
    lives_.End(id, 61, RunEnd::kSucceeded, 0);
    lives_.Account(id, 500, Quality::kSettled, Grams::Of(700));
    if (second_g) {
      JobEmissions second;
      second.job = id;
      second.grams = Grams::Of(*second_g);
      second.baseline = Grams::Of(100);
      second.signal = "average";
      second.provider = "em";
      second.quality = Quality::kProvisional;
      lives_.batch().accounts.back().second = second;
    }
    lives_.Commit();
    return id;
  };
  const JobId first = life("anna", 90.5);
  life("anna", 30);
  life("ben", std::nullopt);
  const auto record = Reader()->Get(first);
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(record->emissions->grams, Grams::Of(600));
  EXPECT_EQ(record->second->grams, Grams::Of(90.5));
  EXPECT_EQ(record->second->signal, "average");
  const auto rows = Report(ReportKey::kUser);
  EXPECT_EQ(rows.at("anna").grams, Grams::Of(1200));
  ASSERT_TRUE(rows.at("anna").second.has_value());
  EXPECT_EQ(rows.at("anna").second->grams, Grams::Of(120.5));
  EXPECT_EQ(rows.at("anna").second->baseline, Grams::Of(200));
  EXPECT_FALSE(rows.at("anna").second->settled);
  EXPECT_FALSE(rows.at("ben").second.has_value());
  EXPECT_EQ(RawLedger(path_).Ask("SELECT count(*) FROM jobs WHERE settled = 1"),
            "1")
      << "unsettled while the second is";
  EXPECT_TRUE(VerifyLedger(path_).ok());
}

TEST_F(StatementsTest, ARevisionOfTheSecondSignalAloneIsAStatementToo) {
  const JobId id = lives_.Submit(SmallSpec(), 0);
  lives_.Start(id, 1);
  lives_.Meter(id, 1, 61, 1000);
  lives_.End(id, 61, RunEnd::kSucceeded, 0);
  const auto state = [&](double second_g, int64_t minute) {
    lives_.Account(id, 500, Quality::kProvisional, Grams::Of(700));
    JobEmissions second;
    second.job = id;
    second.grams = Grams::Of(second_g);
    second.signal = "average";
    second.provider = "em";
    Account& account = lives_.batch().accounts.back();
    account.total.stated_at = At(minute);
    account.second = second;
    lives_.Commit();
  };
  state(90.5, 61);
  state(90.5, 70);
  EXPECT_EQ(Reader()->Get(id)->emissions->version, 1);
  state(80, 120);
  const JobRecord now = *Reader()->Get(id);
  EXPECT_EQ(now.emissions->version, 2);
  EXPECT_EQ(now.second->grams, Grams::Of(80));
  ASSERT_EQ(now.superseded.size(), 1u);
  EXPECT_EQ(now.superseded[0].why, "by average: em revised its values");
  EXPECT_EQ(RawLedger(path_).Ask("SELECT second_signal || ' ' || second_mg "
                                 "FROM superseded_emissions"),
            "average 90500");
  EXPECT_TRUE(VerifyLedger(path_).ok());
}

}  // namespace
}  // namespace carbond
