#include "daemon/service_wait.h"

#include <memory>
#include <mutex>
#include <set>
#include <utility>

namespace carbond {
namespace {

// Owned by itself, from Start until gRPC is done with it and no look runs.
class WaitCall final : public grpc::ServerUnaryReactor,
                       public std::enable_shared_from_this<WaitCall> {
 public:
  WaitCall(Reads& reads, double clock_speed, std::vector<JobId> jobs,
           v1::WaitJobsResponse* response)
      : reads_(reads),
        clock_speed_(clock_speed),
        jobs_(std::move(jobs)),
        response_(response) {
    std::lock_guard lock(mutex_);
  }

  // Subscribes first and reads then, so that no end falls in between.
  void Start(Hub& hub) {
    watcher_ =
        hub.Watch({.jobs = {jobs_.begin(), jobs_.end()}, .ends_only = true},
                  [weak = weak_from_this()] {
                    if (auto self = weak.lock()) self->OnNews();
                  });
    std::lock_guard lock(mutex_);
    self_ = shared_from_this();
    RequestLook();
  }

 private:
  void OnNews() {
    std::lock_guard lock(mutex_);
    news_ = true;
    // The hub may call before it has handed the watcher over; Start looks then.
    if (self_ != nullptr && !looking_) RequestLook();
  }

  void RequestLook() {  // under mutex_
    if (finished_) return;
    news_ = false;
    looking_ = reads_.Post([self = shared_from_this()](LedgerReader& reader) {
      Result<bool> done = self->Look(reader);
      self->Looked(done);
    });
    if (!looking_) {
      FinishWith(Trouble("too many requests wait: try again a little later"));
    }
  }

  void Looked(const Result<bool>& done) {
    std::lock_guard lock(mutex_);
    looking_ = false;
    if (cancelled_) return FinishWith(absl::CancelledError("cancelled"));
    if (!done.ok() || *done) return FinishWith(done.status());
    if (news_) RequestLook();
  }

  // Whether all are done; then the response is filled. One at a time, without
  // the mutex.
  Result<bool> Look(LedgerReader& reader) {
    Watcher::Taken taken = watcher_->Take();
    for (const Happening& end : taken.happenings) not_done_.erase(end.job);
    if (!std::exchange(looked_, true)) {
      for (JobId job : jobs_) {
        CARBOND_ASSIGN_OR_RETURN(JobRecord record, reader.Get(job));
        if (record.job.state != State::kDone) not_done_.insert(job);
      }
    }
    if (not_done_.empty()) {
      for (JobId job : jobs_) {
        CARBOND_ASSIGN_OR_RETURN(JobRecord record, reader.Get(job));
        ToWire(record, clock_speed_, response_->add_jobs());
      }
      return true;
    }
    if (taken.closing) return Trouble("carbond is stopping");
    return false;
  }

  void FinishWith(const Status& status) {  // under mutex_
    if (std::exchange(finished_, true)) return;
    Finish(ToGrpc(status));
  }

  void OnCancel() override {
    std::lock_guard lock(mutex_);
    cancelled_ = true;
    if (!looking_) FinishWith(absl::CancelledError("cancelled"));
  }

  void OnDone() override {
    watcher_->Close();
    std::shared_ptr<WaitCall> last;
    std::lock_guard lock(mutex_);
    last = std::move(self_);  // goes after the lock
  }

  // Fixed after construction
  Reads& reads_;
  const double clock_speed_;
  const std::vector<JobId> jobs_;
  v1::WaitJobsResponse* const response_;
  std::shared_ptr<Watcher> watcher_;

  // Only the look under way
  bool looked_ = false;
  std::set<JobId> not_done_;

  // Guarded by mutex_
  std::mutex mutex_;
  std::shared_ptr<WaitCall> self_;
  bool looking_ = false;
  bool news_ = false;
  bool cancelled_ = false;
  bool finished_ = false;
};

}  // namespace

grpc::ServerUnaryReactor* StartWait(Hub& hub, Reads& reads, double clock_speed,
                                    std::vector<JobId> jobs,
                                    v1::WaitJobsResponse* response) {
  auto call =
      std::make_shared<WaitCall>(reads, clock_speed, std::move(jobs), response);
  call->Start(hub);
  return call.get();
}

}  // namespace carbond
