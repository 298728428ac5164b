#pragma once
// Plans all jobs of an input: who has its turn when, who stands where, and what
// that is worth. The steps are those told at MakePlan.

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "scheduler/capacity.h"
#include "scheduler/fleet_job.h"
#include "scheduler/plan_job.h"
#include "scheduler/prices.h"

namespace carbond {

// What a later plan begins with.
struct PlanMemory {
  struct Region {
    PlanRegion facts;
    std::vector<int64_t> points;   // milliseconds since 1970
    std::vector<double> gpu, cpu;  // prices, each times FleetTime::unit()
  };
  struct Kept {
    PlanJob job;
    JobPlan plan;
    Instant said_until;          // its words hold: then another slot begins
    std::optional<Grams> least;  // PlannedJob::least
    int64_t of_plan = 0;         // the last that it was in
  };
  Instant made_at;
  std::vector<Region> regions;
  std::unordered_map<JobId, Kept> jobs;
  int64_t plans = 0;  // so many were made
};

class Fleet {
 public:
  // Both must outlive this; `memory` may be null, and is written over.
  Fleet(const PlanInput& input, PlanMemory* memory);

  Plan Make();

 private:
  using Jobs = std::vector<size_t>;  // indices into the input
  struct Outcome {
    std::vector<JobPlan> plans;  // of the jobs that had their turn, in order
    std::vector<CapacityProfile> free;
    bool crowded = false;
    int64_t late = 0;
    Grams expected;  // through unknown time at more than the dearest known
  };

  // ---- Who has its turn when
  std::vector<Jobs> Turns(const Jobs& jobs) const;
  std::vector<Jobs> SharedTurns(const Jobs& jobs) const;
  double ShareOf(const PlanJob& job) const;

  void PlanByTurns();

  // ---- One turn (fleet_turn.cc)
  void PlanTogether(const Jobs& jobs);
  Outcome OneAfterAnother(const Jobs& jobs);
  Outcome AroundEachOther(const Jobs& jobs);
  Outcome SpreadOut(const Jobs& jobs, bool again);
  int64_t ClimbFromNothing(Prices& prices,
                           const std::vector<CapacityProfile>& free,
                           const std::vector<FleetJob>& jobs,
                           int64_t budget) const;  // the work that it took
  void PlanEach(const Jobs& jobs, Outcome& outcome,
                const std::vector<const JobPlan*>& given);
  Grams ExpectedOf(const PlanJob& job, const JobPlan& plan) const;
  void Raise(const std::vector<RegionPrices>& found);
  void Adopt(const Jobs& jobs, Outcome outcome);
  JobSearch SearchAmong(size_t jobs) const;
  bool InPieces(const PlanJob& job);
  bool IsFine() const;
  int64_t BudgetOf(size_t jobs) const;
  FleetJob FleetJobOf(const PlanJob& job) const;
  void Occupy(const PlanJob& job, const JobPlan& plan,
              std::vector<CapacityProfile>& free, bool give_back) const;

  // ---- What was found earlier (fleet_memory.cc)
  void LookUp();
  bool KnowsTheSame(const PlanJob& job) const;
  bool StillWaits(size_t job) const;
  bool SaysTheSame(size_t job) const;
  bool FollowsItsPlan(size_t job);
  bool Holds(const PlanJob& job, const PlanMemory::Kept& kept,
             const std::vector<CapacityProfile>& free) const;
  std::vector<RegionPrices> RememberedPrices() const;
  void Remember(const Plan& plan);
  void RememberJob(size_t job, const JobPlan& plan);

  // ---- Where all jobs fit at once, whatever they do (fleet_apart.cc)
  bool Roomy() const;
  void PlanApart();
  void LeaveAsItIs(size_t job);
  bool Told(size_t job) const;

  // ---- What the plan is worth (fleet_quality.cc)
  void Judge(Plan& plan);
  std::vector<size_t> FirstOfSignal() const;
  Grams BoundApart(const std::vector<bool>& counted) const;
  Grams BoundByPrices(const std::vector<bool>& counted) const;

  const PlanInput& input_;
  PlanMemory* const memory_;
  const FleetTime time_;
  std::vector<CapacityProfile> all_;   // what is not spoken for
  std::vector<CapacityProfile> free_;  // what those planned left
  std::vector<JobPlan> plans_;
  std::vector<FleetJob> fleet_jobs_;  // of the input; where jobs have turns
  std::vector<RegionPrices> prices_;  // the highest of all turns
  std::vector<std::optional<Grams>> least_;  // by job, planned apart
  int64_t pieces_left_;                      // work for searching rows of runs
  // By job of the input; null where nothing is remembered.
  std::vector<PlanMemory::Kept*> kept_;
  std::vector<Instant> same_until_;  // by region: its grid is as it was
  std::vector<Instant> said_until_;  // by job: how long its words will hold
};

}  // namespace carbond
