#include "scheduler/time.h"

#include <gtest/gtest.h>

#include <random>

namespace carbond {
namespace {

TEST(Instant, IsWrittenInUtcWithMillisecondsOnlyWhereThereAreSome) {
  EXPECT_EQ(FormatInstant(Instant()), "1970-01-01T00:00:00Z");
  EXPECT_EQ(FormatInstant(Instant::FromSeconds(1625097600)),
            "2021-07-01T00:00:00Z");
  EXPECT_EQ(FormatInstant(Instant::FromMillis(1625097600250)),
            "2021-07-01T00:00:00.250Z");
  EXPECT_EQ(FormatInstant(Instant::FromSeconds(1582934400)),
            "2020-02-29T00:00:00Z");
  EXPECT_EQ(FormatInstant(Instant::FromMillis(-1)), "1969-12-31T23:59:59.999Z");
}

TEST(Instant, IsReadWithZOrANumericOffset) {
  const Instant noon = Instant::FromSeconds(1625140800);
  EXPECT_EQ(ParseInstant("2021-07-01T12:00:00Z").value(), noon);
  EXPECT_EQ(ParseInstant("2021-07-01T14:00:00+02:00").value(), noon);
  EXPECT_EQ(ParseInstant("2021-07-01T08:30:00-03:30").value(), noon);
  EXPECT_EQ(ParseInstant("2021-07-02T00:00:00+12:00").value(), noon);
  EXPECT_EQ(ParseInstant("2021-07-01T12:00:00.5Z").value(),
            noon + Duration(500));
  EXPECT_EQ(ParseInstant("2021-07-01T12:00:00.007Z").value(),
            noon + Duration(7));
}

TEST(Instant, IsRefusedWithoutAnOffsetOrOutsideTheCalendar) {
  for (const char* text : {"",
                           "Z",
                           "now",
                           "2021-07-01",
                           "2021-07-01T12:00:00",
                           "2021-07-01T12:00:00.5",
                           "2021-02-29T00:00:00Z",
                           "1900-02-29T00:00:00Z",
                           "2021-13-01T00:00:00Z",
                           "2021-00-01T00:00:00Z",
                           "2021-04-31T00:00:00Z",
                           "2021-07-00T00:00:00Z",
                           "2021-07-01T25:00:00Z",
                           "2021-07-01T12:60:00Z",
                           "2021-07-01T12:00:61Z",
                           "2021-07-01T12:00:00+25:00",
                           "2021-07-01T12:00:00+02:60",
                           "2021-07-01T12:00:00Zjunk",
                           "2021-07-01T12:00:00+",
                           "2021-07-01T12:00:00.Z",
                           "x2021-07-01T12:00:00Z",
                           "2021-07-01T1 :00:00Z",
                           "2021-07-01T-1:00:00Z",
                           "+021-07-01T00:00:00Z",
                           " 2021-07-01T12:00:00Z"}) {
    Result<Instant> parsed = ParseInstant(text);
    EXPECT_FALSE(parsed.ok())
        << "'" << text << "' gave " << FormatInstant(*parsed);
    if (!parsed.ok()) {
      EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument);
      EXPECT_FALSE(Message(parsed.status()).empty());
    }
  }
}

TEST(Instant, SurvivesBeingWrittenAndReadBack) {
  std::mt19937_64 random(1);
  // The years 1900 to 2300.
  std::uniform_int_distribution<int64_t> any(-2208988800000, 10413792000000);
  for (int i = 0; i < 20000; ++i) {
    const Instant t = Instant::FromMillis(any(random));
    Result<Instant> back = ParseInstant(FormatInstant(t));
    ASSERT_TRUE(back.ok()) << FormatInstant(t) << ": " << back.status();
    ASSERT_EQ(*back, t) << FormatInstant(t);
  }
}

TEST(Instant, NeverCanBeAddedTo) {
  EXPECT_GT(Instant::Never() + hours(24 * 365 * 1000), Instant::Never());
  EXPECT_GT(Instant::Never(), ParseInstant("9999-12-31T23:59:59Z").value());
}

TEST(Duration, IsReadInTheUnitsPeopleUse) {
  EXPECT_EQ(ParseDuration("90s").value(), seconds(90));
  EXPECT_EQ(ParseDuration("5m").value(), minutes(5));
  EXPECT_EQ(ParseDuration("2h").value(), hours(2));
  EXPECT_EQ(ParseDuration("3d").value(), hours(72));
  EXPECT_EQ(ParseDuration("1h30m").value(), minutes(90));
  EXPECT_EQ(ParseDuration("250ms").value(), Duration(250));
  EXPECT_EQ(ParseDuration("1.5h").value(), minutes(90));
  EXPECT_EQ(ParseDuration("0").value(), Duration(0));
  EXPECT_EQ(ParseDuration("0s").value(), Duration(0));
  EXPECT_EQ(ParseDuration("1d2h3m4s5ms").value(),
            hours(26) + minutes(3) + seconds(4) + Duration(5));
}

TEST(Duration, NegativeParsesSoThatTheCallerCanNameTheThing) {
  EXPECT_EQ(ParseDuration("-2h").value(), hours(-2));
  EXPECT_EQ(ParseDuration("-1h30m").value(), minutes(-90));
}

TEST(Duration, IsRefusedWithoutAUnitOrBeyondReason) {
  for (const char* text : {"",
                           "5",
                           "1.5",
                           "h",
                           "-",
                           "-h",
                           "5x",
                           "5 h",
                           "2h ",
                           " 2h",
                           "h2",
                           "2hh",
                           "1.h",
                           ".h",
                           "1..5h",
                           "--2h",
                           "1e3s",
                           "2h-30m",
                           "nan",
                           "inf",
                           "0x10s",
                           "999999999999999999999d",
                           "99999999999999d",
                           "+-2h"}) {
    Result<Duration> parsed = ParseDuration(text);
    EXPECT_FALSE(parsed.ok())
        << "'" << text << "' gave " << parsed->count() << " ms";
    if (!parsed.ok()) {
      EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument);
    }
  }
}

TEST(Duration, IsWrittenShort) {
  EXPECT_EQ(FormatDuration(hours(2) + minutes(30)), "2h30m");
  EXPECT_EQ(FormatDuration(seconds(45)), "45s");
  EXPECT_EQ(FormatDuration(hours(72)), "3d");
  EXPECT_EQ(FormatDuration(Duration(250)), "250ms");
  EXPECT_EQ(FormatDuration(minutes(-90)), "-1h30m");
  EXPECT_EQ(ParseDuration(FormatDuration(Duration(0))).value(), Duration(0));
}

// At most two units are written, rounded to the smaller of the two; below a
// second every millisecond counts.
TEST(Duration, SurvivesBeingWrittenAndReadBackUpToTheSecondUnit) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 20000; ++i) {
    const int bits = static_cast<int>(random() % 36);
    const Duration d(static_cast<int64_t>(random() >> (64 - bits - 1)));
    const std::string text = FormatDuration(d);
    Result<Duration> back = ParseDuration(text);
    ASSERT_TRUE(back.ok()) << text << ": " << back.status();
    const Duration grain = d >= hours(24)    ? hours(1)
                           : d >= hours(1)   ? Duration(minutes(1))
                           : d >= seconds(1) ? Duration(seconds(1))
                                             : Duration(0);
    ASSERT_LE(2 * std::chrono::abs(*back - d), grain + seconds(1))
        << text << " for " << d.count() << " ms";
    if (d < seconds(1)) {
      ASSERT_EQ(*back, d) << text;
    }
  }
}

TEST(Interval, IsHalfOpen) {
  const Interval i{Instant::FromMillis(10), Instant::FromMillis(20)};
  EXPECT_TRUE(i.Contains(i.begin));
  EXPECT_FALSE(i.Contains(i.end));
  EXPECT_EQ(i.length(), Duration(10));
  const Interval next{i.end, i.end + Duration(5)};
  EXPECT_FALSE(i.Overlaps(next));
  EXPECT_TRUE(i.Clip(next).empty());
  const Interval around{Instant::FromMillis(15), Instant::FromMillis(40)};
  EXPECT_EQ(i.Clip(around), (Interval{around.begin, i.end}));
}

TEST(Interval, BackwardsIsEmpty) {
  const Interval i{Instant::FromMillis(20), Instant::FromMillis(10)};
  EXPECT_TRUE(i.empty());
  EXPECT_EQ(i.length(), Duration(0));
}

}  // namespace
}  // namespace carbond
