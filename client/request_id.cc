#include "client/request_id.h"

#include <fmt/format.h>

namespace carbond::client {

std::string MakeRequestId(absl::Time now, uint64_t random_high,
                          uint64_t random_low) {
  const auto millis = static_cast<uint64_t>(absl::ToUnixMillis(now));
  const uint64_t version = 0x7000 | (random_high & 0x0fff);
  const uint64_t variant = 0x8000 | ((random_high >> 12) & 0x3fff);
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
                     (millis >> 16) & 0xffffffff, millis & 0xffff, version,
                     variant, random_low & 0xffffffffffff);
}

}  // namespace carbond::client
