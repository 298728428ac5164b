// How good plans of many jobs are, and how long they take. Recorded jobs on ten
// regions with recorded curves, at growing loads:
//   fleet_bench [--jobs N] [--load L] [--fine] [--day] [--pausable P]
//               [--min-saving F] [--effort E] [--seed N] [--largest GPUS]
//               [--again]

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <fstream>

#include "tests/bench/fleet_world.h"

namespace carbond {
namespace {

double SecondsOf(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
      .count();
}

int64_t MostMemoryKb() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    if (word == "VmHWM:") break;
  }
  int64_t kb = 0;
  status >> kb;
  return kb;
}

// The instants of every region at which more is used than there is.
int64_t Exceeded(const PlanInput& input, const Plan& plan) {
  int64_t count = 0;
  for (size_t r = 0; r < input.regions.size(); ++r) {
    std::map<Instant, Resources> changes;
    for (size_t i = 0; i < plan.jobs.size(); ++i) {
      if (plan.jobs[i].region != static_cast<int>(r)) continue;
      for (const Interval& run : plan.jobs[i].intervals()) {
        changes[run.begin] += input.jobs[i].need;
        changes[run.end] -= input.jobs[i].need;
      }
    }
    Resources used;
    for (const auto& [t, by] : changes) {
      used += by;
      count += !used.Fits(input.regions[r].capacity);
    }
  }
  return count;
}

void Show(const FleetKind& kind, double effort, bool again) {
  PlanInput input = FleetOf(kind);
  if (input.regions.empty()) {
    fmt::print("the recorded data is not there\n");
    return;
  }
  input.effort = effort;
  Planner planner;
  Plan plan;
  const auto show = [&](const char* what, double time) {
    int64_t late = 0, without = 0;
    for (const JobPlan& each : plan.jobs) {
      late += each.late;
      without += each.intervals().empty();
    }
    fmt::print(
        "{:>6} jobs  load {:.2f}  {:<8} {:7.3f} s  late {:3}  unplanned {} "
        " over capacity {}  {:.1f} kg  bound {:.1f} kg  gap {:.2f} %  "
        "{} MB\n",
        kind.jobs, kind.load, what, time, late, without, Exceeded(input, plan),
        plan.quality.expected.value() / 1000,
        plan.quality.lower_bound.value() / 1000, plan.quality.gap() * 100,
        MostMemoryKb() / 1024);
    std::fflush(stdout);
  };
  double time = SecondsOf([&] { plan = planner.Make(input); });
  show("anew", time);
  if (!again) return;
  PlanJob job = input.jobs[input.jobs.size() / 2];
  job.id = JobId{kind.jobs + 1};
  input.jobs.push_back(job);
  time = SecondsOf([&] { plan = planner.Make(input); });
  show("one-more", time);
  std::vector<Slot> slots = input.regions[2].outlook.slots();
  for (Slot& slot : slots) {
    slot.intensity = GramsPerKwh::Of(slot.intensity.value() * 1.05 + 3);
  }
  input.regions[2].outlook = Series::Make(std::move(slots)).value();
  time = SecondsOf([&] { plan = planner.Make(input); });
  show("forecast", time);
  for (int i = 0; i < 3; ++i) {
    time = SecondsOf([&] { plan = planner.Make(input); });
    show("again", time);
  }
}

}  // namespace
}  // namespace carbond

int main(int argc, char** argv) {
  CLI::App app("Plans of many jobs");
  carbond::FleetKind kind;
  std::vector<int> jobs = {1000, 10'000};
  std::vector<double> loads = {0.3, 0.5, 0.7};
  double effort = 1;
  bool again = false;
  app.add_option("--jobs", jobs);
  app.add_option("--load", loads);
  app.add_option("--days", kind.days);
  app.add_flag_callback("--fine", [&] { kind.slots_an_hour = 12; });
  app.add_flag("--day", kind.day_of_slack);
  app.add_option("--pausable", kind.pausable);
  app.add_option("--min-saving", kind.min_saving);
  app.add_option("--effort", effort);
  app.add_option("--seed", kind.seed);
  app.add_option("--largest", kind.largest);
  app.add_flag("--again", again);
  CLI11_PARSE(app, argc, argv);
  for (const int count : jobs) {
    for (const double load : loads) {
      kind.jobs = count;
      kind.load = load;
      carbond::Show(kind, effort, again);
    }
  }
}
