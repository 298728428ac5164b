#include "daemon/grid/board.h"

#include <algorithm>

namespace carbond {

Board::Board(std::vector<std::unique_ptr<Provider>> providers,
             const std::vector<BoardZone>& zones)
    : providers_(std::move(providers)) {
  for (const BoardZone& each : zones) {
    CARBOND_INVARIANT(!each.chain.empty(), "zone {} has no provider", each.key);
    Zone zone;
    zone.key = each.key;
    for (const BoardZone::Link& link : each.chain) {
      CARBOND_INVARIANT(link.provider < providers_.size(),
                        "zone {} names provider {}", each.key, link.provider);
      zone.chain.push_back(
          {providers_[link.provider].get(), link.zone, {}, {}});
    }
    zones_.push_back(std::move(zone));
  }
}

// A clock that was set back makes the zone due: what was to come at `next_poll`
// may be far away by then.
bool Board::Zone::DueAt(Instant now) const {
  return !polled_at || now < *polled_at || now >= next_poll;
}

GridNews Board::Poll(Instant now) {
  GridNews news;
  for (Zone& zone : zones_) {
    if (zone.DueAt(now)) PollZone(zone, now, news);
  }
  return news;
}

std::optional<Instant> Board::NextNews(Instant now) {
  std::optional<Instant> next;
  for (const Zone& zone : zones_) {
    const Instant due = zone.DueAt(now) ? now : zone.next_poll;
    if (!next || due < *next) next = due;
  }
  return next;
}

void Board::PollZone(Zone& zone, Instant now, GridNews& news) {
  PollForecast(zone, now, news);
  PollObserved(zone, now, news);
  zone.polled_at = now;
  zone.next_poll = Instant::Never();
  for (const Link& link : zone.chain) {
    zone.next_poll =
        std::min(zone.next_poll, link.provider->NextNews(link.zone, now));
  }
}

void Board::PollForecast(Zone& zone, Instant now, GridNews& news) {
  std::shared_ptr<const Forecast> chosen;
  bool fresh = false;
  for (const Link& link : zone.chain) {
    auto forecast = link.provider->NewestForecast(link.zone, now);
    if (!forecast) continue;
    fresh = now - forecast->issued_at <= link.provider->stale_after() &&
            forecast->series.end() > now;
    if (fresh || !chosen || forecast->issued_at > chosen->issued_at) {
      chosen = std::move(forecast);
    }
    if (fresh) break;
  }
  if (!chosen) return;
  if (!fresh && zone.forecast_issued_at &&
      chosen->issued_at <= *zone.forecast_issued_at) {
    return;
  }
  if (chosen->issued_at == zone.forecast_issued_at &&
      chosen->provider == zone.forecast_provider) {
    return;
  }
  zone.forecast_issued_at = chosen->issued_at;
  zone.forecast_provider = chosen->provider;
  news.forecasts.push_back(*chosen);
  news.forecasts.back().zone = zone.key;
}

void Board::PollObserved(Zone& zone, Instant now, GridNews& news) {
  Instant spoken_for;  // values before this are those of preferred providers
  for (Link& link : zone.chain) {
    // A clock that was set back must not leave a hole up to where it was.
    if (link.taken_at) link.taken_at = std::min(*link.taken_at, now);
    auto observed = link.provider->ObservedSince(
        link.zone, link.taken_at.value_or(now - kHistory), now);
    if (observed) {
      observed->zone = zone.key;
      observed->series = observed->series.Clip({spoken_for, Instant::Never()});
    }
    if (observed && !observed->series.empty()) {
      const Instant end = observed->series.end();
      link.observed_end = std::max(end, link.observed_end.value_or(end));
      link.taken_at = now;
      news.observed.push_back(*std::move(observed));
    }
    if (!link.observed_end) continue;
    if (now - *link.observed_end <= link.provider->stale_after()) return;
    spoken_for = std::max(spoken_for, *link.observed_end);
  }
}

}  // namespace carbond
