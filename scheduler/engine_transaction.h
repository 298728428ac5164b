#pragma once
// One transaction of the engine: facts are applied to copies, and the copies
// become the engine's own only after the ledger has them.

#include <map>
#include <utility>
#include <vector>

#include "scheduler/engine.h"

namespace carbond {

class Engine::Transaction {
 public:
  explicit Transaction(Engine& engine) : engine_(engine) {}

  // A job as it stands within this transaction; null when it is not live.
  const Job* Find(JobId id) const {
    const auto mine = jobs_.find(id);
    if (mine != jobs_.end()) return &mine->second;
    const auto theirs = engine_.live_.find(id);
    return theirs == engine_.live_.end() ? nullptr : &theirs->second;
  }

  // The same of one that the engine has.
  const Job& Now(const Job& live) const {
    if (jobs_.empty()) return live;
    const auto mine = jobs_.find(live.id);
    return mine != jobs_.end() ? mine->second : live;
  }

  // Applies a fact. That the table allows it is the engine's duty: a refusal
  // here is a defect, and writing on would spoil the ledger.
  void Record(JobId id, Instant at, Fact fact) {
    // New jobs come in the order of their ids: their place is at the end.
    const size_t before = jobs_.size();
    Job& job = jobs_.try_emplace(jobs_.end(), id)->second;
    if (jobs_.size() > before && !std::holds_alternative<Submitted>(fact)) {
      const auto live = engine_.live_.find(id);
      if (live != engine_.live_.end()) job = live->second;
    }
    Event event{id, job.last_seq + 1, at, std::move(fact)};
    if (event.seq == 1) {
      Result<Job> first = ApplyFirst(event);
      CARBOND_INVARIANT(first.ok(), "{}", Message(first.status()));
      job = *std::move(first);
    } else {
      const Status applied = Apply(job, event);
      CARBOND_INVARIANT(applied.ok(), "{}", Message(applied));
    }
    Note(job, event);
    batch.events.push_back(std::move(event));
  }

  void Do(Act act) { acts_.push_back(act); }
  const std::vector<Act>& acts() const { return acts_; }
  const std::vector<Reading>& NewReadings(JobId id) const {
    static const std::vector<Reading> kNone;
    const auto it = readings_.find(id);
    return it == readings_.end() ? kNone : it->second;
  }
  // Jobs changed here, by id.
  const std::map<JobId, Job>& jobs() const { return jobs_; }

  // Appends everything, then lets the engine have it.
  Status Commit() {
    if (batch.empty()) return Ok();
    for (const auto& [id, job] : jobs_) batch.jobs.push_back(&job);
    CARBOND_RETURN_IF_ERROR(engine_.doors_.ledger.Append(batch));
    for (auto& [id, readings] : readings_) {
      Track& track = engine_.tracks_[id];
      for (const Reading& reading : readings) {
        Book(jobs_.at(id), reading, track.booked);
      }
      auto& all = track.readings;
      all.insert(all.end(), readings.begin(), readings.end());
    }
    for (auto& [id, job] : jobs_) {
      if (job.state == State::kDone) {
        engine_.occupying_.erase(id);
        engine_.adopted_.erase(id);
        engine_.live_.erase(id);
        engine_.unsettled_.insert_or_assign(id, std::move(job));
      } else {
        engine_.latest_deadline_ =
            std::max(engine_.latest_deadline_, *job.spec->deadline);
        const auto live = engine_.live_.insert_or_assign(engine_.live_.end(),
                                                         id, std::move(job));
        if (live->second.spec->adopted()) engine_.adopted_.insert(id);
        if (live->second.occupies()) {
          engine_.occupying_.insert_or_assign(id, &live->second);
        } else {
          engine_.occupying_.erase(id);
        }
      }
    }
    return Ok();
  }

  Batch batch;

 private:
  void Note(const Job& job, const Event& event) {
    if (const auto* metered = std::get_if<EnergyMetered>(&event.fact)) {
      readings_[job.id].push_back(
          {metered->run, job.runs.back().region, *metered});
      return;
    }
    if (std::holds_alternative<Progressed>(event.fact)) return;
    // The plan was made for a job that stood elsewhere: from here on, within
    // this transaction too, it says nothing.
    Track& track =
        engine_.tracks_.try_emplace(engine_.tracks_.end(), job.id)->second;
    engine_.DropPlan(job.id, track);
    ++track.changes;
    engine_.plan_due_ = true;
  }

  Engine& engine_;
  std::map<JobId, Job> jobs_;
  std::map<JobId, std::vector<Reading>> readings_;
  std::vector<Act> acts_;
};

}  // namespace carbond
