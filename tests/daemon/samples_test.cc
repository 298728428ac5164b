// Composed and recorded bodies through the whole way, parser and judge.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "daemon/grid/carbonintensity_uk.h"
#include "daemon/grid/electricity_maps.h"
#include "daemon/grid/quality.h"
#include "daemon/grid/watttime.h"
#include "tests/daemon/grid_answers.h"

namespace carbond {
namespace {

HttpConfig ConfigOf(const std::string& url, const std::string& signal) {
  HttpConfig config;
  config.base_url = url;
  config.signal = signal;
  return config;
}
WattTime California() {
  return WattTime(ConfigOf("https://wt", "co2_moer"), Secret("u"), Secret("p"));
}
ElectricityMaps Maps() {
  return ElectricityMaps(ConfigOf("https://em/v3", "average_lifecycle"),
                         Secret("key"));
}
CarbonIntensityUk Britain() {
  return CarbonIntensityUk(ConfigOf("https://gb", "average_generation"));
}
// ---- Bodies kept beside the project
// ------------------------------------------

struct Sample {
  const char* file;
  const char* zone;
  size_t slots;  // 0: refused
};

void ExpectSlots(const Source& source, Want::What what, const Sample& sample) {
  const std::string path =
      std::string(CARBOND_SHARED_DATA "/reference/samples/") + sample.file;
  std::ifstream in(path);
  ASSERT_TRUE(in) << path;
  std::stringstream text;
  text << in.rdbuf();
  const Instant now = At("2026-03-15T18:42:00Z");
  const Interval during = what == Want::What::kForecast
                              ? Interval{now, now + hours(72)}
                              : Interval{now - hours(24), now};
  const Want want{what, sample.zone, during};
  const auto told = source.Parse(want, Answer(200, text.str()));
  size_t slots = 0;
  if (const auto* good = std::get_if<Told>(&told)) {
    const auto checked = Check(want, source.manners(), *good, now);
    if (const auto* fine = std::get_if<Checked>(&checked)) {
      slots = fine->series.slots().size();
    }
  }
  EXPECT_EQ(slots, sample.slots) << sample.file;
}

TEST(Samples, ReadAsTheirNamesSay) {
  if (!std::filesystem::exists(CARBOND_SHARED_DATA "/reference/samples")) {
    GTEST_SKIP() << "no samples at " CARBOND_SHARED_DATA
                    "; give -DCARBOND_SHARED_DATA";
  }
  constexpr auto kForecast = Want::What::kForecast;
  constexpr auto kObserved = Want::What::kObserved;
  for (const Sample& sample : std::initializer_list<Sample>{
           {"composed/watttime/forecast_200_h24_288pt.json", "CAISO_NORTH",
            288},
           {"composed/watttime/forecast_200_h72_864pt.json", "CAISO_NORTH",
            864},
           {"composed/watttime/forecast_200_gap_20min.json", "CAISO_NORTH", 20},
           {"composed/watttime/forecast_200_null_value.json", "CAISO_NORTH", 5},
           {"composed/watttime/forecast_200_null_meta.json", "CAISO_NORTH", 6},
           {"composed/watttime/forecast_200_unsorted.json", "CAISO_NORTH", 12},
           {"composed/watttime/forecast_200_warning.json", "CAISO_NORTH", 6},
           {"composed/watttime/forecast_200_minimal_meta.json", "CAISO_NORTH",
            6},
           {"composed/watttime/forecast_200_h24_288pt.json", "PSCO", 0},
           {"composed/watttime/forecast_200_empty.json", "CAISO_NORTH", 0},
           {"composed/watttime/"
            "forecast_200_health_damage_UNCONFIRMED_units.json",
            "CAISO_NORTH", 0},
           {"composed/watttime/signal_index_200.json", "PSCO", 0},
           {"composed/transport/truncated_forecast.json", "CAISO_NORTH", 0},
           {"composed/transport/huge_number.json", "CAISO_NORTH", 0},
           {"composed/transport/captive_portal_200.html", "CAISO_NORTH", 0},
           {"composed/transport/negative_and_zero.json", "CAISO_NORTH", 0},
           {"composed/transport/utf8_bom.json", "CAISO_NORTH", 2}}) {
    ExpectSlots(California(), kForecast, sample);
  }
  ExpectSlots(California(), kObserved,
              {"composed/watttime/historical_200_1h.json", "CAISO_NORTH", 12});
  for (const Sample& sample : std::initializer_list<Sample>{
           {"composed/electricitymaps/forecast_200_24pt.json", "DE", 24},
           {"composed/electricitymaps/forecast_200_25pt.json", "DE", 25},
           {"composed/electricitymaps/forecast_200_15min_24h.json", "DE", 96},
           {"composed/electricitymaps/forecast_200_gap_3h.json", "DE", 21},
           {"composed/electricitymaps/forecast_200_null_point.json", "DE", 23},
           {"composed/electricitymaps/forecast_200_old_shape.json", "DE", 24},
           {"composed/electricitymaps/forecast_200_empty.json", "DE", 0},
           {"composed/electricitymaps/error_200_no_recent_data.json", "DE",
            0}}) {
    ExpectSlots(Maps(), kForecast, sample);
  }
  for (
      const Sample& sample : std::initializer_list<Sample>{
          {"composed/carbonintensity-uk/intensity_fw48h_200_96slots.json", "GB",
           96},
          {"composed/carbonintensity-uk/"
           "intensity_fw48h_200_97slots_starts_early.json",
           "GB", 97},
          {"composed/carbonintensity-uk/intensity_fw48h_200_short_31slots.json",
           "GB", 31},
          {"composed/carbonintensity-uk/any_200_empty_object.json", "GB", 0}}) {
    ExpectSlots(Britain(), kForecast, sample);
  }
}

}  // namespace
}  // namespace carbond
