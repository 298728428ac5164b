#pragma once
// What Slurm's commands are asked and how their answers read. Pure. Format
// strings are used and not JSON, whose shape changed from release to release;
// sbatch(1), squeue(1), scancel(1) of Slurm 22.05 and later.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/exec/slurm/place.h"
#include "scheduler/ports.h"

namespace carbond {

// By the machine's clock, as Slurm's runs.
struct SlurmTimes {
  Duration limit{0};
  // Slurm keeps it until then, whoever is down by then.
  std::optional<Instant> begin = {};
};

// `name` is what a submission is known by for ever: an id that sbatch printed
// can be lost within five seconds and then be handed to another job.
struct Submission {
  std::string name;
  std::string comment;
  std::string script;  // path; it becomes what `arguments` say
  std::vector<std::string> arguments;
  std::string log;  // what the script itself prints
  Allotment allotment;
  SlurmTimes times;
};
std::vector<std::string> SbatchArguments(const SlurmPlace& place,
                                         const Submission& submission);

// What such arguments ask for.
Resources NeedOf(const std::vector<std::string>& sbatch);

// One for each question: nobody can have written it into a name or a comment.
std::string MakeMark();

// All that this cluster knows of jobs of these users (names or numbers), ended
// ones too.
std::vector<std::string> SqueueArguments(const std::vector<std::string>& users,
                                         const std::string& mark);

// By name, so that a number which changed hands meanwhile hits nobody else.
std::vector<std::string> ScancelArguments(const std::string& user,
                                          const std::string& name);
// The same of one that has not begun; nothing of one that has.
std::vector<std::string> RecallArguments(const std::string& user,
                                         const std::string& name);

struct SlurmJob {
  std::string id;
  std::string state;   // PENDING, RUNNING, COMPLETED, ...
  std::string reason;  // why it waits, or how it ended
  std::string name;
  std::string nodes;
  int64_t uid = -1;  // whose it is: anybody may give his job any name
};
// Nothing of a line that does not begin with the mark, or has not the fields
// asked for.
std::vector<SlurmJob> ParseSqueue(std::string_view text,
                                  const std::string& mark);

// What a state means for who waits for the run.
enum class SlurmStage { kQueued, kActive, kOver };
SlurmStage StageOf(const SlurmJob& job);

// `PENDING (Resources)`; the state alone where Slurm names no reason.
std::string StateWords(const std::string& state, const std::string& reason);

// Of a failed sbatch: was nothing accepted for certain? After a time-out, or
// when the controller could not be reached, the job may exist all the same.
bool IsRefusal(std::string_view complaint);

// The last line that says something, without `sbatch: error: `.
std::string LastComplaint(std::string_view complaint);

}  // namespace carbond
