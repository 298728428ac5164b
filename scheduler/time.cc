#include "scheduler/time.h"

#include <charconv>
#include <cmath>

namespace carbond {
namespace {

// A number of exactly `width` digits at `at`, or nothing.
bool Digits(std::string_view text, size_t at, size_t width, int& value) {
  if (at + width > text.size()) return false;
  value = 0;
  for (size_t i = at; i < at + width; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    value = value * 10 + (text[i] - '0');
  }
  return true;
}

bool Is(std::string_view text, size_t at, std::string_view allowed) {
  return at < text.size() && allowed.find(text[at]) != std::string_view::npos;
}

int64_t UnitMillis(std::string_view unit) {
  if (unit == "ms") return 1;
  if (unit == "s") return 1000;
  if (unit == "m") return 60'000;
  if (unit == "h") return 3'600'000;
  if (unit == "d") return 86'400'000;
  if (unit == "w") return 7 * int64_t{86'400'000};
  return 0;
}

constexpr double kLongest = 3.2e13;  // a thousand years of milliseconds

}  // namespace

std::string FormatInstant(Instant t) {
  using namespace std::chrono;
  const sys_time<milliseconds> point{milliseconds(t.millis())};
  const auto day = floor<days>(point);
  const year_month_day date{day};
  const hh_mm_ss time{point - day};
  std::string text = fmt::format(
      "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      time.hours().count(), time.minutes().count(), time.seconds().count());
  if (time.subseconds().count() != 0) {
    text += fmt::format(".{:03}", time.subseconds().count());
  }
  return text + "Z";
}

Result<Instant> ParseInstant(std::string_view text) {
  const auto bad = [&] {
    return Refused(
        "time `{}` is not understood: write RFC 3339 with Z or an offset, "
        "such as 2026-03-01T08:00:00Z",
        text);
  };
  int year, month, day, hour, minute, second;
  if (!Digits(text, 0, 4, year) || !Is(text, 4, "-") ||
      !Digits(text, 5, 2, month) || !Is(text, 7, "-") ||
      !Digits(text, 8, 2, day) || !Is(text, 10, "Tt ") ||
      !Digits(text, 11, 2, hour) || !Is(text, 13, ":") ||
      !Digits(text, 14, 2, minute) || !Is(text, 16, ":") ||
      !Digits(text, 17, 2, second)) {
    return bad();
  }
  size_t at = 19;
  int64_t millis = 0;
  if (Is(text, at, ".")) {
    int64_t scale = 100;
    if (at + 1 >= text.size() || text[at + 1] < '0' || text[at + 1] > '9') {
      return bad();
    }
    for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
      millis += (text[at] - '0') * scale;
      scale /= 10;
    }
  }
  int64_t offset_minutes = 0;
  if (Is(text, at, "Zz")) {
    ++at;
  } else if (Is(text, at, "+-")) {
    int offset_hour, offset_minute;
    if (!Digits(text, at + 1, 2, offset_hour) || !Is(text, at + 3, ":") ||
        !Digits(text, at + 4, 2, offset_minute) || offset_hour > 23 ||
        offset_minute > 59) {
      return bad();
    }
    offset_minutes = offset_hour * 60 + offset_minute;
    if (text[at] == '-') offset_minutes = -offset_minutes;
    at += 6;
  } else {
    return bad();
  }
  using namespace std::chrono;
  const year_month_day date{std::chrono::year(year),
                            std::chrono::month(static_cast<unsigned>(month)),
                            std::chrono::day(static_cast<unsigned>(day))};
  if (at != text.size() || !date.ok() || hour > 23 || minute > 59 ||
      second > 60) {
    return bad();
  }
  const int64_t days = sys_days(date).time_since_epoch().count();
  const int64_t total_seconds =
      days * 86'400 + hour * 3600 + minute * 60 + second - offset_minutes * 60;
  return Instant::FromMillis(total_seconds * 1000 + millis);
}

Result<Duration> ParseDuration(std::string_view text) {
  const auto bad = [&] {
    return Refused(
        "duration `{}` is not understood: write 90s, 5m, 2h, 3d or 1h30m",
        text);
  };
  if (text == "0") return Duration(0);
  std::string_view rest = text;
  const bool negative = !rest.empty() && rest[0] == '-';
  if (negative) rest.remove_prefix(1);
  if (rest.empty()) return bad();
  double total = 0;
  while (!rest.empty()) {
    if (rest[0] < '0' || rest[0] > '9') return bad();
    double number = 0;
    const auto [after, error] =
        std::from_chars(rest.data(), rest.data() + rest.size(), number,
                        std::chars_format::fixed);
    if (error != std::errc() || *(after - 1) == '.') return bad();
    rest.remove_prefix(static_cast<size_t>(after - rest.data()));
    size_t letters = 0;
    while (letters < rest.size() && rest[letters] >= 'a' &&
           rest[letters] <= 'z') {
      ++letters;
    }
    const int64_t unit = UnitMillis(rest.substr(0, letters));
    if (unit == 0) return bad();
    rest.remove_prefix(letters);
    total += number * static_cast<double>(unit);
    if (total > kLongest) return bad();
  }
  const int64_t millis = std::llround(total);
  return Duration(negative ? -millis : millis);
}

std::string FormatDuration(Duration d) {
  if (d.count() < 0) return "-" + FormatDuration(-d);
  if (d < seconds(1)) {
    return d.count() == 0 ? "0s" : fmt::format("{}ms", d.count());
  }
  struct Unit {
    int64_t seconds;
    const char* name;
  };
  constexpr Unit kUnits[] = {{86'400, "d"}, {3600, "h"}, {60, "m"}, {1, "s"}};
  const int64_t total = (d.count() + 500) / 1000;
  for (size_t i = 0; i < 4; ++i) {
    if (total < kUnits[i].seconds) continue;
    // Two units at most: round to the smaller of the two.
    const int64_t small = i + 1 < 4 ? kUnits[i + 1].seconds : 1;
    const int64_t rounded = (total + small / 2) / small * small;
    if (i > 0 && rounded >= kUnits[i - 1].seconds) {
      return fmt::format("1{}", kUnits[i - 1].name);
    }
    const int64_t big = rounded / kUnits[i].seconds;
    const int64_t left = rounded % kUnits[i].seconds / small;
    if (left == 0 || i + 1 == 4) {
      return fmt::format("{}{}", big, kUnits[i].name);
    }
    return fmt::format("{}{}{}{}", big, kUnits[i].name, left,
                       kUnits[i + 1].name);
  }
  return "0s";
}

}  // namespace carbond
