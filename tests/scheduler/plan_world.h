#pragma once
// Worlds for the planner in a line or two: regions with hourly intensities, and
// jobs of a kilowatt.

#include <vector>

#include "scheduler/planner.h"

namespace carbond {

inline const Instant kNow = Instant::FromSeconds(1'800'000'000);  // 08:00Z

// Intensities hour by hour from now on.
inline Series Hourly(const std::vector<double>& grams, Instant from = kNow) {
  std::vector<Slot> slots;
  for (const double g : grams) {
    const Instant begin = from + hours(slots.size());
    slots.push_back({{begin, begin + hours(1)}, GramsPerKwh::Of(g)});
  }
  return Series::Make(std::move(slots)).value();
}

inline PlanRegion RegionWith(Series outlook, const char* name = "here") {
  PlanRegion region;
  region.name = name;
  region.pue = Pue::Of(1);
  region.capacity = {4, 32};
  region.outlook = std::move(outlook);
  region.forecast_issued_at = kNow - minutes(3);
  region.forecast_end = region.outlook.end();
  return region;
}

inline PlanInput HourlyWorld(const std::vector<double>& grams) {
  PlanInput input;
  input.now = kNow;
  input.regions = {RegionWith(Hourly(grams))};
  return input;
}

// A kilowatt for so long, in the first region, to be finished in a day.
inline PlanJob JobOf(Duration work, int id = 1) {
  PlanJob job;
  job.id = JobId{id};
  job.need = {1, 1};
  job.power = Watts::Of(1000);
  job.work = work;
  job.submitted_at = kNow;
  job.earliest = kNow;
  job.deadline = kNow + hours(24);
  job.regions = {0};
  return job;
}

inline PlanJob RunningJob(Duration work, int id = 1) {
  PlanJob job = JobOf(work, id);
  job.standing = PlanJob::Standing::kRunning;
  job.region = 0;
  job.may_pause_from = kNow;
  return job;
}

inline JobPlan PlanFor(PlanInput input, const PlanJob& job) {
  input.jobs.push_back(job);
  return MakePlan(input).jobs.back();
}

inline Interval Hours(int begin, int end) {
  return {kNow + hours(begin), kNow + hours(end)};
}

}  // namespace carbond
