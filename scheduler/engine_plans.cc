// What the planner is asked, and what becomes of its answer.

#include <algorithm>
#include <cmath>

#include "scheduler/engine.h"
#include "scheduler/engine_transaction.h"
#include "scheduler/plan_input.h"

namespace carbond {
namespace {

// How far ahead any plan may look.
constexpr Duration kFarthest = hours(24 * 30);
constexpr Duration kOutlookAhead = hours(12);
// A job that has not shown a sign of life is not signalled before this.
constexpr Duration kLeastLife = seconds(30);

// Whether a plan says something else than the one that the ledger has: a run
// under way begins "now" in every plan, and grams move a little all the time.
bool Differs(const PlanRecord& before, const PlanRecord& after) {
  const JobPlan& a = before.plan;
  const JobPlan& b = after.plan;
  if (a.reason != b.reason || a.region_name != b.region_name ||
      a.late != b.late || a.runs.size() != b.runs.size()) {
    return true;
  }
  for (size_t i = 0; i < a.runs.size(); ++i) {
    const Interval& was = a.runs[i].interval;
    const Interval& is = b.runs[i].interval;
    const bool under_way =
        was.begin <= before.made_at && is.begin <= after.made_at;
    if (!under_way && !About(was.begin, is.begin)) return true;
    if (!About(was.end, is.end)) return true;
    if (a.runs[i].region_name != b.runs[i].region_name) return true;
  }
  if (before.expected_total.has_value() != after.expected_total.has_value()) {
    return true;
  }
  if (!after.expected_total) return false;
  const double old_g = before.expected_total->value();
  const double new_g = after.expected_total->value();
  return std::abs(new_g - old_g) > 0.01 * std::abs(old_g);
}

}  // namespace

int Engine::RegionIndex(const std::string& name) const {
  for (size_t i = 0; i < options_.regions.size(); ++i) {
    if (options_.regions[i].name == name) return static_cast<int>(i);
  }
  return -1;
}

Outlook Engine::OutlookOf(const std::string& name, Instant until) const {
  const auto it = zones_.find(name);
  if (it == zones_.end()) {
    Outlook nothing;
    nothing.forecast_end = now_;
    return nothing;
  }
  const Zone& zone = it->second;
  if (!zone.outlook || now_ >= zone.outlook_valid_until ||
      until > zone.outlook_until) {
    // Farther than asked: the next job's deadline lies a little later, and
    // plans hold while nobody expects anything else.
    zone.outlook_until = until + kOutlookAhead;
    zone.outlook = MakeZoneOutlook(zone, zone.outlook_until);
    zone.outlook_valid_until = Instant::Never();
    const Series& series = zone.outlook->series;
    const auto until_at_most = [&](Instant t) {
      if (t > now_) {
        zone.outlook_valid_until = std::min(zone.outlook_valid_until, t);
      }
    };
    if (!series.empty()) until_at_most(series.slots().front().interval.end);
    if (zone.forecast) {  // when it becomes late, and when it is stale
      const Instant issued = zone.forecast->issued_at + Duration(1);
      until_at_most(issued + 2 * zone.issue_period);
      until_at_most(issued + StaleAfter(zone));
    }
  }
  Outlook outlook = *zone.outlook;
  outlook.series = outlook.series.Clip({now_, until});
  outlook.forecast_end =
      std::clamp(outlook.forecast_end, now_, std::max(now_, until));
  return outlook;
}

Duration Engine::StaleAfter(const Zone& zone) const {
  if (!zone.forecast) return options_.stale_after;
  const auto own = options_.stale_after_of.find(zone.forecast->provider);
  return own == options_.stale_after_of.end() ? options_.stale_after
                                              : own->second;
}

Outlook Engine::MakeZoneOutlook(const Zone& zone, Instant until) const {
  if (zone.signal == kYearlySignal) {
    return YearlyOutlook(now_, until, zone.known.observed);
  }
  Outlook outlook = MakeOutlook(now_, until, zone.forecast, zone.known.observed,
                                zone.issue_period, StaleAfter(zone));
  if (!options_.learn) return outlook;
  const Series nothing;
  const bool used = outlook.forecast_end > now_;
  outlook.series =
      zone.correction.Correct(now_, outlook.series,
                              {zone.known.observed, now_, zone.known.expected,
                               used ? zone.forecast->series : nothing});
  return outlook;
}

// The latest instant that any plan must look at.
Instant Engine::Horizon() const {
  return std::clamp(latest_deadline_, now_ + hours(24), now_ + kFarthest);
}

// Whether it was decided before that its waiting is worth it.
bool Engine::Waits(const Job& job, const Track& track) {
  return LastNotRecalled(job) != nullptr ||
         (track.plan && track.plan->plan.reason == Reason::kCleanerHours);
}

// When the pause that it is in has lasted long enough. One that its user ended
// has, and what failed was not paused.
Instant Engine::MayResumeFrom(const Job& job) {
  if (job.released_at || job.spec->min_pause <= Duration(0)) return Instant();
  const Run* last = LastNotRecalled(job);
  if (job.state == State::kStarting) last = LastNotRecalled(job, 1);
  const bool paused = job.state == State::kPaused ||
                      (job.state == State::kStarting && last != nullptr &&
                       last->end == RunEnd::kCheckpointed);
  return paused ? *last->ended_at + job.spec->min_pause : Instant();
}

PlanJob Engine::PlanJobOf(const Job& job) const {
  const JobSpec& spec = job.spec;
  PlanJob plan = carbond::PlanJobOf(spec, options_.transfer);
  plan.id = job.id;
  const auto track = tracks_.find(job.id);
  plan.waits = track != tracks_.end() && Waits(job, track->second);
  if (spec.max_pauses) {
    plan.max_runs = std::max(*spec.max_pauses - Pauses(job), 0) + 1;
  }
  plan.submitted_at = job.submitted_at;
  plan.earliest = spec.earliest.value_or(job.submitted_at);
  plan.deadline = *spec.deadline;
  plan.held = job.held || job.cancel_requested;
  for (const std::string& name : spec.regions) {
    const int index = RegionIndex(name);
    if (index >= 0) plan.regions.push_back(index);
  }
  plan.home = RegionIndex(spec.home_region);
  if (plan.transfer > Duration(0)) {
    plan.data_region = RegionIndex(DataRegion(job));
  }
  plan.may_resume_from = MayResumeFrom(job);
  const bool in_queue = InQueue(job);
  // Its hour has come, and it stays in the queue unless leaving it pays.
  if (in_queue && !ComesLater(job.runs.back(), now_)) plan.waits = false;
  const bool there = job.occupies() && !in_queue;
  plan.standing = job.in_memory()      ? PlanJob::Standing::kSuspended
                  : there              ? PlanJob::Standing::kRunning
                  : job.has_checkpoint ? PlanJob::Standing::kCheckpointed
                                       : PlanJob::Standing::kFresh;
  if (there) plan.region = RegionIndex(job.runs.back().region);
  BringUpToDate(job, plan);
  return plan;
}

// What of a plan's job goes on with time, and with what is seen of its run.
void Engine::BringUpToDate(const Job& job, PlanJob& plan) const {
  const JobSpec& spec = job.spec;
  plan.work = RemainingWork(job, now_);
  plan.reserve = Duration(std::llround(static_cast<double>(plan.work.count()) *
                                       options_.defaults.slack_reserve));
  if (plan.standing != PlanJob::Standing::kRunning) return;
  const Run& run = job.runs.back();
  const Instant restored = run.started_at ? RestoredAt(spec, run)
                           : run.resume
                               ? now_ + run.move.time + spec.resume_cost
                               : now_ + run.move.time;
  plan.restore_left = std::max(restored - now_, Duration(0));
  // Before its first sign of life a signal could kill it.
  const bool must_prove = spec.pause == PauseMode::kCheckpoint && !run.ready;
  const Duration life =
      must_prove ? std::max(spec.min_run, kLeastLife) : spec.min_run;
  plan.may_pause_from = restored + life;
  if (run.pause_failed_at) {
    plan.may_pause_from = std::max(plan.may_pause_from,
                                   *run.pause_failed_at + options_.pause_retry);
  }
  plan.pausing = run.pause_issued_at.has_value();
}

// The same, of which only that is made again which can have changed.
const PlanJob& Engine::PlanJobOf(const Job& job, Track& track) const {
  if (!track.as_planned || track.changes_as_planned != track.changes ||
      job.state == State::kStarting ||  // its hour may have come in a queue
      track.as_planned->waits != Waits(job, track)) {
    track.as_planned = PlanJobOf(job);
    track.changes_as_planned = track.changes;
  } else if (job.occupies()) {
    BringUpToDate(job, *track.as_planned);
  }
  return *track.as_planned;
}

// Of no jobs yet.
PlanInput Engine::MakePlanInput() const {
  PlanInput input;
  input.now = now_;
  input.no_forecast = options_.defaults.no_forecast;
  const Instant horizon = Horizon();
  for (const Region& region : options_.regions) {
    PlanRegion plan;
    plan.name = region.name;
    plan.pue = region.pue;
    plan.capacity = region.capacity;
    plan.drained = region.drained;
    Outlook outlook = OutlookOf(region.zone, horizon);
    plan.outlook = std::move(outlook.series);
    plan.forecast_issued_at = outlook.issued_at;
    plan.forecast_end = outlook.forecast_end;
    plan.yearly = outlook.yearly;
    plan.signal = region.signal;
    const auto room = rooms_.find(region.name);
    plan.taken = LackingDuring(
        region, room == rooms_.end() ? std::nullopt : room->second,
        {now_, horizon});
    input.regions.push_back(std::move(plan));
  }
  return input;
}

std::optional<PlanInput> Engine::TakePlanRequest() {
  if (live_.empty()) return std::nullopt;
  if (!plan_due_ && now_ < plan_valid_until_) return std::nullopt;
  plan_due_ = false;
  PlanInput input = MakePlanInput();
  plan_valid_until_ = Instant::Never();
  for (const PlanRegion& region : input.regions) {
    for (const Slot& slot : region.outlook.slots()) {
      if (slot.interval.end <= now_) continue;
      plan_valid_until_ = std::min(plan_valid_until_, slot.interval.end);
      break;
    }
  }
  input.jobs.reserve(live_.size());
  input.told.reserve(live_.size());
  for (const auto& [id, job] : live_) {
    Track& track = tracks_[id];
    input.jobs.push_back(PlanJobOf(job, track));
    input.told.push_back(track.plan_usable);
    track.changes_planned = track.changes;
  }
  return input;
}

// What was, and what plans expect from now on, as one series: a baseline and a
// plan that are compared rest on the same values.
Series Engine::PastAndOutlook(const std::string& name, Interval within) const {
  const auto zone = zones_.find(name);
  if (zone == zones_.end()) return Series();
  const KnownIntensity& known = zone->second.known;
  const Series past = known.expected.Clip({within.begin, now_});
  return OutlookOf(name, within.end)
      .series.Under(past.Under(known.observed.Clip(within)));
}

PlanRecord Engine::RecordOf(const JobSpec& spec, Instant submitted_at,
                            const Past& past, const JobPlan& plan,
                            ZoneSeries& series_of) const {
  PlanRecord record;
  record.made_at = now_;
  record.job = plan.id;
  record.plan = plan;
  if (plan.expected) record.expected_total = past.grams + *plan.expected;
  const int home = RegionIndex(spec.home_region);
  if (home < 0) return record;
  const Region& region = options_.regions[static_cast<size_t>(home)];
  auto [series, is_new] = series_of.try_emplace(region.zone);
  const Interval laid{submitted_at, submitted_at + spec.duration};
  if (is_new) {  // for all jobs of the plan: the first is the oldest
    const Instant oldest =
        live_.empty() ? now_ : live_.begin()->second.submitted_at;
    series->second = PastAndOutlook(
        region.zone,
        {std::min(oldest, laid.begin), std::max(Horizon(), laid.end)});
  }
  // What was done already drew what it drew, in the baseline too.
  const bool compares = past.baseline && past.worked > Duration(0);
  Interval left = laid;
  if (compares) left.begin = std::min(laid.begin + past.worked, laid.end);
  record.baseline = GramsOf(spec.power, region.pue, left, series->second);
  if (compares && record.baseline) *record.baseline += *past.baseline;
  return record;
}

Status Engine::Adopt(const Plan& plan) {
  Transaction t(*this);
  std::vector<PlanRecord> usable;
  ZoneSeries series_of;
  for (const JobPlan& job_plan : plan.jobs) {
    const auto job = live_.find(job_plan.id);
    if (job == live_.end()) continue;
    Track& track = tracks_[job_plan.id];
    if (track.changes != track.changes_planned) continue;  // it moved on
    PlanRecord record = RecordOf(job->second.spec, job->second.submitted_at,
                                 track.past, job_plan, series_of);
    record.made_at = plan.made_at;
    if (!track.plan || Differs(*track.plan, record)) {
      t.batch.plans.push_back(record);
    }
    usable.push_back(std::move(record));
  }
  CARBOND_RETURN_IF_ERROR(t.Commit());
  for (PlanRecord& record : usable) UsePlan(std::move(record));
  return Ok();
}

void Engine::UsePlan(PlanRecord record) {
  const JobId id = record.job;
  Track& track = tracks_[id];
  DropPlan(id, track);
  track.plan = std::move(record);
  track.plan_usable = true;
  const State state = live_.at(id).state;
  const std::vector<PlannedRun>& runs = track.plan->plan.runs;
  if ((state == State::kWaiting || state == State::kPaused) && !runs.empty()) {
    track.planned_start = HandOverAt(live_.at(id), *track.plan);
    planned_starts_.emplace(*track.planned_start, id);
  }
}

// When a plan's next run is started, or handed over to a region's queue: ahead
// of its time; and at once if others have the place that it waits for, since
// who stands in a queue gets on.
Instant Engine::HandOverAt(const Job& job, const PlanRecord& record) const {
  const JobPlan& plan = record.plan;
  const Instant begin = plan.runs.front().interval.begin;
  const int index = RegionIndex(plan.region_name);
  if (index < 0 || job.in_memory()) return begin;
  const Region& region = options_.regions[static_cast<size_t>(index)];
  if (!region.queue_ahead) return begin;
  const bool may_begin =
      job.spec->earliest.value_or(job.submitted_at) <= now_ &&
      MayResumeFrom(job) <= now_;
  if (may_begin && plan.reason == Reason::kNoCapacity &&
      OthersHaveThePlace(region, job.spec->need)) {
    return std::min(begin, record.made_at);
  }
  return begin - *region.queue_ahead;
}

bool Engine::OthersHaveThePlace(const Region& region,
                                const Resources& need) const {
  const auto room = rooms_.find(region.name);
  return room != rooms_.end() && room->second &&
         !need.Fits(room->second->LeftAt(now_));
}

// Handed over, not begun, and not on its way back: plans may still move it.
bool Engine::InQueue(const Job& job) const {
  if (job.state != State::kStarting) return false;
  const Run& run = job.runs.back();
  if (run.process < run.number || run.stop_why) return false;
  const int index = RegionIndex(run.region);
  return index >= 0 &&
         options_.regions[static_cast<size_t>(index)].queue_ahead.has_value();
}

void Engine::DropPlan(JobId id, Track& track) {
  track.plan_usable = false;
  if (track.planned_start) planned_starts_.erase({*track.planned_start, id});
  track.planned_start.reset();
}

std::vector<RegionView> Engine::Regions() const {
  std::vector<RegionView> views;
  const Instant horizon = std::max(Horizon(), now_ + hours(72));
  for (const Region& region : options_.regions) {
    RegionView view;
    view.region = region;
    for (const auto& [id, job] : occupying_) {
      if (job->runs.back().region == region.name) view.used += job->spec->need;
    }
    Outlook outlook = OutlookOf(region.zone, horizon);
    view.zone.mode = outlook.mode;
    view.zone.issued_at = outlook.issued_at;
    view.zone.outlook = std::move(outlook.series);
    view.zone.forecast_end = outlook.forecast_end;
    const auto zone = zones_.find(region.zone);
    if (zone != zones_.end()) {
      const std::optional<Forecast>& forecast = zone->second.forecast;
      const bool used = forecast && view.zone.forecast_end > now_;
      view.zone.provider = used ? forecast->provider : zone->second.provider;
      view.zone.signal = used ? forecast->signal : zone->second.signal;
      view.zone.fetched_at = zone->second.fetched_at;
      view.zone.observed = zone->second.known.observed;
      view.zone.spread = zone->second.correction.errors().Around(
          now_, view.zone.outlook, used ? forecast->series : Series());
    }
    views.push_back(std::move(view));
  }
  return views;
}

// Holds the one job against what the others are planned to use.
Reply Engine::DryRun(const PlanCommand& command) {
  Reply reply;
  Result<JobSpec> spec = Complete(command.spec, command.unset);
  if (!spec.ok()) {
    reply.status = spec.status();
    return reply;
  }
  Job job;
  job.id = next_job_;
  job.spec = *spec;
  job.submitted_at = now_;
  PlanInput input = MakePlanInput();
  for (const auto& [id, other] : live_) {
    const auto track = tracks_.find(id);
    if (track == tracks_.end() || !track->second.plan) continue;
    for (const PlannedRun& run : track->second.plan->plan.runs) {
      const int region = RegionIndex(run.region_name);
      if (region < 0) continue;
      input.regions[static_cast<size_t>(region)].taken.push_back(
          {run.interval, other.spec->need});
    }
  }
  input.jobs = {PlanJobOf(job)};
  for (PlanRegion& region : input.regions) {
    region.outlook =
        OutlookOf(
            options_.regions[static_cast<size_t>(RegionIndex(region.name))]
                .zone,
            *spec->deadline)
            .series;
  }
  const Plan plan = MakePlan(input);
  ZoneSeries series_of;
  reply.plan = RecordOf(*spec, now_, Past(), plan.jobs.front(), series_of);
  if (const auto use = spending_.Forbids(spec->user, spec->project)) {
    JobPlan held;
    held.id = job.id;
    held.why = "held: " + Words(*use, now_);
    reply.plan->plan = std::move(held);
    reply.plan->expected_total.reset();
  }
  reply.completed = *std::move(spec);
  return reply;
}

}  // namespace carbond
