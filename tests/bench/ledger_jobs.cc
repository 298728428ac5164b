#include "tests/bench/ledger_jobs.h"

#include <chrono>
#include <cmath>
#include <deque>
#include <numbers>

namespace carbond::bench {
namespace {

constexpr int64_t kPerTransaction = 500;
constexpr const char* kRegions[] = {"here", "eu", "north", "texas"};
constexpr double kPi = std::numbers::pi;

JobSpec SpecOf(std::mt19937& random, Instant submitted) {
  const auto pick = [&random](int n) {
    return std::uniform_int_distribution<int>(0, n - 1)(random);
  };
  JobSpec spec;
  spec.user = fmt::format("user-{:02}", pick(40));
  spec.project = fmt::format("project-{:02}", pick(12));
  spec.name = fmt::format("resnet50-imagenet-seed-{}", pick(500));
  spec.command = {"/usr/bin/python3", "/home/team/vision/train.py",
                  "--config=resnet50.yaml", "--data=/data/imagenet",
                  fmt::format("--seed={}", pick(1000))};
  spec.env = {{"OMP_NUM_THREADS", "8"}, {"WANDB_MODE", "offline"}};
  spec.workdir = "/home/team/vision";
  spec.need = {1 << pick(4), 8};
  spec.duration = minutes(20 + pick(600));
  spec.power = Watts::Of(300.0 * spec.need.gpus);
  spec.power_declared = true;
  spec.deadline = submitted + hours(48);
  spec.deadline_declared = pick(2) == 0;
  spec.home_region = kRegions[pick(4)];
  spec.regions = {spec.home_region};
  spec.pause = PauseMode::kCheckpoint;
  spec.checkpoint_cost = spec.resume_cost = minutes(2);
  spec.checkpoint_timeout = minutes(5);
  spec.min_run = minutes(15);
  spec.min_saving = 0.02;
  return spec;
}

// Hours of a grid that is clean at noon.
Series HoursOf(Interval span) {
  std::vector<Slot> slots;
  const int64_t first = span.begin.millis() / 3'600'000;
  for (int64_t hour = first; hour * 3'600'000 < span.end.millis(); ++hour) {
    const Instant begin = Instant::FromMillis(hour * 3'600'000);
    const double angle = 2 * kPi * static_cast<double>(hour % 24) / 24;
    slots.push_back({{begin, begin + hours(1)},
                     GramsPerKwh::Of(300 + 200 * std::cos(angle))});
  }
  return *Series::Make(std::move(slots));
}

// One job's life, gathered into a batch.
class Life {
 public:
  Life(std::mt19937& random, Batch& batch, Written& written)
      : random_(random), batch_(batch), written_(written) {}

  Job Live(JobId id, Instant submitted, Instant final_until) {
    Event first{id, 1, submitted, Submitted{SpecOf(random_, submitted)}};
    job_ = *ApplyFirst(first);
    Gather(std::move(first));
    const JobSpec& spec = job_.spec;
    const int runs = 1 + std::uniform_int_distribution<int>(0, 2)(random_);
    Instant at = submitted;
    for (int run = 1; run <= runs; ++run) {
      at += minutes(std::uniform_int_distribution<int>(5, 300)(random_));
      Plan(at - minutes(4), runs - run + 1);
      at = Run(run, runs, at, spec.duration / runs);
    }
    KeepAccount(submitted, at, final_until);
    ++written_.jobs;
    written_.runs += runs;
    return std::move(job_);
  }

 private:
  void Gather(Event event) {
    batch_.events.push_back(std::move(event));
    ++written_.events;
  }
  void Tell(Instant at, Fact fact) {
    Event event{job_.id, job_.last_seq + 1, at, std::move(fact)};
    const Status status = Apply(job_, event);
    CARBOND_INVARIANT(status.ok(), "{}", Message(status));
    Gather(std::move(event));
  }

  Instant Run(int run, int of, Instant begin, Duration length) {
    const JobSpec& spec = job_.spec;
    Tell(begin, StartIssued{run, spec.home_region, run, {{0}, 8}, run > 1});
    Tell(begin, RunStarted{run});
    const Instant middle = begin + length / 2;
    const Instant end = begin + length;
    Meter(run, {begin, middle});
    if (run < of) Tell(middle, PauseIssued{run, 1, "the grid turns dirty"});
    Meter(run, {middle, end});
    const bool last = run == of;
    Tell(end, RunEnded{run,
                       last ? RunEnd::kSucceeded : RunEnd::kCheckpointed,
                       last ? 0 : kCheckpointExitCode,
                       {},
                       ""});
    return end;
  }

  void Meter(int run, Interval interval) {
    const WattHours energy = job_.spec->power * interval.length();
    EnergyMetered metered{run, interval, energy};
    readings_.push_back({run, job_.spec->home_region, metered});
    Tell(interval.end, std::move(metered));
    ++written_.readings;
  }

  void Plan(Instant at, int runs) {
    PlanRecord record;
    record.job = job_.id;
    record.made_at = at;
    JobPlan& plan = record.plan;
    plan.id = job_.id;
    plan.region = 0;
    plan.region_name = job_.spec->home_region;
    for (int i = 0; i < runs; ++i) {
      const Instant begin = at + hours(6 * i);
      plan.runs.push_back(
          {{begin, begin + hours(3)}, 0, job_.spec->home_region});
    }
    plan.finish_at = at + hours(6 * runs);
    plan.expected = Grams::Of(800);
    plan.run_now = Grams::Of(1100);
    plan.forecast_issued_at = at - minutes(3);
    plan.reason = Reason::kCleanerHours;
    plan.why = "waits for cleaner hours: 27 % less than running at once";
    plan.alternatives = {{"eu", at + hours(2), Grams::Of(900)},
                         {"north", at + hours(5), Grams::Of(950)}};
    record.expected_total = Grams::Of(850);
    record.baseline = Grams::Of(1100);
    batch_.plans.push_back(std::move(record));
    ++written_.plans;
  }

  void KeepAccount(Instant begin, Instant end, Instant final_until) {
    KnownIntensity known;
    known.observed = HoursOf({begin, end});
    known.final_until = final_until;
    known.observed_from.Say(known.observed, "em");
    const std::string& region = job_.spec->home_region;
    batch_.accounts.push_back(AccountOf(
        job_, readings_,
        {{region,
          {"ZONE-" + region, "em", "average_lifecycle", Pue::Of(1.2), &known}}},
        end));
  }

  std::mt19937& random_;
  Batch& batch_;
  Written& written_;
  Job job_;
  std::vector<Reading> readings_;
};

}  // namespace

Written WriteJobs(Ledger& ledger, int64_t count, Instant until, unsigned seed) {
  using Steady = std::chrono::steady_clock;
  const Steady::time_point began = Steady::now();
  std::mt19937 random(seed);
  Written written;
  const Duration year = hours(24 * 365);
  const Duration between = std::max(Duration(year / count), Duration(1));
  // The longest life: its waits, and its work.
  const Instant first = until - year - hours(30);
  while (written.jobs < count) {
    Batch batch;
    std::deque<Job> jobs;  // stay where they are
    while (written.jobs < count &&
           static_cast<int64_t>(jobs.size()) < kPerTransaction) {
      const JobId id{written.jobs + 1};
      jobs.push_back(
          Life(random, batch, written)
              .Live(id, first + between * written.jobs, until - hours(48)));
      batch.jobs.push_back(&jobs.back());
    }
    const Status status = ledger.Append(batch);
    CARBOND_INVARIANT(status.ok(), "{}", Message(status));
  }
  written.seconds =
      std::chrono::duration<double>(Steady::now() - began).count();
  return written;
}

}  // namespace carbond::bench
