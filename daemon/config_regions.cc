// The `regions:` part of carbond.yaml.
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "daemon/config_sections.h"

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

const std::string& SignalOf(const ProviderConfig& provider) {
  return std::visit(
      [](const auto& settings) -> const std::string& {
        return settings.signal;
      },
      provider.settings);
}

// A chain falls back from one provider to the next, which is honest only when
// their numbers mean the same.
void CheckOneSignal(ConfigMap& map, const std::vector<std::string>& chain,
                    const ProviderNames& names) {
  const ProviderConfig* first = nullptr;
  for (const std::string& name : chain) {
    const auto found = names.usable.find(name);
    if (found == names.usable.end()) continue;
    if (first == nullptr) {
      first = found->second;
    } else if (SignalOf(*first) != SignalOf(*found->second)) {
      map.MistakeAt("grid",
                    "`{}` gives {} and `{}` gives {}; the providers of one "
                    "region must give the same signal",
                    first->name, SignalOf(*first), name,
                    SignalOf(*found->second));
      return;
    }
  }
}

void ReadGrid(ConfigMap& map, RegionConfig& region,
              const ProviderNames& names) {
  if (!map.Require("grid", "name a provider, or a list of them") ||
      !map.ReadWords("grid", region.grid)) {
    return;
  }
  std::set<std::string> seen;
  for (const std::string& name : region.grid) {
    if (std::ranges::find(names.in_file, name) == names.in_file.end()) {
      map.MistakeAt("grid", "no provider is called `{}`{}", name,
                    DidYouMean(name, names.in_file));
    } else if (!seen.insert(name).second) {
      map.MistakeAt("grid", "`{}` is named twice", name);
    }
  }
  CheckOneSignal(map, region.grid, names);
}

void CheckZones(ConfigMap& map, const RegionConfig& region,
                const ProviderNames& names, bool named) {
  for (const std::string& name : region.grid) {
    const auto found = names.usable.find(name);
    if (found == names.usable.end()) continue;
    const Status good = CheckZone(*found->second, region.grid_zone, named);
    if (!good.ok()) map.MistakeAt("zone", "{}", Message(good));
  }
}

// The key must tell apart the same zone asked of other providers, and must not
// change when another region is added: the ledger keeps intensities by it.
std::string ZoneKey(const RegionConfig& region) {
  if (region.grid.size() == 1 && region.grid.front() == region.grid_zone) {
    return region.grid_zone;
  }
  return fmt::format("{}@{}", region.grid_zone, fmt::join(region.grid, "+"));
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
    }
  }
  if (executor.type != "local") {
    map.MistakeAt("executor",
                  "executor type `{}` is not built into this carbond; it "
                  "knows: local{}",
                  executor.type, DidYouMean(executor.type, {"local"}));
  }
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
  if (!region.grid.empty()) region.grid_zone = region.grid.front();
  const bool named = map.Read("zone", region.grid_zone);
  CheckZones(map, region, names, named);
  region.region.zone = ZoneKey(region);
  double pue = 1;
  if (map.Read("pue", pue, 1, 10)) region.region.pue = Pue::Of(pue);
  ReadExecutor(file, map, region.executor);
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
