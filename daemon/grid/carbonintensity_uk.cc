#include "daemon/grid/carbonintensity_uk.h"

#include <algorithm>

#include "daemon/grid/json_answer.h"
#include "daemon/grid/timeline.h"

namespace carbond {
namespace {

constexpr Duration kSlot = minutes(30);

bool IsNation(const std::string& zone) { return zone == "GB"; }

// 2026-03-15T18:30Z
std::string Minute(Instant t) {
  return FormatInstant(FloorTo(t, minutes(1))).substr(0, 16) + "Z";
}

// Ranges are cut at the end of a year, so none crosses it.
Instant NextNewYear(Instant t) {
  const int year = std::stoi(FormatInstant(t).substr(0, 4));
  return *ParseInstant(fmt::format("{:04}-01-01T00:00:00Z", year + 1));
}

// The slots: those of the nation, or those of the one region, which come as an
// object over time and as an array of one now.
const Json& SlotsOf(const Json& document) {
  const Json& data = Member(document, "data");
  const Json& region = data.is_array() && !data.empty() ? data.front() : data;
  const Json& inner = Member(region, "data");
  return inner.is_array() ? inner : data;
}

std::string RegionOf(const Json& document) {
  const Json& data = Member(document, "data");
  const Json& region = data.is_array() && !data.empty() ? data.front() : data;
  const auto id = NumberOf(Member(region, "regionid"));
  return id ? fmt::format("{:.0f}", *id) : "";
}

}  // namespace

CarbonIntensityUk::CarbonIntensityUk(const HttpConfig& config)
    : base_url_(config.base_url), signal_(config.signal) {
  manners_.service = "NESO Carbon Intensity";
  manners_.issue_period = kSlot;
  manners_.publish_delay = minutes(1);
  manners_.reach = hours(24 * 13);
  manners_.longest_question = hours(24 * 13);
  manners_.default_unit = "gCO2/kWh";
}

Interval CarbonIntensityUk::FirstPart(Interval wanted) const {
  const Interval part = Source::FirstPart(wanted);
  return {part.begin, std::min(part.end, NextNewYear(part.begin))};
}

std::optional<Duration> CarbonIntensityUk::FinalAfter(
    const std::string& zone) const {
  if (!IsNation(zone)) return std::nullopt;
  return hours(48);
}

HttpRequest CarbonIntensityUk::Request(const Want& want) const {
  const std::string from = Minute(want.during.begin);
  // The names of the two ranges ahead that there are.
  const std::string range = want.what == Want::What::kObserved
                                ? Minute(want.during.end)
                            : want.during.length() <= hours(24) ? "fw24h"
                                                                : "fw48h";
  if (IsNation(want.zone)) {
    return {fmt::format("{}/intensity/{}/{}", base_url_, from, range), {}};
  }
  return {fmt::format("{}/regional/intensity/{}/{}/regionid/{}", base_url_,
                      from, range, PercentEncode(want.zone)),
          {}};
}

OrFailure<Told> CarbonIntensityUk::Parse(const Want& want,
                                         const HttpAnswer& answer) const {
  if (auto failure = FailureByStatus(answer)) return *std::move(failure);
  const OrFailure<Json> outcome = ParseJson(answer);
  if (const auto* failure = std::get_if<Failure>(&outcome)) return *failure;
  const Json& document = std::get<Json>(outcome);
  const Json& slots = SlotsOf(document);
  if (!slots.is_array()) {
    return Temporary("HTTP 200 without data, as during an outage");
  }
  Told told;
  told.zone = IsNation(want.zone) ? want.zone : RegionOf(document);
  told.step = kSlot;
  const bool measured =
      want.what == Want::What::kObserved && IsNation(want.zone);
  for (const Json& slot : slots) {
    const auto begin = InstantOf(Member(slot, "from"));
    const auto end = InstantOf(Member(slot, "to"));
    if (!begin || !end) return BadData("a value without its time");
    const Json& intensity = Member(slot, "intensity");
    const auto value =
        NumberOf(Member(intensity, measured ? "actual" : "forecast"));
    // A half hour that is not measured yet is no gap.
    if (measured && !value) continue;
    told.points.push_back({*begin, value, *end - *begin});
  }
  return told;
}

}  // namespace carbond
