#include "daemon/grid/watttime.h"

#include <algorithm>
#include <cmath>

#include "daemon/grid/json_answer.h"

namespace carbond {
namespace {

using Kind = Failure::Kind;

constexpr int kMostHours = 72;                 // of a forecast
constexpr Duration kTokenLasts = minutes(25);  // of the 30 that are promised

bool IsOfTheEdge(const HttpAnswer& answer) {
  return answer.body.find("cloudfront") != std::string::npos ||
         answer.server == "CloudFront";
}

bool IsScope(const HttpAnswer& answer) {
  return answer.body.find("scope") != std::string::npos;
}

// The network's edge refuses this machine: no login helps.
Failure BlockedAtTheEdge(const HttpAnswer& answer) {
  return {Kind::kTemporary,
          Describe(answer) +
              ": this machine's address or its requests are "
              "blocked; ask support@watttime.org",
          hours(1), true};
}

std::optional<Failure> FailureOf(const Want& want, const std::string& signal,
                                 const HttpAnswer& answer) {
  if (answer.status == 403 && !IsHtml(answer) && IsScope(answer)) {
    return Failure{
        Kind::kNotPermitted,
        fmt::format("this account may not read {} of {} ({}); every account "
                    "may read co2_moer of CAISO_NORTH",
                    signal, want.zone, Describe(answer)),
        {},
        false};
  }
  if (answer.status == 403 && IsOfTheEdge(answer)) {
    return BlockedAtTheEdge(answer);
  }
  // The login was good a moment ago, so the credentials are.
  if (answer.status == 401 || answer.status == 403) {
    return Failure{Kind::kTemporary,
                   Describe(answer) + " although the login had succeeded",
                   {},
                   true};
  }
  return FailureByStatus(answer);
}

class WattTimeLogin : public Login {
 public:
  WattTimeLogin(std::string url, Secret credentials)
      : url_(std::move(url)), credentials_(std::move(credentials)) {}

  HttpRequest Request() const override {
    return {url_, {{"Authorization", credentials_}}};
  }
  OrFailure<Secret> Parse(const HttpAnswer& answer) const override {
    if (answer.status == 403 && IsOfTheEdge(answer)) {
      return BlockedAtTheEdge(answer);
    }
    if (answer.status == 401 || answer.status == 403) {
      return Failure{Kind::kBadCredentials,
                     fmt::format("{}: the login is refused ({}); check user "
                                 "name and password",
                                 PlaceOf(url_), Describe(answer)),
                     {},
                     true};
    }
    if (auto failure = FailureByStatus(answer)) return *std::move(failure);
    const OrFailure<Json> document = ParseJson(answer);
    if (const auto* failure = std::get_if<Failure>(&document)) return *failure;
    std::string token = TextOf(Member(std::get<Json>(document), "token"));
    const bool sendable =
        std::ranges::all_of(token, [](char c) { return c > ' ' && c <= '~'; });
    if (token.empty() || !sendable) {
      return Temporary(PlaceOf(url_) + ": the login gave no token");
    }
    return Secret(std::move(token));
  }
  HttpHeader HeaderOf(const Secret& token) const override {
    return {"Authorization", Secret("Bearer " + token.Reveal())};
  }
  Duration renew_after() const override { return kTokenLasts; }
  bool Denies(const HttpAnswer& answer) const override {
    if (answer.status == 401) return true;
    return answer.status == 403 && IsHtml(answer) && !IsOfTheEdge(answer);
  }

 private:
  const std::string url_;
  const Secret credentials_;
};

int HorizonHours(const Want& want) {
  const auto exact = static_cast<double>(want.during.length().count()) / 3.6e6;
  return std::clamp(static_cast<int>(std::ceil(exact)), 0, kMostHours);
}

std::vector<std::string> WarningsOf(const Json& meta) {
  std::vector<std::string> warnings;
  for (const Json* each : ElementsOf(Member(meta, "warnings"))) {
    const std::string text = MessageOf(*each);
    if (!text.empty()) warnings.push_back(text);
  }
  return warnings;
}

}  // namespace

WattTime::WattTime(const HttpConfig& config, Secret username, Secret password)
    : base_url_(config.base_url),
      signal_(config.signal),
      username_(std::move(username)),
      password_(std::move(password)) {
  manners_.service = "WattTime";
  manners_.issue_period = minutes(5);
  manners_.publish_delay = seconds(15);
  manners_.requests = 3000;
  manners_.per = minutes(5);
  manners_.default_unit = "lbs_co2_per_mwh";
  manners_.states_unit = true;
}

std::unique_ptr<Login> WattTime::login() const {
  return std::make_unique<WattTimeLogin>(
      base_url_ + "/login", BasicCredentials(username_, password_));
}

HttpRequest WattTime::Request(const Want& want) const {
  const std::string what =
      fmt::format("region={}&signal_type={}", PercentEncode(want.zone),
                  PercentEncode(signal_));
  if (want.what == Want::What::kForecast) {
    return {fmt::format("{}/v3/forecast?{}&horizon_hours={}", base_url_, what,
                        HorizonHours(want)),
            {}};
  }
  return {fmt::format("{}/v3/historical?{}&start={}&end={}", base_url_, what,
                      PercentEncode(FormatInstant(want.during.begin)),
                      PercentEncode(FormatInstant(want.during.end))),
          {}};
}

OrFailure<Told> WattTime::Parse(const Want& want,
                                const HttpAnswer& answer) const {
  if (auto failure = FailureOf(want, signal_, answer)) {
    return *std::move(failure);
  }
  const OrFailure<Json> outcome = ParseJson(answer);
  if (const auto* failure = std::get_if<Failure>(&outcome)) return *failure;
  const Json& document = std::get<Json>(outcome);
  const Json& data = Member(document, "data");
  if (!data.is_array()) {
    return Temporary(
        fmt::format("HTTP 200 without `data`: {}", MessageOf(document)));
  }
  const Json& meta = Member(document, "meta");
  const std::string signal = TextOf(Member(meta, "signal_type"));
  if (!signal.empty() && signal != signal_) {
    return BadData(
        fmt::format("asked for {}, answered with {}", signal_, Plain(signal)));
  }
  Told told;
  told.zone = TextOf(Member(meta, "region"));
  told.unit = TextOf(Member(meta, "units"));
  told.issued_at = InstantOf(Member(meta, "generated_at"));
  told.step = Duration(static_cast<int64_t>(
      std::clamp(
          NumberOf(Member(meta, "data_point_period_seconds")).value_or(0), 0.0,
          1e6) *
      1000));
  told.warnings = WarningsOf(meta);
  told.points.reserve(data.size());
  for (const Json& each : data) {
    const auto begin = InstantOf(Member(each, "point_time"));
    if (!begin) return BadData("a value without a time in its answer");
    told.points.push_back({*begin, NumberOf(Member(each, "value")), {}});
  }
  // It begins with the period in which it was made.
  if (!told.issued_at && !told.points.empty()) {
    told.issued_at =
        std::ranges::min(told.points, {}, &Told::Point::begin).begin;
  }
  return told;
}

std::optional<HttpRequest> WattTime::AccessRequest() const {
  return HttpRequest{fmt::format("{}/v3/my-access?signal_type={}", base_url_,
                                 PercentEncode(signal_)),
                     {}};
}

// {"signal_types":[{"signal_type":...,"regions":[{"region":...,
//   "endpoints":[{"endpoint":"v3/forecast",...}]}]}]}
OrFailure<Access> WattTime::ParseAccess(const HttpAnswer& answer) const {
  const OrFailure<Json> outcome = ParseGoodJson(answer);
  if (const auto* failure = std::get_if<Failure>(&outcome)) return *failure;
  const Json& types = Member(std::get<Json>(outcome), "signal_types");
  if (!types.is_array()) return BadData("HTTP 200 without `signal_types`");
  Access access;
  for (const Json& type : types) {
    if (TextOf(Member(type, "signal_type")) != signal_) continue;
    for (const Json* region : ElementsOf(Member(type, "regions"))) {
      const std::string zone = TextOf(Member(*region, "region"));
      for (const Json* each : ElementsOf(Member(*region, "endpoints"))) {
        const std::string endpoint = TextOf(Member(*each, "endpoint"));
        if (endpoint.ends_with("v3/forecast")) access.forecasts.insert(zone);
        if (endpoint.ends_with("v3/historical")) access.observed.insert(zone);
      }
    }
  }
  return access;
}

std::optional<HttpRequest> WattTime::PlaceRequest(double latitude,
                                                  double longitude) const {
  return HttpRequest{
      fmt::format("{}/v3/region-from-loc?latitude={}&longitude={}"
                  "&signal_type={}",
                  base_url_, latitude, longitude, PercentEncode(signal_)),
      {}};
}

OrFailure<std::string> WattTime::ParsePlace(const HttpAnswer& answer) const {
  const OrFailure<Json> outcome = ParseGoodJson(answer);
  if (const auto* failure = std::get_if<Failure>(&outcome)) return *failure;
  std::string zone = TextOf(Member(std::get<Json>(outcome), "region"));
  if (zone.empty()) return BadData("HTTP 200 without a region");
  return zone;
}

}  // namespace carbond
