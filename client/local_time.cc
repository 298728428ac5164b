#include "client/local_time.h"

#include <fmt/format.h>

#include <string_view>

#include "absl/time/civil_time.h"
#include "client/quantity.h"

namespace carbond::client {
namespace {

enum class Form { kNone, kRfc3339, kLocal, kDate, kClock, kDuration };

// Whether the text begins with the shape: 9 is any digit, T what may stand
// between a date and a time, the rest itself.
bool Begins(std::string_view text, std::string_view shape) {
  if (text.size() < shape.size()) return false;
  for (size_t i = 0; i < shape.size(); ++i) {
    const char c = text[i];
    const bool fits = shape[i] == '9'   ? c >= '0' && c <= '9'
                      : shape[i] == 'T' ? c == 'T' || c == 't' || c == ' '
                                        : c == shape[i];
    if (!fits) return false;
  }
  return true;
}

// How much of the text, from its beginning, is a local date and time.
size_t LocalLength(std::string_view text) {
  if (!Begins(text, "9999-99-99T99:99")) return 0;
  return Begins(text.substr(16), ":99") ? 19 : 16;
}

// How much of it is an RFC 3339 instant; its seconds may be left out.
size_t Rfc3339Length(std::string_view text) {
  size_t length = LocalLength(text);
  if (length == 0) return 0;
  if (length == 19 && Begins(text.substr(length), ".9")) {
    length += 2;
    while (Begins(text.substr(length), "9")) ++length;
  }
  const std::string_view rest = text.substr(length);
  if (rest.starts_with('Z') || rest.starts_with('z')) return length + 1;
  return Begins(rest, "+99:99") || Begins(rest, "-99:99") ? length + 6 : 0;
}

Form FormOf(std::string_view text) {
  if (text.empty()) return Form::kNone;
  if (Rfc3339Length(text) == text.size()) return Form::kRfc3339;
  if (LocalLength(text) == text.size()) return Form::kLocal;
  if (text.size() == 10 && Begins(text, "9999-99-99")) return Form::kDate;
  for (const std::string_view clock :
       {"9:99", "99:99", "9:99:99", "99:99:99"}) {
    if (text.size() == clock.size() && Begins(text, clock)) return Form::kClock;
  }
  // What is meant for a date or a clock is better told about those.
  const bool length =
      (text[0] >= '0' && text[0] <= '9') || text[0] == '-' || text[0] == '.';
  return !length || text.find('-', 1) != text.npos ||
                 text.find(':') != text.npos
             ? Form::kNone
             : Form::kDuration;
}

absl::Status NotUnderstood(const std::string& text) {
  return absl::InvalidArgumentError(fmt::format(
      "time `{}` is not understood: write 2026-03-01T08:00:00Z, `2026-03-01 "
      "08:00` (local), 08:00 or a duration from now such as 24h",
      text));
}

int Number(const std::string& text, size_t at, size_t width) {
  int value = 0;
  for (size_t i = at; i < at + width; ++i) value = value * 10 + text[i] - '0';
  return value;
}

// A local clock reading as an instant. Where clocks are put back an hour comes
// twice: the first is meant. Where they are put forward it does not come.
absl::StatusOr<absl::Time> AtLocal(const absl::CivilSecond& civil,
                                   const std::string& text,
                                   const absl::TimeZone& zone) {
  const absl::TimeZone::TimeInfo info = zone.At(civil);
  if (info.kind == absl::TimeZone::TimeInfo::SKIPPED) {
    return absl::InvalidArgumentError(fmt::format(
        "time `{}` does not exist in {}: the clocks are put forward over it",
        text, zone.name()));
  }
  return info.pre;
}

// `HH:MM` or `HH:MM:SS` from `at` on. False where there is no such time.
bool ReadClock(const std::string& text, size_t at, int& hour, int& minute,
               int& second) {
  hour = Number(text, at, 2);
  minute = Number(text, at + 3, 2);
  second = text.size() > at + 5 ? Number(text, at + 6, 2) : 0;
  return hour < 24 && minute < 60 && second < 60;
}

absl::StatusOr<absl::Time> ParseRfc3339(std::string text) {
  const std::string original = text;
  text[10] = 'T';
  if (text[16] != ':') text.insert(16, ":00");  // seconds left out
  if (text.back() == 'z') text.back() = 'Z';
  absl::Time t;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, text, &t, &error)) {
    return NotUnderstood(original);
  }
  return t;
}

absl::StatusOr<absl::Time> ParseLocal(const std::string& text,
                                      const absl::TimeZone& zone) {
  const int year = Number(text, 0, 4);
  const int month = Number(text, 5, 2);
  const int day = Number(text, 8, 2);
  int hour = 0, minute = 0, second = 0;
  if (text.size() > 10 && !ReadClock(text, 11, hour, minute, second)) {
    return NotUnderstood(text);
  }
  const absl::CivilSecond civil(year, month, day, hour, minute, second);
  if (civil.month() != month || civil.day() != day) {
    return absl::InvalidArgumentError(
        fmt::format("time `{}` names a day that does not exist", text));
  }
  return AtLocal(civil, text, zone);
}

// The nearest time the clock shows this, in the direction asked.
absl::StatusOr<absl::Time> ParseClock(std::string text, const Here& here,
                                      Lean lean) {
  if (text[1] == ':') text.insert(0, "0");
  int hour = 0, minute = 0, second = 0;
  if (!ReadClock(text, 0, hour, minute, second)) return NotUnderstood(text);
  const absl::CivilDay today(absl::ToCivilSecond(here.now, here.zone));
  const auto on = [&](const absl::CivilDay& day) {
    return absl::CivilSecond(day.year(), day.month(), day.day(), hour, minute,
                             second);
  };
  auto t = AtLocal(on(today), text, here.zone);
  if (!t.ok()) return t;
  if (lean == Lean::kAhead && *t <= here.now) {
    return AtLocal(on(today + 1), text, here.zone);
  }
  if (lean == Lean::kAgo && *t > here.now) {
    return AtLocal(on(today - 1), text, here.zone);
  }
  return t;
}

absl::StatusOr<absl::Time> Parse(const std::string& text, const Here& here,
                                 Lean lean) {
  switch (FormOf(text)) {
    case Form::kRfc3339:
      return ParseRfc3339(text);
    case Form::kLocal:
    case Form::kDate:
      return ParseLocal(text, here.zone);
    case Form::kClock:
      return ParseClock(text, here, lean);
    case Form::kDuration: {
      const auto distance = ParseDuration(text);
      if (!distance.ok()) return distance.status();
      return lean == Lean::kAhead ? here.now + *distance : here.now - *distance;
    }
    case Form::kNone:
      break;
  }
  return NotUnderstood(text);
}

}  // namespace

absl::StatusOr<absl::Time> ParseInstant(const std::string& text,
                                        const Here& here, Lean lean) {
  const auto t = Parse(text, here, lean);
  if (t.ok() && *t < absl::UnixEpoch()) {
    return absl::InvalidArgumentError(
        fmt::format("time `{}` is before 1970", text));
  }
  return t;
}

bool DependsOnNow(const std::string& text) {
  const Form form = FormOf(text);
  return form == Form::kClock || form == Form::kDuration;
}

absl::Time FromProto(const google::protobuf::Timestamp& t) {
  return absl::FromUnixSeconds(t.seconds()) + absl::Nanoseconds(t.nanos());
}

google::protobuf::Timestamp ToProto(absl::Time t) {
  google::protobuf::Timestamp proto;
  const int64_t millis = absl::ToUnixMillis(t);
  const int64_t rest = ((millis % 1000) + 1000) % 1000;
  proto.set_seconds((millis - rest) / 1000);
  proto.set_nanos(static_cast<int32_t>(rest * 1'000'000));
  return proto;
}

std::string FormatUtc(absl::Time t) {
  const int64_t millis = absl::ToUnixMillis(t);
  const absl::TimeZone utc = absl::UTCTimeZone();
  return millis % 1000 == 0 ? absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", t, utc)
                            : absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", t, utc);
}

std::string FormatOffset(absl::Time t, absl::TimeZone zone) {
  return absl::FormatTime("%Ez", t, zone);
}

std::string FormatStamp(absl::Time t, absl::TimeZone zone) {
  return absl::FormatTime("%Y-%m-%d %H:%M", t, zone);
}

std::string FormatWhen(absl::Time t, const Here& here) {
  const absl::CivilSecond then = absl::ToCivilSecond(t, here.zone);
  const absl::CivilSecond now = absl::ToCivilSecond(here.now, here.zone);
  if (absl::CivilDay(then) == absl::CivilDay(now)) {
    return absl::FormatTime("%H:%M", t, here.zone);
  }
  const char* format =
      then.year() == now.year() ? "%a %e %b %H:%M" : "%e %b %Y %H:%M";
  std::string text = absl::FormatTime(format, t, here.zone);
  if (const size_t gap = text.find("  "); gap != std::string::npos) {
    text.erase(gap, 1);  // %e pads with a space
  }
  return text.starts_with(' ') ? text.substr(1) : text;
}

std::string FormatWhenWithOffset(absl::Time t, const Here& here) {
  return FormatWhen(t, here) + " " + FormatOffset(t, here.zone);
}

std::string Localized(const std::string& text, const Here& here) {
  std::string result;
  for (size_t i = 0; i < text.size();) {
    const size_t length = Rfc3339Length(std::string_view(text).substr(i));
    if (length > 0 && text[i + length - 1] == 'Z') {
      const std::string word = text.substr(i, length);
      const auto t = ParseRfc3339(word);
      result += t.ok() ? FormatWhenWithOffset(*t, here) : word;
      i += length;
    } else {
      result += text[i++];
    }
  }
  return result;
}

}  // namespace carbond::client
