#include "daemon/meter/cpu_time.h"

#include <algorithm>

#include "daemon/meter/procfs.h"

namespace carbond {
// Milliwatts x milliseconds are microjoules.
int64_t ModelledCpuEnergy(const CpuModel& model, int64_t cpu_ms, int64_t ms) {
  const int64_t idle_ms = std::max<int64_t>(0, model.cpus * ms - cpu_ms);
  return model.per_cpu_mw * cpu_ms +
         model.per_cpu_mw * idle_ms / 1000 * model.idle_thousandths;
}

CpuTimeCounter::CpuTimeCounter(CpuModel model, std::string proc, pid_t root,
                               uint64_t start_ticks)
    : model_(model),
      proc_(std::move(proc)),
      root_(root),
      start_ticks_(start_ticks),
      began_ms_(SinceBootMillis()),
      began_us_(
          TreeTime(ReadProcesses(proc_), root_, start_ticks_).value_or(0)) {}

std::optional<int64_t> CpuTimeCounter::Read() {
  const auto used = TreeTime(ReadProcesses(proc_), root_, start_ticks_);
  if (!used) return std::nullopt;
  // A process that ends while it is looked for may be missed: asked again.
  drawn_uj_ =
      std::max(drawn_uj_, ModelledCpuEnergy(model_, (*used - began_us_) / 1000,
                                            SinceBootMillis() - began_ms_));
  return drawn_uj_;
}

}  // namespace carbond
