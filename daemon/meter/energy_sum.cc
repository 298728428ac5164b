#include "daemon/meter/energy_sum.h"

#include <algorithm>

namespace carbond {

void EnergySum::Add(std::unique_ptr<EnergyCounter> counter, bool measured,
                    int64_t stand_in_mw, int64_t now_ms) {
  Part& part = parts_.emplace_back();
  part.counter = std::move(counter);
  part.measured = measured;
  part.stand_in_mw = stand_in_mw;
  part.heard_ms = part.counted_ms = now_ms;
}

void EnergySum::Look(Part& part, int64_t now_ms) const {
  if (const auto counted = part.counter->Read()) {
    const int64_t more = std::max<int64_t>(0, *counted - part.counted_uj);
    part.counted_uj += more;
    if (part.measured) part.measured_uj += more;
    part.heard_ms = part.counted_ms = now_ms;
  } else if (now_ms - part.heard_ms > patience_ms_) {
    // Milliwatts x milliseconds are microjoules.
    part.counted_uj += part.stand_in_mw * (now_ms - part.counted_ms);
    part.counted_ms = now_ms;
  }
}

EnergyTotal EnergySum::Look(int64_t now_ms) {
  EnergyTotal sum;
  for (Part& part : parts_) {
    Look(part, now_ms);
    sum.total_uj += part.counted_uj;
    sum.measured_uj += part.measured_uj;
  }
  return sum;
}

int64_t EnergySum::longest_gap_ms() const {
  int64_t gap = 0;
  for (const Part& part : parts_) {
    const int64_t own = part.counter->longest_gap_ms();
    if (own > 0 && (gap == 0 || own < gap)) gap = own;
  }
  return gap;
}

}  // namespace carbond
