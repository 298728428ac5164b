#include "daemon/grid/carbon_aware_sdk.h"

#include <algorithm>

#include "daemon/grid/json_answer.h"

namespace carbond {
namespace {

OrFailure<Told> ForecastOf(const Want& want, const Json& document) {
  for (const Json* each : ElementsOf(document)) {
    if (TextOf(Member(*each, "location")) != want.zone) continue;
    Told told;
    told.zone = want.zone;
    told.issued_at = InstantOf(Member(*each, "generatedAt"));
    for (const Json* point : ElementsOf(Member(*each, "forecastData"))) {
      const auto begin = InstantOf(Member(*point, "timestamp"));
      if (!begin) return BadData("a value without a time in its answer");
      const double length = NumberOf(Member(*point, "duration")).value_or(0);
      told.points.push_back(
          {*begin, NumberOf(Member(*point, "value")),
           Duration(static_cast<int64_t>(std::clamp(length, 0.0, 1e6) * 6e4))});
    }
    return told;
  }
  return BadData(fmt::format("no forecast for {} in its answer", want.zone));
}

OrFailure<Told> ObservedOf(const Json& document) {
  if (!document.is_array()) return Temporary("HTTP 200 without values");
  Told told;
  for (const Json& point : document) {
    const auto begin = InstantOf(Member(point, "time"));
    if (!begin) return BadData("a value without a time in its answer");
    told.points.push_back(
        {*begin, NumberOf(Member(point, "rating")),
         TimeSpanOf(Member(point, "duration")).value_or(Duration(0))});
  }
  return told;
}

std::optional<Failure> FailureOf(const HttpAnswer& answer) {
  if (answer.status == 501) {
    return Failure{
        Failure::Kind::kNotPermitted,
        Describe(answer) + "; the source behind this WebAPI cannot forecast",
        {},
        false};
  }
  return FailureByStatus(answer);
}

}  // namespace

CarbonAwareSdk::CarbonAwareSdk(const HttpConfig& config)
    : base_url_(config.base_url), signal_(config.signal) {
  manners_.service = "Carbon Aware SDK";
  manners_.publish_delay = seconds(30);
  manners_.default_unit = "gCO2/kWh";
}

HttpRequest CarbonAwareSdk::Request(const Want& want) const {
  const std::string zone = PercentEncode(want.zone);
  if (want.what == Want::What::kForecast) {
    return {fmt::format("{}/emissions/forecasts/current?location={}", base_url_,
                        zone),
            {}};
  }
  // `startTime` and `endTime` would silently be ignored here.
  return {fmt::format("{}/emissions/bylocation?location={}&time={}&toTime={}",
                      base_url_, zone,
                      PercentEncode(FormatInstant(want.during.begin)),
                      PercentEncode(FormatInstant(want.during.end))),
          {}};
}

OrFailure<Told> CarbonAwareSdk::Parse(const Want& want,
                                      const HttpAnswer& answer) const {
  // There are no values of that time (yet).
  if (answer.status == 204 && want.what == Want::What::kObserved) return Told{};
  if (auto failure = FailureOf(answer)) return *std::move(failure);
  const OrFailure<Json> outcome = ParseJson(answer);
  if (const auto* failure = std::get_if<Failure>(&outcome)) return *failure;
  const Json& document = std::get<Json>(outcome);
  OrFailure<Told> told = want.what == Want::What::kForecast
                             ? ForecastOf(want, document)
                             : ObservedOf(document);
  const auto* good = std::get_if<Told>(&told);
  if (good != nullptr && good->points.size() > 1 &&
      std::ranges::all_of(good->points,
                          [](const auto& point) { return point.value == 0; })) {
    return BadData(
        "nothing but zeros, which this service gives for values "
        "that it could not read");
  }
  return told;
}

}  // namespace carbond
