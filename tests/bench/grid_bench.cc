// How long an answer of a service takes from its text to a series that may be
// used, and how long the engine stands still while it takes news of many zones.
#include <benchmark/benchmark.h>

#include <cmath>

#include "daemon/grid/quality.h"
#include "daemon/grid/watttime.h"
#include "storage/sqlite_ledger.h"
#include "tests/daemon/grid_answers.h"
#include "tests/daemon/scratch_folder.h"
#include "tests/scheduler/sim_world.h"

namespace carbond {
namespace {

void ParseForecast(benchmark::State& state) {
  const int points = static_cast<int>(state.range(0));
  const Instant now = At("2026-03-15T18:42:00Z");
  HttpConfig config;
  config.signal = "co2_moer";
  const WattTime source(config, Secret("u"), Secret("p"));
  const HttpAnswer answer = Answer(
      200, WattTimeBody(At("2026-03-15T18:40:00Z"), points, "641.1", "DE"));
  const Want want{
      Want::What::kForecast, "DE", {now, now + minutes(5 * points)}};
  for (auto _ : state) {
    auto told = source.Parse(want, answer);
    auto checked =
        Check(want, source.manners(), std::get<Told>(std::move(told)), now);
    CARBOND_INVARIANT(std::get<Checked>(checked).series.slots().size() ==
                          static_cast<size_t>(points),
                      "not read");
    benchmark::DoNotOptimize(checked);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) *
                          static_cast<int64_t>(answer.body.size()));
}
BENCHMARK(ParseForecast)->Arg(288)->Arg(864)->Unit(benchmark::kMillisecond);

// A new forecast of every zone every five minutes, all in the same instant:
// the worst case, since a fetcher spreads its zones over the period.
class FreshGrid : public Grid {
 public:
  explicit FreshGrid(int zones) : zones_(zones) {}
  GridNews Poll(Instant now) override {
    GridNews news;
    const Instant issued =
        Instant::FromMillis(now.millis() / kStep.count() * kStep.count());
    if (issued == told_) return news;
    const Instant since = told_ == Instant() ? issued - hours(24 * 14) : told_;
    told_ = issued;
    for (int zone = 0; zone < zones_; ++zone) {
      const std::string name = "zone" + std::to_string(zone);
      news.forecasts.push_back({name, "wt", "co2_moer", issued, now,
                                Values(zone, issued, issued + hours(72))});
      news.observed.push_back({name, "wt", "co2_moer", now, since - hours(48),
                               Values(zone, since, issued)});
    }
    return news;
  }
  std::optional<Instant> NextNews(Instant now) override { return now + kStep; }

 private:
  static constexpr Duration kStep = minutes(5);
  static Series Values(int zone, Instant from, Instant until) {
    std::vector<Slot> slots;
    for (Instant t = from; t < until; t += kStep) {
      const double day = static_cast<double>(t.millis()) / 8.64e7;
      slots.push_back({{t, t + kStep},
                       GramsPerKwh::Of(300 + 200 * std::sin(6.28 * day + zone) +
                                       30 * std::sin(997 * day))});
    }
    return Series::Make(std::move(slots)).value();
  }
  const int zones_;
  Instant told_;
};

void TickOnNewsOfZones(benchmark::State& state) {
  const int zones = static_cast<int>(state.range(0));
  ScratchFolder folder;
  SimClock clock(kDawn);
  FreshGrid grid(zones);
  SimExecutor executor(clock);
  SimMeter meter;
  auto ledger = SqliteLedger::Open(folder.path() + "/ledger.db").value();
  EngineOptions options;
  for (int zone = 0; zone < zones; ++zone) {
    options.regions.push_back(Place("zone" + std::to_string(zone)));
  }
  auto engine =
      Engine::Recover(options, {clock, *ledger, grid, executor, meter}).value();
  CARBOND_INVARIANT(engine->Tick().ok(), "no first tick");
  double longest = 0;
  for (auto _ : state) {
    clock.Set(clock.Now() + minutes(5));
    const auto began = std::chrono::steady_clock::now();
    CARBOND_INVARIANT(engine->Tick().ok(), "no tick");
    const std::chrono::duration<double> took =
        std::chrono::steady_clock::now() - began;
    state.SetIterationTime(took.count());
    longest = std::max(longest, took.count());
  }
  state.counters["longest_ms"] = longest * 1000;
}
BENCHMARK(TickOnNewsOfZones)
    ->Arg(1)
    ->Arg(20)
    ->Arg(200)
    ->Iterations(36)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace carbond

BENCHMARK_MAIN();
