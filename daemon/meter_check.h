#pragma once
// Asks carbon-meter what it can measure for a region of this machine: for the
// daemon's start and for `carbond doctor`.

#include <string>
#include <vector>

#include "daemon/config.h"

namespace carbond {

struct MeterFinding {
  std::string meter;  // "nvml", "rapl", "command"
  bool works = false;
  std::string text;  // how much, or why not and what mends it
};

// Beside carbon-runner.
std::string MeterProgram(const Config& config);
// Takes at most ten seconds: drivers may hang. Nothing where nothing is asked
// for.
std::vector<MeterFinding> CheckMeters(const Config& config,
                                      const RegionConfig& region);

}  // namespace carbond
