#include "scheduler/planner.h"

#include "scheduler/fleet.h"

namespace carbond {

Plan MakePlan(const PlanInput& input) { return Fleet(input, nullptr).Make(); }

Planner::Planner() : memory_(std::make_unique<PlanMemory>()) {}
Planner::~Planner() = default;

Plan Planner::Make(const PlanInput& input) {
  return Fleet(input, memory_.get()).Make();
}

std::vector<Interval> JobPlan::intervals() const {
  std::vector<Interval> all;
  for (const PlannedRun& run : runs) all.push_back(run.interval);
  return all;
}

const char* Name(Reason reason) {
  switch (reason) {
    case Reason::kNone:
      return "none";
    case Reason::kHeld:
      return "held";
    case Reason::kRegionDrained:
      return "region_drained";
    case Reason::kNoCapacity:
      return "no_capacity";
    case Reason::kEarliest:
      return "earliest";
    case Reason::kMinPause:
      return "min_pause";
    case Reason::kNoForecast:
      return "no_forecast";
    case Reason::kSlackUsedUp:
      return "slack_used_up";
    case Reason::kCleanerHours:
      return "cleaner_hours";
    case Reason::kNoGain:
      return "no_gain";
  }
  return "?";
}

}  // namespace carbond
