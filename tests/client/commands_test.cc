// The commands for real, against a carbond in memory on a unix socket.

#include "client/commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/client/fake_carbond.h"
#include "tests/client/world.h"

namespace carbond::client {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;
using Json = nlohmann::json;

class Commands : public testing::Test {
 protected:
  Commands() { carbond_.set_forecast(NovemberDay()); }

  void Start() { carbond_.Start(address_); }

  Session Here(bool json = false) {
    if (channel_ == nullptr) channel_ = *Channel::Open(address_);
    Session session{*channel_, console_, kPlainUnicode,
                    Morning(), json,     {"ada", folder_.path()}};
    return session;
  }

  SubmitOptions Job(
      const std::vector<std::pair<std::string, std::string>>& flags) {
    SubmitOptions options;
    options.request_id = "r1";
    for (const auto& [name, value] : flags) {
      options.words.said.push_back({FindJobField(name), {value}, 0});
    }
    options.words.command = {"python3", "train.py"};
    return options;
  }

  SubmitOptions File(const std::string& yaml) {
    std::ofstream(folder_.path() + "/job.yaml") << yaml;
    SubmitOptions options;
    options.request_id = "r1";
    options.file = folder_.path() + "/job.yaml";
    return options;
  }

  TemporaryFolder folder_;
  std::string address_ = "unix:" + folder_.path() + "/carbond.sock";
  FakeCarbond carbond_;
  std::unique_ptr<Channel> channel_;
  StringConsole console_;
};

// ---- submit and plan -------------------------------------------------------

TEST_F(Commands, SubmitPrintsTheIdAndWhatWillHappen) {
  carbond_.set_plan_of_new_jobs(MiddayPlan());
  Start();
  Session session = Here();
  EXPECT_EQ(Submit(session, Job({{"duration", "2h"}})), kDone);
  EXPECT_EQ(console_.out, "1\n");
  EXPECT_EQ(console_.err,
            "job 1: starts in here at 13:00 +01:00 (in 3h), done by 15:00 "
            "+01:00; 412 g, 32 % less than running at once (604 g); waits for "
            "cleaner hours\n");
  ASSERT_EQ(carbond_.submits().size(), 1u);
  const v1::SubmitJobsRequest request = carbond_.submits()[0];
  EXPECT_EQ(request.request_id(), "r1");
  EXPECT_EQ(request.jobs(0).user(), "ada");
  EXPECT_EQ(request.jobs(0).workdir(), folder_.path());
  EXPECT_EQ(request.jobs(0).command(1), "train.py");
}

TEST_F(Commands, SubmitWaitsForThePlanToBeMade) {
  Start();
  std::thread planner([&] {
    while (carbond_.lookups() < 3) std::this_thread::yield();
    carbond_.Put(WaitingJob("1"));
  });
  Session session = Here();
  EXPECT_EQ(Submit(session, Job({{"duration", "2h"}})), kDone);
  planner.join();
  EXPECT_EQ(console_.out, "1\n");
  EXPECT_THAT(console_.err, StartsWith("job 1: starts in here at 13:00"));
}

TEST_F(Commands, SubmitSucceedsThoughNothingIsKnownOfThePlan) {
  Start();
  carbond_.Refuse("GetJob", {grpc::StatusCode::INTERNAL, "no such table"});
  Session session = Here();
  EXPECT_EQ(Submit(session, Job({{"duration", "2h"}})), kDone);
  EXPECT_EQ(console_.out, "1\n");
  EXPECT_EQ(console_.err,
            "job 1: accepted, not planned yet: see carbonctl show 1\n");
}

TEST_F(Commands, SubmitTriesAgainWithTheSameRequestId) {
  carbond_.set_plan_of_new_jobs(MiddayPlan());
  carbond_.LoseAnswers(2);
  Start();
  Session session = Here();
  EXPECT_EQ(Submit(session, Job({{"duration", "2h"}})), kDone);
  // One job, though it was sent three times.
  EXPECT_EQ(console_.out, "1\n");
  ASSERT_EQ(carbond_.submits().size(), 3u);
  for (const auto& request : carbond_.submits()) {
    EXPECT_EQ(request.request_id(), "r1");
  }
  EXPECT_THAT(console_.err, EndsWith("; it was submitted before\n"));
}

TEST_F(Commands, SubmitGivesUpAfterThreeTriesAndSaysHowToBeSure) {
  carbond_.LoseAnswers(99);
  Start();
  Session session = Here();
  EXPECT_EQ(Submit(session, Job({{"duration", "2h"}})), kRefused);
  EXPECT_EQ(carbond_.submits().size(), 3u);
  EXPECT_EQ(console_.out, "");
  EXPECT_EQ(console_.err,
            "carbonctl: carbond at " + address_ +
                " is not available: Socket closed; whether the job was taken "
                "is not known: submit it again with --request-id r1\n");
}

TEST_F(Commands, SubmitTakesUpADaemonThatComesBack) {
  carbond_.set_plan_of_new_jobs(MiddayPlan());
  Session session = Here();
  std::thread daemon([&] {
    // The client is in its first pauses by now, or has not begun: both do.
    Start();
  });
  EXPECT_EQ(Submit(session, Job({{"duration", "2h"}})), kDone);
  daemon.join();
  EXPECT_EQ(console_.out, "1\n");
}

TEST_F(Commands, SubmitToNobodySaysSo) {
  Session session = Here();
  EXPECT_EQ(Submit(session, Job({{"duration", "2h"}})), kRefused);
  EXPECT_EQ(console_.err,
            "carbonctl: no carbond at " + address_ +
                ": is it running? start it with carbond --config carbond.yaml, "
                "or name another with --address\n");
}

TEST_F(Commands, SubmitHandsOnTheDaemonsRefusal) {
  carbond_.Refuse("SubmitJobs",
                  {grpc::StatusCode::INVALID_ARGUMENT,
                   "deadline 08:00 is before\nearliest start 09:30"});
  Start();
  Session session = Here();
  EXPECT_EQ(Submit(session, Job({{"duration", "2h"}})), kRefused);
  EXPECT_EQ(console_.err,
            "carbonctl: deadline 08:00 is before earliest start 09:30\n");
  EXPECT_EQ(carbond_.submits().size(), 1u);
}

TEST_F(Commands, SubmitTellsMisuseWithoutAskingTheDaemon) {
  Session session = Here();  // no daemon is there
  EXPECT_EQ(Submit(session, Job({{"duration", "2"}})), kMisused);
  EXPECT_EQ(console_.err,
            "carbonctl: --duration: duration `2` has no unit: write 2s, 2m or "
            "2h\n");
}

TEST_F(Commands, SubmitMeansTheDaemonsClock) {
  // A demonstration's clock is two days ahead of this machine's.
  v1::Forecast forecast = NovemberDay();
  Set(forecast.mutable_now(), "2026-11-23T09:00:00Z");
  carbond_.set_forecast(forecast);
  carbond_.set_plan_of_new_jobs(MiddayPlan());
  Start();
  Session session = Here();
  EXPECT_EQ(Submit(session, Job({{"duration", "2h"},
                                 {"deadline", "24h"},
                                 {"earliest", "11:00"}})),
            kDone);
  const v1::JobSpec spec = carbond_.submits()[0].jobs(0);
  EXPECT_EQ(FormatUtc(FromProto(spec.deadline())), "2026-11-24T09:00:00Z");
  EXPECT_EQ(FormatUtc(FromProto(spec.earliest())), "2026-11-23T10:00:00Z");
}

TEST_F(Commands, SubmitUsesItsOwnClockIfTheDaemonTellsNone) {
  carbond_.Refuse("GetForecast", {grpc::StatusCode::NOT_FOUND, "no region"});
  carbond_.set_plan_of_new_jobs(MiddayPlan());
  Start();
  Session session = Here();
  EXPECT_EQ(Submit(session, Job({{"duration", "2h"}, {"deadline", "24h"}})),
            kDone);
  EXPECT_EQ(FormatUtc(FromProto(carbond_.submits()[0].jobs(0).deadline())),
            "2026-11-22T09:00:00Z");
}

TEST_F(Commands, SubmitTakesAFileOfManyJobsInOneRequest) {
  carbond_.set_plan_of_new_jobs(MiddayPlan());
  Start();
  Session session = Here();
  EXPECT_EQ(Submit(session, File("- {duration: 1h, command: a}\n"
                                 "- {duration: 2h, command: b}\n")),
            kDone);
  EXPECT_EQ(console_.out, "1\n2\n");
  ASSERT_EQ(carbond_.submits().size(), 1u);
  EXPECT_EQ(carbond_.submits()[0].jobs_size(), 2);
}

TEST_F(Commands, SubmitSumsUpWhereJobsAreMany) {
  Start();
  std::string yaml;
  for (int i = 0; i < 50; ++i) yaml += "- {duration: 1h, command: a}\n";
  Session session = Here();
  EXPECT_EQ(Submit(session, File(yaml)), kDone);
  EXPECT_EQ(console_.err,
            "50 jobs are accepted, 1 to 50: see carbonctl list\n");
}

TEST_F(Commands, SubmitRefusesFlagsBesideAListOfJobs) {
  Session session = Here();
  SubmitOptions options =
      File("- {duration: 1h, command: a}\n- {duration: 2h, command: b}\n");
  options.words = Job({{"gpus", "1"}}).words;
  EXPECT_EQ(Submit(session, options), kMisused);
  EXPECT_THAT(console_.err, HasSubstr("holds 2 jobs: flags and a command"));
}

TEST_F(Commands, SubmitNamesFileAndLineOfAMistake) {
  Session session = Here();
  EXPECT_EQ(Submit(session, File("command: a\nduration: 1 hour\n")), kMisused);
  EXPECT_EQ(console_.err, "carbonctl: " + folder_.path() +
                              "/job.yaml: line 2: duration: duration `1 hour` "
                              "is not understood: write 90s, 5m, 2h, 3d or "
                              "1h30m\n");
}

TEST_F(Commands, SubmitPrintsTheJobAsJson) {
  carbond_.set_plan_of_new_jobs(MiddayPlan());
  Start();
  Session session = Here(true);
  EXPECT_EQ(Submit(session, Job({{"duration", "2h"}})), kDone);
  const Json job = Json::parse(console_.out);
  EXPECT_EQ(job["id"], "1");
  EXPECT_EQ(job["plan"]["region"], "here");
}

TEST_F(Commands, PlanShowsSentenceAlternativesAndPicture) {
  v1::PlanJobResponse planned;
  *planned.mutable_plan() = MiddayPlan();
  *planned.mutable_intensity() = NovemberDay();
  planned.mutable_intensity()->set_clock_speed(1440);
  carbond_.set_plan(planned);
  Start();
  Session session = Here();
  EXPECT_EQ(Plan(session, Job({{"duration", "2h"}})), kDone);
  EXPECT_THAT(console_.out, StartsWith("Starts in here at 13:00 +01:00"));
  EXPECT_THAT(console_.out,
              HasSubstr("waits until 13:00 +01:00 for cleaner hours\n"));
  EXPECT_THAT(console_.out, HasSubstr("▶  here    2026-11-21 13:00     412 g"));
  EXPECT_THAT(console_.out, HasSubstr("   there   2026-11-22 01:00   unknown"));
  EXPECT_THAT(console_.out, HasSubstr("░ planned"));
  EXPECT_THAT(console_.out, EndsWith("demonstration clock, 1440x\n"));
  EXPECT_TRUE(carbond_.submits().empty());
  EXPECT_EQ(carbond_.last_plan().job().duration().seconds(), 7200);
}

TEST_F(Commands, PlanPrintsTheContractsFields) {
  v1::PlanJobResponse planned;
  *planned.mutable_plan() = MiddayPlan();
  *planned.mutable_intensity() = NovemberDay();
  carbond_.set_plan(planned);
  Start();
  Session session = Here(true);
  EXPECT_EQ(Plan(session, Job({{"duration", "2h"}})), kDone);
  const Json plan = Json::parse(console_.out);
  EXPECT_EQ(plan["expected_saving"], 0.317);
  EXPECT_EQ(plan["signal"], "average");
  EXPECT_EQ(plan["clock_speed"], 1);
}

// ---- reading ---------------------------------------------------------------

TEST_F(Commands, ListShowsJobsNewestFirst) {
  carbond_.Put(FinishedJob("17"));
  carbond_.Put(WaitingJob("18"));
  Start();
  Session session = Here();
  EXPECT_EQ(List(session, {}), kDone);
  EXPECT_EQ("\n" + console_.out, R"(
ID  NAME   STATE    REGION  WHEN/WHY                                          DEADLINE          SAVED
18  train  waiting  here    starts 2026-11-21 13:00, waits for cleaner hours  2026-11-21 21:00  ~32 %
17  train  done     here    succeeded 2026-11-21 17:00                        2026-11-21 21:00   32 %
times are UTC+01:00; ~ marks what is expected
)");
}

TEST_F(Commands, ListOfNothingIsEmpty) {
  Start();
  Session session = Here();
  EXPECT_EQ(List(session, {}), kDone);
  EXPECT_EQ(console_.out, "no jobs\n");
  console_.out.clear();
  Session json = Here(true);
  EXPECT_EQ(List(json, {}), kDone);
  EXPECT_EQ(console_.out, "[]\n");
}

TEST_F(Commands, ListFetchesPagesUpToItsLimit) {
  for (int i = 1; i <= 1500; ++i) carbond_.Put(WaitingJob(std::to_string(i)));
  Start();
  Session session = Here(true);
  EXPECT_EQ(List(session, {.limit = 1100}), kDone);
  const Json jobs = Json::parse(console_.out);
  ASSERT_EQ(jobs.size(), 1100u);
  EXPECT_EQ(jobs[0]["id"], "1500");
  EXPECT_EQ(jobs[1099]["id"], "401");
  EXPECT_EQ(carbond_.lists().size(), 2u);
  EXPECT_EQ(console_.err,
            "carbonctl: there are older jobs than these 1100: --all shows "
            "them\n");
  console_.out.clear();
  EXPECT_EQ(List(session, {.all = true}), kDone);
  EXPECT_EQ(Json::parse(console_.out).size(), 1500u);
}

TEST_F(Commands, ListFilters) {
  carbond_.Put(FinishedJob("17"));
  carbond_.Put(WaitingJob("18"));
  Start();
  Session session = Here(true);
  EXPECT_EQ(List(session, {.states = {"done", "paused"},
                           .user = "ada",
                           .project = "vision",
                           .region = "here",
                           .name = "train",
                           .live = false}),
            kDone);
  EXPECT_EQ(Json::parse(console_.out).size(), 1u);
  EXPECT_EQ(List(session, {.states = {"sleeping"}}), kMisused);
  EXPECT_EQ(console_.err,
            "carbonctl: --state: `sleeping` is not one of waiting, starting, "
            "running, paused, done\n");
}

TEST_F(Commands, ShowPaintsTheWholeJob) {
  v1::Job job = FinishedJob();
  job.set_clock_speed(1440);
  carbond_.Put(job);
  Start();
  Session session = Here();
  EXPECT_EQ(Show(session, "17"), kDone);
  for (const char* part :
       {"job 17 train\n", "  state      succeeded, progress 100 %\n",
        "  command    python3 train.py --note 'it'\\''s new'\n",
        "  needs      2h, 1 GPU, 4 cores, 300 W, pause by checkpoint\n",
        "  energy     720 Wh, modelled\n",
        "  emissions  412 g emitted, 604 g at once: saved 192 g (32 %)\n",
        "  signal     average, from recorded, provisional\n",
        "    2  here    2026-11-21 16:30  2026-11-21 17:00     30m  succeeded",
        "· paused", "demonstration clock, 1440x\n"}) {
    EXPECT_THAT(console_.out, HasSubstr(part));
  }
}

TEST_F(Commands, ShowSaysInASentenceWhyAJobWaits) {
  carbond_.Put(WaitingJob());
  Start();
  Session session = Here();
  EXPECT_EQ(Show(session, "17"), kDone);
  EXPECT_THAT(console_.out,
              HasSubstr("  why        waits until 13:00 +01:00 for cleaner "
                        "hours: saves 32 %\n"));
  EXPECT_THAT(console_.out,
              HasSubstr("  plan       13:00 to 15:00 +01:00 in here; 412 g, 32 "
                        "% less than running at once (604 g)\n"));
}

TEST_F(Commands, ShowOfAnUnknownJobIsRefused) {
  Start();
  Session session = Here();
  EXPECT_EQ(Show(session, "99"), kRefused);
  EXPECT_EQ(console_.err, "carbonctl: job `99` does not exist\n");
}

TEST_F(Commands, ActsNameTheOneWhoAsks) {
  carbond_.Put(WaitingJob());
  Start();
  Session session = Here();
  EXPECT_EQ(Pause(session, "17"), kDone);
  EXPECT_EQ(carbond_.last_act(), "pause 17 by ada");
  EXPECT_EQ(Resume(session, "17"), kDone);
  EXPECT_EQ(carbond_.last_act(), "resume 17 by ada");
  EXPECT_EQ(Cancel(session, "17"), kDone);
  EXPECT_EQ(console_.out,
            "job 17 train: held, now waiting\n"
            "job 17 train: released, now waiting\n"
            "job 17 train: cancel asked for, now cancelled\n");
  EXPECT_EQ(Cancel(session, "17"), kRefused);
  EXPECT_EQ(console_.err, "carbonctl: job 17 is done: it cannot be changed\n");
}

TEST_F(Commands, EmissionsAreAnObjectOrGroups) {
  v1::ReportEmissionsResponse report;
  v1::EmissionsGroup* group = report.add_groups();
  group->set_key("ada");
  group->set_jobs(3);
  *group->mutable_emissions() = FinishedJob().emissions();
  report.set_clock_speed(60);
  carbond_.set_report(report);
  Start();
  Session json = Here(true);
  EXPECT_EQ(Emissions(json, {.job = "17"}), kDone);
  EXPECT_EQ(Json::parse(console_.out)["emissions_g"], 412);
  EXPECT_EQ(carbond_.last_report().job_ids(0), "17");
  console_.out.clear();
  EXPECT_EQ(Emissions(json, {.by = "user", .since = "7d"}), kDone);
  EXPECT_EQ(Json::parse(console_.out)[0]["key"], "ada");
  EXPECT_EQ(carbond_.last_report().by(), v1::GROUP_BY_USER);
  EXPECT_EQ(FormatUtc(FromProto(carbond_.last_report().since())),
            "2026-11-14T09:00:00Z");
  console_.out.clear();
  Session text = Here();
  EXPECT_EQ(Emissions(text, {.by = "user"}), kDone);
  EXPECT_EQ(console_.out,
            "USER  JOBS  ENERGY  EMITTED  BASELINE         SAVED  SIGNAL   "
            "PROVIDER  QUALITY      ENERGY IS  UNKNOWN\n"
            "ada      3  720 Wh    412 g     604 g  192 g (32 %)  average  "
            "recorded  provisional  modelled   -\n"
            "demonstration clock, 60x\n");
  console_.out.clear();
  EXPECT_EQ(Emissions(text, {.by = "user", .format = "csv"}), kDone);
  EXPECT_THAT(console_.out, StartsWith("by,key,signal,"));
  EXPECT_THAT(console_.out, HasSubstr("\nuser,ada,average,recorded,,3,,0.72,"));
  console_.out.clear();
  EXPECT_EQ(Emissions(text, {.by = "user", .format = "jsonl"}), kDone);
  EXPECT_EQ(Json::parse(console_.out)["key"], "ada");
  EXPECT_EQ(Emissions(json, {.format = "csv"}), kMisused);
  EXPECT_EQ(Emissions(text, {.by = "week"}), kMisused);
  EXPECT_EQ(Emissions(text, {.since = "2026-11-20", .until = "2026-11-19"}),
            kMisused);
  EXPECT_THAT(console_.err, HasSubstr("--until: 2026-11-18T23:00:00Z is not "
                                      "after --since 2026-11-19T23:00:00Z"));
  EXPECT_EQ(Emissions(text, {.until = "whenever"}), kMisused);
}

TEST_F(Commands, EmissionsSayHowMuchIsMeasuredAndSettled) {
  v1::ReportEmissionsResponse report;
  v1::EmissionsGroup* group = report.add_groups();
  *group->mutable_emissions() = FinishedJob().emissions();
  group->mutable_emissions()->set_energy_source(v1::ENERGY_SOURCE_MIXED);
  group->set_measured_fraction(0.25);
  group->set_settled_fraction(0.4);
  carbond_.set_report(report);
  Start();
  Session session = Here();
  EXPECT_EQ(Emissions(session, {}), kDone);
  EXPECT_THAT(console_.out, HasSubstr("40 % settled  25 % measured  -\n"));
}

TEST_F(Commands, EmissionsSayWhyABaselineIsMissing) {
  v1::ReportEmissionsResponse report;
  v1::EmissionsGroup* group = report.add_groups();
  group->set_key("2026-11-21");
  *group->mutable_emissions() = FinishedJob().emissions();
  carbond_.set_report(report);
  group->mutable_emissions()->clear_baseline_g();
  group->mutable_emissions()->clear_saved_g();
  Start();
  Session session = Here();
  EXPECT_EQ(Emissions(session, {.by = "day"}), kDone);
  EXPECT_THAT(console_.out, Not(HasSubstr("baselines belong")));
  carbond_.set_report(report);
  EXPECT_EQ(Emissions(session, {.by = "day"}), kDone);
  EXPECT_THAT(console_.out,
              HasSubstr("baselines belong to whole jobs, which would have run "
                        "on other days: --by job shows them\n"));
}

TEST_F(Commands, ForecastSaysWhereItIsFromAndHowOld) {
  Start();
  Session session = Here();
  EXPECT_EQ(Forecast(session, {.region = "here"}), kDone);
  EXPECT_THAT(console_.out,
              StartsWith("here, zone DE\n  provider  recorded\n  signal    "
                         "average\n  mode      fresh\n  issued    09:30 "
                         "+01:00, 30m ago\n"));
  EXPECT_THAT(console_.out, HasSubstr("\n  spread    not known yet: "));
  EXPECT_THAT(console_.out, HasSubstr("▒ same hours of past days"));
  EXPECT_EQ(carbond_.last_forecast().region(), "here");
  EXPECT_TRUE(carbond_.last_forecast().with_observed());
  console_.out.clear();
  Session json = Here(true);
  EXPECT_EQ(Forecast(json, {}), kDone);
  EXPECT_EQ(Json::parse(console_.out)["points"].size(), 24u);
  EXPECT_FALSE(carbond_.last_forecast().with_observed());
}

v1::ListRegionsResponse TwoRegions() {
  v1::ListRegionsResponse regions;
  Set(regions.mutable_now(), "2026-11-21T09:00:00Z");
  v1::Region* eu = regions.add_regions();
  eu->set_name("eu");
  eu->set_zone("FR");
  eu->set_provider("em");
  eu->set_signal("average");
  eu->set_mode(v1::FORECAST_MODE_FRESH);
  eu->mutable_age()->set_seconds(600);
  eu->set_intensity_g_per_kwh(60);
  eu->set_pue(1.1);
  eu->set_cpus(8);
  eu->set_executor("local");
  eu->set_next_hour_g_per_kwh(66);
  eu->set_best_hour_g_per_kwh(33);
  Set(eu->mutable_best_hour_begin(), "2026-11-22T02:20:00Z");
  v1::Region* here = regions.add_regions();
  here->set_name("here");
  here->set_zone("DE");
  here->set_mode(v1::FORECAST_MODE_STALE);
  here->mutable_age()->set_seconds(5400);
  here->set_pue(1.2);
  here->set_gpus(4);
  here->set_executor("local");
  here->set_drained(true);
  return regions;
}

TEST_F(Commands, RegionsAreATableOrAnArray) {
  carbond_.set_regions(TwoRegions());
  Start();
  Session session = Here();
  EXPECT_EQ(Regions(session), kDone);
  EXPECT_EQ(
      console_.out,
      "ranked by the hour from now: grams for each kWh of IT energy, PUE "
      "included\n"
      "NAME  NEXT HOUR  BEST HOUR  FROM              ZONE  PROVIDER  SIGNAL   "
      "FORECAST    AGE  G/KWH NOW   PUE  GPUS  CPUS  EXECUTOR\n"
      "eu         66.0       33.0  Sun 22 Nov 03:20  FR    em        average  "
      "fresh       10m       60.0  1.10   0/0   0/8  local\n"
      "here    unknown    unknown  -                 DE    -         -        "
      "stale     1h30m    unknown  1.20   0/4   0/0  local, drained\n"
      "the best hour lies within 24 h; times are UTC+01:00\n"
      "G/KWH NOW is the grid's own; GPUs and CPUs: used/all\n");
  console_.out.clear();
  Session json = Here(true);
  EXPECT_EQ(Regions(json), kDone);
  const Json rows = Json::parse(console_.out);
  EXPECT_EQ(rows[0]["name"], "eu");
  EXPECT_EQ(rows[0]["best_hour_begin"], "2026-11-22T02:20:00Z");
  EXPECT_EQ(rows[1]["capacity"]["gpus"], 4);
  EXPECT_TRUE(rows[1]["next_hour_g_per_kwh"].is_null());
}

TEST_F(Commands, RegionsWhoseBestHourIsTheNextSayNow) {
  v1::ListRegionsResponse regions = TwoRegions();
  *regions.mutable_regions(0)->mutable_best_hour_begin() = regions.now();
  v1::Region* marginal = regions.add_regions();
  marginal->set_name("cal");
  marginal->set_signal("co2_moer");
  marginal->set_next_hour_g_per_kwh(0);
  carbond_.set_regions(regions);
  Start();
  Session session = Here();
  EXPECT_EQ(Regions(session), kDone);
  EXPECT_THAT(console_.out, HasSubstr("eu         66.0       33.0  now   FR"));
  EXPECT_THAT(console_.out, HasSubstr("cal           0    unknown  -  "));
  EXPECT_THAT(console_.out,
              HasSubstr("grams of different signals are not compared"));
}

TEST_F(Commands, ForecastCallsAYearlyAverageNoForecast) {
  v1::Forecast forecast;
  forecast.set_region("here");
  forecast.set_signal("yearly_average");
  forecast.set_provider("table");
  forecast.mutable_now()->set_seconds(1'800'000'000);
  v1::IntensityPoint* point = forecast.add_points();
  point->mutable_begin()->set_seconds(1'800'000'000);
  point->mutable_end()->set_seconds(1'800'086'400);
  point->set_intensity_g_per_kwh(312.5);
  carbond_.set_forecast(forecast);
  Start();
  Session session = Here();
  EXPECT_EQ(Forecast(session, {}), kDone);
  EXPECT_THAT(console_.out, HasSubstr("a yearly average is no forecast"));
  EXPECT_THAT(console_.out, Not(HasSubstr("spread")));
}

TEST_F(Commands, ProvidersSayWhatTheyAskedForAndWhatIsInTrouble) {
  v1::ListProvidersResponse answer;
  answer.mutable_now()->set_seconds(1'800'000'000);
  v1::Provider* wt = answer.add_providers();
  wt->set_name("wt");
  wt->set_type("watttime");
  wt->set_signal("co2_moer");
  wt->set_requests_today(288);
  wt->set_requests_yesterday(400);
  wt->set_request_limit(3000);
  wt->mutable_request_limit_period()->set_seconds(300);
  v1::ProviderZone* zone = wt->add_zones();
  zone->set_zone("DE");
  zone->mutable_issued_at()->set_seconds(1'800'000'000 - 90);
  zone = wt->add_zones();
  zone->set_zone("FR");
  zone->set_trouble("HTTP 502");
  v1::Provider* rec = answer.add_providers();
  rec->set_name("rec");
  rec->set_type("recorded");
  carbond_.set_providers(answer);
  Start();
  Session session = Here();
  EXPECT_EQ(Providers(session), kDone);
  EXPECT_THAT(console_.out, HasSubstr("wt    watttime  co2_moer    288        "
                                      "400  3000 in 5m  DE    1m30s ago"));
  EXPECT_THAT(console_.out, HasSubstr("FR            -         -  HTTP 502"));
  console_.out.clear();
  Session json = Here(true);
  EXPECT_EQ(Providers(json), kDone);
  const Json array = Json::parse(console_.out);
  EXPECT_EQ(array[0]["requests_today"], 288);
  EXPECT_EQ(array[0]["zones"][0]["issued_at"], "2027-01-15T07:58:30Z");
  EXPECT_EQ(array[0]["zones"][1]["trouble"], "HTTP 502");
  EXPECT_EQ(array[1]["requests_today"], nullptr);
}

// ---- staying ---------------------------------------------------------------

TEST_F(Commands, WatchEndsWhenItsJobIsDone) {
  carbond_.Put(WaitingJob());
  Start();
  std::thread story([&] {
    carbond_.AwaitWaiting(1);
    v1::Job job = FinishedJob();
    job.set_state(v1::JOB_STATE_RUNNING);
    carbond_.Put(WaitingJob("18"), "Submitted");  // none of its business
    carbond_.Put(job, "RunStarted");
    carbond_.Put(job, "EnergyMetered");
    carbond_.Put(FinishedJob(), "RunEnded");
  });
  Session session = Here();
  EXPECT_EQ(Watch(session, "17"), kDone);
  story.join();
  EXPECT_EQ(console_.out,
            "job 17 train: waiting; starts 21 Nov 2026 13:00 +01:00: waits for "
            "cleaner hours\n"
            "2026-11-21 13:00:05 +01:00  job 17 train: run 2 in here started\n"
            "2026-11-21 13:00:05 +01:00  job 17 train: succeeded; 720 Wh, 412 "
            "g, saved 192 g (32 %)\n");
  EXPECT_EQ(console_.err, "");
}

TEST_F(Commands, WatchOfAJobThatIsDoneEndsAtOnce) {
  carbond_.Put(FinishedJob());
  Start();
  Session session = Here();
  EXPECT_EQ(Watch(session, "17"), kDone);
}

TEST_F(Commands, WatchOfAllEndsWithItsStream) {
  carbond_.Put(FinishedJob());
  carbond_.EndWatches();
  Start();
  Session session = Here();
  EXPECT_EQ(Watch(session, ""), kDone);
  EXPECT_EQ(console_.err,
            "carbonctl: no job is waiting or running; watching for new ones\n");
}

TEST_F(Commands, WatchThatEndsBeforeItsJobHasFailed) {
  carbond_.Put(WaitingJob());
  carbond_.EndWatches();
  Start();
  Session session = Here();
  EXPECT_EQ(Watch(session, "17"), kRefused);
  EXPECT_EQ(console_.err, "carbonctl: carbond at " + address_ +
                              " ended the watch before job 17 was done\n");
}

TEST_F(Commands, WatchSaysThatTheDaemonBroke) {
  carbond_.Put(WaitingJob());
  Start();
  std::thread end([&] {
    carbond_.AwaitWaiting(1);
    carbond_.Stop();
  });
  Session session = Here();
  EXPECT_EQ(Watch(session, "17"), kRefused);
  end.join();
  EXPECT_THAT(console_.err, StartsWith("carbonctl: carbond at " + address_ +
                                       " is not available: "));
}

TEST_F(Commands, WatchStopsWhenNobodyReads) {
  carbond_.Put(WaitingJob("17"));
  carbond_.Put(WaitingJob("18"));
  Start();
  console_.reader_leaves_after = 1;
  Session session = Here();
  EXPECT_EQ(Watch(session, ""), kDone);
  EXPECT_EQ(console_.prints, 1);
}

TEST_F(Commands, WatchPrintsALineOfJsonForEachHappening) {
  carbond_.Put(FinishedJob());
  carbond_.Put(WaitingJob("18"));
  carbond_.EndWatches();
  Start();
  Session session = Here(true);
  EXPECT_EQ(Watch(session, ""), kDone);
  const size_t line = console_.out.find('\n');
  EXPECT_EQ(Json::parse(console_.out.substr(0, line))["job"]["id"], "18");
  EXPECT_EQ(console_.out.substr(line + 1), "{\"caught_up\":true}\n");
}

v1::ReadLogsResponse Piece(const std::string& data, bool is_stderr = false) {
  v1::ReadLogsResponse piece;
  piece.set_data(data);
  piece.set_is_stderr(is_stderr);
  piece.set_run(1);
  return piece;
}

TEST_F(Commands, LogsKeepTheTwoStreamsApart) {
  carbond_.Put(FinishedJob());
  carbond_.set_log({Piece("epoch 1\n"), Piece("careful\n", true),
                    Piece(std::string("\0\xff\n", 3))});
  Start();
  Session session = Here();
  EXPECT_EQ(Logs(session, {.job = "17", .follow = true, .stdout_only = true}),
            kDone);
  EXPECT_EQ(console_.out, std::string("epoch 1\n\0\xff\n", 11));
  EXPECT_EQ(console_.err, "careful\n");
  EXPECT_TRUE(carbond_.last_logs().follow());
  EXPECT_TRUE(carbond_.last_logs().stdout_only());
}

TEST_F(Commands, LogsStopWhenNobodyReads) {
  carbond_.Put(FinishedJob());
  carbond_.set_log(std::vector<v1::ReadLogsResponse>(
      10'000, Piece(std::string(1000, 'x') + "\n")));
  Start();
  console_.reader_leaves_after = 1;
  Session session = Here();
  EXPECT_EQ(Logs(session, {.job = "17"}), kDone);
  EXPECT_EQ(console_.prints, 1);
  EXPECT_EQ(console_.err, "");
}

TEST_F(Commands, LogsOfAnUnknownJobAreRefused) {
  Start();
  Session session = Here();
  EXPECT_EQ(Logs(session, {.job = "99"}), kRefused);
  EXPECT_EQ(console_.err, "carbonctl: job `99` does not exist\n");
}

TEST_F(Commands, WaitExitsWithTheOutcome) {
  v1::Job failed = FinishedJob("18");
  failed.set_outcome(v1::OUTCOME_FAILED);
  failed.set_exit_code(3);
  carbond_.Put(FinishedJob("17"));
  carbond_.Put(failed);
  Start();
  Session session = Here();
  EXPECT_EQ(Wait(session, {"17"}), kDone);
  EXPECT_EQ(console_.err, "");
  EXPECT_EQ(Wait(session, {"17", "18"}), kRefused);
  EXPECT_EQ(console_.err, "carbonctl: job 18 train failed with exit code 3\n");
  EXPECT_EQ(console_.out, "");
  Session json = Here(true);
  EXPECT_EQ(Wait(json, {"17", "18"}), kRefused);
  EXPECT_EQ(Json::parse(console_.out).size(), 2u);
}

TEST_F(Commands, WaitLastsUntilAllAreDone) {
  carbond_.Put(FinishedJob("17"));
  carbond_.Put(WaitingJob("18"));
  Start();
  std::thread story([&] {
    carbond_.AwaitWaiting(1);
    carbond_.Put(FinishedJob("18"), "RunEnded");
  });
  Session session = Here();
  EXPECT_EQ(Wait(session, {"17", "18"}), kDone);
  story.join();
}

TEST_F(Commands, WaitOutlastsARestartOfTheDaemon) {
  carbond_.Put(WaitingJob("17"));
  Start();
  std::thread story([&] {
    carbond_.AwaitWaiting(1);
    carbond_.Stop();
    carbond_.Put(FinishedJob("17"));
    Start();
  });
  Session session = Here();
  EXPECT_EQ(Wait(session, {"17"}), kDone);
  story.join();
  EXPECT_EQ(console_.err, "carbonctl: lost carbond at " + address_ +
                              ", waiting for it to come back\n");
}

TEST_F(Commands, WaitForNobodyFailsAtOnce) {
  Session session = Here();
  EXPECT_EQ(Wait(session, {"17"}), kRefused);
  EXPECT_THAT(console_.err, StartsWith("carbonctl: no carbond at "));
}

TEST_F(Commands, WaitForAnUnknownJobIsRefused) {
  carbond_.Put(WaitingJob("17"));
  Start();
  Session session = Here();
  EXPECT_EQ(Wait(session, {"17", "99"}), kRefused);
  EXPECT_EQ(console_.err, "carbonctl: job `99` does not exist\n");
}

}  // namespace
}  // namespace carbond::client
