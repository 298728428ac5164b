#pragma once
// The executors of the configuration's regions, behind one door.

#include <functional>
#include <memory>

#include "daemon/clock.h"
#include "daemon/config.h"
#include "daemon/energy_board.h"
#include "daemon/exec/meter_of.h"
#include "daemon/exec/slurm/adoption.h"
#include "scheduler/ports.h"

namespace carbond {

// What measures runs, and where clusters put what was measured.
struct RunMetering {
  RunMeter meter_of = {};
  EnergyBoard* board = nullptr;
};

// `wake` is called from another thread when something has changed that
// Observe would show; `hand_in` likewise, with jobs that came by another way
// than carbond's own. `clock` and the board outlive the executor.
Result<std::unique_ptr<Executor>> MakeExecutors(
    const Config& config, const SystemClock& clock, std::function<void()> wake,
    HandIn hand_in = {}, const RunMetering& metering = {});

}  // namespace carbond
