#include "scheduler/lifecycle.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <set>

namespace carbond {
namespace {

Instant At(int64_t s) { return Instant::FromSeconds(s); }

JobSpec Training(PauseMode pause = PauseMode::kCheckpoint) {
  JobSpec spec;
  spec.command = {"/bin/train"};
  spec.workdir = "/";
  spec.duration = hours(2);
  spec.pause = pause;
  spec.regions = {"here"};
  spec.home_region = "here";
  return spec;
}

// A job told as a story: each fact a second after the last unless said.
class Life {
 public:
  explicit Life(JobSpec spec = Training()) {
    job_ = ApplyFirst({JobId{7}, 1, At(0), Submitted{std::move(spec)}}).value();
  }

  Life& Then(Fact fact, std::optional<Instant> at = {}) {
    const Status status = Try(std::move(fact), at);
    EXPECT_TRUE(status.ok()) << status;
    return *this;
  }
  // Applies, or leaves the job untouched.
  Status Try(Fact fact, std::optional<Instant> at = {}) {
    if (at) now_ = *at;
    if (!at) now_ += seconds(1);
    return Apply(job_, {job_.id, job_.last_seq + 1, now_, std::move(fact)});
  }

  // The usual ways to get somewhere.
  Life& Started() {
    const int run = static_cast<int>(job_.runs.size()) + 1;
    StartIssued start;
    start.run = run;
    start.region = "here";
    start.process = job_.in_memory() ? job_.runs.back().process : run;
    start.resume = job_.has_checkpoint && !job_.in_memory();
    return Then(start);
  }
  Life& Runs() { return Started().Then(RunStarted{Run()}); }
  Life& Metered(Duration time, Purpose purpose = Purpose::kWork) {
    const Instant from = job_.runs.back().metered_until;
    now_ = from + time;
    return Then(EnergyMetered{Run(),
                              {from, now_},
                              Watts::Of(100) * time,
                              purpose,
                              EnergySource::kModelled},
                now_);
  }
  Life& Ends(RunEnd end, std::optional<int> exit_code = {}) {
    RunEnded ended;
    ended.run = Run();
    ended.end = end;
    ended.exit_code = exit_code;
    return Then(ended);
  }
  Life& Suspends() {
    return Then(PauseIssued{Run(), 1, "dirty"}).Ends(RunEnd::kSuspended);
  }
  Life& Checkpoints() {
    return Then(PauseIssued{Run(), 1, "dirty"})
        .Ends(RunEnd::kCheckpointed, kCheckpointExitCode);
  }

  int Run() const { return static_cast<int>(job_.runs.size()); }
  const Job* operator->() const { return &job_; }
  const Job& operator*() const { return job_; }

 private:
  Job job_;
  Instant now_ = At(0);
};

// ---- The table
// ----------------------------------------------------------------

struct Place {
  const char* name;
  std::function<Life()> reach;
  std::set<std::string> allowed;
};

const std::vector<Place>& Places() {
  static const std::vector<Place> places = {
      {"waiting",
       [] { return Life(); },
       {"StartIssued", "CancelRequested", "Held", "Released"}},
      {"starting",
       [] {
         Life life;
         life.Started();
         return life;
       },
       {"RunStarted", "RunEnded", "StopIssued", "CancelRequested", "Held",
        "Released"}},
      {"running",
       [] {
         Life life;
         life.Runs();
         return life;
       },
       {"Progressed", "EnergyMetered", "PauseIssued", "RunEnded", "StopIssued",
        "CancelRequested", "Held", "Released"}},
      {"running, asked to pause",
       [] {
         Life life;
         life.Runs().Then(PauseIssued{1, 1, "dirty"});
         return life;
       },
       {"Progressed", "EnergyMetered", "PauseFailed", "RunEnded", "StopIssued",
        "CancelRequested", "Held", "Released"}},
      {"paused on disk",
       [] {
         Life life;
         life.Runs().Checkpoints();
         return life;
       },
       {"StartIssued", "CancelRequested", "Held", "Released"}},
      {"paused in memory",
       [] {
         Life life(Training(PauseMode::kSuspend));
         life.Runs().Suspends();
         return life;
       },
       {"StartIssued", "EnergyMetered", "StopIssued", "RunEnded",
        "CancelRequested", "Held", "Released"}},
      {"done",
       [] {
         Life life;
         life.Runs().Ends(RunEnd::kSucceeded, 0);
         return life;
       },
       {}},
  };
  return places;
}

// One well-formed fact of each kind for this job, so that only the table can
// refuse it.
std::vector<Fact> OneOfEach(const Job& job) {
  const int run = static_cast<int>(job.runs.size());
  StartIssued start;
  start.run = run + 1;
  start.region = "here";
  start.process = job.in_memory() ? job.runs.back().process : run + 1;
  const Instant from = run > 0 ? job.runs.back().metered_until : At(0);
  const EnergyMetered energy{
      run,
      {from, from + seconds(1)},
      WattHours::Of(1),
      job.state == State::kPaused ? Purpose::kIdle : Purpose::kWork,
      EnergySource::kModelled};
  const int attempts = run > 0 ? job.runs.back().pause_attempts : 0;
  RunEnded ended;
  ended.run = run;
  ended.end = RunEnd::kFailed;
  return {Submitted{Training()},
          start,
          RunStarted{run},
          Progressed{run, 0.5, false},
          energy,
          PauseIssued{run, attempts + 1, "dirty"},
          PauseFailed{run, "timeout"},
          ended,
          StopIssued{run, RunEnd::kCancelled},
          CancelRequested{"ann"},
          Held{"ann"},
          Released{"ann"}};
}

TEST(Lifecycle, TheTableAllowsWhatItSaysAndNothingElse) {
  int pairs = 0;
  for (const Place& place : Places()) {
    const size_t kinds = OneOfEach(*place.reach()).size();
    ASSERT_EQ(kinds, std::variant_size_v<Fact>);
    for (size_t i = 0; i < kinds; ++i) {
      Life life = place.reach();
      const Fact fact = OneOfEach(*life)[i];
      ASSERT_EQ(fact.index(), i);
      const int seq = life->last_seq;
      const Status status = life.Try(fact);
      const bool allowed = place.allowed.contains(FactName(fact));
      EXPECT_EQ(status.ok(), allowed)
          << place.name << ": " << FactName(fact) << ": " << status;
      EXPECT_EQ(life->last_seq, allowed ? seq + 1 : seq);
      if (!status.ok()) {
        EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
        EXPECT_NE(Message(status).find(FactName(fact)), std::string::npos);
        EXPECT_NE(Message(status).find("7"), std::string::npos)
            << "the job is not named: " << status;
      }
      ++pairs;
    }
  }
  EXPECT_EQ(pairs, 7 * 12);
}

TEST(Lifecycle, ARefusalLeavesTheJobAlone) {
  for (const Place& place : Places()) {
    Life life = place.reach();
    for (const Fact& fact : OneOfEach(*life)) {
      if (place.allowed.contains(FactName(fact))) continue;
      const Job before = *life;
      ASSERT_FALSE(life.Try(fact).ok());
      EXPECT_EQ(life->state, before.state);
      EXPECT_EQ(life->outcome, before.outcome);
      EXPECT_EQ(life->runs.size(), before.runs.size());
      EXPECT_EQ(life->last_seq, before.last_seq);
      EXPECT_EQ(life->work_done, before.work_done);
      EXPECT_EQ(life->energy, before.energy);
      EXPECT_EQ(life->cancel_requested, before.cancel_requested);
      EXPECT_EQ(life->held, before.held);
    }
  }
}

TEST(Lifecycle, AJobBeginsWithSubmittedAndOnlyOnce) {
  EXPECT_FALSE(ApplyFirst({JobId{1}, 1, At(0), Held{"ann"}}).ok());
  EXPECT_FALSE(ApplyFirst({JobId{1}, 2, At(0), Submitted{Training()}}).ok());
  const Job job =
      ApplyFirst({JobId{1}, 1, At(5), Submitted{Training()}}).value();
  EXPECT_EQ(job.state, State::kWaiting);
  EXPECT_EQ(job.submitted_at, At(5));
  EXPECT_EQ(job.last_seq, 1);
}

TEST(Lifecycle, SequenceNumbersFollowEachOther) {
  Life life;
  for (const int seq : {-1, 0, 1, 3, 100}) {
    Job job = *life;
    EXPECT_FALSE(Apply(job, {JobId{7}, seq, At(1), Held{"ann"}}).ok()) << seq;
  }
  Job job = *life;
  EXPECT_FALSE(Apply(job, {JobId{8}, 2, At(1), Held{"ann"}}).ok())
      << "another job's event";
  EXPECT_TRUE(Apply(job, {JobId{7}, 2, At(1), Held{"ann"}}).ok());
}

// ---- Runs and processes
// -------------------------------------------------------

TEST(Lifecycle, RunNumbersFollowEachOther) {
  Life life;
  StartIssued start{1, "here", 1, {}, false};
  for (const int run : {0, 2, -1}) {
    start.run = start.process = run;
    EXPECT_FALSE(life.Try(start).ok()) << run;
  }
  life.Runs();
  EXPECT_FALSE(life.Try(Progressed{2, 0.1, false}).ok());
  EXPECT_FALSE(life.Try(Progressed{0, 0.1, false}).ok());
  life.Checkpoints();
  start.run = 3;
  start.process = 3;
  EXPECT_FALSE(life.Try(start).ok());
}

TEST(Lifecycle, ANewProcessBearsTheNumberOfItsRun) {
  for (const int process : {0, -1, 2, 9}) {
    Life life;
    EXPECT_FALSE(life.Try(StartIssued{1, "here", process, {}, false}).ok())
        << "process " << process << " for run 1";
  }
}

TEST(Lifecycle, ASuspendedProcessIsContinuedAndNoOther) {
  Life life(Training(PauseMode::kSuspend));
  life.Runs().Suspends();
  EXPECT_FALSE(life.Try(StartIssued{2, "here", 2, {}, false}).ok())
      << "a second process while the first one lives";
  life.Started();
  EXPECT_EQ(life->runs.back().process, 1);
  life.Then(RunStarted{2}).Suspends().Started();
  EXPECT_EQ(life->runs.back().number, 3);
  EXPECT_EQ(life->runs.back().process, 1) << "still the first one's process";
}

TEST(Lifecycle, ASuspendedProcessCannotMoveToAnotherRegion) {
  Life life(Training(PauseMode::kSuspend));
  life.Runs().Suspends();
  EXPECT_FALSE(life.Try(StartIssued{2, "elsewhere", 1, {}, false}).ok());
}

TEST(Lifecycle, AJobMayEndBeforeItsStartWasSeen) {
  Life life;
  life.Started().Ends(RunEnd::kSucceeded, 0);
  EXPECT_EQ(life->state, State::kDone);
  EXPECT_EQ(life->outcome, Outcome::kSucceeded);
}

TEST(Lifecycle, TheInstantsOfARunAreKept) {
  Life life;
  life.Then(StartIssued{1, "here", 1, {{0, 3}, 4}, false}, At(10));
  life.Then(RunStarted{1}, At(12)).Metered(hours(1));
  RunEnded ended{1, RunEnd::kFailed, 3, {}, "oops"};
  life.Then(ended, At(5000));
  const carbond::Run& run = life->runs[0];
  EXPECT_EQ(run.issued_at, At(10));
  EXPECT_EQ(run.started_at, At(12));
  EXPECT_EQ(run.ended_at, At(5000));
  EXPECT_EQ(run.allotment.gpus, (std::vector<int>{0, 3}));
  EXPECT_EQ(run.exit_code, 3);
  EXPECT_EQ(run.detail, "oops");
  EXPECT_EQ(life->started_at, At(12));
  EXPECT_EQ(life->finished_at, At(5000));
  EXPECT_EQ(life->exit_code, 3);
  EXPECT_EQ(life->outcome, Outcome::kFailed);
}

// ---- Pausing
// --------------------------------------------------------------------

TEST(Lifecycle, AnUnpausableJobIsNeverAskedToPause) {
  Life life(Training(PauseMode::kNone));
  life.Runs();
  EXPECT_FALSE(life.Try(PauseIssued{1, 1, "dirty"}).ok());
}

TEST(Lifecycle, AttemptsToPauseAreCountedAndNotDoubled) {
  Life life;
  life.Runs();
  EXPECT_FALSE(life.Try(PauseIssued{1, 2, "dirty"}).ok());
  EXPECT_FALSE(life.Try(PauseIssued{1, 0, "dirty"}).ok());
  life.Then(PauseIssued{1, 1, "dirty"});
  EXPECT_FALSE(life.Try(PauseIssued{1, 2, "dirty"}).ok()) << "one at a time";
  life.Then(PauseFailed{1, "timeout"}, At(100));
  EXPECT_EQ(life->state, State::kRunning);
  EXPECT_EQ(life->runs[0].pause_failed_at, At(100));
  EXPECT_FALSE(life->runs[0].pause_issued_at);
  EXPECT_FALSE(life.Try(PauseFailed{1, "again"}).ok());
  EXPECT_FALSE(life.Try(PauseIssued{1, 1, "dirty"}).ok());
  life.Then(PauseIssued{1, 2, "dirty"});
  EXPECT_EQ(life->runs[0].pause_attempts, 2);
}

TEST(Lifecycle, AttemptsBeginAnewWithEachRun) {
  Life life;
  life.Runs().Checkpoints().Runs().Then(PauseIssued{2, 1, "dirty"});
  EXPECT_EQ(life->runs[1].pause_attempts, 1);
}

TEST(Lifecycle, ACheckpointMayRaceWithTheEndOfTheJob) {
  Life life;
  life.Runs().Then(PauseIssued{1, 1, "dirty"}).Ends(RunEnd::kSucceeded, 0);
  EXPECT_EQ(life->state, State::kDone);
  EXPECT_EQ(life->outcome, Outcome::kSucceeded);
  EXPECT_EQ(life->exit_code, 0);
  EXPECT_FALSE(life->runs[0].pause_issued_at);
  EXPECT_EQ(Pauses(*life), 0);
}

TEST(Lifecycle, AJobMayCheckpointUnasked) {
  Life life;
  life.Runs().Ends(RunEnd::kCheckpointed, kCheckpointExitCode);
  EXPECT_EQ(life->state, State::kPaused);
  EXPECT_TRUE(life->has_checkpoint);
  EXPECT_FALSE(life->occupies());
}

TEST(Lifecycle, ACheckpointedJobFreesItsPlaceASuspendedOneKeepsIt) {
  Life saved;
  saved.Runs().Checkpoints();
  EXPECT_FALSE(saved->in_memory());
  EXPECT_FALSE(saved->occupies());
  Life held_in_memory(Training(PauseMode::kSuspend));
  held_in_memory.Runs().Suspends();
  EXPECT_TRUE(held_in_memory->in_memory());
  EXPECT_TRUE(held_in_memory->occupies());
  EXPECT_FALSE(held_in_memory->has_checkpoint);
}

TEST(Lifecycle, PausesAreCounted) {
  Life life;
  life.Runs().Checkpoints().Runs().Checkpoints().Runs();
  EXPECT_EQ(Pauses(*life), 2);
  life.Ends(RunEnd::kSucceeded, 0);
  EXPECT_EQ(Pauses(*life), 2);
  EXPECT_EQ(life->runs.size(), 3u);
}

TEST(Lifecycle, NothingIsSuspendedThatDoesNotRun) {
  Life life;
  life.Started();
  RunEnded ended;
  ended.run = 1;
  ended.end = RunEnd::kSuspended;
  EXPECT_FALSE(life.Try(ended).ok());
  ended.end = RunEnd::kNone;
  EXPECT_FALSE(life.Try(ended).ok());
}

// ---- Work -------------------------------------------------------------------

// At the last reading, or before the first run.
Duration Left(const Job& job) {
  return RemainingWork(
      job, job.runs.empty() ? job.submitted_at : job.runs.back().metered_until);
}

TEST(Lifecycle, WorkGoesOnBetweenTwoReadings) {
  Life life;
  life.Runs().Metered(minutes(1), Purpose::kRestore).Metered(minutes(30));
  const Instant read = life->runs.back().metered_until;
  EXPECT_EQ(RemainingWork(*life, read), minutes(90));
  EXPECT_EQ(RemainingWork(*life, read + minutes(4)), minutes(86));
}

TEST(Lifecycle, WorkIsTheTimeMeteredAsWork) {
  Life life;
  life.Runs()
      .Metered(minutes(1), Purpose::kRestore)
      .Metered(minutes(30))
      .Metered(minutes(2), Purpose::kCheckpoint);
  EXPECT_EQ(life->work_done, minutes(30));
  EXPECT_EQ(life->work_saved, Duration(0));
  EXPECT_EQ(life->runs[0].work, minutes(30));
  EXPECT_EQ(life->energy, Watts::Of(100) * minutes(1) +
                              Watts::Of(100) * minutes(30) +
                              Watts::Of(100) * minutes(2));
  EXPECT_EQ(Left(*life), minutes(90));
}

TEST(Lifecycle, WhatTheJobReportsCountsMoreThanTheClock) {
  Life life;
  life.Runs().Metered(minutes(30)).Then(Progressed{1, 0.5, false});
  EXPECT_EQ(life->work_done, hours(1)) << "half of two hours";
  life.Metered(minutes(10));
  EXPECT_EQ(life->work_done, minutes(70));
  life.Then(Progressed{1, 0.25, false});
  EXPECT_EQ(life->work_done, minutes(30)) << "slower than was thought";
}

TEST(Lifecycle, AReportBeyondTheWholeIsCutToIt) {
  Life life;
  life.Runs().Then(Progressed{1, 7.0, false});
  EXPECT_EQ(life->work_done, hours(2));
  life.Then(Progressed{1, -3.0, false});
  EXPECT_EQ(life->work_done, Duration(0));
}

TEST(Lifecycle, AReportThatIsNoNumberIsNoFact) {
  Life life;
  life.Runs().Metered(minutes(30));
  life.Try(Progressed{1, std::nan(""), false}).IgnoreError();
  EXPECT_EQ(life->work_done, minutes(30));
}

TEST(Lifecycle, ALifeSignWithoutProgressOnlyMakesReady) {
  Life life;
  life.Runs().Metered(minutes(5));
  EXPECT_FALSE(life->runs[0].ready);
  life.Then(Progressed{1, {}, false});
  EXPECT_TRUE(life->runs[0].ready);
  EXPECT_EQ(life->work_done, minutes(5));
}

TEST(Lifecycle, ACrashLosesWhatWasNotSaved) {
  JobSpec spec = Training();
  spec.retries = 1;
  Life life(spec);
  life.Runs().Metered(minutes(40)).Then(Progressed{1, 0.5, true});
  life.Metered(minutes(20));
  EXPECT_EQ(life->work_done, minutes(80));
  EXPECT_EQ(life->work_saved, minutes(60));
  life.Ends(RunEnd::kFailed, 1);
  EXPECT_EQ(life->state, State::kWaiting);
  EXPECT_EQ(life->work_done, minutes(60));
  EXPECT_TRUE(life->has_checkpoint);
  EXPECT_EQ(Left(*life), minutes(60));
  EXPECT_EQ(life->energy,
            Watts::Of(100) * minutes(40) + Watts::Of(100) * minutes(20))
      << "lost work is energy of the job all the same";
}

TEST(Lifecycle, ACheckpointSavesAllThatWasDone) {
  Life life;
  life.Runs().Metered(minutes(40)).Checkpoints();
  EXPECT_EQ(life->work_saved, minutes(40));
  life.Runs().Metered(minutes(10)).Ends(RunEnd::kLost);
  EXPECT_EQ(life->work_done, minutes(40));
}

TEST(Lifecycle, ASuspensionSavesNothing) {
  JobSpec spec = Training(PauseMode::kSuspend);
  spec.retries = 1;
  Life life(spec);
  life.Runs().Metered(minutes(40)).Suspends();
  EXPECT_EQ(life->work_done, minutes(40));
  EXPECT_EQ(life->work_saved, Duration(0));
  life.Ends(RunEnd::kLost);  // the power went while it was stopped
  EXPECT_EQ(life->state, State::kWaiting);
  EXPECT_EQ(life->work_done, Duration(0));
  EXPECT_FALSE(life->in_memory());
}

TEST(Lifecycle, AJobThatOutlivesItsEstimateHasAlwaysALittleLeft) {
  Life life;
  life.Runs().Metered(hours(5));
  EXPECT_GT(Left(*life), Duration(0));
  EXPECT_LT(Left(*life), minutes(10));
  JobSpec brief = Training();
  brief.duration = Duration(1);
  EXPECT_GT(Left(*Life(brief)), Duration(0));
}

// ---- Energy
// ---------------------------------------------------------------------

TEST(Lifecycle, NoRunEndsBeforeItsLastReading) {
  Life life;
  life.Runs().Metered(minutes(30));
  const Instant read = life->runs.back().metered_until;
  RunEnded ended;
  ended.run = 1;
  ended.end = RunEnd::kSucceeded;
  EXPECT_FALSE(life.Try(ended, read - seconds(1)).ok());
  EXPECT_TRUE(life.Try(ended, read).ok());
}

TEST(Lifecycle, ReadingsFollowEachOtherWithoutGapOrOverlap) {
  Life life;
  life.Runs().Metered(minutes(5));
  const Instant until = life->runs[0].metered_until;
  const auto reading = [](Instant begin, Instant end, double wh) {
    return EnergyMetered{1,
                         {begin, end},
                         WattHours::Of(wh),
                         Purpose::kWork,
                         EnergySource::kModelled};
  };
  EXPECT_FALSE(life.Try(reading(until + seconds(1), until + hours(1), 1)).ok());
  EXPECT_FALSE(life.Try(reading(until - seconds(1), until + hours(1), 1)).ok());
  EXPECT_FALSE(life.Try(reading(until, until - seconds(1), 1)).ok());
  EXPECT_FALSE(life.Try(reading(until, until + hours(1), -1)).ok());
  EXPECT_TRUE(life.Try(reading(until, until + hours(1), 1)).ok());
}

TEST(Lifecycle, ASuspendedJobDrawsIdlePowerAndNothingElse) {
  Life life(Training(PauseMode::kSuspend));
  life.Runs()
      .Metered(minutes(5))
      .Suspends()
      .Metered(minutes(60), Purpose::kIdle);
  const Instant until = life->runs[0].metered_until;
  EXPECT_FALSE(life.Try(EnergyMetered{1,
                                      {until, until + minutes(1)},
                                      WattHours::Of(1),
                                      Purpose::kWork,
                                      EnergySource::kModelled})
                   .ok());
  EXPECT_EQ(life->work_done, minutes(5));
}

// ---- Cancelling
// -------------------------------------------------------------------

TEST(Lifecycle, CancellingWhatDoesNotRunEndsItAtOnce) {
  Life waiting;
  waiting.Then(CancelRequested{"ann"});
  EXPECT_EQ(waiting->state, State::kDone);
  EXPECT_EQ(waiting->outcome, Outcome::kCancelled);
  EXPECT_TRUE(waiting->finished_at);
  Life saved;
  saved.Runs().Checkpoints().Then(CancelRequested{"ann"});
  EXPECT_EQ(saved->state, State::kDone);
  EXPECT_EQ(saved->outcome, Outcome::kCancelled);
}

TEST(Lifecycle, CancellingWhatRunsIsAWishUntilItHasEnded) {
  for (const bool started : {false, true}) {
    Life life;
    life.Started();
    if (started) life.Then(RunStarted{1});
    life.Then(CancelRequested{"ann"});
    EXPECT_NE(life->state, State::kDone);
    EXPECT_TRUE(life->cancel_requested);
    life.Then(StopIssued{1, RunEnd::kCancelled});
    EXPECT_EQ(life->runs[0].stop_why, RunEnd::kCancelled);
    life.Ends(RunEnd::kCancelled);
    EXPECT_EQ(life->state, State::kDone);
    EXPECT_EQ(life->outcome, Outcome::kCancelled);
  }
}

TEST(Lifecycle, CancellingWhatIsStoppedInMemoryWaitsForTheProcess) {
  Life life(Training(PauseMode::kSuspend));
  life.Runs().Suspends().Then(CancelRequested{"ann"});
  EXPECT_EQ(life->state, State::kPaused);
  life.Then(StopIssued{1, RunEnd::kCancelled}).Ends(RunEnd::kCancelled);
  EXPECT_EQ(life->outcome, Outcome::kCancelled);
}

TEST(Lifecycle, ACancelMayRaceWithEveryEnd) {
  const std::pair<RunEnd, Outcome> ends[] = {
      {RunEnd::kSucceeded, Outcome::kSucceeded},
      {RunEnd::kFailed, Outcome::kCancelled},
      {RunEnd::kCheckpointed, Outcome::kCancelled},
      {RunEnd::kLost, Outcome::kCancelled},
      {RunEnd::kNotStarted, Outcome::kCancelled}};
  for (const auto& [end, outcome] : ends) {
    JobSpec spec = Training();
    spec.retries = 5;
    Life life(spec);
    life.Runs().Then(CancelRequested{"ann"}).Ends(end);
    EXPECT_EQ(life->state, State::kDone) << Name(end);
    EXPECT_EQ(life->outcome, outcome) << Name(end);
  }
}

TEST(Lifecycle, ARunIsStoppedOnlyForAReason) {
  Life life;
  life.Runs();
  for (const RunEnd why : {RunEnd::kNone, RunEnd::kSucceeded, RunEnd::kLost,
                           RunEnd::kSuspended, RunEnd::kFailed}) {
    EXPECT_FALSE(life.Try(StopIssued{1, why}).ok()) << Name(why);
  }
  life.Then(StopIssued{1, RunEnd::kTimeLimit}).Ends(RunEnd::kTimeLimit);
  EXPECT_EQ(life->outcome, Outcome::kFailed);
  EXPECT_EQ(life->runs[0].end, RunEnd::kTimeLimit);
}

TEST(Lifecycle, ATimeLimitIsNotRetried) {
  JobSpec spec = Training();
  spec.retries = 3;
  Life life(spec);
  life.Runs().Then(StopIssued{1, RunEnd::kTimeLimit}).Ends(RunEnd::kTimeLimit);
  EXPECT_EQ(life->state, State::kDone);
}

// ---- Retries
// ----------------------------------------------------------------------

TEST(Lifecycle, AFailedRunIsTriedAgainAsOftenAsAllowed) {
  for (const RunEnd end :
       {RunEnd::kFailed, RunEnd::kLost, RunEnd::kNotStarted}) {
    JobSpec spec = Training();
    spec.retries = 2;
    Life life(spec);
    for (int attempt = 1; attempt <= 2; ++attempt) {
      life.Started().Ends(end, 1);
      EXPECT_EQ(life->state, State::kWaiting) << Name(end);
      EXPECT_EQ(life->failures, attempt);
    }
    life.Started().Ends(end, 1);
    EXPECT_EQ(life->state, State::kDone) << Name(end);
    EXPECT_EQ(life->outcome,
              end == RunEnd::kLost ? Outcome::kLost : Outcome::kFailed);
    EXPECT_EQ(life->runs.size(), 3u);
  }
}

TEST(Lifecycle, ACheckpointIsNoFailure) {
  Life life;
  life.Runs().Checkpoints().Runs().Checkpoints();
  EXPECT_EQ(life->failures, 0);
  EXPECT_EQ(life->state, State::kPaused);
}

// ---- Holding
// ----------------------------------------------------------------------

TEST(Lifecycle, HoldingIsAWishThatChangesNoState) {
  for (const Place& place : Places()) {
    Life life = place.reach();
    if (life->state == State::kDone) continue;
    const State state = life->state;
    life.Then(Held{"ann"});
    EXPECT_TRUE(life->held) << place.name;
    EXPECT_EQ(life->state, state) << place.name;
    life.Then(Held{"ann"}).Then(Released{"ann"});
    EXPECT_FALSE(life->held) << place.name;
    EXPECT_EQ(life->state, state) << place.name;
  }
}

// ---- Names
// ------------------------------------------------------------------------

TEST(Lifecycle, NamesSurviveBeingReadBack) {
  for (const State s : {State::kWaiting, State::kStarting, State::kRunning,
                        State::kPaused, State::kDone}) {
    EXPECT_EQ(ParseState(Name(s)).value(), s);
  }
  for (const Outcome o : {Outcome::kNone, Outcome::kSucceeded, Outcome::kFailed,
                          Outcome::kCancelled, Outcome::kLost}) {
    EXPECT_EQ(ParseOutcome(Name(o)).value(), o);
  }
  for (int i = 0; i <= static_cast<int>(RunEnd::kLost); ++i) {
    const auto end = static_cast<RunEnd>(i);
    EXPECT_EQ(ParseRunEnd(Name(end)).value(), end);
  }
  for (int i = 0; i <= static_cast<int>(Purpose::kIdle); ++i) {
    const auto purpose = static_cast<Purpose>(i);
    EXPECT_EQ(ParsePurpose(Name(purpose)).value(), purpose);
  }
  for (const EnergySource s : {EnergySource::kModelled, EnergySource::kMeasured,
                               EnergySource::kMixed}) {
    EXPECT_EQ(ParseEnergySource(Name(s)).value(), s);
  }
  EXPECT_FALSE(ParseState("dreaming").ok());
  EXPECT_FALSE(ParseOutcome("").ok());
  EXPECT_FALSE(ParseRunEnd("Succeeded").ok());
  EXPECT_FALSE(ParsePurpose("fun").ok());
  EXPECT_FALSE(ParseEnergySource("guessed").ok());
}

}  // namespace
}  // namespace carbond
