#pragma once
// Ends what a lost runner left behind. With the runner gone nobody knows the
// job's processes as children any more, so they are known by their environment,
// which every process inherits, by writing to the run's logs, and by descending
// from one of those. Stateless.

#include <string>
#include <vector>

#include "scheduler/result.h"

namespace carbond {

struct Leftovers {
  std::string mark;                // an entry of their environment
  std::vector<std::string> files;  // their stdout or stderr
};

struct Swept {
  bool any = false;    // something still lived
  bool clean = false;  // nothing does now
};

// Kills and looks again until nothing is found, for a tenth of a second at the
// most: a process in the middle of disk input ends when that has ended.
Result<Swept> SweepLeftovers(const Leftovers& leftovers);

}  // namespace carbond
