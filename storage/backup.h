#pragma once
#include <string>

#include "scheduler/result.h"

namespace carbond {

class Connection;

// A consistent copy of a ledger, taken while the daemon writes. The target must
// not exist; it appears whole or not at all.
Status BackupLedger(const std::string& path, const std::string& target);

// The same over a connection at hand, whatever its schema, replacing a target
// that exists: the copy that a migration keeps.
Status KeepCopy(Connection& connection, const std::string& target);

}  // namespace carbond
