#include "scheduler/units.h"

#include <gtest/gtest.h>

#include <random>

namespace carbond {
namespace {

template <typename A, typename B>
concept Multiplies = requires(A a, B b) {
  a* b;
};
template <typename A, typename B>
concept Adds = requires(A a, B b) {
  a + b;
};
template <typename A, typename B>
concept Compares = requires(A a, B b) {
  a < b;
};

// Only products that mean something compile.
static_assert(Multiplies<Watts, Duration>);
static_assert(Multiplies<Duration, Watts>);
static_assert(Multiplies<WattHours, Pue>);
static_assert(Multiplies<WattHours, GramsPerKwh>);
static_assert(!Multiplies<Watts, Watts>);
static_assert(!Multiplies<Watts, GramsPerKwh>);
static_assert(!Multiplies<Watts, Pue>);
static_assert(!Multiplies<Grams, GramsPerKwh>);
static_assert(!Multiplies<Grams, Pue>);
static_assert(!Adds<Watts, WattHours>);
static_assert(!Adds<Grams, GramsPerKwh>);
static_assert(!Adds<Watts, int>);
static_assert(!Compares<Watts, WattHours>);
static_assert(!std::is_convertible_v<int64_t, Grams>);
static_assert(!std::is_convertible_v<double, Pue>);

TEST(Units, ReadLikeTheFormula) {
  const WattHours it = Watts::Of(300) * hours(2);
  EXPECT_EQ(it, WattHours::Of(600));
  EXPECT_EQ(hours(2) * Watts::Of(300), it);
  EXPECT_EQ(it * Pue::Of(1.1), WattHours::Of(660));
  EXPECT_EQ(it * Pue::Of(1.1) * GramsPerKwh::Of(400), Grams::Of(264));
  EXPECT_DOUBLE_EQ(KilowattHours(it), 0.6);
}

TEST(Units, OfRoundsToTheNearestThousandth) {
  EXPECT_EQ(Grams::Of(1.0004).thousandths(), 1000);
  EXPECT_EQ(Grams::Of(1.0006).thousandths(), 1001);
  EXPECT_EQ(Grams::Of(-1.0006).thousandths(), -1001);
  EXPECT_EQ(Pue::Of(1.1).thousandths(), 1100);
  EXPECT_EQ(Pue().value(), 1.0);
}

TEST(Units, DivisionRoundsHalfAwayFromZero) {
  EXPECT_EQ(RoundedDivide(5, 2), 3);
  EXPECT_EQ(RoundedDivide(-5, 2), -3);
  EXPECT_EQ(RoundedDivide(4, 3), 1);
  EXPECT_EQ(RoundedDivide(-4, 3), -1);
  EXPECT_EQ(RoundedDivide(5, 3), 2);
  EXPECT_EQ(RoundedDivide(-5, 3), -2);
  EXPECT_EQ(RoundedDivide(0, 7), 0);
  EXPECT_EQ(RoundedDivide(1, 2), 1);
  EXPECT_EQ(RoundedDivide(-1, 2), -1);
  // Above what 64 bits hold on the way.
  EXPECT_EQ(RoundedDivide(Int128{10'000'000'000} * 31'536'000'000, 3'600'000),
            87'600'000'000'000);
}

TEST(Units, DivisionIsTheNearestWholeNumber) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 20000; ++i) {
    const int64_t numerator = static_cast<int64_t>(random()) >> (random() % 60);
    const int64_t denominator =
        1 + static_cast<int64_t>((random() >> 1) >> (random() % 60));
    const Int128 rounded = RoundedDivide(numerator, denominator);
    const Int128 twice_off = 2 * (rounded * denominator - numerator);
    const Int128 size = twice_off < 0 ? -twice_off : twice_off;
    ASSERT_LE(size, denominator) << numerator << " / " << denominator;
    if (size == denominator) {  // half: away from zero
      ASSERT_EQ(twice_off > 0, numerator > 0);
    }
  }
}

TEST(Units, AYearOfALargeSiteDoesNotOverflow) {
  const WattHours year = Watts::Of(10e6) * hours(8760);
  EXPECT_EQ(year, WattHours::Of(87.6e9));
  EXPECT_EQ(year * Pue::Of(2), WattHours::Of(175.2e9));
  EXPECT_EQ(year * GramsPerKwh::Of(1000), Grams::Of(87.6e9));
}

TEST(Units, EachProductRoundsOnceAndHalfAway) {
  // 1 mW for 1.8 s is half a microwatt-hour: 0.0005 mWh, nothing.
  EXPECT_EQ(Watts::FromThousandths(1) * seconds(2), WattHours());
  // 1 mW for 30 min is half a milliwatt-hour: rounds up to one.
  EXPECT_EQ((Watts::FromThousandths(1) * minutes(30)).thousandths(), 1);
  EXPECT_EQ(
      (Watts::FromThousandths(1) * (minutes(30) - Duration(1))).thousandths(),
      0);
  EXPECT_EQ((WattHours::FromThousandths(5) * Pue::FromThousandths(1100))
                .thousandths(),
            6);
  EXPECT_EQ(
      (WattHours::FromThousandths(500) * GramsPerKwh::FromThousandths(1000))
          .thousandths(),
      1);
}

TEST(Units, SumsAreExact) {
  Grams sum;
  for (int i = 0; i < 1'000'000; ++i) sum += Grams::FromThousandths(1);
  EXPECT_EQ(sum, Grams::Of(1000));
  sum -= Grams::Of(1000);
  EXPECT_EQ(sum, Grams());
  EXPECT_EQ(Grams::Of(0.1) * 10, Grams::Of(1));
}

TEST(Power, IsReadWithItsUnit) {
  EXPECT_EQ(ParsePower("300W").value(), Watts::Of(300));
  EXPECT_EQ(ParsePower("1.2kW").value(), Watts::Of(1200));
  EXPECT_EQ(ParsePower("0.5MW").value(), Watts::Of(500'000));
  EXPECT_EQ(ParsePower("250mW").value(), Watts::Of(0.25));
  EXPECT_EQ(ParsePower("0W").value(), Watts());
}

TEST(Power, IsRefusedWithoutOrWithAWrongUnit) {
  for (const char* text : {"", "300", "W", "kW", "300 W", "300w ", "300Wh",
                           "300kWh", "1.2.3W", "nanW", "infW", "300J", "x300W",
                           "1e400W", "99999999999999999999MW", "0x10W"}) {
    Result<Watts> parsed = ParsePower(text);
    EXPECT_FALSE(parsed.ok())
        << "'" << text << "' gave " << parsed->value() << " W";
    if (!parsed.ok()) {
      EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument);
    }
  }
}

TEST(Power, ABareNumberIsToldThatAUnitIsOwed) {
  EXPECT_NE(Message(ParsePower("300").status()).find("300"), std::string::npos);
}

TEST(Power, SurvivesBeingWrittenAndReadBackWhereItIsRound) {
  for (const char* text : {"300W", "1.2kW", "45W", "250mW", "0W"}) {
    const Watts power = ParsePower(text).value();
    EXPECT_EQ(ParsePower(FormatPower(power)).value(), power) << text;
  }
  EXPECT_EQ(FormatPower(Watts::Of(300)), "300W");
}

}  // namespace
}  // namespace carbond
