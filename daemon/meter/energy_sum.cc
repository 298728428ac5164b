#include "daemon/meter/energy_sum.h"

#include <algorithm>

namespace carbond {

void EnergySum::Add(std::unique_ptr<EnergyCounter> counter, bool measured,
                    StandIn stand_in, int64_t now_ms) {
  Part& part = parts_.emplace_back();
  part.counter = std::move(counter);
  part.measured = measured;
  part.stand_in = stand_in;
  part.heard_ms = part.counted_ms = now_ms;
}

void EnergySum::Look(Part& part, int64_t now_ms, bool last) const {
  const bool begins = !part.counter->began();
  // Milliwatts x milliseconds are microjoules.
  const int64_t stood_in =
      (stopped_ ? part.stand_in.idle_mw : part.stand_in.running_mw) *
      (now_ms - part.counted_ms);
  if (const auto counted = part.counter->Read()) {
    if (begins) part.base_uj = part.counted_uj += stood_in;
    const int64_t more =
        std::max<int64_t>(0, part.base_uj + *counted - part.counted_uj);
    part.counted_uj += more;
    if (part.measured) part.measured_uj += more;
    part.heard_ms = part.counted_ms = now_ms;
  } else if (last || now_ms - part.heard_ms > patience_ms_) {
    part.counted_uj += stood_in;
    part.counted_ms = now_ms;
  }
}

EnergyTotal EnergySum::Look(int64_t now_ms, bool last) {
  EnergyTotal sum;
  for (Part& part : parts_) {
    Look(part, now_ms, last);
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
