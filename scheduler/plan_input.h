#pragma once
// From jobs and regions to what the planner is asked.

#include <optional>
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

// Whether two plans mean the same instant: they move by seconds all the time.
bool About(Instant a, Instant b);

// What a region lacks of its capacity: at certain hours, and where `room` is
// known and what others leave there is less.
std::vector<Taken> LackingDuring(const Region& region,
                                 const std::optional<Room>& room,
                                 Interval during);

}  // namespace carbond
