#pragma once
// A small working ledger in memory. It can be told to fail, and it outlives the
// engine that wrote to it, as a file would. Single-threaded.

#include <functional>
#include <map>
#include <vector>

#include "scheduler/ports.h"

namespace carbond {

class MemoryLedger : public Ledger {
 public:
  Status Append(const Batch& batch) override;
  Result<Recovered> Recover(Instant grid_since) override;
  Result<std::vector<Forecast>> ForecastsSince(const std::string& zone,
                                               Instant since) override;
  Result<std::optional<RequestRecord>> FindRequest(
      const std::string& request_id) override;
  Result<std::vector<Duration>> PastWork(const std::string& user,
                                         const std::string& name,
                                         int limit) override;
  Result<std::vector<Spent>> SettledSince(Instant since) override;

  // After this many more appends, every append is refused: a full disk, or the
  // end of the process. Negative: never.
  void FailAfter(int appends) { fail_after_ = appends; }
  int appends() const { return appends_; }

  const std::vector<Event>& events() const { return events_; }
  const std::map<JobId, Job>& jobs() const { return jobs_; }
  const std::map<JobId, Account>& accounts() const { return accounts_; }
  const std::map<JobId, PlanRecord>& plans() const { return plans_; }

  // Replays all events through Apply and compares with the derived jobs, and
  // each job's energy with the sum of its readings. The first difference.
  Status Verify() const;

 private:
  int fail_after_ = -1;
  int appends_ = 0;
  std::vector<Event> events_;
  std::map<JobId, Job> jobs_;
  std::map<std::string, RequestRecord> requests_;
  std::map<JobId, PlanRecord> plans_;  // the newest
  std::map<JobId, Account> accounts_;
  std::vector<Forecast> forecasts_;
  std::vector<Observed> observed_;
};

}  // namespace carbond
