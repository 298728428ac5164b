#pragma once
// Many jobs as they were recorded, on ten regions with recorded curves: what
// the planner is measured on.

#include "scheduler/planner.h"

namespace carbond {

struct FleetKind {
  int jobs = 10'000;
  double load = 0.5;  // GPU hours wanted over those there are
  int days = 7;
  int slots_an_hour = 1;      // 12: of five minutes, with some noise
  bool day_of_slack = false;  // else windows of 1 to 11 times the duration
  double pausable = 0;        // share of jobs that save and leave
  double min_saving = 0;
  uint64_t seed = 1;
  int largest = 16;  // GPUs of a job: 1 leaves nothing indivisible
};

// Durations and GPUs are those of Alibaba PAI as sampled by GAIA
// (traces/jobs), cut to a day and `largest` GPUs; when they come and how long
// they may wait is drawn. Four in ten may run in one region only, three in
// three. Empty of regions where the recorded data is not there.
PlanInput FleetOf(const FleetKind& kind);

}  // namespace carbond
