#pragma once
// Executors start a meter beside each run, and know no meter.

#include <functional>
#include <string>
#include <vector>

#include "scheduler/ports.h"

namespace carbond {

// The program and its arguments for a run in that directory; empty: none.
using RunMeter = std::function<std::vector<std::string>(
    const StartOrder& order, const std::string& dir)>;

}  // namespace carbond
