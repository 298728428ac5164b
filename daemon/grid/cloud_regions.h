#pragma once
// What is known of the regions of public clouds without asking anybody: the
// table of deploy/data/cloud-regions.json, which is built in. Its zones are
// hints; the authority is the provider.

#include <optional>
#include <string>
#include <vector>

#include "scheduler/units.h"

namespace carbond {

// A yearly average: it accounts, but tells no hour from another.
struct YearlyFactor {
  GramsPerKwh intensity;
  std::string basis;  // "CCF NERC SERC (vintage 2019-2021)"
};

struct CloudRegion {
  std::string name;                    // "aws/eu-north-1"
  std::string place;                   // "Stockholm"
  std::string country;                 // ISO 3166-1 alpha-2
  double latitude = 0, longitude = 0;  // of the city, in degrees
  // As the providers name the zone; empty where the table knows none.
  std::string watttime, electricity_maps, carbonintensity_uk;
  Pue pue;
  YearlyFactor factor;          // of the region's grid
  YearlyFactor country_factor;  // of its country

  // The zone as a type of provider names it: "watttime"; nothing where the
  // table does not know, or the type has no zones of its own.
  std::string ZoneOf(const std::string& provider_type) const;
};

// All regions, in the table's order.
const std::vector<CloudRegion>& CloudRegions();
// Null when there is none of this name.
const CloudRegion* FindCloudRegion(const std::string& name);
// Of a cloud region, or of a country by its code.
std::optional<YearlyFactor> FindYearlyFactor(const std::string& name);

}  // namespace carbond
