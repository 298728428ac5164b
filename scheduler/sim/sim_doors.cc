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
  process.order = order;
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
  process.counted_until = process.began;
  if (order.resume) process.restore_left = process.behaviour.restore;
  process.restore_left += order.move.time;
  process.progress = &progress_[order.id.job];
  *process.progress = order.resume ? saved_[order.id.job] : Duration(0);
  processes_.emplace(order.id, std::move(process));
  ++starts_;
  // Done, though the answer is lost.
  return MaybeFail("say that it started");
}

// Lets a process live up to the clock.
void SimExecutor::Advance(Process& process) {
  if (process.ended_at || process.lost || process.queued) return;
  const Instant now = clock_.Now();
  const JobId job = process.order.id.job;
  if (process.suspended) {
    process.counted_until = now;
    return;
  }
  Instant at = process.counted_until;
  const auto end = [&](Instant when, int code) {
    process.ended_at = when;
    process.exit_code = code;
  };
  const Duration restoring = std::min(process.restore_left, now - at);
  process.restore_left -= restoring;
  at += restoring;
  const Duration left = process.behaviour.work - *process.progress;
  const Instant done_at = at + left;
  Instant crash_at = Instant::Never();
  if (process.behaviour.crashes_after && !crashed_.contains(job)) {
    crash_at = process.began + *process.behaviour.crashes_after;
  }
  const Instant leaves_at = process.leaves_at.value_or(Instant::Never());
  const Instant first =
      std::min({process.restore_left > Duration(0) ? Instant::Never() : done_at,
                crash_at, leaves_at});
  if (first > now) {
    // Work stands still while it saves.
    if (!process.leaves_at) *process.progress += now - at;
    process.counted_until = now;
    return;
  }
  if (first == crash_at) {
    crashed_.insert(job);
    end(crash_at, 1);
  } else if (first == done_at && !process.leaves_at) {
    *process.progress = process.behaviour.work;
    end(done_at, process.behaviour.exit_code);
  } else {
    saved_[job] = *process.progress;
    end(leaves_at, kCheckpointExitCode);
  }
  process.counted_until = *process.ended_at;
}

void SimExecutor::AdvanceAll() {
  for (auto& [id, process] : processes_) Advance(process);
  for (auto& [id, process] : processes_) LeaveQueue(process);
}

void SimExecutor::LeaveQueue(Process& process) {
  if (!process.queued || clock_.Now() < process.began) return;
  Resources used = process.order.spec.need;
  for (const auto& [id, other] : processes_) {
    if (other.queued || other.ended_at) continue;
    if (other.order.region == process.order.region) {
      used += other.order.spec.need;
    }
  }
  if (!used.Fits(queues_.at(process.order.region).capacity)) return;
  process.queued = false;
  process.began = process.counted_until = clock_.Now();
}

Status SimExecutor::Suspend(ProcessId id) {
  AdvanceAll();
  CARBOND_RETURN_IF_ERROR(MaybeFail("suspend"));
  const auto it = processes_.find(id);
  if (it == processes_.end()) return Missing("no such process");
  it->second.suspended = !it->second.ended_at;
  return Ok();
}

Status SimExecutor::Continue(ProcessId id) {
  AdvanceAll();
  CARBOND_RETURN_IF_ERROR(MaybeFail("continue"));
  const auto it = processes_.find(id);
  if (it == processes_.end()) return Missing("no such process");
  Process& process = it->second;
  if (process.suspended) process.restore_left = process.behaviour.restore;
  process.suspended = false;
  return Ok();
}

Status SimExecutor::Checkpoint(ProcessId id, int attempt) {
  AdvanceAll();
  CARBOND_RETURN_IF_ERROR(MaybeFail("send a signal"));
  const auto it = processes_.find(id);
  if (it == processes_.end()) return Missing("no such process");
  Process& process = it->second;
  if (attempt <= process.attempts || process.ended_at) return Ok();
  process.attempts = attempt;
  if (!process.behaviour.ignores_signal) {
    process.leaves_at = clock_.Now() + process.behaviour.save;
  }
  return Ok();
}

Status SimExecutor::Stop(ProcessId id) {
  AdvanceAll();
  CARBOND_RETURN_IF_ERROR(MaybeFail("stop"));
  const auto it = processes_.find(id);
  if (it == processes_.end()) return Missing("no such process");
  if (it->second.queued) {
    processes_.erase(it);
  } else if (!it->second.ended_at) {
    it->second.ended_at = clock_.Now();
    it->second.signal = 15;
  }
  return Ok();
}

Status SimExecutor::Recall(ProcessId id) {
  AdvanceAll();
  CARBOND_RETURN_IF_ERROR(MaybeFail("take back"));
  const auto it = processes_.find(id);
  if (it != processes_.end() && it->second.queued) processes_.erase(it);
  return Ok();
}

void SimExecutor::Lose(ProcessId id) {
  AdvanceAll();
  const auto it = processes_.find(id);
  if (it != processes_.end() && !it->second.ended_at) {
    it->second.lost = true;
    it->second.ended_at = clock_.Now();
  }
}

std::vector<Sight> SimExecutor::Observe(std::span<const ProcessId> ids) {
  AdvanceAll();
  std::vector<Sight> sights;
  sights.reserve(ids.size());
  for (const ProcessId& id : ids) {
    Sight sight;
    if (Fails()) {
      sights.push_back(sight);
      continue;
    }
    const auto it = processes_.find(id);
    if (it == processes_.end()) {
      sight.what = Sight::What::kAbsent;
      sights.push_back(sight);
      continue;
    }
    const Process& process = it->second;
    if (process.queued) {
      sight.what = Sight::What::kStarting;
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
    sights.push_back(sight);
  }
  return sights;
}

void SimExecutor::Forget(ProcessId id) { processes_.erase(id); }

std::optional<Room> SimExecutor::RoomIn(const std::string& region) {
  const auto room = rooms_.find(region);
  if (room == rooms_.end()) return std::nullopt;
  return room->second;
}

int SimExecutor::Live(JobId job) {
  AdvanceAll();
  int live = 0;
  for (const auto& [id, process] : processes_) {
    if (id.job == job && !process.ended_at && !process.queued) ++live;
  }
  return live;
}

Resources SimExecutor::Used(const std::string& region) {
  AdvanceAll();
  Resources used;
  for (const auto& [id, process] : processes_) {
    if (!process.ended_at && !process.queued &&
        process.order.region == region) {
      used += process.order.spec.need;
    }
  }
  return used;
}

Duration SimExecutor::WorkDone(JobId job) const {
  const auto it = progress_.find(job);
  return it == progress_.end() ? Duration(0) : it->second;
}

std::optional<Instant> SimExecutor::NextEnd() {
  AdvanceAll();
  std::optional<Instant> next;
  const auto by = [&](Instant t) { next = next ? std::min(*next, t) : t; };
  for (const auto& [id, process] : processes_) {
    if (process.ended_at || process.suspended) continue;
    if (process.leaves_at) {
      by(*process.leaves_at);
      continue;
    }
    if (process.queued) {
      if (process.began > clock_.Now()) by(process.began);
      continue;
    }
    by(clock_.Now() + process.restore_left + process.behaviour.work -
       *process.progress);
    if (process.behaviour.crashes_after && !crashed_.contains(id.job)) {
      by(process.began + *process.behaviour.crashes_after);
    }
  }
  return next;
}

// ---- Meter ----------------------------------------------------------------

Meter::Power SimMeter::Expected(const Resources& need, const std::string&) {
  return {Watts::Of(300.0 * need.gpus + 10.0 * need.cpus),
          Watts::Of(30.0 * need.gpus + 1.0 * need.cpus)};
}

Result<Meter::Measured> SimMeter::Read(const Job& job, const Run&,
                                       Instant since, Interval interval,
                                       Purpose purpose) {
  const Watts power =
      purpose == Purpose::kIdle ? job.spec->idle_power : job.spec->power;
  return Measured{
      power * (interval.end - since) - power * (interval.begin - since),
      EnergySource::kModelled};
}

}  // namespace carbond
