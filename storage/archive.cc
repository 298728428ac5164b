#include "storage/archive.h"

#include <algorithm>
#include <tuple>

#include "storage/query.h"
#include "storage/series_codec.h"

namespace carbond {
namespace {

constexpr Duration kHour = hours(1);
// What was issued within it of the newest issue is kept as it came.
constexpr Duration kKeptWhole = hours(24 * 14);
// Issues that one more issue makes the archive look at. More than come in an
// hour, so that it keeps up; few enough that nobody waits for it.
constexpr int kLookedAtOnce = 64;

Series Must(Result<Series> series) {
  if (!series.ok()) throw std::runtime_error(Message(series.status()));
  return *std::move(series);
}

// A feed is what one provider says of one signal in one zone.
int64_t FeedOf(Connection& connection, const std::string& zone,
               const std::string& provider, const std::string& signal) {
  int64_t feed = 0;
  Query known(connection,
              "SELECT id FROM feeds WHERE zone = ? AND provider = ? AND "
              "signal = ?",
              zone, provider, signal);
  if (known.Step()) {
    known.Read(feed);
    return feed;
  }
  Query added(connection,
              "INSERT INTO feeds (zone, provider, signal) VALUES (?, ?, ?) "
              "RETURNING id",
              zone, provider, signal);
  added.Step();
  added.Read(feed);
  return feed;
}

// ---- Reading a feed back ----------------------------------------------------

struct Value {
  Slot slot;
  Instant fetched_at;
};

// Values as known over an interval, by begin, then by when they were fetched.
std::vector<Value> ValuesWithin(Connection& connection, int64_t feed,
                                Interval within) {
  std::vector<Value> values;
  // No slot is longer than the longest, so none that began before the lower
  // bound reaches into the interval.
  Query row(connection,
            "SELECT begin_ms, end_ms, mg_per_kwh, fetched_at_ms "
            "FROM intensities WHERE feed = ?1 AND begin_ms < ?2 AND "
            "begin_ms > ?3 - (SELECT longest_slot_ms FROM feeds WHERE "
            "id = ?1) AND end_ms > ?3 ORDER BY begin_ms, fetched_at_ms",
            feed, within.end, within.begin);
  while (row.Step()) {
    Value& value = values.emplace_back();
    row.Read(value.slot.interval.begin, value.slot.interval.end,
             value.slot.intensity, value.fetched_at);
  }
  return values;
}

// Lays what was fetched later over what was fetched before.
Series Layered(std::vector<Value> values) {
  std::stable_sort(values.begin(), values.end(),
                   [](const Value& a, const Value& b) {
                     return a.fetched_at < b.fetched_at;
                   });
  Series known;
  std::vector<Slot> layer;
  for (size_t i = 0; i < values.size(); ++i) {
    layer.push_back(values[i].slot);
    const bool last =
        i + 1 == values.size() ||
        values[i + 1].fetched_at != values[i].fetched_at ||
        values[i + 1].slot.interval.begin < values[i].slot.interval.end;
    if (!last) continue;
    known = known.Under(Must(Series::Make(std::move(layer))));
    layer.clear();
  }
  return known;
}

Series KnownWithin(Connection& connection, int64_t feed, Interval within) {
  std::vector<Value> values = ValuesWithin(connection, feed, within);
  // Nearly always revisions keep their slots: then the last of each begin is
  // the answer, and nothing needs to be laid over anything.
  std::vector<Slot> newest;
  for (const Value& value : values) {
    if (newest.empty() ||
        newest.back().interval.end <= value.slot.interval.begin) {
      newest.push_back(value.slot);
    } else if (newest.back().interval == value.slot.interval) {
      newest.back() = value.slot;
    } else {
      return Layered(std::move(values));
    }
  }
  return Must(Series::Make(std::move(newest)));
}

// ---- Writing a feed on -----------------------------------------------------

// Whether something fetched later is known already. What comes late only fills
// gaps: which of the values beside it were confirmed since, and not stored
// again, nobody could say.
bool IsLate(Connection& connection, int64_t feed, Instant fetched_at) {
  Query later(connection,
              "SELECT 1 FROM feeds WHERE id = ? AND fetched_at_ms > ?", feed,
              fetched_at);
  return later.Step();
}

// The slots that are not known exactly so.
std::vector<Slot> Changed(const Series& series, const Series& known) {
  std::vector<Slot> changed;
  auto old = known.slots().begin();
  for (const Slot& slot : series.slots()) {
    while (old != known.slots().end() &&
           old->interval.begin < slot.interval.begin) {
      ++old;
    }
    const bool same = old != known.slots().end() && *old == slot;
    if (!same) changed.push_back(slot);
  }
  return changed;
}

void StoreSlots(Connection& connection, int64_t feed, Instant fetched_at,
                const std::vector<Slot>& slots) {
  Duration longest{0};
  Query row(connection,
            "INSERT INTO intensities (feed, begin_ms, fetched_at_ms, end_ms, "
            "mg_per_kwh) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (feed, begin_ms, fetched_at_ms) DO UPDATE SET "
            "end_ms = excluded.end_ms, mg_per_kwh = excluded.mg_per_kwh");
  for (const Slot& slot : slots) {
    longest = std::max(longest, slot.interval.length());
    row.Bind(feed, slot.interval.begin, fetched_at, slot.interval.end,
             slot.intensity);
    row.Run();
  }
  Query(connection,
        "UPDATE feeds SET longest_slot_ms = max(longest_slot_ms, ?2) "
        "WHERE id = ?1",
        feed, longest)
      .Run();
}

// ---- Thinning ---------------------------------------------------------------

Instant HourOf(Instant t) {
  Duration into = Duration(t.millis()) % kHour;
  if (into < Duration(0)) into += kHour;
  return t - into;
}

// Issues before the mark are thinned. One that comes late sets it back, so that
// its own hour is looked at again.
Instant ThinnedUntil(Connection& connection, int64_t feed, Instant issued_at) {
  Instant mark;
  Query row(connection, "SELECT thinned_until_ms FROM feeds WHERE id = ?",
            feed);
  row.Step();
  row.Read(mark);
  return std::min(mark, HourOf(issued_at));
}

struct Issue {
  int64_t id = 0;
  Instant issued_at;
};

std::vector<Issue> IssuesWithin(Connection& connection, int64_t feed,
                                Interval within) {
  std::vector<Issue> issues;
  Query row(connection,
            "SELECT id, issued_at_ms FROM forecasts WHERE feed = ? AND "
            "issued_at_ms >= ? AND issued_at_ms < ? ORDER BY issued_at_ms "
            "LIMIT ?",
            feed, within.begin, within.end, kLookedAtOnce);
  while (row.Step()) {
    Issue& issue = issues.emplace_back();
    row.Read(issue.id, issue.issued_at);
  }
  return issues;
}

// Leaves of each hour the first issue.
void KeepFirstOfEachHour(Connection& connection,
                         const std::vector<Issue>& issues) {
  Query gone(connection, "DELETE FROM forecasts WHERE id = ?");
  std::optional<Instant> hour;
  for (const Issue& issue : issues) {
    if (hour == HourOf(issue.issued_at)) {
      gone.Bind(issue.id);
      gone.Run();
    }
    hour = HourOf(issue.issued_at);
  }
}

// Goes on with the thinning of a feed of which a forecast was just stored. All
// that goes is older than that one, and the zone's newest so never does.
void Thin(Connection& connection, int64_t feed, const Forecast& stored) {
  // Of two clocks, the provider's and our own, the one that is ahead may be
  // wrong.
  const Instant known_at = std::min(stored.issued_at, stored.fetched_at);
  const Instant until = HourOf(known_at - kKeptWhole);
  Instant mark = ThinnedUntil(connection, feed, stored.issued_at);
  if (mark < until) {
    const std::vector<Issue> issues =
        IssuesWithin(connection, feed, {mark, until});
    KeepFirstOfEachHour(connection, issues);
    // The last hour may hold more than was looked at.
    mark = std::ssize(issues) < kLookedAtOnce ? until
                                              : HourOf(issues.back().issued_at);
  }
  Query(connection,
        "UPDATE feeds SET thinned_until_ms = ?2 WHERE id = ?1 AND "
        "thinned_until_ms <> ?2",
        feed, mark)
      .Run();
}

Forecast ReadForecast(Query& row) {
  Forecast forecast;
  Blob points;
  row.Read(forecast.zone, forecast.provider, forecast.signal,
           forecast.issued_at, forecast.fetched_at, points);
  forecast.series = Must(DecodeSeries(points.bytes));
  return forecast;
}

}  // namespace

void StoreForecast(Connection& connection, const Forecast& forecast) {
  const int64_t feed =
      FeedOf(connection, forecast.zone, forecast.provider, forecast.signal);
  Query(connection,
        "INSERT INTO forecasts (feed, issued_at_ms, fetched_at_ms, begin_ms, "
        "end_ms, points) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (feed, issued_at_ms) DO UPDATE SET "
        "fetched_at_ms = excluded.fetched_at_ms, begin_ms = excluded.begin_ms, "
        "end_ms = excluded.end_ms, points = excluded.points",
        feed, forecast.issued_at, forecast.fetched_at, forecast.series.begin(),
        forecast.series.end(), Blob{EncodeSeries(forecast.series)})
      .Run();
  Thin(connection, feed, forecast);
}

void StoreObserved(Connection& connection, const Observed& observed) {
  const int64_t feed =
      FeedOf(connection, observed.zone, observed.provider, observed.signal);
  const Interval within{observed.series.begin(), observed.series.end()};
  const Series known = KnownWithin(connection, feed, within);
  if (IsLate(connection, feed, observed.fetched_at)) {
    for (const Interval& gap : known.Gaps(within)) {
      const Series fill = observed.series.Clip(gap);
      StoreSlots(connection, feed, observed.fetched_at, fill.slots());
    }
  } else {
    StoreSlots(connection, feed, observed.fetched_at,
               Changed(observed.series, known));
  }
  Query(connection,
        "UPDATE feeds SET "
        "fetched_at_ms = max(coalesce(fetched_at_ms, ?2), ?2), "
        "final_until_ms = max(coalesce(final_until_ms, ?3), ?3) WHERE id = ?1",
        feed, observed.fetched_at, observed.final_until)
      .Run();
}

std::optional<Forecast> NewestForecastOf(Connection& connection,
                                         const std::string& zone) {
  Query row(connection,
            "SELECT zone, provider, signal, issued_at_ms, c.fetched_at_ms, "
            "points FROM feeds f JOIN forecasts c ON c.id = "
            "(SELECT id FROM forecasts WHERE feed = f.id "
            "ORDER BY issued_at_ms DESC LIMIT 1) WHERE zone = ? "
            "ORDER BY issued_at_ms DESC, c.fetched_at_ms DESC LIMIT 1",
            zone);
  if (!row.Step()) return std::nullopt;
  return ReadForecast(row);
}

std::vector<std::string> ForecastZones(Connection& connection) {
  std::vector<std::string> zones;
  Query row(connection,
            "SELECT DISTINCT zone FROM feeds WHERE EXISTS "
            "(SELECT 1 FROM forecasts WHERE feed = feeds.id) ORDER BY zone");
  while (row.Step()) row.Read(zones.emplace_back());
  return zones;
}

std::vector<Forecast> ForecastsSince(Connection& connection,
                                     const std::string& zone, Instant since) {
  std::vector<Forecast> all;
  auto newest = NewestForecastOf(connection, zone);
  if (!newest) return all;
  Query row(connection,
            // Of each hour, the row with the least issue.
            "SELECT zone, provider, signal, min(issued_at_ms), "
            "c.fetched_at_ms, points "
            "FROM forecasts c JOIN feeds f ON f.id = c.feed "
            "WHERE zone = ?1 AND issued_at_ms >= ?2 AND issued_at_ms < ?3 "
            "GROUP BY issued_at_ms / 3600000",
            zone, since, newest->issued_at);
  while (row.Step()) all.push_back(ReadForecast(row));
  all.push_back(*std::move(newest));
  std::stable_sort(all.begin(), all.end(),
                   [](const Forecast& a, const Forecast& b) {
                     return a.issued_at < b.issued_at;
                   });
  return all;
}

std::vector<Observed> ObservedWithin(Connection& connection, Interval within,
                                     const std::optional<std::string>& zone) {
  std::vector<Observed> all;
  Query row(connection,
            "SELECT id, zone, provider, signal, fetched_at_ms, final_until_ms "
            "FROM feeds WHERE fetched_at_ms IS NOT NULL AND "
            "(?1 IS NULL OR zone = ?1) ORDER BY fetched_at_ms, id",
            zone);
  while (row.Step()) {
    Observed observed;
    int64_t feed = 0;
    row.Read(feed, observed.zone, observed.provider, observed.signal,
             observed.fetched_at, observed.final_until);
    observed.series = KnownWithin(connection, feed, within);
    if (!observed.series.empty()) all.push_back(std::move(observed));
  }
  return all;
}

}  // namespace carbond
