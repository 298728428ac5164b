#include "scheduler/provenance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "scheduler/emissions.h"
#include "tests/scheduler/sim_world.h"

namespace carbond {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Instant At(int hour) { return kDawn + hours(hour); }
Interval Between(int from, int to) { return {At(from), At(to)}; }
Series Values(int from, int to) {
  return Hourly(At(from),
                std::vector<double>(static_cast<size_t>(to - from), 1));
}

TEST(Provenance, KnowsWhoSpokeLastOfEachInstant) {
  Provenance who;
  EXPECT_THAT(who.Within(Between(0, 10)), IsEmpty());
  who.Say(Values(0, 10), "first");
  who.Say(Values(4, 6), "second");
  EXPECT_THAT(who.Within(Between(0, 4)), ElementsAre("first"));
  EXPECT_THAT(who.Within(Between(4, 6)), ElementsAre("second"));
  EXPECT_THAT(who.Within(Between(3, 10)), ElementsAre("first", "second"));
  EXPECT_THAT(who.Within(Between(10, 12)), IsEmpty());
  who.Say(Values(0, 10), "first");
  EXPECT_THAT(who.Within(Between(0, 20)), ElementsAre("first"));
}

TEST(Provenance, LeavesTheGapsOfASeriesToOthers) {
  Provenance who;
  who.Say(Values(0, 10), "second");
  who.Say(Values(0, 3).Under(Values(7, 10)), "first");
  EXPECT_THAT(who.Within(Between(3, 7)), ElementsAre("second"));
  EXPECT_THAT(who.Within(Between(2, 4)), ElementsAre("first", "second"));
  who.ForgetBefore(At(7));
  EXPECT_THAT(who.Within(Between(0, 20)), ElementsAre("first"));
}

TEST(Provenance, IsWhatAnArrayByTheHourWouldBe) {
  std::mt19937 random(5);
  for (int world = 0; world < 200; ++world) {
    Provenance who;
    std::vector<std::string> by_hour(24);
    for (int said = 0; said < 12; ++said) {
      const int from = static_cast<int>(random() % 24);
      const int to = from + 1 + static_cast<int>(random() % (24 - from));
      const std::string name(1, static_cast<char>('a' + random() % 3));
      who.Say(Values(from, to), name);
      std::fill(by_hour.begin() + from, by_hour.begin() + to, name);
    }
    for (int hour = 0; hour < 24; ++hour) {
      const auto names = who.Within(Between(hour, hour + 1));
      ASSERT_EQ(names.empty() ? "" : names.front(),
                by_hour[static_cast<size_t>(hour)]);
      ASSERT_LE(names.size(), 1u);
    }
  }
}

TEST(Accounts, NameTheProviderOfEachReadingsOwnHours) {
  KnownIntensity known;
  known.observed = Hourly(At(0), {100, 100, 100});
  known.observed_from.Say(Values(0, 2), "second");
  known.observed_from.Say(Values(2, 3), "first");
  known.expected = Hourly(At(0), {100, 100, 100, 100, 100});
  known.expected_from.Say(known.expected, "forecaster");
  EXPECT_THAT(known.ProvidersOf(Between(0, 1)), ElementsAre("second"));
  EXPECT_THAT(known.ProvidersOf(Between(1, 3)), ElementsAre("second", "first"));
  EXPECT_THAT(known.ProvidersOf(Between(2, 4)),
              ElementsAre("first", "forecaster"));
}

TEST(Accounts, KeepTheProviderThatSpokeWhileTheJobRan) {
  SimWorld world;
  world.Grid("here", Hourly(kDawn, std::vector<double>(96, 300)));
  Forecast later = Issue("here", At(20), Hourly(At(20), {300, 300}));
  later.provider = "another";
  world.grid.AddForecast(later);
  const JobId id = world.Submit(Work(hours(2)));
  ASSERT_TRUE(world.driver->RunUntil(At(40)).ok());
  EXPECT_EQ(world.Figures(id).provider, "sim");
}

}  // namespace
}  // namespace carbond
