// What a plan costs: the optimum for one job on five-minute slots, and whole
// plans of many jobs. Curves are drawn (a solar valley, an evening peak, noise)
// and, where the recorded data is there, California's marginal intensity.

#include <benchmark/benchmark.h>
#include <zlib.h>

#include <cmath>
#include <numbers>
#include <random>
#include <set>

#include "scheduler/optimum.h"
#include "scheduler/planner.h"

namespace carbond {
namespace {

constexpr int kSlotsADay = 288;
constexpr int64_t kSlotMillis = 300'000;

using Curve = std::vector<double>;  // g/kWh, a slot of five minutes each

Curve Drawn(uint64_t seed, int days) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> unit(0, 1);
  std::normal_distribution<double> step(0, 1);
  const double base = 40 * std::pow(16.0, unit(random));
  const double dip = 0.1 + 0.45 * unit(random);
  const double zone = 24 * unit(random);
  Curve curve;
  double noise = 0;
  for (int i = 0; i < days * kSlotsADay; ++i) {
    const double hour = std::fmod(i / 12.0 + zone, 24.0);
    const double sun =
        std::max(0.0, std::sin((hour - 6) / 12 * std::numbers::pi));
    const double evening = std::exp(-(hour - 19.5) * (hour - 19.5) / 6);
    noise = 0.97 * noise + 0.02 * step(random);
    curve.push_back(
        std::max(0.0, base * (1 - dip * sun + 0.2 * evening + noise)));
  }
  return curve;
}

// All values of a recorded file; empty where it is absent.
Curve Recorded() {
  const std::string path = std::string(CARBOND_SHARED_DATA) +
                           "/traces/actual/US-CAL-CISO-PGE.moer.csv.gz";
  Curve curve;
  gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) return curve;
  char line[128];
  while (gzgets(file, line, sizeof line) != nullptr) {
    const std::string text(line);
    const size_t comma = text.find(',');
    if (comma == std::string::npos || text[0] == 't') continue;
    curve.push_back(std::atof(text.c_str() + comma + 1));
  }
  gzclose(file);
  return curve;
}

// `count` stretches of so many days, far from each other.
std::vector<Curve> Stretches(bool recorded, int count, int days) {
  std::vector<Curve> curves;
  const auto length = static_cast<size_t>(days * kSlotsADay);
  const Curve all = recorded ? Recorded() : Curve();
  for (int i = 0; i < count; ++i) {
    if (!recorded) {
      curves.push_back(Drawn(static_cast<uint64_t>(i), days));
      continue;
    }
    if (all.size() < length) return {};
    const size_t first = (all.size() - length) / static_cast<size_t>(count) *
                         static_cast<size_t>(i);
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(first);
    curves.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(length));
  }
  return curves;
}

std::vector<PricedSlot> Priced(const Curve& curve) {
  std::vector<PricedSlot> slots;
  for (const double grams : curve) {
    const int64_t begin = static_cast<int64_t>(slots.size()) * kSlotMillis;
    slots.push_back({begin, begin + kSlotMillis,
                     GramsPerKwh::Of(grams).thousandths(), 0, false});
  }
  return slots;
}

// A training job of eight hours and a bit, that saves in a minute.
Task Training() {
  Task task;
  task.work = 8 * 3'600'000 + 17 * 60'000 + 123;
  task.save = 60'000;
  task.restore = 60'000;
  task.min_run = 15 * 60'000;
  return task;
}

enum Source { kDrawn, kRecorded };

// Arguments: regions, days, source.
template <std::optional<Optimum> (*search)(const std::vector<PricedSlot>&,
                                           const Task&)>
void OneJob(benchmark::State& state) {
  std::vector<std::vector<PricedSlot>> regions;
  for (const Curve& curve :
       Stretches(state.range(2) == kRecorded, static_cast<int>(state.range(0)),
                 static_cast<int>(state.range(1)))) {
    regions.push_back(Priced(curve));
  }
  if (regions.empty()) {
    state.SkipWithError("the recorded intensity is absent");
    return;
  }
  const Task task = Training();
  size_t runs = 0;
  for (auto _ : state) {
    runs = 0;
    for (const auto& slots : regions) runs += search(slots, task)->runs.size();
  }
  state.counters["runs"] = static_cast<double>(runs);
}

void Sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"regions", "days", "recorded"})
      ->Args({1, 2, kDrawn})
      ->Args({1, 2, kRecorded})
      ->Args({10, 7, kDrawn})
      ->Args({10, 7, kRecorded})
      ->Unit(benchmark::kMillisecond);
}
BENCHMARK(OneJob<BestUnbroken>)->Name("BestUnbroken")->Apply(Sizes);
BENCHMARK(OneJob<BestRuns>)->Name("BestRuns")->Apply(Sizes);

// The same where a pause lasts for so many minutes at least. Arguments:
// regions, days, source, minutes.
void Pausing(benchmark::State& state) {
  std::vector<std::vector<PricedSlot>> regions;
  for (const Curve& curve :
       Stretches(state.range(2) == kRecorded, static_cast<int>(state.range(0)),
                 static_cast<int>(state.range(1)))) {
    regions.push_back(Priced(curve));
  }
  if (regions.empty()) {
    state.SkipWithError("the recorded intensity is absent");
    return;
  }
  Task task = Training();
  task.min_pause = state.range(3) * 60'000;
  size_t runs = 0;
  bool exact = true;
  for (auto _ : state) {
    runs = 0;
    for (const auto& slots : regions) {
      const auto best = BestRuns(slots, task);
      runs += best->runs.size();
      exact = exact && best->exact;
    }
  }
  state.counters["runs"] = static_cast<double>(runs);
  state.counters["exact"] = exact ? 1 : 0;
}
BENCHMARK(Pausing)
    ->Name("BestRunsPausing")
    ->ArgNames({"regions", "days", "recorded", "min_pause"})
    ->Args({1, 2, kDrawn, 30})
    ->Args({1, 2, kRecorded, 30})
    ->ArgsProduct({{10}, {7}, {kDrawn, kRecorded}, {30, 120, 480}})
    ->Unit(benchmark::kMillisecond);

// The best of all regions for a job that never moves: one after another, those
// with the best unbroken run first. Arguments: regions, days, source.
void Apart(benchmark::State& state) {
  std::vector<PricedRow> regions;
  for (const Curve& curve :
       Stretches(state.range(2) == kRecorded, static_cast<int>(state.range(0)),
                 static_cast<int>(state.range(1)))) {
    regions.push_back(Priced(curve));
  }
  if (regions.empty()) {
    state.SkipWithError("the recorded intensity is absent");
    return;
  }
  const Task task = Training();
  std::optional<Optimum> best;
  for (auto _ : state) {
    std::vector<std::pair<Cost, size_t>> order;
    for (size_t i = 0; i < regions.size(); ++i) {
      order.emplace_back(BestUnbroken(regions[i], task)->cost, i);
    }
    std::sort(order.begin(), order.end());
    best = BestRuns(regions[order.front().second], task);
    for (size_t k = 1; k < order.size(); ++k) {
      auto found = BestRuns(regions[order[k].second], task, best->cost);
      if (found) best = std::move(found);
    }
  }
  state.counters["runs"] = static_cast<double>(best->runs.size());
}
BENCHMARK(Apart)
    ->Name("BestRunsApart")
    ->ArgNames({"regions", "days", "recorded"})
    ->ArgsProduct({{10}, {2, 7}, {kDrawn, kRecorded}})
    ->Unit(benchmark::kMillisecond);

// The same regions searched together, for a job that may move between them: for
// nothing, or for ten minutes' transfer and a cost of some grams besides.
// Arguments: regions, days, source, minutes of transfer.
void Moving(benchmark::State& state) {
  std::vector<PricedRow> regions;
  for (const Curve& curve :
       Stretches(state.range(2) == kRecorded, static_cast<int>(state.range(0)),
                 static_cast<int>(state.range(1)))) {
    regions.push_back(Priced(curve));
  }
  if (regions.empty()) {
    state.SkipWithError("the recorded intensity is absent");
    return;
  }
  const Task task = Training();
  Moves moves;
  moves.at = 0;
  moves.transfer = state.range(3) * 60'000;
  // As much as five minutes at 200 g/kWh.
  if (moves.transfer > 0) moves.cost = Cost{200'000} * kSlotMillis;
  std::optional<Optimum> best;
  for (auto _ : state) best = BestRuns(regions, task, moves);
  state.counters["runs"] = static_cast<double>(best->runs.size());
  state.counters["exact"] = best->exact ? 1 : 0;
  std::set<int> places;
  for (const RunSpan& run : best->runs) places.insert(run.place);
  state.counters["places"] = static_cast<double>(places.size());
}
BENCHMARK(Moving)
    ->Name("BestRunsMoving")
    ->ArgNames({"regions", "days", "recorded", "transfer"})
    ->ArgsProduct({{10}, {2, 7}, {kDrawn, kRecorded}, {0, 10}})
    ->Unit(benchmark::kMillisecond);

// ---- Whole plans
// --------------------------------------------------------------

PlanRegion RegionOf(int index, const Curve& curve) {
  std::vector<Slot> slots;
  for (const double grams : curve) {
    const Instant begin =
        Instant::FromMillis(static_cast<int64_t>(slots.size()) * kSlotMillis);
    slots.push_back(
        {{begin, begin + Duration(kSlotMillis)}, GramsPerKwh::Of(grams)});
  }
  PlanRegion region;
  region.name = fmt::format("region-{}", index);
  region.pue = Pue::Of(1.1);
  region.capacity = {512, 4096};
  region.outlook = Series::Make(std::move(slots)).value();
  region.forecast_issued_at = Instant();
  region.forecast_end = region.outlook.end();
  return region;
}

// Jobs of half an hour to a day, every second of them pausable, with up to a
// day of slack, each in up to three regions.
PlanInput InputOf(int jobs, int regions) {
  PlanInput input;
  for (int i = 0; i < regions; ++i) {
    input.regions.push_back(RegionOf(i, Drawn(static_cast<uint64_t>(i), 2)));
  }
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> hours_of(0.7, 0.9);
  for (int i = 0; i < jobs; ++i) {
    PlanJob job;
    job.id = JobId{i + 1};
    job.need = {static_cast<int>(1 + random() % 4), 8};
    job.power = Watts::Of(300.0 * job.need.gpus);
    const double length = std::clamp(hours_of(random), 0.5, 24.0);
    job.work = Duration(static_cast<int64_t>(length * 3'600'000));
    if (i % 2 == 1) {
      job.pause = PauseMode::kCheckpoint;
      job.checkpoint_cost = job.resume_cost = minutes(1);
      job.min_run = minutes(15);
    }
    job.min_saving = 0.02;
    job.deadline = Instant() + job.work +
                   Duration(static_cast<int64_t>(random() % 86'400'000));
    for (int r = 0; r < std::min(regions, 3); ++r) {
      job.regions.push_back((i + r) % regions);
    }
    input.jobs.push_back(std::move(job));
  }
  return input;
}

void BM_MakePlan(benchmark::State& state) {
  const PlanInput input = InputOf(static_cast<int>(state.range(0)),
                                  static_cast<int>(state.range(1)));
  for (auto _ : state) benchmark::DoNotOptimize(MakePlan(input));
  state.counters["jobs/s"] =
      benchmark::Counter(static_cast<double>(state.range(0)),
                         benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(BM_MakePlan)
    ->Name("MakePlan")
    ->ArgNames({"jobs", "regions"})
    ->Args({1, 1})
    ->Args({1, 10})
    ->Args({100, 10})
    ->Args({1000, 10})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace carbond

BENCHMARK_MAIN();
