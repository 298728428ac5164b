#include "client/estimate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace carbond::client {
namespace {

using testing::HasSubstr;

EstimateWords T5() {
  return {.accelerators = "512",
          .power = "310W",
          .hours = "480",
          .pue = "1.12",
          .intensity = "545"};
}

EstimatedRun Made(const EstimateWords& words,
                  const std::vector<Place>& own = {}) {
  auto estimate = MakeEstimate(words, own);
  EXPECT_TRUE(estimate.ok()) << estimate.status();
  return *estimate;
}

std::string Refusal(const EstimateWords& words) {
  const auto estimate = MakeEstimate(words, {});
  return estimate.ok() ? "" : std::string(estimate.status().message());
}

TEST(Estimate, SaysWhatEveryFigureIsAndWhereItIsFrom) {
  EXPECT_EQ(EstimatePage(Made(T5())),
            "512 accelerators for 480 h: 245760 accelerator hours\n"
            "  power      310 W each, declared\n"
            "  PUE        1.12, declared\n"
            "  energy     85.3 MWh, modelled\n"
            "  intensity  545 g/kWh, declared\n"
            "  emissions  46.5 t CO2e, gross\n"
            "  method     kWh = hours x processors x average W x PUE / 1000; g "
            "= kWh x g/kWh (Patterson et al. 2021, section 2.5)\n"
            "an estimate: nothing was measured\n");
}

TEST(Estimate, ItsJsonHasTheContractsNames) {
  EstimateWords words = T5();
  words.supplement.net_intensity = "330";
  const Json json = ToJson(Made(words));
  EXPECT_NEAR(json["energy_kwh"].get<double>(), 85327.87, 0.01);
  EXPECT_NEAR(json["emissions_g"].get<double>() / 1e6, 46.504, 1e-3);
  EXPECT_NEAR(json["net_emissions_g"].get<double>(), 85327.87 * 330, 10);
  EXPECT_EQ(json["power_source"], "declared");
  EXPECT_EQ(json["energy_source"], "modelled");
  EXPECT_EQ(json["accelerator_hours"], 245760);
  EXPECT_TRUE(ToJson(Made(T5()))["net_emissions_g"].is_null());
}

TEST(Estimate, NetIsToldApartFromGross) {
  EstimateWords words = T5();
  words.supplement.net_intensity = "330";
  EXPECT_THAT(EstimatePage(Made(words)),
              HasSubstr("emissions  46.5 t CO2e, gross\n  net        28.2 t "
                        "CO2e at 330 g/kWh, declared: the same emissions, not "
                        "to be added\n"));
}

TEST(Estimate, LooksUpHardwareAndRegion) {
  const EstimatedRun run = Made({.accelerators = "8",
                                 .hardware = "V100",
                                 .hours = "3d12h",
                                 .region = "aws/us-east-1"});
  EXPECT_DOUBLE_EQ(run.power_w.value, 325);
  EXPECT_THAT(run.power_w.source, HasSubstr("as measured"));
  EXPECT_DOUBLE_EQ(run.time_h, 84);
  EXPECT_DOUBLE_EQ(run.pue->value, 1.135);
  EXPECT_DOUBLE_EQ(run.intensity_g_per_kwh.value, 379.069);
  EXPECT_NEAR(run.energy_kwh, 8 * 325 * 84 * 1.135 / 1000, 1e-9);
  EXPECT_THAT(EstimatePage(run),
              HasSubstr("intensity  379 g/kWh in aws/us-east-1, CCF NERC SERC "
                        "(vintage 2019-2021)\n"));
}

TEST(Estimate, SaysThatAChipsPowerIsNotItsHosts) {
  const EstimatedRun run = Made(
      {.hardware = "A100 PCIe", .hours = "1", .pue = "1", .intensity = "100"});
  EXPECT_DOUBLE_EQ(run.power_w.value, 250);
  EXPECT_THAT(run.power_w.source,
              HasSubstr("thermal design power of the chip, ML CO2 Impact; its "
                        "host's is not in it"));
}

TEST(Estimate, ANameThatSeveralHaveAsksWhich) {
  EXPECT_EQ(
      Refusal(
          {.hardware = "A100", .hours = "1", .pue = "1", .intensity = "100"}),
      "--hardware: `A100` may be any of `A100 SXM4 80GB`, `A100 PCIe`: "
      "which?");
}

TEST(Estimate, AFlagGoesBeforeTheRegionsTable) {
  const EstimatedRun run = Made({.power = "1kW",
                                 .hours = "1",
                                 .pue = "1.5",
                                 .intensity = "100",
                                 .region = "aws/us-east-1"});
  EXPECT_DOUBLE_EQ(run.emissions_g, 150);
  EXPECT_EQ(run.pue->source, "declared");
}

TEST(Estimate, AUsersTableGoesBeforeTheBuiltInOne) {
  const std::vector<Place> own = {{"DE", "", 400, "mine", 1.25, "mine"}};
  const EstimatedRun run =
      Made({.power = "1kW", .hours = "1", .region = "DE"}, own);
  EXPECT_DOUBLE_EQ(run.emissions_g, 500);
  EXPECT_EQ(run.intensity_g_per_kwh.source, "mine");
}

TEST(Estimate, StrubellHasItsOwnPueAndPounds) {
  const EstimatedRun run = Made({.method = "strubell",
                                 .accelerators = "8",
                                 .power = "160W",
                                 .host_power = "135.78W",
                                 .hours = "12"});
  EXPECT_NEAR(run.energy_kwh, 26.84, 0.01);
  EXPECT_NEAR(ToJson(run)["emissions_lb"].get<double>(), 25.6, 0.05);
  EXPECT_THAT(EstimatePage(run), HasSubstr("fixed by Strubell et al. 2019"));
}

TEST(Estimate, MlCo2TakesTheChipsPowerForAllTheTime) {
  const EstimatedRun typed = Made({.method = "mlco2",
                                   .hardware = "Tesla V100-SXM2-32GB",
                                   .hours = "1500",
                                   .intensity = "432"});
  EXPECT_DOUBLE_EQ(typed.emissions_g, 194'400);
  EXPECT_FALSE(typed.pue.has_value());
  const std::vector<Place> own = {{"montreal", "", 34.5, "mine", {}, ""}};
  const EstimatedRun region = Made({.method = "mlco2",
                                    .hardware = "A100 PCIe",
                                    .hours = "3",
                                    .region = "montreal"},
                                   own);
  EXPECT_DOUBLE_EQ(region.energy_kwh, 0.75);
  EXPECT_DOUBLE_EQ(region.intensity_g_per_kwh.value, 30);
  EXPECT_DOUBLE_EQ(region.emissions_g, 20);
  // For P100 it has the chip's power, for TPUs the measured one.
  EstimateWords words{.method = "mlco2", .hours = "1", .intensity = "100"};
  words.hardware = "P100";
  EXPECT_DOUBLE_EQ(Made(words).power_w.value, 250);
  words.hardware = "TPU v3";
  EXPECT_DOUBLE_EQ(Made(words).power_w.value, 283);
}

TEST(Estimate, SharesTheMakingOfTheHardwareAndRatesTheRun) {
  EstimateWords words = T5();
  words.accelerators = "1";
  words.hours = "1";
  words.supplement.embodied = "1000kg/gpu";
  words.supplement.lifetime = "4y";
  words.supplement.per = "10 epochs";
  const EstimatedRun run = Made(words);
  EXPECT_NEAR(run.figures.embodied->grams, 28.54, 0.005);
  EXPECT_NEAR(*run.figures.sci_g, (run.emissions_g + 28.54) / 10, 0.01);
  EXPECT_THAT(EstimatePage(run),
              HasSubstr("embodied   28.5 g CO2e, of 1.00 t for a GPU over 4 "
                        "years of use\n  SCI        21.8 g CO2e for each of 10 "
                        "epochs\n"));
  const Json json = ToJson(run);
  EXPECT_NEAR(json["embodied_g"].get<double>(), 28.54, 0.005);
  EXPECT_EQ(json["sci"]["unit"], "epochs");
}

TEST(Estimate, ALifetimeThatNobodySaidIsMarkedAsAssumed) {
  EstimateWords words = T5();
  words.supplement.embodied = "3.7t/8gpus";
  EXPECT_THAT(EstimatePage(Made(words)),
              HasSubstr("of 3.70 t for 8 GPUs over 4 years of use (assumed)"));
}

TEST(Estimate, ComparesOnlyWhenAsked) {
  EXPECT_FALSE(ToJson(Made(T5())).contains("equivalents"));
  EstimateWords words = T5();
  words.supplement.equivalents = true;
  const EstimatedRun run = Made(words);
  EXPECT_NEAR(ToJson(run)["equivalents"][0]["count"].get<double>(), 38.75,
              0.01);
  EXPECT_THAT(EstimatePage(run),
              HasSubstr("as much as 38.8 passenger round trips by air, San "
                        "Francisco to New York (Patterson et al. 2021, table "
                        "2)\n"));
}

TEST(Estimate, TellsAllThatIsMissingAtOnce) {
  EXPECT_EQ(Refusal({}),
            "--power or --hardware is missing: what does each accelerator "
            "draw? such as 310W or \"A100 PCIe\"\n"
            "--hours is missing: how long does the run take? such as 84\n"
            "--intensity or --region is missing: how dirty is the electricity? "
            "such as 429 (g/kWh) or aws/us-east-1\n"
            "--pue is missing: facility power over IT power, which the data "
            "centre's operator knows, such as 1.12");
}

TEST(Estimate, ACountryHasNoPue) {
  EXPECT_THAT(Refusal({.power = "300W", .hours = "1", .region = "DE"}),
              HasSubstr("--pue is missing"));
}

TEST(Estimate, RefusesWhatCannotBe) {
  const auto with = [](auto change) {
    EstimateWords words = T5();
    change(words);
    return Refusal(words);
  };
  EXPECT_EQ(with([](auto& w) { w.pue = "0.9"; }),
            "--pue: `0.9` is not from 1 to 10");
  EXPECT_EQ(with([](auto& w) { w.pue = "112"; }),
            "--pue: `112` is not from 1 to 10");
  EXPECT_EQ(with([](auto& w) { w.power = "310"; }),
            "--power: power `310` has no unit: write 310W or 310kW");
  EXPECT_EQ(with([](auto& w) { w.hours = "0"; }),
            "--hours: the run takes no time");
  EXPECT_EQ(with([](auto& w) { w.hours = "two"; }),
            "--hours: `two` is not understood: write 84 or 3d12h");
  EXPECT_EQ(with([](auto& w) { w.hours = "1000000"; }),
            "--hours: `1000000` is not from 0 to 876000");
  EXPECT_EQ(with([](auto& w) { w.accelerators = "-1"; }),
            "--accelerators: `-1` is not from 0 to 1e+07");
  EXPECT_EQ(with([](auto& w) { w.accelerators = "0"; }),
            "--accelerators, --power: nothing draws power: there is nothing to "
            "estimate");
  EXPECT_EQ(with([](auto& w) { w.intensity = "dirty"; }),
            "--intensity: intensity `dirty` is not understood: write 200 "
            "(g/kWh)");
  EXPECT_EQ(with([](auto& w) { w.hardware = "V100"; }),
            "--hardware: --power is given too: one of them says what each "
            "accelerator draws");
  EXPECT_EQ(with([](auto& w) { w.method = "guess"; }),
            "--method: `guess` is not one of patterson, strubell, mlco2");
  EXPECT_THAT(with([](auto& w) { w.region = "aws/nowhere"; }),
              HasSubstr("--region: `aws/nowhere` is in no table"));
}

TEST(Estimate, RefusesFlagsThatTheMethodHasNoPlaceFor) {
  EstimateWords words = T5();
  words.method = "mlco2";
  EXPECT_EQ(Refusal(words),
            "--pue: ML CO2 Impact counts the chip's power alone, without it: "
            "leave it out");
  words.method = "strubell";
  EXPECT_EQ(Refusal(words),
            "--pue: Strubell et al. fix PUE 1.58 and 0.954 lb/kWh: leave it "
            "out\n--intensity: Strubell et al. fix PUE 1.58 and 0.954 lb/kWh: "
            "leave it out");
}

TEST(Supplement, RefusesWhatItDoesNotUnderstand) {
  const auto refusal = [](const SupplementWords& words) {
    const auto parsed = ParseSupplement(words);
    return parsed.ok() ? "" : std::string(parsed.status().message());
  };
  for (const char* text : {"463kg", "463/gpu", "kg/gpu", "463lb/gpu",
                           "463kg/disk", "463kg/0gpus", "-1kg/gpu", "/gpu"}) {
    EXPECT_EQ(refusal({.embodied = text}),
              std::string("--embodied: `") + text +
                  "` is not understood: write 463kg/gpu, 3700kg/8gpus or "
                  "1000kg/32cores");
  }
  EXPECT_EQ(refusal({.embodied = "463kg/gpu", .lifetime = "0y"}),
            "--lifetime: `0y` is not understood: write 4y");
  EXPECT_THAT(refusal({.lifetime = "4y"}), HasSubstr("--lifetime: of nothing"));
  const std::string huge = std::string(400, '9') + " epochs";
  for (const std::string& per :
       {std::string("0 epochs"), std::string("-3 runs"), huge}) {
    EXPECT_THAT(refusal({.embodied = "463kg/gpu", .per = per}),
                HasSubstr("`" + per + "` is no number of units"));
  }
  EXPECT_EQ(refusal({.embodied = "463kg/gpu", .per = "training"}), "");
  EXPECT_THAT(refusal({.embodied = "463kg/gpu", .per = "90"}),
              HasSubstr("`90` is no number of units"));
  EXPECT_EQ(refusal({.net_intensity = "-3"}),
            "--net-intensity: intensity `-3` is negative");
}

TEST(Supplement, ACoresShareIsNotAGpus) {
  const auto supplement = ParseSupplement({.embodied = "1t/32cores"});
  ASSERT_TRUE(supplement.ok());
  const auto none = ShareOf(*supplement->embodied, {.gpus = 1, .time_h = 1});
  EXPECT_EQ(none.status().message(),
            "--embodied: is told of a core, and no core is reserved: tell it "
            "of what is");
  const auto eight =
      ShareOf(*supplement->embodied, {.gpus = 1, .cores = 8, .time_h = 35040});
  EXPECT_DOUBLE_EQ(eight->grams, 250'000);
}

TEST(Supplement, NoRateWithoutTheMakingOfTheHardware) {
  EstimateWords words = T5();
  words.supplement.per = "90 epochs";
  EXPECT_EQ(Refusal(words),
            "--per: a Software Carbon Intensity counts the making of the "
            "hardware: add --embodied, such as 463kg/gpu");
}

}  // namespace
}  // namespace carbond::client
