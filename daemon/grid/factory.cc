#include "daemon/grid/factory.h"

#include <map>

#include "daemon/grid/board.h"
#include "daemon/grid/recorded.h"

namespace carbond {
namespace {

// One overload per type of provider.
struct Open {
  const std::string& name;
  Instant replay_anchor;

  Result<std::unique_ptr<Provider>> operator()(const RecordedConfig& c) const {
    return Recorded::Open(name, c, replay_anchor);
  }
};

}  // namespace

Result<std::unique_ptr<Grid>> MakeGrid(const Config& config,
                                       Instant replay_anchor) {
  std::vector<std::unique_ptr<Provider>> providers;
  std::map<std::string, size_t> index;
  for (const ProviderConfig& each : config.providers) {
    auto provider = std::visit(Open{each.name, replay_anchor}, each.settings);
    if (!provider.ok()) {
      return Status(provider.status().code(),
                    fmt::format("provider {}: {}", each.name,
                                Message(provider.status())));
    }
    index[each.name] = providers.size();
    providers.push_back(*std::move(provider));
  }
  std::map<std::string, BoardZone> zones;  // by key: regions may share one
  for (const RegionConfig& region : config.regions) {
    BoardZone zone{region.region.zone, region.grid_zone, {}};
    for (const std::string& name : region.grid) {
      const auto found = index.find(name);
      if (found == index.end()) {
        return Refused("region {}: no provider is called `{}`",
                       region.region.name, name);
      }
      zone.chain.push_back(found->second);
    }
    zones.emplace(zone.key, std::move(zone));
  }
  std::vector<BoardZone> distinct;
  for (auto& [key, zone] : zones) distinct.push_back(std::move(zone));
  return std::make_unique<Board>(std::move(providers), distinct);
}

}  // namespace carbond
