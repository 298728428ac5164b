#pragma once
// A counter of energy, as carbon-meter adds them up. Standard library only.

#include <cstdint>
#include <optional>
#include <string>

namespace carbond {

// What a run drew by one counter. For one thread.
class EnergyCounter {
 public:
  virtual ~EnergyCounter() = default;
  // Microjoules since it was opened; falls never. Nothing: it cannot be read
  // just now; what it counted meanwhile is in the next answer.
  virtual std::optional<int64_t> Read() = 0;
  // A counter that sums up powers must be asked at least this often, in
  // milliseconds. 0: it counts by itself.
  virtual int64_t longest_gap_ms() const { return 0; }
  // False: it has not answered yet, and will count from its first answer on.
  virtual bool began() const { return true; }
};

// How far a hardware counter has come from `last` to `now`. One that fell has
// wrapped at `wrap`, or begun anew at zero (`wrap` 0: it never wraps). More
// than `most` in that time is no energy but a counter of another driver's or
// boot's, and counts nothing.
inline int64_t Advanced(int64_t last, int64_t now, int64_t wrap, int64_t most) {
  int64_t step = now - last;
  if (step < 0) step = wrap > 0 ? step + wrap : now;
  return step < 0 || step > most ? 0 : step;
}

// The most that a device is believed to draw: `kw` kilowatts over a time, and a
// second of it for instants that are not exact.
inline int64_t MostMicrojoules(int64_t kw, int64_t elapsed_ms) {
  return kw * 1'000'000 * (elapsed_ms + 1000);
}

}  // namespace carbond
