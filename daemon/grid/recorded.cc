#include "daemon/grid/recorded.h"

#include <algorithm>

#include "daemon/grid/emissions_file.h"

namespace carbond {
namespace {

using Replay = RecordedConfig::Replay;

// A recording that ended longer ago has nothing to say, not even as history.
constexpr Duration kOfUseAfterItsEnd = hours(24 * 8);

std::string NameOf(const std::string& name, const RecordedConfig& config) {
  if (config.forecast.empty()) return name + " (recorded values as forecast)";
  return config.replay == Replay::kNow ? name + " (replayed)" : name;
}

std::string Span(Interval span) {
  return fmt::format("{} to {}", FormatInstant(span.begin),
                     FormatInstant(span.end));
}

Result<Duration> ShiftOf(const RecordedConfig& config, Interval span,
                         Instant anchor) {
  if (config.replay == Replay::kAsRecorded) {
    if (!config.loop && span.end + kOfUseAfterItsEnd <= anchor) {
      return Refused(
          "{}: holds {}, which is over: say `replay: now`, or `loop: true`",
          config.actual, Span(span));
    }
    return Duration(0);
  }
  const Instant from = DayOf(config.from.value_or(span.begin));
  if (from < DayOf(span.begin) || from >= span.end) {
    return Refused("{}: holds {}; `from: {}` is outside", config.actual,
                   Span(span), FormatInstant(*config.from));
  }
  return DayOf(anchor) - from;
}

// Forecasts of another time than the values are of another file, too. In a loop
// only those count that were issued while the recording ran.
Status FitIssues(RecordedForecasts& forecasts, const RecordedConfig& config,
                 Interval span, const Timeline& timeline) {
  const Interval during =
      timeline.loops() ? Interval{span.begin, span.begin + timeline.period()}
                       : Interval{span.begin - hours(24 * 31), span.end};
  const auto outside = [&](const RecordedIssue& issue) {
    return !during.Contains(issue.issued_at);
  };
  if (std::ranges::all_of(forecasts.issues, outside)) {
    return Refused(
        "{}: no forecast in it was issued while {} was recorded ({}); name "
        "files of the same time",
        config.forecast, config.actual, Span(span));
  }
  if (timeline.loops()) std::erase_if(forecasts.issues, outside);
  return Ok();
}

Series SeriesOf(std::vector<Slot> slots) {
  Result<Series> series = Series::Make(std::move(slots));
  CARBOND_INVARIANT(series.ok(), "a recording that was checked: {}",
                    Message(series.status()));
  return *std::move(series);
}

}  // namespace

Recorded::Recorded(std::string name, RecordedConfig config, Recordings actual,
                   std::optional<RecordedForecasts> forecasts,
                   Timeline timeline)
    : name_(std::move(name)),
      config_(std::move(config)),
      actual_(std::move(actual)),
      forecasts_(std::move(forecasts)),
      timeline_(timeline) {}

Result<Recorded::Recordings> Recorded::ReadActual(
    const RecordedConfig& config, std::vector<std::string> zones) {
  Recordings actual;
  if (!EmissionsFile::Is(config.actual)) {
    CARBOND_ASSIGN_OR_RETURN(actual[""], ReadRecording(config.actual));
    return actual;
  }
  CARBOND_ASSIGN_OR_RETURN(const EmissionsFile file,
                           EmissionsFile::Read(config.actual));
  const std::vector<std::string> locations = file.locations();
  if (locations.size() == 1) {
    CARBOND_ASSIGN_OR_RETURN(actual[""], file.Of(locations.front()));
    return actual;
  }
  if (zones.empty()) zones = locations;
  for (const std::string& zone : zones) {
    CARBOND_ASSIGN_OR_RETURN(actual[zone], file.Of(zone));
  }
  if (actual.size() > 1 && !config.forecast.empty()) {
    return Refused(
        "{}: holds forecasts of one zone, but {} serves {}; give each zone a "
        "provider of its own",
        config.forecast, config.actual, fmt::join(zones, ", "));
  }
  return actual;
}

Result<std::unique_ptr<Recorded>> Recorded::Open(
    const std::string& name, const RecordedConfig& config, Instant anchor,
    const std::vector<std::string>& zones) {
  CARBOND_ASSIGN_OR_RETURN(Recordings actual, ReadActual(config, zones));
  // Zones are shown side by side, as they lay in the file.
  Interval span = actual.begin()->second.span();
  for (const auto& [zone, recording] : actual) {
    span.begin = std::min(span.begin, recording.span().begin);
    span.end = std::max(span.end, recording.span().end);
  }
  CARBOND_ASSIGN_OR_RETURN(const Duration shift, ShiftOf(config, span, anchor));
  const Timeline timeline(span, shift, config.loop);
  std::optional<RecordedForecasts> forecasts;
  if (!config.forecast.empty()) {
    CARBOND_ASSIGN_OR_RETURN(forecasts, ReadRecordedForecasts(config.forecast));
    CARBOND_RETURN_IF_ERROR(FitIssues(*forecasts, config, span, timeline));
  }
  return std::unique_ptr<Recorded>(
      new Recorded(NameOf(name, config), config, std::move(actual),
                   std::move(forecasts), timeline));
}

std::shared_ptr<const Forecast> Recorded::NewestForecast(
    const std::string& zone, Instant now) {
  const std::optional<Newest> newest = NewestAt(now);
  if (!newest) return nullptr;
  std::shared_ptr<const Forecast>& last = newest_[zone];
  if (last && last->issued_at == newest->issued_at) return last;
  std::vector<Slot> slots =
      newest->issue != nullptr
          ? SlotsOf(*newest->issue, newest->offset)
          : ValuesDuring(
                zone, {newest->issued_at, newest->issued_at + config_.horizon});
  if (slots.empty()) return nullptr;
  last = std::make_shared<const Forecast>(Forecast{zone, name_, config_.signal,
                                                   newest->issued_at, now,
                                                   SeriesOf(std::move(slots))});
  return last;
}

std::optional<Observed> Recorded::ObservedSince(const std::string& zone,
                                                Instant since, Instant now) {
  std::vector<Slot> slots = ValuesDuring(zone, {since, now});
  // The step in progress is not known yet.
  std::erase_if(slots, [&](const Slot& s) { return s.interval.end > now; });
  if (slots.empty()) return std::nullopt;
  Observed observed;
  observed.zone = zone;
  observed.provider = name_;
  observed.signal = config_.signal;
  observed.fetched_at = now;
  observed.final_until = slots.back().interval.end;
  observed.series = SeriesOf(std::move(slots));
  return observed;
}

Instant Recorded::NextNews(const std::string&, Instant now) {
  return FloorTo(now, config_.poll) + config_.poll;
}

std::vector<Slot> Recorded::ValuesDuring(const std::string& zone,
                                         Interval live) const {
  std::vector<Slot> slots;
  auto found = actual_.find("");
  if (found == actual_.end()) found = actual_.find(zone);
  if (found == actual_.end()) return slots;
  const Recording& actual = found->second;
  for (const Timeline::Showing& showing : timeline_.During(live)) {
    const Instant begin = showing.live.begin - showing.offset;
    const Instant end = showing.live.end - showing.offset;
    auto value = std::ranges::upper_bound(actual.values, begin - actual.step,
                                          {}, &RecordedValue::begin);
    for (; value != actual.values.end() && value->begin < end; ++value) {
      const Instant at = value->begin + showing.offset;
      slots.push_back({{at, at + actual.step}, value->intensity});
    }
  }
  return slots;
}

std::optional<Recorded::Newest> Recorded::NewestAt(Instant now) const {
  if (!forecasts_)
    return Newest{FloorTo(now, config_.poll), nullptr, Duration(0)};
  const auto& issues = forecasts_->issues;
  Duration offset = timeline_.OffsetAt(now);
  auto after = std::ranges::upper_bound(issues, now - offset, {},
                                        &RecordedIssue::issued_at);
  if (after == issues.begin()) {
    if (!timeline_.loops()) return std::nullopt;
    // None in this showing yet: the last one of the showing before.
    offset -= timeline_.period();
    after = issues.end();
  }
  const RecordedIssue& issue = *std::prev(after);
  return Newest{issue.issued_at + offset, &issue, offset};
}

std::vector<Slot> Recorded::SlotsOf(const RecordedIssue& issue,
                                    Duration offset) const {
  std::vector<Slot> slots;
  slots.reserve(issue.count);
  for (size_t i = issue.first; i < issue.first + issue.count; ++i) {
    const Instant at = forecasts_->values[i].begin + offset;
    slots.push_back(
        {{at, at + forecasts_->step}, forecasts_->values[i].intensity});
  }
  return slots;
}

}  // namespace carbond
