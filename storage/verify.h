#pragma once
// Proof that the derived tables follow from the events.

#include <cstdint>
#include <string>

#include "scheduler/result.h"

namespace carbond {

struct VerifySummary {
  int64_t jobs = 0;
  int64_t events = 0;
  int64_t readings = 0;
};

// Replays every event through the same Apply, compares jobs, runs and energy
// with the derived tables, and recomputes that each job's figures are the sum
// of its emissions rows. Read-only; works while the daemon runs. The first
// difference is the error (DataLoss), naming job, table and both values.
Result<VerifySummary> VerifyLedger(const std::string& path);

}  // namespace carbond
