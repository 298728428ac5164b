#include "daemon/backtest/world.h"

#include <algorithm>

namespace carbond {
namespace {

constexpr const char* kProvider = "recorded";
// Beside regions whose forecasts grow stale, one that knows all must not.
constexpr Duration kTellAgain = hours(24);

Observed ObservedSlots(const BacktestRegion& place, size_t first, size_t last,
                       Instant now) {
  const std::vector<Slot>& all = place.actual.slots();
  const auto begin = all.begin() + static_cast<std::ptrdiff_t>(first);
  const auto end = all.begin() + static_cast<std::ptrdiff_t>(last);
  Observed observed{place.region.zone,       kProvider, kProvider, now,
                    (end - 1)->interval.end, {}};
  observed.series = *Series::Make(std::vector<Slot>(begin, end));
  return observed;
}

}  // namespace

PlayedGrid::PlayedGrid(const std::vector<BacktestRegion>& regions, Instant from,
                       bool perfect)
    : from_(from) {
  for (const BacktestRegion& place : regions) {
    Zone zone;
    zone.region = &place;
    zone.perfect = perfect || place.issues.empty();
    const std::vector<Slot>& slots = place.actual.slots();
    while (zone.observed < slots.size() &&
           slots[zone.observed].interval.end <= from) {
      ++zone.observed;
    }
    while (zone.issued < place.issues.size() &&
           place.issues[zone.issued].issued_at < from) {
      ++zone.issued;
    }
    zones_.push_back(zone);
  }
}

GridNews PlayedGrid::Poll(Instant now) {
  GridNews news;
  for (Zone& zone : zones_) {
    const BacktestRegion& place = *zone.region;
    if (zone.perfect && (!zone.told_at || now >= *zone.told_at + kTellAgain)) {
      zone.told_at = now;
      news.forecasts.push_back(
          {place.region.zone, kProvider, kProvider, now, now, place.actual});
    }
    size_t issued = zone.issued;
    while (!zone.perfect && issued < place.issues.size() &&
           place.issues[issued].issued_at <= now) {
      ++issued;
    }
    if (issued > zone.issued) {
      news.forecasts.push_back(place.issues[issued - 1]);
      zone.issued = issued;
    }
    const std::vector<Slot>& slots = place.actual.slots();
    size_t observed = zone.observed;
    while (observed < slots.size() && slots[observed].interval.end <= now) {
      ++observed;
    }
    if (observed > zone.observed) {
      news.observed.push_back(
          ObservedSlots(place, zone.observed, observed, now));
      zone.observed = observed;
    }
  }
  return news;
}

std::optional<Instant> PlayedGrid::NextNews(Instant now) {
  Instant next = Instant::Never();
  for (const Zone& zone : zones_) {
    const BacktestRegion& place = *zone.region;
    if (zone.observed < place.actual.slots().size()) {
      next = std::min(next, place.actual.slots()[zone.observed].interval.end);
    }
    if (zone.told_at) next = std::min(next, *zone.told_at + kTellAgain);
    if (!zone.perfect && zone.issued < place.issues.size()) {
      next = std::min(next, place.issues[zone.issued].issued_at);
    }
  }
  if (next == Instant::Never()) return std::nullopt;
  return std::max(next, now + Duration(1));
}

void PlayedGrid::Remember(Instant since, Recovered& recovered) const {
  for (const Zone& zone : zones_) {
    const BacktestRegion& place = *zone.region;
    if (zone.observed > 0) {
      Observed observed = ObservedSlots(place, 0, zone.observed, from_);
      observed.series = observed.series.Clip({since, Instant::Never()});
      recovered.observed.push_back(std::move(observed));
    }
    if (!zone.perfect) recovered.forecast_zones.push_back(place.region.zone);
  }
}

std::vector<Forecast> PlayedGrid::ForecastsSince(const std::string& name,
                                                 Instant since) const {
  std::vector<Forecast> found;
  for (const Zone& zone : zones_) {
    if (zone.perfect || zone.region->region.zone != name) continue;
    for (size_t i = 0; i < zone.issued; ++i) {
      const Forecast& issue = zone.region->issues[i];
      if (issue.issued_at >= since) found.push_back(issue);
    }
  }
  return found;
}

Status RunsLedger::Append(const Batch& batch) {
  for (const Job* job : batch.jobs) {
    if (job->state == State::kDone) runs_[job->id] = job->runs;
  }
  return Ok();
}

Result<Recovered> RunsLedger::Recover(Instant grid_since) {
  Recovered recovered;
  recovered.next_job = JobId(1);
  grid_.Remember(grid_since, recovered);
  return recovered;
}

Result<std::vector<Forecast>> RunsLedger::ForecastsSince(
    const std::string& zone, Instant since) {
  return grid_.ForecastsSince(zone, since);
}

Result<std::optional<RequestRecord>> RunsLedger::FindRequest(
    const std::string&) {
  return std::optional<RequestRecord>();
}

Result<std::vector<Duration>> RunsLedger::PastWork(const std::string&,
                                                   const std::string&, int) {
  return std::vector<Duration>();
}

}  // namespace carbond
