// The planner, as stories: what a person would expect of one job, or two.

#include "scheduler/planner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/scheduler/plan_world.h"

namespace carbond {

std::ostream& operator<<(std::ostream& out, Instant t) {
  return out << FormatInstant(t);
}
std::ostream& operator<<(std::ostream& out, const Interval& i) {
  return out << FormatInstant(i.begin) << "/" << FormatInstant(i.end);
}
std::ostream& operator<<(std::ostream& out, Grams g) {
  return out << g.value() << " g";
}
std::ostream& operator<<(std::ostream& out, Reason reason) {
  return out << Name(reason);
}

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::vector<double> kFlat(24, 300);
// Clean from the fifth hour to the eighth.
const std::vector<double> kCleanLater = {
    500, 500, 500, 500, 100, 100, 100, 100, 500, 500, 500, 500,
    500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500};

// ---- When
// -----------------------------------------------------------------------

TEST(Planner, RunsNowOnAFlatForecast) {
  const JobPlan plan = PlanFor(HourlyWorld(kFlat), JobOf(hours(2)));
  EXPECT_THAT(plan.intervals(), ElementsAre(Hours(0, 2)));
  EXPECT_EQ(plan.reason, Reason::kNoGain);
  EXPECT_EQ(plan.expected, Grams::Of(600));
  EXPECT_EQ(plan.run_now, Grams::Of(600));
  EXPECT_EQ(plan.finish_at, kNow + hours(2));
  EXPECT_EQ(plan.region, 0);
  EXPECT_EQ(plan.region_name, "here");
  EXPECT_FALSE(plan.late);
}

TEST(Planner, RunsNowOnAFlatForecastEvenIfItCouldBePaused) {
  for (const PauseMode pause : {PauseMode::kSuspend, PauseMode::kCheckpoint}) {
    PlanJob job = JobOf(hours(2));
    job.pause = pause;
    EXPECT_THAT(PlanFor(HourlyWorld(kFlat), job).intervals(),
                ElementsAre(Hours(0, 2)));
  }
}

TEST(Planner, WaitsForCleanerHoursAndSaysSo) {
  const JobPlan plan = PlanFor(HourlyWorld(kCleanLater), JobOf(hours(2)));
  EXPECT_THAT(plan.intervals(), ElementsAre(Hours(4, 6)));
  EXPECT_EQ(plan.reason, Reason::kCleanerHours);
  EXPECT_EQ(plan.expected, Grams::Of(200));
  EXPECT_EQ(plan.run_now, Grams::Of(1000));
  EXPECT_THAT(plan.why, HasSubstr(FormatInstant(kNow + hours(4))));
  EXPECT_THAT(plan.why, HasSubstr("800 g"));
  EXPECT_THAT(plan.why, HasSubstr("80 %"));
  EXPECT_EQ(plan.forecast_issued_at, kNow - minutes(3));
}

TEST(Planner, StartsWhereItsEndMeetsTheDirtyHour) {
  // 3 h 30 within four clean hours, that follow an hour of middling ones.
  PlanInput world =
      HourlyWorld({500, 500, 500, 200, 100, 100, 100, 100, 500, 500});
  const JobPlan plan = PlanFor(world, JobOf(minutes(270)));
  EXPECT_THAT(plan.intervals(),
              ElementsAre(Interval{kNow + minutes(210), kNow + hours(8)}));
  EXPECT_EQ(plan.expected, Grams::Of(500));
}

TEST(Planner, AWaitMustSaveEnough) {
  PlanInput world = HourlyWorld({100, 100, 95, 95, 100, 100, 100});
  PlanJob job = JobOf(hours(2));
  job.min_saving = 0.051;
  EXPECT_THAT(PlanFor(world, job).intervals(), ElementsAre(Hours(0, 2)));
  EXPECT_EQ(PlanFor(world, job).reason, Reason::kNoGain);
  EXPECT_THAT(PlanFor(world, job).why, HasSubstr("5.1 %"));
  job.min_saving = 0.05;  // just that
  EXPECT_THAT(PlanFor(world, job).intervals(), ElementsAre(Hours(2, 4)));
}

TEST(Planner, APauseMustSaveEnoughToo) {
  PlanInput world = HourlyWorld({100, 100, 110, 100, 100, 100, 100});
  PlanJob job = JobOf(hours(3));
  job.deadline = kNow + hours(4);
  job.pause = PauseMode::kSuspend;
  job.min_saving = 0.1;
  EXPECT_THAT(PlanFor(world, job).intervals(), ElementsAre(Hours(0, 3)));
  job.min_saving = 0.01;
  EXPECT_THAT(PlanFor(world, job).intervals(),
              ElementsAre(Hours(0, 2), Hours(3, 4)));
}

TEST(Planner, FinishesByTheDeadlineHoweverCleanItWouldBeLater) {
  PlanJob job = JobOf(hours(2));
  job.deadline = kNow + minutes(330);  // half an hour into the second clean one
  const JobPlan plan = PlanFor(HourlyWorld(kCleanLater), job);
  EXPECT_THAT(plan.intervals(),
              ElementsAre(Interval{kNow + minutes(210), job.deadline}));
}

TEST(Planner, NeverStartsBeforeTheEarliestStart) {
  std::vector<double> clean_now = kFlat;
  clean_now[0] = clean_now[1] = 1;
  PlanJob job = JobOf(hours(2));
  job.earliest = kNow + minutes(75);
  job.min_saving = 0.02;
  const JobPlan plan = PlanFor(HourlyWorld(clean_now), job);
  EXPECT_EQ(plan.intervals().front().begin, job.earliest);

  const JobPlan flat = PlanFor(HourlyWorld(kFlat), job);
  EXPECT_THAT(flat.intervals(),
              ElementsAre(Interval{job.earliest, job.earliest + hours(2)}));
  EXPECT_EQ(flat.reason, Reason::kEarliest);
  EXPECT_THAT(flat.why, HasSubstr(FormatInstant(job.earliest)));
}

TEST(Planner, RunsWhateverTheGridDoesWhenTheSlackIsUsedUp) {
  PlanJob job = JobOf(hours(2));
  job.deadline = kNow + hours(2);
  const JobPlan plan = PlanFor(HourlyWorld(kCleanLater), job);
  EXPECT_THAT(plan.intervals(), ElementsAre(Hours(0, 2)));
  EXPECT_EQ(plan.reason, Reason::kSlackUsedUp);
  EXPECT_FALSE(plan.late);
  EXPECT_THAT(plan.why, HasSubstr(FormatInstant(job.deadline)));
}

TEST(Planner, RunsAtOnceWhenItIsLateAndSaysSo) {
  for (const Duration left : {hours(1), hours(0), hours(-5)}) {
    PlanJob job = JobOf(hours(2));
    job.deadline = kNow + left;
    const JobPlan plan = PlanFor(HourlyWorld(kCleanLater), job);
    EXPECT_THAT(plan.intervals(), ElementsAre(Hours(0, 2)));
    EXPECT_TRUE(plan.late);
    EXPECT_THAT(plan.why, HasSubstr("deadline"));
  }
}

// ---- Where the user forbids the dirty hours
// -----------------------------------------

TEST(Planner, AvoidsHoursAboveItsMaximum) {
  PlanInput world = HourlyWorld({190, 195, 210, 60, 210, 195, 195, 195, 195});
  PlanJob job = JobOf(hours(2));
  job.max_intensity = GramsPerKwh::Of(200);
  // Hours 2-3 or 3-4 would be the least in all; both touch a forbidden one.
  EXPECT_THAT(PlanFor(world, job).intervals(), ElementsAre(Hours(0, 2)));
  job.pause = PauseMode::kSuspend;
  EXPECT_THAT(PlanFor(world, job).intervals(),
              ElementsAre(Hours(0, 1), Hours(3, 4)));
}

TEST(Planner, WaitsForAnAllowedHourWhateverTheSaving) {
  PlanInput world = HourlyWorld({210, 199, 199, 210, 210});
  PlanJob job = JobOf(hours(2));
  job.max_intensity = GramsPerKwh::Of(200);
  job.min_saving = 0.5;
  EXPECT_THAT(PlanFor(world, job).intervals(), ElementsAre(Hours(1, 3)));
}

TEST(Planner, ItsDeadlineStandsAboveItsMaximumAndItSaysSo) {
  PlanInput world = HourlyWorld({300, 250, 190, 260, 300});
  PlanJob job = JobOf(hours(2));
  job.deadline = kNow + hours(5);
  job.max_intensity = GramsPerKwh::Of(200);
  const JobPlan plan = PlanFor(world, job);
  EXPECT_THAT(plan.intervals(), ElementsAre(Hours(1, 3)));
  EXPECT_THAT(plan.why, HasSubstr("200"));
  EXPECT_THAT(plan.why, HasSubstr("1h"));
}

TEST(Planner, ItsMaximumIsReachedNotPassed) {
  PlanInput world = HourlyWorld({200, 200, 100, 100});
  PlanJob job = JobOf(hours(2));
  job.deadline = kNow + hours(3);
  job.min_saving = 0.9;
  job.max_intensity = GramsPerKwh::Of(200);
  EXPECT_EQ(PlanFor(world, job).intervals().front().begin, kNow)
      << "200 is not above 200";
}

// ---- Regions
// -----------------------------------------------------------------------

TEST(Planner, GoesWhereItEmitsLeastPueIncluded) {
  PlanInput world;
  world.now = kNow;
  world.regions = {RegionWith(Hourly(std::vector<double>(24, 200)), "wasteful"),
                   RegionWith(Hourly(std::vector<double>(24, 250)), "thrifty")};
  world.regions[0].pue = Pue::Of(1.5);
  world.regions[1].pue = Pue::Of(1.1);
  PlanJob job = JobOf(hours(2));
  job.regions = {0, 1};
  const JobPlan plan = PlanFor(world, job);
  EXPECT_EQ(plan.region_name, "thrifty");
  EXPECT_EQ(plan.expected, Grams::Of(550));
  ASSERT_FALSE(plan.alternatives.empty());
  EXPECT_EQ(plan.alternatives[0].region, "wasteful");
  EXPECT_EQ(plan.alternatives[0].expected, Grams::Of(600));
}

TEST(Planner, GoesOnlyWhereItMay) {
  PlanInput world = HourlyWorld(kFlat);
  world.regions.push_back(
      RegionWith(Hourly(std::vector<double>(24, 1)), "clean"));
  EXPECT_EQ(PlanFor(world, JobOf(hours(2))).region_name, "here");
}

TEST(Planner, PrefersTheFirstOfEqualRegions) {
  PlanInput world = HourlyWorld(kFlat);
  world.regions.push_back(RegionWith(Hourly(kFlat), "there"));
  PlanJob job = JobOf(hours(2));
  job.regions = {1, 0};
  EXPECT_EQ(PlanFor(world, job).region_name, "there");
  job.regions = {0, 1};
  EXPECT_EQ(PlanFor(world, job).region_name, "here");
}

TEST(Planner, StartsNothingInADrainedRegion) {
  PlanInput world = HourlyWorld(kFlat);
  world.regions[0].drained = true;
  const JobPlan plan = PlanFor(world, JobOf(hours(2)));
  EXPECT_EQ(plan.reason, Reason::kRegionDrained);
  EXPECT_EQ(plan.region, -1);
  EXPECT_THAT(plan.intervals(), IsEmpty());
  EXPECT_FALSE(plan.why.empty());

  world.regions.push_back(RegionWith(Hourly(kFlat), "there"));
  PlanJob job = JobOf(hours(2));
  job.regions = {0, 1};
  EXPECT_EQ(PlanFor(world, job).region_name, "there");
}

TEST(Planner, WhatRunsInADrainedRegionRunsOn) {
  PlanInput world = HourlyWorld(kFlat);
  world.regions[0].drained = true;
  EXPECT_THAT(PlanFor(world, RunningJob(hours(2))).intervals(),
              ElementsAre(Hours(0, 2)));
}

// ---- Capacity
// ------------------------------------------------------------------------

TEST(Planner, WaitsForCapacityAndSaysUntilWhen) {
  PlanInput world = HourlyWorld(kFlat);
  world.regions[0].capacity = {1, 1};
  world.jobs = {RunningJob(minutes(90), 1)};
  const JobPlan plan = PlanFor(world, JobOf(hours(2), 2));
  EXPECT_EQ(plan.reason, Reason::kNoCapacity);
  EXPECT_EQ(plan.intervals().front().begin, kNow + minutes(90));
  EXPECT_THAT(plan.why, HasSubstr(FormatInstant(kNow + minutes(90))));
  EXPECT_THAT(plan.why, HasSubstr("here"));
}

TEST(Planner, ALargeJobWaitsUntilEnoughIsFree) {
  PlanInput world = HourlyWorld(kFlat);
  world.regions[0].capacity = {4, 32};
  PlanJob first = RunningJob(hours(1), 1), second = RunningJob(hours(3), 2);
  first.need = second.need = {2, 1};
  world.jobs = {first, second};
  PlanJob job = JobOf(hours(1), 3);
  job.need = {3, 1};
  EXPECT_EQ(PlanFor(world, job).intervals().front().begin, kNow + hours(3));
  job.need = {2, 1};
  EXPECT_EQ(PlanFor(world, job).intervals().front().begin, kNow + hours(1));
}

TEST(Planner, AJobLargerThanItsRegionIsNotPlanned) {
  PlanInput world = HourlyWorld(kFlat);
  PlanJob job = JobOf(hours(1));
  job.need = {5, 1};
  const JobPlan plan = PlanFor(world, job);
  EXPECT_THAT(plan.intervals(), IsEmpty());
  EXPECT_EQ(plan.reason, Reason::kNoCapacity);
  EXPECT_FALSE(plan.why.empty());
}

TEST(Planner, TheSecondOfTwoJobsTakesTheNextBestHours) {
  PlanInput world = HourlyWorld(kCleanLater);
  world.regions[0].capacity = {1, 32};
  world.jobs = {JobOf(hours(3), 1), JobOf(hours(2), 2)};
  const Plan plan = MakePlan(world);
  EXPECT_THAT(plan.jobs[0].intervals(), ElementsAre(Hours(4, 7)));
  // One clean hour is left: before it is dirty as well, and taken.
  EXPECT_THAT(plan.jobs[1].intervals(), ElementsAre(Hours(7, 9)));
}

TEST(Planner, CapacityThatIsSpokenForIsLeftAlone) {
  PlanInput world = HourlyWorld(kCleanLater);
  world.regions[0].taken = {{Hours(4, 6), {4, 0}}};
  EXPECT_THAT(PlanFor(world, JobOf(hours(2))).intervals(),
              ElementsAre(Hours(6, 8)));
}

TEST(Planner, APausedRunLetsOthersInButASuspendedOneDoesNot) {
  for (const PauseMode pause : {PauseMode::kCheckpoint, PauseMode::kSuspend}) {
    PlanInput world = HourlyWorld({100, 500, 500, 100, 100, 600, 600, 600});
    world.regions[0].capacity = {1, 1};
    PlanJob first = JobOf(hours(3), 1);
    first.pause = pause;
    first.deadline = kNow + hours(5);
    first.priority = 1;
    PlanJob second = JobOf(hours(2), 2);
    second.deadline = kNow + hours(8);
    world.jobs = {first, second};
    const Plan plan = MakePlan(world);
    ASSERT_THAT(plan.jobs[0].intervals(),
                ElementsAre(Hours(0, 1), Hours(3, 5)));
    EXPECT_THAT(plan.jobs[1].intervals(),
                ElementsAre(pause == PauseMode::kCheckpoint ? Hours(1, 3)
                                                            : Hours(5, 7)));
  }
}

TEST(Planner, RunsInPiecesAroundWhatIsTakenToMeetItsDeadline) {
  PlanInput world = HourlyWorld(kFlat);
  world.regions[0].taken = {{Hours(2, 3), {4, 0}}};
  PlanJob job = JobOf(hours(3));
  job.pause = PauseMode::kCheckpoint;
  job.deadline = kNow + hours(5);
  job.min_saving = 0.02;
  const JobPlan plan = PlanFor(world, job);
  EXPECT_THAT(plan.intervals(), ElementsAre(Hours(0, 2), Hours(3, 4)));
  EXPECT_FALSE(plan.late);
  EXPECT_NE(plan.reason, Reason::kCleanerHours)
      << "no hour is cleaner: " << plan.why;
}

TEST(Planner, HigherPriorityChoosesFirst) {
  PlanInput world = HourlyWorld(kCleanLater);
  world.regions[0].capacity = {1, 32};
  world.jobs = {JobOf(hours(3), 1), JobOf(hours(3), 2)};
  world.jobs[1].priority = 5;
  const Plan plan = MakePlan(world);
  EXPECT_THAT(plan.jobs[1].intervals(), ElementsAre(Hours(4, 7)));
  EXPECT_NE(plan.jobs[0].intervals(), plan.jobs[1].intervals());
}

TEST(Planner, WhatRunsIsNotDrivenOutByPriority) {
  PlanInput world = HourlyWorld(kFlat);
  world.regions[0].capacity = {1, 1};
  PlanJob urgent = JobOf(hours(1), 1);
  urgent.priority = 100;
  world.jobs = {urgent, RunningJob(hours(2), 2)};
  const Plan plan = MakePlan(world);
  EXPECT_THAT(plan.jobs[1].intervals(), ElementsAre(Hours(0, 2)));
  EXPECT_EQ(plan.jobs[0].intervals().front().begin, kNow + hours(2));
}

TEST(Planner, TiesGoToTheEarliestStartAndThenToTheId) {
  PlanInput world = HourlyWorld(kFlat);
  world.regions[0].capacity = {1, 1};
  world.jobs = {JobOf(hours(1), 9), JobOf(hours(1), 3)};
  const Plan plan = MakePlan(world);
  EXPECT_THAT(plan.jobs[1].intervals(), ElementsAre(Hours(0, 1)));
  EXPECT_THAT(plan.jobs[0].intervals(), ElementsAre(Hours(1, 2)));
}

// ---- What is not known
// ---------------------------------------------------------------

TEST(Planner, WithoutAForecastItRunsNowWhereThatIsDeclared) {
  PlanInput world = HourlyWorld({});
  world.no_forecast = NoForecast::kRunNow;
  const JobPlan plan = PlanFor(world, JobOf(hours(2)));
  EXPECT_THAT(plan.intervals(), ElementsAre(Hours(0, 2)));
  EXPECT_EQ(plan.reason, Reason::kNoForecast);
  EXPECT_FALSE(plan.expected);
  EXPECT_FALSE(plan.run_now);
  EXPECT_THAT(plan.why, HasSubstr("no forecast"));
}

TEST(Planner, WithoutAForecastItWaitsUntilTheLatestStartWhereThatIsDeclared) {
  PlanInput world = HourlyWorld({});
  world.no_forecast = NoForecast::kWaitUntilLatest;
  const JobPlan plan = PlanFor(world, JobOf(hours(2)));
  EXPECT_THAT(plan.intervals(), ElementsAre(Hours(22, 24)));
  EXPECT_EQ(plan.reason, Reason::kNoForecast);
  EXPECT_THAT(plan.why, HasSubstr(FormatInstant(kNow + hours(22))));
}

TEST(Planner, AnUnknownTailIsNeitherFreeNorForbidden) {
  // Two known hours; the rest of the day is unknown.
  PlanInput world = HourlyWorld({500, 400});
  EXPECT_THAT(PlanFor(world, JobOf(hours(1))).intervals(),
              ElementsAre(Hours(1, 2)))
      << "what is known is enough";
  for (const NoForecast fallback :
       {NoForecast::kRunNow, NoForecast::kWaitUntilLatest}) {
    world.no_forecast = fallback;
    const JobPlan plan = PlanFor(world, JobOf(hours(4)));
    EXPECT_EQ(plan.reason, Reason::kNoForecast);
    EXPECT_FALSE(plan.expected);
    EXPECT_EQ(plan.intervals().front().begin,
              fallback == NoForecast::kRunNow ? kNow : kNow + hours(20));
  }
}

TEST(Planner, AGapIsNotTakenForZero) {
  PlanInput world = HourlyWorld(kFlat);
  std::vector<Slot> slots = world.regions[0].outlook.slots();
  slots.erase(slots.begin() + 4, slots.begin() + 8);
  world.regions[0].outlook = Series::Make(slots).value();
  EXPECT_THAT(PlanFor(world, JobOf(hours(2))).intervals(),
              ElementsAre(Hours(0, 2)));
}

TEST(Planner, PrefersTheRegionThatIsKnown) {
  PlanInput world = HourlyWorld({});
  world.regions.push_back(RegionWith(Hourly(kFlat), "known"));
  PlanJob job = JobOf(hours(2));
  job.regions = {0, 1};
  EXPECT_EQ(PlanFor(world, job).region_name, "known");
}

TEST(Planner, SaysWhereItRestsOnClimatology) {
  PlanInput world = HourlyWorld(kCleanLater);
  world.regions[0].forecast_end = kNow + hours(3);
  EXPECT_THAT(PlanFor(world, JobOf(hours(2))).why,
              HasSubstr("last known days"));
}

// ---- Held, running, paused
// --------------------------------------------------------------

TEST(Planner, AHeldJobHasNoPlan) {
  PlanJob job = JobOf(hours(2));
  job.held = true;
  const JobPlan plan = PlanFor(HourlyWorld(kFlat), job);
  EXPECT_EQ(plan.reason, Reason::kHeld);
  EXPECT_EQ(plan.region, -1);
  EXPECT_THAT(plan.intervals(), IsEmpty());
  EXPECT_FALSE(plan.finish_at);
}

TEST(Planner, AHeldJobInMemoryKeepsItsPlace) {
  PlanInput world = HourlyWorld(kFlat);
  world.regions[0].capacity = {1, 1};
  PlanJob held = JobOf(hours(2), 1);
  held.pause = PauseMode::kSuspend;
  held.standing = PlanJob::Standing::kSuspended;
  held.region = 0;
  held.held = true;
  world.jobs = {held};
  const JobPlan plan = PlanFor(world, JobOf(hours(1), 2));
  EXPECT_EQ(plan.reason, Reason::kNoCapacity);
  EXPECT_THAT(plan.intervals(), IsEmpty()) << "nobody knows until when";
}

TEST(Planner, WhatCannotBePausedRunsOn) {
  std::vector<double> dirty_now = kFlat;
  dirty_now[0] = dirty_now[1] = 5000;
  const JobPlan plan = PlanFor(HourlyWorld(dirty_now), RunningJob(hours(2)));
  EXPECT_THAT(plan.intervals(), ElementsAre(Hours(0, 2)));
}

TEST(Planner, PausesThroughTheEveningPeak) {
  PlanInput world = HourlyWorld({100, 100, 900, 900, 110, 120, 130, 130, 130});
  PlanJob job = RunningJob(hours(3));
  job.pause = PauseMode::kCheckpoint;
  job.checkpoint_cost = minutes(6);
  job.resume_cost = minutes(12);
  job.min_run = minutes(30);
  const JobPlan plan = PlanFor(world, job);
  ASSERT_EQ(plan.intervals().size(), 2u);
  // It saves within the clean hours, restores within the next ones, and still
  // does its three hours.
  EXPECT_EQ(plan.intervals()[0], Hours(0, 2));
  EXPECT_EQ(plan.intervals()[1].begin, kNow + hours(4));
  EXPECT_EQ(plan.intervals()[1].end, kNow + hours(5) + minutes(18));
  EXPECT_EQ(plan.reason, Reason::kCleanerHours);
  EXPECT_EQ(plan.expected, Grams::Of(346));
  EXPECT_EQ(plan.run_now, Grams::Of(1100));
}

TEST(Planner, DoesNotPauseBeforeItMay) {
  std::vector<double> dirty_now = {5000};
  for (int i = 1; i < 24; ++i) dirty_now.push_back(300 + i);
  PlanJob job = RunningJob(hours(3));
  job.pause = PauseMode::kCheckpoint;
  job.may_pause_from = kNow + minutes(20);
  job.checkpoint_cost = minutes(1);
  job.resume_cost = minutes(1);
  const JobPlan plan = PlanFor(HourlyWorld(dirty_now), job);
  ASSERT_EQ(plan.intervals().size(), 2u);
  EXPECT_EQ(plan.intervals()[0], (Interval{kNow, kNow + minutes(21)}));
  EXPECT_EQ(plan.intervals()[1].begin, kNow + hours(1));
}

TEST(Planner, APauseMustBeWorthItsCosts) {
  PlanInput world = HourlyWorld({100, 100, 110, 110, 101, 102, 102, 102});
  PlanJob job = RunningJob(hours(3));
  job.pause = PauseMode::kCheckpoint;
  job.checkpoint_cost = job.resume_cost = minutes(15);
  EXPECT_THAT(PlanFor(world, job).intervals(), ElementsAre(Hours(0, 3)));
  job.checkpoint_cost = job.resume_cost = Duration(0);
  EXPECT_THAT(PlanFor(world, job).intervals(),
              ElementsAre(Hours(0, 2), Hours(4, 5)));
}

TEST(Planner, ASuspendedJobPaysForIdling) {
  PlanInput world = HourlyWorld({200, 200, 200, 200, 100, 100, 100, 100});
  PlanJob job = JobOf(hours(2));
  job.pause = PauseMode::kSuspend;
  job.standing = PlanJob::Standing::kSuspended;
  job.region = 0;
  job.idle_power = Watts::Of(100);
  // Waiting: four hours at 200 g and a tenth of the power, then 200 g.
  JobPlan plan = PlanFor(world, job);
  EXPECT_THAT(plan.intervals(), ElementsAre(Hours(4, 6)));
  EXPECT_EQ(plan.expected, Grams::Of(280));
  EXPECT_EQ(plan.run_now, Grams::Of(400));
  job.idle_power = Watts::Of(400);
  plan = PlanFor(world, job);
  EXPECT_THAT(plan.intervals(), ElementsAre(Hours(0, 2)));
  EXPECT_EQ(plan.expected, Grams::Of(400));
}

TEST(Planner, ACheckpointedJobRestoresFirstAndMayGoElsewhere) {
  PlanInput world = HourlyWorld(kFlat);
  world.regions.push_back(
      RegionWith(Hourly(std::vector<double>(24, 100)), "there"));
  PlanJob job = JobOf(hours(2));
  job.pause = PauseMode::kCheckpoint;
  job.standing = PlanJob::Standing::kCheckpointed;
  job.resume_cost = minutes(30);
  job.regions = {0, 1};
  const JobPlan plan = PlanFor(world, job);
  EXPECT_EQ(plan.region_name, "there");
  EXPECT_THAT(plan.intervals(),
              ElementsAre(Interval{kNow, kNow + minutes(150)}));
  EXPECT_EQ(plan.expected, Grams::Of(250));
}

TEST(Planner, ASuspendedJobStaysWhereItIs) {
  PlanInput world = HourlyWorld(kFlat);
  world.regions.push_back(
      RegionWith(Hourly(std::vector<double>(24, 1)), "clean"));
  PlanJob job = JobOf(hours(2));
  job.pause = PauseMode::kSuspend;
  job.standing = PlanJob::Standing::kSuspended;
  job.region = 0;
  job.regions = {0, 1};
  EXPECT_EQ(PlanFor(world, job).region_name, "here");
}

TEST(Planner, ARunningJobThatShouldPauseAtOnceHasNoRunNow) {
  std::vector<double> dirty_now = {5000, 5000};
  for (int i = 2; i < 24; ++i) dirty_now.push_back(300 + i);
  PlanJob job = RunningJob(hours(3));
  job.pause = PauseMode::kSuspend;
  const JobPlan plan = PlanFor(HourlyWorld(dirty_now), job);
  EXPECT_THAT(plan.intervals(), ElementsAre(Hours(2, 5)));
}

// ---- Between equals
// -----------------------------------------------------------------

TEST(Planner, ResumesAsSoonAsItIsCleanAgain) {
  std::vector<double> dirty_first = kFlat;
  dirty_first[0] = 5000;
  for (const PauseMode pause : {PauseMode::kSuspend, PauseMode::kCheckpoint}) {
    PlanJob job = RunningJob(hours(3));
    job.pause = pause;
    job.may_pause_from = kNow + minutes(20);
    job.checkpoint_cost = job.resume_cost = minutes(1);
    const JobPlan plan = PlanFor(HourlyWorld(dirty_first), job);
    ASSERT_EQ(plan.intervals().size(), 2u);
    EXPECT_EQ(plan.intervals()[1].begin, kNow + hours(1))
        << "all hours after the first are alike";
  }
}

TEST(Planner, DoesNotCutARunThatGainsNothingByIt) {
  PlanInput world = HourlyWorld({190, 190, 210, 60, 210, 190, 190, 190, 190});
  PlanJob job = JobOf(hours(2));
  job.pause = PauseMode::kSuspend;
  EXPECT_THAT(PlanFor(world, job).intervals(),
              ElementsAre(Hours(0, 1), Hours(3, 4)));
}

TEST(Planner, NamesEveryReasonInSnakeCase) {
  std::set<std::string> names;
  for (int i = 0; i <= static_cast<int>(Reason::kNoGain); ++i) {
    const std::string name = Name(static_cast<Reason>(i));
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"),
              std::string::npos)
        << name;
    EXPECT_TRUE(names.insert(name).second) << name;
  }
}

}  // namespace
}  // namespace carbond
