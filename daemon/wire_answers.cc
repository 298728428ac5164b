// The half of wire.h that speaks: domain to messages.

#include <algorithm>
#include <utility>

#include "daemon/wire.h"

namespace carbond {
namespace {

// A plan that was made before the job's last run ended is none any more: the
// next one is being made.
bool PlanHolds(const JobRecord& record) {
  if (!record.plan) return false;
  const Job& job = record.job;
  if (job.runs.empty() || job.state == State::kDone) return true;
  return record.plan->made_at >= job.runs.back().ended_at.value_or(Instant());
}

// One word and one sentence, while a job does not run.
std::pair<std::string, std::string> WaitReason(const JobRecord& record) {
  const Job& job = record.job;
  if (job.state == State::kStarting) {
    // On a cluster it may wait in the queue there.
    const Run& run = job.runs.back();
    return {"starting",
            run.not_before
                ? fmt::format("handed to {}, to begin at {}", run.region,
                              FormatInstant(*run.not_before))
                : fmt::format("handed to {} at {}, where it has not begun",
                              run.region, FormatInstant(run.issued_at))};
  }
  if (job.state != State::kWaiting && job.state != State::kPaused) return {};
  if (job.held_for_budget) {
    return {"budget",
            fmt::format("held until next month: {}; `carbonctl resume {}` lets "
                        "it go over the budget, and is recorded",
                        *job.held_for_budget, Number(job.id))};
  }
  if (!PlanHolds(record)) {
    if (job.held) return {Name(Reason::kHeld), "paused by its user"};
    return {"planning", "its plan is being made"};
  }
  const JobPlan& plan = record.plan->plan;
  return {Name(plan.reason), plan.why};
}

double ProgressOf(const Job& job) {
  if (job.outcome == Outcome::kSucceeded) return 1;
  if (job.spec->duration <= Duration(0)) return 0;
  double done = static_cast<double>(job.work_done.count()) /
                static_cast<double>(job.spec->duration.count());
  return std::clamp(done, 0.0, 1.0);
}

std::string RegionOf(const JobRecord& record) {
  if (const Run* run = LastNotRecalled(record.job)) return run->region;
  return record.plan ? record.plan->plan.region_name : "";
}

v1::EnergySource SourceOf(bool measured, bool modelled) {
  if (measured && modelled) return v1::ENERGY_SOURCE_MIXED;
  if (measured) return v1::ENERGY_SOURCE_MEASURED;
  if (modelled) return v1::ENERGY_SOURCE_MODELLED;
  return v1::ENERGY_SOURCE_UNSPECIFIED;
}

template <typename T>  // Emissions or SecondSignal
void SetSaving(Grams emitted, std::optional<Grams> baseline, T* to) {
  to->set_emissions_g(emitted.value());
  if (!baseline) return;
  Grams saved = *baseline - emitted;
  to->set_baseline_g(baseline->value());
  to->set_saved_g(saved.value());
  if (*baseline != Grams()) {
    to->set_saved_fraction(saved.value() / baseline->value());
  }
}

void SetOtherBaselines(std::optional<Grams> same_region,
                       std::optional<Grams> worst_start, v1::Emissions* to) {
  if (same_region) to->set_same_region_g(same_region->value());
  if (worst_start) to->set_worst_start_g(worst_start->value());
}

double Fraction(int64_t part, int64_t whole) {
  return whole == 0 ? 0
                    : static_cast<double>(part) / static_cast<double>(whole);
}

v1::IntensityPoint* AddPoint(const Slot& slot, v1::Forecast* to) {
  v1::IntensityPoint* point = to->add_points();
  ToWire(slot.interval.begin, point->mutable_begin());
  ToWire(slot.interval.end, point->mutable_end());
  point->set_intensity_g_per_kwh(slot.intensity.value());
  return point;
}

void AddExpected(const ZoneView& zone, Interval within, v1::Forecast* to) {
  const Series expected = zone.outlook.Clip(within);
  for (const Slot& slot : expected.slots()) {
    v1::IntensityPoint* point = AddPoint(slot, to);
    point->set_climatology(slot.interval.begin >= zone.forecast_end);
    const auto spread = zone.spread.At(slot.interval.begin);
    if (spread) point->set_spread_g_per_kwh(spread->value());
  }
}

void AddObserved(const Series& observed, v1::Forecast* to) {
  for (const Slot& slot : observed.slots()) {
    AddPoint(slot, to)->set_observed(true);
  }
}

}  // namespace

void ToWire(Instant from, google::protobuf::Timestamp* to) {
  int64_t ms = from.millis();
  int64_t second = ms >= 0 ? ms / 1000 : -((-ms + 999) / 1000);
  to->set_seconds(second);
  to->set_nanos(static_cast<int32_t>((ms - second * 1000) * 1'000'000));
}

void ToWire(Duration from, google::protobuf::Duration* to) {
  to->set_seconds(from.count() / 1000);
  to->set_nanos(static_cast<int32_t>(from.count() % 1000 * 1'000'000));
}

void ToWire(const JobSpec& from, v1::JobSpec* to) {
  to->set_name(from.name);
  to->set_project(from.project);
  to->set_user(from.user);
  *to->mutable_command() = {from.command.begin(), from.command.end()};
  to->mutable_env()->insert(from.env.begin(), from.env.end());
  to->set_workdir(from.workdir);
  to->set_gpus(from.need.gpus);
  to->set_cpus(from.need.cpus);
  ToWire(from.duration, to->mutable_duration());
  to->set_power_w(from.power.value());
  to->set_idle_power_w(from.idle_power.value());
  if (from.earliest) ToWire(*from.earliest, to->mutable_earliest());
  // What was declared: a deadline that the daemon set is the job's alone.
  if (from.deadline && from.deadline_declared) {
    ToWire(*from.deadline, to->mutable_deadline());
  }
  *to->mutable_regions() = {from.regions.begin(), from.regions.end()};
  to->set_home_region(from.home_region);
  to->set_pause(ToWire(from.pause));
  to->set_checkpoint_signal(from.checkpoint_signal);
  to->set_on_pause(from.on_pause);
  to->set_on_resume(from.on_resume);
  ToWire(from.checkpoint_cost, to->mutable_checkpoint_cost());
  ToWire(from.resume_cost, to->mutable_resume_cost());
  ToWire(from.checkpoint_timeout, to->mutable_checkpoint_timeout());
  ToWire(from.min_run, to->mutable_min_run());
  ToWire(from.min_pause, to->mutable_min_pause());
  if (from.max_intensity) {
    to->set_max_intensity_g_per_kwh(from.max_intensity->value());
  }
  to->set_min_saving_fraction(from.min_saving);
  to->set_priority(from.priority);
  to->set_retries(from.retries);
  if (from.time_limit) ToWire(*from.time_limit, to->mutable_time_limit());
  to->set_data_gb(from.data_gb);
  if (from.max_pauses) to->set_max_pauses(*from.max_pauses);
  to->set_delay_cost_g_per_h(from.delay_cost_per_hour.value());
  to->set_duration_learnt_from(from.duration_learnt_from);
}

void ToWire(const PlanRecord& from, v1::Plan* to) {
  const JobPlan& plan = from.plan;
  to->set_region(plan.region_name);
  for (const PlannedRun& run : plan.runs) {
    v1::PlannedRun* added = to->add_intervals();
    ToWire(run.interval.begin, added->mutable_begin());
    ToWire(run.interval.end, added->mutable_end());
    added->set_region(run.region_name);
  }
  if (plan.finish_at) ToWire(*plan.finish_at, to->mutable_finish_at());
  if (from.expected_total) to->set_expected_g(from.expected_total->value());
  if (from.baseline) to->set_baseline_g(from.baseline->value());
  if (from.expected_total && from.baseline && *from.baseline != Grams()) {
    Grams saved = *from.baseline - *from.expected_total;
    to->set_expected_saving_fraction(saved.value() / from.baseline->value());
  }
  if (plan.forecast_issued_at) {
    ToWire(*plan.forecast_issued_at, to->mutable_forecast_issued_at());
  }
  to->set_reason(Name(plan.reason));
  to->set_why(plan.why);
  for (const Alternative& other : plan.alternatives) {
    v1::Alternative* added = to->add_alternatives();
    added->set_region(other.region);
    ToWire(other.begin, added->mutable_begin());
    if (other.expected) added->set_expected_g(other.expected->value());
  }
  to->set_late(plan.late);
  ToWire(from.made_at, to->mutable_made_at());
  if (plan.run_now) to->set_run_now_g(plan.run_now->value());
  if (plan.together.jobs > 0) {
    v1::PlanQuality* together = to->mutable_together();
    together->set_jobs(plan.together.jobs);
    together->set_expected_g(plan.together.expected.value());
    together->set_lower_bound_g(plan.together.lower_bound.value());
  }
}

void ToWire(const Run& from, v1::Run* to) {
  to->set_run(from.number);
  to->set_region(from.region);
  ToWire(from.issued_at, to->mutable_issued_at());
  if (from.started_at) ToWire(*from.started_at, to->mutable_started_at());
  if (from.ended_at) ToWire(*from.ended_at, to->mutable_ended_at());
  if (from.end != RunEnd::kNone) to->set_end(Name(from.end));
  if (from.exit_code) to->set_exit_code(*from.exit_code);
  if (from.signal) to->set_signal(*from.signal);
  to->set_detail(from.detail);
  *to->mutable_gpus() = {from.allotment.gpus.begin(),
                         from.allotment.gpus.end()};
  to->set_cpus(from.allotment.cpus);
  to->set_data_from(from.move.from);
}

void ToWire(const JobEmissions& from, v1::Emissions* to) {
  to->set_energy_kwh(KilowattHours(from.facility_energy));
  SetSaving(from.grams, from.baseline, to);
  to->set_signal(from.signal);
  to->set_provider(from.provider);
  to->set_quality(ToWire(from.quality));
  to->set_energy_source(SourceOf(from.any_measured, from.any_modelled));
  ToWire(from.unknown, to->mutable_unknown());
  SetOtherBaselines(from.same_region, from.worst_start, to);
  ToWire(from.forecast, to->mutable_forecast());
  if (from.stated_at) ToWire(*from.stated_at, to->mutable_stated_at());
  to->set_version(from.version);
  to->set_measured_kwh(KilowattHours(from.measured_facility));
}

namespace {

void ToWire(const Superseded& from, v1::Superseded* to) {
  to->set_version(from.version);
  ToWire(from.stated_at, to->mutable_stated_at());
  ToWire(from.superseded_at, to->mutable_superseded_at());
  to->set_why(from.why);
  to->set_energy_kwh(KilowattHours(from.facility_energy));
  to->set_emissions_g(from.grams.value());
  if (from.baseline) to->set_baseline_g(from.baseline->value());
}

void ToWire(const EmissionsPart& from, v1::EmissionsPart* to) {
  to->set_what(from.what);
  to->set_energy_kwh(KilowattHours(from.facility_energy));
  to->set_emissions_g(from.grams.value());
}

}  // namespace

void ToWire(const ReportRow& from, v1::EmissionsGroup* to) {
  to->set_key(from.key);
  to->set_jobs(from.jobs);
  to->set_measured_fraction(Fraction(from.measured_energy.thousandths(),
                                     from.facility_energy.thousandths()));
  to->set_settled_fraction(
      Fraction(from.settled_grams.thousandths(), from.grams.thousandths()));
  if (from.it_energy) to->set_it_energy_kwh(KilowattHours(*from.it_energy));
  if (from.accounted_energy) {
    to->set_accounted_energy_kwh(KilowattHours(*from.accounted_energy));
  }
  to->set_zone(from.zone);
  v1::Emissions* emissions = to->mutable_emissions();
  emissions->set_energy_kwh(KilowattHours(from.facility_energy));
  SetSaving(from.grams, from.baseline, emissions);
  emissions->set_signal(from.signal);
  emissions->set_provider(from.provider);
  emissions->set_quality(from.settled ? v1::QUALITY_SETTLED
                                      : v1::QUALITY_PROVISIONAL);
  const bool measured =
      from.any_measured || from.measured_energy != WattHours();
  emissions->set_energy_source(
      SourceOf(measured, from.facility_energy != from.measured_energy));
  ToWire(from.unknown, emissions->mutable_unknown());
  SetOtherBaselines(from.same_region, from.worst_start, emissions);
  if (from.second) {
    v1::SecondSignal* beside = emissions->mutable_second();
    beside->set_signal(from.second->signal);
    SetSaving(from.second->grams, from.second->baseline, beside);
    beside->set_quality(from.second->settled ? v1::QUALITY_SETTLED
                                             : v1::QUALITY_PROVISIONAL);
    ToWire(from.second->unknown, beside->mutable_unknown());
  }
}

void ToWire(const BudgetUse& from, v1::Budget* to) {
  to->set_of(Name(from.budget.of));
  to->set_name(from.name);
  to->set_signal(from.signal);
  to->set_spent_g(from.spent.value());
  to->set_monthly_g(from.budget.monthly.value());
  to->set_then(Name(from.budget.then));
}

void ToWire(const EmbodiedConfig& from, v1::EmbodiedHardware* to) {
  to->set_total_g(from.kg * 1000);
  to->set_gpus(from.gpus);
  to->set_cpus(from.cpus);
  to->set_lifetime_h(from.years * 365 * 24);
}

void ToWire(const JobRecord& from, double clock_speed, v1::Job* to) {
  const Job& job = from.job;
  to->set_id(std::to_string(Number(job.id)));
  ToWire(job.spec, to->mutable_spec());
  to->set_state(ToWire(job.state));
  to->set_outcome(ToWire(job.outcome));
  if (job.exit_code) to->set_exit_code(*job.exit_code);
  to->set_region(RegionOf(from));
  ToWire(job.submitted_at, to->mutable_submitted_at());
  if (job.started_at) ToWire(*job.started_at, to->mutable_started_at());
  if (job.finished_at) ToWire(*job.finished_at, to->mutable_finished_at());
  if (job.spec->deadline) ToWire(*job.spec->deadline, to->mutable_deadline());
  to->set_deadline_declared(job.spec->deadline_declared);
  auto [word, sentence] = WaitReason(from);
  to->set_wait_reason(std::move(word));
  to->set_wait_reason_text(std::move(sentence));
  for (const Run& run : job.runs) ToWire(run, to->add_runs());
  to->set_pauses(Pauses(job));
  if (PlanHolds(from)) ToWire(*from.plan, to->mutable_plan());
  if (from.emissions) {
    v1::Emissions* emissions = to->mutable_emissions();
    ToWire(*from.emissions, emissions);
    if (from.second) {
      const JobEmissions& second = *from.second;
      v1::SecondSignal* beside = emissions->mutable_second();
      beside->set_signal(second.signal);
      beside->set_provider(second.provider);
      SetSaving(second.grams, second.baseline, beside);
      beside->set_quality(ToWire(second.quality));
      ToWire(second.unknown, beside->mutable_unknown());
    }
    for (const Superseded& each : from.superseded) {
      ToWire(each, emissions->add_superseded());
    }
    for (const EmissionsPart& each : from.parts) {
      ToWire(each, emissions->add_parts());
    }
  }
  to->set_held(job.held);
  to->set_cancel_requested(job.cancel_requested);
  to->set_progress_fraction(ProgressOf(job));
  to->set_clock_speed(clock_speed);
  if (!job.spec->adopted()) return;
  v1::QueueEntry* entry = to->mutable_queue_entry();
  entry->set_queue(job.spec->entry.queue);
  entry->set_number(job.spec->entry.number);
  entry->set_remark(job.spec->entry.remark);
}

void ToWire(const RankedRegion& from, const std::string& executor, Instant now,
            v1::Region* to) {
  const Region& region = from.view.region;
  const ZoneView& zone = from.view.zone;
  to->set_name(region.name);
  to->set_zone(region.zone);
  to->set_provider(zone.provider);
  to->set_mode(ToWire(zone.mode));
  if (zone.issued_at) {
    ToWire(*zone.issued_at, to->mutable_issued_at());
    ToWire(std::max(now - *zone.issued_at, Duration(0)), to->mutable_age());
  }
  std::optional<GramsPerKwh> intensity = zone.observed.At(now);
  if (!intensity) intensity = zone.outlook.At(now);
  if (intensity) to->set_intensity_g_per_kwh(intensity->value());
  to->set_pue(region.pue.value());
  to->set_gpus(region.capacity.gpus);
  to->set_cpus(region.capacity.cpus);
  to->set_gpus_used(from.view.used.gpus);
  to->set_cpus_used(from.view.used.cpus);
  to->set_executor(executor);
  to->set_signal(zone.signal);
  to->set_drained(region.drained);
  if (from.next_hour) to->set_next_hour_g_per_kwh(from.next_hour->value());
  if (from.best_hour) to->set_best_hour_g_per_kwh(from.best_hour->value());
  if (from.best_hour_begin) {
    ToWire(*from.best_hour_begin, to->mutable_best_hour_begin());
  }
}

void ToWire(const ProviderReport& from, v1::Provider* to) {
  to->set_name(from.name);
  to->set_type(from.type);
  to->set_signal(from.signal);
  if (!from.fetched) return;
  to->set_requests_today(from.fetched->requests_today);
  to->set_requests_yesterday(from.fetched->requests_yesterday);
  to->set_request_limit(from.fetched->most_requests);
  ToWire(from.fetched->per, to->mutable_request_limit_period());
  for (const FetchReport::Zone& zone : from.fetched->zones) {
    v1::ProviderZone* each = to->add_zones();
    each->set_zone(zone.name);
    each->set_trouble(zone.trouble);
    if (zone.issued_at) ToWire(*zone.issued_at, each->mutable_issued_at());
    if (zone.fetched_at) ToWire(*zone.fetched_at, each->mutable_fetched_at());
    if (zone.observed_until) {
      ToWire(*zone.observed_until, each->mutable_observed_until());
    }
  }
}

void ToWire(const Picture& from, v1::Forecast* to) {
  const ZoneView& zone = from.region.zone;
  to->set_region(from.region.region.name);
  to->set_zone(from.region.region.zone);
  to->set_provider(zone.provider);
  to->set_signal(zone.signal);
  to->set_mode(ToWire(zone.mode));
  if (zone.issued_at) ToWire(*zone.issued_at, to->mutable_issued_at());
  if (zone.fetched_at) ToWire(*zone.fetched_at, to->mutable_fetched_at());
  to->set_clock_speed(from.clock_speed);
  ToWire(from.now, to->mutable_now());

  // In order of time: what was observed, and between and after it what is or
  // was expected.
  Series observed = from.observed.Clip(from.within);
  Instant at = from.within.begin;
  for (const Interval& gap : observed.Gaps(from.within)) {
    AddObserved(observed.Clip({at, gap.begin}), to);
    AddExpected(zone, gap, to);
    at = gap.end;
  }
  AddObserved(observed.Clip({at, from.within.end}), to);
}

v1::JobState ToWire(State state) {
  switch (state) {
    case State::kWaiting:
      return v1::JOB_STATE_WAITING;
    case State::kStarting:
      return v1::JOB_STATE_STARTING;
    case State::kRunning:
      return v1::JOB_STATE_RUNNING;
    case State::kPaused:
      return v1::JOB_STATE_PAUSED;
    case State::kDone:
      return v1::JOB_STATE_DONE;
  }
  return v1::JOB_STATE_UNSPECIFIED;
}

v1::Outcome ToWire(Outcome outcome) {
  switch (outcome) {
    case Outcome::kNone:
      return v1::OUTCOME_UNSPECIFIED;
    case Outcome::kSucceeded:
      return v1::OUTCOME_SUCCEEDED;
    case Outcome::kFailed:
      return v1::OUTCOME_FAILED;
    case Outcome::kCancelled:
      return v1::OUTCOME_CANCELLED;
    case Outcome::kLost:
      return v1::OUTCOME_LOST;
  }
  return v1::OUTCOME_UNSPECIFIED;
}

v1::PauseMode ToWire(PauseMode mode) {
  switch (mode) {
    case PauseMode::kNone:
      return v1::PAUSE_MODE_NONE;
    case PauseMode::kSuspend:
      return v1::PAUSE_MODE_SUSPEND;
    case PauseMode::kCheckpoint:
      return v1::PAUSE_MODE_CHECKPOINT;
  }
  return v1::PAUSE_MODE_UNSPECIFIED;
}

v1::Quality ToWire(Quality quality) {
  return quality == Quality::kSettled ? v1::QUALITY_SETTLED
                                      : v1::QUALITY_PROVISIONAL;
}

v1::ForecastMode ToWire(ZoneView::Mode mode) {
  switch (mode) {
    case ZoneView::Mode::kFresh:
      return v1::FORECAST_MODE_FRESH;
    case ZoneView::Mode::kLate:
      return v1::FORECAST_MODE_LATE;
    case ZoneView::Mode::kStale:
      return v1::FORECAST_MODE_STALE;
    case ZoneView::Mode::kClimatology:
      return v1::FORECAST_MODE_CLIMATOLOGY;
    case ZoneView::Mode::kNone:
      return v1::FORECAST_MODE_NONE;
  }
  return v1::FORECAST_MODE_UNSPECIFIED;
}

}  // namespace carbond
