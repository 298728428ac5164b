// Where all jobs fit at once, whatever they do: each is planned by itself, and
// left as it is while nothing of it changes.

#include <algorithm>

#include "scheduler/candidate.h"
#include "scheduler/fleet.h"

namespace carbond {

bool Fleet::Roomy() const {
  Resources all;
  for (const PlanJob& job : input_.jobs) all += job.need;
  return std::all_of(input_.regions.begin(), input_.regions.end(),
                     [&](const PlanRegion& region) {
                       return region.taken.empty() && all.Fits(region.capacity);
                     });
}

bool Fleet::Told(size_t job) const {
  return job < input_.told.size() && input_.told[job];
}

// Of what was told already, only that is looked up which the whole is judged
// by.
void Fleet::LeaveAsItIs(size_t job) {
  const PlanMemory::Kept& kept = *kept_[job];
  JobPlan& plan = plans_[job];
  if (Told(job)) {
    plan.id = kept.plan.id;
    plan.region = kept.plan.region;
    plan.late = kept.plan.late;
    plan.expected = kept.plan.expected;
  } else {
    plan = kept.plan;
  }
  plan.as_before = true;
  said_until_[job] = kept.said_until;
  least_[job] = kept.least;
  const std::vector<PlannedRun>& runs = kept.plan.runs;
  if (runs.front().interval.begin >= input_.now || !plan.expected) return;
  // What has been emitted by now is neither expected nor owed any more.
  plan.expected = GramsFrom(input_, input_.jobs[job], runs, input_.now);
  if (least_[job] && plan.expected) {
    *least_[job] -= *kept.plan.expected - *plan.expected;
  }
}

// No job is in another's way: those of which nothing has changed are left as
// they are, at no cost.
void Fleet::PlanApart() {
  least_.resize(input_.jobs.size());
  for (size_t i = 0; i < input_.jobs.size(); ++i) {
    if (kept_[i] != nullptr && (StillWaits(i) || FollowsItsPlan(i))) {
      LeaveAsItIs(i);
      continue;
    }
    const PlanJob& job = input_.jobs[i];
    JobSearch search = SearchAmong(input_.jobs.size());
    search.in_pieces = InPieces(job);
    PlannedJob planned = PlanOneJob(input_, job, free_, search);
    plans_[i] = std::move(planned.plan);
    least_[i] = planned.least;
  }
}

}  // namespace carbond
