#pragma once
// Tells others what happens to jobs: `notify:` of the configuration.
//
// The engine's thread only says which jobs a batch has touched. A thread of
// this one reads in the ledger what happened to them, notes in a journal what
// is owed to whom, and hands it to the senders, a thread each. Whether news
// came from the engine or was missed in a crash, it is read in the same way: by
// event number, from where the journal left off.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "daemon/notify/sender.h"

namespace carbond {

// All public functions may be called from any thread.
class Notifier {
 public:
  // The ledger exists and has this program's schema; the clock outlives it. An
  // error names the receiver and what mends it. Where nobody is to be told, an
  // earlier journal is removed: what happens meanwhile is never told.
  static Result<std::unique_ptr<Notifier>> Open(const Config& config,
                                                const std::string& ledger_path,
                                                const SystemClock& clock);
  ~Notifier();  // stops

  // Looks for what was missed, and begins to tell.
  void Start();
  // The batch is durable. Never waits for more than a lock that is held for
  // moments.
  void Heed(const Batch& batch);
  // Ends what is under way within a moment; what is owed stays owed.
  void Stop();

  std::vector<NotifyReport> Report() const;

 private:
  Notifier(std::unique_ptr<LedgerReader> reader,
           std::unique_ptr<Journal> journal)
      : reader_(std::move(reader)), journal_(std::move(journal)) {}

  // What of a batch must be looked at.
  struct News {
    JobId next{0};         // jobs below were submitted
    std::set<JobId> jobs;  // each once, however much happened to it
    bool empty() const { return next == JobId{0} && jobs.empty(); }
  };

  void Run();
  std::optional<News> Collect();  // waits; nothing when it is time to end
  void Look(JobId job);
  void LookAgainLater(JobId job, const Status& why);
  void OweAgain();

  // Fixed after construction
  const std::unique_ptr<LedgerReader> reader_;  // the thread's
  const std::unique_ptr<Journal> journal_;
  std::vector<std::unique_ptr<Sender>> senders_;

  // Only the thread
  std::map<JobId, SeenOfJob> seen_;
  bool in_trouble_ = false;

  // Guarded by mutex_
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  News news_;
  bool stop_ = false;

  std::thread thread_;
};

}  // namespace carbond
