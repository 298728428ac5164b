#pragma once
// A series as a compact blob: per run of equal slot lengths, variable-length
// integers of the differences between neighbours.

#include <string>

#include "scheduler/series.h"

namespace carbond {

std::string EncodeSeries(const Series& series);
Result<Series> DecodeSeries(const std::string& blob);

}  // namespace carbond
