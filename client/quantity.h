#pragma once
// Quantities as people write and read them: `2h`, `1.2kW`, `412 g`, `32 %`.
// Parsing refuses with the reason and an example; formatting never fails.

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace carbond::client {

// `90s`, `5m`, `2h`, `3d`, `1w`, `1h30m`, `1.5h`; to the millisecond. Never
// negative.
absl::StatusOr<absl::Duration> ParseDuration(const std::string& text);

// Watts, from `300W`, `1.2kW` or `2MW`.
absl::StatusOr<double> ParsePower(const std::string& text);

// g/kWh, from `200`, `200g` or `200g/kWh`.
absl::StatusOr<double> ParseIntensity(const std::string& text);

// From `0.05` or `5%`.
absl::StatusOr<double> ParseFraction(const std::string& text);

absl::StatusOr<double> ParseNumber(const std::string& text);
absl::StatusOr<int32_t> ParseCount(const std::string& text);  // may be < 0

std::string FormatLength(absl::Duration d);  // 2h, 1h30m, 3d4h, 250ms
std::string FormatGrams(double grams);       // 412 g, 1.20 kg, 3.41 t
std::string FormatEnergy(double kwh);        // 310 Wh, 1.23 kWh, 4.50 MWh
std::string FormatPower(double watts);       // 300 W, 1.20 kW
std::string FormatPercent(double fraction);  // 32 %, 0.4 %, -3 %
std::string FormatNumber(double value);      // three digits that matter

// 1 -> "1 job", 3 -> "3 jobs".
std::string Count(int64_t n, const std::string& noun);

}  // namespace carbond::client
