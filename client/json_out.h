#pragma once
// The wire's messages as the outside contract's JSON: field names with their
// unit, instants in RFC 3339 with `Z`, null for what is absent.

#include <carbond/v1/carbond.pb.h>

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace carbond::client {

using Json = nlohmann::ordered_json;

Json ToJson(const v1::Job& job);
Json ToJson(const v1::Plan& plan);
Json ToJson(const v1::Emissions& emissions);
Json ToJson(const v1::Forecast& forecast);
Json ToJson(const v1::Region& region, double clock_speed);
Json ToJson(const v1::Provider& provider);
Json ToJson(const v1::ListBudgetsResponse& answer);

// A dry run: the plan, with what its intensities are.
Json ToJson(const v1::PlanJobResponse& planned);

// Groups are an array, one element per key and signal. The total is an object:
// its grams stand at the top where there is one signal, and only under
// `by_signal` where there are several, since those are never added.
Json GroupsToJson(const v1::ReportEmissionsResponse& report, v1::GroupBy by);
Json TotalToJson(const v1::ReportEmissionsResponse& report);

// One line of `watch`.
Json ToJson(const v1::WatchJobsResponse& happening);
// A piece of a log.
Json ToJson(const v1::ReadLogsResponse& piece);

// Indented, ending in a newline. Text that is not UTF-8 is mended.
std::string Pretty(const Json& json);
// On one line, ending in a newline.
std::string OneLine(const Json& json);

}  // namespace carbond::client
