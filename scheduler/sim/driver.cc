#include "scheduler/sim/driver.h"

#include <algorithm>

namespace carbond {

Status Driver::Settle() {
  CARBOND_RETURN_IF_ERROR(engine_.Tick());
  // Each round, a start or a pause may call for another plan.
  for (int round = 0; round < 4; ++round) {
    const std::optional<PlanInput> request = engine_.TakePlanRequest();
    if (!request) return Ok();
    CARBOND_RETURN_IF_ERROR(engine_.Adopt(planner_(*request)));
    CARBOND_RETURN_IF_ERROR(engine_.Tick());
  }
  return Ok();
}

Status Driver::Drive(Instant until, bool stop_when_done,
                     const std::function<Status()>& after_each) {
  while (true) {
    CARBOND_RETURN_IF_ERROR(Settle());
    if (after_each) CARBOND_RETURN_IF_ERROR(after_each());
    if (stop_when_done && engine_.live().empty()) return Ok();
    if (clock_.Now() >= until) return Ok();
    Instant next = std::min(until, engine_.NextWake());
    if (executor_ != nullptr) {
      const std::optional<Instant> end = executor_->NextEnd();
      if (end) next = std::min(next, *end);
    }
    clock_.Set(std::max(next, clock_.Now() + Duration(1)));
  }
}

Status Driver::RunUntil(Instant until,
                        const std::function<Status()>& after_each) {
  return Drive(until, false, after_each);
}

Status Driver::RunUntilDone(Instant until,
                            const std::function<Status()>& after_each) {
  return Drive(until, true, after_each);
}

}  // namespace carbond
