#include "scheduler/plan_choice.h"

#include <algorithm>
#include <utility>

#include "scheduler/plan_words.h"

namespace carbond {
namespace {

class Chooser {
 public:
  Chooser(const PlanInput& input, const PlanJob& job, WaysToRun ways)
      : input_(input), job_(job), ways_(std::move(ways)) {}

  JobPlan Choose() {
    const Candidate* chosen = &ways_.best;
    Reason reason = Reason::kCleanerHours;
    const bool waits = Waits(ways_.best);
    if (ways_.best.late) {
      reason = ways_.best.begin() > input_.now && !job_.bound()
                   ? Reason::kNoCapacity
                   : Reason::kSlackUsedUp;
    } else if (ways_.best.unknown > Duration(0)) {
      reason = Reason::kNoForecast;
      const auto& instead = input_.no_forecast == NoForecast::kRunNow
                                ? ways_.at_once
                                : ways_.at_latest;
      if (instead) chosen = &*instead;
    } else if (ways_.at_once && (ways_.at_once->late || ways_.must_leave)) {
      reason = Reason::kNoCapacity;  // in one piece it would not do
    } else if (ways_.at_once && waits && !Saves(*ways_.at_once)) {
      chosen = &*ways_.at_once;
      reason = Reason::kNoGain;
    } else if (!waits) {
      reason = SlackLeft() ? Reason::kNoGain : Reason::kSlackUsedUp;
    }
    const bool at_once =
        reason == Reason::kNoGain || reason == Reason::kSlackUsedUp;
    if (at_once && chosen->begin() > input_.now &&
        chosen->begin() <= ReadyIn(chosen->region())) {
      reason = Reason::kMinPause;
    } else if (at_once && !job_.bound() && chosen->begin() > input_.now) {
      reason = chosen->begin() <= job_.earliest ? Reason::kEarliest
                                                : Reason::kNoCapacity;
    }
    return PlanOf(*chosen, reason);
  }

 private:
  const PlanRegion& Region(int index) const {
    return input_.regions[static_cast<size_t>(index)];
  }

  Instant ReadyIn(int region) const {
    return job_.FetchesIn(region) ? ways_.ready - job_.transfer : ways_.ready;
  }

  // Whether the job is not simply run through as soon as it can be.
  bool Waits(const Candidate& candidate) const {
    return candidate.runs.size() > 1 ||
           candidate.begin() >
               (ways_.at_once ? ways_.at_once->begin() : input_.now);
  }

  // Does the best save what a wait must save?
  bool Saves(const Candidate& at_once) const {
    if (ways_.best.dear < at_once.dear) return true;
    if (!ways_.best.grams || !at_once.grams) return false;
    const double saved = (at_once.weighed - ways_.best.weighed).value();
    const double least = job_.waits ? 0 : job_.min_saving;
    return saved > 0 && saved >= least * at_once.grams->value() - 1e-9;
  }

  bool SlackLeft() const {
    return ways_.at_once && ways_.at_once->end + seconds(1) < ways_.wanted_by;
  }

  JobPlan PlanOf(const Candidate& chosen, Reason reason) {
    JobPlan plan;
    plan.id = job_.id;
    const PlanRegion& place = Region(chosen.region());
    plan.region = chosen.region();
    plan.region_name = place.name;
    plan.runs = chosen.runs;
    for (PlannedRun& run : plan.runs) {
      run.region_name = Region(run.region).name;
    }
    plan.finish_at = chosen.end;
    plan.late = chosen.late;
    plan.expected = chosen.grams;
    if (ways_.at_once) plan.run_now = ways_.at_once->grams;
    plan.forecast_issued_at = place.forecast_issued_at;
    plan.reason = reason;
    plan.why =
        WhyOf(input_, job_,
              {chosen, ways_.at_once ? &*ways_.at_once : nullptr, reason});
    std::stable_sort(ways_.alternatives.begin(), ways_.alternatives.end(),
                     Better);
    if (ways_.at_once) ways_.alternatives.push_back(*ways_.at_once);
    for (const Candidate& each : ways_.alternatives) {
      if (each.region() == chosen.region() && each.begin() == chosen.begin() &&
          each.runs.size() == chosen.runs.size()) {
        continue;
      }
      plan.alternatives.push_back(
          {Region(each.region()).name, each.begin(), each.grams});
    }
    return plan;
  }

  const PlanInput& input_;
  const PlanJob& job_;
  WaysToRun ways_;
};

}  // namespace

JobPlan ChooseWay(const PlanInput& input, const PlanJob& job, WaysToRun ways) {
  return Chooser(input, job, std::move(ways)).Choose();
}

}  // namespace carbond
