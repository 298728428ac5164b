#pragma once
// The threads that read: the ledger through a read-only connection each, and
// the files of jobs. Handlers of the callback API may not block, so they post
// here; what reads does not wait behind the engine.

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "storage/ledger_reader.h"

namespace carbond {

// All public functions may be called from any thread.
class Reads {
 public:
  using Task = std::function<void(LedgerReader&)>;

  // The ledger must exist.
  static Result<std::unique_ptr<Reads>> Open(const std::string& ledger_path,
                                             int threads,
                                             size_t most_waiting = 20'000);
  ~Reads();  // stops

  // False when too much waits or the threads have ended: the task will not run.
  [[nodiscard]] bool Post(Task task);
  // The same, not before some of the machine's time has passed. A task that
  // waits for its time when the threads end runs at once.
  [[nodiscard]] bool PostAfter(std::chrono::milliseconds rest, Task task);

  // Runs what waits, then ends the threads.
  void Stop();

 private:
  using Steady = std::chrono::steady_clock;
  explicit Reads(size_t most_waiting) : most_waiting_(most_waiting) {}
  void Run(LedgerReader& reader);
  Task Next();  // waits; null when it is time to end

  // Fixed after construction
  const size_t most_waiting_;
  std::vector<std::unique_ptr<LedgerReader>> readers_;  // one per thread
  std::vector<std::thread> threads_;

  // Guarded by mutex_
  std::mutex mutex_;
  std::condition_variable posted_;
  std::deque<Task> ready_;
  std::multimap<Steady::time_point, Task> later_;
  bool stop_ = false;
};

}  // namespace carbond
