#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/job_flags.h"

namespace carbond::client {

// Reads jobs from YAML: one job, or a list of them. Keys are the flags' names
// with `_` or `-`; `command` is a list of words, or a line for /bin/sh. A
// relative `workdir` is relative to `folder`. An error is one of the whole
// text; what is wrong in a job stands in its `mistakes`, each with its line.
absl::StatusOr<std::vector<JobWords>> ParseJobFile(const std::string& yaml,
                                                   const std::string& folder);

// The same from a file; `-` is standard input.
absl::StatusOr<std::vector<JobWords>> ReadJobFile(const std::string& path,
                                                  const std::string& directory);

}  // namespace carbond::client
