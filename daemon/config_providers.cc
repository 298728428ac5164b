// The `providers:` part of carbond.yaml. A new type of provider adds its
// settings to config.h and its reader to the table below.
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <utility>

#include "daemon/config_sections.h"
#include "daemon/grid/yearly.h"

namespace carbond {

void ReadDataFile(ConfigMap& map, const std::string& key, std::string& path) {
  if (!map.ReadPath(key, path)) return;
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    map.MistakeAt(key, "{} does not exist", path);
  } else if (!std::filesystem::is_regular_file(path, error)) {
    map.MistakeAt(key, "{} is no file", path);
  }
}

namespace {

// An instant, or a day.
void ReadFrom(ConfigMap& map, RecordedConfig& config) {
  std::string text;
  if (!map.Read("from", text)) return;
  const Result<Instant> from =
      ParseInstant(text.size() == 10 ? text + "T00:00:00Z" : text);
  if (!from.ok()) {
    map.MistakeAt("from",
                  "`{}` is no day and no time: write 2021-07-15 or "
                  "2021-07-15T00:00:00Z",
                  text);
  } else if (config.replay != RecordedConfig::Replay::kNow) {
    map.MistakeAt("from", "means something only with `replay: now`");
  } else {
    config.from = *from;
  }
}

void CheckStaleAfter(ConfigMap& map, Duration stale_after, Duration poll) {
  if (stale_after >= poll) return;
  map.MistakeAt("stale_after",
                "{} is shorter than poll {}: every forecast would be stale "
                "before the next",
                FormatDuration(stale_after), FormatDuration(poll));
}

RecordedConfig ReadRecorded(ConfigMap& map) {
  RecordedConfig config;
  map.Require("actual",
              "name the file of recorded values (.csv, .json, or gzip'd)");
  ReadDataFile(map, "actual", config.actual);
  ReadDataFile(map, "forecast", config.forecast);
  map.Require("signal", "say what the values are, such as co2_moer or average");
  map.Read("signal", config.signal);
  map.ReadChoice<RecordedConfig::Replay>(
      "replay", config.replay,
      {{"now", RecordedConfig::Replay::kNow},
       {"as_recorded", RecordedConfig::Replay::kAsRecorded}});
  ReadFrom(map, config);
  map.Read("loop", config.loop);
  map.Read("horizon", config.horizon, hours(1), hours(24 * 31));
  map.Read("poll", config.poll, seconds(1), hours(24));
  map.Read("stale_after", config.stale_after, seconds(1), hours(24 * 31));
  CheckStaleAfter(map, config.stale_after, config.poll);
  return config;
}

StaticConfig ReadStatic(ConfigMap& map) {
  StaticConfig config;
  const ConfigEntry* entry = map.Find("factors");
  if (entry == nullptr) return config;
  ConfigMap factors(map.file(), entry->value, map.Path("factors"), entry->line);
  for (const ConfigEntry& each : factors.entries()) {
    double g_per_kwh = 0;
    if (factors.Read(each.key, g_per_kwh, 0, 5000)) {
      config.factors[each.key] = GramsPerKwh::Of(g_per_kwh);
    }
  }
  return config;
}

// ---- Providers behind HTTP --------------------------------------------------

}  // namespace

bool IsLoopback(const std::string& authority) {
  for (const char* host : {"localhost", "127.0.0.1", "[::1]"}) {
    if (authority == host || authority.starts_with(std::string(host) + ":")) {
      return true;
    }
  }
  return false;
}

namespace {

Status CheckBaseUrl(const std::string& url, bool with_secrets) {
  const bool plain = url.starts_with("http://");
  if (!plain && !url.starts_with("https://")) {
    return Refused("`{}` is no address; write https://host", url);
  }
  const std::string rest = url.substr(plain ? 7 : 8);
  const std::string authority = rest.substr(0, rest.find('/'));
  if (authority.find('@') != std::string::npos) {
    return Refused(
        "no user name or password may stand in an address; name the places "
        "where they are kept (`username_env`, `password_env`, `token_env`)");
  }
  if (authority.empty() ||
      rest.find_first_of("?# \t\"'\\") != std::string::npos) {
    return Refused("`{}` is no address to begin with; write https://host/path",
                   url);
  }
  if (plain && with_secrets && !IsLoopback(authority)) {
    return Refused(
        "`{}` would carry the secret over the network for everyone to read; "
        "write https://",
        url);
  }
  return Ok();
}

bool IsVariableName(const std::string& name) {
  return !name.empty() && (name[0] < '0' || name[0] > '9') &&
         name.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
             "_") == std::string::npos;
}

}  // namespace

void ReadSecretPlace(ConfigMap& map, const std::string& what,
                     SecretPlace& place) {
  const std::string env = what + "_env";
  const std::string file = what + "_file";
  map.Read(env, place.env);
  map.ReadPath(file, place.file);
  for (const ConfigEntry& entry : map.entries()) {
    if (entry.key != what) continue;
    map.Find(what);
    map.MistakeAt(what,
                  "a secret is never in the file itself; write {}: VARIABLE or "
                  "{}: PATH",
                  env, file);
    return;
  }
  if (!place.env.empty() && !IsVariableName(place.env)) {
    map.MistakeAt(env, "`{}` is no name of an environment variable", place.env);
  }
  if (map.Find(env) == nullptr && map.Find(file) == nullptr) {
    map.Require(env, fmt::format("name the environment variable that holds the "
                                 "{}, or {}: PATH",
                                 what, file));
  } else if (place.given() && !place.env.empty() && !place.file.empty()) {
    map.MistakeAt(file, "{} is given as well; keep one of the two", env);
  }
}

namespace {

struct HttpDefaults {
  std::string base_url;              // empty: must be given
  std::string signal;                // empty: must be given
  std::vector<std::string> signals;  // that may be chosen; empty: any
  Duration horizon;
  Duration most_horizon;
  Duration poll;
};

void ReadSignal(ConfigMap& map, const HttpDefaults& defaults,
                HttpConfig& config) {
  config.signal = defaults.signal;
  if (defaults.signals.empty()) {
    map.Require("signal",
                "say what the values are, such as co2_moer or average");
    map.Read("signal", config.signal);
    return;
  }
  std::map<std::string, std::string> choices;
  for (const std::string& signal : defaults.signals) choices[signal] = signal;
  map.ReadChoice("signal", config.signal, choices);
}

void ReadHttp(
    ConfigMap& map, const HttpDefaults& defaults,
    const std::vector<std::pair<const char*, SecretPlace HttpConfig::*>>&
        secrets,
    HttpConfig& config) {
  config.base_url = defaults.base_url;
  if (defaults.base_url.empty()) {
    map.Require("base_url",
                "say where the service is, such as "
                "http://127.0.0.1:8080");
  }
  if (map.Read("base_url", config.base_url)) {
    const Status good = CheckBaseUrl(config.base_url, !secrets.empty());
    if (!good.ok()) map.MistakeAt("base_url", "{}", Message(good));
    while (config.base_url.ends_with('/')) config.base_url.pop_back();
  }
  ReadSignal(map, defaults, config);
  for (const auto& [what, place] : secrets) {
    ReadSecretPlace(map, what, config.*place);
  }
  config.horizon = defaults.horizon;
  map.Read("horizon", config.horizon, Duration(0), defaults.most_horizon);
  config.poll = defaults.poll;
  map.Read("poll", config.poll, seconds(10), hours(24));
  config.stale_after = std::max<Duration>(hours(3), 3 * config.poll);
  map.Read("stale_after", config.stale_after, seconds(10), hours(24 * 31));
  CheckStaleAfter(map, config.stale_after, config.poll);
  map.Read("timeout", config.timeout, seconds(1), minutes(10));
  map.Read("contact", config.contact);
  if (!std::ranges::all_of(config.contact,
                           [](char c) { return c > ' ' && c <= '~'; })) {
    map.MistakeAt("contact",
                  "`{}` is neither an address of the web nor of "
                  "mail; write https://example.org",
                  config.contact);
  }
  ReadDataFile(map, "ca_file", config.ca_file);
}

WattTimeConfig ReadWattTime(ConfigMap& map) {
  WattTimeConfig config;
  ReadHttp(map,
           {"https://api.watttime.org",
            "co2_moer",
            {"co2_moer", "co2_aoer"},
            hours(72),
            hours(72),
            minutes(5)},
           {{"username", &HttpConfig::username},
            {"password", &HttpConfig::password}},
           config);
  return config;
}

ElectricityMapsConfig ReadElectricityMaps(ConfigMap& map) {
  ElectricityMapsConfig config;
  ReadHttp(map,
           {"https://api.electricitymaps.com/v3",
            "average_lifecycle",
            {"average_lifecycle", "average_direct"},
            hours(72),
            hours(72),
            minutes(30)},
           {{"token", &HttpConfig::token}}, config);
  return config;
}

CarbonIntensityUkConfig ReadCarbonIntensityUk(ConfigMap& map) {
  CarbonIntensityUkConfig config;
  ReadHttp(map,
           {"https://api.carbonintensity.org.uk",
            "average_generation",
            {"average_generation"},
            hours(48),
            hours(48),
            minutes(30)},
           {}, config);
  return config;
}

CarbonAwareSdkConfig ReadCarbonAwareSdk(ConfigMap& map) {
  CarbonAwareSdkConfig config;
  ReadHttp(map, {"", "", {}, hours(72), hours(24 * 31), minutes(5)}, {},
           config);
  return config;
}

using Settings = decltype(ProviderConfig::settings);
using SettingsReader = std::function<Settings(ConfigMap&)>;

// One line per type of provider that is built in.
const std::map<std::string, SettingsReader>& Types() {
  static const std::map<std::string, SettingsReader> types = {
      {"carbon_aware_sdk", ReadCarbonAwareSdk},
      {"carbonintensity_uk", ReadCarbonIntensityUk},
      {"electricity_maps", ReadElectricityMaps},
      {"recorded", ReadRecorded},
      {"static", ReadStatic},
      {"watttime", ReadWattTime},
  };
  return types;
}

bool GoodName(const std::string& name) {
  return name.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
             "_-.") == std::string::npos;
}

std::optional<ProviderConfig> ReadProvider(ConfigFile& file,
                                           const ConfigEntry& entry) {
  const std::string path = "providers." + entry.key;
  const size_t mistakes_before = file.mistakes.size();
  if (!GoodName(entry.key) || entry.key.empty()) {
    file.Mistake(entry.line,
                 "{}: a provider's name is made of letters, digits, `_`, `-` "
                 "and `.`",
                 path);
  }
  ConfigMap map(file, entry.value, path, entry.line);
  std::vector<std::string> types;
  for (const auto& type : Types()) types.push_back(type.first);
  ProviderConfig provider{entry.key, "", entry.line, {}};
  if (!entry.value.IsMap() && !entry.value.IsNull()) return std::nullopt;
  if (!map.Require("type", fmt::format("this carbond knows: {}",
                                       fmt::join(types, ", "))) ||
      !map.Read("type", provider.type)) {
    return std::nullopt;
  }
  const auto type = Types().find(provider.type);
  if (type == Types().end()) {
    // Its other keys cannot be judged.
    map.MistakeAt("type",
                  "provider type `{}` is not built into this carbond; it "
                  "knows: {}{}",
                  provider.type, fmt::join(types, ", "),
                  DidYouMean(provider.type, types));
    return std::nullopt;
  }
  provider.settings = type->second(map);
  map.Finish();
  if (file.mistakes.size() != mistakes_before) return std::nullopt;
  return provider;
}

}  // namespace

std::vector<ProviderConfig> ReadProviders(ConfigFile& file, ConfigMap& top) {
  std::vector<ProviderConfig> providers;
  if (!top.Require("providers", "name at least one source of grid data")) {
    return providers;
  }
  const ConfigEntry& entry = *top.Find("providers");
  ConfigMap map(file, entry.value, "providers", entry.line);
  if (entry.value.IsNull() || (entry.value.IsMap() && map.entries().empty())) {
    top.MistakeAt("providers", "empty; name at least one source of grid data");
  }
  for (const ConfigEntry& each : map.entries()) {
    if (auto provider = ReadProvider(file, each)) {
      providers.push_back(*std::move(provider));
    }
  }
  return providers;
}

Status CheckZone(const ProviderConfig& provider, const std::string& zone,
                 bool named) {
  if (provider.type == "recorded") return Ok();
  const std::map<std::string, const char*> examples = {
      {"watttime", "CAISO_NORTH"},
      {"electricity_maps", "DE"},
      {"carbonintensity_uk", "GB"},
      {"carbon_aware_sdk", "westus"},
      {"static", "DE"}};
  if (!named) {
    return Refused("missing; write the zone as {} ({}) names it, such as {}",
                   provider.name, provider.type, examples.at(provider.type));
  }
  if (const auto* yearly = std::get_if<StaticConfig>(&provider.settings)) {
    if (FactorOf(*yearly, zone)) return Ok();
    return Refused(
        "{} knows no yearly average of `{}`: write a cloud region such as "
        "aws/eu-north-1, a country such as DE, or your own figure with "
        "`factors: {{{}: 380}}` (g/kWh)",
        provider.name, zone, zone);
  }
  if (provider.type == "carbonintensity_uk") {
    if (zone == "GB") return Ok();
    for (int region = 1; region <= 17; ++region) {
      if (zone == std::to_string(region)) return Ok();
    }
    return Refused(
        "{} knows no zone `{}`: write GB, or a region's number from 1 (North "
        "Scotland) to 17 (Wales), such as 13 (London)",
        provider.name, zone);
  }
  return Ok();
}

std::set<std::string> SecretVariables(const Config& config) {
  struct Names {
    std::set<std::string> operator()(const RecordedConfig&) { return {}; }
    std::set<std::string> operator()(const StaticConfig&) { return {}; }
    std::set<std::string> operator()(const HttpConfig& http) {
      return {http.username.env, http.password.env, http.token.env};
    }
  };
  std::set<std::string> all;
  for (const ProviderConfig& provider : config.providers) {
    all.merge(std::visit(Names{}, provider.settings));
  }
  for (const NotifyConfig& each : config.notify) all.insert(each.secret.env);
  all.erase("");
  return all;
}

Duration LongestStaleAfter(const Config& config) {
  Duration longest{0};
  for (const ProviderConfig& provider : config.providers) {
    longest = std::max(
        longest,
        std::visit([](const auto& settings) { return settings.stale_after; },
                   provider.settings));
  }
  return longest;
}

}  // namespace carbond
