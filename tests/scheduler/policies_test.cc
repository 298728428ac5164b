// The policies of the literature, held against the worked examples and the
// published constants of their papers.

#include "scheduler/policies.h"

#include <gtest/gtest.h>

#include <random>

namespace carbond {
namespace {

Instant Hour(double h) {
  return Instant::FromMillis(static_cast<int64_t>(h * 3'600'000));
}

Series Hourly(const std::vector<double>& values) {
  std::vector<Slot> slots;
  for (size_t i = 0; i < values.size(); ++i) {
    const auto h = static_cast<double>(i);
    slots.push_back({{Hour(h), Hour(h + 1)}, GramsPerKwh::Of(values[i])});
  }
  return *Series::Make(std::move(slots));
}

// GAIA's example, derived from the definitions: 3 slots of work, 6 of slack.
const std::vector<double> kExample = {300, 280, 260, 150, 400, 420,
                                      210, 200, 205, 350, 330, 310};

PolicyWindow Example() {
  return {Hourly(kExample), Hour(0), hours(3), Hour(9)};
}

std::vector<int> SlotsOf(const Runs& runs) {
  std::vector<int> slots;
  for (const Interval& run : runs) {
    for (int64_t h = run.begin.millis() / 3'600'000;
         Hour(static_cast<double>(h)) < run.end; ++h) {
      slots.push_back(static_cast<int>(h));
    }
  }
  return slots;
}

double GramsIn(const Runs& runs, const Series& series) {
  double grams = 0;
  for (const Interval& run : runs) {
    grams += static_cast<double>(series.Over(run).mg_per_kwh_ms) / 3.6e9;
  }
  return grams;
}

using Slots = std::vector<int>;

TEST(Policies, ChooseTheSlotsOfTheWorkedExample) {
  const PolicyWindow w = Example();
  EXPECT_EQ(SlotsOf(RunAtOnce(w)), (Slots{0, 1, 2}));
  EXPECT_EQ(SlotsOf(LowestSlot(w)), (Slots{3, 4, 5}));
  EXPECT_EQ(SlotsOf(BestStart(w)), (Slots{6, 7, 8}));
  EXPECT_EQ(SlotsOf(CarbonTime(w)), (Slots{1, 2, 3}));
  EXPECT_EQ(SlotsOf(PauseResume(w)), (Slots{3, 7, 8}));
  EXPECT_EQ(SlotsOf(BelowThreshold(w, *ThresholdOf(w.outlook, w.from))),
            (Slots{3, 6, 7}));
}

TEST(Policies, EmitTheGramsOfTheWorkedExample) {
  const PolicyWindow w = Example();
  EXPECT_DOUBLE_EQ(GramsIn(RunAtOnce(w), w.outlook), 840);
  EXPECT_DOUBLE_EQ(GramsIn(LowestSlot(w), w.outlook), 970);
  EXPECT_DOUBLE_EQ(GramsIn(BestStart(w), w.outlook), 615);
  EXPECT_DOUBLE_EQ(GramsIn(CarbonTime(w), w.outlook), 690);
  EXPECT_DOUBLE_EQ(GramsIn(PauseResume(w), w.outlook), 555);
  EXPECT_DOUBLE_EQ(
      GramsIn(BelowThreshold(w, *ThresholdOf(w.outlook, w.from)), w.outlook),
      560);
}

TEST(Policies, TakeTheQuantileByLinearInterpolation) {
  EXPECT_DOUBLE_EQ(*ThresholdOf(Hourly(kExample), Hour(0)), 225)
      << "sorted: 150 200 205 210 260 ...; 0.3 x 11 = 3.3";
}

TEST(Policies, RunInEverySlotOnceTheSlackIsGone) {
  PolicyWindow w = Example();
  w.deadline = Hour(4);
  EXPECT_EQ(SlotsOf(BelowThreshold(w, 0)), (Slots{1, 2, 3}));
}

TEST(Policies, MayTakeAPartOfASlotBesideTheOthers) {
  PolicyWindow w = Example();
  w.work = minutes(150);
  const Runs runs = PauseResume(w);
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_EQ(runs[0], (Interval{Hour(3), Hour(4)}));
  EXPECT_EQ(runs[1], (Interval{Hour(7), Hour(8.5)}));
}

// Properties of section 2.2 in the definitions of these policies.
TEST(Policies, AreOrderedAsTheirDefinitionsDemand) {
  std::mt19937_64 random(11);
  std::uniform_real_distribution<double> price(20, 600);
  for (int world = 0; world < 300; ++world) {
    std::vector<double> values;
    for (int i = 0; i < 40; ++i) values.push_back(price(random));
    const Series series = Hourly(values);
    double last_start = 1e18, last_paused = 1e18;
    for (int slack = 0; slack <= 24; slack += 6) {
      const PolicyWindow w{series, Hour(0), hours(5), Hour(5.0 + slack)};
      const double now = GramsIn(RunAtOnce(w), series);
      const double start = GramsIn(BestStart(w), series);
      const double paused = GramsIn(PauseResume(w), series);
      EXPECT_LE(paused, start + 1e-9);
      EXPECT_LE(start, now + 1e-9);
      if (slack == 0) {
        EXPECT_DOUBLE_EQ(paused, now);
        EXPECT_DOUBLE_EQ(start, now);
      }
      EXPECT_LE(start, last_start + 1e-9) << "more slack never costs";
      EXPECT_LE(paused, last_paused + 1e-9);
      last_start = start;
      last_paused = paused;
    }
  }
}

TEST(Policies, ChooseTheSameWhenIntensityIsShiftedOrScaled) {
  std::mt19937_64 random(12);
  std::uniform_real_distribution<double> price(20, 600);
  for (int world = 0; world < 100; ++world) {
    std::vector<double> values, moved;
    for (int i = 0; i < 30; ++i) {
      values.push_back(std::round(price(random)));
      moved.push_back(3 * values.back() + 40);
    }
    const PolicyWindow w{Hourly(values), Hour(0), hours(6), Hour(30)};
    PolicyWindow other = w;
    other.outlook = Hourly(moved);
    EXPECT_EQ(BestStart(w), BestStart(other));
    EXPECT_EQ(PauseResume(w), PauseResume(other));
  }
}

TEST(Policies, StayPutOnAFlatGrid) {
  const PolicyWindow w{Hourly(std::vector<double>(30, 250)), Hour(0), hours(4),
                       Hour(20)};
  for (const Runs& runs :
       {LowestSlot(w), BestStart(w), CarbonTime(w), PauseResume(w)}) {
    EXPECT_EQ(runs, RunAtOnce(w));
  }
}

// ---- The double threshold (Lechowicz et al. 2023) ---------------------------

TEST(DoubleThreshold, HasThePublishedRatios) {
  EXPECT_NEAR(DoubleThreshold::Make(5, 30, 3, 10).ratio, 2.6759814673, 1e-9);
  EXPECT_NEAR(DoubleThreshold::Make(5, 30, 0, 10).ratio, 2.0958828349, 1e-9);
  EXPECT_NEAR(DoubleThreshold::Make(5, 30, 3, 3).ratio, 2.4557773165, 1e-9);
  EXPECT_NEAR(DoubleThreshold::Make(150, 420, 20, 3).ratio, 1.6646749870, 1e-9);
  EXPECT_NEAR(DoubleThreshold::Make(5, 30, 0, 1).ratio, std::sqrt(6.0), 1e-9);
}

TEST(DoubleThreshold, HasThePublishedThresholds) {
  const auto rule = DoubleThreshold::Make(5, 30, 3, 10);
  const double high[] = {16.835057, 16.343090, 15.832738, 15.303315,
                         14.754108, 14.184377, 13.593356, 12.980248,
                         12.344229, 11.684443, 11.0};
  for (int i = 1; i <= 11; ++i) {
    EXPECT_NEAR(rule.High(i), high[i - 1], 1e-6) << i;
    EXPECT_NEAR(rule.Low(i), high[i - 1] - 6, 1e-6) << i;
  }
  const auto plain = DoubleThreshold::Make(5, 30, 0, 10);
  EXPECT_NEAR(plain.High(1), 14.313777, 1e-6);
  EXPECT_NEAR(plain.High(10), 6.138494, 1e-6);
}

TEST(DoubleThreshold, AcceptsTheSlotsOfTheExamples) {
  const PolicyWindow ten{Hourly({20, 12, 10, 15, 11, 9, 28, 8, 7, 30}), Hour(0),
                         hours(3), Hour(10)};
  EXPECT_EQ(SlotsOf(BetweenThresholds(ten, DoubleThreshold::Make(5, 30, 3, 3),
                                      false)),
            (Slots{2, 3, 4}));
  const std::vector<double> nine(kExample.begin(), kExample.begin() + 9);
  const PolicyWindow w{Hourly(nine), Hour(0), hours(3), Hour(9)};
  EXPECT_EQ(SlotsOf(BetweenThresholds(w, DoubleThreshold::Make(150, 420, 20, 3),
                                      false)),
            (Slots{3, 6, 7}));
}

TEST(DoubleThreshold, IsNoWorseThanItsRatioOnTheWorstPrices) {
  const auto rule = DoubleThreshold::Make(5, 30, 3, 10);
  std::vector<double> prices;
  for (int i = 0; i < 10; ++i) prices.push_back(rule.Low(1) + 1e-3);
  for (int i = 0; i < 10; ++i) prices.push_back(30);
  const PolicyWindow w{Hourly(prices), Hour(0), hours(10), Hour(20)};
  const Runs runs = BetweenThresholds(w, rule, false);
  const double paid =
      GramsIn(runs, w.outlook) + 2 * 3 * static_cast<double>(runs.size());
  const double least = 10 * (rule.Low(1) + 1e-3) + 2 * 3;
  EXPECT_NEAR(paid / least, rule.ratio, 1e-3);
}

// Without a price on changes it is k-min search (Lorenz et al. 2009): the i-th
// slot at the first price that is at most Phi_i.
TEST(DoubleThreshold, IsKMinSearchWhereChangesAreFree) {
  const auto one = DoubleThreshold::Make(5, 30, 0, 1);
  EXPECT_NEAR(one.High(1), std::sqrt(5.0 * 30), 1e-9) << "one-min search";
  EXPECT_EQ(one.High(1), one.Low(1));
  const auto ten = DoubleThreshold::Make(5, 30, 0, 10);
  EXPECT_NEAR((1 - 5.0 / 30) / (1 - 1 / ten.ratio),
              std::pow(1 + 1 / (ten.ratio * 10), 10), 1e-9);
  // 14.31 and 13.57 are the first two thresholds of ten.
  EXPECT_NEAR(ten.High(2),
              30 * (1 - (1 - 1 / ten.ratio) * (1 + 1 / (ten.ratio * 10))),
              1e-9);
  std::vector<double> prices(30, 30);
  prices[2] = ten.High(1) + 0.01;  // the first is not bought above Phi_1
  prices[3] = ten.High(1) - 0.01;
  prices[5] = ten.High(2) + 0.01;  // nor the second above Phi_2
  prices[7] = ten.High(2) - 0.01;
  const PolicyWindow w{Hourly(prices), Hour(0), hours(10), Hour(30)};
  const std::vector<int> slots = SlotsOf(BetweenThresholds(w, ten, false));
  ASSERT_EQ(slots.size(), 10u);
  EXPECT_EQ(slots[0], 3);
  EXPECT_EQ(slots[1], 7);
  EXPECT_EQ(slots[2], 22) << "the rest when the slack is gone";
}

TEST(DoubleThreshold, NeverPaysMoreThanItsRatioTimesTheBest) {
  std::mt19937_64 random(13);
  std::uniform_real_distribution<double> price(5, 30);
  for (const int k : {1, 3, 10}) {
    const auto rule = DoubleThreshold::Make(5, 30, 0, k);
    for (int world = 0; world < 200; ++world) {
      std::vector<double> prices;
      for (int i = 0; i < 24; ++i) prices.push_back(price(random));
      const PolicyWindow w{Hourly(prices), Hour(0), hours(k), Hour(24)};
      EXPECT_LE(GramsIn(BetweenThresholds(w, rule, false), w.outlook),
                rule.ratio * GramsIn(PauseResume(w), w.outlook) + 1e-9);
    }
  }
}

// RORO (Lechowicz et al. 2024) buys fractions; its ratio and its threshold
// phi(w) = U - b + (U/a - U + 2b) e^(w/a) are what this rule comes to with ever
// more and smaller slots: phi + b where it runs, phi - b where it is paused.
TEST(DoubleThreshold, ComesToTheFractionalRuleWithManySlots) {
  constexpr int kMany = 1'000'000;
  const auto rule = DoubleThreshold::Make(5, 30, 3, kMany);
  EXPECT_NEAR(rule.ratio, 2.8037901394, 1e-5);
  EXPECT_NEAR(DoubleThreshold::Make(5, 30, 0, kMany).ratio, 2.0452701162, 1e-5);
  const double a = 2.8037901394;
  for (const double bought : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    const double phi = 30 - 3 + (30 / a - 30 + 2 * 3) * std::exp(bought / a);
    const int slot = 1 + static_cast<int>(bought * kMany);
    EXPECT_NEAR(rule.High(slot), phi + 3, 1e-3) << bought;
    EXPECT_NEAR(rule.Low(slot), phi - 3, 1e-3) << bought;
  }
  EXPECT_NEAR(rule.High(1), 30 / a + 2 * 3, 1e-3) << "phi(0) = U/a + b";
  EXPECT_NEAR(rule.Low(kMany + 1), 5, 1e-3) << "phi(1) = L + b";
}

// ---- As planners ------------------------------------------------------------

Duration ShortestPause(const std::vector<PlannedRun>& runs) {
  Duration shortest = hours(1000);
  for (size_t i = 1; i < runs.size(); ++i) {
    shortest =
        std::min(shortest, runs[i].interval.begin - runs[i - 1].interval.end);
  }
  return shortest;
}

TEST(Policies, KeepToALeastPauseWhereTheirDefinitionKnowsPauses) {
  PlanInput input;
  input.now = Hour(0);
  PlanRegion here;
  here.name = "here";
  here.pue = Pue::Of(1);
  here.capacity = {4, 4};
  here.outlook = Hourly({100, 900, 101, 900, 102, 900, 900, 103, 900, 104});
  here.forecast_end = here.outlook.end();
  input.regions = {here};
  PlanJob job;
  job.id = JobId{1};
  job.need = {1, 1};
  job.power = Watts::Of(1000);
  job.pause = PauseMode::kCheckpoint;
  job.work = hours(4);
  job.min_pause = minutes(100);
  job.submitted_at = job.earliest = input.now;
  job.deadline = Hour(10);
  job.regions = {0};
  job.home = 0;
  input.jobs = {job};
  const auto runs_of = [&](PolicyKind kind) {
    return Policy(kind).Make(input).jobs.front().runs;
  };
  for (const PolicyKind kind : {PolicyKind::kReplan, PolicyKind::kCarbond}) {
    const auto runs = runs_of(kind);
    EXPECT_GT(runs.size(), 1) << Name(kind);
    EXPECT_GE(ShortestPause(runs), minutes(100)) << Name(kind);
  }
  // The lowest slots are the lowest slots, and a threshold is one.
  for (const PolicyKind kind :
       {PolicyKind::kPauseResume, PolicyKind::kThreshold}) {
    EXPECT_EQ(ShortestPause(runs_of(kind)), hours(1)) << Name(kind);
  }
}

TEST(PolicyNames, AreReadAndWritten) {
  for (const PolicyKind kind : AllPolicies()) {
    EXPECT_EQ(*ParsePolicy(Name(kind)), kind);
  }
  EXPECT_FALSE(ParsePolicy("greedy").ok());
}

}  // namespace
}  // namespace carbond
