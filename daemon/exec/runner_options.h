#pragma once
// The command line of carbon-runner. Standard library only.

#include <string>
#include <vector>

namespace carbond {

struct RunnerOptions {
  std::string dir;      // of the run; absolute, like all paths here
  std::string workdir;  // of the job
  std::string out;
  std::string err;
  int grace_ms = 10000;       // between TERM and KILL
  int checkpoint_signal = 0;  // to the main process
  std::string on_pause;       // shell line; instead of the signal
  std::string on_resume;      // shell line run before the command
  std::vector<std::string> command;
};

// The arguments that ParseRunnerOptions turns into the same options again,
// without the program's own name.
std::vector<std::string> FormatRunnerOptions(const RunnerOptions& options);
// False, and what is wrong, when something is.
bool ParseRunnerOptions(const std::vector<std::string>& arguments,
                        RunnerOptions& options, std::string& mistake);

}  // namespace carbond
