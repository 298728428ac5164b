#include "tests/client/world.h"

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace carbond::client {

absl::Time At(const std::string& rfc3339) {
  const auto t = ParseInstant(rfc3339, {}, Lean::kAhead);
  if (!t.ok()) throw std::invalid_argument(rfc3339);
  return *t;
}

void Set(google::protobuf::Timestamp* field, const std::string& rfc3339) {
  *field = ToProto(At(rfc3339));
}

absl::TimeZone Berlin() {
  absl::TimeZone zone;
  if (!absl::LoadTimeZone("Europe/Berlin", &zone)) {
    throw std::runtime_error("no time zone data");
  }
  return zone;
}

Here Morning() { return {At("2026-11-21T09:00:00Z"), Berlin()}; }

v1::Forecast NovemberDay() {
  static constexpr double kHours[] = {430, 445, 420, 360, 290, 250, 240, 270,
                                      350, 440, 480, 470, 430, 390, 350, 320,
                                      300, 295, 300, 310, 330, 380, 420, 440};
  v1::Forecast forecast;
  forecast.set_region("here");
  forecast.set_zone("DE");
  forecast.set_provider("recorded");
  forecast.set_signal("average");
  forecast.set_mode(v1::FORECAST_MODE_FRESH);
  Set(forecast.mutable_issued_at(), "2026-11-21T08:30:00Z");
  Set(forecast.mutable_fetched_at(), "2026-11-21T08:31:00Z");
  Set(forecast.mutable_now(), "2026-11-21T09:00:00Z");
  forecast.set_clock_speed(1);
  absl::Time begin = At("2026-11-21T08:00:00Z");
  for (const double value : kHours) {
    v1::IntensityPoint* point = forecast.add_points();
    *point->mutable_begin() = ToProto(begin);
    begin += absl::Hours(1);
    *point->mutable_end() = ToProto(begin);
    point->set_intensity_g_per_kwh(value);
    point->set_climatology(forecast.points_size() > 18);
  }
  return forecast;
}

v1::Plan MiddayPlan() {
  v1::Plan plan;
  plan.set_region("here");
  v1::PlannedRun* interval = plan.add_intervals();
  Set(interval->mutable_begin(), "2026-11-21T12:00:00Z");
  Set(interval->mutable_end(), "2026-11-21T14:00:00Z");
  interval->set_region("here");
  Set(plan.mutable_finish_at(), "2026-11-21T14:00:00Z");
  plan.set_expected_g(412.4);
  plan.set_baseline_g(604);
  plan.set_expected_saving_fraction(0.317);
  plan.set_run_now_g(604);
  Set(plan.mutable_forecast_issued_at(), "2026-11-21T08:30:00Z");
  plan.set_reason("cleaner_hours");
  plan.set_why("waits until 2026-11-21T12:00:00Z for cleaner hours");
  Set(plan.mutable_made_at(), "2026-11-21T09:00:00Z");
  v1::Alternative* now = plan.add_alternatives();
  now->set_region("here");
  Set(now->mutable_begin(), "2026-11-21T09:00:00Z");
  now->set_expected_g(604);
  v1::Alternative* later = plan.add_alternatives();
  later->set_region("there");
  Set(later->mutable_begin(), "2026-11-22T00:00:00Z");
  return plan;
}

v1::Job WaitingJob(const std::string& id) {
  v1::Job job;
  job.set_id(id);
  v1::JobSpec* spec = job.mutable_spec();
  spec->set_name("train");
  spec->set_project("vision");
  spec->set_user("ada");
  for (const char* word : {"python3", "train.py", "--note", "it's new"}) {
    spec->add_command(word);
  }
  spec->set_workdir("/home/ada/vision");
  spec->set_gpus(1);
  spec->set_cpus(4);
  spec->mutable_duration()->set_seconds(2 * 3600);
  spec->set_power_w(300);
  spec->set_pause(v1::PAUSE_MODE_CHECKPOINT);
  job.set_state(v1::JOB_STATE_WAITING);
  job.set_region("here");
  Set(job.mutable_submitted_at(), "2026-11-21T09:00:00Z");
  Set(job.mutable_deadline(), "2026-11-21T20:00:00Z");
  job.set_deadline_declared(true);
  job.set_wait_reason("cleaner_hours");
  job.set_wait_reason_text(
      "waits until 2026-11-21T12:00:00Z for cleaner hours: saves 32 %");
  *job.mutable_plan() = MiddayPlan();
  job.set_clock_speed(1);
  return job;
}

v1::Job FinishedJob(const std::string& id) {
  v1::Job job = WaitingJob(id);
  job.set_state(v1::JOB_STATE_DONE);
  job.set_outcome(v1::OUTCOME_SUCCEEDED);
  job.set_exit_code(0);
  job.clear_wait_reason();
  job.clear_wait_reason_text();
  job.clear_plan();
  Set(job.mutable_started_at(), "2026-11-21T12:00:00Z");
  Set(job.mutable_finished_at(), "2026-11-21T16:00:00Z");
  struct {
    const char *begin, *end, *how;
    int exit_code;
  } const kRuns[] = {
      {"2026-11-21T12:00:00Z", "2026-11-21T13:30:00Z", "checkpointed", 85},
      {"2026-11-21T15:30:00Z", "2026-11-21T16:00:00Z", "succeeded", 0}};
  for (const auto& kRun : kRuns) {
    v1::Run* run = job.add_runs();
    run->set_run(job.runs_size());
    run->set_region("here");
    Set(run->mutable_issued_at(), kRun.begin);
    Set(run->mutable_started_at(), kRun.begin);
    Set(run->mutable_ended_at(), kRun.end);
    run->set_end(kRun.how);
    run->set_exit_code(kRun.exit_code);
    run->add_gpus(0);
    run->set_cpus(4);
  }
  job.set_pauses(1);
  job.set_progress_fraction(1);
  v1::Emissions* emissions = job.mutable_emissions();
  emissions->set_energy_kwh(0.72);
  emissions->set_emissions_g(412);
  emissions->set_baseline_g(604);
  emissions->set_saved_g(192);
  emissions->set_saved_fraction(192.0 / 604);
  emissions->set_signal("average");
  emissions->set_provider("recorded");
  emissions->set_quality(v1::QUALITY_PROVISIONAL);
  emissions->set_energy_source(v1::ENERGY_SOURCE_MODELLED);
  return job;
}

TemporaryFolder::TemporaryFolder() {
  std::string name =
      (std::filesystem::temp_directory_path() / "carbonctl.XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) {
    throw std::runtime_error("cannot make a folder " + name);
  }
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;  // a folder left behind in /tmp is no failure
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace carbond::client
