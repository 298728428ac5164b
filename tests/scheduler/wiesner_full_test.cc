// The rest of "Let's Wait Awhile" (wiesner.h): every job by the planner, ten
// draws of the noise, and the habits of the published code.
//     ctest -C full -L full
#include "tests/scheduler/wiesner.h"

namespace carbond::wiesner {
namespace {

class WiesnerFull : public ::testing::Test {
 protected:
  void SetUp() override {
    if (data_.jobs.empty()) GTEST_SKIP() << kAbsent;
  }
  const Data data_ = ReadData();
};

TEST_F(WiesnerFull, ThePlannerSavesWhatIsPublished) {
  ExpectThePlannerAgrees(data_, NextWorkday, 1);
  ExpectThePlannerAgrees(data_, SemiWeekly, 1);
}

// The published code looks one slot past the deadline, and lets its baseline
// choose the better of two starts.
Sums AsPublished(const Data& data, const Series& forecast,
                 DeadlineRule deadline) {
  Sums sums;
  for (const TrainingJob& job : data.jobs) {
    const auto window = [&](Instant end) {
      return PolicyWindow{forecast.Clip({job.arrival, end}), job.arrival,
                          job.duration, end};
    };
    const Instant finish = job.arrival + job.duration;
    const PolicyWindow whole = window(deadline(finish) + kSlot);
    const PolicyWindow baseline = window(finish + kSlot);
    sums.immediate += GramsIn(BestStart(baseline), data.germany);
    sums.unbroken += GramsIn(BestStart(whole), data.germany);
    sums.pausing += GramsIn(PauseResume(whole), data.germany);
  }
  return sums;
}

TEST_F(WiesnerFull, ThePublishedHabitsGiveThePublishedFigures) {
  const Sums next = AsPublished(data_, data_.germany, NextWorkday);
  EXPECT_NEAR(next.SavedUnbroken(), 5.926, 0.005);
  EXPECT_NEAR(next.SavedPausing(), 8.156, 0.005);
  const Sums semi = AsPublished(data_, data_.germany, SemiWeekly);
  EXPECT_NEAR(semi.SavedUnbroken(), 14.130, 0.005);
  EXPECT_NEAR(semi.SavedPausing(), 18.498, 0.005);
}

// Ten draws, of another generator than the authors'.
TEST_F(WiesnerFull, FivePercentOfNoiseCostWhatIsPublished) {
  Sums next, semi;
  const auto add = [](Sums& sums, const Sums& draw) {
    sums.immediate += draw.immediate;
    sums.unbroken += draw.unbroken;
    sums.pausing += draw.pausing;
  };
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    const Series forecast = Noisy(data_.germany, 0.05, seed);
    add(next, AsPublished(data_, forecast, NextWorkday));
    add(semi, AsPublished(data_, forecast, SemiWeekly));
  }
  EXPECT_NEAR(next.SavedUnbroken(), 5.912, 0.05);
  EXPECT_NEAR(next.SavedPausing(), 7.926, 0.05);
  EXPECT_NEAR(semi.SavedUnbroken(), 14.105, 0.05);
  EXPECT_NEAR(semi.SavedPausing(), 18.107, 0.05);
}

}  // namespace
}  // namespace carbond::wiesner
