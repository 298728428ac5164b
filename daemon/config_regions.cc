// The `regions:` part of carbond.yaml.
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>

#include "daemon/config_sections.h"
#include "daemon/grid/cloud_regions.h"

namespace carbond {
namespace {

struct ProviderNames {
  std::vector<std::string> in_file;  // with mistakes in them or not
  std::map<std::string, const ProviderConfig*> usable;
};

ProviderNames NamesOf(ConfigMap& top,
                      const std::vector<ProviderConfig>& providers) {
  ProviderNames names;
  const ConfigEntry* entry = top.Find("providers");
  if (entry != nullptr && entry->value.IsMap()) {
    for (const auto& pair : entry->value) {
      if (pair.first.IsScalar()) names.in_file.push_back(pair.first.Scalar());
    }
  }
  for (const ProviderConfig& p : providers) names.usable[p.name] = &p;
  return names;
}

// A chain falls back from one provider to the next, which is honest only when
// their numbers mean the same.
void CheckOneSignal(ConfigMap& map, const std::vector<GridLink>& chain,
                    const ProviderNames& names) {
  const ProviderConfig* first = nullptr;
  for (const GridLink& link : chain) {
    const std::string& name = link.provider;
    const auto found = names.usable.find(name);
    if (found == names.usable.end()) continue;
    if (first == nullptr) {
      first = found->second;
    } else if (first->signal() != found->second->signal()) {
      map.MistakeAt("grid",
                    "`{}` gives {} and `{}` gives {}; the providers of one "
                    "region must give the same signal",
                    first->name, first->signal(), name,
                    found->second->signal());
      return;
    }
  }
}

void ReadGrid(ConfigMap& map, RegionConfig& region,
              const ProviderNames& names) {
  std::vector<std::string> chain;
  if (!map.Require("grid", "name a provider, or a list of them") ||
      !map.ReadWords("grid", chain)) {
    return;
  }
  std::set<std::string> seen;
  for (const std::string& name : chain) {
    if (std::ranges::find(names.in_file, name) == names.in_file.end()) {
      map.MistakeAt("grid", "no provider is called `{}`{}", name,
                    DidYouMean(name, names.in_file));
    } else if (!seen.insert(name).second) {
      map.MistakeAt("grid", "`{}` is named twice", name);
    }
    // A recording knows no zones; the first provider's name stands for one.
    region.grid.push_back({name, chain.front()});
  }
  CheckOneSignal(map, region.grid, names);
}

// `aws/eu-north-1`: what the region does not say itself is the table's.
const CloudRegion* ReadCloud(ConfigMap& map, RegionConfig& region) {
  if (!map.Read("cloud", region.cloud)) return nullptr;
  const CloudRegion* cloud = FindCloudRegion(region.cloud);
  if (cloud != nullptr) {
    region.region.pue = cloud->pue;
    return cloud;
  }
  std::vector<std::string> names;
  for (const CloudRegion& each : CloudRegions()) names.push_back(each.name);
  map.MistakeAt("cloud",
                "`{}` is none of the {} regions of aws, gcp and azure that "
                "carbond knows: write it like aws/eu-north-1, or `zone:` in "
                "its place{}",
                region.cloud, names.size(), DidYouMean(region.cloud, names));
  return nullptr;
}

// One zone for all providers, or a map of provider to zone.
std::map<std::string, std::string> ReadZones(ConfigFile& file, ConfigMap& map,
                                             const RegionConfig& region) {
  std::map<std::string, std::string> zones;
  const ConfigEntry* entry = map.Find("zone");
  if (entry == nullptr) return zones;
  if (!entry->value.IsMap()) {
    std::string zone;
    if (map.Read("zone", zone)) {
      for (const GridLink& link : region.grid) zones[link.provider] = zone;
    }
    return zones;
  }
  ConfigMap inner(file, entry->value, map.Path("zone"), entry->line);
  for (const GridLink& link : region.grid) {
    std::string zone;
    if (inner.Read(link.provider, zone)) zones[link.provider] = zone;
  }
  inner.Finish();
  return zones;
}

void ReadZone(ConfigFile& file, ConfigMap& map, RegionConfig& region,
              const CloudRegion* cloud, const ProviderNames& names) {
  const auto zones = ReadZones(file, map, region);
  // What it would have named is not known.
  if (!region.cloud.empty() && cloud == nullptr) return;
  for (GridLink& link : region.grid) {
    const auto found = names.usable.find(link.provider);
    if (found == names.usable.end()) continue;
    const ProviderConfig& provider = *found->second;
    const auto named = zones.find(link.provider);
    if (named != zones.end()) {
      link.zone = named->second;
    } else if (cloud != nullptr && !cloud->ZoneOf(provider.type).empty()) {
      link.zone = cloud->ZoneOf(provider.type);
      link.is_hint = true;
    }
    const bool given = named != zones.end() || link.is_hint;
    const Status good = CheckZone(provider, link.zone, given);
    if (!good.ok()) map.MistakeAt("zone", "{}", Message(good));
  }
}

// The key must tell apart the same zone asked of other providers, and must not
// change when another region is added: the ledger keeps intensities by it.
std::string ZoneKey(const RegionConfig& region) {
  const std::vector<GridLink>& grid = region.grid;
  if (grid.empty()) return "";
  const std::string& zone = grid.front().zone;
  if (grid.size() == 1 && grid.front().provider == zone) return zone;
  const bool alike = std::ranges::all_of(
      grid, [&](const GridLink& link) { return link.zone == zone; });
  std::string key = alike ? zone : "";
  for (const GridLink& link : grid) {
    const bool is_first = &link == &grid.front();
    if (alike) {
      key += (is_first ? "@" : "+") + link.provider;
    } else {
      key += (is_first ? "" : "+") + link.zone + "@" + link.provider;
    }
  }
  return key;
}

const std::string* SignalOf(const std::vector<GridLink>& grid,
                            const ProviderNames& names) {
  if (grid.empty()) return nullptr;
  const auto first = names.usable.find(grid.front().provider);
  return first == names.usable.end() ? nullptr : &first->second->signal();
}

// Another signal, whose grams are kept beside the first's.
void ReadSecond(ConfigFile& file, ConfigMap& map, RegionConfig& region,
                const CloudRegion* cloud, const ProviderNames& names) {
  const ConfigEntry* entry = map.Find("second");
  if (entry == nullptr) return;
  if (!entry->value.IsMap()) {
    map.MistakeAt("second", "{}: write second: {{grid: em, zone: DE}}",
                  Describe(entry->value));
    return;
  }
  ConfigMap inner(file, entry->value, map.Path("second"), entry->line);
  RegionConfig second;
  second.cloud = region.cloud;
  ReadGrid(inner, second, names);
  ReadZone(file, inner, second, cloud, names);
  inner.Finish();
  const std::string* signal = SignalOf(second.grid, names);
  if (signal != nullptr && *signal == region.region.signal) {
    map.MistakeAt("second",
                  "its signal is {} too: name a provider of another signal, "
                  "whose grams are to stand beside the first's",
                  *signal);
  }
  region.second_grid = second.grid;
  region.region.second_zone = ZoneKey(second);
}

// Hours of the day in which there is less.
CapacityHours ReadHours(ConfigFile& file, const YAML::Node& node,
                        const std::string& title, const Resources& whole) {
  CapacityHours hours;
  hours.capacity = whole;  // of what is not named nothing is lacking
  ConfigMap map(file, node, title, LineOf(node));
  const bool from = map.Require("from", "a time of day (UTC), such as 08:00") &&
                    map.ReadTimeOfDay("from", hours.from);
  const bool until = map.Require("until", "a time of day, such as 18:00") &&
                     map.ReadTimeOfDay("until", hours.until);
  if (from && until && hours.from == hours.until) {
    map.MistakeAt("until",
                  "the same as `from`; for the whole day, write less "
                  "capacity");
  }
  map.Read("gpus", hours.capacity.gpus, 0, whole.gpus);
  map.Read("cpus", hours.capacity.cpus, 0, whole.cpus);
  map.Finish();
  return hours;
}

// What carbond says to sbatch itself, or what would make one run into several.
constexpr std::array kSbatchOptionsTaken = {
    "--array",     "--begin",   "--chdir",      "--comment", "--dependency",
    "--error",     "--export",  "--hold",       "--input",   "--job-name",
    "--nodes",     "--ntasks",  "--open-mode",  "--output",  "--parsable",
    "--partition", "--requeue", "--no-requeue", "--time",    "--uid",
    "--wait",      "--wrap"};

void ReadSbatchOptions(ConfigMap& map, std::vector<std::string>& options) {
  if (!map.ReadWords("options", options)) return;
  for (const std::string& option : options) {
    const std::string name = option.substr(0, option.find('='));
    if (!option.starts_with("--") || name.size() < 3) {
      map.MistakeAt("options",
                    "`{}`: write each option of sbatch as one word, such as "
                    "--mem=16G",
                    option);
    } else if (std::ranges::find(kSbatchOptionsTaken, name) !=
               kSbatchOptionsTaken.end()) {
      map.MistakeAt("options", "`{}` is carbond's own to set", name);
    }
  }
}

void ReadDefer(ConfigFile& file, ConfigMap& place,
               std::optional<SlurmDefer>& defer) {
  const ConfigEntry* entry = place.Find("defer");
  if (entry == nullptr) return;
  if (!entry->value.IsMap()) {
    place.MistakeAt("defer", "{}: write defer: {{deadline: 24h}}",
                    Describe(entry->value));
    return;
  }
  defer.emplace();
  ConfigMap map(file, entry->value, place.Path("defer"), entry->line);
  map.Read("deadline", defer->deadline, minutes(1), hours(24 * 366));
  map.Finish();
}

void ReadSlurmPlace(ConfigFile& file, ConfigMap& executor,
                    const ConfigEntry& entry, SlurmPlace& place) {
  ConfigMap map(file, entry.value, executor.Path("slurm"), entry.line);
  map.ReadPath("conf", place.conf);
  map.Read("partition", place.partition);
  map.Read("account", place.account);
  map.Read("qos", place.qos);
  map.Read("constraint", place.constraint);
  map.Read("gpu", place.gpu);
  ReadSbatchOptions(map, place.options);
  ReadDefer(file, map, place.defer);
  map.Finish();
}

// `local`, or a map of one type to its settings.
void ReadExecutor(ConfigFile& file, ConfigMap& map, ExecutorConfig& executor) {
  const ConfigEntry* entry = map.Find("executor");
  if (entry == nullptr) return;
  if (!entry->value.IsMap()) {
    if (!map.Read("executor", executor.type)) return;
  } else {
    ConfigMap inner(file, entry->value, map.Path("executor"), entry->line);
    if (inner.entries().size() != 1) {
      map.MistakeAt("executor", "a map of {} keys, where one type is owed",
                    inner.entries().size());
      return;
    }
    const ConfigEntry& type = inner.entries().front();
    executor.type = type.key;
    if (type.key == "local") {
      ConfigMap(file, type.value, inner.Path("local"), type.line).Finish();
    } else if (type.key == "slurm") {
      ReadSlurmPlace(file, inner, type, executor.slurm);
    }
  }
  if (executor.type != "local" && executor.type != "slurm") {
    map.MistakeAt("executor",
                  "executor type `{}` is not built into this carbond; it "
                  "knows: local, slurm{}",
                  executor.type, DidYouMean(executor.type, {"local", "slurm"}));
  }
}

void ReadEmbodied(ConfigFile& file, ConfigMap& map, RegionConfig& region) {
  const ConfigEntry* entry = map.Find("embodied");
  if (entry == nullptr) return;
  const std::string example =
      "write embodied: {kg: 3700, gpus: 8, years: 4}, or cpus where jobs share "
      "by cores";
  if (!entry->value.IsMap()) {
    map.MistakeAt("embodied", "{}: {}", Describe(entry->value), example);
    return;
  }
  EmbodiedConfig embodied;
  ConfigMap inner(file, entry->value, map.Path("embodied"), entry->line);
  inner.Require("kg", example);
  inner.Read("kg", embodied.kg, 0, 1e6);
  const bool gpus = inner.Read("gpus", embodied.gpus, 1, 1024);
  const bool cpus = inner.Read("cpus", embodied.cpus, 1, 65536);
  if (!gpus && !cpus && !inner.Find("gpus") && !inner.Find("cpus")) {
    map.MistakeAt("embodied", "shared by what? {}", example);
  }
  inner.Read("years", embodied.years, 0.1, 100);
  inner.Finish();
  region.embodied = embodied;
}

void ReadName(ConfigMap& map, Region& region) {
  if (!map.Require("name", "every region has a name") ||
      !map.Read("name", region.name)) {
    return;
  }
  if (region.name.find_first_of(" \t\n/,@\"'") != std::string::npos) {
    map.MistakeAt("name", "`{}` may hold no blank, comma, quote, `/` or `@`",
                  region.name);
  }
}

RegionConfig ReadRegion(ConfigFile& file, const YAML::Node& node, size_t index,
                        const ProviderNames& names) {
  RegionConfig region;
  region.line = LineOf(node);
  std::string title = fmt::format("regions[{}]", index);
  if (node.IsMap() && node["name"] && node["name"].IsScalar() &&
      !node["name"].Scalar().empty()) {
    title = "regions." + node["name"].Scalar();
  }
  ConfigMap map(file, node, title, region.line);
  if (!node.IsMap()) {
    if (node.IsNull()) file.Mistake(region.line, "{}: empty", title);
    return region;
  }
  ReadName(map, region.region);
  ReadGrid(map, region, names);
  const CloudRegion* cloud = ReadCloud(map, region);
  ReadZone(file, map, region, cloud, names);
  region.region.zone = ZoneKey(region);
  const std::string* signal = SignalOf(region.grid, names);
  if (signal != nullptr) region.region.signal = *signal;
  ReadSecond(file, map, region, cloud, names);
  double pue = 1;
  if (map.Read("pue", pue, 1, 10)) region.region.pue = Pue::Of(pue);
  ReadEmbodied(file, map, region);
  ReadExecutor(file, map, region.executor);
  ReadRegionMeter(file, map, region);
  map.Require("capacity", "write capacity: {gpus: 4, cpus: 32}");
  ReadCapacity(file, map, region.region);
  map.Read("drained", region.region.drained);
  map.Finish();
  return region;
}

}  // namespace

void ReadCapacity(ConfigFile& file, ConfigMap& map, Region& region) {
  Resources& capacity = region.capacity;
  const ConfigEntry* found = map.Find("capacity");
  if (found == nullptr) return;
  const ConfigEntry& entry = *found;
  ConfigMap inner(file, entry.value, map.Path("capacity"), entry.line);
  const size_t mistakes_before = file.mistakes.size();
  inner.Read("gpus", capacity.gpus, 0, 1'000'000);
  inner.Read("cpus", capacity.cpus, 0, 10'000'000);
  if (const ConfigEntry* list = inner.Find("hours")) {
    if (!list->value.IsSequence()) {
      inner.MistakeAt("hours",
                      "{}, where a list of {{from: 08:00, until: "
                      "18:00, gpus: 1}} is owed",
                      Describe(list->value));
    } else {
      for (const YAML::Node& node : list->value) {
        region.hours.push_back(ReadHours(
            file, node,
            fmt::format("{}[{}]", inner.Path("hours"), region.hours.size()),
            capacity));
      }
    }
  }
  const bool map_or_nothing = entry.value.IsMap() || entry.value.IsNull();
  if (map_or_nothing && file.mistakes.size() == mistakes_before &&
      capacity == Resources{}) {
    map.MistakeAt("capacity",
                  "nothing could ever run here; write capacity: {{gpus: 4, "
                  "cpus: 32}}");
  }
  inner.Finish();
}

std::vector<RegionConfig> ReadRegions(
    ConfigFile& file, ConfigMap& top,
    const std::vector<ProviderConfig>& providers) {
  std::vector<RegionConfig> regions;
  if (!top.Require("regions", "list at least one place that can run jobs")) {
    return regions;
  }
  const ConfigEntry& entry = *top.Find("regions");
  if (entry.value.IsScalar() || entry.value.IsMap()) {
    top.MistakeAt("regions", "{}, where a list (`- name: here`) is owed",
                  Describe(entry.value));
    return regions;
  }
  const ProviderNames names = NamesOf(top, providers);
  std::map<std::string, int> line_of;
  for (const YAML::Node& node : entry.value) {
    RegionConfig region = ReadRegion(file, node, regions.size(), names);
    const std::string& name = region.region.name;
    const auto [first, added] = line_of.emplace(name, region.line);
    if (!added && !name.empty()) {
      file.Mistake(region.line,
                   "regions.{}: a region of this name stands on line {}; "
                   "names must differ",
                   name, first->second);
    }
    regions.push_back(std::move(region));
  }
  if (regions.empty()) {
    top.MistakeAt("regions",
                  "empty; list at least one place that can run jobs");
  }
  return regions;
}

}  // namespace carbond
