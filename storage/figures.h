#pragma once
// What jobs emitted and what was planned for them, as rows. Private to
// storage/; throws as query.h says, inside the caller's transaction.

#include <optional>

#include "scheduler/ports.h"
#include "storage/connection.h"
#include "storage/query.h"

namespace carbond {

// Replaces a job's figures, touching only rows that changed.
void StoreAccount(Connection& connection, const Account& account);

std::optional<JobEmissions> FiguresOf(Connection& connection, JobId job);

void StorePlan(Connection& connection, const PlanRecord& plan);
std::optional<PlanRecord> NewestPlan(Connection& connection, JobId job);

}  // namespace carbond
