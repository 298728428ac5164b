#include "daemon/wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

namespace carbond {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

v1::JobSpec FullSpec() {
  v1::JobSpec spec;
  spec.set_name("train");
  spec.set_project("vision");
  spec.set_user("ada");
  spec.add_command("/usr/bin/python3");
  spec.add_command("train.py");
  (*spec.mutable_env())["SEED"] = "7";
  spec.set_workdir("/home/ada");
  spec.set_gpus(2);
  spec.set_cpus(8);
  spec.mutable_duration()->set_seconds(7200);
  spec.set_power_w(612.5);
  spec.set_idle_power_w(80);
  spec.mutable_earliest()->set_seconds(1'800'000'000);
  spec.mutable_deadline()->set_seconds(1'800'086'400);
  spec.mutable_deadline()->set_nanos(500'000'000);
  spec.add_regions("here");
  spec.add_regions("eu");
  spec.set_home_region("eu");
  spec.set_pause(v1::PAUSE_MODE_CHECKPOINT);
  spec.set_checkpoint_signal("TERM");
  spec.set_on_pause("save");
  spec.set_on_resume("load");
  spec.mutable_checkpoint_cost()->set_seconds(60);
  spec.mutable_resume_cost()->set_seconds(30);
  spec.mutable_checkpoint_timeout()->set_seconds(300);
  spec.mutable_min_run()->set_seconds(1800);
  spec.set_max_intensity_g_per_kwh(350.25);
  spec.set_min_saving_fraction(0.05);
  spec.set_priority(-3);
  spec.set_retries(2);
  spec.mutable_time_limit()->set_seconds(9000);
  spec.set_data_gb(1.5);
  spec.mutable_min_pause()->set_seconds(2700);
  return spec;
}

TEST(Wire, CarriesASpecThereAndBack) {
  v1::JobSpec there = FullSpec();
  Result<SubmitCommand::Entry> entry = SpecFromWire(there);
  ASSERT_TRUE(entry.ok()) << entry.status();
  EXPECT_TRUE(entry->spec.power_declared);
  EXPECT_TRUE(entry->spec.deadline_declared);
  EXPECT_FALSE(entry->unset.min_saving || entry->unset.min_run ||
               entry->unset.checkpoint_cost || entry->unset.resume_cost ||
               entry->unset.checkpoint_timeout || entry->unset.min_pause);
  EXPECT_EQ(entry->spec.min_pause, minutes(45));
  v1::JobSpec back;
  ToWire(entry->spec, &back);
  EXPECT_EQ(back.SerializeAsString(), there.SerializeAsString());
}

TEST(Wire, TellsWhatIsUnsetFromWhatIsZero) {
  Result<SubmitCommand::Entry> unset = SpecFromWire({});
  ASSERT_TRUE(unset.ok()) << unset.status();
  EXPECT_TRUE(unset->unset.min_saving && unset->unset.min_run &&
              unset->unset.checkpoint_cost && unset->unset.resume_cost &&
              unset->unset.checkpoint_timeout && unset->unset.min_pause);
  EXPECT_FALSE(unset->spec.power_declared);
  EXPECT_FALSE(unset->spec.deadline_declared);
  EXPECT_EQ(unset->spec.checkpoint_signal, "USR1");
  v1::JobSpec zeros;
  zeros.set_min_saving_fraction(0);
  zeros.mutable_min_run();
  zeros.mutable_checkpoint_cost();
  zeros.mutable_resume_cost();
  zeros.mutable_checkpoint_timeout();
  zeros.mutable_min_pause();
  Result<SubmitCommand::Entry> zero = SpecFromWire(zeros);
  ASSERT_TRUE(zero.ok()) << zero.status();
  EXPECT_FALSE(zero->unset.min_saving || zero->unset.min_run ||
               zero->unset.checkpoint_cost || zero->unset.resume_cost ||
               zero->unset.checkpoint_timeout || zero->unset.min_pause);
}

TEST(Wire, RefusesWhatAValueCannotHold) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  const std::vector<std::pair<std::function<void(v1::JobSpec&)>, const char*>>
      cases = {
          {[](auto& s) { s.mutable_duration()->set_seconds(-1); },
           "duration -1s is negative"},
          {[](auto& s) { s.mutable_duration()->set_nanos(-1'000'000); },
           "duration"},
          {[](auto& s) { s.mutable_duration()->set_seconds(INT64_MAX); },
           "longer than ten years"},
          {[](auto& s) { s.mutable_duration()->set_seconds(INT64_MIN); },
           "is negative"},
          {[](auto& s) { s.mutable_min_run()->set_nanos(2'000'000'000); },
           "min_run is no duration"},
          {[](auto& s) { s.mutable_min_pause()->set_seconds(-2); },
           "min_pause -2s is negative"},
          {[](auto& s) { s.mutable_time_limit()->set_seconds(-9); },
           "time_limit -9s is negative"},
          {[](auto& s) { s.mutable_earliest()->set_seconds(-1); },
           "earliest is outside of the years 1970 to 9999"},
          {[](auto& s) { s.mutable_deadline()->set_seconds(INT64_MAX); },
           "deadline is outside of the years 1970 to 9999"},
          {[](auto& s) { s.mutable_deadline()->set_nanos(-1); },
           "deadline is no instant"},
          {[=](auto& s) { s.set_power_w(nan); }, "power_w is nan"},
          {[=](auto& s) { s.set_power_w(inf); }, "power_w is inf"},
          {[](auto& s) { s.set_power_w(-1); }, "power_w -1 is negative"},
          {[](auto& s) { s.set_power_w(1e300); }, "power_w 1e+300 is more"},
          {[=](auto& s) { s.set_idle_power_w(-inf); }, "idle_power_w"},
          {[=](auto& s) { s.set_max_intensity_g_per_kwh(nan); },
           "max_intensity_g_per_kwh"},
          {[](auto& s) { s.set_min_saving_fraction(1.5); },
           "min_saving_fraction 1.5 is more than 1"},
          {[=](auto& s) { s.set_data_gb(inf); }, "data_gb"},
          {[](auto& s) { s.set_gpus(-1); }, "gpus -1 is negative"},
          {[](auto& s) { s.set_cpus(INT32_MAX); }, "cpus 2147483647 is more"},
          {[](auto& s) { s.set_retries(-1); }, "retries -1 is negative"},
          {[](auto& s) { s.set_pause(static_cast<v1::PauseMode>(9)); },
           "pause 9 is unknown"},
          {[](auto& s) { s.set_workdir(std::string("/a\0b", 4)); },
           "workdir holds a NUL byte"},
      };
  for (const auto& [spoil, words] : cases) {
    v1::JobSpec spec = FullSpec();
    spoil(spec);
    Result<SubmitCommand::Entry> entry = SpecFromWire(spec);
    ASSERT_FALSE(entry.ok()) << words;
    EXPECT_EQ(entry.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(Message(entry.status()), HasSubstr(words));
  }
}

TEST(Wire, TakesOnlyNumbersForJobIds) {
  EXPECT_EQ(Number(*JobIdFromWire("12")), 12);
  for (const char* text :
       {"", "abc", "12x", " 12", "-1", "0", "1e3", "99999999999999999999"}) {
    Result<JobId> id = JobIdFromWire(text);
    ASSERT_FALSE(id.ok()) << text;
    EXPECT_EQ(id.status().code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(Message(id.status()),
              fmt::format("no job is called `{}`: job ids are numbers", text));
  }
}

TEST(Wire, DigestsTheContentOfARequestAndNothingElse) {
  auto digest_of = [](const std::vector<v1::JobSpec>& jobs, const char* id) {
    v1::SubmitJobsRequest request;
    request.set_request_id(id);
    for (const v1::JobSpec& job : jobs) *request.add_jobs() = job;
    return SubmitFromWire(request)->digest;
  };
  v1::JobSpec one = FullSpec();
  v1::JobSpec same = FullSpec();
  same.clear_env();
  for (int i = 20; i > 0; --i) {
    (*one.mutable_env())[std::to_string(i)] = "x";
    (*same.mutable_env())[std::to_string(21 - i)] = "x";
  }
  (*same.mutable_env())["SEED"] = "7";
  v1::JobSpec other = one;
  other.set_priority(4);
  EXPECT_EQ(digest_of({one}, "a"), digest_of({same}, "b"));
  EXPECT_NE(digest_of({one}, "a"), digest_of({other}, "a"));
  EXPECT_NE(digest_of({one}, "a"), digest_of({one, one}, "a"));
  EXPECT_NE(digest_of({one, other}, "a"), digest_of({other, one}, "a"));
  EXPECT_EQ(digest_of({one}, ""), "");
  // `--deadline 24h` again, a minute later, and another deadline.
  one.set_deadline_said("24h");
  v1::JobSpec again = one;
  again.mutable_deadline()->set_seconds(one.deadline().seconds() + 60);
  EXPECT_EQ(digest_of({one}, "a"), digest_of({again}, "a"));
  again.set_deadline_said("25h");
  EXPECT_NE(digest_of({one}, "a"), digest_of({again}, "a"));
  again = one;
  again.mutable_earliest()->set_seconds(one.earliest().seconds() + 60);
  EXPECT_NE(digest_of({one}, "a"), digest_of({again}, "a"));
}

TEST(Wire, SaysWhichJobOfManyIsWrong) {
  v1::SubmitJobsRequest request;
  *request.add_jobs() = FullSpec();
  *request.add_jobs() = FullSpec();
  request.mutable_jobs(1)->set_gpus(-1);
  EXPECT_EQ(Message(SubmitFromWire(request).status()),
            "job 2 of 2: gpus -1 is negative: give 0 or more");
}

TEST(Wire, ReadsPages) {
  v1::ListJobsRequest request;
  EXPECT_EQ(PageFromWire(request)->size, 100);
  request.set_page_size(100'000);
  EXPECT_EQ(PageFromWire(request)->size, 1000);
  request.set_page_token("17");
  EXPECT_EQ(PageFromWire(request)->filter.before, JobId{17});
  request.set_page_token("next");
  EXPECT_THAT(Message(PageFromWire(request).status()),
              HasSubstr("page_token `next`"));
  request.clear_page_token();
  request.set_page_size(-1);
  EXPECT_FALSE(PageFromWire(request).ok());
}

TEST(Wire, WritesInstantsBefore1970) {
  google::protobuf::Timestamp stamp;
  ToWire(Instant::FromMillis(-1), &stamp);
  EXPECT_EQ(stamp.seconds(), -1);
  EXPECT_EQ(stamp.nanos(), 999'000'000);
  ToWire(Instant::FromMillis(-1000), &stamp);
  EXPECT_EQ(stamp.seconds(), -1);
  EXPECT_EQ(stamp.nanos(), 0);
  ToWire(Instant::FromMillis(1500), &stamp);
  EXPECT_EQ(stamp.seconds(), 1);
  EXPECT_EQ(stamp.nanos(), 500'000'000);
}

TEST(Wire, ShowsALossAsANegativeSaving) {
  JobEmissions figures;
  figures.facility_energy = WattHours::Of(1500);
  figures.grams = Grams::Of(120);
  figures.baseline = Grams::Of(100);
  figures.any_measured = figures.any_modelled = true;
  v1::Emissions emissions;
  ToWire(figures, &emissions);
  EXPECT_EQ(emissions.energy_kwh(), 1.5);
  EXPECT_EQ(emissions.saved_g(), -20);
  EXPECT_EQ(emissions.saved_fraction(), -0.2);
  EXPECT_EQ(emissions.energy_source(), v1::ENERGY_SOURCE_MIXED);
  EXPECT_EQ(emissions.quality(), v1::QUALITY_PROVISIONAL);
}

TEST(Wire, LeavesOutWhatNobodyKnows) {
  JobEmissions figures;
  figures.grams = Grams::Of(120);
  v1::Emissions emissions;
  ToWire(figures, &emissions);
  EXPECT_FALSE(emissions.has_baseline_g());
  EXPECT_FALSE(emissions.has_saved_g());
  EXPECT_FALSE(emissions.has_saved_fraction());
  figures.baseline = Grams();
  emissions.Clear();
  ToWire(figures, &emissions);
  EXPECT_EQ(emissions.baseline_g(), 0);
  EXPECT_EQ(emissions.saved_g(), -120);
  EXPECT_FALSE(emissions.has_saved_fraction());
}

TEST(Wire, GivesAReasonOnlyWhileAJobWaits) {
  JobRecord record;
  record.job.id = JobId{1};
  v1::Job job;
  ToWire(record, 1, &job);
  EXPECT_EQ(job.wait_reason(), "planning");
  record.plan = PlanRecord{};
  record.plan->plan.reason = Reason::kCleanerHours;
  record.plan->plan.why = "cleaner from 11:00";
  record.plan->plan.region_name = "eu";
  job.Clear();
  ToWire(record, 1, &job);
  EXPECT_EQ(job.wait_reason(), "cleaner_hours");
  EXPECT_EQ(job.wait_reason_text(), "cleaner from 11:00");
  EXPECT_EQ(job.region(), "eu");
  record.job.state = State::kRunning;
  job.Clear();
  ToWire(record, 1, &job);
  EXPECT_EQ(job.wait_reason(), "");
  EXPECT_EQ(job.wait_reason_text(), "");
}

TEST(Wire, DrawsWhatWasObservedAndThenWhatIsExpected) {
  auto at = [](int hour) { return Instant::FromSeconds(hour * 3600); };
  auto slots = [&](int from, int to, double g) {
    std::vector<Slot> made;
    for (int h = from; h < to; ++h) {
      made.push_back({{at(h), at(h + 1)}, GramsPerKwh::Of(g)});
    }
    return *Series::Make(made);
  };
  RegionView region;
  region.zone.outlook = slots(1, 8, 200);
  region.zone.forecast_end = at(6);
  Series observed = slots(0, 3, 100);
  v1::Forecast forecast;
  ToWire(Picture{.region = region,
                 .observed = observed,
                 .within = {at(1), at(8)},
                 .now = at(3) + minutes(30)},
         &forecast);
  std::vector<double> grams;
  std::string kinds;
  int64_t last_end = 3600;
  for (const v1::IntensityPoint& point : forecast.points()) {
    grams.push_back(point.intensity_g_per_kwh());
    kinds += point.observed() ? 'o' : point.climatology() ? 'c' : 'f';
    EXPECT_EQ(point.begin().seconds(), last_end);
    last_end = point.end().seconds();
  }
  EXPECT_THAT(grams, ElementsAre(100, 100, 200, 200, 200, 200, 200));
  EXPECT_EQ(kinds, "oofffcc");
  for (const v1::IntensityPoint& point : forecast.points()) {
    EXPECT_FALSE(point.has_spread_g_per_kwh()) << "nothing is known of it";
  }

  // Of what is expected, as far as it is known; never of what was observed.
  region.zone.spread = slots(2, 5, 12);
  forecast.Clear();
  ToWire(Picture{.region = region,
                 .observed = observed,
                 .within = {at(1), at(8)},
                 .now = at(3) + minutes(30)},
         &forecast);
  std::string spreads;
  for (const v1::IntensityPoint& point : forecast.points()) {
    spreads += point.has_spread_g_per_kwh() ? 's' : '-';
    if (point.has_spread_g_per_kwh()) {
      EXPECT_EQ(point.spread_g_per_kwh(), 12);
    }
  }
  EXPECT_EQ(spreads, "--ss---");
}

TEST(Wire, TellsWhatAnHourInARegionCosts) {
  RankedRegion ranked;
  ranked.view.region.name = "here";
  v1::Region region;
  ToWire(ranked, "local", Instant(), &region);
  EXPECT_EQ(region.name(), "here");
  EXPECT_EQ(region.executor(), "local");
  EXPECT_FALSE(region.has_next_hour_g_per_kwh());
  EXPECT_FALSE(region.has_best_hour_g_per_kwh());
  EXPECT_FALSE(region.has_best_hour_begin());
  ranked.next_hour = Grams();  // the grid is clean, and known to be
  ranked.best_hour = Grams::Of(120);
  ranked.best_hour_begin = Instant::FromSeconds(7200);
  ToWire(ranked, "local", Instant(), &region);
  EXPECT_TRUE(region.has_next_hour_g_per_kwh());
  EXPECT_EQ(region.next_hour_g_per_kwh(), 0);
  EXPECT_EQ(region.best_hour_g_per_kwh(), 120);
  EXPECT_EQ(region.best_hour_begin().seconds(), 7200);
}

}  // namespace
}  // namespace carbond
