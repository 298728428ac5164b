#include "client/emissions_export.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "client/json_out.h"

namespace carbond::client {
namespace {

// New fields come last: readers may count columns.
constexpr const char* kFields[] = {
    "by",
    "key",
    "signal",
    "provider",
    "zone",
    "jobs",
    "it_energy_kwh",
    "energy_kwh",
    "accounted_energy_kwh",
    "emissions_g",
    "baseline_g",
    "saved_g",
    "saved_fraction",
    "energy_source",
    "measured_fraction",
    "quality",
    "settled_fraction",
    "unknown_s",
    "clock_speed",
    "same_region_g",
    "worst_start_g",
    "second_signal",
    "second_emissions_g",
    "second_baseline_g",
    "second_saved_g",
    "second_quality",
    "second_unknown_s",
};

std::string Cell(const Json& value) {
  if (value.is_null()) return "";
  if (!value.is_string()) return value.dump();
  const std::string text = value.get<std::string>();
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

// Rows with exactly the fields above, in their order.
Json Rows(const v1::ReportEmissionsResponse& report, v1::GroupBy by) {
  Json rows = Json::array();
  for (const Json& group : GroupsToJson(report, by)) {
    Json row = Json::object();
    for (const char* field : kFields) row[field] = group.at(field);
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

std::string EmissionsCsv(const v1::ReportEmissionsResponse& report,
                         v1::GroupBy by) {
  std::string text = fmt::format("{}\n", fmt::join(kFields, ","));
  for (const Json& row : Rows(report, by)) {
    std::string line;
    for (const Json& value : row) {
      line += (&value == &row.front() ? "" : ",") + Cell(value);
    }
    text += line + "\n";
  }
  return text;
}

std::string EmissionsJsonLines(const v1::ReportEmissionsResponse& report,
                               v1::GroupBy by) {
  std::string text;
  for (const Json& row : Rows(report, by)) text += OneLine(row);
  return text;
}

}  // namespace carbond::client
