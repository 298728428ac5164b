#include "daemon/exec/slurm/adoption.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace carbond {
namespace {

// Slurm takes any bytes, carbond's clients read UTF-8.
std::string Readable(std::string text) {
  std::ranges::replace_if(
      text,
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; },
      ' ');
  using nlohmann::json;
  return json::parse(
      json(text).dump(-1, ' ', false, json::error_handler_t::replace));
}

// As a name in carbond may be: one line of at most 256 bytes. What replaces a
// broken byte takes three.
std::string OneLine(const std::string& text) {
  std::string line = Readable(text.substr(0, 256));
  return line.size() <= 256 ? line : Readable(text.substr(0, 85));
}

Duration FromReal(Duration real, const SystemClock& clock) {
  return Duration(
      static_cast<int64_t>(static_cast<double>(real.count()) * clock.speed()));
}

}  // namespace

std::string WhyNotAdopted(const SlurmEntry& entry, int tasks) {
  if (IsHeterogeneous(entry.id)) {
    return "a heterogeneous job is not deferred, since its components are "
           "separate jobs to Slurm that must begin together";
  }
  if (tasks > kMostTasks) {
    return fmt::format(
        "a job array of {} tasks is not deferred: send it in parts of at most "
        "{}",
        tasks, kMostTasks);
  }
  return {};
}

SubmitCommand AdoptionOf(const HeldJob& job, const SlurmDefer& defer,
                         const SystemClock& clock) {
  const SlurmEntry& entry = job.entry;
  const Instant submitted = clock.FromReal(entry.submitted_at);
  SubmitCommand::Entry handed;
  JobSpec& spec = handed.spec;
  spec.name = OneLine(job.words.name);
  spec.project = OneLine(entry.account);
  spec.user = OneLine(entry.user);
  spec.command = {"sbatch"};
  if (!job.words.script.empty()) {
    spec.command.push_back(Readable(job.words.script));
  }
  spec.workdir =
      job.words.workdir.starts_with('/') ? Readable(job.words.workdir) : "/";
  spec.need = entry.need;
  spec.regions = {job.region};
  spec.home_region = job.region;
  // Its user's own --begin.
  if (entry.start && *entry.start > entry.submitted_at) {
    spec.earliest = clock.FromReal(*entry.start);
  }
  spec.deadline = job.wishes.deadline.value_or(
      submitted + job.wishes.within.value_or(defer.deadline));
  spec.duration = job.wishes.duration.value_or(Duration(0));
  if (job.wishes.power) {
    spec.power = *job.wishes.power;
    spec.power_declared = true;
  }
  spec.entry = {job.cluster, entry.id, entry.submitted_at,
                FromReal(entry.limit, clock), Readable(job.wishes.remark)};
  handed.unset = {true, true, true, true, true, true};
  SubmitCommand command;
  command.request_id = fmt::format("sbatch:{}:{}:{}", job.cluster, entry.id,
                                   entry.submitted_at.millis() / 1000);
  // What its user changes later does not make it another job.
  command.digest = "sbatch";
  command.jobs.push_back(std::move(handed));
  return command;
}

}  // namespace carbond
