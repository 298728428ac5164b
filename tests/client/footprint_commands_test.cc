// `report` and `estimate` for real, against a carbond in memory on a unix
// socket.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "client/commands.h"
#include "tests/client/fake_carbond.h"
#include "tests/client/world.h"

namespace carbond::client {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using Json = nlohmann::json;

class FootprintCommands : public testing::Test {
 protected:
  void Start() { carbond_.Start(address_); }

  Session Here(bool json = false) {
    if (channel_ == nullptr) channel_ = *Channel::Open(address_);
    return {*channel_, console_, kPlainUnicode,
            Morning(), json,     {"ada", folder_.path()}};
  }

  TemporaryFolder folder_;
  std::string address_ = "unix:" + folder_.path() + "/carbond.sock";
  FakeCarbond carbond_;
  std::unique_ptr<Channel> channel_;
  StringConsole console_;
};

TEST_F(FootprintCommands, EstimateAsksCarbondForARegionThatNoTableHas) {
  v1::ListRegionsResponse regions;
  v1::Region* here = regions.add_regions();
  here->set_name("here");
  here->set_pue(1.25);
  carbond_.set_regions(regions);
  v1::Forecast forecast;
  Set(forecast.mutable_now(), "2026-11-21T09:30:00Z");
  forecast.set_signal("co2_moer");
  forecast.set_provider("wt");
  const std::pair<const char*, double> kHours[] = {
      {"2026-11-21T08:00:00Z", 900},
      {"2026-11-21T09:00:00Z", 400},
      {"2026-11-21T10:00:00Z", 100},
      {"2026-11-21T11:00:00Z", 700}};
  for (const auto& [begin, grams] : kHours) {
    v1::IntensityPoint* point = forecast.add_points();
    Set(point->mutable_begin(), begin);
    *point->mutable_end() = ToProto(At(begin) + absl::Hours(1));
    point->set_intensity_g_per_kwh(grams);
  }
  carbond_.set_forecast(forecast);
  Start();
  Session json = Here(true);
  EstimateOptions options;
  options.words.power = "1kW";
  options.words.hours = "1.5";
  options.words.region = "here";
  EXPECT_EQ(Estimate(json, options), kDone) << console_.err;
  const Json told = Json::parse(console_.out);
  // Half an hour at 400, an hour at 100: what is over does not count.
  EXPECT_DOUBLE_EQ(told["intensity_g_per_kwh"], 200);
  EXPECT_EQ(told["intensity_source"],
            "mean of what carbond expects for 1h30m from now, signal co2_moer "
            "from wt");
  EXPECT_EQ(told["pue"], 1.25);
  EXPECT_EQ(told["pue_source"], "configured in carbond");
  // A longer run than what is known: as far as it is known, and it is said.
  console_.out.clear();
  options.words.hours = "1000";
  EXPECT_EQ(Estimate(json, options), kDone);
  EXPECT_THAT(Json::parse(console_.out)["intensity_source"].get<std::string>(),
              HasSubstr("for 2h30m from now"));
  options.words.region = "mars";
  EXPECT_EQ(Estimate(json, options), kMisused);
  EXPECT_THAT(console_.err, HasSubstr("carbonctl: --region: `mars` is in no "
                                      "table"));
  EXPECT_THAT(console_.err,
              HasSubstr("carbonctl: carbond has no region `mars` either\n"));
  carbond_.set_forecast({});
  console_.err.clear();
  options.words.region = "here";
  EXPECT_EQ(Estimate(json, options), kMisused);
  EXPECT_THAT(console_.err,
              HasSubstr("carbonctl: carbond knows no intensity of here from "
                        "now on: --intensity takes yours\n"));
}

TEST_F(FootprintCommands, EstimateSaysThatNoCarbondCouldBeAsked) {
  Session session = Here();
  EstimateOptions options;
  options.words.power = "1kW";
  options.words.hours = "1";
  options.words.region = "here";
  EXPECT_EQ(Estimate(session, options), kMisused);
  EXPECT_THAT(console_.err, HasSubstr("`here` is in no table"));
  EXPECT_THAT(console_.err, HasSubstr("no carbond at " + address_));
}

TEST_F(FootprintCommands, ReportStatesAJobInEveryForm) {
  carbond_.Put(FinishedJob());
  v1::ReportEmissionsResponse report;
  v1::EmissionsGroup* group = report.add_groups();
  group->set_key("here");
  group->set_zone("DE");
  group->set_it_energy_kwh(0.6);
  group->set_accounted_energy_kwh(0.72);
  *group->mutable_emissions() = FinishedJob().emissions();
  report.set_version("9.8.7");
  carbond_.set_report(report);
  Start();
  const auto written = [&](bool json, const ReportOptions& options) {
    console_.out.clear();
    Session session = Here(json);
    EXPECT_EQ(Report(session, options), kDone) << console_.err;
    return console_.out;
  };
  EXPECT_THAT(written(false, {.job = "17"}), StartsWith("train used 1 GPU"));
  // Its own by region, then its project's: of all jobs.
  EXPECT_TRUE(carbond_.last_report().job_ids().empty());
  EXPECT_EQ(carbond_.last_report().by(), v1::GROUP_BY_PROJECT);
  v1::Job alone = FinishedJob("18");
  alone.mutable_spec()->clear_project();
  carbond_.Put(alone);
  written(false, {.job = "18"});
  EXPECT_EQ(carbond_.last_report().job_ids(0), "18");
  EXPECT_EQ(carbond_.last_report().by(), v1::GROUP_BY_REGION);
  EXPECT_THAT(written(false, {.job = "17", .format = "markdown"}),
              HasSubstr("| Energy | 720 Wh | IT energy x PUE |"));
  EXPECT_THAT(written(false, {.job = "17", .format = "latex"}),
              HasSubstr("Energy & 720 Wh & IT energy $\\times$ PUE \\\\"));
  const std::string json = written(true, {.job = "17"});
  EXPECT_EQ(Json::parse(json)["gpu_hours"], 2);
  EXPECT_EQ(Json::parse(json)["software"], "carbond 9.8.7");
  EXPECT_EQ(written(false, {.job = "17", .format = "json"}), json);
}

TEST_F(FootprintCommands, ReportIsRefusedWithTheReason) {
  carbond_.Put(WaitingJob());
  Start();
  Session session = Here();
  EXPECT_EQ(Report(session, {.job = "17"}), kRefused);
  EXPECT_EQ(Report(session, {.job = "99"}), kRefused);
  EXPECT_EQ(Report(session, {.job = "17", .supplement = {.embodied = "1kg"}}),
            kMisused);
  Session json = Here(true);
  EXPECT_EQ(Report(json, {.job = "17", .format = "latex"}), kMisused);
  EXPECT_EQ(console_.err,
            "carbonctl: job 17 train is waiting: a statement is made of a job "
            "that is done; carbonctl emissions 17 shows its figures so far\n"
            "carbonctl: job `99` does not exist\n"
            "carbonctl: --embodied: `1kg` is not understood: write 463kg/gpu, "
            "3700kg/8gpus or 1000kg/32cores\n"
            "carbonctl: --format: latex is asked for, and -o json too: one of "
            "them\n");
}

}  // namespace
}  // namespace carbond::client
