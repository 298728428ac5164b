#include "client/json_out.h"

#include <nlohmann/json.hpp>

#include "client/local_time.h"
#include "client/names.h"

namespace carbond::client {
namespace {

Json Instant(bool present, const google::protobuf::Timestamp& t) {
  return present ? Json(FormatUtc(FromProto(t))) : Json(nullptr);
}

Json OrNull(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

template <class Value>
Json OrNull(bool present, Value value) {
  return present ? Json(value) : Json(nullptr);
}

double Seconds(const google::protobuf::Duration& d) {
  return static_cast<double>(d.seconds()) + d.nanos() / 1e9;
}

template <class Messages, class Convert>
Json Array(const Messages& messages, const Convert& convert) {
  Json array = Json::array();
  for (const auto& message : messages) array.push_back(convert(message));
  return array;
}

Json IntervalJson(const v1::PlannedRun& interval) {
  return {{"region", OrNull(interval.region())},
          {"begin", Instant(interval.has_begin(), interval.begin())},
          {"end", Instant(interval.has_end(), interval.end())}};
}

Json AlternativeJson(const v1::Alternative& alternative) {
  return {{"region", alternative.region()},
          {"begin", Instant(alternative.has_begin(), alternative.begin())},
          {"expected_g",
           OrNull(alternative.has_expected_g(), alternative.expected_g())}};
}

Json RunJson(const v1::Run& run) {
  return {
      {"run", run.run()},
      {"region", OrNull(run.region())},
      {"issued_at", Instant(run.has_issued_at(), run.issued_at())},
      {"started_at", Instant(run.has_started_at(), run.started_at())},
      {"ended_at", Instant(run.has_ended_at(), run.ended_at())},
      {"end", run.end() == "none" ? Json(nullptr) : OrNull(run.end())},
      {"exit_code", OrNull(run.has_exit_code(), run.exit_code())},
      {"signal", OrNull(run.has_signal(), run.signal())},
      {"detail", OrNull(run.detail())},
      {"gpus", Json(std::vector<int>(run.gpus().begin(), run.gpus().end()))},
      {"cpus", run.cpus()},
      {"data_from", OrNull(run.data_from())}};
}

// How good the plan of all jobs is: no plan emits less than the bound.
Json TogetherJson(const v1::PlanQuality& together) {
  const double bound = together.lower_bound_g();
  return {{"jobs", together.jobs()},
          {"expected_g", together.expected_g()},
          {"lower_bound_g", bound},
          {"gap", bound > 0 ? Json((together.expected_g() - bound) / bound)
                            : Json(nullptr)}};
}

Json PointJson(const v1::IntensityPoint& point) {
  return {{"begin", Instant(point.has_begin(), point.begin())},
          {"end", Instant(point.has_end(), point.end())},
          {"intensity_g_per_kwh", point.intensity_g_per_kwh()},
          {"climatology", point.climatology()},
          {"observed", point.observed()},
          {"spread_g_per_kwh",
           OrNull(point.has_spread_g_per_kwh(), point.spread_g_per_kwh())}};
}

// What a clock that nobody set runs at.
double Speed(double clock_speed) { return clock_speed > 0 ? clock_speed : 1; }

Json PartJson(const v1::EmissionsPart& part) {
  return {{"what", part.what()},
          {"energy_kwh", part.energy_kwh()},
          {"emissions_g", part.emissions_g()}};
}

Json SupersededJson(const v1::Superseded& earlier) {
  return {
      {"version", earlier.version()},
      {"stated_at", Instant(true, earlier.stated_at())},
      {"superseded_at", Instant(true, earlier.superseded_at())},
      {"why", earlier.why()},
      {"energy_kwh", earlier.energy_kwh()},
      {"emissions_g", earlier.emissions_g()},
      {"baseline_g", OrNull(earlier.has_baseline_g(), earlier.baseline_g())}};
}

Json JobEmissionsJson(const v1::Emissions& emissions) {
  Json json = ToJson(emissions);
  json["forecast_s"] = Seconds(emissions.forecast());
  json["stated_at"] = Instant(emissions.has_stated_at(), emissions.stated_at());
  json["version"] = emissions.version();
  json["measured_kwh"] = emissions.measured_kwh();
  json["parts"] = Array(emissions.parts(), PartJson);
  json["superseded"] = Array(emissions.superseded(), SupersededJson);
  return json;
}

Json GroupJson(const v1::EmissionsGroup& group) {
  Json json = ToJson(group.emissions());
  json["jobs"] = group.jobs();
  json["measured_fraction"] = group.measured_fraction();
  json["settled_fraction"] = group.settled_fraction();
  json["it_energy_kwh"] =
      OrNull(group.has_it_energy_kwh(), group.it_energy_kwh());
  json["accounted_energy_kwh"] =
      OrNull(group.has_accounted_energy_kwh(), group.accounted_energy_kwh());
  json["zone"] = OrNull(group.zone());
  return json;
}

}  // namespace

Json ToJson(const v1::Plan& plan) {
  return {{"region", OrNull(plan.region())},
          {"intervals", Array(plan.intervals(), IntervalJson)},
          {"finish_at", Instant(plan.has_finish_at(), plan.finish_at())},
          {"expected_g", OrNull(plan.has_expected_g(), plan.expected_g())},
          {"baseline_g", OrNull(plan.has_baseline_g(), plan.baseline_g())},
          {"expected_saving", OrNull(plan.has_expected_saving_fraction(),
                                     plan.expected_saving_fraction())},
          {"run_now_g", OrNull(plan.has_run_now_g(), plan.run_now_g())},
          {"forecast_issued_at",
           Instant(plan.has_forecast_issued_at(), plan.forecast_issued_at())},
          {"reason", OrNull(plan.reason())},
          {"why", OrNull(plan.why())},
          {"late", plan.late()},
          {"made_at", Instant(plan.has_made_at(), plan.made_at())},
          {"alternatives", Array(plan.alternatives(), AlternativeJson)},
          {"together", plan.has_together() ? TogetherJson(plan.together())
                                           : Json(nullptr)}};
}

Json ToJson(const v1::PlanJobResponse& planned) {
  Json json = ToJson(planned.plan());
  const v1::Forecast& intensity = planned.intensity();
  json["signal"] = OrNull(intensity.signal());
  json["provider"] = OrNull(intensity.provider());
  json["mode"] = OrNull(Name(intensity.mode()));
  json["deadline"] =
      Instant(planned.job().has_deadline(), planned.job().deadline());
  json["clock_speed"] = Speed(intensity.clock_speed());
  return json;
}

Json ToJson(const v1::Emissions& emissions) {
  const v1::SecondSignal& second = emissions.second();
  return {
      {"energy_kwh", emissions.energy_kwh()},
      {"emissions_g", emissions.emissions_g()},
      {"baseline_g",
       OrNull(emissions.has_baseline_g(), emissions.baseline_g())},
      {"saved_g", OrNull(emissions.has_saved_g(), emissions.saved_g())},
      {"saved_fraction",
       OrNull(emissions.has_saved_fraction(), emissions.saved_fraction())},
      {"signal", OrNull(emissions.signal())},
      {"provider", OrNull(emissions.provider())},
      {"quality", OrNull(Name(emissions.quality()))},
      {"energy_source", OrNull(Name(emissions.energy_source()))},
      {"unknown_s", Seconds(emissions.unknown())},
      {"same_region_g",
       OrNull(emissions.has_same_region_g(), emissions.same_region_g())},
      {"worst_start_g",
       OrNull(emissions.has_worst_start_g(), emissions.worst_start_g())},
      {"second_signal", OrNull(second.signal())},
      {"second_emissions_g",
       OrNull(emissions.has_second(), second.emissions_g())},
      {"second_baseline_g",
       OrNull(second.has_baseline_g(), second.baseline_g())},
      {"second_saved_g", OrNull(second.has_saved_g(), second.saved_g())},
      {"second_quality",
       emissions.has_second() ? OrNull(Name(second.quality())) : Json(nullptr)},
      {"second_unknown_s", emissions.has_second()
                               ? Json(Seconds(second.unknown()))
                               : Json(nullptr)}};
}

Json ToJson(const v1::Job& job) {
  const v1::JobSpec& spec = job.spec();
  Json json = {
      {"id", job.id()},
      {"name", spec.name()},
      {"project", OrNull(spec.project())},
      {"user", OrNull(spec.user())},
      {"state", OrNull(Name(job.state()))},
      {"outcome", OrNull(Name(job.outcome()))},
      {"exit_code", OrNull(job.has_exit_code(), job.exit_code())},
      {"region", OrNull(job.region())},
      {"submitted_at", Instant(job.has_submitted_at(), job.submitted_at())},
      {"started_at", Instant(job.has_started_at(), job.started_at())},
      {"finished_at", Instant(job.has_finished_at(), job.finished_at())},
      {"deadline", Instant(job.has_deadline(), job.deadline())},
      {"deadline_declared", job.deadline_declared()},
      {"wait_reason", OrNull(job.wait_reason())},
      {"wait_reason_text", OrNull(job.wait_reason_text())},
      {"held", job.held()},
      {"cancel_requested", job.cancel_requested()},
      {"progress_fraction", job.progress_fraction()},
      {"command", Json(std::vector<std::string>(spec.command().begin(),
                                                spec.command().end()))},
      {"workdir", OrNull(spec.workdir())},
      {"gpus", spec.gpus()},
      {"cpus", spec.cpus()},
      {"duration_s", Seconds(spec.duration())},
      {"power_w", OrNull(spec.has_power_w(), spec.power_w())},
      {"pause", Name(spec.pause())},
      {"runs", Array(job.runs(), RunJson)},
      {"pauses", job.pauses()},
      {"plan", job.has_plan() ? ToJson(job.plan()) : Json(nullptr)},
      {"emissions",
       job.has_emissions() ? JobEmissionsJson(job.emissions()) : Json(nullptr)},
      {"clock_speed", Speed(job.clock_speed())}};
  if (job.has_queue_entry()) {
    const v1::QueueEntry& entry = job.queue_entry();
    json["queue_entry"] = {{"queue", entry.queue()},
                           {"number", entry.number()},
                           {"remark", OrNull(entry.remark())}};
  }
  if (job.has_intensity()) json["intensity"] = ToJson(job.intensity());
  return json;
}

Json ToJson(const v1::Forecast& forecast) {
  return {
      {"region", OrNull(forecast.region())},
      {"zone", OrNull(forecast.zone())},
      {"provider", OrNull(forecast.provider())},
      {"signal", OrNull(forecast.signal())},
      {"mode", OrNull(Name(forecast.mode()))},
      {"issued_at", Instant(forecast.has_issued_at(), forecast.issued_at())},
      {"fetched_at", Instant(forecast.has_fetched_at(), forecast.fetched_at())},
      {"now", Instant(forecast.has_now(), forecast.now())},
      {"clock_speed", Speed(forecast.clock_speed())},
      {"points", Array(forecast.points(), PointJson)}};
}

Json ToJson(const v1::Provider& provider) {
  const auto zone_json = [](const v1::ProviderZone& zone) -> Json {
    return {{"zone", zone.zone()},
            {"issued_at", Instant(zone.has_issued_at(), zone.issued_at())},
            {"fetched_at", Instant(zone.has_fetched_at(), zone.fetched_at())},
            {"observed_until",
             Instant(zone.has_observed_until(), zone.observed_until())},
            {"trouble", OrNull(zone.trouble())}};
  };
  const bool limited = provider.request_limit() > 0;
  return {{"name", provider.name()},
          {"type", provider.type()},
          {"signal", provider.signal()},
          {"requests_today",
           OrNull(provider.has_requests_today(), provider.requests_today())},
          {"requests_yesterday", OrNull(provider.has_requests_yesterday(),
                                        provider.requests_yesterday())},
          {"request_limit", OrNull(limited, provider.request_limit())},
          {"request_limit_period_s",
           OrNull(limited, provider.request_limit_period().seconds())},
          {"zones", Array(provider.zones(), zone_json)}};
}

Json ToJson(const v1::Region& region, double clock_speed) {
  return {
      {"name", region.name()},
      {"zone", OrNull(region.zone())},
      {"provider", OrNull(region.provider())},
      {"signal", OrNull(region.signal())},
      {"mode", OrNull(Name(region.mode()))},
      {"issued_at", Instant(region.has_issued_at(), region.issued_at())},
      {"age_s", OrNull(region.has_age(), Seconds(region.age()))},
      {"intensity_g_per_kwh",
       OrNull(region.has_intensity_g_per_kwh(), region.intensity_g_per_kwh())},
      {"pue", region.pue()},
      {"capacity", {{"gpus", region.gpus()}, {"cpus", region.cpus()}}},
      {"used", {{"gpus", region.gpus_used()}, {"cpus", region.cpus_used()}}},
      {"executor", OrNull(region.executor())},
      {"drained", region.drained()},
      {"next_hour_g_per_kwh",
       OrNull(region.has_next_hour_g_per_kwh(), region.next_hour_g_per_kwh())},
      {"best_hour_g_per_kwh",
       OrNull(region.has_best_hour_g_per_kwh(), region.best_hour_g_per_kwh())},
      {"best_hour_begin",
       Instant(region.has_best_hour_begin(), region.best_hour_begin())},
      {"clock_speed", Speed(clock_speed)}};
}

Json GroupsToJson(const v1::ReportEmissionsResponse& report, v1::GroupBy by) {
  Json array = Json::array();
  for (const v1::EmissionsGroup& group : report.groups()) {
    Json json = {{"by", Name(by)}, {"key", group.key()}};
    json.update(GroupJson(group));
    json["clock_speed"] = Speed(report.clock_speed());
    array.push_back(std::move(json));
  }
  return array;
}

Json TotalToJson(const v1::ReportEmissionsResponse& report) {
  Json json;
  if (report.groups_size() == 1) {
    json = GroupJson(report.groups(0));
  } else {
    json = GroupJson(v1::EmissionsGroup());
    double energy_kwh = 0;
    for (const v1::EmissionsGroup& group : report.groups()) {
      energy_kwh += group.emissions().energy_kwh();
    }
    if (report.groups_size() > 1) {
      for (auto& value : json) value = nullptr;
    }
    json["energy_kwh"] = energy_kwh;
  }
  json["clock_speed"] = Speed(report.clock_speed());
  json["by_signal"] = Array(report.groups(), GroupJson);
  return json;
}

Json ToJson(const v1::ListBudgetsResponse& answer) {
  Json array = Json::array();
  for (const v1::Budget& budget : answer.budgets()) {
    array.push_back({{"month", answer.month()},
                     {"of", budget.of()},
                     {"name", budget.name()},
                     {"signal", OrNull(budget.signal())},
                     {"spent_g", budget.spent_g()},
                     {"monthly_g", budget.monthly_g()},
                     {"then", budget.then()},
                     {"held_jobs", budget.held_jobs()},
                     {"clock_speed", Speed(answer.clock_speed())}});
  }
  return array;
}

Json ToJson(const v1::WatchJobsResponse& happening) {
  if (happening.what_case() == v1::WatchJobsResponse::kCaughtUp) {
    return {{"caught_up", true}};
  }
  return {
      {"event", OrNull(happening.event())},
      {"at", Instant(happening.has_at(), happening.at())},
      {"job", happening.has_job() ? ToJson(happening.job()) : Json(nullptr)}};
}

Json ToJson(const v1::ReadLogsResponse& piece) {
  return {{"run", piece.run()},
          {"stream", piece.is_stderr() ? "stderr" : "stdout"},
          {"data", piece.data()}};
}

std::string Pretty(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string OneLine(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace carbond::client
