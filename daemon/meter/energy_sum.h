#pragma once
// The parts of what a run draws (its GPUs, its share of the CPUs) added up, so
// that the sum never falls, and a part that cannot be read for a while is
// neither lost nor counted twice. Standard library only.
//
// A counter that is silent for longer than `patience` is stood in for by a
// power, that of a stopped run while the run is stopped. When it speaks again
// it is believed: what it counted beyond what was put in its place is added,
// and if that was too much, nothing is until the counter has come as far. One
// that had not begun counts on from there.

#include <cstdint>
#include <memory>
#include <vector>

#include "daemon/meter/counter.h"

namespace carbond {

struct EnergyTotal {
  int64_t total_uj = 0;
  int64_t measured_uj = 0;
};

struct StandIn {
  int64_t running_mw = 0;
  int64_t idle_mw = 0;  // while the run is stopped in memory
};

class EnergySum {
 public:
  explicit EnergySum(int64_t patience_ms) : patience_ms_(patience_ms) {}

  // `measured`: by a counter of energy, and no model.
  void Add(std::unique_ptr<EnergyCounter> counter, bool measured,
           StandIn stand_in, int64_t now_ms);
  // From now on, after a look.
  void SetStopped(bool stopped) { stopped_ = stopped; }
  // `now_ms` of a clock that never jumps. After the last look none will speak
  // again, and there is no patience.
  EnergyTotal Look(int64_t now_ms, bool last = false);
  // How often a look is needed; 0: whenever one likes.
  int64_t longest_gap_ms() const;
  bool empty() const { return parts_.empty(); }

 private:
  struct Part {
    std::unique_ptr<EnergyCounter> counter;
    bool measured = false;
    StandIn stand_in;
    int64_t base_uj = 0;  // counted before the counter began
    int64_t heard_ms = 0;
    int64_t counted_ms = 0;  // until when anything is counted
    int64_t counted_uj = 0;
    int64_t measured_uj = 0;
  };
  void Look(Part& part, int64_t now_ms, bool last) const;

  const int64_t patience_ms_;
  bool stopped_ = false;
  std::vector<Part> parts_;
};

}  // namespace carbond
