// Published numbers, recomputed with the formulas behind `estimate`.
//   Patterson et al. 2021, tables 1 and 4 (arXiv:2104.10350)
//   Strubell et al. 2019, tables 1 and 3 (arXiv:1906.02243)
//   Software Carbon Intensity 1.1
//   Lacoste et al. 2019 and its calculator (arXiv:1910.09700)

#include "client/footprint.h"

#include <gtest/gtest.h>

#include <cmath>

namespace carbond::client {
namespace {

double Off(double actual, double expected) {
  return std::abs(actual - expected) / expected;
}

struct Training {
  const char* model;
  double chips, watts, days, pue, gross, net;  // kg/kWh
  double kwh, gross_t, net_t;                  // as printed
};

double Kwh(const Training& t) {
  return EnergyKwh({.accelerators = t.chips,
                    .power_w = t.watts,
                    .time_h = t.days * 24,
                    .pue = t.pue});
}
double Tonnes(const Training& t, double kg_per_kwh) {
  return EmissionsG(Kwh(t), kg_per_kwh * 1000) / 1e6;
}

struct Large {
  Training printed;
  double mwh, gross_t, net_t;  // what the printed inputs give
};

constexpr Large kTable4[] = {
    {{"Evolved Transformer NAS", 200, 208, 6.8, 1.10, 0.431, 0.431, 7.5e3, 3.2,
      3.2},
     7.468,
     3.219,
     3.219},
    {{"T5", 512, 310, 20, 1.12, 0.545, 0.545, 85.7e3, 46.7, 46.7},
     85.328,
     46.504,
     46.504},
    {{"Meena", 1024, 289, 30, 1.09, 0.415, 0.415, 232e3, 96.4, 96.4},
     232.251,
     96.384,
     96.384},
    {{"GShard-600B", 1024, 288, 3.1, 1.09, 0.201, 0.177, 24.1e3, 4.8, 4.3},
     23.916,
     4.807,
     4.233},
    {{"Switch Transformer", 1024, 245, 27, 1.10, 0.403, 0.330, 179e3, 72.2,
      59.1},
     178.827,
     72.067,
     59.013},
    {{"GPT-3", 10000, 330, 14.8, 1.10, 0.429, 0.429, 1287e3, 552.1, 552.1},
     1289.376,
     553.142,
     553.142},
};

TEST(Footprint, GivesWhatThePrintedInputsOfTable4Give) {
  for (const Large& row : kTable4) {
    const Training& t = row.printed;
    SCOPED_TRACE(t.model);
    EXPECT_LT(Off(Kwh(t) / 1000, row.mwh), 1e-3);
    EXPECT_LT(Off(Tonnes(t, t.gross), row.gross_t), 1e-3);
    EXPECT_LT(Off(Tonnes(t, t.net), row.net_t), 1e-3);
    EXPECT_LT(Off(Kwh(t), t.kwh), 0.01);
    EXPECT_LT(Off(Tonnes(t, t.gross), t.gross_t), 0.01);
    EXPECT_LT(Off(Tonnes(t, t.net), t.net_t), 0.02);
  }
}

constexpr Training kTable1[] = {
    {"Transformer Big, P100, US average", 8, 296, 3.5, 1.59, 0.429, 0.429, 316,
     0.1357, 0.1357},
    {"Transformer Big, P100, Iowa", 8, 296, 3.5, 1.11, 0.478, 0.080, 221,
     0.1055, 0.0177},
    {"Evolved Transformer, P100, Iowa", 8, 271, 3.2, 1.11, 0.478, 0.080, 185,
     0.0883, 0.0148},
    {"Transformer Big, TPU v2, Iowa", 8, 229, 0.81, 1.11, 0.478, 0.080, 40,
     0.0189, 0.0032},
    {"Evolved Transformer, TPU v2, Iowa", 8, 227, 0.62, 1.11, 0.478, 0.080, 30,
     0.0143, 0.0024},
};

TEST(Footprint, ReproducesTable1ToThePrintedDigits) {
  const auto printed = [](double tonnes) { return std::llround(tonnes * 1e4); };
  for (const Training& t : kTable1) {
    SCOPED_TRACE(t.model);
    EXPECT_EQ(std::llround(Kwh(t)), std::llround(t.kwh));
    EXPECT_EQ(printed(Tonnes(t, t.gross)), printed(t.gross_t));
    EXPECT_EQ(printed(Tonnes(t, t.net)), printed(t.net_t));
  }
  const double improved =
      Tonnes(kTable1[0], kTable1[0].net) / Tonnes(kTable1[4], kTable1[4].net);
  EXPECT_NEAR(improved, 56.5, 0.1);
}

TEST(Footprint, ReproducesStrubellWithinOnePercent) {
  struct {
    const char* model;
    double watts, hours, kwh, pounds;
  } const kRows[] = {
      {"Transformer base, 8 P100", 1415.78, 12, 27, 26},
      {"Transformer big, 8 P100", 1515.43, 84, 201, 192},
      {"ELMo, 3 P100", 517.66, 336, 275, 262},
      {"BERT base, 64 V100", 12041.51, 79, 1507, 1438},
      {"NAS, 8 P100", 1515.43, 274120, 656347, 626155},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.model);
    // The table gives the watts of the whole machine.
    const double kwh = EnergyKwh(
        {.host_power_w = row.watts, .time_h = row.hours, .pue = kStrubellPue});
    EXPECT_LT(Off(kwh, row.kwh), 0.01);
    const double pounds =
        EmissionsG(kwh, kStrubellGramsPerKwh) / kGramsPerPound;
    // 25.6 is printed as 26: the digits that are printed are no closer.
    EXPECT_LT(std::abs(pounds - row.pounds), std::max(0.5, 0.01 * row.pounds));
  }
}

TEST(Footprint, AddsTheHostOnceAndNotForEachAccelerator) {
  EXPECT_DOUBLE_EQ(EnergyKwh({.accelerators = 8,
                              .power_w = 250,
                              .host_power_w = 500,
                              .time_h = 2,
                              .pue = 1.5}),
                   7.5);
}

TEST(Footprint, APoundPerMegawattHourIsWhatItIs) {
  EXPECT_NEAR(kGramsPerPound / 1e6, 0.00045359237, 1e-14);
}

TEST(Footprint, SharesWhatMakingTheHardwareEmitted) {
  // A ton over four years, the whole device reserved for an hour.
  const EmbodiedShare hour{
      .total_g = 1e6, .reserved_h = 1, .lifetime_h = 4 * kHoursPerYear};
  EXPECT_NEAR(EmbodiedG(hour), 28.54, 0.005);
  EmbodiedShare half = hour;
  half.reserved = 4;
  half.of_resources = 8;
  EXPECT_DOUBLE_EQ(EmbodiedG(half), EmbodiedG(hour) / 2);
  // 3700 kg per node of eight GPUs over four years are 0.013 kg per GPU-hour
  // (Morrison et al. 2025).
  const EmbodiedShare gpu{.total_g = 3.7e6,
                          .reserved_h = 1,
                          .lifetime_h = 4 * kHoursPerYear,
                          .reserved = 1,
                          .of_resources = 8};
  EXPECT_NEAR(EmbodiedG(gpu), 13, 0.5);
}

TEST(Footprint, ARateIsOfBothPartsAndNeverZeroForHardwareThatWasMade) {
  EXPECT_DOUBLE_EQ(SoftwareCarbonIntensity(900, 100, 10), 100);
  EXPECT_GT(SoftwareCarbonIntensity(0, 28.54, 1), 0);
}

TEST(MlCo2Impact, IsWhatThePageShows) {
  // V100-SXM2-32GB, 300 W, 1500 h, a custom 0.432 kg/kWh.
  const MlCo2Impact typed = MlCo2OfTyped(300, 1500, 0.432);
  EXPECT_DOUBLE_EQ(typed.energy_kwh, 450);
  EXPECT_DOUBLE_EQ(typed.intensity_kg_per_kwh, 0.432);
  EXPECT_DOUBLE_EQ(typed.emissions_kg, 194.4);
  // A100 PCIe, 250 W, 3 h, Montreal's 34.5: cut to 34, shown as 0.03.
  const MlCo2Impact region = MlCo2OfRegion(250, 3, 34.5);
  EXPECT_DOUBLE_EQ(region.energy_kwh, 0.75);
  EXPECT_DOUBLE_EQ(region.intensity_kg_per_kwh, 0.03);
  EXPECT_DOUBLE_EQ(region.emissions_kg, 0.02);
}

TEST(MlCo2Impact, CutsBeforeItRounds) {
  // 5.9 rounded would be 6 and 0.01 either way; 114.9 cut is 114, 0.11, where
  // rounded it would be 115 and 0.12.
  EXPECT_DOUBLE_EQ(MlCo2OfRegion(1000, 1, 114.9).intensity_kg_per_kwh, 0.11);
  EXPECT_DOUBLE_EQ(MlCo2OfRegion(1000, 1, 115).intensity_kg_per_kwh, 0.12);
}

TEST(Equivalents, AreWhatTheirSourcesSay) {
  EXPECT_DOUBLE_EQ(kEquivalents[0].grams, 1.2e6);
  EXPECT_NEAR(kEquivalents[1].grams, 2348, 1);
}

}  // namespace
}  // namespace carbond::client
