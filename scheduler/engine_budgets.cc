// Monthly budgets: what was emitted of them, and who has to wait.

#include <utility>

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

void Engine::BeginMonth() {
  for (auto& [id, track] : tracks_) {
    track.this_month.clear();
    if (!track.readings.empty()) accounts_due_.insert(id);
  }
}

// Runs under way go on: what they have done would be lost. A job that waits, or
// is paused with its work saved, waits until its budget has room: a new month
// has begun, perhaps while nobody looked, figures were stated anew, or the
// configuration gives more. What is forbidden to nobody any more is looked at
// once more, for those who were held.
void Engine::HeedBudgets(Transaction& t) {
  const bool forbids = spending_.forbids_any();
  if (!std::exchange(forbade_, forbids) && !forbids) return;
  std::vector<JobId> ids;
  for (const auto& [id, live] : live_) ids.push_back(id);
  for (const auto& [id, job] : t.jobs()) {
    if (!live_.contains(id)) ids.push_back(id);  // submitted just now
  }
  for (const JobId id : ids) HeedBudget(*t.Find(id), t);
}

void Engine::HeedBudget(const Job& job, Transaction& t) {
  const bool waits = job.state == State::kWaiting ||
                     (job.state == State::kPaused && !job.in_memory());
  const bool may_be_held =
      waits && !job.held && !job.over_budget && !job.cancel_requested;
  if (!may_be_held && !job.held_for_budget) return;
  const auto use = spending_.Forbids(job.spec->user, job.spec->project);
  if (use && may_be_held) {
    t.Record(job.id, now_, Held{"carbond", Words(*use, now_)});
  } else if (!use && job.held_for_budget && job.state != State::kDone) {
    t.Record(job.id, now_, Released{"carbond", true});
  }
}

}  // namespace carbond
