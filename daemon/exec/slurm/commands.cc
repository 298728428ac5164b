#include "daemon/exec/slurm/commands.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <random>

#include "daemon/exec/slurm/room.h"

namespace carbond {
namespace {

// Between fields: any byte does, and names may hold all that can be typed.
constexpr char kField = '\x1f';
constexpr size_t kFields = 6;

// Slurm counts in minutes.
int64_t Minutes(Duration time) {
  constexpr int64_t kMinute = Duration(minutes(1)).count();
  return std::max<int64_t>(1, (time.count() + kMinute - 1) / kMinute);
}

std::string Trimmed(std::string_view line) {
  const size_t begin = line.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return std::string(
      line.substr(begin, line.find_last_not_of(" \t\r") + 1 - begin));
}

}  // namespace

std::vector<std::string> SbatchArguments(const SlurmPlace& place,
                                         const Submission& submission) {
  std::vector<std::string> arguments = {
      "--parsable",
      // A copy started by Slurm after a node failure could run beside the
      // first; carbond itself decides whether to try again.
      "--no-requeue",
      // Of several jobs of one name only one runs at a time.
      "--dependency=singleton", "--job-name=" + submission.name,
      "--comment=" + submission.comment, "--chdir=/",
      "--output=" + submission.log, "--open-mode=append",
      // sbatch itself is given a bare environment; anything but ALL has Slurm
      // run the user's login shell to find another.
      "--export=ALL", "--nodes=1", "--ntasks=1",
      fmt::format("--cpus-per-task={}", std::max(1, submission.allotment.cpus)),
      fmt::format("--time={}", Minutes(submission.times.limit))};
  if (submission.times.begin) {
    // Whole seconds, and rather late than early.
    const int64_t at = (submission.times.begin->millis() + 999) / 1000;
    arguments.push_back(fmt::format("--begin=uts{}", at));
  }
  const auto add = [&](const char* option, const std::string& value) {
    if (!value.empty()) arguments.push_back(option + value);
  };
  add("--partition=", place.partition);
  add("--account=", place.account);
  add("--qos=", place.qos);
  add("--constraint=", place.constraint);
  if (!submission.allotment.gpus.empty()) {
    arguments.push_back(fmt::format("--gres={}:{}", place.gpu,
                                    submission.allotment.gpus.size()));
  }
  arguments.insert(arguments.end(), place.options.begin(), place.options.end());
  arguments.push_back(submission.script);
  arguments.insert(arguments.end(), submission.arguments.begin(),
                   submission.arguments.end());
  return arguments;
}

Resources NeedOf(const std::vector<std::string>& sbatch) {
  constexpr std::string_view kCpus = "--cpus-per-task=";
  constexpr std::string_view kGres = "--gres=";
  Resources need;
  for (const std::string_view word : sbatch) {
    if (word.starts_with(kCpus)) {
      std::from_chars(word.data() + kCpus.size(), word.data() + word.size(),
                      need.cpus);
    } else if (word.starts_with(kGres)) {
      need.gpus = GpusOf(word.substr(kGres.size()));
    }
  }
  return need;
}

std::string MakeMark() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

std::vector<std::string> SqueueArguments(const std::vector<std::string>& users,
                                         const std::string& mark) {
  // The name last: it may hold anything.
  constexpr std::array kColumns = {"%i", "%T", "%r", "%N", "%U", "%j"};
  static_assert(kColumns.size() == kFields);
  std::string format = mark;
  for (const char* column : kColumns) {
    format += kField;
    format += column;
  }
  return {"--noheader", "--states=all",
          fmt::format("--user={}", fmt::join(users, ",")),
          "--format=" + format};
}

std::vector<std::string> ScancelArguments(const std::string& user,
                                          const std::string& name) {
  return {"--quiet", "--user=" + user, "--name=" + name};
}

std::vector<std::string> RecallArguments(const std::string& user,
                                         const std::string& name) {
  std::vector<std::string> arguments = ScancelArguments(user, name);
  arguments.push_back("--state=PENDING");
  return arguments;
}

std::vector<SlurmJob> ParseSqueue(std::string_view text,
                                  const std::string& mark) {
  const std::string begin = mark + kField;
  std::vector<SlurmJob> jobs;
  while (!text.empty()) {
    const size_t line_end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, line_end);
    text.remove_prefix(std::min(line_end + 1, text.size()));
    if (!line.starts_with(begin)) continue;
    line.remove_prefix(begin.size());
    SlurmJob job;
    std::string uid;
    std::array<std::string*, kFields> fields = {
        &job.id, &job.state, &job.reason, &job.nodes, &uid, &job.name};
    size_t field = 0;
    for (; field + 1 < kFields; ++field) {
      const size_t end = line.find(kField);
      if (end == std::string_view::npos) break;
      *fields[field] = std::string(line.substr(0, end));
      line.remove_prefix(end + 1);
    }
    const auto read =
        std::from_chars(uid.data(), uid.data() + uid.size(), job.uid);
    if (field + 1 < kFields || job.id.empty() || read.ec != std::errc()) {
      continue;
    }
    job.name = line;
    jobs.push_back(std::move(job));
  }
  return jobs;
}

SlurmStage StageOf(const SlurmJob& job) {
  // The states of the man page's "JOB STATE CODES" that are no end. What a
  // later release adds is taken for active: an end is never guessed.
  constexpr std::array kQueued = {"PENDING",      "REQUEUED",
                                  "REQUEUE_HOLD", "REQUEUE_FED",
                                  "SPECIAL_EXIT", "RESV_DEL_HOLD"};
  constexpr std::array kOver = {
      "BOOT_FAIL", "CANCELLED", "COMPLETED",     "DEADLINE", "FAILED",
      "NODE_FAIL", "PREEMPTED", "OUT_OF_MEMORY", "REVOKED",  "TIMEOUT"};
  if (std::ranges::find(kQueued, job.state) != kQueued.end()) {
    return SlurmStage::kQueued;
  }
  return std::ranges::find(kOver, job.state) != kOver.end()
             ? SlurmStage::kOver
             : SlurmStage::kActive;
}

std::string StateWords(const std::string& state, const std::string& reason) {
  const bool none = reason.empty() || reason == "None" || reason == "(null)";
  return none ? state : fmt::format("{} ({})", state, reason);
}

bool IsRefusal(std::string_view complaint) {
  // Sentences of Slurm that mean "no answer came", and not "no".
  constexpr std::array<std::string_view, 8> kNoAnswer = {
      "timed out",  "Unable to contact", "Zero Bytes", "authentication",
      "Connection", "temporarily",       "standby",    "Communication"};
  return !complaint.empty() &&
         std::ranges::none_of(kNoAnswer, [&](std::string_view words) {
           return complaint.find(words) != std::string_view::npos;
         });
}

std::string LastComplaint(std::string_view complaint) {
  std::string last;
  while (!complaint.empty()) {
    const size_t end = std::min(complaint.find('\n'), complaint.size());
    std::string line = Trimmed(complaint.substr(0, end));
    complaint.remove_prefix(std::min(end + 1, complaint.size()));
    const size_t error = line.find("error: ");
    if (error != std::string::npos) line = line.substr(error + 7);
    if (!line.empty()) last = std::move(line);
  }
  return last;
}

}  // namespace carbond
