#pragma once
// The meter of the configuration.

#include <memory>

#include "daemon/config.h"
#include "scheduler/ports.h"

namespace carbond {

std::unique_ptr<Meter> MakeMeter(const Config& config);

}  // namespace carbond
