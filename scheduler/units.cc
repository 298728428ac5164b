#include "scheduler/units.h"

#include <charconv>
#include <limits>

namespace carbond {

int64_t RoundedDivide(Int128 numerator, Int128 denominator) {
  const bool negative = numerator < 0;
  if (negative) numerator = -numerator;
  const Int128 rounded = (numerator + denominator / 2) / denominator;
  return static_cast<int64_t>(negative ? -rounded : rounded);
}

WattHours operator*(Watts power, Duration time) {
  return WattHours::FromThousandths(RoundedDivide(
      static_cast<Int128>(power.thousandths()) * time.count(), 3'600'000));
}

WattHours operator*(WattHours it_energy, Pue pue) {
  return WattHours::FromThousandths(RoundedDivide(
      static_cast<Int128>(it_energy.thousandths()) * pue.thousandths(), 1000));
}

Grams operator*(WattHours energy, GramsPerKwh intensity) {
  return Grams::FromThousandths(RoundedDivide(
      static_cast<Int128>(energy.thousandths()) * intensity.thousandths(),
      1'000'000));
}

Result<Watts> ParsePower(std::string_view text) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  const std::string_view unit(rest, static_cast<size_t>(end - rest));
  double scale = 0;
  if (unit == "W") scale = 1;
  if (unit == "kW") scale = 1e3;
  if (unit == "MW") scale = 1e6;
  if (unit == "mW") scale = 1e-3;
  if (error != std::errc() || scale == 0) {
    return Refused("power `{}` is not understood: write 300W or 1.2kW", text);
  }
  const double watts = number * scale;
  if (!(watts >= -1e12 && watts <= 1e12)) {
    return Refused("power `{}` is out of range", text);
  }
  return Watts::Of(watts);
}

std::string FormatPower(Watts power) {
  const double watts = power.value();
  if (watts >= 1000) return fmt::format("{:.4g}kW", watts / 1000);
  return fmt::format("{:.4g}W", watts);
}

}  // namespace carbond
