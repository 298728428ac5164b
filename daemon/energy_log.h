#pragma once
// What a run has drawn since it began, as carbon-meter writes it down in the
// run's directory, beside the job and not beside the daemon: so energy is
// measured while the daemon is away, and lost with neither.
//
// The file `energy` holds a line for the meters and one for each sample:
//
//   meters nvml+rapl
//   1732240800123 begin 0 0
//   1732240810123 tick 2851000000 2851000000
//
// the instant in milliseconds since 1970, why it was looked, and the energy in
// microjoules since the first sample: all of it, and what of it was measured
// (the rest is modelled). Both never fall. A line is appended in one write; one
// that was torn is not counted. Standard library only, since carbon-meter uses
// it too.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace carbond {

inline constexpr char kEnergyFile[] = "energy";

// Why it was looked: the first and the last line, and the changes between, are
// kept when the file is thinned out.
enum class EnergyMark { kBegin, kTick, kSuspend, kContinue, kEnd };

struct EnergySample {
  int64_t at_ms = 0;
  EnergyMark mark = EnergyMark::kTick;
  int64_t total_uj = 0;
  int64_t measured_uj = 0;  // at most `total_uj`
  friend bool operator==(const EnergySample&, const EnergySample&) = default;
};

struct EnergyLog {
  std::string meters;  // "nvml+rapl"
  std::vector<EnergySample> samples;

  bool ended() const {
    return !samples.empty() && samples.back().mark == EnergyMark::kEnd;
  }
};

std::string FormatMeters(const std::string& meters);
std::string Format(const EnergySample& sample);

// Lines that are not understood, or on which energy falls, are left out.
EnergyLog ParseEnergyLog(std::string_view text);

// Every other tick of a log that has grown too long is given up, but for the
// newest `keep`: the sums stay.
EnergyLog Thinned(const EnergyLog& log, size_t keep);
std::string Format(const EnergyLog& log);

// Energy up to an instant: between two samples as if drawn evenly, after the
// last one what it says. Instants are those of the machine's clock, which may
// have jumped: of several samples said to be earlier the last one written
// counts.
struct EnergyUntil {
  int64_t total_uj = 0;
  int64_t measured_uj = 0;
  int64_t known_ms = 0;  // of the last sample not after the instant
};
std::optional<EnergyUntil> Until(const EnergyLog& log, int64_t at_ms);

}  // namespace carbond
