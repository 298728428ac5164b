#pragma once
// What a run that has not happened would emit: words to figures, by the method
// of a published calculator. Asks nobody.

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/console.h"
#include "client/json_out.h"
#include "client/places.h"
#include "client/supplement.h"

namespace carbond::client {

// As the flags say it; empty: not said.
struct EstimateWords {
  std::string method{};        // patterson (the default), strubell, mlco2
  std::string accelerators{};  // 512; one where it is not said
  std::string hardware{};      // "A100 PCIe": its power from the table
  std::string power{};         // of each accelerator: 310W
  std::string host_power{};    // of the machine beside them: 220W
  std::string hours{};         // 84, or 3d12h
  std::string pue{};
  std::string intensity{};  // g/kWh
  std::string region{};     // PUE and intensity, where they are not said
  SupplementWords supplement{};
};

// A number with where it is from: "declared", "table: ...".
struct Sourced {
  double value = 0;
  std::string source;
};

enum class EstimateMethod { kPatterson, kStrubell, kMlCo2 };

struct EstimatedRun {
  EstimateMethod method = EstimateMethod::kPatterson;
  double accelerators = 1;
  double time_h = 0;
  Sourced power_w;
  double host_power_w = 0;
  std::optional<Sourced> pue;  // nothing: the method has none
  Sourced intensity_g_per_kwh;
  std::string region;
  double energy_kwh = 0;
  double emissions_g = 0;
  Supplement supplement;
  SupplementFigures figures;
};

// Hours from `84` or `3d12h`.
absl::StatusOr<double> ParseHours(const std::string& text);

// `own` are the user's regions, looked up before the built-in ones. All
// mistakes at once, a line each.
absl::StatusOr<EstimatedRun> MakeEstimate(const EstimateWords& words,
                                          const std::vector<Place>& own);

std::string EstimatePage(const EstimatedRun& estimate);
Json ToJson(const EstimatedRun& estimate);

// The tables, for people and for programs.
std::string HardwarePage(const Look& look);
std::string PlacesPage(const std::vector<Place>& own, const Look& look);
Json HardwareJson();
Json PlacesJson(const std::vector<Place>& own);

}  // namespace carbond::client
