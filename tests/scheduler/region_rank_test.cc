#include "scheduler/region_rank.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/scheduler/sim_world.h"

namespace carbond {
namespace {

using testing::ElementsAre;

RegionView View(const std::string& name, double pue, Series outlook,
                const std::string& signal = "average") {
  RegionView view;
  view.region = Place(name);
  view.region.pue = Pue::Of(pue);
  view.zone.outlook = std::move(outlook);
  view.zone.signal = signal;
  return view;
}

Series Flat(double g_per_kwh, size_t count = 48) {
  return Hourly(kDawn, std::vector<double>(count, g_per_kwh));
}

std::vector<std::string> Names(const std::vector<RankedRegion>& ranked) {
  std::vector<std::string> names;
  for (const RankedRegion& region : ranked) {
    names.push_back(region.view.region.name);
  }
  return names;
}

TEST(RegionRank, CountsPueAndPartialSlots) {
  const Series outlook = Hourly(kDawn, {100, 200, 400, 50, 80, 400});
  const RankedRegion region =
      RankRegions({View("here", 1.2, outlook)}, kDawn + minutes(45)).front();
  // A quarter at 100, three at 200; then a whole hour at 50.
  EXPECT_EQ(region.next_hour, Grams::Of(1.2 * 175));
  EXPECT_EQ(region.best_hour, Grams::Of(1.2 * 50));
  EXPECT_EQ(region.best_hour_begin, kDawn + hours(3));
}

TEST(RegionRank, PutsTheCleanestComingHourFirst) {
  const Series later = Hourly(kDawn, {300, 10, 10});
  EXPECT_THAT(Names(RankRegions(
                  {View("later", 1, later), View("b", 2, Flat(90)),
                   View("a", 1, Flat(180)), View("efficient", 1.1, Flat(150))},
                  kDawn)),
              ElementsAre("efficient", "a", "b", "later"));
}

TEST(RegionRank, PutsWhatIsUnknownAndWhatIsDrainedLast) {
  RegionView drained = View("drained", 1, Flat(1));
  drained.region.drained = true;
  RegionView both = View("a", 1, Series());
  both.region.drained = true;
  EXPECT_THAT(Names(RankRegions({both, drained, View("dark", 1, Series()),
                                 View("dirty", 1, Flat(900))},
                                kDawn)),
              ElementsAre("dirty", "dark", "drained", "a"));
}

TEST(RegionRank, HoldsAnHourThatIsPartlyUnknownForUnknown) {
  const RankedRegion half =
      RankRegions({View("half", 1, Flat(100, 1))}, kDawn + minutes(30)).front();
  EXPECT_FALSE(half.next_hour);
  EXPECT_FALSE(half.best_hour);
  EXPECT_FALSE(half.best_hour_begin);
  // Of a day that is not all known, the best of what is.
  const RankedRegion some =
      RankRegions({View("some", 1, Hourly(kDawn + hours(2), {70, 60}))}, kDawn)
          .front();
  EXPECT_FALSE(some.next_hour);
  EXPECT_EQ(some.best_hour, Grams::Of(60));
  EXPECT_EQ(some.best_hour_begin, kDawn + hours(3));
}

TEST(RegionRank, LooksNoFartherThanADay) {
  std::vector<double> values(48, 100);
  values[24] = 1;
  const RankedRegion region =
      RankRegions({View("here", 1, Hourly(kDawn, values))}, kDawn).front();
  EXPECT_EQ(region.best_hour, Grams::Of(100));
  EXPECT_EQ(region.best_hour_begin, kDawn);
}

TEST(RegionRank, ComparesNoGramsOfDifferentSignals) {
  EXPECT_THAT(
      Names(RankRegions(
          {View("m2", 1, Flat(40), "co2_moer"), View("a2", 1, Flat(90)),
           View("a1", 1, Flat(30)), View("m1", 1, Flat(20), "co2_moer")},
          kDawn)),
      ElementsAre("a1", "a2", "m1", "m2"));
}

}  // namespace
}  // namespace carbond
