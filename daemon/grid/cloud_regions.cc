#include "daemon/grid/cloud_regions.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace carbond {

extern const char* const kCloudRegionsJson;  // cloud_regions_data.cc.in

namespace {

CloudRegion RegionOf(const nlohmann::json& row) {
  CloudRegion region;
  region.name = row.at("name");
  region.place = row.at("place");
  region.country = row.at("country");
  region.latitude = row.at("lat");
  region.longitude = row.at("lon");
  region.watttime = row.value("watttime", "");
  region.electricity_maps = row.value("electricity_maps", "");
  region.carbonintensity_uk = row.value("carbonintensity_uk", "");
  region.pue = Pue::Of(row.at("pue"));
  region.factor = {GramsPerKwh::Of(row.at("g_per_kwh")),
                   row.at("g_per_kwh_basis")};
  region.country_factor = {GramsPerKwh::Of(row.at("country_g_per_kwh")),
                           fmt::format("country average {} (Our World in Data)",
                                       row.at("country_year").get<int>())};
  return region;
}

std::vector<CloudRegion> ReadTable() {
  std::vector<CloudRegion> regions;
  for (const auto& row : nlohmann::json::parse(kCloudRegionsJson)) {
    regions.push_back(RegionOf(row));
  }
  return regions;
}

}  // namespace

std::string CloudRegion::ZoneOf(const std::string& provider_type) const {
  if (provider_type == "watttime") return watttime;
  if (provider_type == "electricity_maps") return electricity_maps;
  if (provider_type == "carbonintensity_uk") return carbonintensity_uk;
  if (provider_type == "static") return name;
  // The Carbon Aware SDK knows Azure's regions by Azure's names.
  if (provider_type == "carbon_aware_sdk" && name.starts_with("azure/")) {
    return name.substr(6);
  }
  return "";
}

const std::vector<CloudRegion>& CloudRegions() {
  static const std::vector<CloudRegion> regions = ReadTable();
  return regions;
}

const CloudRegion* FindCloudRegion(const std::string& name) {
  const auto& all = CloudRegions();
  const auto found = std::ranges::find(all, name, &CloudRegion::name);
  return found == all.end() ? nullptr : &*found;
}

std::optional<YearlyFactor> FindYearlyFactor(const std::string& name) {
  if (const CloudRegion* region = FindCloudRegion(name)) return region->factor;
  const auto& all = CloudRegions();
  const auto found = std::ranges::find(all, name, &CloudRegion::country);
  if (found == all.end()) return std::nullopt;
  return found->country_factor;
}

}  // namespace carbond
