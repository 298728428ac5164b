#pragma once
#include <memory>

#include "daemon/config.h"
#include "scheduler/ports.h"

namespace carbond {

// The grid of a configuration: all its providers behind one board. An instant
// of the day on which the daemon's clock first began anchors what is replayed
// as if it were today's; it must be the same after a restart. The error names
// the provider that cannot be used and why.
Result<std::unique_ptr<Grid>> MakeGrid(const Config& config,
                                       Instant replay_anchor);

}  // namespace carbond
