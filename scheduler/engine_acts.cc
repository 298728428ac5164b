// The differences between the plans and the world become intents; once they
// are committed, acts.

#include <algorithm>
#include <utility>

#include "scheduler/engine.h"
#include "scheduler/engine_transaction.h"
#include "scheduler/occupancy.h"
#include "scheduler/plan_input.h"

namespace carbond {

const JobPlan* Engine::UsablePlan(JobId id) const {
  const auto track = tracks_.find(id);
  if (track == tracks_.end() || !track->second.plan_usable) return nullptr;
  return &track->second.plan->plan;
}

bool Engine::RanTooLong(const Job& job) const {
  if (!job.spec->time_limit) return false;
  const Run& run = job.runs.back();
  Duration ran = run.started_at && job.state == State::kRunning
                     ? now_ - *run.started_at
                     : Duration(0);
  for (const Run& each : job.runs) {
    if (each.started_at && each.ended_at) {
      ran += *each.ended_at - *each.started_at;
    }
  }
  return ran >= *job.spec->time_limit;
}

Occupancy Engine::OccupancyNow(const Transaction& t) const {
  Occupancy occupancy(now_);
  for (const auto& [id, live] : occupying_) {
    const Job& job = t.Now(*live);
    if (job.occupies()) occupancy.Add(job);
  }
  return occupancy;
}

void Engine::DecideOn(const Job& job, LazyOccupancy& occupancy,
                      Transaction& t) {
  if (job.occupies()) {
    const Run& run = job.runs.back();
    const bool too_long = RanTooLong(job);
    if ((!run.stop_why || run.stop_why == RunEnd::kRecalled) &&
        (job.cancel_requested || too_long)) {
      const RunEnd why =
          job.cancel_requested ? RunEnd::kCancelled : RunEnd::kTimeLimit;
      const Act act{Act::Kind::kStop, {job.id, run.process}, 0, run.number};
      t.Record(job.id, now_, StopIssued{run.number, why});
      t.Do(act);
      return;
    }
  }
  if (job.state == State::kRunning) {
    DecidePause(job, t);
  } else if (job.state == State::kWaiting || job.state == State::kPaused) {
    DecideStart(job, occupancy, t);
  } else if (InQueue(job)) {
    DecideRecall(job, t);
  }
}

void Engine::DecideStart(const Job& job, LazyOccupancy& occupancy,
                         Transaction& t) {
  const JobPlan* plan = UsablePlan(job.id);
  if (plan == nullptr || job.held || job.cancel_requested) return;
  if (plan->runs.empty()) return;
  if (HandOverAt(job, *tracks_.at(job.id).plan) > now_) return;
  // A door that could not start it gets time before it is asked again.
  if (!job.runs.empty() && job.runs.back().end == RunEnd::kNotStarted &&
      now_ < *job.runs.back().ended_at + options_.start_retry) {
    return;
  }
  const int number = static_cast<int>(job.runs.size()) + 1;
  if (job.in_memory()) {
    const Run& run = job.runs.back();
    if (run.stop_why) return;
    const ProcessId process{job.id, run.process};
    StartIssued intent{number,        run.region, run.process,
                       run.allotment, false,      {}};
    MeterUpTo(job.id, now_, t);
    t.Record(job.id, now_, std::move(intent));
    t.Do({Act::Kind::kContinue, process, 0, number});
    return;
  }
  const int index = RegionIndex(plan->region_name);
  if (index < 0) return;
  const Region& region = options_.regions[static_cast<size_t>(index)];
  if (region.drained) return;
  Interval first = plan->runs.front().interval;
  // A queue may have room for it sooner than others say.
  if (OthersHaveThePlace(region, job.spec->need) &&
      plan->reason == Reason::kNoCapacity) {
    first.begin = now_;
  }
  if (!occupancy) occupancy = OccupancyNow(t);
  std::optional<Allotment> allotment =
      occupancy->Allot(job, region, {std::max(first.begin, now_), first.end});
  if (!allotment) {
    // The plan counted on a place that is still taken; ahead of its time it
    // well may be.
    if (plan->runs.front().interval.begin <= now_) plan_due_ = true;
    return;
  }
  std::optional<Instant> not_before;
  if (first.begin > now_) not_before = first.begin;
  const JobId id = job.id;
  const std::string& data = DataRegion(job);
  DataMove move;
  if (data != region.name) move = MoveFrom(data, job.spec, options_.transfer);
  t.Record(id, now_,
           StartIssued{number, region.name, number, *std::move(allotment),
                       job.has_checkpoint, std::move(move), not_before});
  t.Do({Act::Kind::kStart, {id, number}, 0, number});
}

// A run that waits in a region's own queue comes back when its plan wants it
// elsewhere or at another time: the green hours may pass before it begins.
void Engine::DecideRecall(const Job& job, Transaction& t) {
  const Run& run = job.runs.back();
  if (!job.held) {
    // Its user's own job stays in line once its hour has come, or once he let
    // it go himself.
    if (job.spec->adopted() && !ComesLater(run, now_)) return;
    const JobPlan* plan = UsablePlan(job.id);
    if (plan == nullptr || plan->runs.empty()) return;
    const Instant made_at = tracks_.at(job.id).plan->made_at;
    const Instant planned =
        std::max(plan->runs.front().interval.begin, made_at);
    const Instant asked =
        std::max(run.not_before.value_or(run.issued_at), made_at);
    const bool stays =
        About(planned, asked) || plan->reason == Reason::kNoCapacity;
    if (plan->region_name == run.region && stays) return;
  }
  t.Record(job.id, now_, StopIssued{run.number, RunEnd::kRecalled});
  t.Do({Act::Kind::kRecall, {job.id, run.process}, 0, run.number});
}

// When the plan wants the job's run to be asked to pause; nothing if never.
std::optional<Instant> Engine::PauseAt(const Job& job) const {
  if (job.held) return now_;
  const auto track = tracks_.find(job.id);
  if (track == tracks_.end() || !track->second.plan_usable) return {};
  const PlanRecord& record = *track->second.plan;
  const JobPlan& plan = record.plan;
  if (plan.runs.empty()) return std::nullopt;
  // The plan has it run only later, or elsewhere.
  if (plan.region_name != job.runs.back().region) return now_;
  if (plan.runs.front().interval.begin > record.made_at) return now_;
  if (plan.runs.size() < 2) return std::nullopt;
  const Duration save = job.spec->pause == PauseMode::kCheckpoint
                            ? job.spec->checkpoint_cost
                            : Duration(0);
  return plan.runs.front().interval.end - save;
}

void Engine::DecidePause(const Job& job, Transaction& t) {
  const Run& run = job.runs.back();
  if (job.spec->pause == PauseMode::kNone || run.stop_why) return;
  const JobId id = job.id;
  const int number = run.number;
  if (run.pause_issued_at) {
    if (now_ < *run.pause_issued_at + job.spec->checkpoint_timeout) return;
    MeterUpTo(id, now_, t);
    t.Record(
        id, now_,
        PauseFailed{number,
                    fmt::format("it did not leave within {}",
                                FormatDuration(job.spec->checkpoint_timeout))});
    return;
  }
  const std::optional<Instant> at = PauseAt(job);
  if (!at || now_ < *at) return;
  if (now_ < PlanJobOf(job).may_pause_from && !MayPauseEarly(job)) return;
  const int attempt = run.pause_attempts + 1;
  const bool suspends = job.spec->pause == PauseMode::kSuspend;
  const Act act{suspends ? Act::Kind::kSuspend : Act::Kind::kCheckpoint,
                {id, run.process},
                attempt,
                number};
  const std::string why = job.held ? "its user paused it" : "cleaner hours";
  MeterUpTo(id, now_, t);
  t.Record(id, now_, PauseIssued{number, attempt, why});
  t.Do(act);
}

// A user's own pause does not wait for the minimum run, only for a process that
// can take the signal.
bool Engine::MayPauseEarly(const Job& job) const {
  if (!job.held) return false;
  const Run& run = job.runs.back();
  if (run.pause_failed_at &&
      now_ < *run.pause_failed_at + options_.pause_retry) {
    return false;
  }
  return job.spec->pause == PauseMode::kSuspend || run.ready;
}

// ---- Act ------------------------------------------------------------------

Status Engine::Do(const std::vector<Act>& acts) {
  for (const Act& act : acts) CARBOND_RETURN_IF_ERROR(DoOne(act));
  return Ok();
}

Status Engine::DoOne(const Act& act) {
  Executor& executor = doors_.executor;
  Status done;
  switch (act.kind) {
    case Act::Kind::kStart:
      return StartRun(act);
    case Act::Kind::kForget:
      executor.Forget(act.id);
      break;
    case Act::Kind::kContinue:
      done = executor.Continue(act.id);
      break;
    case Act::Kind::kSuspend:
      done = executor.Suspend(act.id);
      break;
    case Act::Kind::kStop:
      done = executor.Stop(act.id);
      break;
    case Act::Kind::kRecall:
      done = executor.Recall(act.id);
      break;
    case Act::Kind::kWithdraw:
      if (const auto job = live_.find(act.id.job); job != live_.end()) {
        done = executor.Withdraw(job->second.spec);
      }
      break;
    case Act::Kind::kCheckpoint:
      done = executor.Checkpoint(act.id, act.attempt);
      break;
  }
  // It is asked again on the next tick, until it is seen to be done.
  if (!done.ok()) troubles_.push_back(std::move(done));
  return Ok();
}

Status Engine::StartRun(const Act& act) {
  const auto found = live_.find(act.id.job);
  if (found == live_.end()) return Ok();
  const Job& job = found->second;
  const Run& run = job.runs.back();
  Status started =
      doors_.executor.Start({act.id, run.region, run.allotment, run.resume,
                             run.move, job.spec, run.not_before});
  if (started.ok()) return Ok();
  const bool never =
      absl::IsInvalidArgument(started) || absl::IsNotFound(started);
  if (!never) {
    troubles_.push_back(std::move(started));
    return Ok();
  }
  Transaction t(*this);
  t.Record(act.id.job, now_,
           RunEnded{act.run, RunEnd::kNotStarted, {}, {}, Message(started)});
  KeepAccounts(t);
  CARBOND_RETURN_IF_ERROR(t.Commit());
  doors_.executor.Forget(act.id);
  return Ok();
}

std::vector<Status> Engine::TakeTroubles() {
  return std::exchange(troubles_, {});
}

}  // namespace carbond
