#pragma once
// What a provider's user wants to know of it.

#include <optional>
#include <string>
#include <vector>

#include "scheduler/time.h"

namespace carbond {

struct FetchReport {
  int requests_today = 0;  // UTC
  int requests_yesterday = 0;
  int most_requests = 0;  // in any `per`; 0: no limit is known
  Duration per{0};
  struct Zone {
    std::string name;
    std::optional<Instant> issued_at;
    std::optional<Instant> fetched_at;
    std::optional<Instant> observed_until;
    std::string trouble;  // empty: none
  };
  std::vector<Zone> zones;
};

struct ProviderReport {
  std::string name;
  std::string type;  // "watttime"
  std::string signal;
  std::optional<FetchReport> fetched;  // nothing of one that asks nobody
};

}  // namespace carbond
