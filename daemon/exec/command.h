#pragma once
// What a job's process gets: which file its command is, and its environment.
// Pure but for looking at files. Stateless.

#include <map>
#include <string>
#include <vector>

#include "scheduler/ports.h"

namespace carbond {

using Environment = std::map<std::string, std::string>;

// Refuses what no process could be given: a NUL, a name with `=`.
Status CheckCommandText(const JobSpec& spec);

// The environment of this very process.
Environment OwnEnvironment();

// Could this be started? Refuses with what would mend it. `inherited` is what
// the job's own environment is added to.
Status CheckCommand(const JobSpec& spec, const Environment& inherited);

struct RunPaths {
  std::string checkpoint_dir;
  std::string progress_file;
};

// `manages_gpus`: the region's capacity has GPUs, whether or not this run was
// given any.
Environment JobEnvironment(Environment inherited, const StartOrder& order,
                           const RunPaths& paths, bool manages_gpus);

// How every process of a run can be known, even one that left its session: the
// entry of its environment that no other run has.
std::string RunMark(const RunPaths& paths);

}  // namespace carbond
