#pragma once
// Can carbond find out who calls, and run jobs as them?

#include "daemon/config.h"
#include "daemon/doctor/finding.h"

namespace carbond {

// Makes and reads a credential, and looks what this process may do.
Findings CheckUpUsers(const Config& config);

}  // namespace carbond
