#pragma once
// The meters of the configuration: the daemon's, which books what runs drew,
// and carbon-meter's beside each run, which measures it.

#include <memory>
#include <string>
#include <vector>

#include "daemon/clock.h"
#include "daemon/config.h"
#include "daemon/energy_board.h"
#include "scheduler/ports.h"

namespace carbond {

// `clock` and `board` outlive it.
std::unique_ptr<Meter> MakeMeter(const Config& config, const SystemClock& clock,
                                 const EnergyBoard& board);

// carbon-meter and its arguments for a run in `dir`; empty: nothing is to be
// measured. `program` is the path of carbon-meter.
std::vector<std::string> MeterCommand(const Config& config,
                                      const std::string& program,
                                      const StartOrder& order,
                                      const std::string& dir);
// The same to say what works on this machine for all that a region has; empty:
// the configuration asks for no counter.
std::vector<std::string> MeterCheckCommand(const Config& config,
                                           const std::string& program,
                                           const RegionConfig& region);

}  // namespace carbond
