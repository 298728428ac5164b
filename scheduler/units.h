#pragma once
// Quantities with types. Each is a whole number of thousandths of its unit
// (milliwatt, milliwatt-hour, milligram), so that sums are exact and a plan is
// the same on every machine. Only products that mean something compile, and
// each product rounds once, half away from zero.

#include <cmath>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "scheduler/time.h"

namespace carbond {

__extension__ using Int128 = __int128;

// numerator / denominator rounded half away from zero; denominator > 0.
int64_t RoundedDivide(Int128 numerator, Int128 denominator);

template <typename Tag>
class Quantity {
 public:
  constexpr Quantity() = default;
  static constexpr Quantity FromThousandths(int64_t n) { return Quantity(n); }
  // From the plain unit, rounded to the nearest thousandth.
  static Quantity Of(double units) {
    return Quantity(static_cast<int64_t>(std::llround(units * 1000.0)));
  }
  constexpr int64_t thousandths() const { return n_; }
  constexpr double value() const { return static_cast<double>(n_) / 1000.0; }

  friend constexpr auto operator<=>(Quantity, Quantity) = default;
  friend constexpr Quantity operator+(Quantity a, Quantity b) {
    return Quantity(a.n_ + b.n_);
  }
  friend constexpr Quantity operator-(Quantity a, Quantity b) {
    return Quantity(a.n_ - b.n_);
  }
  friend constexpr Quantity operator*(Quantity a, int64_t times) {
    return Quantity(a.n_ * times);
  }
  constexpr Quantity& operator+=(Quantity b) { return *this = *this + b; }
  constexpr Quantity& operator-=(Quantity b) { return *this = *this - b; }

 private:
  explicit constexpr Quantity(int64_t n) : n_(n) {}
  int64_t n_ = 0;
};

using Watts = Quantity<struct WattsTag>;              // thousandths: mW
using WattHours = Quantity<struct WattHoursTag>;      // thousandths: mWh
using Grams = Quantity<struct GramsTag>;              // thousandths: mg
using GramsPerKwh = Quantity<struct GramsPerKwhTag>;  // thousandths: mg/kWh

inline double KilowattHours(WattHours e) { return e.value() / 1000.0; }

// Power usage effectiveness: total facility energy over IT energy, >= 1.
// Thousandths, so 1.1 is exact.
class Pue {
 public:
  constexpr Pue() = default;
  static Pue Of(double ratio) {
    return Pue(static_cast<int32_t>(std::lround(ratio * 1000.0)));
  }
  static constexpr Pue FromThousandths(int32_t n) { return Pue(n); }
  constexpr int32_t thousandths() const { return n_; }
  constexpr double value() const { return n_ / 1000.0; }
  friend constexpr auto operator<=>(Pue, Pue) = default;

 private:
  explicit constexpr Pue(int32_t n) : n_(n) {}
  int32_t n_ = 1000;
};

WattHours operator*(Watts power, Duration time);
inline WattHours operator*(Duration time, Watts power) { return power * time; }
WattHours operator*(WattHours it_energy, Pue pue);
Grams operator*(WattHours energy, GramsPerKwh intensity);

// `300W`, `1.2kW`, `0.5MW`, `250mW`. A bare number is refused: a unit is owed.
Result<Watts> ParsePower(std::string_view text);
std::string FormatPower(Watts power);

}  // namespace carbond
