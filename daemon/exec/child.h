#pragma once
// Starts a process of a job, for carbon-runner. Standard library only.

#include <sys/types.h>

#include <string>
#include <vector>

namespace carbond {

struct Child {
  pid_t pid = 0;            // 0: it could not be started
  int error = 0;            // errno, then
  bool in_workdir = false;  // and whether the working directory was to blame
};

// In a session and process group of its own, with the default treatment of all
// signals, no input, and its output going to the two descriptors. Returns when
// it has become `command` or has failed to. It is killed when the caller dies.
Child StartChild(const std::vector<std::string>& command,
                 const std::string& workdir, int out, int err);

}  // namespace carbond
