#include "daemon/backtest/replay.h"

#include <algorithm>

#include "daemon/backtest/world.h"
#include "scheduler/plan_input.h"
#include "scheduler/sim/driver.h"
#include "scheduler/sim/sim_doors.h"

namespace carbond {
namespace {

const BacktestRegion& RegionOf(const Scenario& scenario,
                               const std::string& name) {
  const auto it = std::ranges::find_if(
      scenario.regions,
      [&](const BacktestRegion& r) { return r.region.name == name; });
  CARBOND_INVARIANT(it != scenario.regions.end(), "region {} was checked",
                    name);
  return *it;
}

EngineOptions OptionsFor(const Scenario& scenario, PolicyKind policy,
                         bool perfect) {
  EngineOptions options;
  for (const BacktestRegion& place : scenario.regions) {
    options.regions.push_back(place.region);
  }
  options.transfer = scenario.transfer;
  options.defaults.min_saving = scenario.min_saving;
  const bool all_known =
      perfect || std::ranges::all_of(scenario.regions, [](const auto& place) {
        return place.issues.empty();
      });
  options.learn = policy == PolicyKind::kCarbond && !all_known;
  // Nothing happens unseen here: the driver stops where a process ends.
  options.observe_period = hours(24 * 365);
  options.metering_period = hours(24 * 365);
  options.stale_after =
      all_known ? Instant::Never() - Instant() : scenario.stale_after;
  return options;
}

// The engine takes no job that cannot meet its deadline: such a one is given
// the earliest finish for one, and counted as late.
SubmitCommand SubmissionOf(const BacktestJob& job) {
  SubmitCommand::Entry entry;
  entry.spec = job.spec;
  entry.spec.command = {"backtest"};
  entry.spec.workdir = "/";
  entry.spec.power_declared = true;
  entry.spec.deadline =
      std::max(*job.deadline, job.submitted_at + job.spec.duration);
  entry.spec.checkpoint_timeout =
      job.spec.checkpoint_cost + hours(1);  // none of them fails
  entry.unset.min_saving = true;
  SubmitCommand command;
  command.jobs.push_back(std::move(entry));
  return command;
}

class ReplayRun {
 public:
  ReplayRun(const Scenario& scenario, PolicyKind policy, bool perfect)
      : scenario_(scenario),
        clock_(scenario.span.begin),
        grid_(scenario.regions, scenario.span.begin, perfect),
        ledger_(grid_),
        executor_(clock_),
        policy_(policy),
        options_(OptionsFor(scenario, policy, perfect)) {}

  Status Run() {
    CARBOND_ASSIGN_OR_RETURN(
        engine_,
        Engine::Recover(options_, {clock_, ledger_, grid_, executor_, meter_}));
    Driver driver(*engine_, clock_, &executor_, [this](const PlanInput& input) {
      return policy_.Make(input);
    });
    auto next = scenario_.jobs.begin();
    while (next != scenario_.jobs.end()) {
      const Instant at = next->submitted_at;
      CARBOND_RETURN_IF_ERROR(driver.RunUntil(at));
      std::vector<Command> commands;
      std::vector<const BacktestJob*> together;
      for (; next != scenario_.jobs.end() && next->submitted_at == at; ++next) {
        commands.push_back(SubmissionOf(*next));
        together.push_back(&*next);
      }
      CARBOND_ASSIGN_OR_RETURN(const auto replies, engine_->Execute(commands));
      for (size_t i = 0; i < replies.size(); ++i) {
        if (!replies[i].status.ok()) {
          return Refused("job {}: {}", together[i]->id,
                         Message(replies[i].status));
        }
        const JobId id = replies[i].jobs.front();
        ids_.push_back(id);
        SimBehaviour behaviour;
        behaviour.work = together[i]->spec.duration;
        behaviour.restore = together[i]->spec.resume_cost;
        behaviour.save = together[i]->spec.checkpoint_cost;
        behaviour.reports_progress = false;
        executor_.SetBehaviour(id, behaviour);
      }
    }
    CARBOND_RETURN_IF_ERROR(driver.RunUntilDone(DataEnd()));
    if (engine_->live().empty()) return Ok();
    const auto index =
        std::ranges::find(ids_, engine_->live().begin()->first) - ids_.begin();
    return Refused(
        "job {} is not done where the recorded values end, at {}: give values "
        "until later, or `until` an earlier time",
        scenario_.jobs[static_cast<size_t>(index)].id,
        FormatInstant(DataEnd()));
  }

  const std::vector<carbond::Run>& RunsOf(size_t index) const {
    return ledger_.runs().at(ids_[index]);
  }

 private:
  Instant DataEnd() const {
    Instant end = Instant::Never();
    for (const BacktestRegion& place : scenario_.regions) {
      end = std::min(end, place.actual.end());
    }
    return end;
  }

  const Scenario& scenario_;
  SimClock clock_;
  PlayedGrid grid_;
  RunsLedger ledger_;
  SimExecutor executor_;
  SimMeter meter_;
  Policy policy_;
  EngineOptions options_;
  std::unique_ptr<Engine> engine_;
  std::vector<JobId> ids_;  // in the scenario's order
};

// Grams and energy of a power over an interval; refuses what is not recorded.
Status Add(const Scenario& scenario, const BacktestJob& job,
           const std::string& region, Watts power, Interval interval,
           Grams& grams, WattHours* energy) {
  const BacktestRegion& place = RegionOf(scenario, region);
  const auto part = GramsOf(power, place.region.pue, interval, place.actual);
  if (!part) {
    return Refused(
        "job {} runs from {} to {} in {}, where not every value is recorded",
        job.id, FormatInstant(interval.begin), FormatInstant(interval.end),
        region);
  }
  grams += *part;
  if (energy != nullptr) {
    *energy += power * interval.length() * place.region.pue;
  }
  return Ok();
}

Result<ReplayedJob> ReplayedJobOf(const Scenario& scenario,
                                  const BacktestJob& job,
                                  const std::vector<Run>& runs) {
  ReplayedJob replayed;
  replayed.id = job.id;
  std::optional<Instant> idle_from;
  for (const Run& run : runs) {
    if (!run.started_at) continue;
    const Interval interval{*run.started_at, *run.ended_at};
    if (idle_from && job.spec.pause == PauseMode::kSuspend) {
      CARBOND_RETURN_IF_ERROR(Add(
          scenario, job, run.region, job.spec.idle_power,
          {*idle_from, interval.begin}, replayed.emissions, &replayed.energy));
    }
    CARBOND_RETURN_IF_ERROR(Add(scenario, job, run.region, job.spec.power,
                                interval, replayed.emissions,
                                &replayed.energy));
    if (run.move.time > Duration(0)) {
      const double hours = static_cast<double>(run.move.time.count()) / 3.6e6;
      CARBOND_RETURN_IF_ERROR(Add(
          scenario, job, run.region, Watts::Of(run.move.energy.value() / hours),
          {interval.begin, std::min(FetchedAt(run), interval.end)},
          replayed.emissions, &replayed.energy));
    }
    replayed.runs.push_back({run.region, interval});
    idle_from = interval.end;
  }
  const Interval at_once{job.submitted_at,
                         job.submitted_at + job.spec.duration};
  CARBOND_RETURN_IF_ERROR(Add(scenario, job, job.spec.home_region,
                              job.spec.power, at_once, replayed.baseline,
                              nullptr));
  const Instant finish = replayed.runs.back().interval.end;
  replayed.delay = finish - at_once.end;
  replayed.missed = finish > *job.deadline;
  return replayed;
}

}  // namespace

Result<PolicyResult> Replay(const Scenario& scenario, PolicyKind policy,
                            bool perfect) {
  ReplayRun run(scenario, policy, perfect);
  CARBOND_RETURN_IF_ERROR(run.Run());
  PolicyResult result;
  result.policy = policy;
  result.perfect = perfect;
  double delay_s = 0;
  for (size_t i = 0; i < scenario.jobs.size(); ++i) {
    CARBOND_ASSIGN_OR_RETURN(
        ReplayedJob job,
        ReplayedJobOf(scenario, scenario.jobs[i], run.RunsOf(i)));
    result.energy += job.energy;
    result.emissions += job.emissions;
    result.baseline += job.baseline;
    result.misses += job.missed ? 1 : 0;
    result.pauses += static_cast<int>(job.runs.size()) - 1;
    delay_s += static_cast<double>(job.delay.count()) / 1000;
    result.jobs.push_back(std::move(job));
  }
  result.mean_delay_s = delay_s / static_cast<double>(result.jobs.size());
  if (result.baseline > Grams()) {
    result.saved_fraction =
        1 - result.emissions.value() / result.baseline.value();
  }
  return result;
}

Result<Grams> LowerBound(const Scenario& scenario) {
  PlanInput input;
  for (const BacktestRegion& place : scenario.regions) {
    PlanRegion region;
    region.name = place.region.name;
    region.pue = place.region.pue;
    region.capacity = kUnlimited;
    input.regions.push_back(std::move(region));
  }
  Grams bound;
  for (const BacktestJob& each : scenario.jobs) {
    PlanJob job = PlanJobOf(each.spec, scenario.transfer);
    job.min_saving = 0;
    job.max_intensity.reset();
    job.submitted_at = job.earliest = input.now = each.submitted_at;
    job.deadline =
        std::max(*each.deadline, each.submitted_at + each.spec.duration);
    for (size_t i = 0; i < scenario.regions.size(); ++i) {
      const BacktestRegion& place = scenario.regions[i];
      if (std::ranges::find(each.spec.regions, place.region.name) ==
          each.spec.regions.end()) {
        continue;
      }
      job.regions.push_back(static_cast<int>(i));
      input.regions[i].outlook =
          place.actual.Clip({each.submitted_at, job.deadline});
    }
    input.jobs = {job};
    const Plan plan = MakePlan(input);
    const auto& expected = plan.jobs.front().expected;
    if (!expected) {
      return Refused(
          "job {} could run until {}, and not every value until then is "
          "recorded: give values until later, or `until` an earlier time",
          each.id, FormatInstant(job.deadline));
    }
    bound += *expected;
  }
  return bound;
}

}  // namespace carbond
