#include "scheduler/fleet.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "scheduler/candidate.h"
#include "scheduler/plan_window.h"
#include "scheduler/spread.h"

namespace carbond {
namespace {

// Work is counted in starts looked at, about 6 ns each on a machine of 2026.
constexpr double kWorkOfAJob = 20'000, kVeryMany = 10'000;
constexpr double kWorkInPieces = 4.0e8;
constexpr int64_t kPiecesOfASlot = 50;
// Among more jobs than a few, a search for runs ends sooner.
constexpr size_t kFew = 100;
constexpr int64_t kMostLooks = 20'000;
// Where most of the jobs stand already, less is left to do.
constexpr int kAgain = 80;
constexpr int kStepsAgain = 2;
// Steps of the prices, and their lengths.
constexpr int kSteps = 80;
constexpr double kLongStep = 0.06, kShortStep = 0.001;

size_t Index(int i) { return static_cast<size_t>(i); }

// Who occupies capacity comes first, then priority, then the least slack: a job
// that can hardly move must not be pushed by one that can.
bool PlannedBefore(const PlanJob& a, const PlanJob& b) {
  const auto latest_start = [](const PlanJob& job) {
    return job.deadline - job.work;
  };
  if ((a.region >= 0) != (b.region >= 0)) return a.region >= 0;
  if (a.priority != b.priority) return a.priority > b.priority;
  if (latest_start(a) != latest_start(b)) {
    return latest_start(a) < latest_start(b);
  }
  if (a.submitted_at != b.submitted_at) return a.submitted_at < b.submitted_at;
  return a.id < b.id;
}

std::vector<CapacityProfile> NotSpokenFor(const PlanInput& input) {
  std::vector<CapacityProfile> free;
  Instant until = input.now;
  for (const PlanJob& job : input.jobs) until = std::max(until, job.deadline);
  for (const PlanRegion& region : input.regions) {
    free.emplace_back(region.capacity, input.now, until);
    for (const Taken& taken : region.taken) {
      free.back().Take(taken.interval, taken.need);
    }
  }
  return free;
}

// Whether a plan's quality counts the job: in time, through known hours.
bool Counts(const JobPlan& plan) {
  const bool runs = plan.as_before || !plan.runs.empty();
  return plan.expected && !plan.late && runs;
}

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

Fleet::Fleet(const PlanInput& input, PlanMemory* memory)
    : input_(input),
      memory_(memory),
      time_(input),
      all_(NotSpokenFor(input)),
      free_(all_),
      plans_(input.jobs.size()),
      pieces_left_(static_cast<int64_t>(kWorkInPieces * input.effort)) {
  LookUp();
}

// ---- Who has its turn when --------------------------------------------------

// How much of all capacity a job asks for, in capacity x seconds.
double Fleet::ShareOf(const PlanJob& job) const {
  double gpus = 1, cpus = 1;
  for (const PlanRegion& region : input_.regions) {
    gpus += region.capacity.gpus;
    cpus += region.capacity.cpus;
  }
  const double part = std::max(job.need.gpus / gpus, job.need.cpus / cpus);
  return part * static_cast<double>(job.work.count()) / 1000;
}

// Jobs of one priority, by turns. In the first turn every user brings as much
// work as the one with the least has in all, in the next about twice as much,
// and so on: who has a thousand jobs cannot shut out who has one.
std::vector<Fleet::Jobs> Fleet::SharedTurns(const Jobs& jobs) const {
  std::map<std::string, double> wanted;
  for (const size_t i : jobs) {
    wanted[input_.jobs[i].user] += ShareOf(input_.jobs[i]);
  }
  if (wanted.size() < 2) return {jobs};
  std::vector<double> totals;
  for (const auto& [user, total] : wanted) totals.push_back(total);
  std::sort(totals.begin(), totals.end());
  std::vector<double> levels;
  for (const double total : totals) {
    if (levels.empty() || total >= 2 * levels.back()) levels.push_back(total);
  }
  std::map<std::string, double> had;
  std::vector<Jobs> turns(levels.size() + 1);
  for (const size_t i : jobs) {
    double& so_far = had[input_.jobs[i].user];
    const auto level = std::partition_point(
        levels.begin(), levels.end(),
        [&](double each) { return each <= so_far * (1 + 1e-9); });
    turns[static_cast<size_t>(level - levels.begin())].push_back(i);
    so_far += ShareOf(input_.jobs[i]);
  }
  std::erase_if(turns, [](const Jobs& turn) { return turn.empty(); });
  return turns;
}

std::vector<Fleet::Jobs> Fleet::Turns(const Jobs& jobs) const {
  std::vector<Jobs> turns;
  for (size_t first = 0; first < jobs.size();) {
    size_t last = first;
    Jobs alike;
    while (last < jobs.size() && input_.jobs[jobs[last]].priority ==
                                     input_.jobs[jobs[first]].priority) {
      alike.push_back(jobs[last++]);
    }
    for (Jobs& turn : SharedTurns(alike)) turns.push_back(std::move(turn));
    first = last;
  }
  return turns;
}

// ---- One turn ---------------------------------------------------------------

FleetJob Fleet::FleetJobOf(const PlanJob& job) const {
  using Standing = PlanJob::Standing;
  FleetJob fleet;
  const bool bound = job.standing == Standing::kRunning ||
                     job.standing == Standing::kSuspended;
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
    JobSearch search{time_};
    if (!given.empty()) search.given = given[i];
    if (jobs.size() > kFew) search.most_looks = kMostLooks;
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

// Where slots are much shorter than an hour, first on hours.
int64_t Fleet::ClimbFromNothing(Prices& prices,
                                const std::vector<CapacityProfile>& free,
                                const std::vector<FleetJob>& jobs,
                                int64_t budget) const {
  const FleetTime hourly = time_.Coarse();
  const bool fine = time_.count() > 0 &&
                    time_.region(0).count() > 2 * hourly.region(0).count();
  if (!fine) return prices.Climb(budget * 2 / 5, kSteps, kLongStep, kShortStep);
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
    budget -= ClimbFromNothing(prices, outcome.free, fleet, budget);
  }
  Spread spread(time_, outcome.free, fleet, prices.prices());
  if (again) {
    spread.Keep(places);
    std::vector<int> order(jobs.size());
    std::iota(order.begin(), order.end(), 0);
    budget -= spread.PlaceAll(order, 4);
  } else {
    budget -= spread.Turn(budget / 2);
  }
  // More work where somebody would be late.
  if (spread.worth().unplaced > 0) spread.MakeRoom(again ? 4 * budget : budget);
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

// ---- Where all jobs fit at once ---------------------------------------------

bool Fleet::Roomy() const {
  Resources all;
  for (const PlanJob& job : input_.jobs) all += job.need;
  return std::all_of(input_.regions.begin(), input_.regions.end(),
                     [&](const PlanRegion& region) {
                       return region.taken.empty() && all.Fits(region.capacity);
                     });
}

bool Fleet::Told(size_t job) const {
  return job < input_.told.size() && input_.told[job];
}

// Of what was told already, only that is looked up which the whole is judged
// by.
void Fleet::LeaveAsItIs(size_t job) {
  const PlanMemory::Kept& kept = *kept_[job];
  JobPlan& plan = plans_[job];
  if (Told(job)) {
    plan.id = kept.plan.id;
    plan.region = kept.plan.region;
    plan.late = kept.plan.late;
    plan.expected = kept.plan.expected;
  } else {
    plan = kept.plan;
  }
  plan.as_before = true;
  said_until_[job] = kept.said_until;
  least_[job] = kept.least;
  const std::vector<PlannedRun>& runs = kept.plan.runs;
  if (runs.front().interval.begin >= input_.now || !plan.expected) return;
  // What has been emitted by now is neither expected nor owed any more.
  plan.expected = GramsFrom(input_, input_.jobs[job], runs, input_.now);
  if (least_[job] && plan.expected) {
    *least_[job] -= *kept.plan.expected - *plan.expected;
  }
}

// No job is in another's way: those of which nothing has changed are left as
// they are, at no cost.
void Fleet::PlanApart() {
  least_.resize(input_.jobs.size());
  for (size_t i = 0; i < input_.jobs.size(); ++i) {
    if (kept_[i] != nullptr && (StillWaits(i) || FollowsItsPlan(i))) {
      LeaveAsItIs(i);
      continue;
    }
    const PlanJob& job = input_.jobs[i];
    JobSearch search{time_};
    if (input_.jobs.size() > kFew) search.most_looks = kMostLooks;
    search.in_pieces = InPieces(job);
    PlannedJob planned = PlanOneJob(input_, job, free_, search);
    plans_[i] = std::move(planned.plan);
    least_[i] = planned.least;
  }
}

// ---- What the plan is worth -------------------------------------------------

// Without prices, since none is in another's way: each at its own least.
Grams Fleet::BoundApart(const std::vector<bool>& counted) const {
  Grams bound;
  std::vector<FleetJob> others;  // of which it is not known
  for (size_t i = 0; i < counted.size(); ++i) {
    if (!counted[i]) continue;
    if (least_[i]) {
      bound += *least_[i];
    } else {
      others.push_back(FleetJobOf(input_.jobs[i]));
    }
  }
  if (others.empty()) return bound;
  const Prices none(time_, all_, others);
  const std::vector<bool> all(others.size(), true);
  return bound + time_.GramsOf(std::max<Int128>(none.BoundFor(all), 0));
}

Grams Fleet::BoundByPrices(const std::vector<bool>& counted) const {
  Prices prices(time_, all_, fleet_jobs_);
  if (!prices_.empty()) prices.Set(prices_);
  return time_.GramsOf(std::max<Int128>(prices.BoundFor(counted), 0));
}

// By region: the first one whose intensities are of the same signal.
std::vector<size_t> Fleet::FirstOfSignal() const {
  std::vector<size_t> first;
  for (const PlanRegion& region : input_.regions) {
    const auto same = std::find_if(
        input_.regions.begin(), input_.regions.end(),
        [&](const PlanRegion& each) { return each.signal == region.signal; });
    first.push_back(static_cast<size_t>(same - input_.regions.begin()));
  }
  return first;
}

// Of each signal by itself, since grams of two are not added.
void Fleet::Judge(Plan& plan) {
  const std::vector<size_t> signal_of = FirstOfSignal();
  std::vector<PlanQuality> judged(signal_of.size());
  std::vector<std::vector<bool>> counted(signal_of.size());
  for (size_t i = 0; i < plan.jobs.size(); ++i) {
    const JobPlan& each = plan.jobs[i];
    if (!Counts(each)) continue;
    const size_t signal = signal_of[Index(each.region)];
    counted[signal].resize(plan.jobs.size());
    counted[signal][i] = true;
    ++judged[signal].jobs;
    judged[signal].expected += *each.expected;
  }
  for (size_t i = 0; i < judged.size(); ++i) {
    if (counted[i].empty()) continue;
    PlanQuality& quality = judged[i];
    quality.lower_bound =
        least_.empty() ? BoundByPrices(counted[i]) : BoundApart(counted[i]);
    // Rounding, and a capacity that shrank under what runs, may turn it round.
    quality.lower_bound = std::min(quality.lower_bound, quality.expected);
  }
  for (JobPlan& each : plan.jobs) {
    if (each.region >= 0) each.together = judged[signal_of[Index(each.region)]];
  }
  const auto of_any = [](const PlanQuality& quality) {
    return quality.jobs > 0;
  };
  if (std::count_if(judged.begin(), judged.end(), of_any) == 1) {
    plan.quality = *std::find_if(judged.begin(), judged.end(), of_any);
  }
}

Plan Fleet::Make() {
  if (Roomy()) {
    PlanApart();
  } else {
    PlanByTurns();
  }
  Plan plan;
  plan.made_at = input_.now;
  plan.jobs = std::move(plans_);
  Judge(plan);
  Remember(plan);
  size_t kept = 0;
  for (size_t i = 0; i < plan.jobs.size(); ++i) {
    if (plan.jobs[i].as_before && Told(i)) continue;
    if (kept != i) plan.jobs[kept] = std::move(plan.jobs[i]);
    ++kept;
  }
  plan.jobs.resize(kept);
  return plan;
}

void Fleet::PlanByTurns() {
  for (const PlanJob& job : input_.jobs) {
    fleet_jobs_.push_back(FleetJobOf(job));
  }
  Jobs order(input_.jobs.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return PlannedBefore(input_.jobs[a], input_.jobs[b]);
  });
  const auto others = std::find_if(order.begin(), order.end(), [&](size_t i) {
    return input_.jobs[i].region < 0;
  });
  const Jobs occupants(order.begin(), others);
  Adopt(occupants, AroundEachOther(occupants));
  for (const Jobs& turn : Turns(Jobs(others, order.end()))) {
    // What is late whatever the others do comes first, and as soon as it fits.
    Jobs hopeless, rest;
    for (const size_t i : turn) {
      const FleetJob& job = fleet_jobs_[i];
      const bool fits = !job.regions.empty() && !input_.jobs[i].held &&
                        job.end - job.begin >= job.length;
      (fits ? rest : hopeless).push_back(i);
    }
    if (!hopeless.empty()) Adopt(hopeless, OneAfterAnother(hopeless));
    if (!rest.empty()) PlanTogether(rest);
  }
}

}  // namespace carbond
