#pragma once
// Drives an engine through simulated time: from wake to wake, planning at once.

#include <functional>
#include <utility>

#include "scheduler/engine.h"
#include "scheduler/sim/sim_doors.h"

namespace carbond {

class Driver {
 public:
  using Planner = std::function<Plan(const PlanInput&)>;

  // `executor` may be null; otherwise the clock also stops where a process ends
  // by itself, as the daemon is woken by it.
  Driver(Engine& engine, SimClock& clock, SimExecutor* executor,
         Planner planner = MakePlan)
      : engine_(engine),
        clock_(clock),
        executor_(executor),
        planner_(std::move(planner)) {}

  // Tick, plan and tick again at this instant, until nothing more is planned.
  Status Settle();
  // Settles now and at every wake until `until`, where the clock then stands.
  // `after_each` is called after every settling; an error ends the drive.
  Status RunUntil(Instant until,
                  const std::function<Status()>& after_each = nullptr);
  // Until no job is live, or `until`.
  Status RunUntilDone(Instant until,
                      const std::function<Status()>& after_each = nullptr);

 private:
  Status Drive(Instant until, bool stop_when_done,
               const std::function<Status()>& after_each);

  Engine& engine_;
  SimClock& clock_;
  SimExecutor* executor_;
  const Planner planner_;
};

}  // namespace carbond
