#include "client/job_flags.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "client/quantity.h"

namespace carbond::client {
namespace {

using v1::JobSpec;
using Values = std::vector<std::string>;
using Setter =
    std::function<absl::Status(const Values&, const Here&, JobSpec&)>;

// What the daemon takes: a mistake that the words alone can tell is told
// without it.
constexpr absl::Duration kLongest = absl::Hours(24 * 366);
constexpr size_t kLongestLabel = 256;
constexpr const char* kSignals[] = {"HUP",  "INT",  "QUIT", "USR1", "USR2",
                                    "TERM", "ALRM", "CONT", "URG",  "WINCH"};

template <typename... Args>
absl::Status Refused(fmt::format_string<Args...> format, Args&&... args) {
  return absl::InvalidArgumentError(
      fmt::format(format, std::forward<Args>(args)...));
}

// Each of these makes a setter from the proto's own mutator.

Setter Text(void (*set)(JobSpec&, const std::string&)) {
  return [set](const Values& values, const Here&, JobSpec& spec) {
    set(spec, values.back());
    return absl::OkStatus();
  };
}

// A name that stands in tables and titles.
Setter Label(void (*set)(JobSpec&, const std::string&)) {
  return [set](const Values& values, const Here&, JobSpec& spec) {
    const std::string& label = values.back();
    if (label.size() > kLongestLabel ||
        std::any_of(label.begin(), label.end(),
                    [](unsigned char c) { return c < 0x20 || c == 0x7f; })) {
      return Refused("is not one line of at most {} bytes", kLongestLabel);
    }
    set(spec, label);
    return absl::OkStatus();
  };
}

// From nothing to `most`, which is also said in words.
Setter UpTo(double most, const char* in_words,
            absl::StatusOr<double> (*parse)(const std::string&),
            void (*set)(JobSpec&, double)) {
  return [=](const Values& values, const Here&, JobSpec& spec) -> absl::Status {
    const auto value = parse(values.back());
    if (!value.ok()) return value.status();
    if (*value < 0 || *value > most) {
      return Refused("`{}` is out of range: it lies from 0 to {}",
                     values.back(), in_words);
    }
    set(spec, *value);
    return absl::OkStatus();
  };
}

absl::Status SetPriority(const Values& values, const Here&, JobSpec& spec) {
  const auto priority = ParseCount(values.back());
  if (priority.ok()) spec.set_priority(*priority);
  return priority.status();
}

absl::Status SetMinSaving(const Values& values, const Here&, JobSpec& spec) {
  const auto fraction = ParseFraction(values.back());
  if (!fraction.ok()) return fraction.status();
  if (*fraction < 0 || *fraction >= 1) {
    return Refused("`{}` is not from 0 to below 1: write 0.05 or 5%",
                   values.back());
  }
  spec.set_min_saving_fraction(*fraction);
  return absl::OkStatus();
}

absl::Status SetLength(const std::string& text,
                       google::protobuf::Duration* field) {
  const auto length = ParseDuration(text);
  if (!length.ok()) return length.status();
  if (*length > kLongest) {
    return Refused("duration `{}` is longer than a year", text);
  }
  const int64_t millis = absl::ToInt64Milliseconds(*length);
  field->set_seconds(millis / 1000);
  field->set_nanos(static_cast<int32_t>(millis % 1000) * 1'000'000);
  return absl::OkStatus();
}

Setter Length(google::protobuf::Duration* (JobSpec::*mutable_field)()) {
  return [mutable_field](const Values& values, const Here&, JobSpec& spec) {
    return SetLength(values.back(), (spec.*mutable_field)());
  };
}

// The same, of what takes time.
Setter PositiveLength(google::protobuf::Duration* (JobSpec::*mutable_field)()) {
  return [mutable_field](const Values& values, const Here&, JobSpec& spec) {
    google::protobuf::Duration* field = (spec.*mutable_field)();
    const absl::Status status = SetLength(values.back(), field);
    if (status.ok() && field->seconds() == 0 && field->nanos() == 0) {
      return Refused("`{}` is not positive: write 90s, 5m or 2h",
                     values.back());
    }
    return status;
  };
}

Setter Moment(google::protobuf::Timestamp* (JobSpec::*mutable_field)(),
              std::string* (JobSpec::*mutable_said)()) {
  return [mutable_field, mutable_said](const Values& values, const Here& here,
                                       JobSpec& spec) {
    const auto moment = ParseInstant(values.back(), here, Lean::kAhead);
    if (!moment.ok()) return moment.status();
    *(spec.*mutable_field)() = ToProto(*moment);
    *(spec.*mutable_said)() = DependsOnNow(values.back()) ? values.back() : "";
    return absl::OkStatus();
  };
}

absl::Status SetRegions(const Values& values, const Here&, JobSpec& spec) {
  spec.clear_regions();
  for (const std::string& value : values) {
    if (value.empty()) return absl::InvalidArgumentError("a region is empty");
    spec.add_regions(value);
  }
  return absl::OkStatus();
}

absl::Status SetPause(const Values& values, const Here&, JobSpec& spec) {
  static const std::pair<const char*, v1::PauseMode> kModes[] = {
      {"none", v1::PAUSE_MODE_NONE},
      {"suspend", v1::PAUSE_MODE_SUSPEND},
      {"checkpoint", v1::PAUSE_MODE_CHECKPOINT}};
  for (const auto& [name, mode] : kModes) {
    if (values.back() != name) continue;
    spec.set_pause(mode);
    return absl::OkStatus();
  }
  return Refused("`{}` is not one of none, suspend, checkpoint", values.back());
}

// Adds to what is there: a flag changes one variable of a file's.
absl::Status SetEnv(const Values& values, const Here&, JobSpec& spec) {
  for (const std::string& value : values) {
    const size_t equals = value.find('=');
    if (equals == 0 || equals == std::string::npos) {
      return Refused("`{}` is not KEY=VALUE", value);
    }
    if (value.starts_with("CARBON_")) {
      return Refused("{} is set by carbond itself", value.substr(0, equals));
    }
    (*spec.mutable_env())[value.substr(0, equals)] = value.substr(equals + 1);
  }
  return absl::OkStatus();
}

absl::Status SetSignal(const Values& values, const Here&, JobSpec& spec) {
  std::string name = values.back();
  if (name.starts_with("SIG")) name.erase(0, 3);
  if (std::find(std::begin(kSignals), std::end(kSignals), name) ==
      std::end(kSignals)) {
    return Refused("`{}` is not one of {}", values.back(),
                   fmt::join(kSignals, ", "));
  }
  spec.set_checkpoint_signal(name);
  return absl::OkStatus();
}

Setter Counted(const char* what, int32_t most, void (*set)(JobSpec&, int32_t)) {
  return [=](const Values& values, const Here&, JobSpec& spec) -> absl::Status {
    const auto count = ParseCount(values.back());
    if (!count.ok()) return count.status();
    if (*count < 0) {
      return Refused("{} {} are asked for: a count is not negative", *count,
                     what);
    }
    if (*count > most) {
      return Refused("{} {} are asked for: at most {} can be", *count, what,
                     most);
    }
    set(spec, *count);
    return absl::OkStatus();
  };
}

// A name of the proto's field, as a function that sets it.
#define CARBOND_SETS(type, field) \
  [](JobSpec& spec, type value) { spec.set_##field(value); }

std::vector<JobField> MakeFields() {
  return {
      {"name", "NAME", "what people call it (default: the command's)", false,
       Label(CARBOND_SETS(const std::string&, name))},
      {"project", "NAME", "what its emissions are booked on", false,
       Label(CARBOND_SETS(const std::string&, project))},
      {"duration", "D",
       "useful work, without pauses: 2h, 90m (default: learnt from earlier "
       "jobs)",
       false, PositiveLength(&JobSpec::mutable_duration)},
      {"deadline", "T", "finished by: 24h, 08:00, 2026-03-01T08:00:00Z", false,
       Moment(&JobSpec::mutable_deadline, &JobSpec::mutable_deadline_said)},
      {"earliest", "T", "do not start before", false,
       Moment(&JobSpec::mutable_earliest, &JobSpec::mutable_earliest_said)},
      {"gpus", "N", "GPUs it needs", false,
       Counted("GPUs", 1'000'000, CARBOND_SETS(int32_t, gpus))},
      {"cpus", "N", "cores it needs", false,
       Counted("cores", 1'000'000, CARBOND_SETS(int32_t, cpus))},
      {"power", "P", "drawn while running, all devices: 300W, 1.2kW", false,
       UpTo(1e8, "100 MW", ParsePower, CARBOND_SETS(double, power_w))},
      {"idle-power", "P", "drawn while suspended in memory", false,
       UpTo(1e8, "100 MW", ParsePower, CARBOND_SETS(double, idle_power_w))},
      {"region", "R", "may run here (repeat; default: every region)", true,
       SetRegions},
      {"home-region", "R", "where the baseline runs (default: the first)",
       false, Text(CARBOND_SETS(const std::string&, home_region))},
      {"pause", "MODE", "none, suspend or checkpoint", false, SetPause},
      {"checkpoint-signal", "SIG", "asks the job to save (default: USR1)",
       false, SetSignal},
      {"on-pause", "CMD", "shell line that makes the job save", false,
       Text(CARBOND_SETS(const std::string&, on_pause))},
      {"on-resume", "CMD", "shell line before a resumed run", false,
       Text(CARBOND_SETS(const std::string&, on_resume))},
      {"checkpoint-cost", "D", "how long saving takes", false,
       Length(&JobSpec::mutable_checkpoint_cost)},
      {"resume-cost", "D", "how long restoring takes", false,
       Length(&JobSpec::mutable_resume_cost)},
      {"checkpoint-timeout", "D", "how long to wait for a checkpoint", false,
       PositiveLength(&JobSpec::mutable_checkpoint_timeout)},
      {"min-run", "D", "least work between two pauses", false,
       Length(&JobSpec::mutable_min_run)},
      {"min-pause", "D", "least length of a pause", false,
       Length(&JobSpec::mutable_min_pause)},
      {"max-intensity", "G", "do not run above so many g/kWh", false,
       UpTo(1e5, "100000 g/kWh", ParseIntensity,
            CARBOND_SETS(double, max_intensity_g_per_kwh))},
      {"min-saving", "F", "wait only to save so much: 0.05 or 5%", false,
       SetMinSaving},
      {"max-pauses", "N", "at most so many pauses (default: as many as pay)",
       false, Counted("pauses", 10'000, CARBOND_SETS(int32_t, max_pauses))},
      {"delay-cost", "G", "grams that finishing an hour sooner is worth", false,
       UpTo(1e6, "a million", ParseNumber,
            CARBOND_SETS(double, delay_cost_g_per_h))},
      {"priority", "N", "higher is planned first", false, SetPriority},
      {"retries", "N", "further attempts after a failure", false,
       Counted("retries", 1000, CARBOND_SETS(int32_t, retries))},
      {"time-limit", "D", "ends the job after so much running", false,
       PositiveLength(&JobSpec::mutable_time_limit)},
      {"data-gb", "X", "data that would follow a move", false,
       UpTo(1e8, "a hundred million", ParseNumber,
            CARBOND_SETS(double, data_gb))},
      {"env", "K=V", "set in the job's environment (repeat)", true, SetEnv},
      {"workdir", "DIR", "where it runs (default: here)", false,
       Text(CARBOND_SETS(const std::string&, workdir))},
  };
}
#undef CARBOND_SETS

const std::vector<JobField>& Fields() {
  static const std::vector<JobField> fields = MakeFields();
  return fields;
}

// The words before a message: which flag, or which line and key.
std::string Place(const Said& said) {
  if (said.line == 0) return "--" + said.field->name;
  std::string key = said.field->name;
  std::replace(key.begin(), key.end(), '-', '_');
  return fmt::format("line {}: {}", said.line, key);
}

Mistake MistakeAt(const Said& said, const std::string& text) {
  return {said.line, Place(said) + ": " + text};
}

// The last that was said of a field; null where nothing was.
const Said* LastSaid(const JobWords& words, const std::string& name) {
  const auto found =
      std::find_if(words.said.rbegin(), words.said.rend(),
                   [&](const Said& said) { return said.field->name == name; });
  return found == words.said.rend() ? nullptr : &*found;
}

absl::Duration ToDuration(const google::protobuf::Duration& d) {
  return absl::Seconds(d.seconds()) + absl::Nanoseconds(d.nanos());
}

// Values that are good alone and not together.
void CheckTogether(const JobWords& words, const JobSpec& spec,
                   std::vector<Mistake>& mistakes) {
  const Said* idle = LastSaid(words, "idle-power");
  if (idle != nullptr && spec.has_power_w() &&
      spec.idle_power_w() > spec.power_w()) {
    mistakes.push_back(MistakeAt(
        *idle, fmt::format("{} is more than the {} it draws while running",
                           FormatPower(spec.idle_power_w()),
                           FormatPower(spec.power_w()))));
  }
  const Said* limit = LastSaid(words, "time-limit");
  const absl::Duration duration = ToDuration(spec.duration());
  if (limit != nullptr && ToDuration(spec.time_limit()) < duration) {
    mistakes.push_back(MistakeAt(
        *limit, fmt::format("{} is shorter than the duration {}: the job could "
                            "not finish",
                            FormatLength(ToDuration(spec.time_limit())),
                            FormatLength(duration))));
  }
  if (spec.pause() == v1::PAUSE_MODE_CHECKPOINT) return;
  for (const char* hook : {"on-pause", "on-resume"}) {
    const Said* said = LastSaid(words, hook);
    if (said == nullptr || said->values.back().empty()) continue;
    mistakes.push_back(
        MistakeAt(*said, fmt::format("is a hook of checkpoints: add {}",
                                     said->line > 0 ? "`pause: checkpoint`"
                                                    : "--pause checkpoint")));
  }
}

void CheckCommand(const JobWords& words, std::vector<Mistake>& mistakes) {
  if (!words.command.empty() && !words.command.front().empty()) return;
  if (words.command.empty() && words.command_said) return;  // told already
  mistakes.push_back(
      {words.line,
       words.line > 0
           ? fmt::format("line {}: the job has no command: add `command:`",
                         words.line)
           : "no command is given: put it after `--`"});
}

// A line each, in the order of the file.
absl::Status Together(std::vector<Mistake> mistakes) {
  std::stable_sort(
      mistakes.begin(), mistakes.end(),
      [](const Mistake& a, const Mistake& b) { return a.line < b.line; });
  std::string all;
  for (const Mistake& mistake : mistakes) {
    if (!all.empty()) all += '\n';
    all += mistake.text;
  }
  return absl::InvalidArgumentError(all);
}

bool IsMoment(const JobField& field) {
  return field.name == "deadline" || field.name == "earliest";
}

}  // namespace

std::span<const JobField> JobFields() { return Fields(); }

const JobField* FindJobField(const std::string& name) {
  std::string flag = name;
  std::replace(flag.begin(), flag.end(), '_', '-');
  const auto found =
      std::find_if(Fields().begin(), Fields().end(),
                   [&](const JobField& field) { return field.name == flag; });
  return found == Fields().end() ? nullptr : &*found;
}

bool DependsOnNow(const JobWords& words) {
  return std::any_of(words.said.begin(), words.said.end(), [](const Said& s) {
    return IsMoment(*s.field) && DependsOnNow(s.values.back());
  });
}

absl::StatusOr<v1::JobSpec> MakeSpec(const JobWords& words,
                                     const Submitter& submitter,
                                     const Here& here) {
  JobSpec spec;
  std::vector<Mistake> mistakes = words.mistakes;
  spec.set_user(submitter.user);
  spec.set_workdir(submitter.directory);
  for (const Said& said : words.said) {
    const absl::Status status = said.field->set(said.values, here, spec);
    if (status.ok()) continue;
    mistakes.push_back(MistakeAt(said, std::string(status.message())));
  }
  const std::filesystem::path workdir(spec.workdir());
  spec.set_workdir((submitter.directory / workdir).lexically_normal().string());
  for (const std::string& word : words.command) spec.add_command(word);
  if (mistakes.empty()) CheckTogether(words, spec, mistakes);
  CheckCommand(words, mistakes);
  if (!mistakes.empty()) return Together(std::move(mistakes));
  return spec;
}

JobWords Overridden(JobWords file, const JobWords& flags) {
  file.said.insert(file.said.end(), flags.said.begin(), flags.said.end());
  if (!flags.command.empty()) file.command = flags.command;
  return file;
}

}  // namespace carbond::client
