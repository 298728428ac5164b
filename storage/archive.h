#pragma once
// The archive of grid data inside the ledger: forecasts as they were issued,
// and observed intensities as they became known. Private to storage/; throws as
// query.h says, inside the caller's transaction.

#include <optional>
#include <string>
#include <vector>

#include "scheduler/ports.h"
#include "storage/connection.h"

namespace carbond {

// Keeps a forecast; what was issued at the same instant before is replaced.
void StoreForecast(Connection& connection, const Forecast& forecast);

// Keeps the slots whose values are new or changed. What was fetched before the
// newest that is known only fills gaps.
void StoreObserved(Connection& connection, const Observed& observed);

// The forecast issued last for the zone.
std::optional<Forecast> NewestForecastOf(Connection& connection,
                                         const std::string& zone);
// By issue: those issued since then, the last of each zone and hour; and in any
// case the newest of each zone.
std::vector<Forecast> ForecastsSince(Connection& connection, Instant since);

// What is known of each provider's values in all zones, or in one: slots that
// overlap the interval, what was fetched last holding. In the order in which
// they were fetched, the newest last.
std::vector<Observed> ObservedWithin(Connection& connection, Interval within,
                                     const std::optional<std::string>& zone);

}  // namespace carbond
