#pragma once
// What carbon-meter does: reads the counters of one run again and again, and
// writes down what it drew. Standard library only.

#include <memory>
#include <string>
#include <vector>

#include "daemon/energy_log.h"
#include "daemon/meter/energy_sum.h"
#include "daemon/meter/machine_book.h"
#include "daemon/meter/meter_options.h"

namespace carbond {

// The counters of one run. Where its GPUs cannot be read all of it is left to
// the table, since what the table says of a GPU holds its host's share.
struct RunMeters {
  explicit RunMeters(int64_t patience_ms) : sum(patience_ms) {}
  EnergySum sum;
  std::string names;            // "nvml+rapl"; empty: nothing is measured
  MachineBook* book = nullptr;  // a part of `sum`
  std::string complaint;        // why what was asked for is not there
};
RunMeters OpenMeters(const MeterOptions& options);

// The file of a run's directory. It stays below 128 KiB, about a day of ticks
// of 10 s at their full number.
class EnergyFile {
 public:
  explicit EnergyFile(std::string path) : path_(std::move(path)) {}
  // Each gives errno, or 0. What could not be written is in the next sample.
  int Begin(const std::string& meters, const EnergySample& sample);
  int Append(const EnergySample& sample);

 private:
  int Write(const std::string& text);
  int Thin();

  const std::string path_;
};

// Until the runner says `e` on the socket, or leaves. The exit code.
int Sample(const MeterOptions& options, int control);

// One line each of what works here and what does not: "good nvml: 2 GPUs",
// "none rapl: ...". For the daemon's start and for `carbond doctor`.
std::vector<std::string> CheckMeters(const MeterOptions& options);

}  // namespace carbond
