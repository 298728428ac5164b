#include "scheduler/forecast_correction.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <numbers>
#include <random>

namespace carbond {
namespace {

Instant Hour(int h) { return Instant::FromSeconds(int64_t{h} * 3600); }

Series Hourly(const std::vector<double>& values, int first = 0) {
  std::vector<Slot> slots;
  for (size_t i = 0; i < values.size(); ++i) {
    const int h = first + static_cast<int>(i);
    slots.push_back({{Hour(h), Hour(h + 1)}, GramsPerKwh::Of(values[i])});
  }
  return *Series::Make(std::move(slots));
}

// A grid with a daily shape and a wandering level.
std::vector<double> Grid(uint64_t seed, int count) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> step(0, 1);
  std::vector<double> values;
  double level = 0;
  for (int i = 0; i < count; ++i) {
    level = 0.98 * level + 8 * step(random);
    const double sun = std::sin((i % 24) / 24.0 * 2 * std::numbers::pi);
    values.push_back(std::max(0.0, 300 + 80 * sun + level));
  }
  return values;
}

constexpr int kDays = 60;
constexpr int kHorizon = 48;

// A world in which a forecaster speaks every six hours; `error` is added to the
// truth by lead (hours) and hour.
struct World {
  template <typename Error>
  World(uint64_t seed, const Error& error)
      : truth(Grid(seed, kDays * 24 + 200)), actual(Hourly(truth)) {
    for (int now = 24 * 30; now < kDays * 24; ++now) {
      if (now % 6 == 0) {
        std::vector<double> said;
        for (int lead = 0; lead < kHorizon; ++lead) {
          const auto i = static_cast<size_t>(now + lead);
          said.push_back(std::max(0.0, truth[i] + error(lead, now + lead)));
        }
        forecast = Hourly(said, now);
        expected = expected.Under(forecast);
      }
      correction.Learn(Hour(now), At(now));
      if (now > 24 * 50) Judge(now);
    }
  }

  ZoneKnowledge At(int now) const {
    return {actual, Hour(now), expected, forecast};
  }

  void Judge(int now) {
    const Series raw = forecast.Clip({Hour(now), Instant::Never()});
    const Series corrected = correction.Correct(Hour(now), raw, At(now));
    for (const Slot& slot : raw.slots()) {
      const double came = actual.At(slot.interval.begin)->value();
      const double error = corrected.At(slot.interval.begin)->value() - came;
      raw_error += std::abs(slot.intensity.value() - came);
      corrected_error += std::abs(error);
      Judged& judged = by_lead[(slot.interval.begin - Hour(now)) / hours(1)];
      judged.squares += error * error;
      ++judged.count;
      const auto spread = Spread(now).At(slot.interval.begin);
      judged.within += spread && std::abs(error) <= spread->value();
    }
  }

  Series Spread(int now) const {
    return correction.errors().Around(Hour(now), forecast, forecast);
  }

  std::vector<double> truth;
  Series actual, forecast, expected;
  ForecastCorrection correction;
  double raw_error = 0, corrected_error = 0;
  struct Judged {
    double squares = 0;
    int count = 0, within = 0;
  };
  std::map<int64_t, Judged> by_lead;  // hours
};

TEST(ForecastCorrection, LeavesAPerfectForecastAlone) {
  World world(1, [](int, int) { return 0.0; });
  EXPECT_EQ(world.raw_error, 0);
  const int now = kDays * 24 - 1;
  const Series raw = world.forecast.Clip({Hour(now), Instant::Never()});
  EXPECT_EQ(world.correction.Correct(Hour(now), raw, world.At(now)), raw);
}

TEST(ForecastCorrection, TakesOffAnErrorThatStays) {
  World world(2, [](int, int) { return 60.0; });
  EXPECT_LT(world.corrected_error, 0.25 * world.raw_error);
}

TEST(ForecastCorrection, LearnsHowFarAForecastCanBeTrusted) {
  std::mt19937_64 random(3);
  std::normal_distribution<double> noise(0, 1);
  World world(3, [&](int lead, int) { return 4.0 * lead * noise(random); });
  EXPECT_LT(world.corrected_error, 0.6 * world.raw_error);
}

TEST(ForecastCorrection, LearnsNothingFromWhatIsNotKnownYet) {
  World a(4, [](int, int) { return 30.0; });
  const int now = kDays * 24 - 1;
  const Series raw = a.forecast.Clip({Hour(now), Instant::Never()});
  const Series before = a.correction.Correct(Hour(now), raw, a.At(now));
  // The same, had everything after now been otherwise.
  std::vector<double> other = a.truth;
  for (size_t i = static_cast<size_t>(now); i < other.size(); ++i) other[i] = 1;
  a.actual = Hourly(other);
  EXPECT_EQ(a.correction.Correct(Hour(now), raw, a.At(now)), before);
}

TEST(ForecastCorrection, SaysWhatTheForecastSaysWithoutExperience) {
  const std::vector<double> truth = Grid(5, 24 * 20);
  const Series actual = Hourly(truth);
  const Series forecast = Hourly({111, 222, 333}, 24 * 10);
  const ForecastCorrection none;
  EXPECT_EQ(none.Correct(Hour(240), forecast,
                         {actual, Hour(240), Series(), forecast}),
            forecast);
  EXPECT_EQ(none.Correct(Hour(240), forecast,
                         {Series(), Hour(240), Series(), forecast}),
            forecast);
}

TEST(ForecastCorrection, PutsTheMeanOfTheDaysWhereThereIsNoForecast) {
  std::vector<double> truth;
  for (int day = 0; day < 10; ++day) {
    for (int h = 0; h < 24; ++h) truth.push_back(100 + 10 * day + h);
  }
  const Series actual = Hourly(truth);
  const ForecastCorrection none;
  const Series raw = Hourly(std::vector<double>(24, 7), 240);
  const Series corrected =
      none.Correct(Hour(240), raw, {actual, Hour(240), Series(), Series()});
  for (int h = 0; h < 24; ++h) {
    EXPECT_EQ(corrected.At(Hour(240 + h)), GramsPerKwh::Of(145 + h));
  }
}

TEST(ForecastCorrection, MovesWithAShiftAndAScaleOfTheIntensity) {
  const auto error = [](int lead, int at) {
    return 5.0 * lead * std::sin(at * 12.9898) + 20;
  };
  World a(6, error);
  World b(6, error);
  const auto moved = [](const Series& series) {
    std::vector<Slot> slots = series.slots();
    for (Slot& slot : slots) {
      slot.intensity = GramsPerKwh::FromThousandths(
          slot.intensity.thousandths() * 2 + 50'000);
    }
    return *Series::Make(std::move(slots));
  };
  ForecastCorrection fresh;
  const Series actual = moved(b.actual), expected = moved(b.expected);
  // Both learn from the same newest forecast at the end, from nothing else.
  ForecastCorrection plain;
  for (int now = 24 * 40; now < kDays * 24; ++now) {
    const Series forecast = b.forecast, other = moved(b.forecast);
    plain.Learn(Hour(now), {b.actual, Hour(now), b.expected, forecast});
    fresh.Learn(Hour(now), {actual, Hour(now), expected, other});
  }
  const int now = kDays * 24 - 1;
  const Series raw = b.forecast.Clip({Hour(now), Instant::Never()});
  const Series one =
      plain.Correct(Hour(now), raw, {b.actual, Hour(now), b.expected, raw});
  const Series two = fresh.Correct(Hour(now), moved(raw),
                                   {actual, Hour(now), expected, moved(raw)});
  for (const Slot& slot : one.slots()) {
    EXPECT_NEAR(two.At(slot.interval.begin)->value(),
                2 * slot.intensity.value() + 50, 0.01);
  }
}

TEST(ForecastCorrection, KnowsHowFarItsExpectationsLieFromWhatComes) {
  std::mt19937_64 random(7);
  std::normal_distribution<double> noise(0, 1);
  World world(7, [&](int lead, int) { return 2.0 * lead * noise(random); });
  const int now = kDays * 24 - 1;
  const Series spread = world.Spread(now);
  for (const int lead : {1, 6, 12, 24, 36}) {
    // Of the last ten days, which it had not seen when they were judged.
    const World::Judged& judged = world.by_lead[lead];
    const double came = std::sqrt(judged.squares / judged.count);
    const auto told = spread.At(Hour(now + lead));
    ASSERT_TRUE(told) << lead;
    EXPECT_NEAR(told->value(), came, 0.35 * came) << lead << " h ahead";
    EXPECT_GT(judged.within, 0.58 * judged.count) << lead << " h ahead";
  }
}

TEST(ForecastCorrection, JudgesWhatItMadeOfTheForecastNotTheForecast) {
  World world(8, [](int, int) { return 60.0; });
  const int now = kDays * 24 - 1;
  EXPECT_LT(world.Spread(now).At(Hour(now + 6))->value(), 30);
  EXPECT_GT(world.Spread(now).At(Hour(now + 6))->value(), 0);
}

TEST(ForecastCorrection, HasNoSpreadAroundAPerfectForecast) {
  World world(9, [](int, int) { return 0.0; });
  const int now = kDays * 24 - 1;
  EXPECT_EQ(world.Spread(now).At(Hour(now + 6)), GramsPerKwh());
}

TEST(ForecastCorrection, KnowsNoSpreadBeforeADayHasCome) {
  const std::vector<double> truth = Grid(10, 24 * 20);
  const Series actual = Hourly(truth);
  ForecastCorrection correction;
  const auto learn_until = [&](int from, int until) {
    for (int now = from; now < until; ++now) {
      const Series forecast = Hourly(std::vector<double>(kHorizon, 300), now);
      correction.Learn(Hour(now), {actual, Hour(now), Series(), forecast});
    }
    const Series forecast = Hourly(std::vector<double>(kHorizon, 300), until);
    return correction.errors().Around(Hour(until), forecast, forecast);
  };
  EXPECT_TRUE(learn_until(24 * 10, 24 * 10 + 20).empty());
  const Series spread = learn_until(24 * 10 + 20, 24 * 11 + 12);
  EXPECT_TRUE(spread.At(Hour(24 * 11 + 12 + 6)));
  EXPECT_FALSE(spread.At(Hour(24 * 11 + 12 + 24)))
      << "twelve notes of a day ahead have met their hour";
}

TEST(DayProfile, TakesTheLastWeekdayAndTheLastDay) {
  std::vector<double> truth;
  for (int day = 0; day < 21; ++day) {
    for (int h = 0; h < 24; ++h) truth.push_back(100.0 * (day % 7) + h);
  }
  const Series actual = Hourly(truth);
  DayProfile days(actual, Hour(20 * 24));
  // Day 20 has the same weekday as days 13 and 6; the day before is day 19.
  const auto hour = days.Around({Hour(20 * 24 + 5), Hour(20 * 24 + 6)});
  ASSERT_TRUE(hour);
  EXPECT_DOUBLE_EQ(hour->last_week, 605);
  EXPECT_DOUBLE_EQ(hour->last_day, 505);
}

TEST(DayProfile, KnowsNothingOfATimeOfDayThatWasNeverSeen) {
  const Series actual = Hourly({1, 2, 3}, 8);
  DayProfile days(actual, Hour(24));
  EXPECT_TRUE(days.Around({Hour(33), Hour(34)}));
  EXPECT_FALSE(days.Around({Hour(40), Hour(41)}));
}

}  // namespace
}  // namespace carbond
