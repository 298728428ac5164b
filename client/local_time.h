#pragma once
// Instants as people write and read them. This is the only place that knows of
// local time; everything carbond keeps and sends is UTC.

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "google/protobuf/timestamp.pb.h"

namespace carbond::client {

// What `now` and `local` mean to the one who asks.
struct Here {
  absl::Time now;
  absl::TimeZone zone;
};

// Whether a bare duration or clock time lies before now or after it.
enum class Lean { kAhead, kAgo };

// RFC 3339 (`2026-03-01T08:00:00Z`), local (`2026-03-01 08:00`, `2026-03-01`),
// the next or last `08:00`, or a duration from now (`24h`).
absl::StatusOr<absl::Time> ParseInstant(const std::string& text,
                                        const Here& here, Lean lean);

// Whether the meaning of the text depends on what time it is now.
bool DependsOnNow(const std::string& text);

absl::Time FromProto(const google::protobuf::Timestamp& t);
google::protobuf::Timestamp ToProto(absl::Time t);

std::string FormatUtc(absl::Time t);                          // RFC 3339 with Z
std::string FormatOffset(absl::Time t, absl::TimeZone zone);  // +01:00
std::string FormatStamp(absl::Time t, absl::TimeZone zone);  // 2026-11-21 13:20

// `13:20` on the day of `here`, else `Sun 22 Nov 13:20`.
std::string FormatWhen(absl::Time t, const Here& here);
// The same with its offset: `13:20 +01:00`.
std::string FormatWhenWithOffset(absl::Time t, const Here& here);

// The text with each RFC 3339 instant ending in Z turned into local time.
std::string Localized(const std::string& text, const Here& here);

}  // namespace carbond::client
