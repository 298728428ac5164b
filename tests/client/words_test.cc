#include "client/words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/happenings.h"
#include "client/names.h"
#include "client/request_id.h"
#include "tests/client/world.h"

namespace carbond::client {
namespace {

TEST(Words, SayWhatASubmissionWillDo) {
  EXPECT_EQ(SubmitLine(WaitingJob(), Berlin()),
            "job 17: starts in here at 13:00 +01:00 (in 3h), done by 15:00 "
            "+01:00; 412 g, 32 % less than running at once (604 g); waits for "
            "cleaner hours");
}

TEST(Words, SayThatAJobStartsNow) {
  v1::Job job = WaitingJob();
  v1::Plan* plan = job.mutable_plan();
  *plan->mutable_intervals(0)->mutable_begin() = plan->made_at();
  plan->set_expected_g(604);
  plan->set_expected_saving_fraction(0);
  plan->set_reason("no_gain");
  EXPECT_EQ(SubmitLine(job, Berlin()),
            "job 17: starts now in here, done by 15:00 +01:00; 604 g, the same "
            "as running at once; waiting would not save enough");
}

TEST(Words, ShowNegativeSavingsAsTheyAre) {
  v1::Plan plan = MiddayPlan();
  plan.set_expected_g(622);
  plan.set_expected_saving_fraction(-0.03);
  EXPECT_EQ(SavingPhrase(plan), "costs 3 % more than running at once (604 g)");
  v1::Emissions emissions;
  emissions.set_saved_g(-18);
  emissions.set_saved_fraction(-0.03);
  EXPECT_EQ(SavedPhrase(emissions), "cost 18.0 g (3 %) more");
  v1::Job job = FinishedJob();
  *job.mutable_emissions() = emissions;
  EXPECT_EQ(SavedCell(job), "-3 %");
}

TEST(Words, LeaveOutWhatIsNotKnown) {
  v1::Plan plan = MiddayPlan();
  plan.clear_expected_g();
  plan.clear_baseline_g();
  plan.clear_run_now_g();
  plan.clear_expected_saving_fraction();
  plan.set_reason("no_forecast");
  EXPECT_EQ(PlanSentence(plan, Berlin()),
            "starts in here at 13:00 +01:00 (in 3h), done by 15:00 +01:00; no "
            "forecast is known: the declared fallback applies");
  EXPECT_EQ(SavedPhrase(v1::Emissions()), "");
}

TEST(Words, SayHowFarOffAForecastUsuallyIs) {
  v1::Forecast forecast =
      NovemberDay();  // 10:00 is its now, at its second hour
  EXPECT_EQ(SpreadPhrase(forecast),
            "not known yet: it is learnt as expected hours come");
  for (int i = 1; i < 12; ++i) {
    forecast.mutable_points(i)->set_spread_g_per_kwh(4.26 * i);
  }
  EXPECT_EQ(SpreadPhrase(forecast),
            "usually within 8.5 g/kWh in 1 h, 30 g/kWh in 6 h");
}

TEST(Words, CompareWithStartingNowWhereThereIsNoBaseline) {
  v1::Plan plan = MiddayPlan();
  plan.clear_baseline_g();
  plan.clear_expected_saving_fraction();
  plan.set_run_now_g(824.8);
  EXPECT_EQ(SavingPhrase(plan), "50 % less than running at once (825 g)");
}

TEST(Words, SpeakOfPartsAndOfBeingLate) {
  v1::Plan plan = MiddayPlan();
  v1::PlannedRun* second = plan.add_intervals();
  Set(second->mutable_begin(), "2026-11-22T12:00:00Z");
  Set(second->mutable_end(), "2026-11-22T13:00:00Z");
  Set(plan.mutable_finish_at(), "2026-11-22T13:00:00Z");
  plan.set_late(true);
  EXPECT_EQ(PlanSentence(plan, Berlin()),
            "starts in here at 13:00 +01:00 (in 3h), runs in 2 parts, done by "
            "Sun 22 Nov 14:00 +01:00, which is after its deadline; 412 g, 32 % "
            "less than running at once (604 g); waits for cleaner hours");
}

TEST(Words, SayWhereALimitCannotBeHeld) {
  v1::Job job = WaitingJob();
  job.mutable_plan()->set_why(
      "waiting for cleaner hours until 2026-11-21T12:00:00Z, saves 192 g (32 "
      "%); its deadline forces 1h above its maximum of 250 g/kWh");
  EXPECT_THAT(SubmitLine(job, Berlin()),
              testing::EndsWith("; waits for cleaner hours; its deadline "
                                "forces 1h above its maximum of 250 g/kWh"));
}

TEST(Words, TakeTheDaemonsSentenceForAReasonTheyDoNotKnow) {
  v1::Plan plan = MiddayPlan();
  plan.set_reason("moon");
  plan.set_why("the moon is full until 2026-11-21T12:00:00Z");
  EXPECT_TRUE(PlanSentence(plan, Berlin())
                  .ends_with("; the moon is full until 13:00 +01:00"));
  plan.clear_intervals();
  EXPECT_EQ(PlanSentence(plan, Berlin()),
            "has no plan: the moon is full until 13:00 +01:00");
}

TEST(Words, SayWhereThePlanIsWhenItIsNotMadeYet) {
  v1::Job job = WaitingJob();
  job.clear_plan();
  EXPECT_EQ(SubmitLine(job, Berlin()),
            "job 17: accepted, not planned yet: see carbonctl show 17");
  job.set_state(v1::JOB_STATE_RUNNING);
  EXPECT_EQ(SubmitLine(job, Berlin()), "job 17: running in here");
}

TEST(Words, MarkADemonstrationsClock) {
  EXPECT_EQ(ClockNote(1440), "demonstration clock, 1440x");
  EXPECT_EQ(ClockNote(1.5), "demonstration clock, 1.50x");
  EXPECT_EQ(ClockNote(1), "");
  EXPECT_EQ(ClockNote(0), "");  // not set
  v1::Job job = WaitingJob();
  job.set_clock_speed(60);
  EXPECT_TRUE(
      SubmitLine(job, Berlin()).ends_with(" (demonstration clock, 60x)"));
}

TEST(Words, TellHowAJobEnded) {
  v1::Job job = FinishedJob();
  EXPECT_EQ(OutcomePhrase(job), "succeeded");
  job.set_outcome(v1::OUTCOME_FAILED);
  job.set_exit_code(3);
  EXPECT_EQ(OutcomePhrase(job), "failed with exit code 3");
  job.mutable_runs(1)->set_signal(9);
  EXPECT_EQ(OutcomePhrase(job), "failed by signal 9");
  job.mutable_runs(1)->set_end("time_limit");
  job.mutable_runs(1)->set_detail("out\nof time");
  EXPECT_EQ(OutcomePhrase(job),
            "failed by signal 9 at its time limit: out of time");
  job.set_outcome(v1::OUTCOME_LOST);
  EXPECT_EQ(OutcomePhrase(job), "lost");
}

TEST(Words, SayInACellWhenAndWhy) {
  v1::Job job = WaitingJob();
  EXPECT_EQ(WhenAndWhy(job, Berlin()),
            "starts 2026-11-21 13:00, waits for cleaner hours");
  EXPECT_EQ(SavedCell(job), "~32 %");
  job.set_held(true);
  job.set_wait_reason("held");
  EXPECT_EQ(WhenAndWhy(job, Berlin()), "held until it is resumed");
  job.set_held(false);
  job.set_state(v1::JOB_STATE_RUNNING);
  EXPECT_EQ(WhenAndWhy(job, Berlin()), "until 2026-11-21 15:00");
  EXPECT_EQ(WhenAndWhy(FinishedJob(), Berlin()), "succeeded 2026-11-21 17:00");
}

TEST(Names, AreTheWordsOfTheContract) {
  EXPECT_EQ(Name(v1::JOB_STATE_WAITING), "waiting");
  EXPECT_EQ(Name(v1::OUTCOME_UNSPECIFIED), "");
  EXPECT_EQ(Name(v1::FORECAST_MODE_CLIMATOLOGY), "climatology");
  EXPECT_EQ(Name(v1::ENERGY_SOURCE_MIXED), "mixed");
  EXPECT_EQ(Name(v1::PAUSE_MODE_UNSPECIFIED), "none");
  EXPECT_EQ(Name(static_cast<v1::JobState>(99)), "unknown");
  EXPECT_EQ(*ParseState("paused"), v1::JOB_STATE_PAUSED);
  EXPECT_FALSE(ParseState("").ok());
  EXPECT_FALSE(ParseState("Paused").ok());
}

TEST(Names, FindTheWordThatWasMeant) {
  const std::vector<std::string> known = {"list", "show", "submit", "wait"};
  EXPECT_EQ(NearestWord("lst", known), "list");
  EXPECT_EQ(NearestWord("sumbit", known), "submit");
  EXPECT_EQ(NearestWord("frobnicate", known), "");
  EXPECT_EQ(NearestWord("", known), "");
  EXPECT_EQ(NearestWord("lsit", known), "list") << "two letters swapped";
}

TEST(Names, FindNothingThatIsFarAway) {
  const std::vector<std::string> known = {"list", "show", "wait", "--cpus",
                                          "--env"};
  for (const char* word : {"stop", "last_", "--foo", "--cars", "x", "hold"}) {
    EXPECT_EQ(NearestWord(word, known), "") << word;
  }
  EXPECT_EQ(NearestWord("--cpu", known), "--cpus");
}

TEST(RequestId, IsOrderedByTime) {
  const absl::Time t = At("2026-11-21T09:00:00Z");
  EXPECT_EQ(MakeRequestId(t, 0, 0), "01a1fd55-7a80-7000-8000-000000000000");
  EXPECT_EQ(MakeRequestId(t, ~uint64_t{0}, ~uint64_t{0}),
            "01a1fd55-7a80-7fff-bfff-ffffffffffff");
  EXPECT_LT(MakeRequestId(t, ~uint64_t{0}, 1),
            MakeRequestId(t + absl::Milliseconds(1), 0, 0));
}

std::string Happening(const v1::Job& job, const std::string& event) {
  v1::WatchJobsResponse happening;
  *happening.mutable_job() = job;
  happening.set_event(event);
  if (!event.empty()) Set(happening.mutable_at(), "2026-11-21T13:30:05Z");
  return HappeningLine(happening, Berlin());
}

TEST(Happenings, AreALineEach) {
  v1::Job job = WaitingJob();
  EXPECT_EQ(Happening(job, "Submitted"),
            "2026-11-21 14:30:05 +01:00  job 17 train: submitted; starts 13:00 "
            "+01:00: waits for cleaner hours\n");
  job = FinishedJob();
  EXPECT_EQ(Happening(job, "RunEnded"),
            "2026-11-21 14:30:05 +01:00  job 17 train: succeeded; 720 Wh, 412 "
            "g, saved 192 g (32 %)\n");
  job.set_state(v1::JOB_STATE_RUNNING);
  EXPECT_EQ(
      Happening(job, "RunStarted"),
      "2026-11-21 14:30:05 +01:00  job 17 train: run 2 in here started\n");
  job.set_state(v1::JOB_STATE_PAUSED);
  job.mutable_runs()->RemoveLast();
  EXPECT_EQ(Happening(job, "RunEnded"),
            "2026-11-21 14:30:05 +01:00  job 17 train: run 1 in here "
            "checkpointed\n");
  EXPECT_EQ(Happening(job, "EnergyMetered"), "");
}

TEST(Happenings, BeginWithHowAJobStands) {
  EXPECT_EQ(Happening(WaitingJob(), ""),
            "job 17 train: waiting; starts 21 Nov 2026 13:00 +01:00: waits for "
            "cleaner hours\n");
}

TEST(Happenings, NameAnEventTheyDoNotKnow) {
  EXPECT_EQ(Happening(FinishedJob(), "Migrated"),
            "2026-11-21 14:30:05 +01:00  job 17 train: Migrated: succeeded; "
            "720 Wh, 412 g, saved 192 g (32 %)\n");
}

}  // namespace
}  // namespace carbond::client
