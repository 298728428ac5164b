#pragma once
// How dirty electricity is, by the name of a place: the built-in table of
// cloud regions and countries, and tables that a user brings along.

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace carbond::client {

// A yearly average of a place, each figure with where it is from.
struct Place {
  std::string name;  // "aws/eu-north-1", "DE"
  std::string town;  // of a cloud region: "Stockholm"
  double g_per_kwh = 0;
  std::string intensity_source;
  std::optional<double> pue;  // nothing: nobody says
  std::string pue_source;
};

// 150 regions of AWS, Google Cloud and Azure, then their countries.
const std::vector<Place>& BuiltInPlaces();

// A table of one's own, in YAML:
//
//   montreal: {g_per_kwh: 34.5, pue: 1.1, source: "Hydro-Quebec 2018"}
//
// `pue` and `source` may be left out. A mistake is told with its line.
absl::StatusOr<std::vector<Place>> ParsePlaces(const std::string& yaml);

// Of the first table that has it; else refused, with the nearest name.
absl::StatusOr<Place> FindPlace(const std::string& name,
                                const std::vector<Place>& own);

}  // namespace carbond::client
