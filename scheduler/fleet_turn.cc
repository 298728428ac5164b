// Jobs that have their turn together: who stands where.

#include <algorithm>
#include <cmath>
#include <numeric>

#include "scheduler/fleet.h"
#include "scheduler/plan_window.h"
#include "scheduler/spread.h"

namespace carbond {
namespace {

// Work is counted in starts looked at, about 6 ns each on a machine of 2026.
constexpr double kWorkOfAJob = 15'000, kVeryMany = 10'000;
// More of it where slots are short: there are more places, and each is cheap.
constexpr int64_t kFine = 2;
constexpr int64_t kPiecesOfASlot = 50;
// Among more jobs than a few, a search for runs ends sooner.
constexpr size_t kFew = 100;
constexpr int64_t kMostLooks = 20'000;
// Where most of the jobs stand already, less is left to do.
constexpr int kAgain = 60;
constexpr int kStepsAgain = 2;
// Where more than one of so many find no place, more is left to do.
constexpr int64_t kFewOf = 500;
// Steps of the prices, and their lengths.
constexpr int kSteps = 80;
constexpr double kLongStep = 0.13, kShortStep = 0.0005;

size_t Index(int i) { return static_cast<size_t>(i); }

// Prices found on one row of slots, for another.
std::vector<RegionPrices> Mapped(const std::vector<RegionPrices>& prices,
                                 const FleetTime& from, const FleetTime& to) {
  std::vector<RegionPrices> mapped;
  for (int r = 0; r < to.count(); ++r) {
    const RegionTime& time = to.region(r);
    RegionPrices each;
    for (int i = 0; i < time.count(); ++i) {
      const size_t slot = Index(from.region(r).SlotAt(time.point(i)));
      each.gpu.push_back(prices[Index(r)].gpu[slot]);
      each.cpu.push_back(prices[Index(r)].cpu[slot]);
    }
    each.SumUp(time);
    mapped.push_back(std::move(each));
  }
  return mapped;
}

}  // namespace

FleetJob Fleet::FleetJobOf(const PlanJob& job) const {
  using Standing = PlanJob::Standing;
  FleetJob fleet;
  const bool bound = job.bound();
  const int64_t work = std::max<int64_t>(job.work.count(), 1);
  const int64_t restore = job.resume_cost.count();
  fleet.weight = time_.WeightOf(job.power);
  fleet.need = job.need;
  fleet.begin =
      (bound ? input_.now : std::max(input_.now, job.earliest)).millis();
  fleet.end = std::max(job.deadline.millis(), fleet.begin);
  fleet.fixed = job.standing == Standing::kRunning;
  fleet.length = work;
  fleet.transfer = job.transfer.count();
  fleet.data_region = job.data_region;
  if (fleet.fixed) fleet.length += job.restore_left.count();
  if (job.standing == Standing::kSuspended ||
      job.standing == Standing::kCheckpointed) {
    fleet.length += restore;
    fleet.ready = job.may_resume_from.millis();
  }
  if (job.pause != PauseMode::kNone) {
    // At least one pause more; a run under way may stop in its restore.
    fleet.in_pieces =
        fleet.fixed ? work
                    : fleet.length + restore + job.checkpoint_cost.count();
  }
  fleet.regions = OpenRegions(input_, job);
  if (bound) {
    fleet.data_region = -1;  // they are where it runs
  } else {
    std::erase_if(fleet.regions, [&](int region) {
      return !job.need.Fits(input_.regions[Index(region)].capacity);
    });
  }
  fleet.later_regions = LaterRegions(input_, job);
  return fleet;
}

// Takes from `free` what the plan will use, or gives it back.
void Fleet::Occupy(const PlanJob& job, const JobPlan& plan,
                   std::vector<CapacityProfile>& free, bool give_back) const {
  if (plan.region < 0) return;
  const auto use = [&](Interval interval, int region) {
    CapacityProfile& profile = free[Index(region)];
    if (give_back) {
      profile.Give(interval, job.need);
    } else {
      profile.Take(interval, job.need);
    }
  };
  const bool keeps_place =
      job.region >= 0 && job.standing != PlanJob::Standing::kCheckpointed;
  if (plan.runs.empty()) {
    if (keeps_place) use({input_.now, Instant::Never()}, plan.region);
    return;
  }
  const bool stays_between = job.pause == PauseMode::kSuspend;
  if (stays_between || job.standing == PlanJob::Standing::kSuspended) {
    const Instant from =
        keeps_place ? input_.now : plan.runs.front().interval.begin;
    use({from, plan.runs.back().interval.end}, plan.region);
    return;
  }
  for (const PlannedRun& run : plan.runs) use(run.interval, run.region);
}

JobSearch Fleet::SearchAmong(size_t jobs) const {
  JobSearch search{time_};
  if (jobs > kFew) search.most_looks = kMostLooks;
  return search;
}

// Whether there is work left to search a job's best row of runs.
bool Fleet::InPieces(const PlanJob& job) {
  if (job.pause == PauseMode::kNone) return false;
  const Instant from = std::max(input_.now, job.earliest);
  for (const int region : job.regions) {
    const RegionTime& time = time_.region(region);
    const int slots = time.SlotAt(std::max(job.deadline, from).millis()) -
                      time.SlotAt(from.millis()) + 1;
    pieces_left_ -= kPiecesOfASlot * slots;
  }
  return pieces_left_ > 0;
}

// That nothing is known of a time must not make it cheap.
Grams Fleet::ExpectedOf(const PlanJob& job, const JobPlan& plan) const {
  if (plan.expected) return *plan.expected;
  Duration length{0};
  for (const PlannedRun& run : plan.runs) length += run.interval.length();
  return time_.GramsOf(static_cast<Int128>(time_.WeightOf(job.power)) *
                       length.count() * time_.unknown_price());
}

// Each in turn takes what is cheapest for it in what is free by then.
void Fleet::PlanEach(const Jobs& jobs, Outcome& outcome,
                     const std::vector<const JobPlan*>& given) {
  for (size_t i = 0; i < jobs.size(); ++i) {
    const PlanJob& job = input_.jobs[jobs[i]];
    if (outcome.plans[i].region >= 0) {
      const PlanMemory::Kept* kept = kept_[jobs[i]];
      if (kept != nullptr && kept->plan.region == outcome.plans[i].region &&
          kept->plan.runs == outcome.plans[i].runs && SaysTheSame(jobs[i])) {
        outcome.plans[i] = kept->plan;
        outcome.plans[i].as_before = true;
        said_until_[jobs[i]] = kept->said_until;
        outcome.expected += ExpectedOf(job, outcome.plans[i]);
        continue;
      }
      Occupy(job, outcome.plans[i], outcome.free, true);
    }
    JobSearch search = SearchAmong(jobs.size());
    if (!given.empty()) search.given = given[i];
    search.in_pieces = search.given == nullptr && InPieces(job);
    PlannedJob planned = PlanOneJob(input_, job, outcome.free, search);
    Occupy(job, planned.plan, outcome.free, false);
    outcome.crowded |= planned.crowded;
    outcome.late += planned.plan.late;
    outcome.expected += ExpectedOf(job, planned.plan);
    outcome.plans[i] = std::move(planned.plan);
  }
}

Fleet::Outcome Fleet::OneAfterAnother(const Jobs& jobs) {
  Outcome outcome;
  outcome.free = free_;
  outcome.plans.resize(jobs.size());
  PlanEach(jobs, outcome, {});
  return outcome;
}

// Who occupies a place is sure of it: whatever another takes elsewhere after a
// pause must leave it.
Fleet::Outcome Fleet::AroundEachOther(const Jobs& jobs) {
  Outcome outcome;
  outcome.free = free_;
  for (const size_t i : jobs) {
    const PlanJob& job = input_.jobs[i];
    JobPlan place;
    place.region = job.region;
    place.runs = {{{input_.now, Instant::Never()}, job.region, ""}};
    Occupy(job, place, outcome.free, false);
    outcome.plans.push_back(std::move(place));
  }
  PlanEach(jobs, outcome, {});
  return outcome;
}

// Work grows with the jobs of a turn and with no others, so that those of later
// turns do not change what comes before them; of very many, with their root.
int64_t Fleet::BudgetOf(size_t jobs) const {
  const auto count = static_cast<double>(jobs);
  return static_cast<int64_t>(input_.effort * kWorkOfAJob *
                              std::min(count, std::sqrt(count * kVeryMany)));
}

// Slots are much shorter than an hour.
bool Fleet::IsFine() const {
  return time_.count() > 0 &&
         time_.region(0).count() > 2 * time_.Coarse().region(0).count();
}

// Where slots are much shorter than an hour, first on hours.
int64_t Fleet::ClimbFromNothing(Prices& prices,
                                const std::vector<CapacityProfile>& free,
                                const std::vector<FleetJob>& jobs,
                                int64_t budget) const {
  if (!IsFine()) {
    return prices.Climb(budget * 9 / 20, kSteps, kLongStep, kShortStep);
  }
  const FleetTime hourly = time_.Coarse();
  Prices coarse(hourly, free, jobs);
  const int64_t work =
      coarse.Climb(budget * 3 / 10, kSteps, kLongStep, kShortStep);
  prices.Set(Mapped(coarse.prices(), hourly, time_));
  return work + prices.Climb((budget - work) / 4, kSteps / 4, kLongStep / 10,
                             kShortStep);
}

Fleet::Outcome Fleet::SpreadOut(const Jobs& jobs, bool again) {
  Outcome outcome;
  outcome.free = free_;
  outcome.plans.resize(jobs.size());
  std::vector<const JobPlan*> given(jobs.size());
  std::vector<FleetJob> fleet;
  std::vector<Place> places(jobs.size());
  for (size_t i = 0; i < jobs.size(); ++i) {
    const PlanJob& job = input_.jobs[jobs[i]];
    fleet.push_back(fleet_jobs_[jobs[i]]);
    const PlanMemory::Kept* kept = again ? kept_[jobs[i]] : nullptr;
    if (kept == nullptr || !Holds(job, *kept, outcome.free)) continue;
    if (kept->plan.runs.size() == 1) {
      places[i] = {kept->plan.region,
                   kept->plan.runs[0].interval.begin.millis()};
    } else {
      given[i] = &kept->plan;
      fleet[i].regions.clear();  // it stands
      outcome.plans[i].region = kept->plan.region;
      outcome.plans[i].runs = kept->plan.runs;
      Occupy(job, kept->plan, outcome.free, false);
    }
  }
  int64_t budget = BudgetOf(jobs.size());
  Prices prices(time_, outcome.free, fleet);
  if (again) {
    budget /= kAgain;
    prices.Set(RememberedPrices());
    const bool same =
        std::all_of(same_until_.begin(), same_until_.end(),
                    [&](Instant until) { return until > input_.now; });
    if (!same) prices.Climb(budget / 2, kStepsAgain, kShortStep, kShortStep);
  } else {
    if (IsFine()) budget *= kFine;
    budget -= ClimbFromNothing(prices, outcome.free, fleet, budget);
  }
  Spread spread(time_, outcome.free, fleet,
                again ? prices.prices() : prices.mean());
  if (again) {
    spread.Keep(places);
    std::vector<int> order(jobs.size());
    std::iota(order.begin(), order.end(), 0);
    budget -= spread.PlaceAll(order, 4);
  } else {
    budget -= spread.Turn(budget * 2 / 3);
  }
  // More work where somebody would be late.
  const int64_t unplaced = spread.worth().unplaced;
  if (!again && unplaced > std::ssize(jobs) / kFewOf) {
    budget += BudgetOf(jobs.size()) * 2 / 3;
  }
  if (unplaced > 0) spread.MakeRoom(again ? 4 * budget : 2 * budget);
  if (!again) budget -= spread.Sweep(budget);
  if (budget > 0) spread.Improve(budget);
  for (size_t i = 0; i < jobs.size(); ++i) {
    const Place& place = spread.places()[i];
    if (place.region < 0) continue;
    outcome.plans[i].region = place.region;
    const Instant begin = Instant::FromMillis(place.begin);
    const Instant end = begin + Duration(fleet[i].LengthIn(place.region));
    outcome.plans[i].runs = {
        {{begin, end}, place.region, input_.regions[Index(place.region)].name}};
    Occupy(input_.jobs[jobs[i]], outcome.plans[i], outcome.free, false);
  }
  Raise(prices.prices());
  PlanEach(jobs, outcome, given);
  return outcome;
}

// Prices are remembered at their highest of all turns.
void Fleet::Raise(const std::vector<RegionPrices>& found) {
  if (prices_.empty()) {
    prices_ = found;
    return;
  }
  for (size_t r = 0; r < prices_.size(); ++r) {
    for (size_t i = 0; i < found[r].gpu.size(); ++i) {
      prices_[r].gpu[i] = std::max(prices_[r].gpu[i], found[r].gpu[i]);
      prices_[r].cpu[i] = std::max(prices_[r].cpu[i], found[r].cpu[i]);
    }
  }
}

void Fleet::Adopt(const Jobs& jobs, Outcome outcome) {
  for (size_t i = 0; i < jobs.size(); ++i) {
    plans_[jobs[i]] = std::move(outcome.plans[i]);
  }
  free_ = std::move(outcome.free);
}

void Fleet::PlanTogether(const Jobs& jobs) {
  size_t remembered = 0;
  for (const size_t i : jobs) {
    remembered += kept_[i] != nullptr;
  }
  const bool again = jobs.size() > 1 && remembered * 10 >= jobs.size() * 9;
  if (again) {
    Adopt(jobs, SpreadOut(jobs, true));
    return;
  }
  Outcome plain = OneAfterAnother(jobs);
  if (!plain.crowded || jobs.size() == 1) {
    Adopt(jobs, std::move(plain));
    return;
  }
  Outcome spread = SpreadOut(jobs, false);
  const bool better = spread.late != plain.late
                          ? spread.late < plain.late
                          : spread.expected < plain.expected;
  Adopt(jobs, std::move(better ? spread : plain));
}

}  // namespace carbond
