// What a plan leaves to the next, and how far it still holds.

#include <algorithm>
#include <cmath>

#include "scheduler/fleet.h"

namespace carbond {
namespace {

size_t Index(int i) { return static_cast<size_t>(i); }

// The instant until which two series say the same from `from` on.
Instant Alike(const Series& a, const Series& b, Instant from) {
  const Series one = a.Clip({from, Instant::Never()});
  const Series other = b.Clip({from, Instant::Never()});
  const std::vector<Slot>& first = one.slots();
  const std::vector<Slot>& second = other.slots();
  const size_t count = std::min(first.size(), second.size());
  size_t i = 0;
  while (i < count && first[i] == second[i]) ++i;
  if (i == first.size() && i == second.size()) return Instant::Never();
  // The last slot of one may be cut where it was looked at no further.
  if (i < count && first[i].interval.begin == second[i].interval.begin &&
      first[i].intensity == second[i].intensity) {
    return std::min(first[i].interval.end, second[i].interval.end);
  }
  return i == 0 ? from : first[i - 1].interval.end;
}

// The same of what is taken of a region; both are in order of time.
Instant Alike(const std::vector<Taken>& a, const std::vector<Taken>& b,
              Instant from) {
  const auto passed = [&](const Taken& taken) {
    return taken.interval.end <= from;
  };
  auto one = std::find_if_not(a.begin(), a.end(), passed);
  auto other = std::find_if_not(b.begin(), b.end(), passed);
  while (one != a.end() && other != b.end()) {
    const Instant begin = std::max(one->interval.begin, from);
    const Instant other_begin = std::max(other->interval.begin, from);
    if (begin != other_begin) return std::min(begin, other_begin);
    if (one->need != other->need) return begin;
    if (one->interval.end != other->interval.end) {
      return std::min(one->interval.end, other->interval.end);
    }
    ++one;
    ++other;
  }
  if (one != a.end()) return std::max(one->interval.begin, from);
  if (other != b.end()) return std::max(other->interval.begin, from);
  return Instant::Never();
}

}  // namespace

void Fleet::LookUp() {
  kept_.assign(input_.jobs.size(), nullptr);
  same_until_.assign(input_.regions.size(), Instant());
  said_until_.assign(input_.jobs.size(), Instant::Never());
  std::vector<Instant> slot_ends(input_.regions.size(), Instant::Never());
  for (size_t r = 0; r < input_.regions.size(); ++r) {
    for (const Slot& slot : input_.regions[r].outlook.slots()) {
      slot_ends[r] = slot.interval.end;
      if (slot.interval.end > input_.now) break;
    }
  }
  for (size_t i = 0; i < input_.jobs.size(); ++i) {
    for (const int r : input_.jobs[i].regions) {
      said_until_[i] = std::min(said_until_[i], slot_ends[Index(r)]);
    }
  }
  if (memory_ == nullptr) return;
  for (size_t i = 0; i < input_.jobs.size(); ++i) {
    const auto kept = memory_->jobs.find(input_.jobs[i].id);
    if (kept != memory_->jobs.end()) kept_[i] = &kept->second;
  }
  for (size_t r = 0; r < input_.regions.size(); ++r) {
    if (memory_->regions.size() != input_.regions.size()) break;
    const PlanRegion& was = memory_->regions[r].facts;
    const PlanRegion& is = input_.regions[r];
    const bool same = was.name == is.name && was.pue == is.pue &&
                      was.drained == is.drained &&
                      was.forecast_issued_at == is.forecast_issued_at;
    if (!same) continue;
    same_until_[r] = std::min(Alike(was.outlook, is.outlook, input_.now),
                              Alike(was.taken, is.taken, input_.now));
    if (was.forecast_end != is.forecast_end) {
      same_until_[r] =
          std::min({same_until_[r], was.forecast_end, is.forecast_end});
    }
  }
}

// Whether the grid of all its regions is what it was.
bool Fleet::KnowsTheSame(const PlanJob& job) const {
  return std::all_of(job.regions.begin(), job.regions.end(), [&](int r) {
    return same_until_[Index(r)] >= job.deadline;
  });
}

// Whether nothing has come about since that would change the plan of a waiting
// job: neither the job nor the grid of its regions.
bool Fleet::StillWaits(size_t job) const {
  const PlanMemory::Kept& kept = *kept_[job];
  return kept.job == input_.jobs[job] && !kept.plan.runs.empty() &&
         kept.plan.runs.front().interval.begin > input_.now &&
         KnowsTheSame(kept.job);
}

// Nor what its plan says, while it stays where it is: no other slot has begun.
bool Fleet::SaysTheSame(size_t job) const {
  return input_.now < kept_[job]->said_until && StillWaits(job);
}

// Whether a running job has only followed its plan since. The rest of a best
// plan is the best for the rest.
bool Fleet::FollowsItsPlan(size_t job) {
  PlanMemory::Kept& kept = *kept_[job];
  const PlanJob& is = input_.jobs[job];
  if (kept.job.standing != PlanJob::Standing::kRunning || is.pausing ||
      kept.plan.runs.empty()) {
    return false;
  }
  const PlannedRun& run = kept.plan.runs.front();
  if (run.region != is.region || run.interval.begin > memory_->made_at ||
      run.interval.end <= input_.now) {
    return false;
  }
  if (!KnowsTheSame(is)) return false;
  const Duration gone = input_.now - memory_->made_at;
  const Duration restored = std::min(kept.job.restore_left, gone);
  if (is.restore_left != kept.job.restore_left - restored ||
      is.work != kept.job.work - (gone - restored)) {
    return false;
  }
  // That has gone on as was to be expected; has all the rest stayed?
  kept.job.restore_left = is.restore_left;
  kept.job.work = is.work;
  kept.job.reserve = is.reserve;  // of the work that is left
  return kept.job == is;
}

// Whether a job may still do what it was planned to do. (An unbroken run is
// looked at once more by Spread::Keep.)
bool Fleet::Holds(const PlanJob& job, const PlanMemory::Kept& kept,
                  const std::vector<CapacityProfile>& free) const {
  const JobPlan& plan = kept.plan;
  if (plan.runs.empty() || plan.late) return false;
  if (plan.runs.size() == 1) return true;
  if (!(kept.job == job) || job.held) return false;
  if (plan.runs.front().interval.begin < input_.now) return false;
  const auto fits = [&](Interval interval, int region) {
    return std::find(job.regions.begin(), job.regions.end(), region) !=
               job.regions.end() &&
           !input_.regions[Index(region)].drained &&
           free[Index(region)].TimesWithout(job.need, interval).empty();
  };
  if (job.pause == PauseMode::kSuspend) {
    return fits(
        {plan.runs.front().interval.begin, plan.runs.back().interval.end},
        plan.region);
  }
  return std::all_of(
      plan.runs.begin(), plan.runs.end(),
      [&](const PlannedRun& run) { return fits(run.interval, run.region); });
}

std::vector<RegionPrices> Fleet::RememberedPrices() const {
  std::vector<RegionPrices> prices;
  for (int r = 0; r < time_.count(); ++r) {
    const RegionTime& time = time_.region(r);
    RegionPrices each;
    each.gpu.resize(Index(time.count()));
    each.cpu.resize(Index(time.count()));
    const auto before = std::find_if(
        memory_->regions.begin(), memory_->regions.end(),
        [&](const PlanMemory::Region& region) {
          return region.facts.name == input_.regions[Index(r)].name;
        });
    for (int i = 0; before != memory_->regions.end() && i < time.count(); ++i) {
      const int64_t t = time.point(i);
      const auto next =
          std::upper_bound(before->points.begin(), before->points.end(), t);
      if (next == before->points.begin() || next == before->points.end()) {
        continue;
      }
      const auto slot = static_cast<size_t>(next - before->points.begin() - 1);
      each.gpu[Index(i)] = std::llround(before->gpu[slot] / time_.unit());
      each.cpu[Index(i)] = std::llround(before->cpu[slot] / time_.unit());
    }
    prices.push_back(std::move(each));
  }
  return prices;
}

// What is as before is not copied once more.
void Fleet::RememberJob(size_t job, const JobPlan& plan) {
  PlanMemory::Kept& kept =
      kept_[job] != nullptr ? *kept_[job] : memory_->jobs[input_.jobs[job].id];
  if (plan.as_before) {
    kept.plan.expected = plan.expected;  // less is left of one that runs
  } else {
    kept.job = input_.jobs[job];
    kept.plan = plan;
  }
  kept.said_until = said_until_[job];
  kept.least = least_.empty() ? std::nullopt : least_[job];
  kept.of_plan = memory_->plans;
}

void Fleet::Remember(const Plan& plan) {
  if (memory_ == nullptr) return;
  memory_->made_at = input_.now;
  ++memory_->plans;
  for (size_t i = 0; i < plan.jobs.size(); ++i) RememberJob(i, plan.jobs[i]);
  if (memory_->jobs.size() > plan.jobs.size()) {
    std::erase_if(memory_->jobs, [this](const auto& entry) {
      return entry.second.of_plan != memory_->plans;
    });
  }
  memory_->regions.clear();
  for (int r = 0; r < time_.count(); ++r) {
    const RegionTime& time = time_.region(r);
    PlanMemory::Region region;
    region.facts = input_.regions[Index(r)];
    if (prices_.empty()) {
      memory_->regions.push_back(std::move(region));
      continue;
    }
    for (int i = 0; i <= time.count(); ++i) {
      region.points.push_back(time.point(i));
    }
    const RegionPrices& prices = prices_[Index(r)];
    for (int i = 0; i < time.count(); ++i) {
      region.gpu.push_back(static_cast<double>(prices.gpu[Index(i)]) *
                           time_.unit());
      region.cpu.push_back(static_cast<double>(prices.cpu[Index(i)]) *
                           time_.unit());
    }
    memory_->regions.push_back(std::move(region));
  }
}

}  // namespace carbond
