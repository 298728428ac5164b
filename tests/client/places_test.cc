// Tables by name: places and their grids, processors and their power.

#include "client/places.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/accelerators.h"

namespace carbond::client {
namespace {

using testing::HasSubstr;

std::string Refusal(const std::string& yaml) {
  const auto places = ParsePlaces(yaml);
  return places.ok() ? "" : std::string(places.status().message());
}

TEST(Places, KnowsCloudRegionsAndTheirCountries) {
  const auto region = FindPlace("aws/us-east-1", {});
  ASSERT_TRUE(region.ok()) << region.status();
  EXPECT_DOUBLE_EQ(region->g_per_kwh, 379.069);
  EXPECT_EQ(region->intensity_source, "CCF NERC SERC (vintage 2019-2021)");
  EXPECT_DOUBLE_EQ(region->pue.value(), 1.135);
  EXPECT_EQ(region->pue_source, "Cloud Carbon Footprint, AWS's mean");
  const auto country = FindPlace("DE", {});
  ASSERT_TRUE(country.ok()) << country.status();
  EXPECT_FALSE(country->pue.has_value());
  EXPECT_THAT(country->intensity_source, HasSubstr("Our World in Data"));
}

TEST(Places, EveryBuiltInFigureSaysWhereItIsFrom) {
  EXPECT_GT(BuiltInPlaces().size(), 150u);
  for (const Place& place : BuiltInPlaces()) {
    SCOPED_TRACE(place.name);
    EXPECT_GT(place.g_per_kwh, 0);
    EXPECT_LT(place.g_per_kwh, 1500);
    EXPECT_FALSE(place.intensity_source.empty());
    if (place.pue) {
      EXPECT_GE(*place.pue, 1);
      EXPECT_THAT(place.pue_source, HasSubstr("Cloud Carbon Footprint"));
    }
  }
}

TEST(Places, SuggestsTheNearestName) {
  const auto place = FindPlace("aws/us-eats-1", {});
  ASSERT_FALSE(place.ok());
  EXPECT_EQ(place.status().message(),
            "`aws/us-eats-1` is in no table: did you mean `aws/us-east-1`?; "
            "`carbonctl estimate --list regions` prints the built-in one, "
            "--regions-file takes yours");
}

TEST(Places, TakesATableOfOnesOwnFirst) {
  const auto own = ParsePlaces(
      "montreal: {g_per_kwh: 34.5, pue: 1.1, source: Hydro-Quebec 2018}\n"
      "DE: {g_per_kwh: 380}\n");
  ASSERT_TRUE(own.ok()) << own.status();
  EXPECT_EQ(FindPlace("montreal", *own)->intensity_source, "Hydro-Quebec 2018");
  EXPECT_DOUBLE_EQ(FindPlace("montreal", *own)->pue.value(), 1.1);
  EXPECT_DOUBLE_EQ(FindPlace("DE", *own)->g_per_kwh, 380);
  EXPECT_EQ(FindPlace("DE", *own)->intensity_source, "--regions-file");
  EXPECT_TRUE(FindPlace("FR", *own).ok());
}

TEST(Places, TellsWhatIsWrongInATableWithItsLine) {
  EXPECT_EQ(Refusal("a: {g_per_kwh: 1}\nb: {pue: 1.1}\n"),
            "line 2: b has no g_per_kwh: write b: {g_per_kwh: 380}");
  EXPECT_EQ(Refusal("a: {g_per_kwh: -1}\n"),
            "line 1: g_per_kwh is not a number from 0 on");
  EXPECT_EQ(Refusal("a: {g_per_kwh: 1, pue: 0.9}\n"),
            "line 1: pue is not a number from 1 on");
  EXPECT_EQ(Refusal("a: {g_per_kwh: 1, pu: 1.1}\n"),
            "line 1: unknown key `pu`: there are g_per_kwh, pue, source");
  EXPECT_EQ(Refusal("a: {g_per_kwh: [1]}\n"),
            "line 1: g_per_kwh is not a number from 0 on");
  EXPECT_THAT(Refusal("- a\n"), HasSubstr("no table of regions"));
  EXPECT_THAT(Refusal(""), HasSubstr("no table of regions"));
  EXPECT_THAT(Refusal("a: {\n"), HasSubstr("line "));
}

TEST(Accelerators, AreFoundHoweverTheyAreWritten) {
  for (const char* name : {"A100 PCIe", "a100-pcie", "NVIDIA A100 PCIe"}) {
    const auto found = FindAccelerator(name);
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_DOUBLE_EQ(found->tdp_w.value(), 250);
    EXPECT_FALSE(found->system_w.has_value());
  }
  EXPECT_DOUBLE_EQ(FindAccelerator("Tesla V100-SXM2-32GB")->tdp_w.value(), 300);
}

TEST(Accelerators, KeepWhatWasMeasuredApartFromTheChipsPower) {
  const auto p100 = FindAccelerator("P100");
  EXPECT_DOUBLE_EQ(p100->tdp_w.value(), 250);
  EXPECT_DOUBLE_EQ(p100->system_w.value(), 271);
  const auto tpu = FindAccelerator("TPUv2");
  EXPECT_FALSE(tpu->tdp_w.has_value());
  EXPECT_DOUBLE_EQ(tpu->system_w.value(), 221);
  // The calculator has these two so; they look swapped, and it is said.
  EXPECT_DOUBLE_EQ(FindAccelerator("V100-SXM2-16GB")->tdp_w.value(), 250);
  EXPECT_THAT(FindAccelerator("V100-PCIE-16GB")->note, HasSubstr("swapped"));
}

TEST(Accelerators, EachHasAPower) {
  for (const Accelerator& each : Accelerators()) {
    EXPECT_TRUE(each.tdp_w || each.system_w) << each.name;
  }
}

TEST(Accelerators, RefuseWhatTheyDoNotKnow) {
  const auto found = FindAccelerator("RTX 3091");
  ASSERT_FALSE(found.ok());
  EXPECT_THAT(std::string(found.status().message()),
              HasSubstr("did you mean `RTX 3090`?"));
}

}  // namespace
}  // namespace carbond::client
