#pragma once

#include <carbond/v1/carbond.pb.h>

#include <string>

#include "absl/time/time.h"
#include "client/console.h"

namespace carbond::client {

// All that is known of a job, for people: what it is, where it stands and why,
// its runs, its figures, and the picture.
std::string JobPage(const v1::Job& job, const Look& look, absl::TimeZone zone);

}  // namespace carbond::client
