// What a plan of many is worth, and what no plan can go below.

#include <algorithm>

#include "scheduler/fleet.h"

namespace carbond {
namespace {

size_t Index(int i) { return static_cast<size_t>(i); }

// Whether a plan's quality counts the job: in time, through known hours.
bool Counts(const JobPlan& plan) {
  const bool runs = plan.as_before || !plan.runs.empty();
  return plan.expected && !plan.late && runs;
}

}  // namespace

// Without prices, since none is in another's way: each at its own least.
Grams Fleet::BoundApart(const std::vector<bool>& counted) const {
  Grams bound;
  std::vector<FleetJob> others;  // of which it is not known
  for (size_t i = 0; i < counted.size(); ++i) {
    if (!counted[i]) continue;
    if (least_[i]) {
      bound += *least_[i];
    } else {
      others.push_back(FleetJobOf(input_.jobs[i]));
    }
  }
  if (others.empty()) return bound;
  const Prices none(time_, all_, others);
  const std::vector<bool> all(others.size(), true);
  return bound + time_.GramsOf(std::max<Int128>(none.BoundFor(all), 0));
}

Grams Fleet::BoundByPrices(const std::vector<bool>& counted) const {
  Prices prices(time_, all_, fleet_jobs_);
  if (!prices_.empty()) prices.Set(prices_);
  return time_.GramsOf(std::max<Int128>(prices.BoundFor(counted), 0));
}

// By region: the first one whose intensities are of the same signal.
std::vector<size_t> Fleet::FirstOfSignal() const {
  std::vector<size_t> first;
  for (const PlanRegion& region : input_.regions) {
    const auto same = std::find_if(
        input_.regions.begin(), input_.regions.end(),
        [&](const PlanRegion& each) { return each.signal == region.signal; });
    first.push_back(static_cast<size_t>(same - input_.regions.begin()));
  }
  return first;
}

// Of each signal by itself, since grams of two are not added.
void Fleet::Judge(Plan& plan) {
  const std::vector<size_t> signal_of = FirstOfSignal();
  std::vector<PlanQuality> judged(signal_of.size());
  std::vector<std::vector<bool>> counted(signal_of.size());
  for (size_t i = 0; i < plan.jobs.size(); ++i) {
    const JobPlan& each = plan.jobs[i];
    if (!Counts(each)) continue;
    const size_t signal = signal_of[Index(each.region)];
    counted[signal].resize(plan.jobs.size());
    counted[signal][i] = true;
    ++judged[signal].jobs;
    judged[signal].expected += *each.expected;
  }
  for (size_t i = 0; i < judged.size(); ++i) {
    if (counted[i].empty()) continue;
    PlanQuality& quality = judged[i];
    quality.lower_bound =
        least_.empty() ? BoundByPrices(counted[i]) : BoundApart(counted[i]);
    // Rounding, and a capacity that shrank under what runs, may turn it round.
    quality.lower_bound = std::min(quality.lower_bound, quality.expected);
  }
  for (JobPlan& each : plan.jobs) {
    if (each.region >= 0) each.together = judged[signal_of[Index(each.region)]];
  }
  const auto of_any = [](const PlanQuality& quality) {
    return quality.jobs > 0;
  };
  if (std::count_if(judged.begin(), judged.end(), of_any) == 1) {
    plan.quality = *std::find_if(judged.begin(), judged.end(), of_any);
  }
}

}  // namespace carbond
