#pragma once
// The executors of the configuration's regions, behind one door.

#include <functional>
#include <memory>

#include "daemon/clock.h"
#include "daemon/config.h"
#include "daemon/exec/slurm/adoption.h"
#include "scheduler/ports.h"

namespace carbond {

// `wake` is called from another thread when something has changed that
// Observe would show; `hand_in` likewise, with jobs that came by another way
// than carbond's own. `clock` outlives the executor.
Result<std::unique_ptr<Executor>> MakeExecutors(const Config& config,
                                                const SystemClock& clock,
                                                std::function<void()> wake,
                                                HandIn hand_in = {});

}  // namespace carbond
