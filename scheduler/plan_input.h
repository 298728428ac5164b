#pragma once
// From jobs and regions to what the planner is asked.

#include <vector>

#include "scheduler/lifecycle.h"
#include "scheduler/planner.h"

namespace carbond {

// What a submission alone says: a job that has not begun. What it has done, and
// which regions it may use, is for the caller to add.
PlanJob PlanJobOf(const JobSpec& spec, const TransferCost& transfer);

// What moving a job's data takes; nothing of both where it has none.
DataMove MoveFrom(const std::string& region, const JobSpec& spec,
                  const TransferCost& transfer);

// What a region lacks of its capacity at certain hours.
std::vector<Taken> LackingDuring(const Region& region, Interval during);

}  // namespace carbond
