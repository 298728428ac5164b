#pragma once
// Load on a daemon, and what it did with it.

#include <chrono>
#include <string>
#include <vector>

namespace carbond::bench {

// Latencies in milliseconds, sorted.
struct Measured {
  std::vector<double> latencies_ms;
  double seconds = 0;
  int64_t failures = 0;
  std::string first_failure;

  double PerSecond() const {
    return seconds > 0 ? static_cast<double>(latencies_ms.size()) / seconds : 0;
  }
  double Quantile(double q) const;
};

struct Load {
  std::string address;
  int connections = 1;  // each with one call under way
  int jobs_per_call = 1;
  std::chrono::milliseconds length{5000};
};

// Submits jobs that wait for months, as fast as the answers come. The first
// fifth of the time warms up and is not counted.
Measured Submit(const Load& load);

// One second of what every durable figure rests on: 4 KiB written and brought
// to the disk, one after the other.
Measured ProbeDisk(const std::string& directory);

}  // namespace carbond::bench
