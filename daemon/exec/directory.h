#pragma once
// Directories that jobs need. Stateless.

#include <sys/types.h>

#include <string>

#include "scheduler/ports.h"

namespace carbond {

// Of this one level; that it is there already is fine.
Status MakeDirectory(const std::string& path, mode_t mode);

// Below shared_dir: where logs and checkpoints of all jobs are ...
Status MakeSharedDirectories(const std::string& shared_dir);
// ... and those of one.
Status MakeJobDirectories(const std::string& shared_dir, JobId job);

}  // namespace carbond
