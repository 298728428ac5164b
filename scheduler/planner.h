#pragma once
// Decides when and where jobs should run: a function of now, the jobs, the
// forecasts and the capacity, and of nothing else. Same input, same plan.

#include <optional>
#include <string>
#include <vector>

#include "scheduler/job.h"
#include "scheduler/series.h"

namespace carbond {

// What a job looks like to the planner.
struct PlanJob {
  enum class Standing {
    kFresh,         // never ran, or has nothing to restore
    kRunning,       // runs now, in `region`
    kSuspended,     // in memory in `region`, holding its capacity
    kCheckpointed,  // saved: its next run restores first
  };

  JobId id{};
  Resources need;
  Watts power;
  Watts idle_power;
  Duration work{0};  // useful work still to do
  PauseMode pause = PauseMode::kNone;
  Duration checkpoint_cost{0};
  Duration resume_cost{0};
  Duration min_run{0};
  std::optional<GramsPerKwh> max_intensity;
  double min_saving = 0;
  int max_runs = 0;  // at most so many, the one under way included; 0: any
  Grams delay_cost_per_hour;  // what finishing an hour sooner is worth
  Duration reserve{0};  // kept free before the deadline, where possible
  int duration_learnt_from = 0;  // earlier jobs; 0: the user's own estimate
  int priority = 0;
  Instant submitted_at;
  Instant earliest;   // not before; may lie in the past
  Instant deadline;   // finished by
  bool held = false;  // wants no plan; keeps capacity it occupies

  Standing standing = Standing::kFresh;
  int region = -1;  // index of the region it occupies, where it occupies one
  // kRunning: what is left of the restore, and the instant from which it may
  // be paused (its minimum run, a failed pause, its first sign of life).
  Duration restore_left{0};
  Instant may_pause_from;
  bool pausing = false;  // asked to pause already: leaves as soon as it can

  std::vector<int> regions;  // indices into PlanInput::regions, by preference
  int home = -1;             // index of the home region
};

// Capacity that is spoken for, whatever the jobs of this plan do.
struct Taken {
  Interval interval;
  Resources need;
};

struct PlanRegion {
  std::string name;
  Pue pue;
  Resources capacity;
  bool drained = false;
  Series outlook;  // forecast and its climatology tail, from about now on
  std::optional<Instant> forecast_issued_at;
  Instant forecast_end;  // where the forecast proper ends and the tail begins
  std::vector<Taken> taken;
};

struct PlanInput {
  Instant now;
  std::vector<PlanRegion> regions;
  std::vector<PlanJob> jobs;
  NoForecast no_forecast = NoForecast::kRunNow;
};

// Why a job stands where it stands; in the order in which they are considered.
enum class Reason {
  kNone,           // it runs, or it is done
  kHeld,           // the user paused it
  kRegionDrained,  // none of its regions starts anything
  kNoCapacity,     // it fits nowhere before T
  kEarliest,       // its earliest start has not come
  kNoForecast,     // nothing is known; the declared fallback applies
  kSlackUsedUp,    // must run now to meet its deadline, whatever the grid
  kCleanerHours,   // waits for cleaner hours
  kNoGain,         // waiting would not save enough: runs now
};

struct Alternative {
  std::string region;
  Instant begin;
  std::optional<Grams> expected;
};

struct JobPlan {
  JobId id{};
  int region = -1;  // index; -1: no plan (held, or drained)
  std::string region_name;
  // All time it draws running power: restore first, checkpoint last.
  std::vector<Interval> intervals;
  std::optional<Instant> finish_at;
  bool late = false;  // the deadline cannot be met
  // Grams from now on, under this plan and had it run at once; nothing where
  // the intensity is not known.
  std::optional<Grams> expected;
  std::optional<Grams> run_now;
  std::optional<Instant> forecast_issued_at;
  Reason reason = Reason::kNone;
  std::string why;  // one sentence, complete with instants and savings
  std::vector<Alternative> alternatives;
};

struct Plan {
  Instant made_at;
  std::vector<JobPlan> jobs;  // in the order of the input
};

// Jobs are planned one after another: those that occupy capacity first, then by
// priority, slack, submission and id. Each takes what is cheapest for it among
// what those before it left.
Plan MakePlan(const PlanInput& input);

const char* Name(Reason reason);  // snake_case, for the outside contract

}  // namespace carbond
