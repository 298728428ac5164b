#pragma once
// What a statement of emissions holds only if it is asked for: the net figure,
// the share of what making the hardware emitted, and the Software Carbon
// Intensity. `estimate` and `report` take the same words for them.

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "client/json_out.h"

namespace carbond::client {

// As the flags say it; empty: not said.
struct SupplementWords {
  std::string net_intensity{};  // 80
  std::string embodied{};       // 463kg/gpu, 3700kg/8gpus, 1000kg/32cores
  std::string lifetime{};       // 4y
  std::string per{};            // "90 epochs"
  bool equivalents = false;
};

// What making a machine emitted, and how long it serves.
struct EmbodiedHardware {
  enum class Part { kGpu, kCore };
  double total_g = 0;
  Part part = Part::kGpu;
  double parts = 1;  // so many share `total_g`
  double lifetime_h = 0;
  bool lifetime_assumed = false;
};

// The unit that a rate is for.
struct FunctionalUnit {
  double units = 1;
  std::string name;  // "epochs"
};

struct Supplement {
  std::optional<double> net_g_per_kwh{};
  std::optional<EmbodiedHardware> embodied{};
  std::optional<FunctionalUnit> per{};
  bool equivalents = false;
};

// All mistakes at once, a line each.
absl::StatusOr<Supplement> ParseSupplement(const SupplementWords& words);

// What the hardware was reserved for.
struct Reservation {
  double gpus = 0;
  double cores = 0;
  double time_h = 0;
};

// A run's or a job's share of what making its hardware emitted.
struct EmbodiedPart {
  double grams = 0;
  std::string source;  // "3.70 t for 8 GPUs over 4 years of use (assumed)"
};
// Refused where the hardware is told of a part that is not reserved.
absl::StatusOr<EmbodiedPart> ShareOf(const EmbodiedHardware& hardware,
                                     const Reservation& reserved);

// The supplement's figures for one run or job.
struct SupplementFigures {
  std::optional<double> net_g{};
  std::optional<EmbodiedPart> embodied{};
  std::optional<double> sci_g{};  // per functional unit
};

// Refused where a Software Carbon Intensity is asked for and no embodied share
// is known. `gross_g` is absent where it is not known, or of several signals.
absl::StatusOr<SupplementFigures> FiguresOf(
    const Supplement& supplement, double energy_kwh,
    std::optional<double> gross_g, std::optional<EmbodiedPart> embodied);

// `1.23 g CO2e per epochs`: the rate with its unit.
std::string DescribeRate(double sci_g, const FunctionalUnit& unit);

// `net_emissions_g`, `embodied_g`, `sci_g_per_unit`, ...: null what was not
// asked for.
void AddTo(Json& json, const Supplement& supplement,
           const SupplementFigures& figures, std::optional<double> gross_g);

}  // namespace carbond::client
