#include "scheduler/fleet.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace carbond {
namespace {

// Of all jobs, for rows of runs; counted in starts looked at.
constexpr double kWorkInPieces = 4.0e8;

// Who occupies capacity comes first, then priority, then the least slack: a job
// that can hardly move must not be pushed by one that can.
bool PlannedBefore(const PlanJob& a, const PlanJob& b) {
  const auto latest_start = [](const PlanJob& job) {
    return job.deadline - job.work;
  };
  if ((a.region >= 0) != (b.region >= 0)) return a.region >= 0;
  if (a.priority != b.priority) return a.priority > b.priority;
  if (latest_start(a) != latest_start(b)) {
    return latest_start(a) < latest_start(b);
  }
  if (a.submitted_at != b.submitted_at) return a.submitted_at < b.submitted_at;
  return a.id < b.id;
}

std::vector<CapacityProfile> NotSpokenFor(const PlanInput& input) {
  std::vector<CapacityProfile> free;
  Instant until = input.now;
  for (const PlanJob& job : input.jobs) until = std::max(until, job.deadline);
  for (const PlanRegion& region : input.regions) {
    free.emplace_back(region.capacity, input.now, until);
    for (const Taken& taken : region.taken) {
      free.back().Take(taken.interval, taken.need);
    }
  }
  return free;
}

}  // namespace

Fleet::Fleet(const PlanInput& input, PlanMemory* memory)
    : input_(input),
      memory_(memory),
      time_(input),
      all_(NotSpokenFor(input)),
      free_(all_),
      plans_(input.jobs.size()),
      pieces_left_(static_cast<int64_t>(kWorkInPieces * input.effort)) {
  LookUp();
}

// ---- Who has its turn when --------------------------------------------------

// How much of all capacity a job asks for, in capacity x seconds.
double Fleet::ShareOf(const PlanJob& job) const {
  double gpus = 1, cpus = 1;
  for (const PlanRegion& region : input_.regions) {
    gpus += region.capacity.gpus;
    cpus += region.capacity.cpus;
  }
  const double part = std::max(job.need.gpus / gpus, job.need.cpus / cpus);
  return part * static_cast<double>(job.work.count()) / 1000;
}

// Jobs of one priority, by turns. In the first turn every user brings as much
// work as the one with the least has in all, in the next about twice as much,
// and so on: who has a thousand jobs cannot shut out who has one.
std::vector<Fleet::Jobs> Fleet::SharedTurns(const Jobs& jobs) const {
  std::map<std::string, double> wanted;
  for (const size_t i : jobs) {
    wanted[input_.jobs[i].user] += ShareOf(input_.jobs[i]);
  }
  if (wanted.size() < 2) return {jobs};
  std::vector<double> totals;
  for (const auto& [user, total] : wanted) totals.push_back(total);
  std::sort(totals.begin(), totals.end());
  std::vector<double> levels;
  for (const double total : totals) {
    if (levels.empty() || total >= 2 * levels.back()) levels.push_back(total);
  }
  std::map<std::string, double> had;
  std::vector<Jobs> turns(levels.size() + 1);
  for (const size_t i : jobs) {
    double& so_far = had[input_.jobs[i].user];
    const auto level = std::partition_point(
        levels.begin(), levels.end(),
        [&](double each) { return each <= so_far * (1 + 1e-9); });
    turns[static_cast<size_t>(level - levels.begin())].push_back(i);
    so_far += ShareOf(input_.jobs[i]);
  }
  std::erase_if(turns, [](const Jobs& turn) { return turn.empty(); });
  return turns;
}

std::vector<Fleet::Jobs> Fleet::Turns(const Jobs& jobs) const {
  std::vector<Jobs> turns;
  for (size_t first = 0; first < jobs.size();) {
    size_t last = first;
    Jobs alike;
    while (last < jobs.size() && input_.jobs[jobs[last]].priority ==
                                     input_.jobs[jobs[first]].priority) {
      alike.push_back(jobs[last++]);
    }
    for (Jobs& turn : SharedTurns(alike)) turns.push_back(std::move(turn));
    first = last;
  }
  return turns;
}

Plan Fleet::Make() {
  if (Roomy()) {
    PlanApart();
  } else {
    PlanByTurns();
  }
  Plan plan;
  plan.made_at = input_.now;
  plan.jobs = std::move(plans_);
  Judge(plan);
  Remember(plan);
  size_t kept = 0;
  for (size_t i = 0; i < plan.jobs.size(); ++i) {
    if (plan.jobs[i].as_before && Told(i)) continue;
    if (kept != i) plan.jobs[kept] = std::move(plan.jobs[i]);
    ++kept;
  }
  plan.jobs.resize(kept);
  return plan;
}

void Fleet::PlanByTurns() {
  for (const PlanJob& job : input_.jobs) {
    fleet_jobs_.push_back(FleetJobOf(job));
  }
  Jobs order(input_.jobs.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return PlannedBefore(input_.jobs[a], input_.jobs[b]);
  });
  const auto others = std::find_if(order.begin(), order.end(), [&](size_t i) {
    return input_.jobs[i].region < 0;
  });
  const Jobs occupants(order.begin(), others);
  Adopt(occupants, AroundEachOther(occupants));
  for (const Jobs& turn : Turns(Jobs(others, order.end()))) {
    // What is late whatever the others do comes first, and as soon as it fits.
    Jobs hopeless, rest;
    for (const size_t i : turn) {
      const FleetJob& job = fleet_jobs_[i];
      const bool fits = !job.regions.empty() && !input_.jobs[i].held &&
                        job.end - job.begin >= job.length;
      (fits ? rest : hopeless).push_back(i);
    }
    if (!hopeless.empty()) Adopt(hopeless, OneAfterAnother(hopeless));
    if (!rest.empty()) PlanTogether(rest);
  }
}

}  // namespace carbond
