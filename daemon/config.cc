#include "daemon/config.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "daemon/config_sections.h"

namespace carbond {
namespace {

constexpr size_t kLargestFile = 256 * 1024;
// Of the work left: estimates are short by a little more often than long.
constexpr double kSlackReserve = 0.05;
constexpr size_t kLongestSocketPath = 107;  // of sun_path, before its NUL

// ---- listen ----------------------------------------------------------------

bool GoodPort(const std::string& port) {
  return !port.empty() && port.size() <= 5 &&
         port.find_first_not_of("0123456789") == std::string::npos &&
         std::stoi(port) >= 1 && std::stoi(port) <= 65535;
}

bool GoodHost(const std::string& host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    return host.find_first_not_of("0123456789abcdefABCDEF:.%[]") ==
           std::string::npos;
  }
  return !host.empty() &&
         host.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
             "-._") == std::string::npos;
}

Status CheckSocketPath(const std::string& path) {
  if (path.size() <= kLongestSocketPath) return Ok();
  return Refused(
      "the socket's path {} is {} bytes long; a unix socket takes at most {}: "
      "choose a shorter one",
      path, path.size(), kLongestSocketPath);
}

// The address as it is bound: socket paths absolute.
Result<std::string> ListenAddress(const ConfigFile& file,
                                  const std::string& text) {
  if (text.starts_with("unix:")) {
    std::string path = text.substr(5);
    if (path.starts_with("///")) path = path.substr(2);  // as gRPC allows
    if (path.empty() || path.back() == '/' || path.starts_with("//")) {
      return Refused("`{}` names no socket; write unix:/run/carbond.sock",
                     text);
    }
    const std::string absolute = file.Resolve(path);
    CARBOND_RETURN_IF_ERROR(CheckSocketPath(absolute));
    return "unix:" + absolute;
  }
  if (text.find('/') != std::string::npos) {
    return Refused("`{}` is no listen address; write unix:/path or host:port",
                   text);
  }
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos || !GoodHost(text.substr(0, colon)) ||
      !GoodPort(text.substr(colon + 1))) {
    return Refused(
        "`{}` is no listen address; write unix:/path or host:port, such as "
        "127.0.0.1:7070 or [::1]:7070",
        text);
  }
  return text;
}

void ReadListen(ConfigFile& file, ConfigMap& top, Config& config) {
  std::vector<std::string> texts;
  if (!top.ReadWords("listen", texts)) {
    if (top.Find("listen") != nullptr || config.state_dir.empty()) return;
    const std::string path = config.state_dir + "/carbond.sock";
    if (const Status good = CheckSocketPath(path); !good.ok()) {
      top.MistakeAt("state_dir", "{}, or give `listen`", Message(good));
    }
    config.listen = {"unix:" + path};
    return;
  }
  for (const std::string& text : texts) {
    const Result<std::string> address = ListenAddress(file, text);
    if (!address.ok()) {
      top.MistakeAt("listen", "{}", Message(address.status()));
    } else if (std::ranges::count(config.listen, *address) > 0) {
      top.MistakeAt("listen", "`{}` is given twice", text);
    } else {
      config.listen.push_back(*address);
    }
  }
}

// Numbers, since the server behind it looks no names up.
void ReadMetrics(ConfigMap& top, const std::vector<std::string>& listen,
                 std::string& address) {
  if (!top.Read("metrics", address)) return;
  const size_t colon = address.rfind(':');
  const std::string host = address.substr(0, colon);
  const bool numbers =
      host.find_first_not_of("0123456789.") == std::string::npos ||
      host.starts_with('[');
  if (colon == std::string::npos || !numbers || !GoodHost(host) ||
      !GoodPort(address.substr(colon + 1))) {
    top.MistakeAt("metrics",
                  "`{}` is no address to be scraped at; write 127.0.0.1:9464",
                  address);
  } else if (std::ranges::count(listen, address) > 0) {
    top.MistakeAt("metrics", "`{}` is what `listen` says; choose another port",
                  address);
  }
}

// ---- the smaller sections --------------------------------------------------

void ReadClock(ConfigFile& file, ConfigMap& top, ClockConfig& clock) {
  ConfigMap map = Section(file, top, "clock");
  const bool good_speed =
      map.Read("speed", clock.speed, 1, 86'400) || map.Find("speed") == nullptr;
  if (Duration start; map.ReadTimeOfDay("start", start)) clock.start = start;
  if (good_speed && clock.start && clock.speed == 1) {
    map.MistakeAt("start",
                  "means something only with a speed above 1: at speed 1 the "
                  "clock is the machine's");
  }
  map.Finish();
}

void ReadDefaults(ConfigFile& file, ConfigMap& top, Defaults& defaults) {
  ConfigMap map = Section(file, top, "defaults");
  map.Read("min_saving", defaults.min_saving, 0, 1);
  defaults.slack_reserve = kSlackReserve;
  map.Read("slack_reserve", defaults.slack_reserve, 0, 1);
  map.ReadChoice<NoForecast>(
      "no_forecast", defaults.no_forecast,
      {{"run_now", NoForecast::kRunNow},
       {"wait_until_latest", NoForecast::kWaitUntilLatest}});
  map.Read("max_delay", defaults.max_delay, Duration(0), hours(24 * 366));
  map.Read("min_run", defaults.min_run, Duration(0), hours(24 * 31));
  map.Read("min_pause", defaults.min_pause, Duration(0), hours(24 * 31));
  map.Read("checkpoint_cost", defaults.checkpoint_cost, Duration(0), hours(24));
  map.Read("resume_cost", defaults.resume_cost, Duration(0), hours(24));
  map.Read("checkpoint_timeout", defaults.checkpoint_timeout, seconds(1),
           hours(24));
  map.Finish();
}

constexpr const char* kBudgetExample =
    "write {user: ana, monthly_kg: 50}, or {project: \"*\", monthly_kg: 200, "
    "then: warn}";

Budget ReadBudget(ConfigFile& file, const YAML::Node& node, size_t index) {
  Budget budget;
  ConfigMap map(file, node, fmt::format("budgets[{}]", index), LineOf(node));
  const bool user = map.Read("user", budget.name);
  std::string project;
  if (map.Read("project", project)) {
    if (user)
      map.MistakeAt("project", "of a user or of a project, not of both");
    budget.of = Budget::Of::kProject;
    budget.name = project;
  } else if (!user) {
    map.Require("user", kBudgetExample);
  }
  double kg = 0;
  if (map.Require("monthly_kg", kBudgetExample)) {
    map.Read("monthly_kg", kg, 0, 1e9);
  }
  budget.monthly = Grams::Of(kg * 1000);
  map.ReadChoice<Budget::Then>(
      "then", budget.then,
      {{"hold", Budget::Then::kHold}, {"warn", Budget::Then::kWarn}});
  map.Finish();
  return budget;
}

void ReadBudgets(ConfigFile& file, ConfigMap& top,
                 std::vector<Budget>& budgets) {
  const ConfigEntry* entry = top.Find("budgets");
  if (entry == nullptr) return;
  if (!entry->value.IsSequence()) {
    top.MistakeAt("budgets", "{}, where a list is owed: {}",
                  Describe(entry->value), kBudgetExample);
    return;
  }
  for (size_t i = 0; i < entry->value.size(); ++i) {
    const Budget budget = ReadBudget(file, entry->value[i], i);
    for (const Budget& other : budgets) {
      if (other.of != budget.of || other.name != budget.name) continue;
      file.Mistake(LineOf(entry->value[i]),
                   "budgets[{}]: {} {} has one already: one of them", i,
                   Name(budget.of), budget.name);
    }
    budgets.push_back(budget);
  }
}

void ReadLog(ConfigFile& file, ConfigMap& top, LogConfig& log) {
  ConfigMap map = Section(file, top, "log");
  std::map<std::string, std::string> levels;
  for (const char* level :
       {"trace", "debug", "info", "warn", "error", "critical", "off"}) {
    levels[level] = level;
  }
  map.ReadChoice("level", log.level, levels);
  map.ReadPath("file", log.file);
  map.Finish();
}

void ReadRunner(ConfigMap& top, std::string& runner) {
  if (!top.ReadPath("runner", runner)) return;
  std::error_code error;
  const auto status = std::filesystem::status(runner, error);
  using std::filesystem::perms;
  const auto any_exec =
      perms::owner_exec | perms::group_exec | perms::others_exec;
  if (!std::filesystem::is_regular_file(status)) {
    top.MistakeAt("runner", "{} does not exist or is no file", runner);
  } else if ((status.permissions() & any_exec) == perms::none) {
    top.MistakeAt("runner", "{} is not executable", runner);
  }
}

// A service speaks of the real hours.
void CheckSpeed(ConfigFile& file, const Config& config) {
  if (config.clock.speed == 1) return;
  for (const ProviderConfig& provider : config.providers) {
    if (provider.keeps_any_clock()) continue;
    file.Mistake(provider.line,
                 "providers.{}: {} speaks of real hours, which clock.speed {} "
                 "would leave behind; use recorded providers, or speed 1",
                 provider.name, provider.type, config.clock.speed);
  }
}

Config ReadConfig(ConfigFile& file, const YAML::Node& root) {
  Config config;
  ConfigMap top(file, root, "", 1);
  top.Require("state_dir", "say where the ledger, runs and logs are kept");
  top.ReadPath("state_dir", config.state_dir);
  if (!top.ReadPath("shared_dir", config.shared_dir)) {
    config.shared_dir = config.state_dir;
  }
  ReadListen(file, top, config);
  ReadClock(file, top, config.clock);
  ReadDefaults(file, top, config.defaults);
  ReadTransfer(file, top, config.transfer);
  ReadMetrics(top, config.listen, config.metrics);
  top.Read("metering_period", config.metering_period, seconds(1), hours(24));
  top.Read("stop_grace", config.stop_grace, Duration(0), hours(24));
  config.providers = ReadProviders(file, top);
  CheckSpeed(file, config);
  config.regions = ReadRegions(file, top, config.providers);
  ReadSlurm(file, top, config.slurm);
  ReadUsers(file, top, config.users, config.slurm.as_submitter);
  CheckOneIdentity(file, config);
  for (RegionConfig& region : config.regions) {
    if (region.executor.type != "slurm") continue;
    region.region.queue_ahead = config.slurm.ahead;
  }
  ReadMeter(file, top, config.meter);
  ReadBudgets(file, top, config.budgets);
  ReadLog(file, top, config.log);
  ReadRunner(top, config.runner);
  config.notify = ReadNotify(file, top);
  top.Finish();
  return config;
}

}  // namespace

ConfigMap Section(ConfigFile& file, ConfigMap& top, const std::string& key) {
  const ConfigEntry* entry = top.Find(key);
  return ConfigMap(file, entry == nullptr ? YAML::Node() : entry->value, key,
                   top.LineFor(key));
}

void ReadTransfer(ConfigFile& file, ConfigMap& top, TransferCost& transfer) {
  ConfigMap map = Section(file, top, "transfer");
  map.Read("time_per_gb", transfer.time_per_gb, Duration(0), hours(24));
  double kwh = 0;
  if (map.Read("kwh_per_gb", kwh, 0, 10)) {
    transfer.energy_per_gb = WattHours::Of(kwh * 1000);
  }
  map.Finish();
}

ConfigResult ParseConfig(const std::string& yaml, const std::string& path,
                         const std::string& dir) {
  ConfigFile file{dir, {}};
  std::optional<Config> config;
  try {
    if (const auto root = LoadDocument(file, yaml)) {
      config = ReadConfig(file, *root);
      config->path = path;
    }
  } catch (const YAML::Exception& e) {
    file.Mistake(std::max(e.mark.line + 1, 0), "not valid YAML: {}", e.msg);
  }
  std::ranges::stable_sort(file.mistakes, {}, &ConfigMistake::line);
  if (!file.mistakes.empty()) config.reset();
  return {std::move(config), std::move(file.mistakes)};
}

Result<std::string> ReadConfigText(const std::string& path) {
  std::error_code error;
  const auto absolute = std::filesystem::absolute(path, error);
  if (error) return Refused("cannot be read: {}", error.message());
  if (std::filesystem::is_directory(absolute, error)) {
    return Refused("cannot be read: it is a directory");
  }
  std::ifstream in(absolute, std::ios::binary);
  if (!in) return Refused("cannot be read: {}", std::strerror(errno));
  std::string yaml(kLargestFile + 1, '\0');
  in.read(yaml.data(), static_cast<std::streamsize>(yaml.size()));
  if (in.bad()) return Refused("cannot be read: {}", std::strerror(errno));
  yaml.resize(static_cast<size_t>(in.gcount()));
  if (yaml.size() > kLargestFile) {
    return Refused("cannot be read: larger than {} KiB", kLargestFile / 1024);
  }
  return yaml;
}

ConfigResult LoadConfig(const std::string& path) {
  const Result<std::string> yaml = ReadConfigText(path);
  if (!yaml.ok()) return {std::nullopt, {{0, Message(yaml.status())}}};
  return ParseConfig(*yaml, path, FolderOf(path));
}

std::string Format(const std::string& path, const ConfigMistake& mistake) {
  return mistake.line > 0
             ? fmt::format("{}:{}: {}", path, mistake.line, mistake.text)
             : fmt::format("{}: {}", path, mistake.text);
}

}  // namespace carbond
