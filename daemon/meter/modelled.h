#pragma once
// Energy from a model: power times time. For machines without a counter, and
// for jobs that declare their power. Stateless: safe to call from any thread.
//
// A job that declares no power is taken to draw, before PUE,
//
//   per GPU   300 W   the whole system's power divided by its accelerators, as
//                     measured: P100 271 W, TPU v3 283 W, V100 325 W (Patterson
//                     et al. 2021, "Carbon Emissions and Large Neural Network
//                     Training", table 3). An H100 SXM may draw 700 W alone
//                     (TDP; so do the tables of Lacoste et al. 2019, "ML CO2
//                     Impact"): set `per_gpu` where such stand.
//   per CPU    10 W   a core of a Xeon Gold 6148 is 150 W / 20 = 7.5 W of TDP
//                     (Lacoste et al. 2019), and 6 GB of memory beside it are
//                     2.2 W at 0.3725 W per GB (Green Algorithms, Lannelongue
//                     et al. 2021). The GPU figure holds its host's share
//                     already, so a job with GPUs counts its CPUs on top only
//                     as far as it asks for them.
//   idle      20 %    of the running power while suspended in memory: what
//                     processes that are stopped but resident keep awake. An
//                     estimate of ours, no measurement.
//
// All three can be set in the configuration. A job that asks for neither GPU
// nor CPU counts as one CPU, since no process runs on nothing.

#include "daemon/config.h"
#include "scheduler/ports.h"

namespace carbond {

class ModelledMeter : public Meter {
 public:
  explicit ModelledMeter(const MeterConfig& config) : config_(config) {}

  Power Expected(const Resources& need, const std::string& region) override;
  // Readings of one run and purpose add up exactly, however the time is cut.
  Result<Measured> Read(const Job& job, const Run& run,
                        const Span& span) override;

 private:
  // Fixed after construction
  const MeterConfig config_;
};

}  // namespace carbond
