#include "client/local_time.h"

#include <gtest/gtest.h>

#include "tests/client/world.h"

namespace carbond::client {
namespace {

std::string Ahead(const std::string& text) {
  const auto t = ParseInstant(text, Morning(), Lean::kAhead);
  return t.ok() ? FormatUtc(*t) : std::string(t.status().message());
}

std::string Ago(const std::string& text) {
  const auto t = ParseInstant(text, Morning(), Lean::kAgo);
  return t.ok() ? FormatUtc(*t) : std::string(t.status().message());
}

TEST(LocalTime, ReadsRfc3339WithAnyOffset) {
  EXPECT_EQ(Ahead("2026-03-01T08:00:00Z"), "2026-03-01T08:00:00Z");
  EXPECT_EQ(Ahead("2026-03-01T08:00:00+02:00"), "2026-03-01T06:00:00Z");
  EXPECT_EQ(Ahead("2026-03-01t08:00:00.25z"), "2026-03-01T08:00:00.250Z");
  EXPECT_EQ(Ahead("2026-03-01 08:00-05:30"), "2026-03-01T13:30:00Z");
}

TEST(LocalTime, ReadsLocalTimesInTheZone) {
  EXPECT_EQ(Ahead("2026-11-21 08:00"), "2026-11-21T07:00:00Z");
  EXPECT_EQ(Ahead("2026-07-01T08:00:30"), "2026-07-01T06:00:30Z");
  EXPECT_EQ(Ahead("2026-11-22"), "2026-11-21T23:00:00Z");
}

TEST(LocalTime, TakesTheNextOrTheLastClockTime) {
  // It is ten o'clock.
  EXPECT_EQ(Ahead("18:30"), "2026-11-21T17:30:00Z");
  EXPECT_EQ(Ahead("08:00"), "2026-11-22T07:00:00Z");
  EXPECT_EQ(Ahead("8:00"), "2026-11-22T07:00:00Z");
  EXPECT_EQ(Ahead("10:00"), "2026-11-22T09:00:00Z");
  EXPECT_EQ(Ago("08:00"), "2026-11-21T07:00:00Z");
  EXPECT_EQ(Ago("18:30"), "2026-11-20T17:30:00Z");
}

TEST(LocalTime, CountsDurationsFromNow) {
  EXPECT_EQ(Ahead("24h"), "2026-11-22T09:00:00Z");
  EXPECT_EQ(Ago("7d"), "2026-11-14T09:00:00Z");
}

TEST(LocalTime, KnowsWhatDependsOnNow) {
  EXPECT_TRUE(DependsOnNow("24h"));
  EXPECT_TRUE(DependsOnNow("08:00"));
  EXPECT_FALSE(DependsOnNow("2026-11-21 08:00"));
  EXPECT_FALSE(DependsOnNow("2026-03-01T08:00:00Z"));
  EXPECT_FALSE(DependsOnNow(""));
}

TEST(LocalTime, RefusesWhatIsNoTime) {
  for (const char* text :
       {"", "yesterday", "2026-13-01", "2026-02-30", "25:00", "08:60",
        "2026-11-21T08:00:00X", "2026-11-21 8:00", "2026-11-21T24:30", "24",
        "08:00 tomorrow", "2026-02-30T08:00:00Z", "-24h",
        "2026-11-21T08:00:00+1:00", "2026-03-01T08:00:00.Z"}) {
    EXPECT_FALSE(ParseInstant(text, Morning(), Lean::kAhead).ok()) << text;
  }
  EXPECT_EQ(Ahead("yesterday"),
            "time `yesterday` is not understood: write 2026-03-01T08:00:00Z, "
            "`2026-03-01 08:00` (local), 08:00 or a duration from now such as "
            "24h");
  EXPECT_EQ(Ahead("2026-02-30"),
            "time `2026-02-30` names a day that does not exist");
}

TEST(LocalTime, RefusesTheHourThatClocksSkipAndTakesTheFirstOfTwo) {
  EXPECT_EQ(Ahead("2026-03-29 02:30"),
            "time `2026-03-29 02:30` does not exist in Europe/Berlin: the "
            "clocks are put forward over it");
  EXPECT_EQ(Ahead("2026-10-25 02:30"), "2026-10-25T00:30:00Z");
}

TEST(LocalTime, WritesTheDayOnlyWhereItIsAnother) {
  const Here here = Morning();
  EXPECT_EQ(FormatWhen(At("2026-11-21T12:20:00Z"), here), "13:20");
  EXPECT_EQ(FormatWhen(At("2026-11-21T23:20:00Z"), here), "Sun 22 Nov 00:20");
  EXPECT_EQ(FormatWhen(At("2026-12-04T12:20:00Z"), here), "Fri 4 Dec 13:20");
  EXPECT_EQ(FormatWhen(At("2027-01-04T12:20:00Z"), here), "4 Jan 2027 13:20");
  EXPECT_EQ(FormatWhenWithOffset(At("2026-07-04T12:20:00Z"), here),
            "Sat 4 Jul 14:20 +02:00");
  EXPECT_EQ(FormatStamp(At("2026-11-21T12:20:00Z"), here.zone),
            "2026-11-21 13:20");
}

TEST(LocalTime, TurnsTheInstantsOfASentenceIntoLocalOnes) {
  EXPECT_EQ(Localized("waits until 2026-11-21T12:00:00Z, at the latest until "
                      "2026-11-22T12:00Z: 5Z",
                      Morning()),
            "waits until 13:00 +01:00, at the latest until Sun 22 Nov 13:00 "
            "+01:00: 5Z");
  EXPECT_EQ(Localized("2026-99-99T99:99:99Z", Morning()),
            "2026-99-99T99:99:99Z");
  EXPECT_EQ(Localized("", Morning()), "");
}

TEST(LocalTime, KeepsMillisecondsOnTheWire) {
  const absl::Time t = At("2026-11-21T12:00:00.250Z");
  EXPECT_EQ(ToProto(t).nanos(), 250'000'000);
  EXPECT_EQ(FromProto(ToProto(t)), t);
  const absl::Time before = absl::UnixEpoch() - absl::Milliseconds(1);
  EXPECT_EQ(ToProto(before).seconds(), -1);
  EXPECT_EQ(FromProto(ToProto(before)), before);
}

}  // namespace
}  // namespace carbond::client
