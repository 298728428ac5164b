#pragma once
// What a backtest replays: recorded regions, jobs, and the policies to compare.
//
//   regions:
//     - {name: eu, actual: DE.csv.gz, forecast: DE.fc.csv.gz, pue: 1.1,
//        capacity: {gpus: 64, cpus: 512}}
//   jobs: jobs.csv
//   policies: [run_now, best_start, carbond]     # absent: all
//   clairvoyant: true          # also each with perfect foresight
//   from: 2021-07-01T00:00:00Z # absent: where all regions have data
//   until: 2021-09-30T00:00:00Z
//   defaults: {duration: 2h, slack: 24h, power: 300W, idle_power: 30W, gpus: 1,
//              pause: none, checkpoint_cost: 60s, resume_cost: 60s,
//              min_run: 0s, min_pause: 0s, min_saving: 0.02,
//              home_region: eu, regions: [eu]}
//   stale_after: 96h           # a forecast older than this is not used
//   transfer: {time_per_gb: 8s, kwh_per_gb: 0.002}   # of jobs with data_gb
//
// Paths are relative to the file. A region without `forecast` has a perfect
// one; one without `capacity` holds whatever comes. How the files of a region
// look is said in daemon/grid/recording.h, jobs in daemon/backtest/job_table.h.

#include <optional>
#include <string>
#include <vector>

#include "daemon/config.h"
#include "scheduler/engine.h"
#include "scheduler/policies.h"

namespace carbond {

struct BacktestRegion {
  Region region;  // its zone is its name
  Series actual;
  std::vector<Forecast> issues;  // by issue; none: foresight is perfect
};

struct BacktestJob {
  std::string id;
  Instant submitted_at;
  JobSpec spec;                     // complete but for what the engine fills in
  std::optional<Instant> deadline;  // as asked for, be it feasible or not
};

struct Scenario {
  Interval span;  // jobs are submitted within
  std::vector<BacktestRegion> regions;
  std::vector<BacktestJob> jobs;  // by submission
  std::vector<PolicyKind> policies;
  bool clairvoyant = false;
  double min_saving = 0.02;
  Duration slack = hours(24);  // of jobs without a deadline
  Duration stale_after = hours(96);
  TransferCost transfer;
};

struct ScenarioResult {
  std::optional<Scenario> scenario;  // nothing when there are mistakes
  std::vector<ConfigMistake> mistakes;
};

ScenarioResult LoadScenario(const std::string& path);

// What nobody asks of a region: more than any job could.
inline constexpr Resources kUnlimited{1'000'000'000, 1'000'000'000};

}  // namespace carbond
