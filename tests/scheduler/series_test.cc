#include "scheduler/series.h"

#include <gtest/gtest.h>

#include <random>

namespace carbond {
namespace {

Instant At(int64_t ms) { return Instant::FromMillis(ms); }
Interval Between(int64_t begin, int64_t end) { return {At(begin), At(end)}; }
Slot Of(int64_t begin, int64_t end, double intensity) {
  return {Between(begin, end), GramsPerKwh::Of(intensity)};
}
Series Make(std::vector<Slot> slots) {
  return Series::Make(std::move(slots)).value();
}

// A series as anyone would write it down: one value, or none, a millisecond.
using Naive = std::vector<std::optional<int64_t>>;
constexpr int64_t kSpan = 60;

Naive Spelled(const Series& series) {
  Naive values(kSpan);
  for (const Slot& slot : series.slots()) {
    for (int64_t t = slot.interval.begin.millis();
         t < slot.interval.end.millis(); ++t) {
      if (t >= 0 && t < kSpan) values[t] = slot.intensity.thousandths();
    }
  }
  return values;
}

Series Random(std::mt19937_64& random) {
  std::vector<Slot> slots;
  int64_t t = static_cast<int64_t>(random() % 12);
  while (true) {
    if (random() % 3 == 0) t += 1 + static_cast<int64_t>(random() % 5);
    const int64_t end = t + 1 + static_cast<int64_t>(random() % 9);
    if (end > kSpan) break;
    slots.push_back({Between(t, end), GramsPerKwh::FromThousandths(
                                          static_cast<int64_t>(random() % 4) *
                                          (random() % 2 ? 1 : 123'457))});
    t = end;
  }
  return Make(std::move(slots));
}

Interval RandomInterval(std::mt19937_64& random) {
  const int64_t a = static_cast<int64_t>(random() % (kSpan + 1));
  const int64_t b = static_cast<int64_t>(random() % (kSpan + 1));
  return Between(std::min(a, b), std::max(a, b));
}

TEST(Series, RefusesWhatIsNotARowOfSlotsAndNamesIt) {
  EXPECT_TRUE(Series::Make({}).ok());
  EXPECT_TRUE(Series::Make({Of(0, 5, 0)}).ok()) << "zero is legal";
  for (const std::vector<Slot>& slots : std::vector<std::vector<Slot>>{
           {Of(0, 5, 1), Of(5, 5, 1)},      // empty
           {Of(0, 5, 1), Of(9, 7, 1)},      // backwards
           {Of(5, 9, 1), Of(0, 5, 1)},      // out of order
           {Of(0, 5, 1), Of(4, 9, 1)},      // overlapping
           {Of(0, 5, 1), Of(0, 5, 1)},      // twice
           {Of(0, 5, 1), Of(5, 9, -1)}}) {  // negative
    Result<Series> made = Series::Make(slots);
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(Message(made.status()).find("1970-01-01T00:00:00"),
              std::string::npos)
        << "no instant named in: " << made.status();
  }
}

TEST(Series, AGapIsAGap) {
  const Series series = Make({Of(0, 10, 100), Of(20, 30, 200)});
  EXPECT_EQ(series.At(At(5)), GramsPerKwh::Of(100));
  EXPECT_FALSE(series.At(At(10)));
  EXPECT_FALSE(series.At(At(19)));
  EXPECT_EQ(series.At(At(20)), GramsPerKwh::Of(200));
  EXPECT_FALSE(series.At(At(30)));
  EXPECT_FALSE(series.At(At(-1)));
  EXPECT_FALSE(series.Covers(Between(5, 25)));
  EXPECT_FALSE(series.Mean(Between(5, 25)));
  EXPECT_EQ(series.Over(Between(5, 25)).known, Duration(10));
  EXPECT_EQ(series.Over(Between(5, 25)).mg_per_kwh_ms,
            5 * 100'000 + 5 * 200'000);
  EXPECT_EQ(series.Gaps(Between(-5, 35)),
            (std::vector<Interval>{Between(-5, 0), Between(10, 20),
                                   Between(30, 35)}));
}

TEST(Series, PartialSlotsCountProRata) {
  const Series series =
      Make({Of(0, 3'600'000, 300), Of(3'600'000, 7'200'000, 100)});
  const Interval half_each = Between(1'800'000, 5'400'000);
  EXPECT_EQ(series.Mean(half_each), GramsPerKwh::Of(200));
  const Interval quarter = Between(3'600'000 - 900'000, 3'600'000 + 2'700'000);
  EXPECT_EQ(series.Mean(quarter), GramsPerKwh::Of(150));
}

TEST(Series, KnowsItsEnds) {
  EXPECT_EQ(Series().begin(), Instant::Never());
  EXPECT_EQ(Series().end(), Instant());
  EXPECT_TRUE(Series().empty());
  const Series series = Make({Of(3, 4, 1), Of(9, 12, 1)});
  EXPECT_EQ(series.begin(), At(3));
  EXPECT_EQ(series.end(), At(12));
}

TEST(Series, KnowsNothingWhenEmpty) {
  const Series series;
  EXPECT_FALSE(series.At(At(0)));
  EXPECT_EQ(series.Over(Between(0, 9)).known, Duration(0));
  EXPECT_FALSE(series.Mean(Between(0, 9)));
  EXPECT_TRUE(series.Clip(Between(0, 9)).empty());
  EXPECT_EQ(series.Gaps(Between(2, 9)), std::vector<Interval>{Between(2, 9)});
  const Series other = Make({Of(0, 5, 1)});
  EXPECT_EQ(series.Under(other), other);
  EXPECT_EQ(other.Under(series), other);
}

TEST(Series, AgreesWithASumOverMilliseconds) {
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    std::mt19937_64 random(seed);
    const Series series = Random(random);
    const Naive naive = Spelled(series);
    for (int i = 0; i < 12; ++i) {
      const Interval over = RandomInterval(random);
      int64_t sum = 0, known = 0;
      for (int64_t t = over.begin.millis(); t < over.end.millis(); ++t) {
        if (!naive[t]) continue;
        sum += *naive[t];
        ++known;
      }
      const Integral integral = series.Over(over);
      ASSERT_EQ(integral.mg_per_kwh_ms, sum) << "seed " << seed;
      ASSERT_EQ(integral.known.count(), known) << "seed " << seed;
      const bool covered = known == over.length().count();
      ASSERT_EQ(series.Covers(over), covered) << "seed " << seed;
      const auto mean = series.Mean(over);
      if (covered && known > 0) {
        ASSERT_TRUE(mean);
        ASSERT_EQ(mean->thousandths(), RoundedDivide(sum, known))
            << "seed " << seed;
      } else if (!covered) {
        ASSERT_FALSE(mean) << "seed " << seed;
      }
    }
    for (int64_t t = 0; t < kSpan; ++t) {
      const auto value = series.At(At(t));
      ASSERT_EQ(value.has_value(), naive[t].has_value()) << "seed " << seed;
      if (value) {
        ASSERT_EQ(value->thousandths(), *naive[t]);
      }
    }
  }
}

TEST(Series, ClipShiftUnderAndGapsAgreeWithMilliseconds) {
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    std::mt19937_64 random(seed);
    const Series below = Random(random);
    const Series above = Random(random);
    const Naive a = Spelled(above), b = Spelled(below);
    const Interval to = RandomInterval(random);
    const Naive clipped = Spelled(below.Clip(to));
    const Naive under = Spelled(below.Under(above));
    Naive gaps(kSpan);
    Instant last = At(-1);
    for (const Interval& gap : below.Gaps(to)) {
      ASSERT_FALSE(gap.empty()) << "seed " << seed;
      ASSERT_GT(gap.begin, last) << "adjacent or unordered, seed " << seed;
      last = gap.end;
      for (int64_t t = gap.begin.millis(); t < gap.end.millis(); ++t) {
        gaps[t] = 1;
      }
    }
    for (int64_t t = 0; t < kSpan; ++t) {
      const bool inside = to.Contains(At(t));
      ASSERT_EQ(clipped[t], inside ? b[t] : std::nullopt) << "seed " << seed;
      ASSERT_EQ(under[t], a[t] ? a[t] : b[t]) << "seed " << seed << " t " << t;
      ASSERT_EQ(gaps[t].has_value(), inside && !b[t]) << "seed " << seed;
    }
    ASSERT_EQ(below.Shift(Duration(77)).Shift(Duration(-77)), below);
    const Interval over = RandomInterval(random);
    const Interval moved{over.begin + Duration(77), over.end + Duration(77)};
    ASSERT_EQ(below.Shift(Duration(77)).Over(moved).mg_per_kwh_ms,
              below.Over(over).mg_per_kwh_ms);
  }
}

TEST(Series, OverlayStaysAWellFormedRow) {
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    std::mt19937_64 random(seed);
    const Series below = Random(random);
    const Series over = below.Under(Random(random));
    ASSERT_TRUE(Series::Make(over.slots()).ok()) << "seed " << seed;
    const Interval to = RandomInterval(random);
    const Series clipped = over.Clip(to);
    ASSERT_TRUE(Series::Make(clipped.slots()).ok()) << "seed " << seed;
  }
}

TEST(Series, AWeekOfFiveMinutesIsIntegratedExactly) {
  std::vector<Slot> slots;
  const int64_t step = 300'000;
  int64_t expected = 0;
  for (int64_t i = 0; i < 2016; ++i) {
    const int64_t mg = 100'001 + i * 137 % 90'001;
    slots.push_back(
        {Between(i * step, (i + 1) * step), GramsPerKwh::FromThousandths(mg)});
    expected += mg * step;
  }
  const Series week = Make(std::move(slots));
  EXPECT_EQ(week.Over(Between(0, 2016 * step)).mg_per_kwh_ms, expected);
}

}  // namespace
}  // namespace carbond
