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
  bool timed_out = false;  // or it was stopped
  std::string out;
  std::string err;
};

// Where exec would find it, with that PATH and not our own; empty: nowhere. A
// name with a slash in it is itself, there or not.
std::string FindInPath(const std::string& program, const Environment& env);

struct ProgramCall {
  std::string program;
  std::vector<std::string> arguments;
  Environment environment;
  Duration limit{0};
  std::string input = {};  // what it may read; nothing: /dev/null
  int stop = -1;  // a descriptor: the program is killed when it can be read
};

// The same as below.
Result<ProgramEnd> RunProgram(const ProgramCall& call);

// `program` is looked for in the PATH of `environment`; no shell reads the
// arguments. Its process group is killed after `limit`, and so is one that
// prints more than 64 MiB. An error says why it could not be started.
Result<ProgramEnd> RunProgram(const std::string& program,
                              const std::vector<std::string>& arguments,
                              const Environment& environment, Duration limit);

}  // namespace carbond
