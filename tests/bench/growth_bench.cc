// How the time of a plan grows with its jobs and with the slots of a week, on
// ten regions whose capacity grows with the jobs: half of it is in demand. The
// slope is that of the logarithms, 1 where twice as many take twice as long.

#include <benchmark/benchmark.h>

#include "tests/bench/fleet_world.h"

namespace carbond {
namespace {

constexpr const char* kAbsent = "the recorded data is absent";

PlanInput InputOf(const benchmark::State& state) {
  FleetKind kind;
  kind.jobs = static_cast<int>(state.range(0));
  kind.slots_an_hour = static_cast<int>(state.range(1) / (7 * 24));
  return FleetOf(kind);
}

void Note(benchmark::State& state, const Plan& plan) {
  int64_t late = 0;
  for (const JobPlan& each : plan.jobs) late += each.late;
  state.counters["late"] = static_cast<double>(late);
  state.counters["gap_percent"] = plan.quality.gap() * 100;
}

void Anew(benchmark::State& state) {
  const PlanInput input = InputOf(state);
  if (input.regions.empty()) return state.SkipWithError(kAbsent);
  Plan plan;
  for (auto _ : state) plan = MakePlan(input);
  Note(state, plan);
}

// One region's values rise or fall by a twentieth at each turn.
void AfterForecast(benchmark::State& state) {
  PlanInput input = InputOf(state);
  if (input.regions.empty()) return state.SkipWithError(kAbsent);
  const std::vector<Slot> slots = input.regions[2].outlook.slots();
  Planner planner;
  Plan plan = planner.Make(input);
  int turn = 0;
  for (auto _ : state) {
    state.PauseTiming();
    std::vector<Slot> turned = slots;
    const double by = ++turn % 2 == 1 ? 1.05 : 1.0;
    for (Slot& slot : turned) {
      slot.intensity = GramsPerKwh::Of(slot.intensity.value() * by);
    }
    input.regions[2].outlook = Series::Make(std::move(turned)).value();
    state.ResumeTiming();
    plan = planner.Make(input);
  }
  Note(state, plan);
}

void Sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"jobs", "slots"})->Unit(benchmark::kMillisecond);
  for (const int jobs : {1000, 3000, 10'000, 30'000, 100'000}) {
    bench->Args({jobs, 168});
  }
  for (const int slots : {336, 672, 2016}) bench->Args({10'000, slots});
}
BENCHMARK(Anew)->Apply(Sizes)->Iterations(1);
BENCHMARK(AfterForecast)->Apply(Sizes)->Iterations(6);

}  // namespace
}  // namespace carbond

BENCHMARK_MAIN();
