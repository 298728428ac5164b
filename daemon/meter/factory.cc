#include "daemon/meter/factory.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "daemon/meter/meter_options.h"
#include "daemon/meter/modelled.h"
#include "daemon/meter/sampled.h"

namespace carbond {
namespace {

// A clock that runs 1200 times faster has no use for real watts.
bool Measures(const Config& config) { return config.clock.speed == 1; }

const RegionConfig* Find(const Config& config, const std::string& name) {
  const auto found =
      std::find_if(config.regions.begin(), config.regions.end(),
                   [&](const auto& r) { return r.region.name == name; });
  return found == config.regions.end() ? nullptr : &*found;
}

int64_t Milliwatts(const Config& config, const Resources& need) {
  return need.gpus * config.meter.per_gpu.thousandths() +
         need.cpus * config.meter.per_cpu.thousandths();
}

MeterOptions OptionsOf(const Config& config, const RegionConfig& region) {
  const MeterSources& sources =
      region.meter ? *region.meter : config.meter.sources;
  MeterOptions options;
  options.period_ms = config.meter.period.count();
  options.nvml = sources.nvml;
  options.rapl = sources.rapl;
  options.cpu_time = sources.cpu_time;
  options.slurm = sources.slurm;
  options.command = sources.command;
  options.nvml_library = config.meter.nvml_library;
  options.powercap = config.meter.powercap;
  options.per_gpu_mw = config.meter.per_gpu.thousandths();
  options.cpu.per_cpu_mw = config.meter.per_cpu.thousandths();
  options.cpu.idle_thousandths =
      std::llround(config.meter.idle_fraction * 1000);
  return options;
}

bool MeasuresNothing(const MeterOptions& options) {
  return options.command.empty() && !options.nvml && !options.rapl &&
         !options.cpu_time && !options.slurm;
}

// A hundred times what is expected of what it measures, and 10 kW at least:
// more is a mistake of the meter's, such as watts that are milliwatts.
int64_t MostOf(const MeterOptions& options) {
  constexpr int64_t kLeast = 10'000'000;
  constexpr Int128 kMost = 1'000'000'000'000;  // a gigawatt
  const Int128 expected = Int128{100} * options.power_mw * options.share.whole /
                          std::max<int64_t>(options.share.parts, 1);
  return std::max(kLeast, static_cast<int64_t>(std::min(expected, kMost)));
}

}  // namespace

std::unique_ptr<Meter> MakeMeter(const Config& config, const SystemClock& clock,
                                 const EnergyBoard& board) {
  if (!Measures(config)) return std::make_unique<ModelledMeter>(config.meter);
  return std::make_unique<SampledMeter>(config.meter, config.metering_period,
                                        clock, board);
}

std::vector<std::string> MeterCommand(const Config& config,
                                      const std::string& program,
                                      const StartOrder& order,
                                      const std::string& dir) {
  const RegionConfig* region = Find(config, order.region);
  if (!Measures(config) || region == nullptr) return {};
  MeterOptions options = OptionsOf(config, *region);
  if (MeasuresNothing(options)) return {};
  options.dir = dir;
  options.gpus = order.spec.need.gpus;
  options.cpu.cpus = std::max({order.allotment.cpus, order.spec.need.cpus, 1});
  options.power_mw = order.spec.power.thousandths();
  options.idle_mw = order.spec.idle_power.thousandths();
  // Of a cluster the node's environment says which devices they are.
  if (region->executor.type == "local") {
    options.devices = fmt::format("{}", fmt::join(order.allotment.gpus, ","));
  }
  if (region->meter.value_or(config.meter.sources).of_machine) {
    options.share.parts = Milliwatts(config, order.spec.need);
    options.share.whole =
        std::max<int64_t>(Milliwatts(config, region->region.capacity), 1);
  }
  options.share.most_mw = MostOf(options);
  std::vector<std::string> words = {program};
  std::ranges::move(FormatMeterOptions(options), std::back_inserter(words));
  return words;
}

std::vector<std::string> MeterCheckCommand(const Config& config,
                                           const std::string& program,
                                           const RegionConfig& region) {
  if (!Measures(config)) return {};
  MeterOptions options = OptionsOf(config, region);
  if (options.command.empty() && !options.nvml && !options.rapl) return {};
  options.gpus = region.region.capacity.gpus;
  std::vector<std::string> words = {program, "--check"};
  std::ranges::move(FormatMeterOptions(options), std::back_inserter(words));
  return words;
}

}  // namespace carbond
