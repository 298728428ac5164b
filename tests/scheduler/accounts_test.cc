// From readings to a job's figures: what was useful, what a crash undid, what
// the work is compared with, and why figures are stated again.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "scheduler/emissions.h"

namespace carbond {
namespace {

using testing::HasSubstr;

const Instant kBegin = Instant::FromSeconds(1'800'000'000);

Instant Hour(double h) {
  return kBegin + Duration(static_cast<int64_t>(h * 3'600'000));
}

Series Hourly(const std::vector<double>& grams_per_kwh) {
  std::vector<Slot> slots;
  for (size_t i = 0; i < grams_per_kwh.size(); ++i) {
    const auto at = static_cast<double>(i);
    slots.push_back(
        {{Hour(at), Hour(at + 1)}, GramsPerKwh::Of(grams_per_kwh[i])});
  }
  return *Series::Make(std::move(slots));
}

// A job at home in `here`, of 1 kW.
class AccountsTest : public testing::Test {
 protected:
  AccountsTest() {
    JobSpec spec;
    spec.name = "train";
    spec.duration = hours(4);
    spec.power = Watts::Of(1000);
    spec.regions = {"here", "eu"};
    spec.home_region = "here";
    spec.pause = PauseMode::kCheckpoint;
    spec.deadline = Hour(12);
    spec.retries = 3;
    job_ = *ApplyFirst({JobId{7}, 1, kBegin, Submitted{spec}});
    Know("here", Hourly(std::vector<double>(12, 100)));
    Know("eu", Hourly(std::vector<double>(12, 100)));
  }

  void Know(const std::string& region, Series observed,
            Series expected = Series()) {
    KnownIntensity& known = known_[region];
    known.observed = std::move(observed);
    known.expected = std::move(expected);
    known.final_until = Hour(100);
    grids_[region] = {region, "wt", "co2_moer", Pue::Of(1), &known};
  }

  void Tell(double hour, Fact fact) {
    const Event event{job_.id, job_.last_seq + 1, Hour(hour), std::move(fact)};
    const Status status = Apply(job_, event);
    ASSERT_TRUE(status.ok()) << status;
    if (const auto* metered = std::get_if<EnergyMetered>(&event.fact)) {
      readings_.push_back({metered->run, job_.runs.back().region, *metered});
    }
  }
  void Start(double hour, const std::string& region = "here") {
    const int run = static_cast<int>(job_.runs.size()) + 1;
    Tell(hour, StartIssued{run, region, run, {}, job_.has_checkpoint});
    Tell(hour, RunStarted{run});
  }
  void Work(double from, double to, Purpose purpose = Purpose::kWork) {
    const int run = job_.runs.back().number;
    Tell(to, EnergyMetered{run,
                           {Hour(from), Hour(to)},
                           WattHours::Of(1000 * (to - from)),
                           purpose,
                           EnergySource::kMeasured});
  }
  void WorkAt(Pue pue, double from, double to) {
    Work(from, to);
    readings_.back().metered.pue = pue;
  }
  void End(double hour, RunEnd end) {
    Tell(hour, RunEnded{job_.runs.back().number, end, 0, {}, ""});
  }
  Account Figures() const {
    return AccountOf(job_, readings_, grids_, Hour(12));
  }

  Job job_;
  std::vector<Reading> readings_;
  std::map<std::string, KnownIntensity> known_;
  std::map<std::string, RegionGrid> grids_;
};

TEST_F(AccountsTest, WorkThatACrashUndidIsALineOfItsOwnAndNoBaseline) {
  Start(0);
  Work(0, 2);
  End(2, RunEnd::kLost);
  Start(3);
  Work(3, 7);
  End(7, RunEnd::kSucceeded);
  const Account account = Figures();
  EXPECT_EQ(account.total.grams, Grams::Of(600));
  EXPECT_EQ(account.total.baseline, Grams::Of(400));
  EXPECT_EQ(account.rows[0].lost_grams, Grams::Of(200));
  EXPECT_EQ(account.rows[0].lost_facility, WattHours::Of(2000));
  EXPECT_EQ(account.rows[1].lost_grams, Grams());
}

// Another PUE counts from then on: what was drawn stays what it was, and so does
// what would have been drawn at once.
TEST_F(AccountsTest, APueThatChangesRewritesNoReading) {
  Know("here", Hourly({300, 300, 100, 100, 100, 100, 100, 100}));
  Start(2);
  WorkAt(Pue::Of(3), 2, 3);
  WorkAt(Pue::Of(1.5), 3, 4);
  End(4, RunEnd::kSucceeded);
  for (const double now : {3.0, 1.5}) {
    grids_.at("here").pue = Pue::Of(now);
    const Account account = Figures();
    EXPECT_EQ(account.rows[0].pue, Pue::Of(3));
    EXPECT_EQ(account.rows[0].grams, Grams::Of(300));
    EXPECT_EQ(account.rows[1].grams, Grams::Of(150));
    EXPECT_EQ(account.total.facility_energy, WattHours::Of(4500));
    EXPECT_EQ(account.total.baseline, Grams::Of(1350)) << now;
    EXPECT_EQ(account.total.same_region, Grams::Of(1350)) << now;
  }
}

TEST_F(AccountsTest, WhatACrashLeftSavedWasUseful) {
  Start(0);
  Work(0, 1);
  Tell(1.5, Progressed{1, 0.375, true});
  Work(1, 2);
  End(2, RunEnd::kFailed);
  Start(3);
  Work(3, 5.5);
  End(5.5, RunEnd::kSucceeded);
  const Account account = Figures();
  EXPECT_EQ(account.total.grams, Grams::Of(450));
  EXPECT_EQ(account.total.baseline, Grams::Of(400)) << "4 h of useful work";
  EXPECT_EQ(account.rows[0].lost_grams, Grams());
  EXPECT_EQ(account.rows[1].lost_grams, Grams::Of(50));
}

TEST_F(AccountsTest, WhatTheLastRunOfAFailedJobDidIsNotDoneAgain) {
  Start(0);
  Work(0, 2);
  End(2, RunEnd::kTimeLimit);
  EXPECT_EQ(Figures().rows[0].lost_grams, Grams());
  EXPECT_EQ(Figures().total.baseline, Grams::Of(200));
}

TEST_F(AccountsTest, TheSameRegionIsWhereEachPartRan) {
  Know("here", Hourly({100, 100, 300, 300, 50, 50, 50, 50, 50, 50, 50, 50}));
  Know("eu", Hourly({10, 20, 30, 40, 1, 1, 1, 1, 1, 1, 1, 1}));
  Start(4);
  Work(4, 6);
  End(6, RunEnd::kCheckpointed);
  Start(8, "eu");
  Work(8, 10);
  End(10, RunEnd::kSucceeded);
  const JobEmissions total = Figures().total;
  EXPECT_EQ(total.grams, Grams::Of(102));
  EXPECT_EQ(total.baseline, Grams::Of(800)) << "at home, hours 0 to 4";
  EXPECT_EQ(total.same_region, Grams::Of(100 + 100 + 30 + 40));
}

TEST_F(AccountsTest, TheWorstStartIsOfAFinishedJobWithinItsDeadline) {
  std::vector<double> grid(24, 100);
  grid[11] = 500;  // the deadline is at hour 12
  grid[20] = 900;
  Know("here", Hourly(grid));
  Start(0);
  Work(0, 1.5);
  EXPECT_FALSE(Figures().total.worst_start.has_value()) << "it is not done";
  EXPECT_FALSE(Figures().total.stated_at.has_value());
  End(1.5, RunEnd::kSucceeded);
  EXPECT_EQ(Figures().total.worst_start, Grams::Of(550));
  EXPECT_EQ(Figures().total.stated_at, Hour(12));
  known_["here"].observed = known_["here"].observed.Clip({Hour(0), Hour(8)});
  EXPECT_FALSE(Figures().total.worst_start.has_value())
      << "not known up to the deadline";
}

TEST(WorstStart, IsReachedByNoOtherStart) {
  std::mt19937_64 random(3);
  for (int draw = 0; draw < 200; ++draw) {
    std::vector<double> grid;
    for (int h = 0; h < 24; ++h) {
      grid.push_back(static_cast<double>(random() % 900));
    }
    KnownIntensity zone;
    zone.observed = Hourly(grid);
    const auto length = minutes(7 + static_cast<int64_t>(random() % 500));
    const std::vector<EnergyUse> work = {
        {{Hour(0), Hour(0) + length}, WattHours::Of(5000)}};
    const Instant submitted =
        kBegin + minutes(static_cast<int64_t>(random() % 300));
    const Instant until = Hour(24);
    const auto worst = WorstStartOf(work, submitted, until, Pue::Of(1.3), zone);
    ASSERT_TRUE(worst.has_value());
    Grams most;
    for (Instant at = submitted; at + length <= until; at += minutes(1)) {
      const EnergyUse use{{at, at + length}, WattHours::Of(5000)};
      most = std::max(most, EmissionsOf(use, Pue::Of(1.3), zone).grams);
    }
    EXPECT_EQ(*worst, most) << "draw " << draw;
  }
}

TEST_F(AccountsTest, SaysWhyFiguresAreStatedAgain) {
  const std::vector<double> flat(12, 100);
  Know("here", Hourly({100}), Hourly(flat));
  Start(0);
  Work(0, 4);
  End(4, RunEnd::kSucceeded);
  const JobEmissions first = Figures().total;
  EXPECT_EQ(first.forecast, Duration(hours(3)));
  EXPECT_EQ(first.quality, Quality::kProvisional);

  Know("here", Hourly({100, 100, 100, 100}), Hourly(flat));
  EXPECT_EQ(WhyRestated(first, Figures().total), "")
      << "better known, but the same";
  Know("here", Hourly({100, 150, 100, 100}), Hourly(flat));
  const JobEmissions second = Figures().total;
  EXPECT_EQ(WhyRestated(first, second),
            "3h of forecast gave way to observed values");
  Know("here", Hourly({100, 160, 100, 100}), Hourly(flat));
  EXPECT_EQ(WhyRestated(second, Figures().total), "wt revised its values");

  Know("here", Hourly({100, 100}));
  const JobEmissions part = Figures().total;
  EXPECT_EQ(part.unknown, Duration(hours(2)));
  EXPECT_THAT(WhyRestated(part, second),
              HasSubstr("2h of intensity became known"));
  EXPECT_THAT(WhyRestated(part, second),
              HasSubstr("the baseline's hours became known"));
}

}  // namespace
}  // namespace carbond
