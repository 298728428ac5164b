#pragma once

#include <carbond/v1/carbond.pb.h>

#include <string>

#include "absl/time/time.h"

namespace carbond::client {

// A line for something that happened to a job, or, where nothing happened, for
// how it stands. Empty for what people need not see (a reading of a meter).
std::string HappeningLine(const v1::WatchJobsResponse& happening,
                          absl::TimeZone zone);

}  // namespace carbond::client
