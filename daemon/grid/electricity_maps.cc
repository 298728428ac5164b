#include "daemon/grid/electricity_maps.h"

#include <algorithm>

#include "daemon/grid/json_answer.h"

namespace carbond {
namespace {

using Kind = Failure::Kind;

constexpr int kHorizons[] = {6, 24, 48, 72};  // hours that may be asked for

bool IsLatest(const Want& want) {
  return want.what == Want::What::kForecast && want.during.empty();
}

int HorizonHours(const Want& want) {
  for (const int horizon : kHorizons) {
    if (hours(horizon) >= want.during.length()) return horizon;
  }
  return kHorizons[3];
}

bool Says(const HttpAnswer& answer, const char* text) {
  return answer.body.find(text) != std::string::npos;
}

std::optional<Failure> FailureOf(const Want& want, const HttpAnswer& answer) {
  const bool refused = answer.status == 401 || answer.status == 403;
  if (refused && (Says(answer, "zoneKey") || Says(answer, "not available") ||
                  (answer.status == 403 && !IsHtml(answer)))) {
    return Failure{
        Kind::kNotPermitted,
        fmt::format(
            "this key is not valid for {} of {} ({}); see in the "
            "portal which zone and which endpoints the plan holds",
            want.what == Want::What::kForecast ? "the forecast" : "the history",
            want.zone, Describe(answer)),
        {},
        false};
  }
  if (answer.status == 401) {
    return Failure{Kind::kBadCredentials,
                   Describe(answer) + "; check the key (only the newest works)",
                   {},
                   true};
  }
  if (refused) {  // a page of the network's edge
    return Failure{Kind::kTemporary, Describe(answer), hours(1), true};
  }
  return FailureByStatus(answer);
}

Duration StepOf(const Json& document) {
  const std::string granularity =
      TextOf(Member(document, "temporalGranularity"));
  if (granularity == "15_minutes") return minutes(15);
  if (granularity == "5_minutes") return minutes(5);
  return granularity == "hourly" ? Duration(hours(1)) : Duration(0);
}

// One point: {datetime, carbonIntensity, estimationMethod}.
std::optional<Failure> Add(const Json& point, Told& told) {
  const auto begin = InstantOf(Member(point, "datetime"));
  if (!begin) return BadData("a value without a time in its answer");
  told.points.push_back(
      {*begin, NumberOf(Member(point, "carbonIntensity")), {}});
  told.sandbox |=
      TextOf(Member(point, "estimationMethod")) == "SANDBOX_MODE_DATA";
  return std::nullopt;
}

}  // namespace

ElectricityMaps::ElectricityMaps(const HttpConfig& config, Secret token)
    : base_url_(config.base_url),
      signal_(config.signal),
      token_(std::move(token)) {
  manners_.service = "Electricity Maps";
  manners_.issue_period = hours(1);
  manners_.publish_delay = minutes(3);
  manners_.reach = hours(24);
  manners_.default_unit = "gCO2eq/kWh";
}

HttpRequest ElectricityMaps::Request(const Want& want) const {
  const char* const verb = want.what == Want::What::kObserved ? "history"
                           : IsLatest(want)                   ? "latest"
                                                              : "forecast";
  std::string url = fmt::format(
      "{}/carbon-intensity/{}?zone={}&emissionFactorType={}"
      "&disableCallerLookup=true&shouldUseFallbackCallerLookup=false",
      base_url_, verb, PercentEncode(want.zone),
      signal_ == "average_direct" ? "direct" : "lifecycle");
  if (want.what == Want::What::kForecast && !IsLatest(want)) {
    url += fmt::format("&horizonHours={}", HorizonHours(want));
  }
  return {std::move(url), {{"auth-token", token_}}};
}

OrFailure<Told> ElectricityMaps::Parse(const Want& want,
                                       const HttpAnswer& answer) const {
  if (auto failure = FailureOf(want, answer)) return *std::move(failure);
  const OrFailure<Json> outcome = ParseJson(answer);
  if (const auto* failure = std::get_if<Failure>(&outcome)) return *failure;
  const Json& document = std::get<Json>(outcome);
  if (!Member(document, "error").is_null()) {
    return Temporary("HTTP 200 with an error: " + MessageOf(document));
  }
  Told told;
  told.zone = TextOf(Member(document, "zone"));
  if (told.zone.empty()) return BadData("HTTP 200 without a zone");
  told.step = StepOf(document);
  if (IsLatest(want)) {
    if (told.step == Duration(0)) told.step = hours(1);
    if (auto failure = Add(document, told)) return *std::move(failure);
    return told;
  }
  const bool forecast = want.what == Want::What::kForecast;
  const Json& points = Member(document, forecast ? "forecast" : "history");
  if (!points.is_array()) return Temporary("HTTP 200 without values");
  told.points.reserve(points.size());
  for (const Json& point : points) {
    if (auto failure = Add(point, told)) return *std::move(failure);
  }
  if (forecast) told.issued_at = InstantOf(Member(document, "updatedAt"));
  return told;
}

std::optional<HttpRequest> ElectricityMaps::AccessRequest() const {
  return HttpRequest{base_url_ + "/zones", {{"auth-token", token_}}};
}

// {"DE":{"zoneName":...,"access":["carbon-intensity/latest",...]}}, or ["*"].
OrFailure<Access> ElectricityMaps::ParseAccess(const HttpAnswer& answer) const {
  const OrFailure<Json> outcome = ParseGoodJson(answer);
  if (const auto* failure = std::get_if<Failure>(&outcome)) return *failure;
  const Json& zones = std::get<Json>(outcome);
  if (!zones.is_object()) return BadData("HTTP 200 without zones");
  Access access;
  for (const auto& [zone, about] : zones.items()) {
    for (const Json* each : ElementsOf(Member(about, "access"))) {
      const std::string what = TextOf(*each);
      const bool all = what == "*";
      if (all || what.ends_with("carbon-intensity/forecast")) {
        access.forecasts.insert(zone);
      }
      if (all || what.ends_with("carbon-intensity/history")) {
        access.observed.insert(zone);
      }
    }
  }
  return access;
}

std::optional<HttpRequest> ElectricityMaps::PlaceRequest(
    double latitude, double longitude) const {
  return HttpRequest{fmt::format("{}/carbon-intensity/latest?lat={}&lon={}",
                                 base_url_, latitude, longitude),
                     {{"auth-token", token_}}};
}

OrFailure<std::string> ElectricityMaps::ParsePlace(
    const HttpAnswer& answer) const {
  const OrFailure<Json> outcome = ParseGoodJson(answer);
  if (const auto* failure = std::get_if<Failure>(&outcome)) return *failure;
  std::string zone = TextOf(Member(std::get<Json>(outcome), "zone"));
  if (zone.empty()) return BadData("HTTP 200 without a zone");
  return zone;
}

}  // namespace carbond
