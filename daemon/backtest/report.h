#pragma once
// What a backtest says: a table for people, JSON that anybody can check by
// hand, a picture.

#include <string>
#include <vector>

#include "daemon/backtest/replay.h"

namespace carbond {

// {"policies":[{"name","foresight","emissions_g","energy_kwh","baseline_g",
//   "saved_fraction","mean_delay_s","deadline_misses","pauses",
//   "lower_bound_g","jobs":[{"id","emissions_g","baseline_g",
//   "intervals":[{"region","begin","end"}]}]}]}
std::string ToJson(const std::vector<PolicyResult>& results);

std::string ToTable(const Scenario& scenario,
                    const std::vector<PolicyResult>& results);

// SVG: savings by policy with what perfect knowledge allows; and one job's
// region over its window, with the runs of each policy. `job` is an index.
std::string ToPicture(const Scenario& scenario,
                      const std::vector<PolicyResult>& results, size_t job);

}  // namespace carbond
