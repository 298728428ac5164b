#pragma once
// The jobs of a backtest, a CSV file, plain or gzip'd, with a header that names
// its columns in any order:
//
//   id,submit,duration_s,power_w,gpus,cpus,deadline,pause,checkpoint_s,
//   resume_s,idle_power_w,home_region,regions,user,name,data_gb
//
// Only `submit` is owed. `submit` and `deadline` are RFC 3339 or seconds after
// the scenario's `from`; `regions` are separated by `;`, `|` or blanks; empty
// cells and absent columns take the scenario's defaults. `submit_time_s` is
// another word for `submit`.

#include <string>
#include <vector>

#include "daemon/backtest/scenario.h"

namespace carbond {

// Refuses, with a line for each mistake that names file and line: columns it
// does not know, cells that are no numbers, times or regions, an id given
// twice.
Result<std::vector<BacktestJob>> ReadJobTable(
    const std::string& path, Instant from, const JobSpec& defaults,
    Duration slack, const std::vector<std::string>& regions);

}  // namespace carbond
