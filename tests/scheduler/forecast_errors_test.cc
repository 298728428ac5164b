#include "scheduler/forecast_errors.h"

#include <gtest/gtest.h>

namespace carbond {
namespace {

constexpr Instant kNow;

Series Flat(Duration from, Duration to) {
  std::vector<Slot> slots;
  for (Duration at = from; at < to; at += hours(1)) {
    slots.push_back({{kNow + at, kNow + at + hours(1)}, GramsPerKwh::Of(100)});
  }
  return *Series::Make(std::move(slots));
}

const Series& Days() {
  static const Series days = Flat(hours(0), hours(120));
  return days;
}

void AddTimes(int times, ForecastErrors& errors, bool forecast, Duration lead,
              double error) {
  for (int i = 0; i < times; ++i) {
    errors.Add(forecast, lead, i % 2 == 0 ? error : -error);
  }
}

TEST(ForecastErrors, SayNothingWithoutExperience) {
  EXPECT_TRUE(ForecastErrors().Around(kNow, Days(), Days()).empty());
  ForecastErrors few;
  AddTimes(23, few, true, hours(1), 10);
  EXPECT_TRUE(few.Around(kNow, Days(), Days()).empty());
  few.Add(true, hours(1), 10);
  EXPECT_EQ(few.Around(kNow, Days(), Days()).At(kNow + hours(1)),
            GramsPerKwh::Of(10));
}

TEST(ForecastErrors, AreTheRootOfTheMeanSquare) {
  ForecastErrors errors;
  AddTimes(15, errors, true, hours(1), 30);
  AddTimes(15, errors, true, hours(1), 40);
  const auto spread =
      errors.Around(kNow, Days(), Days()).At(kNow + hours(1))->value();
  // sqrt((900 + 1600) / 2), the later ones weighing a little more.
  EXPECT_NEAR(spread, 35.36, 0.1);
  EXPECT_GT(spread, 35.36);
}

TEST(ForecastErrors, LieInProportionBetweenTwoLeadTimes) {
  ForecastErrors errors;
  AddTimes(30, errors, true, hours(2), 10);
  AddTimes(30, errors, true, hours(6), 50);
  const Series spread = errors.Around(kNow, Days(), Days());
  EXPECT_EQ(spread.At(kNow), GramsPerKwh::Of(10)) << "sooner: not better";
  EXPECT_EQ(spread.At(kNow + hours(2)), GramsPerKwh::Of(10));
  EXPECT_EQ(spread.At(kNow + hours(3)), GramsPerKwh::Of(20));
  EXPECT_EQ(spread.At(kNow + hours(6)), GramsPerKwh::Of(50));
  EXPECT_FALSE(spread.At(kNow + hours(7))) << "never judged so far ahead";
}

TEST(ForecastErrors, HoldTillTheNextLeadTimeThatIsJudged) {
  ForecastErrors errors;
  AddTimes(30, errors, true, hours(9), 20);  // with those of 8 to 10 h
  const Series spread = errors.Around(kNow, Days(), Days());
  EXPECT_EQ(spread.At(kNow + hours(9)), GramsPerKwh::Of(20));
  EXPECT_FALSE(spread.At(kNow + hours(10)));
  AddTimes(30, errors, true, hours(96), 90);
  const Series far = errors.Around(kNow, Days(), Days());
  EXPECT_EQ(far.At(kNow + hours(96)), GramsPerKwh::Of(90));
  EXPECT_FALSE(far.At(kNow + hours(97)));
}

TEST(ForecastErrors, TellForecastsFromPastDays) {
  ForecastErrors errors;
  AddTimes(30, errors, true, hours(1), 10);
  AddTimes(30, errors, false, hours(12), 70);
  const Series spread = errors.Around(kNow, Days(), Flat(hours(0), hours(2)));
  EXPECT_EQ(spread.At(kNow + hours(1)), GramsPerKwh::Of(10));
  EXPECT_EQ(spread.At(kNow + hours(2)), GramsPerKwh::Of(70));
}

TEST(ForecastErrors, FadeWithTheWeeks) {
  ForecastErrors errors;
  AddTimes(28 * 24, errors, true, hours(1), 100);
  AddTimes(28 * 24 * 3, errors, true, hours(1), 10);
  const auto spread =
      errors.Around(kNow, Days(), Days()).At(kNow + hours(1))->value();
  EXPECT_LT(spread, 25) << "sqrt(4 % of 10,000 + 96 % of 100)";
  EXPECT_GT(spread, 15);
}

}  // namespace
}  // namespace carbond
