// The `meter:` parts of carbond.yaml: of all regions, and of one.

#include <algorithm>

#include "daemon/config_sections.h"

namespace carbond {
namespace {

void ReadSources(ConfigMap& map, MeterSources& sources) {
  std::vector<std::string> words;
  if (!map.ReadWords("sources", words)) return;
  sources.nvml = sources.rapl = sources.cpu_time = sources.slurm = false;
  const std::map<std::string, bool*> known = {{"nvml", &sources.nvml},
                                              {"rapl", &sources.rapl},
                                              {"cpu_time", &sources.cpu_time},
                                              {"slurm", &sources.slurm}};
  for (const std::string& word : words) {
    const auto found = known.find(word);
    if (found != known.end()) {
      *found->second = true;
    } else if (word != "none" || words.size() > 1) {
      map.MistakeAt(
          "sources",
          "`{}` is no meter: write nvml, rapl, cpu_time, slurm, or none "
          "alone{}",
          word, DidYouMean(word, {"nvml", "rapl", "cpu_time", "slurm"}));
    }
  }
}

void ReadCommand(ConfigMap& map, bool local, MeterSources& sources) {
  map.ReadWords("command", sources.command);
  map.ReadChoice<bool>("of", sources.of_machine,
                       {{"run", false}, {"machine", true}});
  if (map.Find("of") && sources.command.empty()) {
    map.MistakeAt("of", "says what `command` speaks of, and there is none");
  }
  if (sources.of_machine && !local) {
    map.MistakeAt("of",
                  "a cluster's runs share machines that carbond does not know: "
                  "let the command speak of the run (SLURM_JOB_ID is in its "
                  "environment), and write of: run");
  }
}

}  // namespace

void ReadMeter(ConfigFile& file, ConfigMap& top, MeterConfig& meter) {
  ConfigMap map = Section(file, top, "meter");
  map.Read("per_gpu", meter.per_gpu);
  map.Read("per_cpu", meter.per_cpu);
  map.Read("idle_fraction", meter.idle_fraction, 0, 1);
  ReadSources(map, meter.sources);
  ReadCommand(map, true, meter.sources);
  map.Read("period", meter.period, Duration(100), minutes(5));
  map.ReadPath("nvml_library", meter.nvml_library);
  map.ReadPath("powercap", meter.powercap);
  map.Finish();
}

void ReadRegionMeter(ConfigFile& file, ConfigMap& map, RegionConfig& region) {
  const ConfigEntry* entry = map.Find("meter");
  if (entry == nullptr) return;
  ConfigMap inner(file, entry->value, map.Path("meter"), entry->line);
  MeterSources sources;
  ReadSources(inner, sources);
  ReadCommand(inner, region.executor.type == "local", sources);
  inner.Finish();
  region.meter = std::move(sources);
}

}  // namespace carbond
