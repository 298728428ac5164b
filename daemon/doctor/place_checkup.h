#pragma once
// Tries what each region would do with a job, and holds its capacity against
// the machine.

#include "daemon/config.h"
#include "daemon/doctor/finding.h"

namespace carbond {

// Starts a process as a job of this region would be started, in a scratch
// folder, and waits for its end. `runner` may be empty: beside carbond.
Findings CheckUpRegion(const Config& config, const RegionConfig& region);

// Where the ledger is to be.
Findings CheckUpStateDir(const Config& config);

}  // namespace carbond
