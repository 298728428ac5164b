#include "daemon/backtest/scenario.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <sstream>

#include "daemon/backtest/job_table.h"
#include "daemon/config_sections.h"
#include "daemon/grid/recording.h"

namespace carbond {
namespace {

// What the jobs of a table have in common.
struct JobDefaults {
  JobSpec spec;
  Duration slack = hours(24);
};

Series ActualOf(const Recording& recording) {
  std::vector<Slot> slots;
  slots.reserve(recording.values.size());
  for (const RecordedValue& value : recording.values) {
    slots.push_back(
        {{value.begin, value.begin + recording.step}, value.intensity});
  }
  return *Series::Make(std::move(slots));
}

std::vector<Forecast> IssuesOf(const RecordedForecasts& recorded,
                               const std::string& zone) {
  std::vector<Forecast> issues;
  for (const RecordedIssue& each : recorded.issues) {
    std::vector<Slot> slots;
    for (size_t i = each.first; i < each.first + each.count; ++i) {
      const RecordedValue& value = recorded.values[i];
      slots.push_back(
          {{value.begin, value.begin + recorded.step}, value.intensity});
    }
    Forecast forecast;
    forecast.zone = zone;
    forecast.provider = "recorded";
    forecast.signal = "recorded";
    forecast.issued_at = forecast.fetched_at = each.issued_at;
    forecast.series = *Series::Make(std::move(slots));
    issues.push_back(std::move(forecast));
  }
  return issues;
}

class ScenarioReader {
 public:
  ScenarioReader(ConfigFile& file, const YAML::Node& root)
      : file_(file), top_(file, root, "", 1) {}

  Scenario Read() {
    ReadRegions();
    ReadSpan();
    ReadDefaults();
    ReadPolicies();
    top_.Read("clairvoyant", scenario_.clairvoyant);
    ReadTransfer(file_, top_, scenario_.transfer);
    top_.Read("stale_after", scenario_.stale_after, minutes(1));
    ReadJobs();
    top_.Finish();
    return std::move(scenario_);
  }

 private:
  void ReadRegions() {
    if (!top_.Require("regions", "list at least one recorded region")) return;
    const ConfigEntry& entry = *top_.Find("regions");
    if (!entry.value.IsSequence() || entry.value.size() == 0) {
      top_.MistakeAt("regions", "{}, where a list (`- name: eu`) is owed",
                     Describe(entry.value));
      return;
    }
    for (const YAML::Node& node : entry.value) ReadRegion(node);
  }

  void ReadRegion(const YAML::Node& node) {
    BacktestRegion place;
    ConfigMap map(file_, node,
                  fmt::format("regions[{}]", scenario_.regions.size()),
                  LineOf(node));
    map.Require("name", "every region has a name");
    map.Read("name", place.region.name);
    place.region.zone = place.region.name;
    double pue = 1;
    if (map.Read("pue", pue, 1, 10)) place.region.pue = Pue::Of(pue);
    place.region.capacity = kUnlimited;
    ReadCapacity(file_, map, place.region);
    ReadFiles(map, place);
    map.Finish();
    for (const BacktestRegion& other : scenario_.regions) {
      if (other.region.name != place.region.name) continue;
      map.MistakeAt("name", "`{}` is named twice", place.region.name);
    }
    scenario_.regions.push_back(std::move(place));
  }

  void ReadFiles(ConfigMap& map, BacktestRegion& place) {
    std::string actual, forecast;
    map.Require("actual", "name the file of recorded intensities");
    if (map.ReadPath("actual", actual)) {
      const Result<Recording> recording = ReadRecording(actual);
      if (recording.ok()) {
        place.actual = ActualOf(*recording);
      } else {
        map.MistakeAt("actual", "{}", Message(recording.status()));
      }
    }
    if (!map.ReadPath("forecast", forecast)) return;
    const auto recorded = ReadRecordedForecasts(forecast);
    if (recorded.ok()) {
      place.issues = IssuesOf(*recorded, place.region.zone);
    } else {
      map.MistakeAt("forecast", "{}", Message(recorded.status()));
    }
  }

  // Absent ends are those of the data, or of the forecasts where there are any.
  void ReadSpan() {
    Interval known{Instant::FromMillis(0), Instant::Never()};
    top_.Find("from");  // known keys, be the regions as they may
    top_.Find("until");
    for (const BacktestRegion& place : scenario_.regions) {
      if (place.actual.empty()) return;
      Instant begin = place.actual.begin();
      if (!place.issues.empty()) {
        begin = std::max(begin, place.issues.front().issued_at);
      }
      known.begin = std::max(known.begin, begin);
      known.end = std::min(known.end, place.actual.end());
    }
    scenario_.span = known;
    ReadInstant("from", scenario_.span.begin);
    ReadInstant("until", scenario_.span.end);
    for (const BacktestRegion& place : scenario_.regions) {
      if (scenario_.span.begin < place.actual.begin() ||
          scenario_.span.begin >= place.actual.end()) {
        top_.MistakeAt("from", "{} lies outside of what {} knows: {} to {}",
                       FormatInstant(scenario_.span.begin), place.region.name,
                       FormatInstant(place.actual.begin()),
                       FormatInstant(place.actual.end()));
      }
    }
    if (scenario_.span.empty()) {
      top_.MistakeAt("until", "{} is not after `from`, {}",
                     FormatInstant(scenario_.span.end),
                     FormatInstant(scenario_.span.begin));
    }
  }

  void ReadInstant(const std::string& key, Instant& instant) {
    std::string text;
    if (!top_.Read(key, text)) return;
    const Result<Instant> parsed = ParseInstant(text);
    if (parsed.ok()) {
      instant = *parsed;
    } else {
      top_.MistakeAt(key, "{}", Message(parsed.status()));
    }
  }

  void ReadDefaults() {
    JobSpec& spec = defaults_.spec;
    spec.power = Watts::Of(300);
    for (const BacktestRegion& place : scenario_.regions) {
      spec.regions.push_back(place.region.name);
    }
    const ConfigEntry* entry = top_.Find("defaults");
    if (entry == nullptr) return;
    ConfigMap map(file_, entry->value, "defaults", entry->line);
    map.Read("duration", spec.duration, seconds(1));
    map.Read("slack", defaults_.slack, Duration(0));
    map.Read("power", spec.power);
    map.Read("idle_power", spec.idle_power);
    map.Read("gpus", spec.need.gpus, 0, 1'000'000);
    map.Read("cpus", spec.need.cpus, 0, 10'000'000);
    map.ReadChoice("pause", spec.pause,
                   std::map<std::string, PauseMode>{
                       {"none", PauseMode::kNone},
                       {"suspend", PauseMode::kSuspend},
                       {"checkpoint", PauseMode::kCheckpoint}});
    map.Read("checkpoint_cost", spec.checkpoint_cost, Duration(0));
    map.Read("resume_cost", spec.resume_cost, Duration(0));
    map.Read("min_run", spec.min_run, Duration(0));
    map.Read("min_pause", spec.min_pause, Duration(0));
    map.Read("data_gb", spec.data_gb, 0, 1e9);
    map.Read("min_saving", scenario_.min_saving, 0, 0.999);
    map.Read("home_region", spec.home_region);
    map.ReadWords("regions", spec.regions);
    map.Finish();
  }

  void ReadPolicies() {
    std::vector<std::string> words;
    if (!top_.ReadWords("policies", words)) {
      scenario_.policies = AllPolicies();
      return;
    }
    for (const std::string& word : words) {
      const Result<PolicyKind> policy = ParsePolicy(word);
      if (policy.ok()) {
        scenario_.policies.push_back(*policy);
      } else {
        top_.MistakeAt("policies", "{}", Message(policy.status()));
      }
    }
  }

  void ReadJobs() {
    std::string path;
    if (!top_.Require("jobs", "name the table of jobs, a CSV file")) return;
    if (!top_.ReadPath("jobs", path) || !file_.mistakes.empty()) return;
    std::vector<std::string> regions;
    for (const BacktestRegion& place : scenario_.regions) {
      regions.push_back(place.region.name);
    }
    auto jobs = ReadJobTable(path, scenario_.span.begin, defaults_.spec,
                             defaults_.slack, regions);
    if (!jobs.ok()) {
      std::istringstream lines(Message(jobs.status()));
      for (std::string line; std::getline(lines, line);) {
        top_.MistakeAt("jobs", "{}", line);
      }
      return;
    }
    std::erase_if(*jobs, [&](const BacktestJob& job) {
      return !scenario_.span.Contains(job.submitted_at);
    });
    if (jobs->empty()) {
      top_.MistakeAt("jobs", "{}: no job is submitted from {} until {}", path,
                     FormatInstant(scenario_.span.begin),
                     FormatInstant(scenario_.span.end));
    }
    scenario_.jobs = *std::move(jobs);
  }

  ConfigFile& file_;
  ConfigMap top_;
  Scenario scenario_;
  JobDefaults defaults_;
};

}  // namespace

ScenarioResult LoadScenario(const std::string& path) {
  const Result<std::string> yaml = ReadConfigText(path);
  if (!yaml.ok()) return {std::nullopt, {{0, Message(yaml.status())}}};
  ConfigFile file{FolderOf(path), {}};
  std::optional<Scenario> scenario;
  try {
    if (const auto root = LoadDocument(file, *yaml)) {
      scenario = ScenarioReader(file, *root).Read();
    }
  } catch (const YAML::Exception& e) {
    file.Mistake(std::max(e.mark.line + 1, 0), "not valid YAML: {}", e.msg);
  }
  std::ranges::stable_sort(file.mistakes, {}, &ConfigMistake::line);
  if (!file.mistakes.empty()) scenario.reset();
  return {std::move(scenario), std::move(file.mistakes)};
}

}  // namespace carbond
