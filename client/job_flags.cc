#include "client/job_flags.h"

#include <fmt/format.h>

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

// Each of these makes a setter from the proto's own mutator.

Setter Text(void (*set)(JobSpec&, const std::string&)) {
  return [set](const Values& values, const Here&, JobSpec& spec) {
    set(spec, values.back());
    return absl::OkStatus();
  };
}

template <class Value>
Setter Parsed(absl::StatusOr<Value> (*parse)(const std::string&),
              void (*set)(JobSpec&, Value)) {
  return [parse, set](const Values& values, const Here&, JobSpec& spec) {
    const auto value = parse(values.back());
    if (value.ok()) set(spec, *value);
    return value.status();
  };
}

Setter Length(google::protobuf::Duration* (JobSpec::*mutable_field)()) {
  return [mutable_field](const Values& values, const Here&, JobSpec& spec) {
    const auto length = ParseDuration(values.back());
    if (!length.ok()) return length.status();
    const int64_t millis = absl::ToInt64Milliseconds(*length);
    google::protobuf::Duration* field = (spec.*mutable_field)();
    field->set_seconds(millis / 1000);
    field->set_nanos(static_cast<int32_t>(millis % 1000) * 1'000'000);
    return absl::OkStatus();
  };
}

Setter Moment(google::protobuf::Timestamp* (JobSpec::*mutable_field)()) {
  return
      [mutable_field](const Values& values, const Here& here, JobSpec& spec) {
        const auto moment = ParseInstant(values.back(), here, Lean::kAhead);
        if (moment.ok()) *(spec.*mutable_field)() = ToProto(*moment);
        return moment.status();
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
  return absl::InvalidArgumentError(fmt::format(
      "`{}` is not one of none, suspend, checkpoint", values.back()));
}

// Adds to what is there: a flag changes one variable of a file's.
absl::Status SetEnv(const Values& values, const Here&, JobSpec& spec) {
  for (const std::string& value : values) {
    const size_t equals = value.find('=');
    if (equals == 0 || equals == std::string::npos) {
      return absl::InvalidArgumentError(
          fmt::format("`{}` is not KEY=VALUE", value));
    }
    (*spec.mutable_env())[value.substr(0, equals)] = value.substr(equals + 1);
  }
  return absl::OkStatus();
}

absl::Status SetSignal(const Values& values, const Here&, JobSpec& spec) {
  std::string name = values.back();
  if (name.starts_with("SIG")) name.erase(0, 3);
  spec.set_checkpoint_signal(name);
  return absl::OkStatus();
}

absl::Status SetCount(const Values& values, const char* what,
                      void (*set)(JobSpec&, int32_t), JobSpec& spec) {
  const auto count = ParseCount(values.back());
  if (!count.ok()) return count.status();
  if (*count < 0) {
    return absl::InvalidArgumentError(fmt::format(
        "{} {} are asked for: a count is not negative", *count, what));
  }
  set(spec, *count);
  return absl::OkStatus();
}

Setter Counted(const char* what, void (*set)(JobSpec&, int32_t)) {
  return [what, set](const Values& values, const Here&, JobSpec& spec) {
    return SetCount(values, what, set, spec);
  };
}

// A name of the proto's field, as a function that sets it.
#define CARBOND_SETS(type, field) \
  [](JobSpec& spec, type value) { spec.set_##field(value); }

std::vector<JobField> MakeFields() {
  return {
      {"name", "NAME", "what people call it (default: the command's)", false,
       Text(CARBOND_SETS(const std::string&, name))},
      {"project", "NAME", "what its emissions are booked on", false,
       Text(CARBOND_SETS(const std::string&, project))},
      {"duration", "D",
       "useful work, without pauses: 2h, 90m (default: learnt from earlier "
       "jobs)",
       false, Length(&JobSpec::mutable_duration)},
      {"deadline", "T", "finished by: 24h, 08:00, 2026-03-01T08:00:00Z", false,
       Moment(&JobSpec::mutable_deadline)},
      {"earliest", "T", "do not start before", false,
       Moment(&JobSpec::mutable_earliest)},
      {"gpus", "N", "GPUs it needs", false,
       Counted("GPUs", CARBOND_SETS(int32_t, gpus))},
      {"cpus", "N", "cores it needs", false,
       Counted("cores", CARBOND_SETS(int32_t, cpus))},
      {"power", "P", "drawn while running, all devices: 300W, 1.2kW", false,
       Parsed<double>(ParsePower, CARBOND_SETS(double, power_w))},
      {"idle-power", "P", "drawn while suspended in memory", false,
       Parsed<double>(ParsePower, CARBOND_SETS(double, idle_power_w))},
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
       Length(&JobSpec::mutable_checkpoint_timeout)},
      {"min-run", "D", "least work between two pauses", false,
       Length(&JobSpec::mutable_min_run)},
      {"max-intensity", "G", "do not run above so many g/kWh", false,
       Parsed<double>(ParseIntensity,
                      CARBOND_SETS(double, max_intensity_g_per_kwh))},
      {"min-saving", "F", "wait only to save so much: 0.05 or 5%", false,
       Parsed<double>(ParseFraction,
                      CARBOND_SETS(double, min_saving_fraction))},
      {"max-pauses", "N", "at most so many pauses (default: as many as pay)",
       false, Counted("pauses", CARBOND_SETS(int32_t, max_pauses))},
      {"delay-cost", "G", "grams that finishing an hour sooner is worth", false,
       Parsed<double>(ParseNumber, CARBOND_SETS(double, delay_cost_g_per_h))},
      {"priority", "N", "higher is planned first", false,
       Parsed<int32_t>(ParseCount, CARBOND_SETS(int32_t, priority))},
      {"retries", "N", "further attempts after a failure", false,
       Counted("retries", CARBOND_SETS(int32_t, retries))},
      {"time-limit", "D", "ends the job after so much running", false,
       Length(&JobSpec::mutable_time_limit)},
      {"data-gb", "X", "data that would follow a move", false,
       Parsed<double>(ParseNumber, CARBOND_SETS(double, data_gb))},
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
  spec.set_user(submitter.user);
  spec.set_workdir(submitter.directory);
  for (const Said& said : words.said) {
    const absl::Status status = said.field->set(said.values, here, spec);
    if (!status.ok()) {
      return absl::Status(
          status.code(),
          fmt::format("{}: {}", Place(said), std::string(status.message())));
    }
  }
  const std::filesystem::path workdir(spec.workdir());
  spec.set_workdir((submitter.directory / workdir).lexically_normal().string());
  for (const std::string& word : words.command) spec.add_command(word);
  const std::string place =
      words.line > 0 ? fmt::format("line {}: ", words.line) : std::string();
  if (words.command.empty()) {
    return absl::InvalidArgumentError(
        place + (words.line > 0 ? "the job has no command: add `command:`"
                                : "no command is given: put it after `--`"));
  }
  return spec;
}

JobWords Overridden(JobWords file, const JobWords& flags) {
  file.said.insert(file.said.end(), flags.said.begin(), flags.said.end());
  if (!flags.command.empty()) file.command = flags.command;
  return file;
}

}  // namespace carbond::client
