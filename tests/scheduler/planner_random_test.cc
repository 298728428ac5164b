// The planner on random worlds: exact for one job, and never against a rule for
// many.

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/scheduler/plan_world.h"
#include "tests/scheduler/priced_world.h"

namespace carbond {
namespace {

constexpr int64_t kMinute = 60'000;

// ---- One job, exactly
// -------------------------------------------------------------

// A random world of minutes as a region. At 60 kW a minute is a kilowatt-hour,
// so that every sum is a whole number of milligrams.
Series OutlookOf(const World& world) {
  std::vector<Slot> slots;
  const int64_t origin = world.slots.front().begin;
  for (const PricedSlot& slot : world.slots) {
    slots.push_back({{kNow + Duration(slot.begin - origin),
                      kNow + Duration(slot.end - origin)},
                     GramsPerKwh::FromThousandths(
                         static_cast<int64_t>(slot.price) * 1000)});
  }
  return Series::Make(std::move(slots)).value();
}

// The job's power is four times `share` of its idle power.
PlanJob JobIn(const World& world, int64_t share) {
  const Task& task = world.task;
  PlanJob job = JobOf(Duration(task.work));
  job.power = Watts::Of(60'000);
  job.idle_power = Watts::Of(15'000) * share;
  job.pause = share > 0 ? PauseMode::kSuspend : PauseMode::kCheckpoint;
  job.checkpoint_cost = Duration(task.save);
  job.resume_cost = Duration(task.restore);
  job.min_run = Duration(task.min_run);
  job.min_pause = Duration(task.min_pause);
  job.deadline = OutlookOf(world).end();
  switch (task.start) {
    case Task::Start::kFresh:
      break;
    case Task::Start::kRunning:
      job.standing = PlanJob::Standing::kRunning;
      job.region = 0;
      job.restore_left = Duration(task.restore_left);
      job.may_pause_from = kNow + Duration(task.running_min);
      break;
    case Task::Start::kPaused:
      job.standing = share > 0 ? PlanJob::Standing::kSuspended
                               : PlanJob::Standing::kCheckpointed;
      job.region = share > 0 ? 0 : -1;
      job.may_resume_from = kNow + Duration(task.pause_left);
      break;
  }
  return job;
}

// Milligrams of a cost at 60 kW: per kilowatt-hour and millisecond.
Grams GramsFor(Cost cost, Pue pue) {
  return Grams::FromThousandths(
      RoundedDivide(cost * pue.thousandths(), kMinute));
}

// What is best where keeping the deadline goes before a pause under way: it is
// as long as the deadline leaves.
Exhaustive TryToMeetTheDeadline(World world) {
  const Exhaustive truth = TryEverything(world);
  if (truth.best || world.task.pause_left == 0) return truth;
  const int64_t window = world.slots.back().end - world.slots.front().begin;
  world.task.pause_left =
      std::max<int64_t>(window - world.task.work - world.task.restore, 0);
  return TryEverything(world);
}

TEST(PlannerIsExact, ForOneJobInOneRegion) {
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    WorldKind kind;
    kind.unit = kMinute;
    kind.dearest = 600;
    kind.pauses = seed % 3 > 0;
    World world = RandomWorld(seed, kind);
    const auto share = static_cast<int64_t>(seed % 4);
    for (PricedSlot& slot : world.slots) {
      slot.price *= 4;  // so that the idle share is whole
      slot.idle_price = slot.price / 4 * share;
    }
    PlanInput input;
    input.now = kNow;
    input.regions = {RegionWith(OutlookOf(world))};
    input.regions[0].pue = Pue::Of(1.5);
    const JobPlan plan = PlanFor(input, JobIn(world, share));
    const Exhaustive truth = TryToMeetTheDeadline(world);
    if (!truth.best) {
      ASSERT_TRUE(plan.late) << "seed " << seed << "\n" << Describe(world);
      continue;
    }
    ASSERT_FALSE(plan.late) << "seed " << seed << "\n" << Describe(world);
    ASSERT_EQ(plan.expected, GramsFor(*truth.best, Pue::Of(1.5)))
        << "seed " << seed << ": planned " << plan.expected->value() << " g, "
        << plan.why << "\n"
        << Describe(world);
  }
}

TEST(PlannerIsExact, ForOneJobInSeveralRegions) {
  for (uint64_t seed = 0; seed < 1500; ++seed) {
    std::mt19937_64 random(seed);
    WorldKind kind;
    kind.unit = kMinute;
    kind.dearest = 600;
    kind.idle = WorldKind::Idle::kFree;
    kind.start = seed % 2 == 0 ? Task::Start::kFresh : Task::Start::kPaused;
    kind.pauses = seed % 5 > 1;
    World world = RandomWorld(seed, kind);
    // A run only to fetch the data would be a millisecond long, less than the
    // reference knows.
    world.task.min_run = std::max(world.task.min_run, kMinute);
    PlanInput input;
    input.now = kNow;
    PlanJob job = JobIn(world, 0);
    if (seed % 3 == 0) job.pause = PauseMode::kNone;
    std::vector<PricedRow> places;
    for (int i = 0; i < 3; ++i) {
      for (PricedSlot& slot : world.slots) {
        slot.price = static_cast<Cost>(random() % 600);
      }
      PlanRegion region = RegionWith(OutlookOf(world));
      region.pue = Pue::Of(1 + 0.1 * i);
      places.push_back(world.slots);
      for (PricedSlot& slot : places.back()) {
        slot.price *= region.pue.thousandths();
      }
      input.regions.push_back(std::move(region));
    }
    job.regions = {2, 0, 1};
    // Its data are everywhere, or in the first region.
    if (seed % 4 == 1) {
      job.data_region = 0;
      job.transfer = minutes(random() % 4);
      world.moves.transfer = job.transfer.count();
    }
    world.slots = places[0];
    world.others = {places[1], places[2]};
    world.moves.at = job.data_region;
    const Exhaustive truth = TryToMeetTheDeadline(world);
    const auto& least =
        job.pause == PauseMode::kNone ? truth.unbroken : truth.best;
    const JobPlan plan = PlanFor(input, job);
    ASSERT_EQ(plan.late, !least) << "seed " << seed << "\n" << Describe(world);
    if (least) {
      ASSERT_EQ(plan.expected, GramsFor(*least, Pue::Of(0.001)))
          << "seed " << seed << ": " << plan.why << "\n"
          << Describe(world);
    }
  }
}

// ---- Many jobs
// --------------------------------------------------------------------

// Some of the jobs have a least length of their pauses; of one that is under
// way a part may be left.
void AddPause(std::mt19937_64& random, PlanJob& job) {
  if (random() % 6 == 0) job.min_pause = minutes(1 + random() % 180);
  if (job.standing == PlanJob::Standing::kFresh ||
      job.standing == PlanJob::Standing::kRunning) {
    return;
  }
  job.may_resume_from =
      kNow + job.min_pause * static_cast<int>(random() % 5) / 4;
}

PlanInput RandomInput(uint64_t seed) {
  std::mt19937_64 random(seed), pauses(seed);
  const auto pick = [&](int64_t least, int64_t most) {
    return least + static_cast<int64_t>(
                       random() % static_cast<uint64_t>(most - least + 1));
  };
  PlanInput input;
  input.now = kNow;
  const int64_t regions = pick(1, 4);
  for (int64_t r = 0; r < regions; ++r) {
    std::vector<double> grams;
    for (int i = 0; i < 36; ++i) {
      grams.push_back(static_cast<double>(pick(0, 600)));
    }
    PlanRegion region = RegionWith(Hourly(grams));
    region.name = fmt::format("region-{}", r);
    region.pue = Pue::Of(1 + 0.1 * static_cast<double>(pick(0, 8)));
    region.capacity = {static_cast<int>(pick(2, 8)),
                       static_cast<int>(pick(8, 64))};
    region.drained = pick(0, 9) == 0;
    input.regions.push_back(std::move(region));
  }
  std::vector<Resources> used(static_cast<size_t>(regions));
  const int64_t jobs = pick(1, 30);
  for (int id = 1; id <= jobs; ++id) {
    PlanJob job = JobOf(minutes(pick(1, 600)), id);
    job.need = {static_cast<int>(pick(0, 2)), static_cast<int>(pick(1, 8))};
    job.power = Watts::Of(static_cast<double>(pick(50, 3000)));
    job.idle_power = Watts::Of(static_cast<double>(pick(0, 50)));
    job.pause = static_cast<PauseMode>(pick(0, 2));
    job.checkpoint_cost = minutes(pick(0, 3));
    job.resume_cost = minutes(pick(0, 3));
    job.min_run = minutes(pick(0, 30));
    job.min_saving = 0.01 * static_cast<double>(pick(0, 10));
    job.priority = static_cast<int>(pick(0, 3));
    job.earliest = kNow + minutes(pick(-60, 240));
    job.deadline = job.earliest + job.work + minutes(pick(0, 1440));
    job.held = pick(0, 19) == 0;
    job.regions.clear();
    for (int r = 0; r < regions; ++r) {
      if (pick(0, 1) == 0) job.regions.push_back(r);
    }
    if (job.regions.empty()) job.regions = {0};
    // Some of them stand in a region already, as far as it has room.
    const int place = job.regions.front();
    Resources& in_use = used[static_cast<size_t>(place)];
    Resources then = in_use;
    then += job.need;
    if (pick(0, 3) == 0 &&
        then.Fits(input.regions[static_cast<size_t>(place)].capacity)) {
      in_use = then;
      job.region = place;
      job.standing = job.pause == PauseMode::kSuspend && pick(0, 1) == 0
                         ? PlanJob::Standing::kSuspended
                         : PlanJob::Standing::kRunning;
      job.may_pause_from = kNow + minutes(pick(0, 30));
    } else if (job.pause == PauseMode::kCheckpoint && pick(0, 1) == 0) {
      job.standing = PlanJob::Standing::kCheckpointed;
    }
    AddPause(pauses, job);
    input.jobs.push_back(std::move(job));
  }
  return input;
}

// The time in which a job takes its share of a region.
std::vector<Interval> Occupied(const PlanJob& job, const JobPlan& plan,
                               int region) {
  const bool stands = job.region >= 0;
  std::vector<Interval> occupied;
  if (plan.runs.empty()) {
    if (stands && region == job.region) {
      occupied.push_back({kNow, kNow + hours(1000)});
    }
  } else if (job.pause == PauseMode::kSuspend) {
    if (region == plan.region) {
      occupied.push_back(
          {stands ? kNow : plan.runs.front().interval.begin, *plan.finish_at});
    }
  } else {
    for (const PlannedRun& run : plan.runs) {
      if (run.region == region) occupied.push_back(run.interval);
    }
  }
  return occupied;
}

std::string Exceeded(const PlanInput& input, const Plan& plan) {
  for (size_t r = 0; r < input.regions.size(); ++r) {
    const auto occupied = [&](size_t i) {
      return Occupied(input.jobs[i], plan.jobs[i], static_cast<int>(r));
    };
    std::vector<Instant> begins;
    for (size_t i = 0; i < plan.jobs.size(); ++i) {
      for (const Interval& interval : occupied(i)) {
        begins.push_back(interval.begin);
      }
    }
    for (const Instant t : begins) {
      Resources used;
      for (size_t i = 0; i < plan.jobs.size(); ++i) {
        for (const Interval& each : occupied(i)) {
          if (each.Contains(t)) used += input.jobs[i].need;
        }
      }
      if (!used.Fits(input.regions[r].capacity)) {
        return input.regions[r].name + " at " + FormatInstant(t);
      }
    }
  }
  return "";
}

// Empty when the plan of one job keeps what was promised.
std::string Broken(const PlanInput& input, const PlanJob& job,
                   const JobPlan& plan) {
  if (plan.id != job.id) return "another job's plan";
  if (plan.intervals().empty()) return plan.why.empty() ? "no reason" : "";
  if (plan.why.empty() || plan.why.find('\n') != std::string::npos) {
    return "not said in a sentence: " + plan.why;
  }
  const bool stands = job.region >= 0;
  if (job.held) return "a held job has a plan";
  if (stands && plan.region != job.region &&
      job.pause != PauseMode::kCheckpoint) {
    return "it moved";
  }
  for (const PlannedRun& run : plan.runs) {
    if (std::find(job.regions.begin(), job.regions.end(), run.region) ==
        job.regions.end()) {
      return "a region it may not use";
    }
    const PlanRegion& region = input.regions[static_cast<size_t>(run.region)];
    if (region.drained && run.region != job.region) {
      return "started in a drained region";
    }
    if (run.region != plan.region && job.pause != PauseMode::kCheckpoint) {
      return "moved what cannot be moved";
    }
  }
  const Instant from = stands ? kNow : std::max(kNow, job.earliest);
  Instant at = from;
  Duration time{0};
  for (const Interval& interval : plan.intervals()) {
    if (interval.empty()) return "an empty interval";
    if (interval.begin < at) return "too early, or out of order";
    const bool pauses =
        time > Duration(0) ||
        (job.standing == PlanJob::Standing::kRunning && interval.begin > kNow);
    if (pauses && interval.begin < at + job.min_pause) {
      return "a pause shorter than its minimum";
    }
    at = interval.end;
    time += interval.length();
  }
  if (at > job.deadline && !plan.late) return "late without saying so";
  if (at <= job.deadline && plan.late) return "said to be late";
  if (plan.finish_at != at) return "the finish is not the end";
  if (job.pause == PauseMode::kNone && plan.intervals().size() > 1) {
    return "paused what cannot be paused";
  }
  // Useful work: all that is needed, and neither more nor less.
  auto runs = static_cast<int64_t>(plan.intervals().size());
  int64_t restores = runs - 1, saves = runs - 1;
  if (job.standing == PlanJob::Standing::kSuspended ||
      job.standing == PlanJob::Standing::kCheckpointed) {
    ++restores;
  }
  if (job.standing == PlanJob::Standing::kRunning &&
      plan.intervals().front().begin > kNow) {
    ++restores;  // it stops at once, with nothing to save
    if (job.checkpoint_cost > Duration(0)) return "paused without saving";
  }
  const Duration useful =
      time - job.resume_cost * restores - job.checkpoint_cost * saves;
  if (useful != job.work) {
    return "useful work " + FormatDuration(useful) + " instead of " +
           FormatDuration(job.work);
  }
  return "";
}

TEST(PlannerKeepsItsPromises, OnRandomWorlds) {
  for (uint64_t seed = 0; seed < 400; ++seed) {
    const PlanInput input = RandomInput(seed);
    const Plan plan = MakePlan(input);
    ASSERT_EQ(plan.jobs.size(), input.jobs.size());
    ASSERT_EQ(plan.made_at, kNow);
    for (size_t i = 0; i < plan.jobs.size(); ++i) {
      ASSERT_EQ(Broken(input, input.jobs[i], plan.jobs[i]), "")
          << "seed " << seed << " job " << i + 1 << ": " << plan.jobs[i].why;
    }
    ASSERT_EQ(Exceeded(input, plan), "") << "seed " << seed;
  }
}

// Alone, so that nothing but the grid is in its way.
TEST(PlannerKeepsItsPromises, NoPlanIsWorseThanRunningAtOnce) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    PlanInput input = RandomInput(seed);
    const std::vector<PlanJob> jobs = std::move(input.jobs);
    for (const PlanJob& job : jobs) {
      input.jobs = {job};
      const JobPlan plan = MakePlan(input).jobs[0];
      if (plan.late || plan.runs.empty()) continue;
      const Duration length = job.work + job.resume_cost;
      ASSERT_GE(plan.intervals().front().begin,
                std::min(job.may_resume_from, job.deadline - length))
          << "seed " << seed << " job " << Number(job.id) << ": " << plan.why;
      if (!plan.expected || !plan.run_now) continue;
      const Grams least =
          Grams::Of(plan.run_now->value() * (1 - job.min_saving));
      ASSERT_LE(*plan.expected, *plan.run_now)
          << "seed " << seed << " job " << Number(job.id) << ": " << plan.why;
      if (plan.reason == Reason::kCleanerHours) {
        ASSERT_LE(*plan.expected, least + Grams::FromThousandths(1))
            << "seed " << seed << " job " << Number(job.id) << ": " << plan.why;
      }
    }
  }
}

bool Same(const JobPlan& a, const JobPlan& b) {
  return a.id == b.id && a.region == b.region &&
         a.intervals() == b.intervals() && a.reason == b.reason;
}

TEST(PlannerKeepsItsPromises, TheOrderOfTheInputChangesNothing) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    PlanInput input = RandomInput(seed);
    const Plan plan = MakePlan(input);
    std::shuffle(input.jobs.begin(), input.jobs.end(), std::mt19937_64(seed));
    const Plan shuffled = MakePlan(input);
    for (const JobPlan& each : shuffled.jobs) {
      const auto before =
          std::find_if(plan.jobs.begin(), plan.jobs.end(),
                       [&](const JobPlan& p) { return p.id == each.id; });
      ASSERT_TRUE(Same(*before, each)) << "seed " << seed;
      ASSERT_EQ(before->why, each.why);
    }
  }
}

TEST(PlannerKeepsItsPromises, TheSameInputGivesTheSamePlan) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const PlanInput input = RandomInput(seed);
    const Plan once = MakePlan(input), twice = MakePlan(input);
    for (size_t i = 0; i < once.jobs.size(); ++i) {
      ASSERT_TRUE(Same(once.jobs[i], twice.jobs[i])) << "seed " << seed;
      ASSERT_EQ(once.jobs[i].why, twice.jobs[i].why);
    }
  }
}

PlanInput Transformed(PlanInput input, int64_t times, int64_t plus) {
  for (PlanRegion& region : input.regions) {
    std::vector<Slot> slots = region.outlook.slots();
    for (Slot& slot : slots) {
      slot.intensity = GramsPerKwh::FromThousandths(
          slot.intensity.thousandths() * times + plus);
    }
    region.outlook = Series::Make(std::move(slots)).value();
  }
  return input;
}

TEST(PlannerKeepsItsPromises, ScalingTheIntensityChangesNoChoice) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const PlanInput input = RandomInput(seed);
    const Plan before = MakePlan(input);
    const Plan after = MakePlan(Transformed(input, 1000, 0));
    for (size_t i = 0; i < before.jobs.size(); ++i) {
      ASSERT_TRUE(Same(before.jobs[i], after.jobs[i]))
          << "seed " << seed << ": " << before.jobs[i].why << " / "
          << after.jobs[i].why;
    }
  }
}

// A shift changes what an overhead costs, and fractions; not the choice of a
// job that runs unbroken, in one region, and waits for any saving. Seed 327 has
// more work than room: the heaviest was once left out, as if that were saving.
TEST(PlannerKeepsItsPromises, ShiftingTheIntensityChangesNoUnbrokenChoice) {
  for (uint64_t seed = 0; seed < 400; ++seed) {
    PlanInput input = RandomInput(seed);
    input.regions.resize(1);
    for (PlanJob& job : input.jobs) {
      job.pause = PauseMode::kNone;
      job.min_saving = 0;
      job.regions = {0};
      job.region = std::min(job.region, 0);
      if (job.standing != PlanJob::Standing::kRunning || job.region < 0) {
        job.standing = PlanJob::Standing::kFresh;
        job.region = -1;
      }
    }
    const Plan before = MakePlan(input);
    const Plan after = MakePlan(Transformed(input, 1, 250'000));
    for (size_t i = 0; i < before.jobs.size(); ++i) {
      ASSERT_EQ(before.jobs[i].intervals(), after.jobs[i].intervals())
          << "seed " << seed << " job " << i + 1;
    }
  }
}

// The largest numbers that a submission allows.
TEST(PlannerKeepsItsPromises, OddPowersOverTwoYearsDoNotOverflow) {
  PlanInput world = HourlyWorld({500, 100, 900, 200, 100, 300});
  PlanJob job = JobOf(hours(24 * 366));
  job.deadline = kNow + hours(24 * 366 * 2);
  job.power = Watts::FromThousandths(99'999'999'999);
  job.idle_power = Watts::FromThousandths(33'333'333'331);
  job.pause = PauseMode::kSuspend;
  job.max_intensity = GramsPerKwh::Of(50);
  const JobPlan plan = PlanFor(world, job);
  EXPECT_FALSE(plan.late);
  EXPECT_FALSE(plan.intervals().empty());
}

}  // namespace
}  // namespace carbond
