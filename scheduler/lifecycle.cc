#include "scheduler/lifecycle.h"

#include <algorithm>
#include <cmath>

namespace carbond {
namespace {

// ---- The transition table -------------------------------------------------
// One row per allowed (state, fact). Where a fact leads is computed by its
// Effect below; a pair without a row is refused.

template <typename T, size_t I = 0>
constexpr size_t IndexOf() {
  if constexpr (std::is_same_v<std::variant_alternative_t<I, Fact>, T>) {
    return I;
  } else {
    return IndexOf<T, I + 1>();
  }
}

struct Row {
  State state;
  size_t fact;
};

constexpr Row kTransitions[] = {
    {State::kWaiting, IndexOf<StartIssued>()},
    {State::kWaiting, IndexOf<CancelRequested>()},
    {State::kWaiting, IndexOf<Held>()},
    {State::kWaiting, IndexOf<Released>()},

    {State::kStarting, IndexOf<RunStarted>()},
    {State::kStarting, IndexOf<RunEnded>()},
    {State::kStarting, IndexOf<StopIssued>()},
    {State::kStarting, IndexOf<CancelRequested>()},
    {State::kStarting, IndexOf<Held>()},
    {State::kStarting, IndexOf<Released>()},

    {State::kRunning, IndexOf<Progressed>()},
    {State::kRunning, IndexOf<EnergyMetered>()},
    {State::kRunning, IndexOf<PauseIssued>()},
    {State::kRunning, IndexOf<PauseFailed>()},
    {State::kRunning, IndexOf<RunEnded>()},
    {State::kRunning, IndexOf<StopIssued>()},
    {State::kRunning, IndexOf<CancelRequested>()},
    {State::kRunning, IndexOf<Held>()},
    {State::kRunning, IndexOf<Released>()},

    // The last three only for a process suspended in memory.
    {State::kPaused, IndexOf<StartIssued>()},
    {State::kPaused, IndexOf<CancelRequested>()},
    {State::kPaused, IndexOf<Held>()},
    {State::kPaused, IndexOf<Released>()},
    {State::kPaused, IndexOf<EnergyMetered>()},
    {State::kPaused, IndexOf<StopIssued>()},
    {State::kPaused, IndexOf<RunEnded>()},
};

bool Allowed(State state, const Fact& fact) {
  return std::any_of(std::begin(kTransitions), std::end(kTransitions),
                     [&](const Row& row) {
                       return row.state == state && row.fact == fact.index();
                     });
}

// ---- Effects --------------------------------------------------------------

void Finish(Job& job, Outcome outcome, Instant at) {
  job.state = State::kDone;
  job.outcome = outcome;
  job.finished_at = at;
  job.released_at.reset();
}

// After a run that did not bring the job further: again, or not.
void Fail(Job& job, Outcome outcome, Instant at) {
  ++job.failures;
  job.work_done = job.work_saved;
  if (job.cancel_requested) {
    Finish(job, Outcome::kCancelled, at);
  } else if (job.failures <= job.spec->retries) {
    job.state = State::kWaiting;
  } else {
    Finish(job, outcome, at);
  }
}

// Applies one fact to a job whose table row was found. Refuses what the row
// cannot say: a wrong run number, energy with a gap.
class Effect {
 public:
  Effect(Job& job, Instant at) : job_(job), at_(at) {}

  Status operator()(const Submitted&) const {
    return Refused("a job is submitted once");
  }

  Status operator()(const StartIssued& fact) const {
    const int next = static_cast<int>(job_.runs.size()) + 1;
    if (fact.run != next) {
      return Refused("run {} begins where run {} is next", fact.run, next);
    }
    const bool continues = job_.in_memory();
    const int process = continues ? job_.runs.back().process : fact.run;
    if (fact.process != process) {
      return Refused("run {} names process {} and not {}", fact.run,
                     fact.process, process);
    }
    if (continues && fact.region != job_.runs.back().region) {
      return Refused("a suspended process stays in {}",
                     job_.runs.back().region);
    }
    Run run;
    run.number = fact.run;
    run.region = fact.region;
    run.process = fact.process;
    run.allotment = fact.allotment;
    run.resume = fact.resume;
    run.move = fact.move;
    run.issued_at = at_;
    run.not_before = fact.not_before;
    // A continued process has shown its first sign of life before.
    run.ready = continues && job_.runs.back().ready;
    run.metered_until = continues ? job_.runs.back().metered_until : at_;
    job_.runs.push_back(std::move(run));
    job_.state = State::kStarting;
    return Ok();
  }

  Status operator()(const RunStarted& fact) const {
    CARBOND_RETURN_IF_ERROR(IsCurrent(fact.run));
    Run& run = job_.runs.back();
    run.started_at = at_;
    run.metered_until = at_;
    // It began before the recall reached it.
    if (run.stop_why == RunEnd::kRecalled) run.stop_why.reset();
    if (!job_.started_at) job_.started_at = at_;
    job_.released_at.reset();
    job_.state = State::kRunning;
    return Ok();
  }

  Status operator()(const Progressed& fact) const {
    CARBOND_RETURN_IF_ERROR(IsCurrent(fact.run));
    if (fact.fraction && !std::isfinite(*fact.fraction)) {
      return Refused("progress is not a number");
    }
    job_.runs.back().ready = true;
    if (fact.fraction) {
      const double fraction = std::clamp(*fact.fraction, 0.0, 1.0);
      job_.work_done = Duration(std::llround(
          fraction * static_cast<double>(job_.spec->duration.count())));
    }
    if (fact.checkpoint) {
      job_.work_saved = job_.work_done;
      job_.has_checkpoint = job_.spec->pause == PauseMode::kCheckpoint;
      job_.runs.back().saved_at = at_;
    }
    return Ok();
  }

  Status operator()(const EnergyMetered& fact) const {
    CARBOND_RETURN_IF_ERROR(IsCurrent(fact.run));
    Run& run = job_.runs.back();
    if (job_.state == State::kPaused &&
        (!job_.in_memory() || fact.purpose != Purpose::kIdle)) {
      return Refused("only a job suspended in memory draws power in a pause");
    }
    if (fact.interval.begin != run.metered_until ||
        fact.interval.end < fact.interval.begin) {
      return Refused("a reading of [{}, {}) does not follow the last, of {}",
                     FormatInstant(fact.interval.begin),
                     FormatInstant(fact.interval.end),
                     FormatInstant(run.metered_until));
    }
    if (fact.energy < WattHours()) return Refused("energy is negative");
    run.metered_until = fact.interval.end;
    job_.energy += fact.energy;
    if (fact.purpose == Purpose::kWork) {
      run.work += fact.interval.length();
      job_.work_done += fact.interval.length();
    }
    return Ok();
  }

  Status operator()(const PauseIssued& fact) const {
    CARBOND_RETURN_IF_ERROR(IsCurrent(fact.run));
    Run& run = job_.runs.back();
    if (job_.spec->pause == PauseMode::kNone) {
      return Refused("the job cannot be paused");
    }
    if (run.pause_issued_at || fact.attempt != run.pause_attempts + 1) {
      return Refused("pause attempt {} follows attempt {}", fact.attempt,
                     run.pause_attempts);
    }
    run.pause_issued_at = at_;
    run.pause_attempts = fact.attempt;
    job_.released_at.reset();
    return Ok();
  }

  Status operator()(const PauseFailed& fact) const {
    CARBOND_RETURN_IF_ERROR(IsCurrent(fact.run));
    Run& run = job_.runs.back();
    if (!run.pause_issued_at) return Refused("no pause is under way");
    run.pause_issued_at.reset();
    run.pause_failed_at = at_;
    return Ok();
  }

  Status operator()(const RunEnded& fact) const {
    CARBOND_RETURN_IF_ERROR(IsCurrent(fact.run));
    if (job_.state == State::kPaused && !job_.in_memory()) {
      return Refused("run {} has ended before", fact.run);
    }
    if (fact.end == RunEnd::kNone ||
        (fact.end == RunEnd::kSuspended && job_.state != State::kRunning)) {
      return Refused("run {} cannot end as {}", fact.run, Name(fact.end));
    }
    Run& run = job_.runs.back();
    if (job_.state == State::kRunning && at_ < run.metered_until) {
      return Refused("run {} ends at {}, and was metered until {}", fact.run,
                     FormatInstant(at_), FormatInstant(run.metered_until));
    }
    // A process that dies while suspended ends a run that had ended as such.
    if (job_.state != State::kPaused) run.ended_at = at_;
    run.end = fact.end;
    run.exit_code = fact.exit_code;
    run.signal = fact.signal;
    run.detail = fact.detail;
    run.pause_issued_at.reset();
    Conclude(fact);
    return Ok();
  }

  Status operator()(const StopIssued& fact) const {
    CARBOND_RETURN_IF_ERROR(IsCurrent(fact.run));
    if (job_.state == State::kPaused && !job_.in_memory()) {
      return Refused("run {} has ended", fact.run);
    }
    Run& run = job_.runs.back();
    const bool recall = fact.why == RunEnd::kRecalled;
    if (!recall && fact.why != RunEnd::kCancelled &&
        fact.why != RunEnd::kTimeLimit) {
      return Refused("a run is not stopped for {}", Name(fact.why));
    }
    if (recall &&
        (job_.state != State::kStarting || run.process != run.number)) {
      return Refused("run {} has begun", fact.run);
    }
    run.stop_why = fact.why;
    return Ok();
  }

  Status operator()(const CancelRequested&) const {
    job_.cancel_requested = true;
    if (!job_.occupies()) FinishIfCancelled();
    return Ok();
  }

  Status operator()(const Held& fact) const {
    job_.held = true;
    job_.held_by = fact.by;
    job_.held_for_budget = fact.budget;
    return Ok();
  }

  Status operator()(const Released& fact) const {
    if (job_.held_for_budget && !fact.of_budget) job_.over_budget = true;
    job_.held = false;
    job_.held_by.clear();
    job_.held_for_budget.reset();
    job_.released_at = at_;
    return Ok();
  }

 private:
  Status IsCurrent(int run) const {
    if (job_.runs.empty() || job_.runs.back().number != run) {
      return Refused("run {} is not the current one ({})", run,
                     job_.runs.size());
    }
    return Ok();
  }

  void Conclude(const RunEnded& fact) const {
    job_.exit_code = fact.exit_code;
    switch (fact.end) {
      case RunEnd::kNone:
        return;  // refused above
      case RunEnd::kSucceeded:
        return Finish(job_, Outcome::kSucceeded, at_);
      case RunEnd::kSuspended:
        job_.state = State::kPaused;
        return;
      case RunEnd::kCheckpointed:
        job_.has_checkpoint = true;
        job_.work_saved = job_.work_done;
        job_.state = State::kPaused;
        return FinishIfCancelled();
      case RunEnd::kCancelled:
        return Finish(job_, Outcome::kCancelled, at_);
      case RunEnd::kTimeLimit:
        return Finish(job_, Outcome::kFailed, at_);
      case RunEnd::kFailed:
      case RunEnd::kNotStarted:
        return Fail(job_, Outcome::kFailed, at_);
      case RunEnd::kLost:
        return Fail(job_, Outcome::kLost, at_);
      case RunEnd::kPreempted:
        job_.work_done = job_.work_saved;
        job_.state = State::kWaiting;
        return FinishIfCancelled();
      case RunEnd::kRecalled: {
        const Run* before = LastNotRecalled(job_);
        const bool paused =
            before != nullptr && before->end == RunEnd::kCheckpointed;
        job_.state = paused ? State::kPaused : State::kWaiting;
        return FinishIfCancelled();
      }
    }
  }

  void FinishIfCancelled() const {
    if (!job_.cancel_requested || job_.stands_elsewhere()) return;
    Finish(job_, Outcome::kCancelled, at_);
  }

  Job& job_;
  Instant at_;
};

}  // namespace

Result<Job> ApplyFirst(const Event& event) {
  const auto* submitted = std::get_if<Submitted>(&event.fact);
  if (submitted == nullptr || event.seq != 1) {
    return Refused("job {} begins with {} (seq {}), not with Submitted",
                   Number(event.job), FactName(event.fact), event.seq);
  }
  Job job;
  job.id = event.job;
  job.spec = submitted->spec;
  job.last_seq = 1;
  job.submitted_at = event.at;
  return job;
}

Status Apply(Job& job, const Event& event) {
  const auto refuse = [&](const std::string& why) {
    return NotNow("job {}: {} does not apply while {}: {}", Number(job.id),
                  FactName(event.fact), Name(job.state), why);
  };
  if (event.job != job.id) return refuse("it is another job's event");
  if (event.seq != job.last_seq + 1) {
    return refuse(
        fmt::format("event {} follows event {}", event.seq, job.last_seq));
  }
  if (!Allowed(job.state, event.fact)) {
    return refuse("no such row in the transition table");
  }
  // Every effect checks before it changes, so a refusal leaves the job alone.
  const Status effect = std::visit(Effect(job, event.at), event.fact);
  if (!effect.ok()) return refuse(Message(effect));
  job.last_seq = event.seq;
  return Ok();
}

WattHours MeasuredPart(const EnergyMetered& reading) {
  if (reading.source == EnergySource::kMeasured) return reading.energy;
  return reading.source == EnergySource::kMixed ? reading.measured
                                                : WattHours();
}

const Run* LastNotRecalled(const Job& job, int without) {
  const auto last =
      std::find_if(job.runs.rbegin() + without, job.runs.rend(),
                   [](const Run& run) { return run.end != RunEnd::kRecalled; });
  return last == job.runs.rend() ? nullptr : &*last;
}

int Pauses(const Job& job) {
  int pauses = 0;
  for (const Run& run : job.runs) {
    if (run.end == RunEnd::kCheckpointed || run.end == RunEnd::kSuspended) {
      ++pauses;
    }
  }
  return pauses;
}

const std::string& DataRegion(const Job& job) {
  for (auto run = job.runs.rbegin(); run != job.runs.rend(); ++run) {
    if (run->started_at) return run->region;
  }
  return job.spec->home_region;
}

Instant FetchedAt(const Run& run) { return *run.started_at + run.move.time; }

Instant RestoredAt(const JobSpec& spec, const Run& run) {
  const bool restores = run.resume || run.process < run.number;
  return FetchedAt(run) + (restores ? spec.resume_cost : Duration(0));
}

Duration RemainingWork(const Job& job, Instant now) {
  Duration done = job.work_done;
  if (job.state == State::kRunning) {
    const Run& run = job.runs.back();
    const Instant from = std::max(run.metered_until, RestoredAt(job.spec, run));
    const Instant until = std::min(now, run.pause_issued_at.value_or(now));
    done += std::max(until - from, Duration(0));
  }
  if (done < job.spec->duration) return job.spec->duration - done;
  return std::max<Duration>(seconds(1), job.spec->duration / 50);
}

}  // namespace carbond
