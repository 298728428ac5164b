#include "scheduler/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/scheduler/sim_world.h"

namespace carbond {
namespace {

using ::testing::HasSubstr;

JobSpec Pausable(Duration duration, Duration cost = minutes(0)) {
  JobSpec spec = Work(duration);
  spec.pause = PauseMode::kCheckpoint;
  spec.checkpoint_cost = cost;
  spec.resume_cost = cost;
  spec.checkpoint_timeout = minutes(30);
  spec.min_run = minutes(30);
  return spec;
}

Instant Hour(double hour) {
  return kDawn + Duration(static_cast<int64_t>(hour * 3'600'000));
}

TEST(Engine, RunsAJobAtOnceWhenTheGridIsFlat) {
  SimWorld world;
  world.Grid("here", Hourly(kDawn, std::vector<double>(48, 300)));
  const JobId id = world.Submit(Work(hours(2)));
  ASSERT_TRUE(world.driver->RunUntilDone(Hour(30)).ok());
  const Job& job = world.At(id);
  EXPECT_EQ(job.outcome, Outcome::kSucceeded);
  EXPECT_EQ(job.started_at, kDawn);
  EXPECT_EQ(job.finished_at, Hour(2));
  EXPECT_EQ(job.energy, WattHours::Of(2000));
  EXPECT_EQ(world.Figures(id).grams, Grams::Of(600));
  EXPECT_EQ(world.Figures(id).baseline, Grams::Of(600));
}

TEST(Engine, DefersAJobToCleanerHoursAndSavesWhatItSaid) {
  SimWorld world;
  world.Grid("here", Hourly(kDawn, {500, 500, 500, 100, 100, 500, 500, 500, 500,
                                    500, 500, 500}));
  JobSpec spec = Work(hours(2));
  spec.deadline = Hour(10);
  const JobId id = world.Submit(spec);
  ASSERT_TRUE(world.driver->Settle().ok());
  EXPECT_EQ(world.PlanOf(id).reason, Reason::kCleanerHours);
  EXPECT_THAT(world.PlanOf(id).why,
              HasSubstr("waiting for cleaner hours until "
                        "2026-01-01T03:00:00Z, saves 800 g (80 %)"));
  ASSERT_TRUE(world.driver->RunUntilDone(Hour(30)).ok());
  EXPECT_EQ(world.At(id).started_at, Hour(3));
  EXPECT_EQ(world.Figures(id).grams, Grams::Of(200));
  EXPECT_EQ(world.Figures(id).baseline, Grams::Of(1000));
  EXPECT_EQ(world.Figures(id).quality, Quality::kSettled);
}

TEST(Engine, TakesAYearlyAverageForNoForecastAndRunsAtOnce) {
  SimWorld world;
  world.grid.SetActual(
      "here", Hourly(kDawn - hours(48), std::vector<double>(24 * 8, 312)),
      kYearlySignal);
  world.grid.AddForecast({"here", "sim", kYearlySignal, kDawn - hours(1), kDawn,
                          Hourly(kDawn - hours(1), {900, 900, 10, 10})});
  const JobId id = world.Submit(Work(hours(2)));
  ASSERT_TRUE(world.driver->Settle().ok());
  EXPECT_THAT(world.PlanOf(id).why,
              HasSubstr("of here only a yearly average is known"));
  EXPECT_EQ(world.engine->Regions().at(0).zone.mode, ForecastMode::kNone);
  ASSERT_TRUE(world.driver->RunUntilDone(Hour(30)).ok());
  EXPECT_EQ(world.At(id).started_at, kDawn);
  EXPECT_EQ(world.Figures(id).grams, Grams::Of(624));
  EXPECT_EQ(world.Figures(id).baseline, Grams::Of(624));
}

TEST(Engine, PausesThroughADirtyHourAndCountsWhatThePauseCosts) {
  SimWorld world;
  world.Grid("here", Hourly(kDawn, {100, 100, 900, 900, 100, 100, 900, 900}));
  JobSpec spec = Pausable(hours(3), minutes(6));
  spec.deadline = Hour(8);
  const JobId id = world.Submit(spec);
  ASSERT_TRUE(world.driver->RunUntilDone(Hour(30)).ok());
  const Job& job = world.At(id);
  ASSERT_EQ(job.outcome, Outcome::kSucceeded);
  ASSERT_EQ(job.runs.size(), 2u);
  EXPECT_EQ(job.runs[0].end, RunEnd::kCheckpointed);
  EXPECT_EQ(job.runs[0].ended_at, Hour(2));
  EXPECT_EQ(job.runs[1].started_at, Hour(4));
  // 3 h of work, 6 min of saving and 6 min of restoring, at 1 kW and 100 g.
  EXPECT_EQ(job.energy, WattHours::Of(3200));
  EXPECT_EQ(world.Figures(id).grams, Grams::Of(320));
  EXPECT_TRUE(world.ledger.Verify().ok());
}

TEST(Engine, KeepsASuspendedJobsPlaceAndCountsItsIdlePower) {
  SimWorld world({Place("here", 1, 4)});
  world.Grid("here", Hourly(kDawn, {100, 900, 900, 100, 900, 900}));
  JobSpec spec = Work(hours(2));
  spec.pause = PauseMode::kSuspend;
  spec.idle_power = Watts::Of(50);
  spec.min_run = minutes(10);
  spec.checkpoint_timeout = minutes(5);
  spec.deadline = Hour(6);
  const JobId id = world.Submit(spec);
  ASSERT_TRUE(world.driver->RunUntil(Hour(2)).ok());
  EXPECT_TRUE(world.At(id).in_memory());
  EXPECT_EQ(world.engine->Regions()[0].used, (Resources{1, 1}));
  ASSERT_TRUE(world.driver->RunUntilDone(Hour(30)).ok());
  EXPECT_EQ(world.At(id).outcome, Outcome::kSucceeded);
  EXPECT_EQ(Pauses(world.At(id)), 1);
  // 2 h at 1 kW and 100 g, and 2 h at 50 W and 900 g.
  EXPECT_EQ(world.Figures(id).grams, Grams::Of(200 + 90));
}

TEST(Engine, NeverGivesADeviceTwice) {
  SimWorld world({Place("here", 2, 8)});
  world.Grid("here", Hourly(kDawn, std::vector<double>(48, 300)));
  std::vector<JobId> ids;
  for (int i = 0; i < 4; ++i) ids.push_back(world.Submit(Work(hours(1))));
  ASSERT_TRUE(world.driver->RunUntil(Hour(0.5)).ok());
  EXPECT_EQ(world.At(ids[0]).runs[0].allotment.gpus, std::vector<int>{0});
  EXPECT_EQ(world.At(ids[1]).runs[0].allotment.gpus, std::vector<int>{1});
  EXPECT_EQ(world.At(ids[2]).state, State::kWaiting);
  EXPECT_EQ(world.PlanOf(ids[2]).reason, Reason::kNoCapacity);
  EXPECT_THAT(world.PlanOf(ids[2]).why,
              HasSubstr("no capacity in here until 2026-01-01T01:00:00Z"));
  ASSERT_TRUE(world.driver->RunUntilDone(Hour(30)).ok());
  EXPECT_EQ(world.At(ids[3]).finished_at, Hour(2));
}

TEST(Engine, GivesTheSameJobForTheSameRequestId) {
  SimWorld world;
  SubmitCommand command;
  command.request_id = "r1";
  command.digest = "abc";
  command.jobs.push_back({Work(hours(1)), {}});
  const Reply first = world.Send(command);
  const Reply again = world.Send(command);
  EXPECT_EQ(first.jobs, again.jobs);
  EXPECT_TRUE(again.repeated);
  command.digest = "def";
  EXPECT_TRUE(absl::IsAlreadyExists(world.Send(command).status));
  world.Restart();
  command.digest = "abc";
  EXPECT_EQ(world.Send(command).jobs, first.jobs);
}

TEST(Engine, SubmitsAllJobsOfARequestOrNone) {
  SimWorld world;
  SubmitCommand command;
  command.jobs.push_back({Work(hours(1)), {}});
  command.jobs.push_back({Work(hours(-1)), {}});
  const Reply reply = world.Send(command);
  EXPECT_THAT(Message(reply.status), HasSubstr("job 2 of 2"));
  EXPECT_TRUE(world.ledger.jobs().empty());
}

TEST(Engine, CancelsAWaitingJobAtOnceAndARunningOneByStoppingIt) {
  SimWorld world;
  world.Grid("here", Hourly(kDawn, std::vector<double>(48, 300)));
  const JobId runs = world.Submit(Work(hours(5)));
  JobSpec later = Work(hours(1));
  later.earliest = Hour(5);
  const JobId waits = world.Submit(later);
  ASSERT_TRUE(world.driver->RunUntil(Hour(1)).ok());
  EXPECT_TRUE(world.Send(CancelCommand{waits, "ada"}).status.ok());
  EXPECT_EQ(world.At(waits).outcome, Outcome::kCancelled);
  EXPECT_TRUE(world.Send(CancelCommand{runs, "ada"}).status.ok());
  ASSERT_TRUE(world.driver->RunUntilDone(Hour(2)).ok());
  EXPECT_EQ(world.At(runs).outcome, Outcome::kCancelled);
  EXPECT_EQ(world.executor.Live(runs), 0);
  EXPECT_EQ(world.At(runs).energy, WattHours::Of(1000));
  EXPECT_THAT(Message(world.Send(CancelCommand{runs, "ada"}).status),
              HasSubstr("job 1 is done"));
  EXPECT_THAT(Message(world.Send(CancelCommand{JobId(99), "ada"}).status),
              HasSubstr("there is no job 99"));
}

TEST(Engine, HoldsAJobUntilItsUserReleasesIt) {
  SimWorld world;
  world.Grid("here", Hourly(kDawn, std::vector<double>(48, 300)));
  const JobId id = world.Submit(Pausable(hours(4)));
  ASSERT_TRUE(world.driver->RunUntil(Hour(1)).ok());
  EXPECT_TRUE(world.Send(HoldCommand{id, "ada"}).status.ok());
  ASSERT_TRUE(world.driver->RunUntil(Hour(2)).ok());
  EXPECT_EQ(world.At(id).state, State::kPaused);
  EXPECT_EQ(world.PlanOf(id).reason, Reason::kHeld);
  EXPECT_TRUE(world.Send(ReleaseCommand{id, "ada"}).status.ok());
  ASSERT_TRUE(world.driver->RunUntilDone(Hour(30)).ok());
  EXPECT_EQ(world.At(id).finished_at, Hour(5));
  const JobId fixed = world.Submit(Work(hours(1)));
  ASSERT_TRUE(world.driver->Settle().ok());
  EXPECT_THAT(Message(world.Send(HoldCommand{fixed, "ada"}).status),
              HasSubstr("cannot be paused"));
}

TEST(Engine, KeepsAPauseUpForItsLeastLengthWhateverANewForecastSays) {
  for (const Duration least : {hours(0), hours(3)}) {
    SimWorld world;
    world.Grid("here", Hourly(kDawn, {100, 100, 900, 900, 900, 900, 900, 100,
                                      100, 900, 900, 900}));
    world.grid.AddForecast(
        Issue("here", Hour(2.5), Hourly(Hour(2), std::vector<double>(10, 50))));
    JobSpec spec = Pausable(hours(3));
    spec.deadline = Hour(12);
    spec.min_pause = least;
    const JobId id = world.Submit(spec);
    ASSERT_TRUE(world.driver->RunUntil(Hour(2.75)).ok());
    if (least > hours(0)) {
      EXPECT_EQ(world.PlanOf(id).reason, Reason::kMinPause);
      EXPECT_EQ(world.PlanOf(id).why,
                "pauses for 3h at least, until 2026-01-01T05:00:00Z");
    }
    ASSERT_TRUE(world.driver->RunUntilDone(Hour(30)).ok());
    const Job& job = world.At(id);
    ASSERT_EQ(job.runs.size(), 2u);
    EXPECT_EQ(job.runs[0].ended_at, Hour(2));
    EXPECT_EQ(job.runs[1].started_at, least > hours(0) ? Hour(5) : Hour(2.5));
  }
}

TEST(Engine, GoesOnAtOnceWhenItsUserEndsAPauseThatIsShorterThanItsLeast) {
  for (const bool crash : {false, true}) {
    SimWorld world;
    world.Grid("here", Hourly(kDawn, std::vector<double>(48, 300)));
    JobSpec spec = Pausable(hours(4));
    spec.min_pause = hours(3);
    const JobId id = world.Submit(spec);
    ASSERT_TRUE(world.driver->RunUntil(Hour(1)).ok());
    EXPECT_TRUE(world.Send(HoldCommand{id, "ada"}).status.ok());
    ASSERT_TRUE(world.driver->RunUntil(Hour(2)).ok());
    EXPECT_EQ(world.At(id).state, State::kPaused);
    EXPECT_TRUE(world.Send(ReleaseCommand{id, "ada"}).status.ok());
    EXPECT_EQ(world.At(id).released_at, Hour(2));
    if (crash) world.Restart();
    ASSERT_TRUE(world.driver->RunUntilDone(Hour(30)).ok());
    EXPECT_EQ(world.At(id).finished_at, Hour(5));
    EXPECT_EQ(world.At(id).released_at, std::nullopt);
  }
}

TEST(Engine, TriesAgainAfterAFailureAndCountsTheLostWork) {
  SimWorld world;
  world.Grid("here", Hourly(kDawn, std::vector<double>(48, 100)));
  JobSpec spec = Work(hours(2));
  spec.retries = 1;
  SimBehaviour behaviour;
  behaviour.work = hours(2);
  behaviour.crashes_after = hours(1);
  const JobId id = world.Submit(spec);
  world.executor.SetBehaviour(id, behaviour);
  ASSERT_TRUE(world.driver->RunUntilDone(Hour(30)).ok());
  const Job& job = world.At(id);
  EXPECT_EQ(job.outcome, Outcome::kSucceeded);
  EXPECT_EQ(job.failures, 1);
  EXPECT_EQ(world.Figures(id).grams, Grams::Of(300));
  EXPECT_EQ(world.Figures(id).baseline, Grams::Of(200));
}

TEST(Engine, LetsAJobThatCannotBePausedInTimeRunOn) {
  SimWorld world;
  world.Grid("here", Hourly(kDawn, {100, 100, 900, 900, 100, 100, 900, 900}));
  JobSpec spec = Pausable(hours(3), minutes(6));
  spec.deadline = Hour(8);
  SimBehaviour stubborn;
  stubborn.work = hours(3);
  stubborn.ignores_signal = true;
  const JobId id = world.Submit(spec);
  world.executor.SetBehaviour(id, stubborn);
  ASSERT_TRUE(world.driver->RunUntilDone(Hour(30)).ok());
  EXPECT_EQ(world.At(id).outcome, Outcome::kSucceeded);
  EXPECT_EQ(world.At(id).runs.size(), 1u);
  EXPECT_TRUE(world.At(id).runs[0].pause_failed_at.has_value());
  EXPECT_EQ(world.At(id).energy, WattHours::Of(3000));
}

TEST(Engine, EndsAJobThatRunsLongerThanItsTimeLimit) {
  SimWorld world;
  world.Grid("here", Hourly(kDawn, std::vector<double>(48, 100)));
  JobSpec spec = Work(hours(1));
  spec.time_limit = hours(2);
  SimBehaviour endless;
  endless.work = hours(100);
  const JobId id = world.Submit(spec);
  world.executor.SetBehaviour(id, endless);
  ASSERT_TRUE(world.driver->RunUntilDone(Hour(30)).ok());
  EXPECT_EQ(world.At(id).outcome, Outcome::kFailed);
  EXPECT_EQ(world.At(id).runs[0].end, RunEnd::kTimeLimit);
  EXPECT_LT(*world.At(id).finished_at, Hour(2.1));
}

TEST(Engine, FindsARunningJobAgainAfterACrash) {
  SimWorld world;
  world.Grid("here", Hourly(kDawn, std::vector<double>(48, 100)));
  const JobId id = world.Submit(Work(hours(4)));
  ASSERT_TRUE(world.driver->RunUntil(Hour(1)).ok());
  world.clock.Set(Hour(2));
  world.Restart();
  ASSERT_TRUE(world.driver->RunUntilDone(Hour(30)).ok());
  EXPECT_EQ(world.executor.Starts(), 1);
  EXPECT_EQ(world.At(id).outcome, Outcome::kSucceeded);
  EXPECT_EQ(world.At(id).energy, WattHours::Of(4000));
  EXPECT_TRUE(world.ledger.Verify().ok());
}

TEST(Engine, CountsNothingAfterTheEndOfARunThatEndedWhileItWasDown) {
  SimWorld world;
  world.Grid("here", Hourly(kDawn, std::vector<double>(48, 100)));
  // It is done sooner than it said, which its last progress tells at its end.
  const JobId id = world.Submit(Work(hours(3)));
  SimBehaviour quick;
  quick.work = hours(2);
  world.executor.SetBehaviour(id, quick);
  ASSERT_TRUE(world.driver->RunUntil(Hour(1)).ok());
  world.clock.Set(Hour(9));
  world.Restart();
  ASSERT_TRUE(world.driver->RunUntilDone(Hour(30)).ok());
  EXPECT_EQ(world.At(id).finished_at, Hour(2));
  EXPECT_EQ(world.At(id).energy, WattHours::Of(2000));
  EXPECT_TRUE(world.ledger.Verify().ok());
}

TEST(Engine, EndsNoRunBeforeItsLastReadingWhenTheClockWasSetBack) {
  SimWorld world;
  world.Grid("here", Hourly(kDawn, std::vector<double>(48, 100)));
  const JobId id = world.Submit(Work(hours(2)));
  ASSERT_TRUE(world.driver->RunUntil(Hour(1)).ok());
  const Instant metered = world.At(id).runs[0].metered_until;
  world.executor.Lose({id, 1});
  world.clock.Set(kDawn + minutes(10));
  world.Restart();
  ASSERT_TRUE(world.driver->RunUntilDone(Hour(30)).ok());
  EXPECT_EQ(world.At(id).runs[0].ended_at, metered);
  EXPECT_TRUE(world.ledger.Verify().ok());
}

TEST(Engine, TellsALostJobFromAFailedOne) {
  SimWorld world;
  world.Grid("here", Hourly(kDawn, std::vector<double>(48, 100)));
  const JobId id = world.Submit(Work(hours(4)));
  ASSERT_TRUE(world.driver->RunUntil(Hour(1)).ok());
  world.executor.Lose({id, 1});
  ASSERT_TRUE(world.driver->RunUntilDone(Hour(30)).ok());
  EXPECT_EQ(world.At(id).outcome, Outcome::kLost);
  EXPECT_EQ(world.At(id).energy, WattHours::Of(1000));
}

TEST(Engine, FallsBackAsDeclaredWhenNothingIsKnownOfTheGrid) {
  SimWorld now;
  const JobId at_once = now.Submit(Work(hours(1)));
  ASSERT_TRUE(now.driver->RunUntilDone(Hour(30)).ok());
  EXPECT_EQ(now.At(at_once).started_at, kDawn);
  EXPECT_EQ(now.Figures(at_once).unknown, Duration(hours(1)));
  EXPECT_FALSE(now.Figures(at_once).baseline.has_value());

  SimWorld later;
  later.options.defaults.no_forecast = NoForecast::kWaitUntilLatest;
  later.Restart();
  JobSpec spec = Work(hours(1));
  spec.deadline = Hour(6);
  const JobId waits = later.Submit(spec);
  ASSERT_TRUE(later.driver->RunUntilDone(Hour(30)).ok());
  EXPECT_EQ(later.At(waits).started_at, Hour(5));
}

TEST(Engine, StopsWhenTheLedgerCannotBeWritten) {
  SimWorld world;
  world.ledger.FailAfter(0);
  const Reply reply = world.SubmitReply(Work(hours(1)));
  EXPECT_FALSE(reply.status.ok());
  EXPECT_TRUE(world.engine->live().empty());
  EXPECT_TRUE(world.ledger.jobs().empty());
}

TEST(Engine, SettlesFiguresWhenTheLastValuesArrive) {
  SimWorld world;
  const Series truth = Hourly(kDawn, std::vector<double>(48, 200));
  world.grid.AddForecast(
      Issue("here", kDawn, Hourly(kDawn, std::vector<double>(48, 100))));
  const JobId id = world.Submit(Work(hours(1) + minutes(30)));
  ASSERT_TRUE(world.driver->RunUntilDone(Hour(3)).ok());
  EXPECT_EQ(world.Figures(id).grams, Grams::Of(150));
  EXPECT_EQ(world.Figures(id).quality, Quality::kProvisional);
  world.grid.SetActual("here", truth);
  world.Restart();
  ASSERT_TRUE(world.driver->RunUntil(Hour(5)).ok());
  EXPECT_EQ(world.Figures(id).grams, Grams::Of(300));
  EXPECT_EQ(world.Figures(id).quality, Quality::kSettled);
}

TEST(Engine, KeepsASecondAccountBesideTheFirst) {
  Region here = Place("here");
  here.second_zone = "here by average";
  SimWorld world({here});
  std::vector<double> marginal(48, 500), average(48, 50);
  marginal[5] = 100;  // where the plan goes, whatever the average is then
  average[5] = 90;
  world.Grid("here", Hourly(kDawn, marginal));
  world.grid.SetActual("here by average", Hourly(kDawn, average));
  const JobId id = world.Submit(Work(hours(1)));
  ASSERT_TRUE(world.driver->RunUntilDone(Hour(30)).ok());
  ASSERT_TRUE(world.driver->RunUntil(Hour(30)).ok());
  EXPECT_EQ(world.Figures(id).grams, Grams::Of(100));
  EXPECT_EQ(world.Figures(id).baseline, Grams::Of(500));
  const auto& second = world.ledger.accounts().at(id).second;
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->grams, Grams::Of(90));
  EXPECT_EQ(second->baseline, Grams::Of(50)) << "dearer by this signal";
  EXPECT_EQ(second->quality, Quality::kSettled);
}

TEST(Engine, StaysUnsettledUntilItsSecondAccountIs) {
  Region here = Place("here");
  here.second_zone = "later";
  SimWorld world({here});
  world.Grid("here", Hourly(kDawn, std::vector<double>(48, 100)));
  const JobId id = world.Submit(Work(hours(1)));
  ASSERT_TRUE(world.driver->RunUntil(Hour(6)).ok());
  EXPECT_EQ(world.Figures(id).quality, Quality::kSettled);
  EXPECT_EQ(world.ledger.accounts().at(id).second->unknown, Duration(hours(1)));
  world.grid.SetActual("later", Hourly(kDawn, std::vector<double>(48, 70)));
  world.Restart();
  ASSERT_TRUE(world.driver->RunUntil(Hour(8)).ok());
  EXPECT_EQ(world.ledger.accounts().at(id).second->grams, Grams::Of(70));
}

TEST(Engine, LearnsADurationFromEarlierJobsOfTheNameAndUser) {
  SimWorld world;
  world.Grid("here", Hourly(kDawn, std::vector<double>(48, 200)));
  JobSpec spec = Work(Duration(0));
  EXPECT_THAT(Message(world.SubmitReply(spec).status),
              HasSubstr("no duration is given, and no earlier job `train`"));
  for (const int length : {60, 90, 120}) {
    const JobId id = world.Submit(Work(minutes(length)));
    ASSERT_TRUE(world.driver->RunUntilDone(kDawn + hours(40)).ok());
    ASSERT_EQ(world.At(id).outcome, Outcome::kSucceeded);
  }
  const JobId learnt = world.Submit(spec);
  EXPECT_EQ(world.At(learnt).spec->duration, minutes(120))
      << "nine in ten took no longer";
  EXPECT_EQ(world.At(learnt).spec->duration_learnt_from, 3);
  ASSERT_TRUE(world.driver->Settle().ok());
  EXPECT_THAT(world.PlanOf(learnt).why,
              HasSubstr("learnt from 3 earlier jobs"));
  spec.user = "bob";
  EXPECT_FALSE(world.SubmitReply(spec).status.ok()) << "another user's";
}

// Issues at these minutes; when the zone was called late, to the minute, of the
// first `until` minutes.
std::vector<int> LateMinutes(const std::vector<int>& issues, int until) {
  SimWorld world;
  const Series flat = Hourly(kDawn, std::vector<double>(24, 200));
  for (const int minute : issues) {
    world.grid.AddForecast(Issue("here", kDawn + minutes(minute), flat));
  }
  std::vector<int> late;
  for (int minute = 0; minute < until; ++minute) {
    world.clock.Set(kDawn + minutes(minute));
    EXPECT_TRUE(world.engine->Tick().ok());
    const ForecastMode mode = world.engine->Regions()[0].zone.mode;
    if (mode == ForecastMode::kLate) late.push_back(minute);
  }
  return late;
}

TEST(Engine, CallsNoForecastLateForOneThatCameOutOfTurn) {
  // Every five minutes, and once after one.
  EXPECT_THAT(LateMinutes({0, 5, 10, 11, 15, 20, 25, 26, 31, 36}, 46),
              testing::IsEmpty());
  EXPECT_THAT(LateMinutes({0, 5, 6, 10, 15}, 25), testing::IsEmpty())
      << "while little is known";
}

TEST(Engine, CallsAForecastLateThatIsTwiceAsOldAsUsual) {
  EXPECT_THAT(LateMinutes({0, 5, 10, 15}, 28), testing::ElementsAre(26, 27));
  // One that did not come for long does not make the next outage look usual.
  EXPECT_THAT(LateMinutes({0, 5, 10, 15, 28, 33}, 46),
              testing::ElementsAre(26, 27, 44, 45));
  // A provider that now issues by the half hour is learnt again.
  EXPECT_THAT(LateMinutes({0, 5, 10, 15, 20, 25, 55, 85, 115, 145, 175}, 176),
              testing::Each(testing::Lt(115)));
}

TEST(Engine, DoesNotUseAForecastBeyondTheInstantAtWhichItIsStale) {
  SimWorld world;
  world.options.stale_after = minutes(90);
  world.Restart();
  world.grid.AddForecast(
      Issue("here", kDawn, Hourly(kDawn, std::vector<double>(24, 200))));
  ASSERT_TRUE(world.driver->RunUntil(kDawn + minutes(61)).ok());
  EXPECT_NE(world.engine->Regions()[0].zone.mode, ForecastMode::kStale);
  world.clock.Set(kDawn + minutes(91));  // the slot goes on until 02:00
  ASSERT_TRUE(world.engine->Tick().ok());
  EXPECT_EQ(world.engine->Regions()[0].zone.mode, ForecastMode::kStale);
}

TEST(Engine, GoesByEachProvidersOwnWordOnWhatIsStale) {
  SimWorld world({Place("here"), Place("there")});
  world.options.stale_after_of = {{"quick", minutes(20)}};
  world.Restart();
  for (const char* zone : {"here", "there"}) {
    Forecast forecast =
        Issue(zone, kDawn, Hourly(kDawn, std::vector<double>(24, 200)));
    forecast.provider = zone == std::string("here") ? "quick" : "slow";
    world.grid.AddForecast(forecast);
  }
  ASSERT_TRUE(world.driver->RunUntil(kDawn + minutes(19)).ok());
  EXPECT_EQ(world.engine->Regions()[0].zone.mode, ForecastMode::kFresh);
  world.clock.Set(kDawn + minutes(21));
  ASSERT_TRUE(world.engine->Tick().ok());
  EXPECT_EQ(world.engine->Regions()[0].zone.mode, ForecastMode::kStale);
  EXPECT_EQ(world.engine->Regions()[1].zone.mode, ForecastMode::kFresh);
}

TEST(Engine, TellsTheSpreadOfItsOutlookAlsoAfterARestart) {
  SimWorld world;
  std::vector<double> truth(24 * 12);
  for (size_t h = 0; h < truth.size(); ++h) {
    truth[h] = 300 + 40 * std::sin(static_cast<double>(h * h % 97));
  }
  world.grid.SetActual("here", Hourly(kDawn, truth));
  for (int day = 0; day < 8; ++day) {
    const Instant at = kDawn + hours(24 * day);
    world.grid.AddForecast(
        Issue("here", at, Hourly(at, std::vector<double>(72, 300))));
  }
  ASSERT_TRUE(world.driver->RunUntil(kDawn + hours(6)).ok());
  EXPECT_FALSE(world.engine->Regions()[0].zone.outlook.empty());
  EXPECT_TRUE(world.engine->Regions()[0].zone.spread.empty());
  const Instant later = kDawn + hours(24 * 7 + 1);
  ASSERT_TRUE(world.driver->RunUntil(later).ok());
  const auto spread = [&] {
    return world.engine->Regions()[0].zone.spread.At(later + hours(6));
  };
  ASSERT_TRUE(spread());
  EXPECT_NEAR(spread()->value(), 40 / std::sqrt(2), 8);
  world.Restart();
  ASSERT_TRUE(spread());
  EXPECT_NEAR(spread()->value(), 40 / std::sqrt(2), 8);
}

TEST(Engine, SaysOfADryRunWhatASubmissionWouldDo) {
  SimWorld world;
  world.Grid("here", Hourly(kDawn, {500, 500, 100, 500, 500, 500, 500}));
  ASSERT_TRUE(world.driver->Settle().ok());
  JobSpec spec = Work(hours(1));
  spec.deadline = Hour(6);
  const Reply reply = world.Send(PlanCommand{spec, {}});
  ASSERT_TRUE(reply.plan.has_value());
  EXPECT_EQ(reply.plan->plan.intervals()[0].begin, Hour(2));
  EXPECT_EQ(reply.plan->expected_total, Grams::Of(100));
  EXPECT_EQ(reply.plan->baseline, Grams::Of(500));
  EXPECT_TRUE(world.ledger.jobs().empty());
}

}  // namespace
}  // namespace carbond
