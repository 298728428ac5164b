#pragma once
// What a training run costs the climate, from a few numbers: the formulas of
// the published calculators, so that `estimate` and `report` say what a reader
// of those papers expects. Pure; numbers in, numbers out.
//
// A run that has happened is accounted by carbond itself, interval by interval;
// here is what needs no ledger.

namespace carbond::client {

inline constexpr double kHoursPerYear = 365 * 24;
inline constexpr double kGramsPerPound = 453.59237;  // international pound

// Power is drawn evenly; it is that of the whole system (memory, network, host
// processors and fans included), not the chip's thermal design power.
struct TrainingRun {
  double accelerators = 0;
  double power_w = 0;       // of each accelerator
  double host_power_w = 0;  // of everything beside them, if not in `power_w`
  double time_h = 0;
  double pue = 1;
};

// kWh = hours x processors x average watts per processor x PUE / 1000
// (Patterson et al. 2021, "Carbon Emissions and Large Neural Network Training",
// section 2.5, arXiv:2104.10350).
double EnergyKwh(const TrainingRun& run);

// g = kWh x g/kWh. Gross with the grid's intensity (location-based), net with
// what is left after clean energy was matched to it (market-based): two figures
// for the same thing, never to be added.
double EmissionsG(double energy_kwh, double intensity_g_per_kwh);

// Strubell et al. 2019, "Energy and Policy Considerations for Deep Learning in
// NLP" (arXiv:1906.02243): p = 1.58 hours (P_cpu + P_dram + gpus P_gpu) / 1000,
// CO2e = 0.954 lb/kWh x p.
inline constexpr double kStrubellPue = 1.58;
inline constexpr double kStrubellGramsPerKwh = 0.954 * kGramsPerPound;

// The ML CO2 Impact calculator (Lacoste et al. 2019, arXiv:1910.09700), as its
// page computes: thermal design power for all the time, no PUE, and each step
// rounded to two decimals. A region's intensity is first cut to whole grams and
// then rounded to 0.01 kg; one typed by hand is taken as it is.
struct MlCo2Impact {
  double energy_kwh = 0;
  double intensity_kg_per_kwh = 0;
  double emissions_kg = 0;
};
MlCo2Impact MlCo2OfRegion(double tdp_w, double time_h, double region_g_per_kwh);
MlCo2Impact MlCo2OfTyped(double tdp_w, double time_h, double kg_per_kwh);

// M = TE x (TiR / EL) x (RR / ToR) (Software Carbon Intensity 1.1, ISO/IEC
// 21031): what making the hardware emitted, shared by time and by part.
struct EmbodiedShare {
  double total_g = 0;       // TE, of the machine
  double reserved_h = 0;    // TiR
  double lifetime_h = 0;    // EL, > 0
  double reserved = 1;      // RR, of ...
  double of_resources = 1;  // ... ToR, > 0
};
double EmbodiedG(const EmbodiedShare& share);

// SCI = (O + M) per R, in grams per functional unit. Operational grams are
// gross: instruments of the market are not in it. `units` > 0.
double SoftwareCarbonIntensity(double operational_g, double embodied_g,
                               double units);

// Something to hold a figure against. A comparison, no measurement.
struct Equivalent {
  const char* what;  // "passenger round trips San Francisco - New York"
  double grams;      // of one
  const char* source;
};
inline constexpr Equivalent kEquivalents[] = {
    {"passenger round trips by air, San Francisco to New York", 1.2e6,
     "Patterson et al. 2021, table 2"},
    // 8.887 kg a gallon of 3.785411784 litres.
    {"litres of petrol burnt (exhaust alone)", 8887 / 3.785411784,
     "US EPA, Emission Factors for Greenhouse Gas Inventories"},
};

}  // namespace carbond::client
