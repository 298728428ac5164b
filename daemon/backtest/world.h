#pragma once
// The doors of a backtest: a grid that says what was known when, and a ledger
// that keeps only how jobs ran. The clock, the executor and the meter are those
// of the simulations.

#include <map>
#include <optional>
#include <vector>

#include "daemon/backtest/scenario.h"
#include "scheduler/ports.h"

namespace carbond {

// A value is known when its slot has ended, a forecast when it was issued; with
// perfect foresight everything from the beginning.
class PlayedGrid : public Grid {
 public:
  // `regions` must outlive this.
  PlayedGrid(const std::vector<BacktestRegion>& regions, Instant from,
             bool perfect);

  GridNews Poll(Instant now) override;
  std::optional<Instant> NextNews(Instant now) override;

  // What was known of the time before the beginning.
  void Remember(Instant since, Recovered& recovered) const;
  std::vector<Forecast> ForecastsSince(const std::string& name,
                                       Instant since) const;

 private:
  struct Zone {
    const BacktestRegion* region = nullptr;
    bool perfect = false;
    std::optional<Instant> told_at;  // perfect: all that will be
    size_t observed = 0;             // slots told so far
    size_t issued = 0;               // forecasts told so far
  };
  std::vector<Zone> zones_;
  Instant from_;
};

class RunsLedger : public Ledger {
 public:
  explicit RunsLedger(const PlayedGrid& grid) : grid_(grid) {}

  Status Append(const Batch& batch) override;
  Result<Recovered> Recover(Instant grid_since) override;
  Result<std::vector<Forecast>> ForecastsSince(const std::string& zone,
                                               Instant since) override;
  Result<std::optional<RequestRecord>> FindRequest(
      const std::string& request_id) override;
  Result<std::vector<Duration>> PastWork(const std::string& user,
                                         const std::string& name,
                                         int limit) override;
  Result<std::vector<Spent>> SettledSince(Instant) override {
    return std::vector<Spent>();  // backtests have no budgets
  }

  // Of jobs that are done.
  const std::map<JobId, std::vector<Run>>& runs() const { return runs_; }

 private:
  const PlayedGrid& grid_;
  std::map<JobId, std::vector<Run>> runs_;
};

}  // namespace carbond
