#include "daemon/hub.h"

#include <algorithm>
#include <map>

namespace carbond {
namespace {

// What a batch says about the jobs that someone watches, in its order.
// Snapshots are shared by all.
template <typename Wanted>
std::vector<Happening> HappeningsOf(const Batch& batch, Wanted wanted) {
  std::map<JobId, std::shared_ptr<const Job>> snapshots;
  for (const Job* job : batch.jobs) {
    if (!wanted(job->id)) continue;
    snapshots.emplace(job->id, std::make_shared<const Job>(*job));
  }
  std::vector<Happening> happenings;
  for (const Event& event : batch.events) {
    if (!wanted(event.job)) continue;
    auto snapshot = snapshots.find(event.job);
    happenings.push_back(
        {.job = event.job,
         .event = FactName(event.fact),
         .at = event.at,
         .seq = event.seq,
         .snapshot = snapshot == snapshots.end() ? nullptr : snapshot->second});
  }
  for (const PlanRecord& plan : batch.plans) {
    if (!wanted(plan.job)) continue;
    happenings.push_back(
        {.job = plan.job, .event = "Planned", .at = plan.made_at});
  }
  return happenings;
}

}  // namespace

Status WatchedLedger::Append(const Batch& batch) {
  CARBOND_RETURN_IF_ERROR(ledger_.Append(batch));
  told_(batch);
  return Ok();
}

// ---- Watcher ---------------------------------------------------------------

bool Watcher::Wants(const Happening& happening) const {
  if (interest_.ends_only && (happening.snapshot == nullptr ||
                              happening.snapshot->state != State::kDone)) {
    return false;
  }
  return MayWant(happening.job);
}

void Watcher::Add(const std::vector<Happening>& happenings) {
  std::lock_guard lock(mutex_);
  if (closed_ || lost_ || closing_) return;
  bool was_empty = waiting_.empty();
  for (const Happening& happening : happenings) {
    if (Wants(happening)) waiting_.push_back(happening);
  }
  if (waiting_.size() > interest_.most_waiting) ThinOut();
  if (was_empty && (lost_ || !waiting_.empty())) on_news_();
}

void Watcher::ThinOut() {
  std::map<JobId, Happening> newest;
  for (Happening& happening : waiting_) {
    Happening& kept = newest[happening.job];
    if (happening.seq > 0) {  // one event stands for all: the job as it is now
      kept = {.job = happening.job, .at = happening.at, .seq = happening.seq};
    } else if (kept.seq == 0) {
      kept = std::move(happening);
    }
  }
  waiting_.clear();
  lost_ = newest.size() >
          std::max(interest_.most_waiting / 2, interest_.jobs.size());
  if (lost_) return;
  for (auto& [job, happening] : newest) {
    waiting_.push_back(std::move(happening));
  }
}

void Watcher::EndAll() {
  std::lock_guard lock(mutex_);
  if (closed_ || closing_) return;
  closing_ = true;
  on_news_();
}

Watcher::Taken Watcher::Take() {
  std::lock_guard lock(mutex_);
  Taken taken{.lost = lost_, .closing = closing_};
  taken.happenings.swap(waiting_);
  return taken;
}

void Watcher::Close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  on_news_ = nullptr;
  waiting_.clear();
}

// ---- Hub -------------------------------------------------------------------

std::shared_ptr<Watcher> Hub::Watch(Watcher::Interest interest,
                                    std::function<void()> on_news) {
  std::shared_ptr<Watcher> watcher(
      new Watcher(std::move(interest), std::move(on_news)));
  bool closing = false;
  {
    std::lock_guard lock(mutex_);
    std::erase_if(watchers_, [](const auto& w) { return w.expired(); });
    watchers_.push_back(watcher);
    closing = closing_;
  }
  if (closing) watcher->EndAll();
  return watcher;
}

void Hub::Publish(const Batch& batch) {
  std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Watcher>> watching;
  for (const auto& weak : watchers_) {
    if (auto watcher = weak.lock()) watching.push_back(std::move(watcher));
  }
  if (watching.empty()) return;  // the usual case: nothing is copied
  std::vector<Happening> happenings = HappeningsOf(batch, [&](JobId job) {
    return std::any_of(watching.begin(), watching.end(),
                       [&](const auto& w) { return w->MayWant(job); });
  });
  if (happenings.empty()) return;
  for (const auto& watcher : watching) watcher->Add(happenings);
}

void Hub::Close() {
  std::lock_guard lock(mutex_);
  closing_ = true;
  for (const auto& weak : watchers_) {
    if (auto watcher = weak.lock()) watcher->EndAll();
  }
}

}  // namespace carbond
