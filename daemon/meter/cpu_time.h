#pragma once
// CPU energy where no counter can be read: a model, but of what was really
// used. Standard library only.
//
// A CPU draws its `per_cpu` watts while it computes; one that is allotted and
// idles draws `idle_fraction` of that. So a run that keeps its CPUs busy all
// the time is what the table says of it.

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "daemon/meter/counter.h"

namespace carbond {

struct CpuModel {
  int64_t per_cpu_mw = 10'000;
  int64_t idle_thousandths = 200;
  int cpus = 1;  // allotted
};

// Of so much CPU time and so much real time, in milliseconds: microjoules.
int64_t ModelledCpuEnergy(const CpuModel& model, int64_t cpu_ms, int64_t ms);

class CpuTimeCounter : public EnergyCounter {
 public:
  CpuTimeCounter(CpuModel model, std::string proc, pid_t root,
                 uint64_t start_ticks);
  std::optional<int64_t> Read() override;

 private:
  // Fixed after construction
  const CpuModel model_;
  const std::string proc_;
  const pid_t root_;
  const uint64_t start_ticks_;

  int64_t began_ms_ = 0;
  int64_t began_us_ = 0;  // CPU time by then
  int64_t drawn_uj_ = 0;
};

}  // namespace carbond
