#pragma once
// A stream that is produced in steps on the reading threads, each step only
// when the one before has been sent: a slow client costs one step of memory.

#include <grpcpp/support/server_callback.h>

#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "daemon/reads.h"
#include "daemon/wire.h"

namespace carbond {

// What a step of production asks for after its messages are sent.
struct Next {
  enum class What { kMore, kOnNews, kPoll, kEnd };
  What what = What::kOnNews;
  std::chrono::milliseconds rest{0};  // kPoll: at the latest after that
  Status status = {};                 // kEnd

  static Next More() { return {.what = What::kMore}; }
  static Next OnNews() { return {.what = What::kOnNews}; }
  static Next Poll(std::chrono::milliseconds rest) {
    return {.what = What::kPoll, .rest = rest};
  }
  static Next End(Status status) {
    return {.what = What::kEnd, .status = std::move(status)};
  }
};

// Owned by itself, from Start until gRPC is done with it and no step runs.
// Every callback takes the mutex: gRPC calls from several threads, and the
// order it keeps between them is invisible to a race detector.
template <typename Response>
class SteppedStream
    : public grpc::ServerWriteReactor<Response>,
      public std::enable_shared_from_this<SteppedStream<Response>> {
 public:
  explicit SteppedStream(Reads& reads) : reads_(reads) {
    std::lock_guard lock(mutex_);
  }

  void Start() {
    std::lock_guard lock(mutex_);
    self_ = this->shared_from_this();
    RequestStep();
  }

  // In place of Start.
  void Refuse(const Status& why) {
    std::lock_guard lock(mutex_);
    self_ = this->shared_from_this();
    FinishWith(why);
  }

  // From any thread: a stream that rests takes its next step.
  void OnNews() {
    std::lock_guard lock(mutex_);
    news_ = true;
    if (resting_) RequestStep();
  }

 protected:
  // The next messages. On one reading thread at a time, without the mutex.
  virtual Next Step(LedgerReader& reader, std::vector<Response>& out) = 0;
  // No step will come any more.
  virtual void Ended() = 0;

 private:
  void RequestStep() {  // under mutex_
    if (finished_) return;
    resting_ = false;
    news_ = false;
    bool taken = reads_.Post([self = this->shared_from_this()](
                                 LedgerReader& reader) { self->Run(reader); });
    if (!taken) {
      FinishWith(Trouble("too many requests wait: try again a little later"));
    }
  }

  void Run(LedgerReader& reader) {
    std::vector<Response> out;
    Next next = Step(reader, out);
    std::lock_guard lock(mutex_);
    next_ = std::move(next);
    for (Response& response : out) outbox_.push_back(std::move(response));
    Proceed();
  }

  void Proceed() {  // under mutex_, with no write and no step under way
    if (cancelled_) return FinishWith(absl::CancelledError("cancelled"));
    if (!outbox_.empty()) return this->StartWrite(&outbox_.front());
    switch (next_.what) {
      case Next::What::kMore:
        return RequestStep();
      case Next::What::kEnd:
        return FinishWith(next_.status);
      case Next::What::kPoll:
        return Rest(true);
      case Next::What::kOnNews:
        return Rest(false);
    }
  }

  void Rest(bool with_limit) {  // under mutex_
    if (news_) return RequestStep();
    resting_ = true;
    if (with_limit) RestAtMost(next_.rest);
  }

  void RestAtMost(std::chrono::milliseconds rest) {  // under mutex_
    bool taken = reads_.PostAfter(
        rest, [weak = this->weak_from_this(), rests = ++rests_](LedgerReader&) {
          if (auto self = weak.lock()) self->OnRested(rests);
        });
    if (!taken) {
      FinishWith(Trouble("too many requests wait: try again a little later"));
    }
  }

  void OnRested(int rests) {
    std::lock_guard lock(mutex_);
    if (resting_ && rests == rests_) RequestStep();
  }

  void FinishWith(const Status& status) {  // under mutex_
    if (std::exchange(finished_, true)) return;
    resting_ = false;
    this->Finish(ToGrpc(status));
  }

  void OnWriteDone(bool ok) override {
    std::lock_guard lock(mutex_);
    outbox_.pop_front();
    if (!ok) cancelled_ = true;
    Proceed();
  }

  void OnCancel() override {
    std::lock_guard lock(mutex_);
    cancelled_ = true;
    if (resting_) Proceed();
  }

  void OnDone() override {
    // Orders all that was done before; not held over Ended, which may wait for
    // somebody who brings news.
    { std::lock_guard lock(mutex_); }
    Ended();
    std::shared_ptr<SteppedStream> last;
    std::lock_guard lock(mutex_);
    last = std::move(self_);  // goes after the lock
  }

  // Fixed after construction
  Reads& reads_;

  // Guarded by mutex_
  std::mutex mutex_;
  std::shared_ptr<SteppedStream> self_;
  std::deque<Response> outbox_;  // the first one is being written
  Next next_;                    // once the outbox is empty
  bool resting_ = false;         // no step, no write: waits for news
  bool news_ = false;            // came while a step or a write was under way
  bool cancelled_ = false;
  bool finished_ = false;
  int rests_ = 0;
};

}  // namespace carbond
