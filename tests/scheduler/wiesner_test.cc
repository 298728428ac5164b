// The everyday part of "Let's Wait Awhile" (wiesner.h): all jobs by the
// policies, some by the planner. wiesner_full_test.cc holds the rest.

#include "tests/scheduler/wiesner.h"

namespace carbond::wiesner {
namespace {

class Wiesner : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { data_ = new Data(ReadData()); }
  static void TearDownTestSuite() { delete data_; }
  void SetUp() override {
    if (data_->jobs.empty()) GTEST_SKIP() << kAbsent;
  }
  static Data* data_;
};
Data* Wiesner::data_ = nullptr;

TEST_F(Wiesner, TheTraceIsTheOneThatWasPublished) {
  const std::vector<Slot>& slots = data_->germany.slots();
  ASSERT_EQ(slots.size(), 17'999u);
  const Instant year_end = NewYear() + 366 * kDay;
  EXPECT_NEAR(data_->germany.Mean({NewYear(), year_end})->value(), 313.396,
              0.02)
      << "the published mean counts one row of 2021";
  EXPECT_NEAR(
      data_->germany.Mean({NewYear(), slots.back().interval.end})->value(),
      kMeanOfAllRows, 0.001);
  Duration work{0};
  for (const TrainingJob& job : data_->jobs) work += job.duration;
  EXPECT_EQ(data_->jobs.size(), 3387u);
  EXPECT_EQ(work, hours(155'626));
}

// ---- Scenario I: a nightly job of half an hour ------------------------------

// By w = 0..16 half hours of shift to either side.
constexpr double kNightly[] = {305.33, 302.59, 300.16, 297.84, 296.79, 295.95,
                               295.13, 294.36, 293.22, 291.60, 289.26, 286.29,
                               282.36, 278.28, 273.18, 268.45, 263.31};

struct Nights {
  double chosen = 0, at_one = 0;  // sums of g/kWh over the nights
};

Nights Nightly(const Series& forecast, const Series& actual, int shift) {
  Nights nights;
  for (int day = 0; day < 365; ++day) {
    const Instant one = NewYear() + day * kDay + hours(1);
    const Instant from = one - shift * kSlot;
    if (from < NewYear()) continue;  // left out by the authors too
    const Instant end = one + (shift + 1) * kSlot;
    const Runs runs = BestStart({forecast.Clip({from, end}), from, kSlot, end});
    nights.chosen += 2 * GramsIn(runs, actual);
    nights.at_one += 2 * GramsIn({{one, one + kSlot}}, actual);
  }
  return nights;
}

TEST_F(Wiesner, NightlyJobsFindTheLowestSlotOfEachWindow) {
  for (int shift = 0; shift <= 16; ++shift) {
    const Nights nights = Nightly(data_->germany, data_->germany, shift);
    // Nights that are left out count in the divisor, as published.
    EXPECT_NEAR(nights.chosen / 365, kNightly[shift], 0.0051) << shift;
  }
}

TEST_F(Wiesner, NightlyJobsSaveAgainstTheSameNights) {
  const std::pair<int, double> kSaved[] = {
      {4, 2.492}, {8, 3.664}, {12, 7.231}, {16, 13.490}};
  for (const auto& [shift, percent] : kSaved) {
    const Nights nights = Nightly(data_->germany, data_->germany, shift);
    EXPECT_NEAR(100 * (1 - nights.chosen / nights.at_one), percent, 0.0006)
        << shift;
  }
}

// ---- Scenario II: training jobs ---------------------------------------------

TEST_F(Wiesner, TrainingUntilTheNextWorkdaySavesWhatIsPublished) {
  const Sums sums = ByPolicies(*data_, data_->germany, NextWorkday);
  EXPECT_NEAR(sums.SavedUnbroken(), 5.921, 0.005);
  EXPECT_NEAR(sums.SavedPausing(), 8.040, 0.005);
}

TEST_F(Wiesner, TrainingUntilMondayOrThursdaySavesWhatIsPublished) {
  const Sums sums = ByPolicies(*data_, data_->germany, SemiWeekly);
  EXPECT_NEAR(sums.SavedUnbroken(), 14.148, 0.005);
  EXPECT_NEAR(sums.SavedPausing(), 18.481, 0.005);
}

TEST_F(Wiesner, ThePlannerEmitsNoMoreThanTheBestPolicy) {
  ExpectThePlannerAgrees(*data_, NextWorkday, 20);
  ExpectThePlannerAgrees(*data_, SemiWeekly, 20);
}

}  // namespace
}  // namespace carbond::wiesner
