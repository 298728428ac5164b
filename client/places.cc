#include "client/places.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "client/names.h"
#include "client/quantity.h"

namespace carbond::client {

extern const char* const kCloudRegionsJson;  // built_in_data.cc.in

namespace {

template <typename... Args>
absl::Status Refused(const YAML::Node& at, fmt::format_string<Args...> format,
                     Args&&... args) {
  return absl::InvalidArgumentError(
      fmt::format("line {}: {}", at.Mark().line + 1,
                  fmt::format(format, std::forward<Args>(args)...)));
}

std::string PueSource(const std::string& basis) {
  const std::string of = "Cloud Carbon Footprint, ";
  if (basis == "ccf-aws-fleet") return of + "AWS's mean";
  if (basis == "ccf-azure-fleet") return of + "Azure's mean";
  if (basis == "ccf-gcp-fleet") return of + "Google's mean";
  if (basis == "ccf-gcp-region") return of + "Google's figure for the region";
  return basis;
}

std::vector<Place> ReadBuiltIn() {
  std::vector<Place> places, countries;
  std::set<std::string> seen;
  for (const auto& row : nlohmann::json::parse(kCloudRegionsJson)) {
    places.push_back({row.at("name"), row.at("place"), row.at("g_per_kwh"),
                      row.at("g_per_kwh_basis"), row.at("pue").get<double>(),
                      PueSource(row.at("pue_basis"))});
    const std::string country = row.at("country");
    if (!seen.insert(country).second) continue;
    countries.push_back({country, "", row.at("country_g_per_kwh"),
                         fmt::format("country average {} (Our World in Data)",
                                     row.at("country_year").get<int>()),
                         std::nullopt, ""});
  }
  std::ranges::sort(countries, {}, &Place::name);
  places.insert(places.end(), countries.begin(), countries.end());
  return places;
}

absl::StatusOr<double> NumberAtLeast(double least, const std::string& key,
                                     const YAML::Node& value) {
  const auto number =
      ParseNumber(value.IsScalar() ? value.Scalar() : std::string());
  if (!number.ok() || *number < least) {
    return Refused(value, "{} is not a number from {:.0f} on", key, least);
  }
  return *number;
}

absl::Status Read(const std::string& key, const YAML::Node& value,
                  Place& place) {
  if (key == "g_per_kwh") {
    const auto number = NumberAtLeast(0, key, value);
    if (number.ok()) place.g_per_kwh = *number;
    return number.status();
  }
  if (key == "pue") {
    const auto number = NumberAtLeast(1, key, value);
    if (number.ok()) place.pue = *number;
    return number.status();
  }
  if (key != "source") {
    return Refused(value, "unknown key `{}`: there are g_per_kwh, pue, source",
                   key);
  }
  if (!value.IsScalar()) return Refused(value, "source is not a plain text");
  place.intensity_source = place.pue_source = value.Scalar();
  return absl::OkStatus();
}

absl::StatusOr<Place> ReadPlace(const YAML::Node& name,
                                const YAML::Node& figures) {
  Place place;
  place.name = name.Scalar();
  place.intensity_source = place.pue_source = "--regions-file";
  if (!figures.IsMap() || !figures["g_per_kwh"]) {
    return Refused(name, "{} has no g_per_kwh: write {}: {{g_per_kwh: 380}}",
                   place.name, place.name);
  }
  for (const auto& entry : figures) {
    const absl::Status status = Read(entry.first.Scalar(), entry.second, place);
    if (!status.ok()) return status;
  }
  return place;
}

const Place* Find(const std::string& name, const std::vector<Place>& places) {
  const auto found = std::ranges::find(places, name, &Place::name);
  return found == places.end() ? nullptr : &*found;
}

}  // namespace

const std::vector<Place>& BuiltInPlaces() {
  static const std::vector<Place> places = ReadBuiltIn();
  return places;
}

absl::StatusOr<std::vector<Place>> ParsePlaces(const std::string& yaml) {
  std::vector<Place> places;
  try {
    const YAML::Node root = YAML::Load(yaml);
    if (!root.IsMap()) {
      return absl::InvalidArgumentError(
          "no table of regions: write a line for each, such as montreal: "
          "{g_per_kwh: 34.5, pue: 1.1}");
    }
    for (const auto& entry : root) {
      auto place = ReadPlace(entry.first, entry.second);
      if (!place.ok()) return place.status();
      places.push_back(*std::move(place));
    }
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(
        fmt::format("line {}: {}", error.mark.line + 1, error.msg));
  }
  return places;
}

absl::StatusOr<Place> FindPlace(const std::string& name,
                                const std::vector<Place>& own) {
  if (const Place* place = Find(name, own)) return *place;
  if (const Place* place = Find(name, BuiltInPlaces())) return *place;
  std::vector<std::string> known;
  for (const std::vector<Place>* table : {&own, &BuiltInPlaces()}) {
    for (const Place& place : *table) known.push_back(place.name);
  }
  const std::string nearest = NearestWord(name, known);
  return absl::NotFoundError(fmt::format(
      "`{}` is in no table{}; `carbonctl estimate --list regions` prints the "
      "built-in one, --regions-file takes yours",
      name,
      nearest.empty() ? "" : fmt::format(": did you mean `{}`?", nearest)));
}

}  // namespace carbond::client
