// Monthly budgets: what was emitted of them, and who has to wait.

#include "scheduler/engine.h"
#include "scheduler/engine_transaction.h"

namespace carbond {

// Jobs whose figures still change add theirs with their first account.
Status Engine::RecoverBudgets() {
  if (spending_.empty()) return Ok();
  spending_.Turn(now_);
  CARBOND_ASSIGN_OR_RETURN(const std::vector<Spent> settled,
                           doors_.ledger.SettledSince(spending_.month().begin));
  for (const Spent& spent : settled) {
    spending_.Add(spent.user, spent.project, spent.signal, spent.grams);
  }
  return Ok();
}

void Engine::CountThisMonth(const Job& job, const Account& account,
                            Track& track) {
  if (spending_.empty()) return;
  std::map<std::string, Grams> now;
  for (const EmissionsRow& row : account.rows) {
    if (spending_.month().Contains(row.interval.begin)) {
      now[row.signal] += row.grams;
    }
  }
  for (const auto& [signal, grams] : track.this_month) {
    now.try_emplace(signal);  // its values are another signal's by now
  }
  for (const auto& [signal, grams] : now) {
    const Grams more = grams - track.this_month[signal];
    if (more == Grams()) continue;
    for (const BudgetUse& use :
         spending_.Add(job.spec->user, job.spec->project, signal, more)) {
      const bool hold = use.budget.then == Budget::Then::kHold;
      troubles_.push_back(absl::ResourceExhaustedError(fmt::format(
          "the {} is spent{}", Words(use, now_),
          hold ? ": nothing of theirs begins before next month" : "")));
    }
  }
  track.this_month = std::move(now);
}

void Engine::BeginMonth(Transaction& t) {
  for (auto& [id, track] : tracks_) {
    track.this_month.clear();
    if (!track.readings.empty()) accounts_due_.insert(id);
  }
  for (const auto& [id, live] : live_) {
    if (t.Now(live).held_for_budget) {
      t.Record(id, now_, Released{"a new month", true});
    }
  }
}

// Runs under way go on: what they have done would be lost. A job that waits, or
// is paused with its work saved, waits for the next month.
void Engine::HoldForBudgets(Transaction& t) {
  if (!spending_.forbids_any()) return;
  std::vector<JobId> waiting;
  const auto add = [&](const Job& job) {
    const bool waits = job.state == State::kWaiting ||
                       (job.state == State::kPaused && !job.in_memory());
    if (waits && !job.held && !job.over_budget && !job.cancel_requested) {
      waiting.push_back(job.id);
    }
  };
  for (const auto& [id, live] : live_) add(t.Now(live));
  for (const auto& [id, job] : t.jobs()) {
    if (!live_.contains(id)) add(job);  // submitted just now
  }
  for (const JobId id : waiting) {
    const Job& job = *t.Find(id);
    const auto use = spending_.Forbids(job.spec->user, job.spec->project);
    if (!use) continue;
    t.Record(id, now_, Held{"carbond", Words(*use, now_)});
  }
}

}  // namespace carbond
