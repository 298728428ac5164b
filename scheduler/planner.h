#pragma once
// Decides when and where jobs should run: a function of now, the jobs, the
// forecasts and the capacity, and of nothing else. Same input, same plan.

#include <memory>
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
  std::string user;  // whose it is: what is scarce is shared among users
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
  // That waiting is worth it was decided before: the best of what is left is
  // followed, however little the next hour saves.
  bool waits = false;
  int max_runs = 0;  // at most so many, the one under way included; 0: any
  Grams delay_cost_per_hour;  // what finishing an hour sooner is worth
  Duration reserve{0};        // kept free before the deadline, where possible
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

  // Its data lie there; -1: everywhere, or it has none. A run that begins
  // elsewhere fetches them first, with its own power beside the network's.
  int data_region = -1;
  Duration transfer{0};
  WattHours transfer_energy;  // of the network

  // From the end of a run to the begin of the next, a transfer included. A
  // paused job begins its next run no sooner than `may_resume_from` (by the
  // transfer sooner where it moves), unless its deadline would be missed.
  Duration min_pause{0};
  Instant may_resume_from = {};

  // To the region that it occupies.
  bool bound() const {
    return standing == Standing::kRunning || standing == Standing::kSuspended;
  }
  // Whether its next run there fetches its data first.
  bool FetchesIn(int there) const {
    return standing != Standing::kRunning && data_region >= 0 &&
           data_region != there;
  }

  friend bool operator==(const PlanJob&, const PlanJob&) = default;
};

// Capacity that is spoken for, whatever the jobs of this plan do: also what a
// region lacks at certain hours.
struct Taken {
  Interval interval;
  Resources need;
  friend bool operator==(const Taken&, const Taken&) = default;
};

// What a region with a queue of its own has for us just now.
struct Room {
  Resources total;           // of all that takes jobs
  std::vector<Taken> taken;  // of it by others, and what is set aside

  // May be less than nothing where more is taken than is there.
  Resources LeftAt(Instant t) const {
    Resources left = total;
    for (const Taken& each : taken) {
      if (each.interval.Contains(t)) left -= each.need;
    }
    return left;
  }
  friend bool operator==(const Room&, const Room&) = default;
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
  bool yearly = false;      // the outlook is a yearly average
  std::string signal = {};  // what its intensities are
};

struct PlanInput {
  Instant now;
  std::vector<PlanRegion> regions;
  std::vector<PlanJob> jobs;
  // By job: whether what a Planner last said of it is followed, so that it need
  // be told only what changes. Empty: of none.
  std::vector<bool> told = {};
  NoForecast no_forecast = NoForecast::kRunNow;
  // How much work the spreading of many jobs may take, in parts of the usual
  // (about 1.5 s for 10,000 jobs). Counted, not timed: same input, same plan.
  double effort = 1;
};

// Why a job stands where it stands; in the order in which they are considered.
enum class Reason {
  kNone,           // it runs, or it is done
  kHeld,           // the user paused it
  kRegionDrained,  // none of its regions starts anything
  kNoCapacity,     // it fits nowhere before T
  kEarliest,       // its earliest start has not come
  kMinPause,       // its pause has not lasted long enough
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

// All time a run draws power: fetching data and restoring first, checkpoint
// last.
struct PlannedRun {
  Interval interval;
  int region = -1;  // index
  std::string region_name;

  friend bool operator==(const PlannedRun&, const PlannedRun&) = default;
};

// What a plan of many jobs is worth: of those that are planned in time and
// through known hours, what they are expected to emit from now on, and what no
// plan can go below that does the same jobs in time (with their reserves) and
// keeps to the capacity (prices.h).
struct PlanQuality {
  int jobs = 0;
  Grams expected;
  Grams lower_bound;

  // How far the plan can be from the best, as a fraction of the bound.
  double gap() const {
    return lower_bound > Grams()
               ? (expected - lower_bound).value() / lower_bound.value()
               : 0;
  }
  friend bool operator==(const PlanQuality&, const PlanQuality&) = default;
};

struct JobPlan {
  JobId id{};
  // Of the first run, and of the run under way; -1: no plan (held, or drained).
  int region = -1;
  std::string region_name;
  std::vector<PlannedRun> runs;
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
  PlanQuality together;    // of the plan that this is part of
  bool as_before = false;  // a Planner's last plan said the same of the job

  std::vector<Interval> intervals() const;
};

struct Plan {
  Instant made_at;
  // In the order of the input, but those that a Planner leaves as they were
  // told.
  std::vector<JobPlan> jobs;
  PlanQuality quality;  // empty where its jobs are of several signals
};

// What occupies capacity is planned first and keeps its place. Then come the
// others by priority: whatever is of lower priority is planned in what the
// higher left. Within a priority the users have their turns: nobody's work is
// planned before every other user has had about as much (planner.cc). Whatever
// has its turn together is spread by what each would lose (prices.h, spread.h);
// each job then takes what is cheapest for it among what the others left.
Plan MakePlan(const PlanInput& input);

// Plans again and again, and begins where the last plan ended: with the prices
// and the places found then, as far as they still hold. Each plan is a function
// of its input and those before it. For one thread.
class Planner {
 public:
  Planner();
  ~Planner();

  Plan Make(const PlanInput& input);

 private:
  std::unique_ptr<struct PlanMemory> memory_;
};

const char* Name(Reason reason);  // snake_case, for the outside contract

}  // namespace carbond
