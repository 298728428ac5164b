#pragma once
// Emissions for other programs: one row per key and signal, with fields that
// stay. The README documents them.

#include <carbond/v1/carbond.pb.h>

#include <string>

namespace carbond::client {

// RFC 4180, the fields' names first; empty is what is not known.
std::string EmissionsCsv(const v1::ReportEmissionsResponse& report,
                         v1::GroupBy by);
// The same rows, an object on each line; null is what is not known.
std::string EmissionsJsonLines(const v1::ReportEmissionsResponse& report,
                               v1::GroupBy by);

}  // namespace carbond::client
