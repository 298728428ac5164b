#include "scheduler/outlook.h"

#include <algorithm>

namespace carbond {
namespace {
constexpr int kDaysBack = 8;
}  // namespace

const char* Name(ForecastMode mode) {
  switch (mode) {
    case ForecastMode::kFresh:
      return "fresh";
    case ForecastMode::kLate:
      return "late";
    case ForecastMode::kStale:
      return "stale";
    case ForecastMode::kClimatology:
      return "climatology";
    case ForecastMode::kNone:
      return "none";
  }
  return "?";
}

Series Climatology(const Series& known, Interval want) {
  Series filled;
  for (int day = 1; day <= kDaysBack; ++day) {
    const Duration back = hours(24 * day);
    for (const Interval& gap : filled.Gaps(want)) {
      const Interval then{gap.begin - back, gap.end - back};
      filled = filled.Under(known.Clip(then).Shift(back));
    }
  }
  return filled;
}

Outlook MakeOutlook(Instant now, Instant until,
                    const std::optional<Forecast>& forecast,
                    const Series& observed, Duration issue_period,
                    Duration stale_after) {
  Outlook outlook;
  outlook.forecast_end = now;
  const Interval want{now, until};
  Series used;
  if (forecast) {
    outlook.issued_at = forecast->issued_at;
    const Duration age = now - forecast->issued_at;
    used = forecast->series.Clip(want);
    if (age > stale_after || used.empty()) {
      outlook.mode = ForecastMode::kStale;
      used = Series();
    } else {
      const bool late = issue_period > Duration(0) && age > 2 * issue_period;
      outlook.mode = late ? ForecastMode::kLate : ForecastMode::kFresh;
      outlook.forecast_end = used.end();
    }
  }
  const Series tail = Climatology(observed, want);
  outlook.series = tail.Under(used);
  if (used.empty() && !tail.empty()) {
    outlook.mode = ForecastMode::kClimatology;
  }
  return outlook;
}

Outlook YearlyOutlook(Instant now, Instant until, const Series& observed) {
  Outlook outlook;
  outlook.forecast_end = now;
  outlook.yearly = true;
  if (!observed.empty() && until > now) {
    const GramsPerKwh factor = observed.slots().back().intensity;
    outlook.series = Series::Make({{{now, until}, factor}}).value();
  }
  return outlook;
}

}  // namespace carbond
