#pragma once
// The one sentence that says why a job waits, runs or moves.

#include <string>

#include "scheduler/candidate.h"

namespace carbond {

struct Decision {
  const Candidate& chosen;
  const Candidate* at_once;  // may be null
  Reason reason;
};
std::string WhyOf(const PlanInput& input, const PlanJob& job,
                  const Decision& decision);

}  // namespace carbond
