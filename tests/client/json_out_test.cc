#include "client/json_out.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/client/world.h"

namespace carbond::client {
namespace {

// The names and types below are the outside contract: programs read them.

TEST(JsonOut, WritesAPlan) {
  v1::Plan plan = MiddayPlan();
  plan.mutable_together()->set_jobs(3);
  plan.mutable_together()->set_expected_g(1250);
  plan.mutable_together()->set_lower_bound_g(1000);
  EXPECT_EQ(Pretty(ToJson(plan)), R"({
  "region": "here",
  "intervals": [
    {
      "region": "here",
      "begin": "2026-11-21T12:00:00Z",
      "end": "2026-11-21T14:00:00Z"
    }
  ],
  "finish_at": "2026-11-21T14:00:00Z",
  "expected_g": 412.4,
  "baseline_g": 604.0,
  "expected_saving": 0.317,
  "run_now_g": 604.0,
  "forecast_issued_at": "2026-11-21T08:30:00Z",
  "reason": "cleaner_hours",
  "why": "waits until 2026-11-21T12:00:00Z for cleaner hours",
  "late": false,
  "made_at": "2026-11-21T09:00:00Z",
  "alternatives": [
    {
      "region": "here",
      "begin": "2026-11-21T09:00:00Z",
      "expected_g": 604.0
    },
    {
      "region": "there",
      "begin": "2026-11-22T00:00:00Z",
      "expected_g": null
    }
  ],
  "together": {
    "jobs": 3,
    "expected_g": 1250.0,
    "lower_bound_g": 1000.0,
    "gap": 0.25
  }
}
)");
}

TEST(JsonOut, WritesAFinishedJob) {
  EXPECT_EQ(Pretty(ToJson(FinishedJob())), R"({
  "id": "17",
  "name": "train",
  "project": "vision",
  "user": "ada",
  "state": "done",
  "outcome": "succeeded",
  "exit_code": 0,
  "region": "here",
  "submitted_at": "2026-11-21T09:00:00Z",
  "started_at": "2026-11-21T12:00:00Z",
  "finished_at": "2026-11-21T16:00:00Z",
  "deadline": "2026-11-21T20:00:00Z",
  "deadline_declared": true,
  "wait_reason": null,
  "wait_reason_text": null,
  "held": false,
  "cancel_requested": false,
  "progress_fraction": 1.0,
  "command": [
    "python3",
    "train.py",
    "--note",
    "it's new"
  ],
  "workdir": "/home/ada/vision",
  "gpus": 1,
  "cpus": 4,
  "duration_s": 7200.0,
  "power_w": 300.0,
  "pause": "checkpoint",
  "runs": [
    {
      "run": 1,
      "region": "here",
      "issued_at": "2026-11-21T12:00:00Z",
      "started_at": "2026-11-21T12:00:00Z",
      "ended_at": "2026-11-21T13:30:00Z",
      "end": "checkpointed",
      "exit_code": 85,
      "signal": null,
      "detail": null,
      "gpus": [
        0
      ],
      "cpus": 4,
      "data_from": null
    },
    {
      "run": 2,
      "region": "here",
      "issued_at": "2026-11-21T15:30:00Z",
      "started_at": "2026-11-21T15:30:00Z",
      "ended_at": "2026-11-21T16:00:00Z",
      "end": "succeeded",
      "exit_code": 0,
      "signal": null,
      "detail": null,
      "gpus": [
        0
      ],
      "cpus": 4,
      "data_from": null
    }
  ],
  "pauses": 1,
  "plan": null,
  "emissions": {
    "energy_kwh": 0.72,
    "emissions_g": 412.0,
    "baseline_g": 604.0,
    "saved_g": 192.0,
    "saved_fraction": 0.31788079470198677,
    "signal": "average",
    "provider": "recorded",
    "quality": "provisional",
    "energy_source": "modelled",
    "unknown_s": 0.0,
    "same_region_g": null,
    "worst_start_g": null,
    "second_signal": null,
    "second_emissions_g": null,
    "second_baseline_g": null,
    "second_saved_g": null,
    "second_quality": null,
    "second_unknown_s": null,
    "forecast_s": 0.0,
    "stated_at": null,
    "version": 0,
    "measured_kwh": 0.0,
    "parts": [],
    "superseded": []
  },
  "clock_speed": 1.0
}
)");
}

TEST(JsonOut, WritesWhatWasStatedBeforeAndWhatEachPurposeTook) {
  v1::Emissions emissions;
  emissions.set_version(2);
  v1::Superseded* earlier = emissions.add_superseded();
  earlier->set_version(1);
  earlier->set_why("wt revised its values");
  earlier->set_emissions_g(410);
  v1::EmissionsPart* part = emissions.add_parts();
  part->set_what("lost");
  part->set_emissions_g(12.5);
  v1::Job job = FinishedJob();
  *job.mutable_emissions() = emissions;
  const Json json = ToJson(job)["emissions"];
  EXPECT_EQ(json["version"], 2);
  EXPECT_EQ(json["superseded"][0]["why"], "wt revised its values");
  EXPECT_EQ(json["superseded"][0]["emissions_g"], 410);
  EXPECT_TRUE(json["superseded"][0]["baseline_g"].is_null());
  EXPECT_EQ(json["parts"][0]["what"], "lost");
  EXPECT_EQ(json["parts"][0]["emissions_g"], 12.5);
}

TEST(JsonOut, WritesNullForWhatIsAbsent) {
  const Json job = ToJson(v1::Job());
  for (const char* name :
       {"state", "outcome", "exit_code", "region", "submitted_at", "started_at",
        "finished_at", "deadline", "wait_reason", "wait_reason_text", "plan",
        "emissions", "power_w"}) {
    ASSERT_TRUE(job.contains(name)) << name;
    EXPECT_TRUE(job[name].is_null()) << name;
  }
  EXPECT_TRUE(job["runs"].is_array());
  const Json plan = ToJson(v1::Plan());
  for (const char* name : {"region", "finish_at", "expected_g", "baseline_g",
                           "expected_saving", "forecast_issued_at", "why"}) {
    EXPECT_TRUE(plan[name].is_null()) << name;
  }
  EXPECT_TRUE(plan["intervals"].is_array());
  EXPECT_TRUE(plan["alternatives"].is_array());
  const Json emissions = ToJson(v1::Emissions());
  for (const char* name : {"baseline_g", "saved_g", "saved_fraction", "signal",
                           "quality", "energy_source"}) {
    EXPECT_TRUE(emissions[name].is_null()) << name;
  }
  v1::Run begun;
  begun.set_end("none");
  v1::Job running;
  *running.add_runs() = begun;
  EXPECT_TRUE(ToJson(running)["runs"][0]["end"].is_null());
}

TEST(JsonOut, KeepsZeroApartFromAbsent) {
  v1::Plan plan;
  plan.set_expected_g(0);
  plan.set_expected_saving_fraction(0);
  EXPECT_EQ(ToJson(plan)["expected_g"], 0);
  EXPECT_EQ(ToJson(plan)["expected_saving"], 0);
}

TEST(JsonOut, WritesAForecast) {
  v1::Forecast forecast = NovemberDay();
  forecast.mutable_points()->DeleteSubrange(1, 23);
  EXPECT_EQ(Pretty(ToJson(forecast)), R"({
  "region": "here",
  "zone": "DE",
  "provider": "recorded",
  "signal": "average",
  "mode": "fresh",
  "issued_at": "2026-11-21T08:30:00Z",
  "fetched_at": "2026-11-21T08:31:00Z",
  "now": "2026-11-21T09:00:00Z",
  "clock_speed": 1.0,
  "points": [
    {
      "begin": "2026-11-21T08:00:00Z",
      "end": "2026-11-21T09:00:00Z",
      "intensity_g_per_kwh": 430.0,
      "climatology": false,
      "observed": false,
      "spread_g_per_kwh": null
    }
  ]
}
)");
  forecast.mutable_points(0)->set_spread_g_per_kwh(0);
  EXPECT_EQ(ToJson(forecast)["points"][0]["spread_g_per_kwh"], 0);
}

TEST(JsonOut, WritesARegion) {
  v1::Region region;
  region.set_name("here");
  region.set_zone("DE");
  region.set_provider("recorded");
  region.set_mode(v1::FORECAST_MODE_CLIMATOLOGY);
  region.set_pue(1.2);
  region.set_gpus(4);
  region.set_cpus(32);
  region.set_gpus_used(1);
  region.set_executor("local");
  EXPECT_EQ(OneLine(ToJson(region, 1440)),
            R"({"name":"here","zone":"DE","provider":"recorded","signal":null,)"
            R"("mode":"climatology","issued_at":null,"age_s":null,)"
            R"("intensity_g_per_kwh":null,"pue":1.2,)"
            R"("capacity":{"gpus":4,"cpus":32},"used":{"gpus":1,"cpus":0},)"
            R"("executor":"local","drained":false,)"
            R"("next_hour_g_per_kwh":null,"best_hour_g_per_kwh":null,)"
            R"("best_hour_begin":null,"clock_speed":1440.0})"
            "\n");
  region.set_next_hour_g_per_kwh(0);
  region.set_best_hour_g_per_kwh(120.5);
  Set(region.mutable_best_hour_begin(), "2026-11-21T12:20:00Z");
  const Json json = ToJson(region, 1);
  EXPECT_EQ(json["next_hour_g_per_kwh"], 0);
  EXPECT_EQ(json["best_hour_g_per_kwh"], 120.5);
  EXPECT_EQ(json["best_hour_begin"], "2026-11-21T12:20:00Z");
}

v1::EmissionsGroup Group(const std::string& signal, double kwh, double grams) {
  v1::EmissionsGroup group;
  group.set_jobs(2);
  group.mutable_emissions()->set_signal(signal);
  group.mutable_emissions()->set_energy_kwh(kwh);
  group.mutable_emissions()->set_emissions_g(grams);
  return group;
}

TEST(JsonOut, NeverAddsFiguresOfTwoSignals) {
  v1::ReportEmissionsResponse report;
  *report.add_groups() = Group("average", 1, 400);
  EXPECT_EQ(TotalToJson(report)["emissions_g"], 400);
  EXPECT_EQ(TotalToJson(report)["signal"], "average");
  *report.add_groups() = Group("marginal", 2, 900);
  const Json both = TotalToJson(report);
  EXPECT_EQ(both["energy_kwh"], 3);
  EXPECT_TRUE(both["emissions_g"].is_null());
  EXPECT_TRUE(both["signal"].is_null());
  ASSERT_EQ(both["by_signal"].size(), 2u);
  EXPECT_EQ(both["by_signal"][1]["emissions_g"], 900);
}

TEST(JsonOut, WritesATotalOfNothingAsZero) {
  const Json total = TotalToJson(v1::ReportEmissionsResponse());
  EXPECT_EQ(total["energy_kwh"], 0);
  EXPECT_EQ(total["emissions_g"], 0);
  EXPECT_EQ(total["by_signal"].size(), 0u);
}

TEST(JsonOut, WritesGroupsAsAnArray) {
  v1::ReportEmissionsResponse report;
  *report.add_groups() = Group("average", 1, 400);
  report.mutable_groups(0)->set_key("ada");
  const Json groups = GroupsToJson(report, v1::GROUP_BY_USER);
  ASSERT_TRUE(groups.is_array());
  EXPECT_EQ(groups[0]["by"], "user");
  EXPECT_EQ(groups[0]["key"], "ada");
  EXPECT_EQ(groups[0]["jobs"], 2);
}

TEST(JsonOut, WritesHappeningsOnALine) {
  v1::WatchJobsResponse happening;
  happening.set_caught_up(true);
  EXPECT_EQ(OneLine(ToJson(happening)), "{\"caught_up\":true}\n");
  *happening.mutable_job() = WaitingJob();
  happening.set_event("Submitted");
  const Json json = ToJson(happening);
  EXPECT_EQ(json["event"], "Submitted");
  EXPECT_EQ(json["job"]["id"], "17");
  EXPECT_TRUE(json["at"].is_null());
}

TEST(JsonOut, MendsBytesThatAreNoText) {
  v1::ReadLogsResponse piece;
  piece.set_run(1);
  piece.set_data("a\xff\n");
  EXPECT_EQ(
      OneLine(ToJson(piece)),
      "{\"run\":1,\"stream\":\"stdout\",\"data\":\"a\xef\xbf\xbd\\n\"}\n");
}

}  // namespace
}  // namespace carbond::client
