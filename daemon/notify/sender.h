#pragma once
// Tells one receiver what it is owed, on a thread of its own: a receiver that
// is slow or gone keeps nobody else waiting.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "daemon/clock.h"
#include "daemon/notify/journal.h"
#include "daemon/notify/payload.h"
#include "daemon/notify/receiver.h"
#include "storage/ledger_reader.h"

namespace carbond {

// How a receiver does, for metrics.
struct NotifyReport {
  std::string receiver;
  int64_t delivered = 0;  // since the start
  int64_t failed = 0;     // given up
  size_t waiting = 0;
};

// All public functions may be called from any thread.
class Sender {
 public:
  struct Doors {
    std::unique_ptr<Receiver> receiver;
    std::unique_ptr<LedgerReader> reader;
  };
  // The journal and the clock outlive it.
  Sender(NotifyConfig config, Doors doors, Journal& journal,
         const SystemClock& clock, std::string instance);
  ~Sender();  // stops

  // The name under which the journal knows this receiver: one word.
  const std::string& key() const { return key_; }
  // Whether this job's notices of this kind are for this receiver.
  bool Wants(const Notice& notice, const JobSpec& spec) const;

  void Add(const Owed& owed);
  void Start();
  // What is owed stays so in the journal.
  void Stop();
  NotifyReport Report() const;

 private:
  void Run();
  std::optional<Owed> Next();  // waits; nothing when it is time to end
  Attempt Try(const Owed& owed);
  Result<NoticeMessage> MessageOf(const Owed& owed);
  void Conclude(const Notice& notice, const Attempt& attempt);
  void GiveUp(const std::vector<Notice>& notices, const std::string& why);
  void SayHowItGoes(const Attempt& attempt);

  // Fixed after construction
  const NotifyConfig config_;
  const std::string key_;
  const std::string instance_;
  const SystemClock& clock_;
  Journal& journal_;
  const std::unique_ptr<Receiver> receiver_;
  const std::unique_ptr<LedgerReader> reader_;  // the thread's

  // Only the thread
  // The last that was made: tried again, it is the same to the byte.
  std::optional<std::pair<Notice, NoticeMessage>> made_;
  bool in_trouble_ = false;

  // Guarded by mutex_
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Outbox outbox_;
  std::map<Notice, Instant> since_;  // of what is in the outbox
  NotifyReport report_;
  bool gone_ = false;  // the receiver wants no more, until a restart
  bool stop_ = false;

  std::thread thread_;
};

}  // namespace carbond
