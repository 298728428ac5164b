#include "scheduler/engine.h"

#include <algorithm>

#include "scheduler/engine_transaction.h"

namespace carbond {
namespace {

Reply Refusal(Status status) {
  Reply reply;
  reply.status = std::move(status);
  return reply;
}

}  // namespace

Engine::Engine(EngineOptions options, Doors doors)
    : options_(std::move(options)),
      doors_(doors),
      spending_(options_.budgets) {}

Result<std::unique_ptr<Engine>> Engine::Recover(EngineOptions options,
                                                Doors doors) {
  std::unique_ptr<Engine> engine(new Engine(std::move(options), doors));
  engine->now_ = doors.clock.Now();
  const Instant grid_since = engine->now_ - 2 * engine->options_.history;
  CARBOND_ASSIGN_OR_RETURN(Recovered recovered,
                           doors.ledger.Recover(grid_since));
  engine->next_job_ = recovered.next_job;
  for (Job& job : recovered.live) {
    if (job.occupies() && engine->RegionIndex(job.runs.back().region) < 0) {
      return NotNow(
          "job {} runs in region `{}`, which the configuration no longer has: "
          "add it again, with `drained: true` if it shall start nothing new",
          Number(job.id), job.runs.back().region);
    }
    engine->latest_deadline_ =
        std::max(engine->latest_deadline_, *job.spec->deadline);
    const JobId id = job.id;
    const auto live = engine->live_.emplace(id, std::move(job)).first;
    if (live->second.occupies()) engine->occupying_.emplace(id, &live->second);
    if (live->second.spec->adopted()) engine->adopted_.insert(id);
  }
  for (Job& job : recovered.unsettled) {
    engine->accounts_due_.insert(job.id);
    engine->unsettled_.emplace(job.id, std::move(job));
  }
  for (auto& [id, readings] : recovered.readings) {
    Track& track = engine->tracks_[id];
    const auto live = engine->live_.find(id);
    if (live != engine->live_.end()) {
      for (const Reading& reading : readings) {
        Book(live->second, reading, track.booked);
      }
    }
    track.readings = std::move(readings);
  }
  for (auto& [id, plan] : recovered.plans) {
    engine->tracks_[id].plan = std::move(plan);
  }
  for (const auto& [id, track] : engine->tracks_) {
    if (!track.readings.empty()) engine->accounts_due_.insert(id);
  }
  CARBOND_RETURN_IF_ERROR(engine->RecoverZones(recovered, grid_since));
  CARBOND_RETURN_IF_ERROR(engine->RecoverBudgets());
  return engine;
}

// The past is gone through hour by hour, to learn from it again.
Status Engine::RecoverZones(const Recovered& recovered, Instant grid_since) {
  const Instant since = now_ - options_.history;
  for (const Observed& observed : recovered.observed) {
    Zone& zone = zones_[observed.zone];
    zone.known.observed = zone.known.observed.Under(observed.series);
    zone.known.observed_from.Say(observed.series, observed.provider);
    zone.known.final_until =
        std::max(zone.known.final_until, observed.final_until);
    zone.provider = observed.provider;
    zone.signal = observed.signal;
  }
  // One that was never observed is known too.
  for (const std::string& name : recovered.forecast_zones) zones_[name];
  for (auto& [name, zone] : zones_) {
    CARBOND_ASSIGN_OR_RETURN(const std::vector<Forecast> issues,
                             doors_.ledger.ForecastsSince(name, grid_since));
    auto issue = issues.begin();
    const auto hear_until = [&, &zone = zone](Instant at) {
      for (; issue != issues.end() && issue->issued_at <= at; ++issue) {
        Hear(*issue, zone);
      }
    };
    for (Instant at = zone.known.observed.begin(); at < now_; at += hours(1)) {
      hear_until(at);
      Learn(zone, at, at);
    }
    hear_until(Instant::Never());
    zone.known.observed = zone.known.observed.Clip({since, Instant::Never()});
  }
  return Ok();
}

// ---- Commands -------------------------------------------------------------

Result<std::vector<Reply>> Engine::Execute(std::span<Command> commands) {
  now_ = std::max(now_, doors_.clock.Now());
  checked_.clear();
  Transaction t(*this);
  std::vector<Reply> replies;
  replies.reserve(commands.size());
  for (Command& command : commands) {
    replies.push_back(std::visit(
        [&](auto& c) -> Reply {
          using C = std::decay_t<decltype(c)>;
          if constexpr (std::is_same_v<C, SubmitCommand>) return Submit(c, t);
          if constexpr (std::is_same_v<C, CancelCommand>) return Cancel(c, t);
          if constexpr (std::is_same_v<C, HoldCommand>) return Hold(c, t);
          if constexpr (std::is_same_v<C, ReleaseCommand>) {
            return Release(c, t);
          }
          if constexpr (std::is_same_v<C, PlanCommand>) return DryRun(c);
        },
        command));
  }
  KeepAccounts(t);
  HeedBudgets(t);
  CARBOND_RETURN_IF_ERROR(t.Commit());
  return replies;
}

Result<JobSpec> Engine::Complete(JobSpec spec, const Unset& unset) {
  spec.duration_learnt_from = 0;
  CARBOND_RETURN_IF_ERROR(FindDuration(spec));
  CARBOND_ASSIGN_OR_RETURN(
      JobSpec complete, CompleteSpec(std::move(spec), unset, options_.regions,
                                     options_.defaults, now_));
  const Meter::Power expected =
      doors_.meter.Expected(complete.need, complete.regions.front());
  if (!complete.power_declared) complete.power = expected.running;
  if (unset.idle_power && expected.running > Watts()) {
    complete.idle_power =
        Watts::Of(complete.power.value() * expected.idle.value() /
                  expected.running.value());
  }
  if (!complete.adopted()) CARBOND_RETURN_IF_ERROR(CheckCommand(complete));
  return complete;
}

// A job that stands in a queue already is there to stay, so that a deadline
// which it cannot keep has it begin at once, and is no reason to refuse it.
Status Engine::FindDuration(JobSpec& spec) {
  if (spec.duration == Duration(0)) {
    const Status learnt = LearnDuration(spec);
    if (!learnt.ok() && spec.entry.limit == Duration(0)) return learnt;
    if (!learnt.ok()) spec.duration = spec.entry.limit;
  }
  if (!spec.adopted()) return Ok();
  if (spec.entry.limit > Duration(0)) {
    spec.duration = std::min(spec.duration, spec.entry.limit);
  }
  if (spec.deadline) {
    const Instant from = std::max(now_, spec.earliest.value_or(now_));
    spec.deadline = std::max(*spec.deadline, from + spec.duration);
  }
  return Ok();
}

// Nine in ten of the earlier jobs took no longer (by nearest rank).
Status Engine::LearnDuration(JobSpec& spec) {
  constexpr int kMostJobs = 20;
  if (spec.name.empty()) spec.name = NameOf(spec.command);
  CARBOND_ASSIGN_OR_RETURN(
      std::vector<Duration> past,
      doors_.ledger.PastWork(spec.user, spec.name, kMostJobs));
  if (past.empty()) {
    return Refused(
        "no duration is given, and no earlier job `{}` of {} has succeeded to "
        "learn it from: say how long it runs, such as --duration 2h",
        spec.name, spec.user.empty() ? "this user" : spec.user);
  }
  std::sort(past.begin(), past.end());
  const size_t rank = (past.size() * 9 + 9) / 10;
  spec.duration = std::max(past[rank - 1], Duration(seconds(1)));
  spec.duration_learnt_from = static_cast<int>(past.size());
  return Ok();
}

// Many jobs of one request, or of one moment, run the same command for the same
// user: the executor is asked once for all of them.
Status Engine::CheckCommand(const JobSpec& spec) {
  const auto path = spec.env.find("PATH");
  const std::string key = fmt::format(
      "{}\n{}\n{}\n{}\n{}\n{}", spec.regions.front(), spec.command.front(),
      spec.workdir, path == spec.env.end() ? "" : path->second, spec.user,
      spec.uid.value_or(-1));
  const auto [known, is_new] = checked_.try_emplace(key);
  if (is_new) {
    known->second = doors_.executor.Check(spec, spec.regions.front());
  }
  return known->second;
}

Result<std::vector<JobId>> Engine::Repeat(const SubmitCommand& command,
                                          Transaction& t) const {
  std::optional<RequestRecord> known;
  for (const RequestRecord& record : t.batch.requests) {
    if (record.request_id == command.request_id) known = record;
  }
  if (!known) {
    CARBOND_ASSIGN_OR_RETURN(known,
                             doors_.ledger.FindRequest(command.request_id));
  }
  std::vector<JobId> jobs;
  if (!known) return jobs;
  if (known->digest != command.digest) {
    return absl::AlreadyExistsError(fmt::format(
        "request id {} was used for job {} with other content: choose "
        "another id for another job",
        command.request_id, Number(known->first)));
  }
  for (int i = 0; i < known->count; ++i) {
    jobs.push_back(JobId(Number(known->first) + i));
  }
  return jobs;
}

Reply Engine::Submit(SubmitCommand& command, Transaction& t) {
  Reply reply;
  if (command.jobs.empty()) {
    reply.status = Refused("no job is in the request");
    return reply;
  }
  if (!command.request_id.empty()) {
    Result<std::vector<JobId>> known = Repeat(command, t);
    if (!known.ok()) {
      reply.status = known.status();
      return reply;
    }
    if (!known->empty()) {
      reply.jobs = *std::move(known);
      reply.repeated = true;
      return reply;
    }
  }
  std::vector<JobSpec> specs;
  specs.reserve(command.jobs.size());
  for (size_t i = 0; i < command.jobs.size(); ++i) {
    Result<JobSpec> spec =
        Complete(std::move(command.jobs[i].spec), command.jobs[i].unset);
    if (!spec.ok()) {
      reply.status = spec.status();
      if (command.jobs.size() > 1) {
        reply.status =
            Status(spec.status().code(),
                   fmt::format("job {} of {}: {}; none was submitted", i + 1,
                               command.jobs.size(), Message(spec.status())));
      }
      return reply;
    }
    specs.push_back(*std::move(spec));
  }
  const JobId first = next_job_;
  for (JobSpec& spec : specs) {
    reply.jobs.push_back(next_job_);
    t.Record(next_job_, now_, Submitted{std::move(spec)});
    next_job_ = JobId(Number(next_job_) + 1);
  }
  if (!command.request_id.empty()) {
    t.batch.requests.push_back({command.request_id, command.digest, first,
                                static_cast<int>(specs.size()), now_});
  }
  return reply;
}

Result<const Job*> Engine::Find(JobId id, const Transaction& t,
                                const std::string& only_of) const {
  const Job* job = t.Find(id);
  if (job == nullptr || job->state == State::kDone) {
    if (Number(id) < 1 || id >= next_job_) {
      return Missing("there is no job {}", Number(id));
    }
    return NotNow("job {} is done", Number(id));
  }
  if (!only_of.empty() && job->spec->user != only_of) {
    return absl::PermissionDeniedError(fmt::format(
        "job {} is {}'s, and you are {}: ask its owner, or an admin of carbond",
        Number(id), job->spec->user, only_of));
  }
  return job;
}

Reply Engine::Cancel(const CancelCommand& command, Transaction& t) {
  Result<const Job*> job = Find(command.job, t, command.only_of);
  if (!job.ok()) return Refusal(job.status());
  if (!(*job)->cancel_requested) {
    t.Record(command.job, now_, CancelRequested{command.by});
  }
  return {};
}

Reply Engine::Hold(const HoldCommand& command, Transaction& t) {
  Result<const Job*> job = Find(command.job, t, command.only_of);
  if (!job.ok()) return Refusal(job.status());
  const bool begun = ((*job)->state == State::kStarting && !InQueue(**job)) ||
                     (*job)->state == State::kRunning;
  if (begun && (*job)->spec->pause == PauseMode::kNone) {
    return Refusal(
        NotNow("job {} runs and cannot be paused: it was submitted with "
               "--pause none; let it run, or cancel it",
               Number(command.job)));
  }
  if (!(*job)->held || (*job)->held_for_budget) {
    t.Record(command.job, now_, Held{command.by});
  }
  return {};
}

Reply Engine::Release(const ReleaseCommand& command, Transaction& t) {
  Result<const Job*> job = Find(command.job, t, command.only_of);
  if (!job.ok()) return Refusal(job.status());
  if (!(*job)->held) {
    return Refusal(NotNow("job {} is not paused by a user: it is {}",
                          Number(command.job), Name((*job)->state)));
  }
  t.Record(command.job, now_, Released{command.by});
  return {};
}

}  // namespace carbond
