#pragma once
// The flags of `report` and `estimate`. Like main.cc, of the program alone:
// CLI11 takes seconds to compile.

#include "client/commands.h"

namespace CLI {
class App;
}

namespace carbond::client {

// What is told goes into `options`, which must outlive the command.
void AddReportFlags(CLI::App& command, ReportOptions& options);
void AddEstimateFlags(CLI::App& command, EstimateOptions& options);

}  // namespace carbond::client
