#include "daemon/exec/slurm/cluster.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

namespace carbond {
namespace {

constexpr Duration kAnswering = seconds(1);  // what Slurm usually takes at most

bool SameSight(const Sight& a, const Sight& b) {
  return a.what == b.what && a.ready == b.ready && a.fraction == b.fraction &&
         a.checkpoint == b.checkpoint;
}

}  // namespace

SlurmCluster::Held::Held(const std::string& directory)
    : dir(directory),
      work(directory),
      progress(directory + '/' + kProgressFile) {}

SlurmCluster::SlurmCluster(SlurmOptions options, std::string conf,
                           std::map<std::string, SlurmPlace> places,
                           std::function<void()> wake, OnHeld on_held)
    : options_(std::move(options)),
      conf_(std::move(conf)),
      places_(std::move(places)),
      environment_(options_.environment),
      wake_(std::move(wake)),
      hand_in_(std::move(on_held)) {
  if (!conf_.empty()) environment_["SLURM_CONF"] = conf_;
  thread_ = std::thread([this] { Run(); });
}

SlurmCluster::~SlurmCluster() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

// ---- For the engine's thread ------------------------------------------------

void SlurmCluster::Start(const StartOrder& order, const SlurmPlace& place,
                         const SlurmTimes& times) {
  const std::lock_guard lock(mutex_);
  Errand& errand = errands_[order.id];
  errand.start = order;
  errand.place = place;
  errand.times = times;
  if (order.spec.adopted()) errand.was_held = Unwatch(order.spec.entry);
  // Not absent any more, or the engine would ask again at once.
  sights_[order.id].what = Sight::What::kStarting;
  changed_.notify_all();
}

void SlurmCluster::Want(ProcessId id, Change change) {
  const std::lock_guard lock(mutex_);
  errands_[id].changes.push_back(std::move(change));
  changed_.notify_all();
}

Sight SlurmCluster::Look(ProcessId id) {
  const std::lock_guard lock(mutex_);
  const auto [found, is_new] = sights_.try_emplace(id);  // kUnknown
  if (is_new) {
    errands_[id];
    changed_.notify_all();
  }
  const auto until = runs_until_.find(id);
  if (until != runs_until_.end() && Now() > until->second) return Sight();
  return found->second;
}

void SlurmCluster::Forget(ProcessId id) {
  const std::lock_guard lock(mutex_);
  sights_.erase(id);
  runs_until_.erase(id);
  errands_[id].forget = true;
  changed_.notify_all();
}

// ---- The cluster's thread ---------------------------------------------------

std::string SlurmCluster::NameOf(ProcessId id) const {
  return fmt::format("carbond.{}.{}.{}", options_.instance, Number(id.job),
                     id.process);
}

std::string SlurmCluster::DirOf(ProcessId id) const {
  return fmt::format("{}/slurm/{}.{}", options_.shared_dir, Number(id.job),
                     id.process);
}

void SlurmCluster::Run() {
  // Half a heartbeat: an end is seen soon, and storage is not worn out.
  const auto pause =
      std::chrono::milliseconds(options_.patience.heartbeat.count() / 2);
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    std::map<ProcessId, Errand> errands;
    errands.swap(errands_);
    lock.unlock();
    for (auto& [id, errand] : errands) {
      if (stopping_) return;  // the engine asks again when it is back
      Do(id, errand);
    }
    // Each question may go unanswered for long: then no other is asked before
    // the directories were looked at, where runs go on without Slurm.
    if (WantsQueue()) ReadQueue();
    const bool entries_changed = MayAsk() && WantsEntries() && ReadEntries();
    const bool rooms_read = MayAsk() && Now() >= next_rooms_ && ReadRooms();
    const bool rooms_changed = CloseRooms() || rooms_read;
    TellAnswers();
    if (LookAtAll() || rooms_changed || entries_changed) wake_();
    lock.lock();
    std::chrono::milliseconds wait(std::max<int64_t>(
        0, (std::max(next_rooms_, quiet_until_) - Now()).count()));
    if (!held_.empty() || !watched_.empty()) wait = std::min(wait, pause);
    changed_.wait_for(lock, wait, [&] {
      return stopping_ || !errands_.empty() || (look_soon_ && MayAsk());
    });
  }
}

// ---- Looking ----------------------------------------------------------------

bool SlurmCluster::WantsQueue() const {
  const bool any = std::ranges::any_of(held_, [](const auto& each) {
    return each.second.facts.submitted && !each.second.final &&
           !each.second.is_entry();
  });
  return any && MayAsk() && Now() >= next_queue_;
}

bool SlurmCluster::WantsEntries() {
  const std::lock_guard lock(mutex_);
  return look_soon_ || Now() >= next_entries_;
}

// What an earlier daemon left.
Status SlurmCluster::ReadFirst(Held& held) {
  if (held.read) return Ok();
  const auto trouble = [&](const char* file, int error) {
    return Trouble("cannot read {}/{}: {}", held.dir, file,
                   std::strerror(error));
  };
  const auto submission = ReadRecord(held.dir, kSubmissionFile);
  if (submission.error != 0) return trouble(kSubmissionFile, submission.error);
  if (submission.value) {
    const auto conf = submission.value->find("conf");
    if (conf == submission.value->end() || conf->second == conf_) {
      CARBOND_RETURN_IF_ERROR(ReadEntryFirst(held, *submission.value));
      CARBOND_RETURN_IF_ERROR(ReadOwner(held, *submission.value));
      if (!held.is_entry()) {
        auto sbatch = ReadTexts(held.dir, kSbatchFile);
        if (!sbatch.value) return trouble(kSbatchFile, sbatch.error);
        held.sbatch = std::move(*sbatch.value);
      }
      const auto orders = ReadOrders(held.dir);
      if (orders.error != 0) return trouble(kOrdersFile, orders.error);
      held.facts.orders = orders.value.value_or(Orders());
      held.facts.submitted = true;
      held.asked_at = Now();  // at the latest
    }
  }
  held.heartbeat_changed = Now();
  held.read = true;
  return Ok();
}

Status SlurmCluster::ReadDirectory(Held& held) {
  CARBOND_ASSIGN_OR_RETURN(const auto as_owner, AsOwner(held));
  const auto trouble = [&](int error) {
    return Trouble("{}: {}", held.work, std::strerror(error));
  };
  // Who shuts his own folder has his run taken for silent: not for unknown, or
  // it would keep its place for ever.
  const auto shut = [&](int error) {
    return held.user && (error == EACCES || error == EPERM || error == ENOTDIR);
  };
  RunFacts& facts = held.facts;
  if (!facts.started) {
    auto started = ReadStarted(held.work);
    if (started.error != 0 && !shut(started.error)) {
      return trouble(started.error);
    }
    if (!started.value) return Ok();
    facts.started = std::move(started.value);
    held.heartbeat_changed = Now();
  }
  if (!facts.job || facts.job->before) {
    auto job = ReadJob(held.work);
    if (job.error != 0 && !shut(job.error)) return trouble(job.error);
    if (job.value) facts.job = std::move(job.value);
  }
  const auto suspended = IsSuspended(held.work);
  if (suspended.error != 0 && !shut(suspended.error)) {
    return trouble(suspended.error);
  }
  facts.suspended = suspended.value.value_or(facts.suspended);
  const auto heartbeat = ReadHeartbeat(held.work);
  if (heartbeat.error != 0 && !shut(heartbeat.error)) {
    return trouble(heartbeat.error);
  }
  if (heartbeat.value && heartbeat.value != facts.heartbeat_ms) {
    facts.heartbeat_ms = heartbeat.value;
    held.heartbeat_changed = Now();
  }
  facts.silent = Now() - held.heartbeat_changed;
  facts.progress = held.progress.Look();
  // Last: its end is written after all else.
  auto exit = ReadExit(held.work);
  if (exit.error != 0 && !shut(exit.error)) return trouble(exit.error);
  if (exit.value && !facts.exit) held.exit_seen = Now();
  facts.exit = std::move(exit.value);
  if (facts.exit) facts.exit_for = Now() - held.exit_seen;
  return Ok();
}

// Before an end or a suspension is seen, all of what was drawn until then is.
void SlurmCluster::ReadEnergy(ProcessId id, Held& held) {
  const RunFacts& facts = held.facts;
  if (options_.board == nullptr || !facts.started) return;
  const bool changed =
      facts.exit || facts.suspended != held.suspended_by_energy;
  if (!changed && Now() < held.next_energy) return;
  held.suspended_by_energy = facts.suspended;
  held.next_energy = Now() + options_.energy;
  const auto as_owner = AsOwner(held);
  if (!as_owner.ok()) return;  // told by the look at the rest
  if (auto log = ReadEnergyLog(held.work)) {
    options_.board->Put(id, *std::move(log));
  }
}

void SlurmCluster::ReadRow(ProcessId id, Held& held) {
  RunFacts& facts = held.facts;
  facts.queue_known = queue_at_ && held.asked_at && *queue_at_ > *held.asked_at;
  if (!facts.queue_known) return;
  facts.since_asked = *queue_at_ - *held.asked_at;
  facts.row.reset();
  if (const auto row = queue_.find(NameOf(id)); row != queue_.end()) {
    facts.row = row->second;
  }
  if (!facts.row || StageOf(*facts.row) != SlurmStage::kOver) {
    held.over_since.reset();
  } else if (!held.over_since) {
    held.over_since = Now();
  }
  facts.over_for = held.over_since ? Now() - *held.over_since : Duration(0);
}

Sight SlurmCluster::LookAt(ProcessId id, Held& held) {
  Sight unknown;
  if (const Status read = ReadFirst(held); !read.ok()) {
    unknown.detail = Message(read);
    return unknown;
  }
  if (!held.facts.submitted) {  // or by another cluster than this
    // Handed in again at once, what could not be prepared could not be now.
    if (held.retry_at && Now() < *held.retry_at) return unknown;
    unknown.what = Sight::What::kAbsent;
    return unknown;
  }
  if (held.is_entry()) return LookAtEntry(id, held);
  if (const Status read = ReadDirectory(held); !read.ok()) {
    unknown.detail = Message(read);
    return unknown;
  }
  ReadEnergy(id, held);
  ReadRow(id, held);
  RunVerdict verdict = Judge(held.facts, options_.patience);
  if (verdict.next == RunVerdict::Next::kSubmit &&
      (!held.retry_at || Now() >= *held.retry_at)) {
    Submit(id, held);
  }
  if (verdict.next == RunVerdict::Next::kAbandon) {
    Orders orders = held.facts.orders;
    orders.abandon = true;
    Order(id, held, orders);
    // Another run may follow only once this one is told to stay away.
    if (!held.facts.orders.abandon) return unknown;
    Cancel(id, held, held.facts.orders);
  }
  // A stop of what still waits may have been overheard; asked for once per
  // reading of the queue.
  if (!held.facts.started && held.facts.row &&
      StageOf(*held.facts.row) != SlurmStage::kOver &&
      held.cancelled_at != queue_at_) {
    held.cancelled_at = queue_at_;
    Cancel(id, held, held.facts.orders);
  }
  using What = Sight::What;
  held.final =
      verdict.sight.what == What::kEnded || verdict.sight.what == What::kLost;
  return std::move(verdict.sight);
}

bool SlurmCluster::LookAtAll() {
  bool changed = false;
  for (auto& [id, held] : held_) {
    if (held.final) continue;
    Sight sight = LookAt(id, held);
    Say(id, held, sight);
    const std::lock_guard lock(mutex_);
    const auto known = sights_.find(id);
    if (known == sights_.end()) continue;  // forgotten meanwhile
    // Asked for again since: that it was absent is no news any more.
    if (const auto errand = errands_.find(id);
        errand != errands_.end() && errand->second.start) {
      continue;
    }
    changed = changed || !SameSight(known->second, sight);
    if (held.is_entry() && sight.what == Sight::What::kRunning) {
      runs_until_[id] = *entries_at_ + options_.poll + kAnswering;
    } else {
      runs_until_.erase(id);
    }
    known->second = std::move(sight);
  }
  return changed;
}

void SlurmCluster::Say(ProcessId id, Held& held, const Sight& sight) {
  if (sight.detail.empty() || sight.detail == held.told) return;
  held.told = sight.detail;
  spdlog::info("job {} run {}: {}", Number(id.job), id.process, sight.detail);
}

}  // namespace carbond
