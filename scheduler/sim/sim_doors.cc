#include "scheduler/sim/sim_doors.h"

#include <algorithm>

namespace carbond {

// ---- Grid -----------------------------------------------------------------

void SimGrid::AddForecast(Forecast forecast) {
  const auto at = std::upper_bound(waiting_.begin(), waiting_.end(), forecast,
                                   [](const Forecast& a, const Forecast& b) {
                                     return a.issued_at < b.issued_at;
                                   });
  waiting_.insert(at, std::move(forecast));
}

void SimGrid::SetActual(const std::string& zone, Series actual,
                        std::string signal) {
  actual_[zone] = {std::move(actual), std::move(signal), Instant()};
}

GridNews SimGrid::Poll(Instant now) {
  GridNews news;
  if (down_) return news;
  while (!waiting_.empty() && waiting_.front().issued_at <= now) {
    Forecast forecast = std::move(waiting_.front());
    waiting_.erase(waiting_.begin());
    forecast.fetched_at = now;
    std::erase_if(news.forecasts, [&](const Forecast& older) {
      return older.zone == forecast.zone;
    });
    news.forecasts.push_back(std::move(forecast));
  }
  for (auto& [zone, actual] : actual_) {
    std::vector<Slot> ended;
    for (const Slot& slot : actual.series.slots()) {
      if (slot.interval.end > now) break;
      if (slot.interval.begin >= actual.told_until) ended.push_back(slot);
    }
    if (ended.empty()) continue;
    actual.told_until = ended.back().interval.end;
    news.observed.push_back({zone, "sim", actual.signal, now, actual.told_until,
                             *Series::Make(std::move(ended))});
  }
  return news;
}

std::optional<Instant> SimGrid::NextNews(Instant now) {
  if (down_) return now + minutes(10);
  Instant next = Instant::Never();
  if (!waiting_.empty()) next = waiting_.front().issued_at;
  for (const auto& [zone, actual] : actual_) {
    for (const Slot& slot : actual.series.slots()) {
      if (slot.interval.end <= now) continue;
      next = std::min(next, slot.interval.end);
      break;
    }
  }
  if (next == Instant::Never()) return std::nullopt;
  return std::max(next, now + Duration(1));
}

// ---- Executor -------------------------------------------------------------

bool SimExecutor::Fails() {
  return failure_ > 0 &&
         std::uniform_real_distribution<double>(0, 1)(random_) < failure_;
}

Status SimExecutor::MaybeFail(const char* what) {
  return Fails() ? Trouble("the simulated world could not {}", what) : Ok();
}

Status SimExecutor::Check(const JobSpec& spec, const std::string&) {
  const auto refused = refused_.find(spec.command.front());
  return refused == refused_.end() ? Ok() : refused->second;
}

Status SimExecutor::Start(const StartOrder& order) {
  if (processes_.contains(order.id)) return Ok();
  CARBOND_RETURN_IF_ERROR(MaybeFail("start"));
  Process process;
  process.id = order.id;
  process.region = order.region;
  process.need = order.spec.need;
  const auto behaviour = behaviours_.find(order.id.job);
  process.behaviour.work = order.spec.duration;
  process.behaviour.restore = order.spec.resume_cost;
  process.behaviour.save = order.spec.checkpoint_cost;
  if (behaviour != behaviours_.end()) process.behaviour = behaviour->second;
  process.began = clock_.Now();
  if (const auto queue = queues_.find(order.region); queue != queues_.end()) {
    process.queued = true;
    process.began =
        std::max(process.began, order.not_before.value_or(Instant())) +
        Duration(std::uniform_int_distribution<int64_t>(
            0, queue->second.longest.count())(queue_random_));
  }
  const std::string& entry = order.spec.entry.number;
  if (ended_entries_.contains(entry)) {
    process.queued = false;
    process.never_began = true;
    process.ended_at = clock_.Now();
  } else if (const auto gone = let_go_.find(entry); gone != let_go_.end()) {
    process.queued = !process.need.Fits(queues_.at(order.region).capacity);
    process.began = gone->second;
  }
  process.counted_until = process.began;
  if (order.resume) process.restore_left = process.behaviour.restore;
  process.restore_left += order.move.time;
  process.progress = &progress_[order.id.job];
  *process.progress = order.resume ? saved_[order.id.job] : Duration(0);
  if (process.queued) queued_.insert(order.id);
  NoteEnd(processes_.emplace(order.id, std::move(process)).first->second);
  ++starts_;
  // Done, though the answer is lost.
  return MaybeFail("say that it started");
}

// When it ends if nobody does anything: the same instant whenever it is asked,
// since work and time go on together.
Instant SimExecutor::EndOf(const Process& process) const {
  if (process.ended_at || process.lost || process.suspended || process.queued) {
    return Instant::Never();
  }
  Instant crash_at = Instant::Never();
  if (process.behaviour.crashes_after && !crashed_.contains(process.id.job)) {
    crash_at = process.began + *process.behaviour.crashes_after;
  }
  // Work stands still while it saves.
  const Instant leaves_at =
      process.leaves_at.value_or(process.counted_until + process.restore_left +
                                 process.behaviour.work - *process.progress);
  return std::min(crash_at, leaves_at);
}

void SimExecutor::NoteEnd(Process& process) {
  if (process.ends_at) ends_.erase({*process.ends_at, process.id});
  process.ends_at.reset();
  const Instant end = EndOf(process);
  if (end == Instant::Never()) return;
  process.ends_at = end;
  ends_.emplace(end, process.id);
}

void SimExecutor::Advance(Process& process) {
  if (process.ended_at || process.lost || process.queued) return;
  const Instant now = clock_.Now();
  const JobId job = process.id.job;
  if (process.suspended) {
    process.counted_until = now;
    return;
  }
  const Instant end = EndOf(process);
  if (end > now) {
    const Duration gone = now - process.counted_until;
    const Duration restoring = std::min(process.restore_left, gone);
    process.restore_left -= restoring;
    if (!process.leaves_at) *process.progress += gone - restoring;
    process.counted_until = now;
    return;
  }
  process.ended_at = end;
  process.counted_until = end;
  if (process.behaviour.crashes_after && !crashed_.contains(job) &&
      end == process.began + *process.behaviour.crashes_after) {
    crashed_.insert(job);
    process.exit_code = 1;
  } else if (process.leaves_at) {
    saved_[job] = *process.progress;
    process.exit_code = kCheckpointExitCode;
  } else {
    *process.progress = process.behaviour.work;
    process.exit_code = process.behaviour.exit_code;
  }
}

SimExecutor::Process* SimExecutor::Find(ProcessId id) {
  const auto it = processes_.find(id);
  if (it == processes_.end()) return nullptr;
  Advance(it->second);
  return &it->second;
}

Status SimExecutor::Suspend(ProcessId id) {
  CARBOND_RETURN_IF_ERROR(MaybeFail("suspend"));
  Process* process = Find(id);
  if (process == nullptr) return Missing("no such process");
  process->suspended = !process->ended_at;
  NoteEnd(*process);
  return Ok();
}

Status SimExecutor::Continue(ProcessId id) {
  CARBOND_RETURN_IF_ERROR(MaybeFail("continue"));
  Process* process = Find(id);
  if (process == nullptr) return Missing("no such process");
  if (process->suspended) process->restore_left = process->behaviour.restore;
  process->suspended = false;
  NoteEnd(*process);
  return Ok();
}

Status SimExecutor::Checkpoint(ProcessId id, int attempt) {
  CARBOND_RETURN_IF_ERROR(MaybeFail("send a signal"));
  Process* process = Find(id);
  if (process == nullptr) return Missing("no such process");
  if (attempt <= process->attempts || process->ended_at) return Ok();
  process->attempts = attempt;
  if (!process->behaviour.ignores_signal) {
    process->leaves_at = clock_.Now() + process->behaviour.save;
  }
  NoteEnd(*process);
  return Ok();
}

Status SimExecutor::Stop(ProcessId id) {
  CARBOND_RETURN_IF_ERROR(MaybeFail("stop"));
  Process* process = Find(id);
  if (process == nullptr) return Missing("no such process");
  if (process->queued) {
    Forget(id);
    return Ok();
  }
  if (!process->ended_at) {
    process->ended_at = clock_.Now();
    process->signal = 15;
  }
  NoteEnd(*process);
  return Ok();
}

Status SimExecutor::Recall(ProcessId id) {
  CARBOND_RETURN_IF_ERROR(MaybeFail("take back"));
  LeaveQueues();
  const Process* process = Find(id);
  if (process != nullptr && process->queued) Forget(id);
  return Ok();
}

void SimExecutor::Lose(ProcessId id) {
  Process* process = Find(id);
  if (process == nullptr || process->ended_at) return;
  process->lost = true;
  process->ended_at = clock_.Now();
  NoteEnd(*process);
}

std::vector<Sight> SimExecutor::Observe(std::span<const ProcessId> ids) {
  std::vector<Sight> sights;
  sights.reserve(ids.size());
  LeaveQueues();
  for (const ProcessId& id : ids) {
    Sight sight;
    if (Fails()) {
      sights.push_back(sight);
      continue;
    }
    const Process* found = Find(id);
    if (found == nullptr) {
      sight.what = Sight::What::kAbsent;
      sights.push_back(sight);
      continue;
    }
    const Process& process = *found;
    if (process.queued) {
      sight.what = Sight::What::kStarting;
      sights.push_back(sight);
      continue;
    }
    if (process.never_began) {
      sight.what = Sight::What::kEnded;
      sight.because = RunEnd::kCancelled;
      sight.ended_at = *process.ended_at;
      sights.push_back(sight);
      continue;
    }
    sight.began_at = process.began;
    sight.what =
        process.suspended ? Sight::What::kSuspended : Sight::What::kRunning;
    if (process.ended_at) {
      sight.what = process.lost ? Sight::What::kLost : Sight::What::kEnded;
      sight.ended_at = *process.ended_at;
      if (process.signal) {
        sight.signal = process.signal;
      } else if (!process.lost) {
        sight.exit_code = process.exit_code;
      }
    }
    sight.ready = true;
    if (process.behaviour.reports_progress) {
      sight.fraction = static_cast<double>(process.progress->count()) /
                       static_cast<double>(std::max<int64_t>(
                           process.behaviour.work.count(), 1));
    }
    sights.push_back(std::move(sight));
  }
  return sights;
}

void SimExecutor::Forget(ProcessId id) {
  const auto it = processes_.find(id);
  if (it == processes_.end()) return;
  if (it->second.ends_at) ends_.erase({*it->second.ends_at, id});
  queued_.erase(id);
  processes_.erase(it);
}

// Who may begin by now does so where there is room.
void SimExecutor::LeaveQueues() {
  const std::set<ProcessId> queued = queued_;
  for (const ProcessId id : queued) {
    Process& process = processes_.at(id);
    if (clock_.Now() < process.began) continue;
    Resources used = process.need;
    used += Used(process.region);
    if (!used.Fits(queues_.at(process.region).capacity)) continue;
    process.queued = false;
    process.began = process.counted_until = clock_.Now();
    queued_.erase(id);
    NoteEnd(process);
  }
}

Standing SimExecutor::StandingOf(const JobSpec& spec) {
  if (Fails()) return {};
  const std::string& entry = spec.entry.number;
  if (ended_entries_.contains(entry)) return {Standing::What::kMoved, {}};
  const auto gone = let_go_.find(entry);
  if (gone == let_go_.end()) return {Standing::What::kHeld, {}};
  return {Standing::What::kMoved, gone->second};
}

Status SimExecutor::Withdraw(const JobSpec& spec) {
  CARBOND_RETURN_IF_ERROR(MaybeFail("withdraw"));
  ended_entries_.insert(spec.entry.number);
  return Ok();
}

std::optional<Room> SimExecutor::RoomIn(const std::string& region) {
  const auto room = rooms_.find(region);
  if (room == rooms_.end()) return std::nullopt;
  return room->second;
}

int SimExecutor::Live(JobId job) {
  LeaveQueues();
  int live = 0;
  for (auto& [id, process] : processes_) {
    Advance(process);
    if (id.job == job && !process.ended_at && !process.queued) ++live;
  }
  return live;
}

Resources SimExecutor::Used(const std::string& region) {
  Resources used;
  for (auto& [id, process] : processes_) {
    Advance(process);
    const bool there = !process.ended_at && !process.queued;
    if (there && process.region == region) used += process.need;
  }
  return used;
}

std::optional<Instant> SimExecutor::NextEnd() const {
  std::optional<Instant> next;
  for (const auto& [end, id] : ends_) {
    if (end <= clock_.Now()) continue;  // it has ended
    next = end;
    break;
  }
  for (const ProcessId id : queued_) {
    const Instant begins = processes_.at(id).began;
    if (begins > clock_.Now()) next = std::min(next.value_or(begins), begins);
  }
  return next;
}

// ---- Meter ----------------------------------------------------------------

Meter::Power SimMeter::Expected(const Resources& need, const std::string&) {
  return {Watts::Of(300.0 * need.gpus + 10.0 * need.cpus),
          Watts::Of(30.0 * need.gpus + 1.0 * need.cpus)};
}

Result<Meter::Measured> SimMeter::Read(const Job& job, const Run&,
                                       const Span& span) {
  const Watts power =
      span.purpose == Purpose::kIdle ? job.spec->idle_power : job.spec->power;
  return Measured{power * (span.interval.end - span.since) -
                      power * (span.interval.begin - span.since),
                  EnergySource::kModelled};
}

}  // namespace carbond
