// The `providers:` part of carbond.yaml. A new type of provider adds its
// settings to config.h and its reader to the table below.
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <functional>

#include "daemon/config_sections.h"

namespace carbond {
namespace {

void ReadDataFile(ConfigMap& map, const std::string& key, std::string& path) {
  if (!map.ReadPath(key, path)) return;
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    map.MistakeAt(key, "{} does not exist", path);
  } else if (!std::filesystem::is_regular_file(path, error)) {
    map.MistakeAt(key, "{} is no file", path);
  }
}

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

RecordedConfig ReadRecorded(ConfigMap& map) {
  RecordedConfig config;
  map.Require("actual", "name the file of recorded values (.csv or .csv.gz)");
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
  if (config.stale_after < config.poll) {
    map.MistakeAt("stale_after",
                  "{} is shorter than poll {}: every forecast would be stale "
                  "before the next",
                  FormatDuration(config.stale_after),
                  FormatDuration(config.poll));
  }
  return config;
}

using Settings = decltype(ProviderConfig::settings);
using SettingsReader = std::function<Settings(ConfigMap&)>;

// One line per type of provider that is built in.
const std::map<std::string, SettingsReader>& Types() {
  static const std::map<std::string, SettingsReader> types = {
      {"recorded", ReadRecorded},
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
