#pragma once
// What jobs emitted and what was planned for them, as rows. Private to
// storage/; throws as query.h says, inside the caller's transaction.

#include <optional>
#include <vector>

#include "scheduler/ports.h"
#include "storage/connection.h"
#include "storage/query.h"

namespace carbond {

// Replaces a job's figures, touching only rows that changed. What had been
// stated of a finished job is kept.
void StoreAccount(Connection& connection, const Account& account);

std::optional<JobEmissions> FiguresOf(Connection& connection, JobId job);
// By the second signal; only what is kept of it.
std::optional<JobEmissions> SecondOf(Connection& connection, JobId job);
// By purpose, the useful work first.
std::vector<EmissionsPart> PartsOf(Connection& connection, JobId job);
// What was stated earlier of a finished job, the oldest first.
std::vector<Superseded> SupersededOf(Connection& connection, JobId job);

void StorePlan(Connection& connection, const PlanRecord& plan);
std::optional<PlanRecord> NewestPlan(Connection& connection, JobId job);

}  // namespace carbond
