#include "daemon/notify/notifier.h"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>
#include <utility>

namespace carbond {
namespace {

// How soon a ledger that could not be read is read again.
constexpr std::chrono::seconds kRest{1};

std::string JournalPath(const Config& config) {
  return config.state_dir + "/notify.journal";
}

JobId After(JobId job) { return JobId{Number(job) + 1}; }

// From now on: what happened before is not told.
Result<JournalState> FromNowOn(LedgerReader& reader,
                               std::optional<JobId> newest) {
  JournalState state;
  if (newest) state.next = After(*newest);
  JobFilter live;
  live.live_only = true;
  for (;;) {
    CARBOND_ASSIGN_OR_RETURN(const std::vector<JobRecord> page,
                             reader.List(live));
    for (const JobRecord& record : page) {
      state.live[record.job.id] = {record.job.last_seq};
    }
    if (page.empty()) return state;
    live.before = page.back().job.id;
  }
}

// A ledger that was restored may end before what the journal has seen.
void KeepToLedger(std::optional<JobId> newest, JournalState& state) {
  const JobId next = newest ? After(*newest) : JobId{1};
  state.next = std::min(state.next, next);
  std::erase_if(state.live,
                [next](const auto& entry) { return entry.first >= next; });
}

}  // namespace

Result<std::unique_ptr<Notifier>> Notifier::Open(const Config& config,
                                                 const std::string& ledger_path,
                                                 const SystemClock& clock) {
  const std::string path = JournalPath(config);
  if (config.notify.empty()) {
    std::error_code ignored;  // it is not there, which is the usual case
    std::filesystem::remove(path, ignored);
    return std::unique_ptr<Notifier>();
  }
  CARBOND_ASSIGN_OR_RETURN(auto reader, LedgerReader::Open(ledger_path));
  CARBOND_ASSIGN_OR_RETURN(const std::optional<JobId> newest,
                           reader->NewestJob());
  std::optional<JournalState> state = Journal::Load(path);
  if (state) {
    KeepToLedger(newest, *state);
  } else {
    CARBOND_ASSIGN_OR_RETURN(state, FromNowOn(*reader, newest));
  }
  auto journal = std::make_unique<Journal>(path, *std::move(state));
  if (newest) journal->SawNewJobs(After(*newest));
  std::unique_ptr<Notifier> notifier(
      new Notifier(std::move(reader), std::move(journal)));
  for (const NotifyConfig& each : config.notify) {
    Sender::Doors doors;
    CARBOND_ASSIGN_OR_RETURN(doors.receiver, MakeReceiver(each, config));
    CARBOND_ASSIGN_OR_RETURN(doors.reader, LedgerReader::Open(ledger_path));
    notifier->senders_.push_back(
        std::make_unique<Sender>(each, std::move(doors), *notifier->journal_,
                                 clock, notifier->journal_->state().instance));
  }
  notifier->OweAgain();
  return notifier;
}

Notifier::~Notifier() { Stop(); }

// What was owed when carbond ended.
void Notifier::OweAgain() {
  JournalState state = journal_->state();
  seen_ = std::move(state.live);
  for (const auto& [key, notices] : state.owed) {
    const auto sender =
        std::find_if(senders_.begin(), senders_.end(),
                     [&](const auto& each) { return each->key() == key; });
    const bool known = sender != senders_.end();
    if (!known && !notices.empty()) {
      spdlog::warn(
          "notify {}: no longer in the configuration; its {} notices that "
          "waited are dropped",
          key, notices.size());
    }
    for (const auto& [notice, since] : notices) {
      known ? (*sender)->Add({notice, since}) : journal_->Settle(key, notice);
    }
  }
  for (const auto& [job, seen] : seen_) news_.jobs.insert(job);
}

void Notifier::Start() {
  for (const auto& sender : senders_) sender->Start();
  thread_ = std::thread([this] { Run(); });
}

void Notifier::Stop() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
  for (const auto& sender : senders_) sender->Stop();
}

std::vector<NotifyReport> Notifier::Report() const {
  std::vector<NotifyReport> reports;
  for (const auto& sender : senders_) reports.push_back(sender->Report());
  return reports;
}

// ---- The engine's thread ---------------------------------------------------

void Notifier::Heed(const Batch& batch) {
  News news;
  for (const Event& event : batch.events) {
    if (std::holds_alternative<Submitted>(event.fact)) {
      news.next = std::max(news.next, After(event.job));
    } else if (std::holds_alternative<RunStarted>(event.fact) ||
               std::holds_alternative<RunEnded>(event.fact)) {
      news.jobs.insert(event.job);
    }
  }
  for (const Job* job : batch.jobs) {
    if (job->state == State::kDone) news.jobs.insert(job->id);
  }
  for (const PlanRecord& plan : batch.plans) {
    if (plan.plan.late) news.jobs.insert(plan.job);
  }
  if (news.empty()) return;
  {
    std::lock_guard lock(mutex_);
    news_.next = std::max(news_.next, news.next);
    news_.jobs.merge(news.jobs);
  }
  changed_.notify_one();
}

// ---- The thread ------------------------------------------------------------

void Notifier::Run() {
  pthread_setname_np(pthread_self(), "notices");
  while (std::optional<News> news = Collect()) {
    const JobId first = journal_->SawNewJobs(news->next);
    for (JobId id = first; id < news->next; id = After(id)) {
      seen_.try_emplace(id);
    }
    for (const JobId job : news->jobs) Look(job);
  }
}

std::optional<Notifier::News> Notifier::Collect() {
  std::unique_lock lock(mutex_);
  // What could not be looked at is not asked for at once again.
  if (in_trouble_) changed_.wait_for(lock, kRest, [this] { return stop_; });
  changed_.wait(lock, [this] { return stop_ || !news_.empty(); });
  if (stop_) return std::nullopt;
  return std::exchange(news_, News{});
}

void Notifier::Look(JobId id) {
  const auto known = seen_.find(id);
  if (known == seen_.end()) return;  // its end was seen
  const Result<JobRecord> record = reader_->Get(id);
  if (!record.ok()) return LookAgainLater(id, record.status());
  const Job& job = record->job;
  SeenOfJob& seen = known->second;
  const auto events = reader_->EventsOf(id, seen.seq);
  if (!events.ok()) return LookAgainLater(id, events.status());
  if (std::exchange(in_trouble_, false)) {
    spdlog::info("notify: the ledger can be read again");
  }

  const std::vector<Notice> notices = NoticesOf(
      job, *events, record->plan ? &record->plan->plan : nullptr, seen);
  const Instant now = SystemClock::RealNow();
  std::vector<std::pair<std::string, Owed>> owed;
  std::vector<std::pair<Sender*, Owed>> to_send;
  for (const Notice& notice : notices) {
    seen.late |= notice.kind == NoticeKind::kLate;
    for (const auto& sender : senders_) {
      if (!sender->Wants(notice, job.spec)) continue;
      owed.emplace_back(sender->key(), Owed{notice, now});
      to_send.emplace_back(sender.get(), Owed{notice, now});
    }
  }
  seen.seq = std::max(seen.seq, job.last_seq);
  const bool done = job.state == State::kDone;
  if (done || !notices.empty()) journal_->Saw(id, seen, done, owed);
  if (done) seen_.erase(known);
  for (const auto& [sender, each] : to_send) sender->Add(each);
}

void Notifier::LookAgainLater(JobId id, const Status& why) {
  if (absl::IsNotFound(why)) {  // of a ledger that was restored
    journal_->Saw(id, {}, true, {});
    seen_.erase(id);
    return;
  }
  if (!std::exchange(in_trouble_, true)) {
    spdlog::warn("notify: {}; trying again", Message(why));
  }
  std::lock_guard lock(mutex_);
  news_.jobs.insert(id);
}

}  // namespace carbond
