// Figures of the jobs, kept up to date with their readings and with what is
// known of the grid.

#include <algorithm>
#include <set>
#include <utility>

#include "scheduler/engine.h"
#include "scheduler/engine_transaction.h"

namespace carbond {

std::map<std::string, RegionGrid> Engine::GridOf(const Job& job,
                                                 Signal which) const {
  std::set<std::string> names{job.spec->home_region};
  for (const Run& run : job.runs) names.insert(run.region);
  std::map<std::string, RegionGrid> grid_of;
  for (const std::string& name : names) {
    RegionGrid grid;
    grid.known = &nothing_known_;
    const int index = RegionIndex(name);
    if (index >= 0) {
      const Region& region = options_.regions[static_cast<size_t>(index)];
      grid.zone = which == Signal::kFirst ? region.zone : region.second_zone;
      grid.pue = region.pue;
      const auto zone = zones_.find(grid.zone);
      if (zone != zones_.end()) {
        grid.provider = zone->second.provider;
        grid.signal = zone->second.signal;
        grid.known = &zone->second.known;
      }
    }
    grid_of.emplace(name, grid);
  }
  return grid_of;
}

void Engine::KeepAccounts(Transaction& t) {
  std::set<JobId> due = std::exchange(accounts_due_, {});
  for (const auto& [id, job] : t.jobs()) {
    if (!t.NewReadings(id).empty() || job.state == State::kDone) {
      due.insert(id);
    }
  }
  for (const JobId id : due) {
    const Job* job = t.Find(id);
    if (job == nullptr) {
      const auto done = unsettled_.find(id);
      if (done == unsettled_.end()) continue;
      job = &done->second;
    }
    AccountFor(*job, t);
  }
}

void Engine::AccountFor(const Job& job, Transaction& t) {
  Track& track = tracks_[job.id];
  std::vector<Reading> readings = track.readings;
  const std::vector<Reading>& more = t.NewReadings(job.id);
  readings.insert(readings.end(), more.begin(), more.end());
  Account account = AccountOf(job, readings, GridOf(job, Signal::kFirst), now_);
  const auto second = GridOf(job, Signal::kSecond);
  // Where it ran: elsewhere alone it would be an account of nothing emitted.
  const bool kept =
      std::any_of(readings.begin(), readings.end(), [&](const Reading& each) {
        const auto grid = second.find(each.region);
        return grid != second.end() && !grid->second.zone.empty();
      });
  if (kept) account.second = AccountOf(job, readings, second, now_).total;
  track.past = {account.total.grams, account.total.baseline, job.work_done};
  track.settled =
      account.total.quality == Quality::kSettled &&
      (!account.second || account.second->quality == Quality::kSettled);
  CountThisMonth(job, account, track);
  t.batch.accounts.push_back(std::move(account));
}

}  // namespace carbond
