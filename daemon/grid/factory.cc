#include "daemon/grid/factory.h"

#include <unistd.h>

#include <algorithm>
#include <map>

#include "daemon/grid/board.h"
#include "daemon/grid/carbon_aware_sdk.h"
#include "daemon/grid/carbonintensity_uk.h"
#include "daemon/grid/electricity_maps.h"
#include "daemon/grid/fetcher.h"
#include "daemon/grid/recorded.h"
#include "daemon/grid/watttime.h"
#include "daemon/grid/yearly.h"

namespace carbond {
namespace {

Status Of(const ProviderConfig& provider, const Status& status) {
  if (status.ok()) return status;
  return Status(status.code(),
                fmt::format("provider {}: {}", provider.name, Message(status)));
}

// ---- Sources: one overload per type of service -----------------------------

using MadeSource = Result<std::unique_ptr<Source>>;

MadeSource MakeSource(const WattTimeConfig& config) {
  CARBOND_ASSIGN_OR_RETURN(Secret username, FetchSecret(config.username));
  CARBOND_ASSIGN_OR_RETURN(Secret password, FetchSecret(config.password));
  return std::make_unique<WattTime>(config, std::move(username),
                                    std::move(password));
}

MadeSource MakeSource(const ElectricityMapsConfig& config) {
  CARBOND_ASSIGN_OR_RETURN(Secret token, FetchSecret(config.token));
  return std::make_unique<ElectricityMaps>(config, std::move(token));
}

MadeSource MakeSource(const CarbonIntensityUkConfig& config) {
  return std::make_unique<CarbonIntensityUk>(config);
}

MadeSource MakeSource(const CarbonAwareSdkConfig& config) {
  return std::make_unique<CarbonAwareSdk>(config);
}

// ---- Providers -------------------------------------------------------------

std::string HostName() {
  char name[256] = "";
  gethostname(name, sizeof(name) - 1);
  return name;
}

CurlDoor::Options DoorOptions(const HttpConfig& config) {
  CurlDoor::Options options;
  options.total_timeout = config.timeout;
  options.connect_timeout = std::min(options.connect_timeout, config.timeout);
  options.ca_file = config.ca_file;
  options.user_agent = "carbond/" CARBOND_VERSION;
  if (!config.contact.empty()) {
    options.user_agent += fmt::format(" (+{})", config.contact);
  }
  return options;
}

// The zones that any region may ask a provider for.
std::vector<std::string> ZonesOf(const Config& config,
                                 const std::string& provider) {
  std::vector<std::string> zones;
  for (const RegionConfig& region : config.regions) {
    for (const GridLink& link : region.links()) {
      if (link.provider == provider &&
          std::ranges::count(zones, link.zone) == 0) {
        zones.push_back(link.zone);
      }
    }
  }
  return zones;
}

using Made = Result<std::unique_ptr<Provider>>;

struct Make {
  const Config& config;
  const std::string& name;
  Instant replay_anchor;
  const Clock& clock;

  Made operator()(const RecordedConfig& recorded) const {
    return Recorded::Open(name, recorded, replay_anchor, ZonesOf(config, name));
  }
  Made operator()(const StaticConfig& yearly) const {
    return std::make_unique<Yearly>(name, yearly);
  }
  template <typename ServiceConfig>
  Made operator()(const ServiceConfig& service) const {
    CARBOND_ASSIGN_OR_RETURN(auto source, MakeSource(service));
    auto fetcher = std::make_unique<Fetcher>(
        Fetcher::Options{name, HostName(), ZonesOf(config, name),
                         service.horizon, service.poll, service.stale_after},
        std::move(source), std::make_unique<CurlDoor>(DoorOptions(service)),
        clock, &SystemClock::SinceBoot);
    fetcher->Start();
    return fetcher;
  }
};

struct MakeOneService {
  Result<HttpService> operator()(const RecordedConfig&) {
    return HttpService();
  }
  Result<HttpService> operator()(const StaticConfig&) { return HttpService(); }
  template <typename ServiceConfig>
  Result<HttpService> operator()(const ServiceConfig& config) {
    CARBOND_ASSIGN_OR_RETURN(auto source, MakeSource(config));
    return HttpService{std::move(source),
                       std::make_unique<CurlDoor>(DoorOptions(config))};
  }
};

}  // namespace

ConfiguredGrid::ConfiguredGrid(std::unique_ptr<Board> board,
                               std::vector<Described> providers,
                               std::map<std::string, Duration> stale_after)
    : board_(std::move(board)),
      providers_(std::move(providers)),
      stale_after_(std::move(stale_after)) {}
ConfiguredGrid::~ConfiguredGrid() = default;

GridNews ConfiguredGrid::Poll(Instant now) { return board_->Poll(now); }
std::optional<Instant> ConfiguredGrid::NextNews(Instant now) {
  return board_->NextNews(now);
}

std::vector<ProviderReport> ConfiguredGrid::Report() const {
  std::vector<ProviderReport> reports;
  for (const Described& each : providers_) {
    reports.push_back(each.what);
    if (each.fetcher != nullptr)
      reports.back().fetched = each.fetcher->Report();
  }
  return reports;
}

Result<std::unique_ptr<ConfiguredGrid>> MakeGrid(const Config& config,
                                                 Instant replay_anchor,
                                                 const Clock& clock) {
  std::vector<std::unique_ptr<Provider>> providers;
  std::vector<ConfiguredGrid::Described> described;
  std::map<std::string, Duration> stale_after;
  std::map<std::string, size_t> index;
  for (const ProviderConfig& each : config.providers) {
    auto provider = std::visit(Make{config, each.name, replay_anchor, clock},
                               each.settings);
    if (!provider.ok()) return Of(each, provider.status());
    index[each.name] = providers.size();
    stale_after[(*provider)->name()] = (*provider)->stale_after();
    described.push_back({{each.name, each.type, each.signal(), {}},
                         dynamic_cast<const Fetcher*>(provider->get())});
    providers.push_back(*std::move(provider));
  }
  std::map<std::string, BoardZone> zones;  // by key: regions may share one
  const auto add = [&](const std::string& key, const RegionConfig& region,
                       const std::vector<GridLink>& grid) -> Status {
    BoardZone zone{key, {}};
    for (const GridLink& link : grid) {
      const auto found = index.find(link.provider);
      if (found == index.end()) {
        return Refused("region {}: no provider is called `{}`",
                       region.region.name, link.provider);
      }
      zone.chain.push_back({found->second, link.zone});
    }
    zones.emplace(key, std::move(zone));
    return Ok();
  };
  for (const RegionConfig& region : config.regions) {
    CARBOND_RETURN_IF_ERROR(add(region.region.zone, region, region.grid));
    if (region.second_grid.empty()) continue;
    CARBOND_RETURN_IF_ERROR(
        add(region.region.second_zone, region, region.second_grid));
  }
  std::vector<BoardZone> distinct;
  for (auto& [key, zone] : zones) distinct.push_back(std::move(zone));
  return std::make_unique<ConfiguredGrid>(
      std::make_unique<Board>(std::move(providers), distinct),
      std::move(described), std::move(stale_after));
}

Result<HttpService> MakeService(const ProviderConfig& provider) {
  Result<HttpService> made = std::visit(MakeOneService{}, provider.settings);
  if (!made.ok()) return Of(provider, made.status());
  return made;
}

Status CheckRecordings(const Config& config, Instant replay_anchor) {
  for (const ProviderConfig& each : config.providers) {
    const auto* recorded = std::get_if<RecordedConfig>(&each.settings);
    if (recorded == nullptr) continue;
    const auto opened = Recorded::Open(each.name, *recorded, replay_anchor,
                                       ZonesOf(config, each.name));
    if (!opened.ok()) return Of(each, opened.status());
  }
  return Ok();
}

std::vector<Status> MissingSecrets(const Config& config) {
  struct Places {
    std::vector<SecretPlace> operator()(const RecordedConfig&) { return {}; }
    std::vector<SecretPlace> operator()(const StaticConfig&) { return {}; }
    std::vector<SecretPlace> operator()(const HttpConfig& http) {
      return {http.username, http.password, http.token};
    }
  };
  std::vector<Status> missing;
  for (const ProviderConfig& each : config.providers) {
    for (const SecretPlace& place : std::visit(Places{}, each.settings)) {
      if (!place.given()) continue;
      const auto secret = FetchSecret(place);
      if (!secret.ok()) missing.push_back(Of(each, secret.status()));
    }
  }
  return missing;
}

}  // namespace carbond
