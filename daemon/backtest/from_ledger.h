#pragma once
// A scenario made of a ledger: the user's own past jobs, on the grid as it was
// archived, with the forecasts that were issued then.

#include <optional>
#include <string>
#include <vector>

#include "daemon/backtest/scenario.h"

namespace carbond {

struct LedgerWish {
  std::string path;               // of the ledger
  Instant since;                  // jobs submitted from then on
  std::optional<Duration> slack;  // another deadline: duration + slack
  std::vector<PolicyKind> policies;
  bool clairvoyant = false;
};

struct LedgerScenario {
  Scenario scenario;
  int left_out = 0;  // jobs that are not done, or ran on an unknown grid
};

// Jobs that succeeded, with the work that they really took. A ledger knows no
// capacities: regions take whatever comes.
Result<LedgerScenario> ScenarioFromLedger(const LedgerWish& wish);

}  // namespace carbond
