#include "client/quantity.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <string_view>

namespace carbond::client {
namespace {

template <typename... Args>
absl::Status Refused(fmt::format_string<Args...> format, Args&&... args) {
  return absl::InvalidArgumentError(
      fmt::format(format, std::forward<Args>(args)...));
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// Takes a plain decimal number off the front; false where there is none.
bool TakeNumber(std::string_view& text, double& value) {
  const std::string_view digits = text.substr(text.starts_with('-') ? 1 : 0);
  if (digits.empty() ||
      (digits[0] != '.' && (digits[0] < '0' || digits[0] > '9'))) {
    return false;  // from_chars would take `inf` and `nan`
  }
  const auto [after, error] = std::from_chars(
      text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(after - text.data()));
  return true;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

double UnitSeconds(std::string_view unit) {
  if (unit == "ms") return 1e-3;
  if (unit == "s") return 1;
  if (unit == "m" || unit == "min") return 60;
  if (unit == "h") return 3600;
  if (unit == "d") return 86'400;
  if (unit == "w") return 7 * 86'400;
  return 0;
}

constexpr double kLongestSeconds = 3.2e9;  // a hundred years

struct Scale {
  double factor;  // of the base unit
  const char* unit;
};

// In the largest of the units (ordered downwards) in which it is at least one.
template <size_t N>
std::string InUnits(double value, const Scale (&scales)[N]) {
  for (const Scale& scale : scales) {
    // What would round to 1000 of one unit belongs to the next.
    if (std::abs(value) < scale.factor * 0.9995) continue;
    return fmt::format("{} {}", FormatNumber(value / scale.factor), scale.unit);
  }
  const Scale& smallest = scales[N - 1];
  return fmt::format("{} {}", FormatNumber(value / smallest.factor),
                     smallest.unit);
}

}  // namespace

absl::StatusOr<absl::Duration> ParseDuration(const std::string& text) {
  const auto bad = [&] {
    return Refused(
        "duration `{}` is not understood: write 90s, 5m, 2h, 3d or 1h30m",
        text);
  };
  std::string_view rest = Trim(text);
  if (rest == "0") return absl::ZeroDuration();
  if (rest.starts_with('-')) return Refused("duration `{}` is negative", text);
  if (rest.empty()) return bad();
  double seconds = 0;
  while (!rest.empty()) {
    double number = 0;
    if (!TakeNumber(rest, number) || number < 0) return bad();
    size_t letters = 0;
    while (letters < rest.size() && rest[letters] >= 'a' &&
           rest[letters] <= 'z') {
      ++letters;
    }
    if (letters == 0 && rest.empty()) {
      return Refused("duration `{}` has no unit: write {}s, {}m or {}h", text,
                     text, text, text);
    }
    const double unit = UnitSeconds(rest.substr(0, letters));
    if (unit == 0) return bad();
    rest = Trim(rest.substr(letters));
    seconds += number * unit;
    if (seconds > kLongestSeconds) {
      return Refused("duration `{}` is longer than a hundred years", text);
    }
  }
  return absl::Milliseconds(std::llround(seconds * 1000));
}

absl::StatusOr<double> ParsePower(const std::string& text) {
  std::string_view rest = Trim(text);
  double value = 0;
  if (!TakeNumber(rest, value)) {
    return Refused("power `{}` is not understood: write 300W or 1.2kW", text);
  }
  if (value < 0) return Refused("power `{}` is negative", text);
  rest = Trim(rest);
  if (rest.empty()) {
    return Refused("power `{}` has no unit: write {}W or {}kW", text, text,
                   text);
  }
  if (rest == "MW") return value * 1e6;
  const std::string unit = Lower(rest);
  if (unit == "w") return value;
  if (unit == "kw") return value * 1e3;
  return Refused("power `{}` is not understood: write 300W or 1.2kW", text);
}

absl::StatusOr<double> ParseIntensity(const std::string& text) {
  std::string_view rest = Trim(text);
  double value = 0;
  const bool number = TakeNumber(rest, value);
  const std::string unit = Lower(Trim(rest));
  if (!number || (!unit.empty() && unit != "g" && unit != "g/kwh")) {
    return Refused("intensity `{}` is not understood: write 200 (g/kWh)", text);
  }
  if (value < 0) return Refused("intensity `{}` is negative", text);
  return value;
}

absl::StatusOr<double> ParseFraction(const std::string& text) {
  std::string_view rest = Trim(text);
  double value = 0;
  if (TakeNumber(rest, value)) {
    rest = Trim(rest);
    if (rest.empty()) return value;
    if (rest == "%") return value / 100;
  }
  return Refused("fraction `{}` is not understood: write 0.05 or 5%", text);
}

absl::StatusOr<double> ParseNumber(const std::string& text) {
  std::string_view rest = Trim(text);
  double value = 0;
  if (TakeNumber(rest, value) && rest.empty()) return value;
  return Refused("`{}` is not a number", text);
}

absl::StatusOr<int32_t> ParseCount(const std::string& text) {
  int32_t value = 0;
  const char* end = text.data() + text.size();
  const auto [after, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc::result_out_of_range && after == end) {
    return Refused("`{}` is too large", text);
  }
  if (error != std::errc() || after != end) {
    return Refused("`{}` is not a whole number", text);
  }
  return value;
}

std::string FormatLength(absl::Duration d) {
  if (d < absl::ZeroDuration()) return "-" + FormatLength(-d);
  const int64_t millis = absl::ToInt64Milliseconds(d);
  if (millis == 0) return "0s";
  if (millis < 1000) return fmt::format("{}ms", millis);
  struct Unit {
    int64_t seconds;
    const char* name;
  };
  constexpr Unit kUnits[] = {{86'400, "d"}, {3600, "h"}, {60, "m"}, {1, "s"}};
  const int64_t total = (millis + 500) / 1000;
  for (size_t i = 0; i < 3; ++i) {
    if (total < kUnits[i].seconds) continue;
    // Two units at most: rounded to the smaller of the two.
    const int64_t small = kUnits[i + 1].seconds;
    const int64_t rounded = (total + small / 2) / small * small;
    if (i > 0 && rounded == kUnits[i - 1].seconds) {
      return fmt::format("1{}", kUnits[i - 1].name);
    }
    const int64_t rest = rounded % kUnits[i].seconds / small;
    const std::string big =
        fmt::format("{}{}", rounded / kUnits[i].seconds, kUnits[i].name);
    return rest == 0 ? big
                     : fmt::format("{}{}{}", big, rest, kUnits[i + 1].name);
  }
  return fmt::format("{}s", total);
}

std::string FormatNumber(double value) {
  const double size = std::abs(value);
  if (size < 0.0005) return "0";
  if (size >= 99.95) return fmt::format("{:.0f}", value);
  if (size >= 9.995) return fmt::format("{:.1f}", value);
  if (size >= 0.9995) return fmt::format("{:.2f}", value);
  return fmt::format("{:.3f}", value);
}

std::string FormatGrams(double grams) {
  if (std::abs(grams) < 5e-7) return "0 g";
  static constexpr Scale kScales[] = {
      {1e6, "t"}, {1e3, "kg"}, {1, "g"}, {1e-3, "mg"}};
  return InUnits(grams, kScales);
}

std::string FormatEnergy(double kwh) {
  if (std::abs(kwh) < 5e-10) return "0 kWh";
  static constexpr Scale kScales[] = {
      {1e3, "MWh"}, {1, "kWh"}, {1e-3, "Wh"}, {1e-6, "mWh"}};
  return InUnits(kwh, kScales);
}

std::string FormatPower(double watts) {
  if (std::abs(watts) < 5e-4) return "0 W";
  static constexpr Scale kScales[] = {{1e6, "MW"}, {1e3, "kW"}, {1, "W"}};
  return InUnits(watts, kScales);
}

std::string FormatPercent(double fraction) {
  const double percent = fraction * 100;
  if (std::abs(percent) < 0.05) return "0 %";
  if (std::abs(percent) < 0.95) return fmt::format("{:.1f} %", percent);
  return fmt::format("{:.0f} %", percent);
}

std::string Count(int64_t n, const std::string& noun) {
  return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s");
}

}  // namespace carbond::client
