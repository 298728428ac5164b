#pragma once
// Tells those who watch what was committed. The wrapper around the ledger hands
// every committed batch on; the hub gives each watcher what concerns it.

#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "scheduler/ports.h"

namespace carbond {

// A ledger that tells what it has taken, once it is durable. Used, like the
// ledger it wraps, from the engine's thread alone.
class WatchedLedger : public Ledger {
 public:
  using Told = std::function<void(const Batch&)>;
  WatchedLedger(Ledger& ledger, Told told)
      : ledger_(ledger), told_(std::move(told)) {}

  Status Append(const Batch& batch) override;
  Result<Recovered> Recover(Instant grid_since) override {
    return ledger_.Recover(grid_since);
  }
  Result<std::vector<Forecast>> ForecastsSince(const std::string& zone,
                                               Instant since) override {
    return ledger_.ForecastsSince(zone, since);
  }
  Result<std::optional<RequestRecord>> FindRequest(
      const std::string& request_id) override {
    return ledger_.FindRequest(request_id);
  }
  Result<std::vector<Duration>> PastWork(const std::string& user,
                                         const std::string& name,
                                         int limit) override {
    return ledger_.PastWork(user, name, limit);
  }
  Result<std::vector<Spent>> SettledSince(Instant since) override {
    return ledger_.SettledSince(since);
  }

 private:
  // Fixed after construction
  Ledger& ledger_;
  Told told_;
};

// One thing that happened to a job.
struct Happening {
  JobId job{};
  // A fact's name, or "Planned"; empty where several events were thinned to
  // one.
  std::string event = {};
  Instant at;
  int seq = 0;  // of the newest event; 0: only a plan changed
  // After all events of the same transaction. Absent when only a plan changed
  // and when thinned: then the ledger says how the job is now.
  std::shared_ptr<const Job> snapshot = {};
};

// One who watches. Safe to call from any thread.
//
// A watcher that takes too slowly costs a bounded amount of memory: first what
// happened is thinned to the newest state of each job, since states are what a
// late reader still needs; a watcher that is behind on more jobs than that is
// cut off (`lost`), and asks again for what is, which is cheaper than its past.
class Watcher {
 public:
  struct Interest {
    std::set<JobId> jobs;    // none: all
    bool ends_only = false;  // only when a job becomes Done
    size_t most_waiting = 4096;
  };
  struct Taken {
    std::vector<Happening> happenings = {};  // oldest first
    bool lost = false;                       // more happened than was kept
    bool closing = false;                    // the daemon stops
  };

  Taken Take();
  // Nothing is told after this returns.
  void Close();

 private:
  friend class Hub;
  Watcher(Interest interest, std::function<void()> on_news)
      : interest_(std::move(interest)), on_news_(std::move(on_news)) {}
  bool MayWant(JobId job) const {  // needs no lock: fixed
    return interest_.jobs.empty() || interest_.jobs.contains(job);
  }
  bool Wants(const Happening& happening) const;
  void Add(const std::vector<Happening>& happenings);
  void ThinOut();  // under mutex_
  void EndAll();

  // Fixed after construction
  const Interest interest_;

  // Guarded by mutex_
  mutable std::mutex mutex_;
  std::function<void()> on_news_;  // called under mutex_
  std::vector<Happening> waiting_;
  bool lost_ = false;
  bool closing_ = false;
  bool closed_ = false;
};

// Safe to call from any thread.
class Hub {
 public:
  // `on_news` is called when something waits to be taken, again only after it
  // was taken; it must not block nor call back into hub or watcher.
  std::shared_ptr<Watcher> Watch(Watcher::Interest interest,
                                 std::function<void()> on_news);
  // The batch is durable.
  void Publish(const Batch& batch);
  // Ends all watching, now and from now on: the daemon stops.
  void Close();

 private:
  // Guarded by mutex_
  std::mutex mutex_;
  std::vector<std::weak_ptr<Watcher>> watchers_;
  bool closing_ = false;
};

}  // namespace carbond
