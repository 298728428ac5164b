#pragma once
// The archive of grid data inside the ledger: forecasts as they were issued,
// and observed intensities as they became known. Private to storage/; throws as
// query.h says, inside the caller's transaction.
//
// Forecasts are thinned, or those of a service that issues every five minutes
// would fill 400 MB a zone and year. Of each feed (a provider's signal in a
// zone) every issue of the last 14 days stays; of those before, the first of
// each hour (UTC). A backtest so hears less of what was known, and nothing
// before it was known. The 14 days are counted back from the issue that is
// stored, or from when it was fetched if that is earlier, so that neither clock
// alone can make the archive forget; the newest issue of a zone always stays.
// Observed values are never thinned: the ledger's figures rest on them.
//
// It happens with every forecast stored, in its transaction and in small
// pieces; a ledger that was not thinned for long is caught up with over many.
// The file does not shrink: SQLite keeps the pages that become free and fills
// them with what comes next. `carbond ledger backup` writes a copy without
// them.

#include <optional>
#include <string>
#include <vector>

#include "scheduler/ports.h"
#include "storage/connection.h"

namespace carbond {

// Keeps a forecast, and thins those of its feed; what was issued at the same
// instant before is replaced.
void StoreForecast(Connection& connection, const Forecast& forecast);

// Keeps the slots whose values are new or changed. What was fetched before the
// newest that is known only fills gaps.
void StoreObserved(Connection& connection, const Observed& observed);

// The forecast issued last for the zone.
std::optional<Forecast> NewestForecastOf(Connection& connection,
                                         const std::string& zone);
// Those of which anything was forecast.
std::vector<std::string> ForecastZones(Connection& connection);
// By issue: those of a zone issued since then, the first of each hour; and in
// any case the newest. Thinning changes nothing in the answer, but for the hour
// in which `since` lies.
std::vector<Forecast> ForecastsSince(Connection& connection,
                                     const std::string& zone, Instant since);

// What is known of each provider's values in all zones, or in one: slots that
// overlap the interval, what was fetched last holding. In the order in which
// they were fetched, the newest last.
std::vector<Observed> ObservedWithin(Connection& connection, Interval within,
                                     const std::optional<std::string>& zone);

}  // namespace carbond
