#pragma once
// Reads JSON that others wrote: what is absent, null or of another type is
// nothing, never an exception. The one header of grid/ that knows nlohmann.

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "daemon/grid/source.h"

namespace carbond {

using Json = nlohmann::json;

// The document, a byte order mark passed over. A failure for what is no JSON:
// an empty body, an HTML page of a captive portal, a text that ends too early,
// a number that no machine holds.
OrFailure<Json> ParseJson(const HttpAnswer& answer);

// The same of an answer that is good by its status.
OrFailure<Json> ParseGoodJson(const HttpAnswer& answer);

// A member of an object; null when absent or when this is no object.
const Json& Member(const Json& object, const char* name);
std::string TextOf(const Json& value);  // "" when it is no text
std::optional<double> NumberOf(const Json& value);
// Also without seconds, as some services write: 2026-03-15T18:30Z.
std::optional<Instant> InstantOf(const Json& value);
// A .NET TimeSpan, [d.]hh:mm[:ss[.fffffff]].
std::optional<Duration> TimeSpanOf(const Json& value);
// The elements of an array; of null or absent none; else the value alone, since
// some services leave an array of one away.
std::vector<const Json*> ElementsOf(const Json& value);

// A service's own words about an error, for people: the first there is of
// `message`, `msg`, `detail`, `error`, `title`. One line, cut to a length.
std::string MessageOf(const Json& document);
// One line of printable text, cut.
std::string Plain(const std::string& text);

Failure BadData(std::string sentence);
Failure Temporary(std::string sentence);

}  // namespace carbond
