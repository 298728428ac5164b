#pragma once
// Runs another program to its end and takes what it prints. For short commands
// only. Stateless: safe to call from any thread.

#include <optional>
#include <string>
#include <vector>

#include "daemon/exec/command.h"
#include "scheduler/time.h"

namespace carbond {

struct ProgramEnd {
  // Nothing when it was killed because its time was over, or by a signal.
  std::optional<int> code;
  bool timed_out = false;
  std::string out;
  std::string err;
};

// `program` is looked for in the PATH of `environment`; no shell reads the
// arguments. Its process group is killed after `limit`, and so is one that
// prints more than 64 MiB. An error says why it could not be started.
Result<ProgramEnd> RunProgram(const std::string& program,
                              const std::vector<std::string>& arguments,
                              const Environment& environment, Duration limit);

}  // namespace carbond
