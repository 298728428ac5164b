#pragma once
// carbond doctor: asks every provider and every executor, and says in plain
// words what works and what to mend.

#include "daemon/config.h"

namespace carbond {

// Prints as it goes. 0 when nothing is to be mended, else 1. `config` knows
// where the runner is.
// `as`: as in CheckUpRegion.
int RunDoctor(const Config& config, const std::string& as);

}  // namespace carbond
