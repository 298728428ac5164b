#pragma once
// What counters said, where carbon-meter runs beside a job; where it does not,
// the table. For the engine's thread only.
//
// carbon-meter keeps a sum that never falls. What is booked of a run is that
// sum at the end of the reading, rounded once, less what was booked before: a
// sample that is late is caught up with by the next reading, a crash of the
// daemon loses nothing, and the readings of a process add up to its counters.
// Three gaps are filled by the job's power, and such a reading is `mixed`: the
// meter began late, it died before its run, or no more was heard of it.

#include <memory>
#include <set>
#include <string>

#include "daemon/clock.h"
#include "daemon/energy_board.h"
#include "daemon/meter/modelled.h"
#include "scheduler/ports.h"

namespace carbond {

class SampledMeter : public Meter {
 public:
  // `clock` and `board` outlive the meter. `longest` cuts readings of what
  // happened while the daemon was away, so that each meets its hour's grid.
  SampledMeter(const MeterConfig& config, Duration longest,
               const SystemClock& clock, const EnergyBoard& board)
      : model_(config),
        patience_(3 * config.period + seconds(5)),
        longest_(longest),
        clock_(clock),
        board_(board) {}

  Power Expected(const Resources& need, const std::string& region) override {
    return model_.Expected(need, region);
  }
  Result<Measured> Read(const Job& job, const Run& run,
                        const Span& span) override;

 private:
  void TellOfSilence(ProcessId id, const EnergyLog& log, EnergySource source);

  std::set<ProcessId> told_;

  // Fixed after construction
  ModelledMeter model_;
  const Duration patience_;  // with a meter that is silent
  const Duration longest_;
  const SystemClock& clock_;
  const EnergyBoard& board_;
};

}  // namespace carbond
