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
  // Of a run that a cluster starts on a machine the daemon may not reach: looks
  // for orders and says that it lives this often, and ends the job when it
  // could not say so for `lease_ms`. 0: the daemon is on this machine.
  int heartbeat_ms = 0;
  int lease_ms = 0;
  std::vector<std::string> command;
  // carbon-meter and its arguments; empty: this run is not measured.
  std::vector<std::string> meter = {};
  std::string orders = {};  // where `orders` are, if not in `dir`
};

// The arguments that ParseRunnerOptions turns into the same options again,
// without the program's own name.
std::vector<std::string> FormatRunnerOptions(const RunnerOptions& options);
// False, and what is wrong, when something is.
bool ParseRunnerOptions(const std::vector<std::string>& arguments,
                        RunnerOptions& options, std::string& mistake);

}  // namespace carbond
