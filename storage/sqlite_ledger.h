#pragma once
// The ledger on SQLite: append-only events, and the tables derived from them in
// the same transaction. WAL, synchronous=FULL: what Append answered is on disk.

#include <memory>
#include <string>

#include "scheduler/ports.h"

namespace carbond {

// One writer per ledger; used from the engine's thread alone.
class SqliteLedger : public Ledger {
 public:
  // Opens or creates the file, and migrates an older schema forward after
  // keeping a copy beside it. Refuses a schema newer than this program knows
  // (FailedPrecondition), and a file that is no ledger.
  static Result<std::unique_ptr<SqliteLedger>> Open(const std::string& path);
  ~SqliteLedger() override;

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

  // Small facts about the ledger itself that must survive a restart, such as
  // the anchor of a demonstration's clock.
  Status PutSetting(const std::string& key, const std::string& value);
  Result<std::optional<std::string>> GetSetting(const std::string& key);

 private:
  class Impl;
  explicit SqliteLedger(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace carbond
