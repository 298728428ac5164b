// How long an answer of a service takes from its text to a series that may be
// used.
#include <benchmark/benchmark.h>

#include "daemon/grid/quality.h"
#include "daemon/grid/watttime.h"
#include "tests/daemon/grid_answers.h"

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

}  // namespace
}  // namespace carbond

BENCHMARK_MAIN();
