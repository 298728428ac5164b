#include "scheduler/clean_time.h"

#include <gtest/gtest.h>

#include <random>

namespace carbond {
namespace {

Instant At(int minute) { return Instant::FromSeconds(int64_t{minute} * 60); }

Slot Between(int from, int to, double g_per_kwh) {
  return {{At(from), At(to)}, GramsPerKwh::Of(g_per_kwh)};
}

TEST(CleanTime, BeginsWhereItsBeginMeetsASlotBorder) {
  const Series series = *Series::Make(
      {Between(0, 50, 300), Between(50, 90, 100), Between(90, 200, 200)});
  const auto best = FindCleanest(series, {At(0), At(200)}, hours(1));
  ASSERT_TRUE(best);
  EXPECT_EQ(best->begin, At(50));
  // 40 minutes at 100, 20 at 200.
  EXPECT_EQ(best->mean, GramsPerKwh::FromThousandths(133'333));
}

TEST(CleanTime, BeginsWhereItsEndMeetsASlotBorder) {
  const Series series = *Series::Make(
      {Between(0, 50, 200), Between(50, 90, 100), Between(90, 200, 300)});
  const auto best = FindCleanest(series, {At(0), At(200)}, hours(1));
  ASSERT_TRUE(best);
  EXPECT_EQ(best->begin, At(30));
}

TEST(CleanTime, LiesWithinWhatIsAskedFor) {
  const Series falling = *Series::Make(
      {Between(0, 100, 300), Between(100, 200, 200), Between(200, 300, 100)});
  const auto before = FindCleanest(falling, {At(10), At(230)}, hours(1));
  ASSERT_TRUE(before);
  EXPECT_EQ(before->begin, At(170)) << "ends with the last minute asked for";
  const Series rising = *Series::Make(
      {Between(0, 100, 100), Between(100, 200, 200), Between(200, 300, 300)});
  EXPECT_EQ(FindCleanest(rising, {At(70), At(300)}, hours(1))->begin, At(70));
}

TEST(CleanTime, IsTheEarliestOfSeveral) {
  const Series series = *Series::Make(
      {Between(0, 60, 100), Between(60, 120, 100), Between(120, 180, 100)});
  EXPECT_EQ(FindCleanest(series, {At(7), At(180)}, hours(1))->begin, At(7));
}

TEST(CleanTime, PassesOverNoGap) {
  const Series holes = *Series::Make(
      {Between(0, 59, 10), Between(60, 110, 10), Between(200, 260, 300)});
  const auto best = FindCleanest(holes, {At(0), At(300)}, hours(1));
  ASSERT_TRUE(best);
  EXPECT_EQ(best->begin, At(200));
  EXPECT_FALSE(FindCleanest(holes, {At(0), At(250)}, hours(1)));
  EXPECT_FALSE(FindCleanest(Series(), {At(0), At(300)}, hours(1)));
}

TEST(CleanTime, IsNowhereBeatenByAnyOtherMinute) {
  std::mt19937 random(11);
  for (int round = 0; round < 200; ++round) {
    std::vector<Slot> slots;
    for (int at = static_cast<int>(random() % 30); at < 600;) {
      const int length = 1 + static_cast<int>(random() % 70);
      slots.push_back(
          Between(at, at + length, static_cast<double>(random() % 500)));
      at += length + (random() % 5 == 0 ? static_cast<int>(random() % 40) : 0);
    }
    const Series series = *Series::Make(std::move(slots));
    const int from = static_cast<int>(random() % 100);
    const int to = from + 60 + static_cast<int>(random() % 500);
    const auto best = FindCleanest(series, {At(from), At(to)}, hours(1));
    std::optional<GramsPerKwh> least;
    for (int begin = from; begin + 60 <= to; ++begin) {
      const auto mean = series.Mean({At(begin), At(begin + 60)});
      if (mean && (!least || *mean < *least)) least = mean;
    }
    ASSERT_EQ(best.has_value(), least.has_value()) << round;
    if (!least) continue;
    ASSERT_EQ(best->mean, *least) << round;
  }
}

}  // namespace
}  // namespace carbond
