#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"

namespace carbond::client {

// A new UUID of version 7 (RFC 9562): random, but ordered by time, which the
// daemon's index of request ids likes.
std::string MakeRequestId(absl::Time now, uint64_t random_high,
                          uint64_t random_low);

}  // namespace carbond::client
