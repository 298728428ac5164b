// The built-in table of cloud regions, what a configuration takes from it, and
// yearly averages as a provider.
#include "daemon/grid/cloud_regions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "daemon/grid/factory.h"
#include "daemon/grid/yearly.h"
#include "tests/daemon/config_world.h"

namespace carbond {
namespace {

using testing::HasSubstr;

const Instant kNoon = *ParseInstant("2026-03-15T12:02:00Z");

TEST(CloudRegions, AreThoseOfThreeCloudsEachWithAPlaceAFactorAndAPue) {
  std::set<std::string> names;
  std::set<std::string> clouds;
  for (const CloudRegion& each : CloudRegions()) {
    EXPECT_TRUE(names.insert(each.name).second) << each.name;
    clouds.insert(each.name.substr(0, each.name.find('/')));
    EXPECT_FALSE(each.place.empty()) << each.name;
    EXPECT_EQ(each.country.size(), 2u) << each.name;
    EXPECT_LE(std::abs(each.latitude), 90) << each.name;
    EXPECT_LE(std::abs(each.longitude), 180) << each.name;
    EXPECT_GE(each.pue, Pue::Of(1)) << each.name;
    EXPECT_GT(each.factor.intensity, GramsPerKwh()) << each.name;
    EXPECT_LT(each.factor.intensity, GramsPerKwh::Of(1500)) << each.name;
    EXPECT_FALSE(each.factor.basis.empty()) << each.name;
    EXPECT_FALSE(each.electricity_maps.empty()) << each.name;
  }
  EXPECT_EQ(names.size(), 150u);
  EXPECT_EQ(clouds, (std::set<std::string>{"aws", "azure", "gcp"}));
}

TEST(CloudRegions, NameAZoneAsEachTypeOfProviderDoes) {
  const CloudRegion* london = FindCloudRegion("aws/eu-west-2");
  ASSERT_NE(london, nullptr);
  EXPECT_EQ(london->ZoneOf("watttime"), "UK");
  EXPECT_EQ(london->ZoneOf("electricity_maps"), "GB");
  EXPECT_EQ(london->ZoneOf("carbonintensity_uk"), "13");
  EXPECT_EQ(london->ZoneOf("static"), "aws/eu-west-2");
  EXPECT_EQ(london->ZoneOf("carbon_aware_sdk"), "");
  EXPECT_EQ(london->ZoneOf("recorded"), "");
  EXPECT_EQ(FindCloudRegion("azure/westus2")->ZoneOf("carbon_aware_sdk"),
            "westus2");
  EXPECT_EQ(FindCloudRegion("aws/eu-west-99"), nullptr);
}

TEST(CloudRegions, KnowYearlyAveragesOfRegionsAndOfCountries) {
  EXPECT_EQ(FindYearlyFactor("aws/us-east-1")->intensity,
            GramsPerKwh::Of(379.069));
  EXPECT_EQ(FindYearlyFactor("US")->intensity, GramsPerKwh::Of(369.473));
  EXPECT_THAT(FindYearlyFactor("US")->basis, HasSubstr("2023"));
  EXPECT_EQ(FindYearlyFactor("Atlantis"), std::nullopt);
}

// ---- The provider -----------------------------------------------------------

TEST(Yearly, TellsTheSameNumberAtEveryHourAndForecastsNothing) {
  Yearly provider("table", {});
  EXPECT_EQ(provider.NewestForecast("DE", kNoon), nullptr);
  const auto observed = provider.ObservedSince("DE", kNoon - hours(500), kNoon);
  ASSERT_TRUE(observed);
  EXPECT_EQ(observed->signal, kYearlySignal);
  EXPECT_EQ(observed->provider, "table");
  EXPECT_EQ(observed->series.begin(), kNoon - minutes(2) - hours(24));
  EXPECT_EQ(observed->series.end(), kNoon + minutes(3)) << "the step under way";
  EXPECT_EQ(observed->final_until, observed->series.end());
  for (const Slot& slot : observed->series.slots()) {
    EXPECT_EQ(slot.intensity, FindYearlyFactor("DE")->intensity);
  }
}

TEST(Yearly, TellsEachStepOnce) {
  Yearly provider("table", {});
  const Instant next = provider.NextNews("DE", kNoon);
  EXPECT_EQ(next, kNoon + minutes(3));
  EXPECT_EQ(provider.ObservedSince("DE", kNoon, kNoon + minutes(2)),
            std::nullopt);
  const auto news = provider.ObservedSince("DE", kNoon, next);
  ASSERT_TRUE(news);
  EXPECT_EQ(news->series.begin(), next);
  EXPECT_EQ(news->series.end(), next + minutes(5));
}

TEST(Yearly, PrefersTheUsersOwnFigure) {
  StaticConfig config;
  config.factors["here"] = GramsPerKwh::Of(42);
  config.factors["DE"] = GramsPerKwh::Of(300);
  EXPECT_EQ(FactorOf(config, "here"), GramsPerKwh::Of(42));
  EXPECT_EQ(FactorOf(config, "DE"), GramsPerKwh::Of(300));
  EXPECT_EQ(FactorOf(config, "FR"), FindYearlyFactor("FR")->intensity);
  EXPECT_EQ(FactorOf(config, "Atlantis"), std::nullopt);
}

// ---- The configuration ------------------------------------------------------

class CloudConfigTest : public ConfigTest {
 protected:
  static std::string Yaml(const std::string& region) {
    return "state_dir: s\n"
           "providers:\n"
           "  wt: {type: watttime, username_env: U, password_env: P}\n"
           "  sdk: {type: carbon_aware_sdk, base_url: 'http://localhost:8', "
           "signal: co2_moer}\n"
           "  uk: {type: carbonintensity_uk}\n"
           "  table: {type: static, factors: {here: 42.5}}\n"
           "regions:\n"
           "  - {name: r, capacity: {gpus: 1}, " +
           region + "}\n";
  }
};

TEST_F(CloudConfigTest, TakesZoneAndPueFromTheTable) {
  const Config config = Good(Yaml("grid: wt, cloud: aws/eu-north-1"));
  const RegionConfig& region = config.regions.at(0);
  EXPECT_EQ(region.cloud, "aws/eu-north-1");
  EXPECT_EQ(region.grid[0].zone, FindCloudRegion("aws/eu-north-1")->watttime);
  EXPECT_TRUE(region.grid[0].is_hint);
  EXPECT_EQ(region.region.pue, Pue::Of(1.135));
  EXPECT_EQ(region.region.zone, "SE@wt");
}

TEST_F(CloudConfigTest, LetsTheFileOverrideTheTable) {
  const Config config =
      Good(Yaml("grid: wt, cloud: aws/eu-north-1, zone: NO, pue: 1.5"));
  const RegionConfig& region = config.regions.at(0);
  EXPECT_EQ(region.grid[0].zone, "NO");
  EXPECT_FALSE(region.grid[0].is_hint);
  EXPECT_EQ(region.region.pue, Pue::Of(1.5));
}

TEST_F(CloudConfigTest, NamesTheZoneToEachProviderOfAChainInItsOwnWords) {
  const Config config = Good(Yaml("grid: [wt, sdk], cloud: azure/westus2"));
  const RegionConfig& region = config.regions.at(0);
  EXPECT_EQ(region.grid[0].zone, "GCPD");
  EXPECT_EQ(region.grid[1].zone, "westus2");
  EXPECT_EQ(region.region.zone, "GCPD@wt+westus2@sdk");
  const Config same =
      Good(Yaml("grid: [wt, sdk], zone: {wt: CAISO_NORTH, sdk: westus}"));
  EXPECT_EQ(same.regions[0].grid[0].zone, "CAISO_NORTH");
  EXPECT_EQ(same.regions[0].grid[1].zone, "westus");
}

TEST_F(CloudConfigTest, TakesYearlyAveragesOfRegionsCountriesAndOwnNames) {
  EXPECT_EQ(
      Good(Yaml("grid: table, cloud: gcp/us-central1")).regions[0].grid[0].zone,
      "gcp/us-central1");
  EXPECT_EQ(Good(Yaml("grid: table, zone: DE")).regions[0].region.signal,
            kYearlySignal);
  Good(Yaml("grid: table, zone: here"));
}

TEST_F(CloudConfigTest, RefusesWhatTheTableDoesNotKnow) {
  EXPECT_THAT(Mistake(Yaml("grid: wt, cloud: aws/eu-nort-1")),
              HasSubstr("did you mean `aws/eu-north-1`?"));
  EXPECT_THAT(Mistake(Yaml("grid: uk, cloud: aws/us-east-1")),
              HasSubstr("write the zone as uk (carbonintensity_uk) names it, "
                        "such as GB"));
  EXPECT_THAT(Mistake(Yaml("grid: table, zone: Atlantis")),
              HasSubstr("table knows no yearly average of `Atlantis`"));
  EXPECT_THAT(Mistake(Yaml("grid: [wt, table], zone: DE")),
              HasSubstr("`wt` gives co2_moer and `table` gives "
                        "yearly_average"));
  EXPECT_THAT(Mistake(Yaml("grid: wt, zone: {wt: DE, sdk: x}")),
              HasSubstr("unknown key `regions.r.zone.sdk`"));
}

}  // namespace
}  // namespace carbond
