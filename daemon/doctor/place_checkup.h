#pragma once
// Tries what each region would do with a job, and holds its capacity against
// the machine.

#include "daemon/config.h"
#include "daemon/doctor/finding.h"

namespace carbond {

// Starts a process as a job of this region would be started, in a scratch
// folder, and waits for its end. `runner` may be empty: beside carbond. `as`:
// the user who would have submitted it, where jobs run as who did; empty: none
// is started there.
Findings CheckUpRegion(const Config& config, const RegionConfig& region,
                       const std::string& as = {});

// Where the ledger is to be.
Findings CheckUpStateDir(const Config& config);

}  // namespace carbond
