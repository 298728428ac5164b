#pragma once
// What is to be expected of a zone from now on: the newest forecast where it is
// fit to be used, and after its end the same hours of the most recent known
// days. Nothing is made up: what neither knows stays a gap.

#include <optional>

#include "scheduler/ports.h"

namespace carbond {

enum class ForecastMode { kFresh, kLate, kStale, kClimatology, kNone };
const char* Name(ForecastMode mode);

struct Outlook {
  ForecastMode mode = ForecastMode::kNone;
  Series series;         // within [now, until)
  Instant forecast_end;  // where the forecast ends; now, if none is used
  std::optional<Instant> issued_at;  // of the forecast, used or too old
  bool yearly = false;               // `series` tells no hour from another
};

// `issue_period` is the usual time between two issues, zero when unknown: a
// forecast older than twice that is late, one older than `stale_after` is stale
// and not used.
Outlook MakeOutlook(Instant now, Instant until,
                    const std::optional<Forecast>& forecast,
                    const Series& observed, Duration issue_period,
                    Duration stale_after);

// Where only a yearly average is known: its number throughout, and no forecast.
Outlook YearlyOutlook(Instant now, Instant until, const Series& observed);

// The same hours of the most recent days (up to eight back) that `known` knows,
// for the parts of `want` that it can serve.
Series Climatology(const Series& known, Interval want);

}  // namespace carbond
