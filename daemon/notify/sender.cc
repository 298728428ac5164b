#include "daemon/notify/sender.h"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <random>

#include "daemon/grid/http.h"

namespace carbond {
namespace {

using What = Attempt::What;

}  // namespace

Sender::Sender(NotifyConfig config, Doors doors, Journal& journal,
               const SystemClock& clock, std::string instance)
    : config_(std::move(config)),
      key_(PercentEncode(config_.name)),
      instance_(std::move(instance)),
      clock_(clock),
      journal_(journal),
      receiver_(std::move(doors.receiver)),
      reader_(std::move(doors.reader)),
      outbox_(config_.retry_for, std::random_device()()) {
  report_.receiver = config_.name;
}

Sender::~Sender() { Stop(); }

bool Sender::Wants(const Notice& notice, const JobSpec& spec) const {
  return config_.on.contains(notice.kind) &&
         (config_.user.empty() || config_.user == spec.user) &&
         (config_.project.empty() || config_.project == spec.project);
}

void Sender::Add(const Owed& owed) {
  std::vector<Notice> dropped;
  bool gone = false;
  {
    std::lock_guard lock(mutex_);
    gone = gone_;
    if (gone) {
      dropped.push_back(owed.notice);
    } else {
      const Duration age =
          std::max(SystemClock::RealNow() - owed.since, Duration(0));
      since_[owed.notice] = owed.since;
      if (auto old = outbox_.Add(owed.notice, SystemClock::SinceBoot(), age)) {
        dropped.push_back(*old);
      }
    }
  }
  changed_.notify_one();
  if (!dropped.empty()) {
    GiveUp(dropped, gone ? "it wants no more" : "too many wait");
  }
}

void Sender::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Sender::Stop() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_one();
  receiver_->Abort();
  if (thread_.joinable()) thread_.join();
}

NotifyReport Sender::Report() const {
  std::lock_guard lock(mutex_);
  NotifyReport report = report_;
  report.waiting = outbox_.size();
  return report;
}

// ---- The thread ------------------------------------------------------------

void Sender::Run() {
  pthread_setname_np(pthread_self(), "notify");
  while (const std::optional<Owed> owed = Next()) {
    Conclude(owed->notice, Try(*owed));
  }
}

std::optional<Owed> Sender::Next() {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (stop_) return std::nullopt;
    const Duration now = SystemClock::SinceBoot();
    if (const auto notice = outbox_.Next(now)) {
      return Owed{*notice, since_[*notice]};
    }
    const auto due = outbox_.NextDue();
    if (due) {
      changed_.wait_for(lock, std::max(*due - now, Duration(1)));
    } else {
      changed_.wait(lock);
    }
  }
}

Attempt Sender::Try(const Owed& owed) {
  if (!made_ || made_->first != owed.notice) {
    Result<NoticeMessage> message = MessageOf(owed);
    if (!message.ok()) {
      // A busy ledger is there again; what it does not hold never will be.
      return {absl::IsUnavailable(message.status()) ? What::kTrouble
                                                    : What::kRefused,
              Message(message.status())};
    }
    made_.emplace(owed.notice, *std::move(message));
  }
  return receiver_->Give(made_->second);
}

// What is told is read when it is told: so a notice that waits is only a name,
// however long its job.
Result<NoticeMessage> Sender::MessageOf(const Owed& owed) {
  const Notice& notice = owed.notice;
  CARBOND_ASSIGN_OR_RETURN(const std::vector<Event> events,
                           reader_->EventsOf(notice.job, 0));
  CARBOND_ASSIGN_OR_RETURN(Job job, JobAt(events, notice.seq));
  CARBOND_ASSIGN_OR_RETURN(JobRecord record, reader_->Get(notice.job));
  Telling telling;
  telling.notice = notice;
  telling.id = IdOf(instance_, notice);
  telling.at = notice.kind == NoticeKind::kLate
                   ? clock_.FromReal(owed.since)
                   : events[static_cast<size_t>(notice.seq) - 1].at;
  telling.job = std::move(job);
  if (record.plan) telling.plan = std::move(record.plan->plan);
  telling.figures = std::move(record.emissions);
  telling.clock_speed = clock_.speed();
  return NoticeMessage{telling.id, Name(notice.kind),
                       std::to_string(Number(notice.job)), PayloadOf(telling)};
}

void Sender::Conclude(const Notice& notice, const Attempt& attempt) {
  if (attempt.what == What::kAborted) return;
  SayHowItGoes(attempt);
  std::vector<Notice> given_up;
  bool taken = false;
  {
    std::lock_guard lock(mutex_);
    const Duration now = SystemClock::SinceBoot();
    const Outbox::Fate fate = outbox_.Tell(notice, attempt, now);
    taken = fate == Outbox::Fate::kTaken;
    if (taken) ++report_.delivered;
    if (fate == Outbox::Fate::kGivenUp) given_up = {notice};
    if (attempt.what == What::kTrouble) given_up = outbox_.Expire(now);
    if (attempt.what == What::kGone) {
      gone_ = true;
      given_up = outbox_.Clear();
    }
    if (taken) since_.erase(notice);
  }
  if (taken) journal_.Settle(key_, notice);
  if (!given_up.empty()) GiveUp(given_up, attempt.why);
}

void Sender::GiveUp(const std::vector<Notice>& notices,
                    const std::string& why) {
  {
    std::lock_guard lock(mutex_);
    report_.failed += static_cast<int64_t>(notices.size());
    for (const Notice& notice : notices) since_.erase(notice);
  }
  for (const Notice& notice : notices) journal_.Settle(key_, notice);
  const Notice& first = notices.front();
  spdlog::warn("notify {}: gave up {} notice{}, the first `{}` of job {}: {}",
               config_.name, notices.size(), notices.size() == 1 ? "" : "s",
               Name(first.kind), Number(first.job), why);
}

// Said when it begins and when it is over.
void Sender::SayHowItGoes(const Attempt& attempt) {
  if (attempt.what == What::kGone) {
    spdlog::error(
        "notify {}: {}: nothing more is told there until carbond is started "
        "again; take it out of `notify`",
        config_.name, attempt.why);
    return;
  }
  const bool trouble = attempt.what != What::kTaken;
  if (trouble == in_trouble_) return;
  in_trouble_ = trouble;
  if (trouble) {
    spdlog::warn("notify {}: {}; trying again for {}", config_.name,
                 attempt.why, FormatDuration(config_.retry_for));
  } else {
    spdlog::info("notify {}: takes notices again", config_.name);
  }
}

}  // namespace carbond
