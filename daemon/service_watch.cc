#include "daemon/service_watch.h"

#include <map>
#include <set>
#include <utility>

#include "daemon/service_stream.h"

namespace carbond {
namespace {

class WatchStream final : public SteppedStream<v1::WatchJobsResponse> {
 public:
  WatchStream(Reads& reads, double clock_speed, std::vector<JobId> jobs)
      : SteppedStream(reads), clock_speed_(clock_speed), jobs_(jobs) {
    for (JobId job : jobs) not_done_.insert(job);
  }

  void Subscribe(Hub& hub) {
    watcher_ = hub.Watch({.jobs = {jobs_.begin(), jobs_.end()}},
                         [weak = weak_from_this()] {
                           if (auto self = weak.lock()) self->OnNews();
                         });
  }

 private:
  using Messages = std::vector<v1::WatchJobsResponse>;
  static constexpr int kPerStep = 100;

  struct Told {  // of a job, so far
    int seq = 0;
    Instant planned_at = Instant::FromMillis(INT64_MIN);
  };

  Next Step(LedgerReader& reader, Messages& out) override {
    if (!listed_)
      return jobs_.empty() ? ListLive(reader, out) : ListNamed(reader, out);
    return TellNews(reader, out);
  }

  void Ended() override { watcher_->Close(); }

  Next ListLive(LedgerReader& reader, Messages& out) {
    JobFilter filter;
    filter.live_only = true;
    filter.before = before_;
    filter.limit = kPerStep;
    Result<std::vector<JobRecord>> page = reader.List(filter);
    if (!page.ok()) return Next::End(page.status());
    for (const JobRecord& record : *page) Tell(record, out);
    if (page->size() < kPerStep) return CaughtUp(out);
    before_ = page->back().job.id;
    return Next::More();
  }

  Next ListNamed(LedgerReader& reader, Messages& out) {
    for (int i = 0; i < kPerStep && next_named_ < jobs_.size(); ++i) {
      Result<JobRecord> record = reader.Get(jobs_[next_named_++]);
      if (!record.ok()) return Next::End(record.status());
      Tell(*record, out);
    }
    return next_named_ < jobs_.size() ? Next::More() : CaughtUp(out);
  }

  Next CaughtUp(Messages& out) {
    listed_ = true;
    out.emplace_back().set_caught_up(true);
    return Next::More();
  }

  // What was taken from the watcher is told a few at a time, since each needs a
  // read, and the next step comes only when the client has taken this one.
  Next TellNews(LedgerReader& reader, Messages& out) {
    if (next_news_ == news_.happenings.size()) {
      news_ = watcher_->Take();
      next_news_ = 0;
      if (news_.happenings.empty()) return NoNews();
    }
    for (int i = 0; i < kPerStep && next_news_ < news_.happenings.size(); ++i) {
      Status status = TellOne(reader, news_.happenings[next_news_++], out);
      if (!status.ok()) return Next::End(status);
    }
    return Next::More();
  }

  Next NoNews() const {
    if (!jobs_.empty() && not_done_.empty()) return Next::End(Ok());
    if (news_.lost) {
      return Next::End(absl::ResourceExhaustedError(
          "this watch fell too far behind what happens: watch again, or name "
          "fewer jobs"));
    }
    return news_.closing ? Next::End(Trouble("carbond is stopping"))
                         : Next::OnNews();
  }

  Status TellOne(LedgerReader& reader, const Happening& news, Messages& out) {
    auto known = told_.find(news.job);
    bool planned = news.seq == 0;
    if (known == told_.end()) {
      if (planned) return Ok();  // the job is done
    } else if (planned ? news.at <= known->second.planned_at
                       : news.seq <= known->second.seq) {
      return Ok();  // was read of already
    }
    // Plan and figures come from the ledger, which may be ahead of the event;
    // the job is as it was after the event.
    Result<JobRecord> record = reader.Get(news.job);
    CARBOND_RETURN_IF_ERROR(record.status());
    if (planned && record->job.last_seq != known->second.seq) {
      return Ok();  // an event follows, and will bring the plan
    }
    if (news.snapshot) record->job = *news.snapshot;
    Tell(*record, out);
    out.back().set_event(news.event);
    ToWire(news.at, out.back().mutable_at());
    // Each of several events of one transaction is told.
    known = told_.find(news.job);
    if (news.snapshot && known != told_.end()) known->second.seq = news.seq;
    return Ok();
  }

  void Tell(const JobRecord& record, Messages& out) {
    ToWire(record, clock_speed_, out.emplace_back().mutable_job());
    JobId id = record.job.id;
    if (record.job.state == State::kDone) {
      not_done_.erase(id);
      if (jobs_.empty()) {
        told_.erase(id);  // nothing more happens to it
        return;
      }
    }
    Told& told = told_[id];
    told.seq = record.job.last_seq;
    if (record.plan) told.planned_at = record.plan->made_at;
  }

  // Fixed after construction
  const double clock_speed_;
  const std::vector<JobId> jobs_;  // none: all
  std::shared_ptr<Watcher> watcher_;

  // Only the step under way
  bool listed_ = false;
  std::optional<JobId> before_;
  size_t next_named_ = 0;
  std::set<JobId> not_done_;  // of jobs_
  std::map<JobId, Told> told_;
  Watcher::Taken news_;
  size_t next_news_ = 0;
};

}  // namespace

grpc::ServerWriteReactor<v1::WatchJobsResponse>* StartWatch(
    Hub& hub, Reads& reads, double clock_speed, std::vector<JobId> jobs) {
  auto stream =
      std::make_shared<WatchStream>(reads, clock_speed, std::move(jobs));
  stream->Subscribe(hub);
  stream->Start();
  return stream.get();
}

}  // namespace carbond
