#pragma once
#include <string>

#include "scheduler/result.h"

namespace carbond {

// A consistent copy of a ledger, taken while the daemon writes. The target must
// not exist; it appears whole or not at all.
Status BackupLedger(const std::string& path, const std::string& target);

}  // namespace carbond
