#include "scheduler/planner.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "scheduler/capacity.h"
#include "scheduler/plan_job.h"

namespace carbond {
namespace {

// Who occupies capacity comes first, then priority, then the least slack: a job
// that can hardly move must not be pushed by one that can.
bool PlannedBefore(const PlanJob& a, const PlanJob& b) {
  const auto occupies = [](const PlanJob& job) { return job.region >= 0; };
  const auto latest_start = [](const PlanJob& job) {
    return job.deadline - job.work;
  };
  const auto key = [&](const PlanJob& job) {
    return std::tuple(!occupies(job), -job.priority, latest_start(job),
                      job.submitted_at, job.id);
  };
  return key(a) < key(b);
}

// Takes from `free` what the plan will use.
void Occupy(const PlanJob& job, const JobPlan& plan, Instant now,
            std::vector<CapacityProfile>& free) {
  if (plan.region < 0) return;
  CapacityProfile& profile = free[static_cast<size_t>(plan.region)];
  const bool keeps_place =
      job.region >= 0 && job.standing != PlanJob::Standing::kCheckpointed;
  if (plan.intervals.empty()) {
    if (keeps_place) profile.Take({now, Instant::Never()}, job.need);
    return;
  }
  const bool stays_between = job.pause == PauseMode::kSuspend;
  if (stays_between || job.standing == PlanJob::Standing::kSuspended) {
    const Instant from = keeps_place ? now : plan.intervals.front().begin;
    profile.Take({from, plan.intervals.back().end}, job.need);
    return;
  }
  for (const Interval& interval : plan.intervals) {
    profile.Take(interval, job.need);
  }
}

}  // namespace

Plan MakePlan(const PlanInput& input) {
  std::vector<CapacityProfile> free;
  for (const PlanRegion& region : input.regions) {
    free.emplace_back(region.capacity);
    for (const Taken& taken : region.taken) {
      free.back().Take(taken.interval, taken.need);
    }
  }
  std::vector<size_t> order(input.jobs.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return PlannedBefore(input.jobs[a], input.jobs[b]);
  });
  Plan plan;
  plan.made_at = input.now;
  plan.jobs.resize(input.jobs.size());
  for (const size_t i : order) {
    plan.jobs[i] = PlanOneJob(input, input.jobs[i], free);
    Occupy(input.jobs[i], plan.jobs[i], input.now, free);
  }
  return plan;
}

const char* Name(Reason reason) {
  switch (reason) {
    case Reason::kNone:
      return "none";
    case Reason::kHeld:
      return "held";
    case Reason::kRegionDrained:
      return "region_drained";
    case Reason::kNoCapacity:
      return "no_capacity";
    case Reason::kEarliest:
      return "earliest";
    case Reason::kNoForecast:
      return "no_forecast";
    case Reason::kSlackUsedUp:
      return "slack_used_up";
    case Reason::kCleanerHours:
      return "cleaner_hours";
    case Reason::kNoGain:
      return "no_gain";
  }
  return "?";
}

}  // namespace carbond
