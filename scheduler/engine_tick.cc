// Look, record, act. One tick: news of the grid, what really runs, what was
// used; then the differences between the plans and the world become intents,
// all of it is committed at once, and only then acted upon.

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "scheduler/engine.h"
#include "scheduler/engine_transaction.h"
#include "scheduler/occupancy.h"

namespace carbond {
namespace {

// Gaps between issues that are looked back at, to know what is usual.
constexpr size_t kIssueGaps = 5;

// Of two in the middle the longer one. An issue out of turn, or one that did
// not come, so does not make those after it look late or in time.
Duration MedianOf(const std::deque<Duration>& gaps) {
  std::vector<Duration> sorted(gaps.begin(), gaps.end());
  const auto middle =
      sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  return *middle;
}

// A run that left as saved without being asked to, and did nothing to speak of.
bool SavedForNothing(const JobSpec& spec, const Run& run, Instant ended_at) {
  constexpr Duration kWorthARun = minutes(1);
  return !run.stop_why && !run.pause_issued_at && run.started_at &&
         ended_at - RestoredAt(spec, run) < kWorthARun;
}

// One that does so again and again would be started for ever.
bool GoesNowhere(const Job& job, Instant ended_at) {
  constexpr int kOften = 3;
  const Run& last = job.runs.back();
  if (!SavedForNothing(*job.spec, last, ended_at)) return false;
  int in_a_row = 1;
  for (auto run = job.runs.rbegin() + 1; run != job.runs.rend(); ++run) {
    if (run->end == RunEnd::kRecalled) continue;
    if (run->end != RunEnd::kCheckpointed ||
        !SavedForNothing(*job.spec, *run, *run->ended_at)) {
      break;
    }
    ++in_a_row;
  }
  return in_a_row >= kOften;
}

}  // namespace

Status Engine::Tick() {
  now_ = std::max(now_, doors_.clock.Now());
  Transaction t(*this);
  if (!spending_.empty() && spending_.Turn(now_)) BeginMonth();
  LookAtGrid(t);
  LookAtProcesses(t);
  LookAtEntries(t);
  LookAtRooms();
  std::vector<const Job*> to_decide;
  to_decide.reserve(occupying_.size());
  for (const auto& [id, live] : occupying_) to_decide.push_back(live);
  for (const auto& [start, id] : planned_starts_) {
    if (start > now_) break;
    to_decide.push_back(&live_.at(id));
  }
  // What comes of chance must not depend on why a job is looked at.
  const auto by_id = [](const Job* a, const Job* b) { return a->id < b->id; };
  std::sort(to_decide.begin(), to_decide.end(), by_id);
  to_decide.erase(std::unique(to_decide.begin(), to_decide.end()),
                  to_decide.end());
  std::optional<Occupancy> occupancy;
  for (const Job* live : to_decide) {
    const Job& job = t.Now(*live);
    if (job.state != State::kDone) DecideOn(job, occupancy, t);
  }
  KeepAccounts(t);
  HeedBudgets(t);
  CARBOND_RETURN_IF_ERROR(t.Commit());
  // Settled figures change no more.
  std::erase_if(unsettled_, [this](const auto& entry) {
    const Track& track = tracks_[entry.first];
    const bool old =
        entry.second.finished_at.value_or(now_) + options_.give_up < now_;
    if (!track.settled && !old) return false;
    tracks_.erase(entry.first);
    return true;
  });
  return Do(t.acts());
}

// ---- Look -----------------------------------------------------------------

void Engine::LookAtGrid(Transaction& t) {
  GridNews news = doors_.grid.Poll(now_);
  std::set<Zone*> heard;
  bool changed = false;
  for (const Forecast& forecast : news.forecasts) {
    Zone& zone = zones_[forecast.zone];
    Hear(forecast, zone);
    heard.insert(&zone);
    plan_due_ = true;
  }
  for (Observed& observed : news.observed) {
    Zone& zone = zones_[observed.zone];
    zone.provider = observed.provider;
    zone.signal = observed.signal;
    zone.known.observed =
        zone.known.observed.Under(observed.series)
            .Clip({now_ - options_.history, Instant::Never()});
    zone.known.observed_from.Say(observed.series, observed.provider);
    zone.known.observed_from.ForgetBefore(now_ - options_.history);
    zone.known.final_until =
        std::max(zone.known.final_until, observed.final_until);
    changed = true;
    heard.insert(&zone);
  }
  for (Zone* zone : heard) {
    zone->outlook.reset();
    Learn(*zone, now_, now_);
  }
  t.batch.forecasts = std::move(news.forecasts);
  t.batch.observed = std::move(news.observed);
  if (!changed) return;
  for (const auto& [id, job] : unsettled_) accounts_due_.insert(id);
}

void Engine::Hear(const Forecast& forecast, Zone& zone) {
  if (zone.forecast && forecast.issued_at > zone.forecast->issued_at) {
    zone.issue_gaps.push_back(forecast.issued_at - zone.forecast->issued_at);
    if (zone.issue_gaps.size() > kIssueGaps) zone.issue_gaps.pop_front();
    zone.issue_period = MedianOf(zone.issue_gaps);
  }
  zone.provider = forecast.provider;
  zone.signal = forecast.signal;
  zone.fetched_at = forecast.fetched_at;
  zone.known.expected =
      zone.known.expected.Under(forecast.series)
          .Clip({forecast.issued_at - options_.history, Instant::Never()});
  zone.known.expected_from.Say(forecast.series, forecast.provider);
  zone.known.expected_from.ForgetBefore(forecast.issued_at - options_.history);
  zone.forecast = forecast;
}

void Engine::Learn(Zone& zone, Instant at, Instant known_until) {
  if (!options_.learn || zone.signal == kYearlySignal) return;
  const Series nothing;
  const bool fit =
      zone.forecast && at - zone.forecast->issued_at <= StaleAfter(zone);
  zone.correction.Learn(at,
                        {zone.known.observed, known_until, zone.known.expected,
                         fit ? zone.forecast->series : nothing});
}

void Engine::LookAtProcesses(Transaction& t) {
  if (occupying_.empty()) return;
  std::vector<ProcessId> ids;
  ids.reserve(occupying_.size());
  for (const auto& [id, job] : occupying_) {
    ids.push_back({id, job->runs.back().process});
  }
  const std::vector<Sight> sights = doors_.executor.Observe(ids);
  size_t i = 0;
  for (const auto& [id, job] : occupying_) {
    if (i == sights.size()) break;
    See(t.Now(*job), sights[i++], t);
  }
}

// What others leave of a cluster changes plans.
void Engine::LookAtRooms() {
  for (const Region& region : options_.regions) {
    if (!region.queue_ahead) continue;
    std::optional<Room> room = doors_.executor.RoomIn(region.name);
    std::optional<Room>& known = rooms_[region.name];
    if (room == known) continue;
    known = std::move(room);
    plan_due_ = true;
  }
}

// Jobs that wait in a region's own queue may be let go there, or ended, by
// another's hand.
void Engine::LookAtEntries(Transaction& t) {
  for (const JobId id : adopted_) {
    const Job& job = t.Now(live_.at(id));
    if (job.state != State::kWaiting) continue;
    const Standing standing = doors_.executor.StandingOf(job.spec);
    if (standing.what == Standing::What::kMoved) {
      FollowEntry(job, standing, t);
    } else if (job.cancel_requested) {
      t.Do({Act::Kind::kWithdraw, {id, 0}, 0, 0});
    }
  }
}

// Its run begins with that, whatever was planned; what has become of it is then
// seen as of any other run.
void Engine::FollowEntry(const Job& job, const Standing& standing,
                         Transaction& t) {
  const std::string& region = job.spec->regions.front();
  if (RegionIndex(region) < 0) return;
  Instant at = std::max(standing.began_at.value_or(now_), job.submitted_at);
  if (!job.runs.empty()) at = std::max(at, *job.runs.back().ended_at);
  const JobId id = job.id;
  const int number = static_cast<int>(job.runs.size()) + 1;
  Allotment allotment;
  allotment.cpus = job.spec->need.cpus;
  allotment.gpus.resize(static_cast<size_t>(job.spec->need.gpus));
  std::iota(allotment.gpus.begin(), allotment.gpus.end(), 0);
  t.Record(
      id, std::min(at, now_),
      StartIssued{number, region, number, std::move(allotment), false, {}, {}});
  t.Do({Act::Kind::kStart, {id, number}, 0, number});
}

// `job` stays valid while facts are recorded: it is read again by Find.
void Engine::See(const Job& job, const Sight& sight, Transaction& t) {
  const JobId id = job.id;
  const Run& run = job.runs.back();
  using What = Sight::What;
  if (sight.what == What::kUnknown) return;
  const bool ended = sight.what == What::kEnded || sight.what == What::kLost;
  if (job.state == State::kStarting) {
    const bool continues = run.process < run.number;
    const bool began = sight.what == What::kRunning ||
                       (ended && (continues || sight.exit_code ||
                                  sight.signal || sight.what == What::kLost));
    if (began) {
      // A continued process draws power from the moment it was asked to.
      const Instant at = continues ? run.metered_until
                                   : std::clamp(sight.began_at, run.issued_at,
                                                std::max(run.issued_at, now_));
      t.Record(id, at, RunStarted{run.number});
    }
  }
  const Job& seen = t.Now(job);
  if (ended) return SeeEnd(seen, sight, t);
  if (sight.what == What::kAbsent && seen.state == State::kStarting &&
      seen.runs.back().stop_why) {
    Sight never = sight;  // it was not begun, and will not be
    never.ended_at = now_;
    return SeeEnd(seen, never, t);
  }
  if (sight.what == What::kAbsent && seen.state != State::kStarting) {
    Sight lost = sight;
    lost.what = What::kLost;
    lost.ended_at = seen.runs.back().metered_until;
    lost.detail = "no trace of its process was found";
    return SeeEnd(seen, lost, t);
  }
  if (seen.state == State::kRunning) {
    const Run& now_running = seen.runs.back();
    const bool suspended = sight.what == What::kSuspended &&
                           now_running.pause_issued_at &&
                           seen.spec->pause == PauseMode::kSuspend;
    const bool due =
        now_ - now_running.metered_until >= options_.metering_period;
    if (suspended || due) MeterUpTo(id, now_, t);
    if (suspended) {
      const int number = now_running.number;
      t.Record(id, std::max(now_, t.Now(job).runs.back().metered_until),
               RunEnded{number, RunEnd::kSuspended, {}, {}, ""});
      return;
    }
    SeeProgress(t.Now(job), sight, now_, t);
  } else if (seen.in_memory() && now_ - seen.runs.back().metered_until >=
                                     options_.metering_period) {
    MeterUpTo(id, now_, t);
  }
  Reassert(t.Now(job), sight, t);
}

void Engine::SeeEnd(const Job& job, const Sight& sight, Transaction& t) {
  const JobId id = job.id;
  const Run run = job.runs.back();
  const bool lost = sight.what == Sight::What::kLost;
  // No earlier than its last reading: energy once counted stays within a run.
  Instant at = std::max(run.metered_until, std::min(sight.ended_at, now_));
  RunEnded end{run.number, RunEnd::kFailed, sight.exit_code, sight.signal,
               sight.detail};
  if (job.state == State::kStarting) {
    at = now_;  // nothing of it was: it ends when that is known
    end.end =
        run.stop_why.value_or(sight.because.value_or(RunEnd::kNotStarted));
    // It stands in its queue still, and is to be taken out of it.
    if (job.spec->adopted() && sight.what == Sight::What::kAbsent) {
      end.end = RunEnd::kRecalled;
    }
  } else if (lost) {
    end.end = sight.because.value_or(RunEnd::kLost);
  } else if (sight.exit_code == 0) {
    end.end = RunEnd::kSucceeded;  // whatever was asked of it meanwhile
  } else if (run.stop_why) {
    end.end = *run.stop_why;
  } else if (sight.exit_code == kCheckpointExitCode &&
             job.spec->pause == PauseMode::kCheckpoint) {
    if (!sight.because && GoesNowhere(job, at)) {
      end.detail =
          "it left as saved (exit 85) without being asked to, three runs in a "
          "row, each within a minute: a job leaves with 85 when it is told to "
          "save";
    } else {
      end.end = RunEnd::kCheckpointed;
    }
  } else if (sight.because) {
    end.end = *sight.because;
  }
  if (job.state != State::kStarting) {
    MeterUpTo(id, at, t, true);
    at = std::max(at, t.Find(id)->runs.back().metered_until);
  }
  SeeProgress(*t.Find(id), sight, at, t);
  t.Record(id, at, std::move(end));
  t.Do({Act::Kind::kForget, {id, run.process}, 0, run.number});
}

// `at`: now, or when the run ended, which may be long ago.
void Engine::SeeProgress(const Job& job, const Sight& sight, Instant at,
                         Transaction& t) {
  if (job.state != State::kRunning || !sight.ready) return;
  const Run& run = job.runs.back();
  if (run.ready && !sight.fraction) return;
  const double known = static_cast<double>(job.work_done.count()) /
                       static_cast<double>(job.spec->duration.count());
  Track& track = tracks_[job.id];
  const bool news = sight.fraction && std::isfinite(*sight.fraction) &&
                    *sight.fraction != track.last_fraction;
  const bool moved = news && std::abs(*sight.fraction - known) > 0.01;
  if (run.ready && !moved && !(news && sight.checkpoint)) return;
  const int number = run.number;
  MeterUpTo(job.id, at, t);
  // An old fraction says nothing of the time since.
  Progressed fact{number, {}, false};
  if (news) {
    track.last_fraction = *sight.fraction;
    fact.fraction = sight.fraction;
    fact.checkpoint = sight.checkpoint;
  }
  t.Record(job.id, at, std::move(fact));
}

// Acts whose intent is in the ledger and whose effect is not seen yet: after a
// crash between the two, or because the door failed.
void Engine::Reassert(const Job& job, const Sight& sight, Transaction& t) {
  const Run& run = job.runs.back();
  const ProcessId process{job.id, run.process};
  if (run.stop_why) {
    const bool recall = run.stop_why == RunEnd::kRecalled;
    t.Do({recall ? Act::Kind::kRecall : Act::Kind::kStop, process, 0,
          run.number});
  } else if (job.state == State::kStarting) {
    if (sight.what == Sight::What::kAbsent) {
      t.Do({Act::Kind::kStart, process, 0, run.number});
    } else if (sight.what == Sight::What::kSuspended) {
      t.Do({Act::Kind::kContinue, process, 0, run.number});
    }
  } else if (job.state == State::kRunning && run.pause_issued_at) {
    const bool suspends = job.spec->pause == PauseMode::kSuspend;
    t.Do({suspends ? Act::Kind::kSuspend : Act::Kind::kCheckpoint, process,
          run.pause_attempts, run.number});
  } else if (job.in_memory() && sight.what == Sight::What::kRunning) {
    t.Do({Act::Kind::kSuspend, process, 0, run.number});
  }
}

// ---- When to tick again ---------------------------------------------------

Instant Engine::NextWake() const {
  Instant wake = Instant::Never();
  const auto by = [&](Instant t) { wake = std::min(wake, t); };
  if (const auto news = doors_.grid.NextNews(now_)) by(*news);
  if (live_.empty()) return std::max(wake, now_);
  by(plan_valid_until_);
  if (!spending_.empty()) by(spending_.month().end);
  if (!occupying_.empty()) by(now_ + options_.observe_period);
  for (const auto& [id, job] : occupying_) {
    if (job->state != State::kRunning) continue;
    const auto pause = PauseAt(*job);
    if (pause && *pause > now_) by(*pause);
  }
  for (const auto& [start, id] : planned_starts_) {
    by(start > now_ ? start : now_ + options_.observe_period);
    if (start > now_) break;
  }
  return std::max(wake, now_);
}

}  // namespace carbond
