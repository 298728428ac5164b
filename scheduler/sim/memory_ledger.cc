#include "scheduler/sim/memory_ledger.h"

#include <algorithm>
#include <set>

namespace carbond {

Status MemoryLedger::Append(const Batch& batch) {
  if (fail_after_ == 0) return Trouble("the ledger's disk is full");
  if (fail_after_ > 0) --fail_after_;
  ++appends_;
  events_.insert(events_.end(), batch.events.begin(), batch.events.end());
  for (const Job* job : batch.jobs) jobs_.insert_or_assign(job->id, *job);
  for (const RequestRecord& request : batch.requests) {
    requests_.emplace(request.request_id, request);
  }
  for (const PlanRecord& plan : batch.plans) {
    plans_.insert_or_assign(plan.job, plan);
  }
  for (const Account& account : batch.accounts) {
    accounts_.insert_or_assign(account.total.job, account);
  }
  forecasts_.insert(forecasts_.end(), batch.forecasts.begin(),
                    batch.forecasts.end());
  observed_.insert(observed_.end(), batch.observed.begin(),
                   batch.observed.end());
  return Ok();
}

Result<Recovered> MemoryLedger::Recover(Instant grid_since) {
  Recovered recovered;
  recovered.next_job =
      jobs_.empty() ? JobId(1) : JobId(Number(jobs_.rbegin()->first) + 1);
  for (const auto& [id, job] : jobs_) {
    if (job.state != State::kDone) {
      recovered.live.push_back(job);
    } else {
      const auto account = accounts_.find(id);
      const bool settled =
          account != accounts_.end() &&
          account->second.total.quality == Quality::kSettled &&
          (!account->second.second ||
           account->second.second->quality == Quality::kSettled);
      if (settled) continue;
      recovered.unsettled.push_back(job);
    }
    recovered.readings[id];
    const auto plan = plans_.find(id);
    if (plan != plans_.end()) recovered.plans.emplace(*plan);
  }
  for (const Event& event : events_) {
    const auto* metered = std::get_if<EnergyMetered>(&event.fact);
    const auto readings = recovered.readings.find(event.job);
    if (metered == nullptr || readings == recovered.readings.end()) continue;
    const Job& job = jobs_.at(event.job);
    readings->second.push_back(
        {metered->run, job.runs[static_cast<size_t>(metered->run) - 1].region,
         *metered});
  }
  std::set<std::string> zones;
  for (const Forecast& forecast : forecasts_) zones.insert(forecast.zone);
  recovered.forecast_zones.assign(zones.begin(), zones.end());
  for (const Observed& observed : observed_) {
    if (observed.series.end() > grid_since) {
      recovered.observed.push_back(observed);
    }
  }
  return recovered;
}

Result<std::vector<Forecast>> MemoryLedger::ForecastsSince(
    const std::string& zone, Instant since) {
  std::vector<Forecast> found;
  Instant newest;
  for (const Forecast& forecast : forecasts_) {
    if (forecast.zone == zone) newest = std::max(newest, forecast.issued_at);
  }
  for (const Forecast& forecast : forecasts_) {
    if (forecast.zone != zone) continue;
    if (forecast.issued_at >= since || forecast.issued_at == newest) {
      found.push_back(forecast);
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Forecast& a, const Forecast& b) {
                     return a.issued_at < b.issued_at;
                   });
  return found;
}

Result<std::optional<RequestRecord>> MemoryLedger::FindRequest(
    const std::string& request_id) {
  const auto it = requests_.find(request_id);
  if (it == requests_.end()) return std::optional<RequestRecord>();
  return std::optional(it->second);
}

Result<std::vector<Duration>> MemoryLedger::PastWork(const std::string& user,
                                                     const std::string& name,
                                                     int limit) {
  std::vector<Duration> past;
  for (auto it = jobs_.rbegin(); it != jobs_.rend(); ++it) {
    const Job& job = it->second;
    if (std::ssize(past) == limit) break;
    if (job.outcome != Outcome::kSucceeded || job.failures > 0 ||
        job.spec->user != user || job.spec->name != name) {
      continue;
    }
    Duration work{0};
    for (const Run& run : job.runs) work += run.work;
    past.push_back(work);
  }
  return past;
}

Result<std::vector<Spent>> MemoryLedger::SettledSince(Instant since) {
  std::vector<Spent> spent;
  for (const auto& [id, account] : accounts_) {
    const Job& job = jobs_.at(id);
    if (job.state != State::kDone ||
        account.total.quality != Quality::kSettled) {
      continue;
    }
    for (const EmissionsRow& row : account.rows) {
      if (row.interval.begin < since) continue;
      spent.push_back(
          {job.spec->user, job.spec->project, row.signal, row.grams});
    }
  }
  return spent;
}

Status MemoryLedger::Verify() const {
  std::map<JobId, Job> replayed;
  std::map<JobId, WattHours> energy;
  for (const Event& event : events_) {
    if (event.seq == 1) {
      CARBOND_ASSIGN_OR_RETURN(Job job, ApplyFirst(event));
      replayed.emplace(event.job, std::move(job));
      continue;
    }
    const auto job = replayed.find(event.job);
    if (job == replayed.end()) {
      return absl::DataLossError("an event before its job's first");
    }
    CARBOND_RETURN_IF_ERROR(Apply(job->second, event));
    if (const auto* metered = std::get_if<EnergyMetered>(&event.fact)) {
      energy[event.job] += metered->energy;
    }
  }
  if (replayed.size() != jobs_.size()) {
    return absl::DataLossError("the number of jobs differs");
  }
  for (const auto& [id, job] : jobs_) {
    const Job& again = replayed.at(id);
    if (again.state != job.state || again.outcome != job.outcome ||
        again.last_seq != job.last_seq ||
        again.runs.size() != job.runs.size() ||
        again.work_done != job.work_done ||
        again.work_saved != job.work_saved || again.energy != job.energy ||
        energy[id] != job.energy) {
      return absl::DataLossError(
          fmt::format("job {} differs from its events", Number(id)));
    }
  }
  return Ok();
}

}  // namespace carbond
