#pragma once
// The parts of what a run draws (its GPUs, its share of the CPUs) added up, so
// that the sum never falls, and a part that cannot be read for a while is
// neither lost nor counted twice. Standard library only.
//
// A counter that is silent for longer than `patience` is stood in for by a
// power. When it speaks again it is believed: what it counted beyond what was
// put in its place is added, and if that was too much, nothing is until the
// counter has come as far.

#include <cstdint>
#include <memory>
#include <vector>

#include "daemon/meter/counter.h"

namespace carbond {

struct EnergyTotal {
  int64_t total_uj = 0;
  int64_t measured_uj = 0;
};

class EnergySum {
 public:
  explicit EnergySum(int64_t patience_ms) : patience_ms_(patience_ms) {}

  // `measured`: by a counter of energy, and no model.
  void Add(std::unique_ptr<EnergyCounter> counter, bool measured,
           int64_t stand_in_mw, int64_t now_ms);
  // `now_ms` of a clock that never jumps.
  EnergyTotal Look(int64_t now_ms);
  // How often a look is needed; 0: whenever one likes.
  int64_t longest_gap_ms() const;
  bool empty() const { return parts_.empty(); }

 private:
  struct Part {
    std::unique_ptr<EnergyCounter> counter;
    bool measured = false;
    int64_t stand_in_mw = 0;
    int64_t heard_ms = 0;
    int64_t counted_ms = 0;  // until when anything is counted
    int64_t counted_uj = 0;
    int64_t measured_uj = 0;
  };
  void Look(Part& part, int64_t now_ms) const;

  const int64_t patience_ms_;
  std::vector<Part> parts_;
};

}  // namespace carbond
