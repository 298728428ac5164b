#include "scheduler/job.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

namespace carbond {
namespace {

constexpr Duration kLongestJob = hours(24 * 366);
constexpr Duration kSaidAMomentAgo = seconds(5);
constexpr double kGreatestPowerW = 1e8;  // a hundred megawatts

// Linux takes 128 KiB for one string of a program's arguments or environment,
// its end included (MAX_ARG_STRLEN), and 2 MiB for all of them where the stack
// may have its usual 8 MiB. Half of that is for what the daemon's own
// environment and carbond's variables add.
constexpr size_t kLongestWord = 128 * 1024 - 1;
constexpr size_t kLongestWords = 1024 * 1024;

const Region* Find(const std::vector<Region>& regions,
                   const std::string& name) {
  const auto it =
      std::find_if(regions.begin(), regions.end(),
                   [&](const Region& region) { return region.name == name; });
  return it == regions.end() ? nullptr : &*it;
}

std::string Names(const std::vector<Region>& regions) {
  std::string names;
  for (const Region& region : regions) {
    if (!names.empty()) names += ", ";
    names += region.name;
  }
  return names;
}

std::string Describe(const Resources& r) {
  return fmt::format("{} GPU{} and {} CPU{}", r.gpus, r.gpus == 1 ? "" : "s",
                     r.cpus, r.cpus == 1 ? "" : "s");
}

Status CheckDurations(const JobSpec& spec) {
  if (spec.duration <= Duration(0)) {
    return Refused(
        "duration {} is not positive: say how long the job runs, such as "
        "--duration 2h",
        FormatDuration(spec.duration));
  }
  if (spec.duration > kLongestJob) {
    return Refused("duration {} is longer than a year: split the job",
                   FormatDuration(spec.duration));
  }
  const std::pair<const char*, Duration> others[] = {
      {"checkpoint cost", spec.checkpoint_cost},
      {"resume cost", spec.resume_cost},
      {"checkpoint timeout", spec.checkpoint_timeout},
      {"min run", spec.min_run},
      {"min pause", spec.min_pause},
      {"time limit", spec.time_limit.value_or(Duration(0))}};
  for (const auto& [name, value] : others) {
    if (value < Duration(0) || value > kLongestJob) {
      return Refused("{} {} is out of range: it lies between 0 and a year",
                     name, FormatDuration(value));
    }
  }
  if (spec.time_limit && *spec.time_limit < spec.duration) {
    return Refused(
        "time limit {} is shorter than the duration {}: the job could not "
        "finish",
        FormatDuration(*spec.time_limit), FormatDuration(spec.duration));
  }
  return Ok();
}

Status CheckNumbers(const JobSpec& spec) {
  if (spec.power < Watts() || spec.power > Watts::Of(kGreatestPowerW)) {
    return Refused("power {} is out of range", FormatPower(spec.power));
  }
  if (spec.idle_power < Watts() ||
      (spec.power_declared && spec.idle_power > spec.power)) {
    return Refused("idle power {} is not between 0 and the power {}",
                   FormatPower(spec.idle_power), FormatPower(spec.power));
  }
  if (!(spec.min_saving >= 0 && spec.min_saving < 1)) {
    return Refused("min saving {} is not a fraction from 0 to below 1",
                   spec.min_saving);
  }
  if (spec.max_pauses && (*spec.max_pauses < 0 || *spec.max_pauses > 10'000)) {
    return Refused("max pauses {} is out of range: 0 to 10000",
                   *spec.max_pauses);
  }
  if (spec.delay_cost_per_hour < Grams() ||
      spec.delay_cost_per_hour > Grams::Of(1e6)) {
    return Refused("delay cost of {} g per hour is out of range: 0 to 1e6",
                   spec.delay_cost_per_hour.value());
  }
  if (spec.max_intensity && *spec.max_intensity < GramsPerKwh()) {
    return Refused("max intensity {} g/kWh is negative",
                   spec.max_intensity->value());
  }
  if (spec.retries < 0 || spec.retries > 1000) {
    return Refused("retries {} is out of range: 0 to 1000", spec.retries);
  }
  if (!(spec.data_gb >= 0 && spec.data_gb < 1e9)) {
    return Refused("data of {} GB is out of range", spec.data_gb);
  }
  if (spec.need.gpus < 0 || spec.need.cpus < 0) {
    return Refused("{} are asked for: a count is not negative",
                   Describe(spec.need));
  }
  return Ok();
}

// Whether the system could start it at all.
Status CheckSize(const JobSpec& spec) {
  size_t all = 0;
  const auto check = [&all](const std::string& what, size_t size) -> Status {
    all += size + 1 + sizeof(char*);  // with its end and the pointer to it
    if (size <= kLongestWord) return Ok();
    return Refused(
        "{} has {} bytes, and no program can be given more than {}: put it "
        "into a file",
        what, size, kLongestWord);
  };
  for (const std::string& word : spec.command) {
    CARBOND_RETURN_IF_ERROR(check("a word of the command", word.size()));
  }
  for (const auto& [key, value] : spec.env) {
    CARBOND_RETURN_IF_ERROR(check("environment variable " + key.substr(0, 64),
                                  key.size() + 1 + value.size()));
  }
  CARBOND_RETURN_IF_ERROR(check("on_pause", spec.on_pause.size()));
  CARBOND_RETURN_IF_ERROR(check("on_resume", spec.on_resume.size()));
  if (all <= kLongestWords) return Ok();
  return Refused(
      "command and environment take {} bytes together, and a job may have {}: "
      "put them into a file",
      all, kLongestWords);
}

Status CheckText(const JobSpec& spec) {
  if (spec.command.empty() || spec.command.front().empty()) {
    return Refused("no command is given: put it after `--`");
  }
  for (const std::string& word : spec.command) {
    if (word.find('\0') != std::string::npos) {
      return Refused("the command holds a zero byte");
    }
  }
  for (const auto& [key, value] : spec.env) {
    if (key.empty() || key.find('=') != std::string::npos ||
        (key + value).find('\0') != std::string::npos) {
      return Refused("environment variable `{}` is not KEY=VALUE", key);
    }
    if (key.rfind("CARBON_", 0) == 0) {
      return Refused("environment variable {} is set by carbond itself", key);
    }
  }
  if (spec.workdir.empty() || spec.workdir.front() != '/') {
    return Refused("working directory `{}` is not an absolute path",
                   spec.workdir);
  }
  for (const std::string* text : {&spec.name, &spec.project, &spec.user}) {
    if (text->size() > 256 ||
        std::any_of(text->begin(), text->end(),
                    [](unsigned char c) { return c < 0x20 || c == 0x7f; })) {
      return Refused(
          "name, project and user are one line of at most 256 bytes");
    }
  }
  return Ok();
}

Status CheckPausing(const JobSpec& spec) {
  if (spec.pause != PauseMode::kCheckpoint &&
      (!spec.on_pause.empty() || !spec.on_resume.empty())) {
    return Refused(
        "on_pause and on_resume are hooks of checkpoints: add "
        "--pause checkpoint");
  }
  return SignalNumber(spec.checkpoint_signal).status();
}

// Grams of two signals cannot be compared, so a plan keeps to one of them.
Status CheckSignals(const JobSpec& spec, const std::vector<Region>& regions) {
  const Region& home = *Find(regions, spec.home_region);
  for (const std::string& name : spec.regions) {
    const Region& region = *Find(regions, name);
    if (region.signal == home.signal) continue;
    return Refused(
        "the grid data of {} are {} and those of {} are {}, which cannot be "
        "compared: name regions (and a home region) of one signal",
        home.name, home.signal, region.name, region.signal);
  }
  return Ok();
}

// All regions whose signal is that of the home region, or of the first one.
std::vector<std::string> ComparableRegions(const std::string& home,
                                           const std::vector<Region>& regions) {
  std::vector<std::string> names;
  if (regions.empty()) return names;
  const Region* found = Find(regions, home);
  const Region& reference = found == nullptr ? regions.front() : *found;
  for (const Region& region : regions) {
    if (region.signal == reference.signal) names.push_back(region.name);
  }
  return names;
}

Status CheckRegions(const JobSpec& spec, const std::vector<Region>& regions) {
  bool fits = false;
  Resources largest;
  for (const std::string& name : spec.regions) {
    const Region* region = Find(regions, name);
    if (region == nullptr) {
      return Missing("region `{}` does not exist: there is {}", name,
                     Names(regions));
    }
    fits = fits || spec.need.Fits(region->capacity);
    largest.gpus = std::max(largest.gpus, region->capacity.gpus);
    largest.cpus = std::max(largest.cpus, region->capacity.cpus);
  }
  if (!fits) {
    return Refused(
        "the job asks for {}, more than any of its regions has ({} at most): "
        "ask for less or allow a larger region",
        Describe(spec.need), Describe(largest));
  }
  if (Find(regions, spec.home_region) == nullptr) {
    return Missing("home region `{}` does not exist: there is {}",
                   spec.home_region, Names(regions));
  }
  return CheckSignals(spec, regions);
}

// Leaves `spec.deadline` set.
Status CheckTimes(JobSpec& spec, const Defaults& defaults, Instant now) {
  const Instant from = std::max(now, spec.earliest.value_or(now));
  if (spec.earliest && *spec.earliest > now + kLongestJob) {
    return Refused("earliest start {} is more than a year away",
                   FormatInstant(*spec.earliest));
  }
  spec.deadline_declared = spec.deadline.has_value();
  if (!spec.deadline) {
    spec.deadline = from + spec.duration + defaults.max_delay;
    return Ok();
  }
  if (*spec.deadline > from + 2 * kLongestJob) {
    return Refused("deadline {} is more than two years away",
                   FormatInstant(*spec.deadline));
  }
  // `--duration 10m --deadline 10m` was said a moment ago.
  const Instant soonest = from + spec.duration;
  if (*spec.deadline < soonest && *spec.deadline + kSaidAMomentAgo >= soonest) {
    spec.deadline = soonest;
  }
  if (*spec.deadline < soonest) {
    return Refused(
        "deadline {} is before {} {} plus duration {}: the earliest finish "
        "is {}",
        FormatInstant(*spec.deadline), from > now ? "earliest start" : "now",
        FormatInstant(from), FormatDuration(spec.duration),
        FormatInstant(from + spec.duration));
  }
  return Ok();
}

// One that no plan could hold is a slip of its user; a default that long just
// means that the job is not paused.
Status CheckMinPause(const JobSpec& spec, Instant now) {
  const Instant from = std::max(now, spec.earliest.value_or(now));
  if (spec.min_pause <= *spec.deadline - from) return Ok();
  return Refused(
      "min pause {} is longer than the {} from {} to the {}: shorten it, or "
      "say --pause none",
      FormatDuration(spec.min_pause), FormatDuration(*spec.deadline - from),
      from > now ? "the earliest start" : "now",
      spec.deadline_declared ? "deadline" : "latest finish");
}

constexpr std::pair<const char*, int> kSignals[] = {
    {"HUP", SIGHUP},   {"INT", SIGINT},    {"QUIT", SIGQUIT}, {"USR1", SIGUSR1},
    {"USR2", SIGUSR2}, {"TERM", SIGTERM},  {"ALRM", SIGALRM}, {"CONT", SIGCONT},
    {"URG", SIGURG},   {"WINCH", SIGWINCH}};

}  // namespace

Resources Region::CapacityAt(Instant t) const {
  constexpr int64_t kDay = Duration(carbond::hours(24)).count();
  const Duration time_of_day((t.millis() % kDay + kDay) % kDay);
  Resources least = capacity;
  for (const CapacityHours& each : hours) {
    const bool holds =
        each.from < each.until
            ? each.from <= time_of_day && time_of_day < each.until
            : each.from <= time_of_day || time_of_day < each.until;
    if (!holds) continue;
    least.gpus = std::min(least.gpus, each.capacity.gpus);
    least.cpus = std::min(least.cpus, each.capacity.cpus);
  }
  return least;
}

std::string NameOf(const std::vector<std::string>& command) {
  if (command.empty()) return "";
  const std::string& program = command.front();
  return program.substr(program.find_last_of('/') + 1).substr(0, 256);
}

Result<JobSpec> CompleteSpec(JobSpec spec, const Unset& unset,
                             const std::vector<Region>& regions,
                             const Defaults& defaults, Instant now) {
  if (unset.min_saving) spec.min_saving = defaults.min_saving;
  if (unset.min_run) spec.min_run = defaults.min_run;
  if (unset.min_pause) spec.min_pause = defaults.min_pause;
  const bool saves = spec.pause == PauseMode::kCheckpoint;
  if (unset.checkpoint_cost) {
    spec.checkpoint_cost = saves ? defaults.checkpoint_cost : Duration(0);
  }
  if (unset.resume_cost) {
    spec.resume_cost = saves ? defaults.resume_cost : Duration(0);
  }
  if (unset.checkpoint_timeout) {
    spec.checkpoint_timeout = defaults.checkpoint_timeout;
  }
  if (spec.need == Resources{}) spec.need.cpus = 1;
  if (spec.regions.empty()) {
    spec.regions = ComparableRegions(spec.home_region, regions);
  }
  if (spec.home_region.empty() && !spec.regions.empty()) {
    spec.home_region = spec.regions.front();
  }
  if (spec.name.empty()) spec.name = NameOf(spec.command);
  if (spec.checkpoint_signal.rfind("SIG", 0) == 0) {
    spec.checkpoint_signal.erase(0, 3);
  }
  CARBOND_RETURN_IF_ERROR(CheckText(spec));
  CARBOND_RETURN_IF_ERROR(CheckSize(spec));
  CARBOND_RETURN_IF_ERROR(CheckDurations(spec));
  CARBOND_RETURN_IF_ERROR(CheckNumbers(spec));
  CARBOND_RETURN_IF_ERROR(CheckPausing(spec));
  CARBOND_RETURN_IF_ERROR(CheckRegions(spec, regions));
  CARBOND_RETURN_IF_ERROR(CheckTimes(spec, defaults, now));
  if (!unset.min_pause) CARBOND_RETURN_IF_ERROR(CheckMinPause(spec, now));
  return spec;
}

const char* Name(PauseMode mode) {
  switch (mode) {
    case PauseMode::kNone:
      return "none";
    case PauseMode::kSuspend:
      return "suspend";
    case PauseMode::kCheckpoint:
      return "checkpoint";
  }
  return "none";
}

Result<PauseMode> ParsePauseMode(const std::string& text) {
  for (const PauseMode mode :
       {PauseMode::kNone, PauseMode::kSuspend, PauseMode::kCheckpoint}) {
    if (text == Name(mode)) return mode;
  }
  return Refused("pause `{}` is not one of none, suspend, checkpoint", text);
}

Result<int> SignalNumber(const std::string& name) {
  std::string known;
  for (const auto& [signal, number] : kSignals) {
    if (name == signal) return number;
    known += known.empty() ? signal : std::string(", ") + signal;
  }
  return Refused("checkpoint signal `{}` is not one of {}", name, known);
}

}  // namespace carbond
