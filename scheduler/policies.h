#pragma once
// How others decide when to run: the policies of the literature, beside which
// carbond is measured in backtests. But for `replan`, which is this planner at
// each job's own exact plan, none of them knows of capacity, of pauses' price,
// or of a least pause or run (min_pause, min_run, max_pauses), as their authors
// have it: what they choose is fixed slot by slot, and with longer pauses it
// would be another policy, without the guarantee that dtpr's paper proves. The
// engine charges capacity and price when it carries them out; the least pauses
// of a scenario are kept by `replan` and `carbond` alone.
//
//   run_now       at submission, in the home region
//   lowest_slot   begins in the lowest slot (GAIA, Hanafy et al. 2024)
//   best_start    best unbroken run, planned once ("Flexible Start", Dodge et
//                 al. 2022; Lowest-Window with known length)
//   pause_resume  the lowest slots, planned once ("Pause and Resume", Dodge et
//                 al. 2022; "Wait Awhile", Wiesner et al. 2021)
//   replan        the exact plan for one job, made anew on every issue
//   threshold     runs below the 30th percentile of the next 24 h (Ecovisor,
//                 Souza et al. 2023, as coded in GAIA)
//   carbon_time   most saved per time of completion (GAIA)
//   dtpr          online double threshold (DTPR-min, Lechowicz et al. 2023)
//   carbond       this planner

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "scheduler/planner.h"

namespace carbond {

enum class PolicyKind {
  kRunNow,
  kLowestSlot,
  kBestStart,
  kPauseResume,
  kReplan,
  kThreshold,
  kCarbonTime,
  kDtpr,
  kCarbond,
};
const char* Name(PolicyKind kind);
Result<PolicyKind> ParsePolicy(const std::string& name);
std::vector<PolicyKind> AllPolicies();

// Whether another forecast could make it decide otherwise.
bool UsesForecasts(PolicyKind kind);

// ---- The rules, in one region ---------------------------------------------

struct PolicyWindow {
  Series outlook;  // clipped to [from, deadline) or longer
  Instant from;
  Duration work{0};
  Instant deadline;
};
using Runs = std::vector<Interval>;

// Where nothing is known of the window all of these run at once. Ties: the
// earliest.
Runs RunAtOnce(const PolicyWindow& window);
Runs LowestSlot(const PolicyWindow& window);
Runs BestStart(const PolicyWindow& window);
Runs PauseResume(const PolicyWindow& window);
Runs CarbonTime(const PolicyWindow& window);

// The 30 % quantile (linear interpolation) of the 24 h from an instant;
// nothing when nothing is known of them.
std::optional<double> ThresholdOf(const Series& outlook, Instant from);
// Runs in slots below the threshold (g/kWh), and in all once the slack is gone.
Runs BelowThreshold(const PolicyWindow& window, double threshold);

// DTPR-min: k slots of work to be bought at prices in [least, most] (g/kWh),
// each change between running and pausing costing `change` (in g/kWh x slots).
struct DoubleThreshold {
  double least = 0, most = 0, change = 0;
  int slots = 0;     // k
  double ratio = 0;  // the competitive ratio; 0 when the rule does not apply

  static DoubleThreshold Make(double least, double most, double change,
                              int slots);
  // For the i-th slot of work, from 1: run on below High, begin below Low.
  double High(int i) const;
  double Low(int i) const { return High(i) - 2 * change; }
};
// `running`: whether it ran in the slot before the window.
Runs BetweenThresholds(const PolicyWindow& window, const DoubleThreshold& rule,
                       bool running);

// ---- The same as planners -------------------------------------------------

// Makes whole plans by one policy, and remembers what was decided once.
class Policy {
 public:
  explicit Policy(PolicyKind kind) : kind_(kind) {}

  Plan Make(const PlanInput& input);

 private:
  struct Choice {
    int region = -1;
    Runs runs;
    double grams = 0;  // for comparing regions only
    bool known = false;
  };
  // Of a job, from when it was first seen.
  struct Memory {
    Choice once;
    std::map<int, double> threshold;       // by region
    std::map<int, DoubleThreshold> rules;  // by region
  };

  JobPlan PlanOne(const PlanInput& input, const PlanJob& job);
  Choice Choose(const PlanInput& input, const PlanJob& job, Memory& memory);
  Runs Decide(const PolicyWindow& window, const PlanJob& job, int region,
              Memory& memory) const;

  const PolicyKind kind_;
  Planner planner_;  // kCarbond, kReplan
  std::map<JobId, Memory> memory_;
};

}  // namespace carbond
