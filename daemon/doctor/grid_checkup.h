#pragma once
// Asks a provider everything that a user would want to know before trusting
// jobs to it: does the login work, what may the account read, how far does each
// zone's forecast reach and how old is it, and is the zone the right one.

#include <vector>

#include "daemon/config.h"
#include "daemon/doctor/finding.h"
#include "daemon/grid/factory.h"

namespace carbond {

// A zone that a region asks this provider for.
struct AskedZone {
  std::string region;
  std::string zone;
  bool is_hint = false;
  std::string cloud;  // of the region, or empty
};

std::vector<AskedZone> AskedZones(const Config& config,
                                  const std::string& provider);

// A provider behind HTTP: a handful of requests, one after another, none of
// them repeated. The clock is this machine's.
Findings CheckUpService(const ProviderConfig& provider,
                        const HttpService& service,
                        const std::vector<AskedZone>& zones,
                        const Clock& clock);

// One that is in memory.
Findings CheckUpRecorded(const ProviderConfig& provider,
                         const std::vector<AskedZone>& zones, Instant now);
Findings CheckUpStatic(const ProviderConfig& provider,
                       const std::vector<AskedZone>& zones);

}  // namespace carbond
