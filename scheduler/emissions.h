#pragma once
// From energy to grams, and from a job's work to its baseline. The same
// arithmetic serves the plan, the ledger and the baseline, so that they can be
// compared.
//
// Method: g = sum over slots of energy x PUE x intensity, partial slots pro
// rata (Patterson et al. 2021, section 2.5, "kWh = hours x processors x average
// power x PUE"; with a varying signal, integrated).

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "scheduler/lifecycle.h"
#include "scheduler/provenance.h"
#include "scheduler/series.h"

namespace carbond {

// kProvisional: rests on a forecast or on values that may still be revised.
enum class Quality { kProvisional, kSettled };

// What was emitted and what is known about how.
struct Emitted {
  Grams grams;
  Quality quality = Quality::kProvisional;
  Duration unknown{0};  // time for which no intensity is known: not counted
};

// Intensities of one zone, as far as they are known: what was observed, and
// what was forecast for instants not observed yet.
struct KnownIntensity {
  Series observed;
  Instant final_until;  // observed values before this are not revised any more
  Series expected;      // forecast and its tail; used where nothing is observed
  // Whose values they are; empty where nobody says.
  Provenance observed_from = {}, expected_from = {};

  // Whose values stand for an interval: of what was observed, and for the rest
  // of what was expected.
  std::vector<std::string> ProvidersOf(Interval interval) const;
};

// Energy drawn evenly over an interval.
struct EnergyUse {
  Interval interval;
  WattHours energy;  // before PUE
};

Emitted EmissionsOf(const EnergyUse& use, Pue pue, const KnownIntensity& zone);

// The baseline: the useful work alone, in its order and with its power, laid
// without a break from the submission on, in the home region. `work` holds the
// readings of purpose kWork that were not lost.
Emitted BaselineOf(std::span<const EnergyUse> work, Instant submitted_at,
                   Pue home_pue, const KnownIntensity& home_zone);

// The dearest of the starts from which that work, drawn evenly, would have
// ended by `until`: of those at which it begins or ends with a slot,
// `submitted` and the last one. Nothing where an intensity between the two is
// not known.
std::optional<Grams> WorstStartOf(std::span<const EnergyUse> work,
                                  Instant submitted, Instant until,
                                  Pue home_pue,
                                  const KnownIntensity& home_zone);

// Grams of a power drawn over an interval, for a plan. Nothing when the
// intensity is not known throughout.
std::optional<Grams> GramsOf(Watts power, Pue pue, Interval interval,
                             const Series& intensity);

// ---- Reports --------------------------------------------------------------

// One reading with its grams; the rows of the ledger's `emissions` table.
struct EmissionsRow {
  JobId job{};
  int run = 0;
  std::string region;
  std::string zone;
  std::string provider;
  std::string signal;
  Interval interval;
  Purpose purpose = Purpose::kWork;
  EnergySource source = EnergySource::kModelled;
  WattHours energy;  // before PUE
  Pue pue;
  Grams grams;
  Quality quality = Quality::kProvisional;
  Duration unknown{0};
  // The part that a crash undid: a later run had to do it again.
  WattHours lost_facility = {};
  Grams lost_grams = {};
  WattHours measured_facility = {};  // by counters; PUE included
};

// A job's totals; the ledger's `job_emissions` table. A finished job's are a
// statement: they are stated again while the values behind them change, and
// what was stated before is kept (superseded_emissions).
struct JobEmissions {
  JobId job{};
  WattHours facility_energy;  // energy x PUE, summed over readings
  Grams grams;
  std::optional<Grams> baseline;  // nothing: home intensity not known
  Quality quality = Quality::kProvisional;
  bool any_measured = false;
  bool any_modelled = false;
  std::string provider;  // comma-separated when there were several
  std::string signal;
  Duration unknown{0};
  Duration forecast{0};  // of the time metered: rests on a forecast
  // Other baselines of the same useful work, for those who compare with them;
  // nothing where an intensity is not known. Begun at submission and unbroken,
  // but each part in the region where it ran: what the hours alone saved.
  std::optional<Grams> same_region = {};
  // Of a finished job, at home: WorstStartOf, until its deadline or its end.
  std::optional<Grams> worst_start = {};
  std::optional<Instant> stated_at = {};  // of a finished job
  int version = 1;                        // of the statement
  WattHours measured_facility = {};       // of facility_energy: by counters

  friend bool operator==(const JobEmissions&, const JobEmissions&) = default;
};

// A statement that was replaced by a later one.
struct Superseded {
  int version = 1;
  Instant stated_at;
  Instant superseded_at;
  std::string why;  // words
  WattHours facility_energy;
  Grams grams;
  std::optional<Grams> baseline;
};

// What one purpose took. The parts of a job add up to its totals exactly.
struct EmissionsPart {
  std::string what;  // work restore checkpoint idle transfer lost
  WattHours facility_energy;
  Grams grams;
};

// Why a finished job's figures are stated again, in words; empty where energy,
// grams and baseline are what they were.
std::string WhyRestated(const JobEmissions& before, const JobEmissions& after);

// Everything a job emitted, from its readings. `zone_of` and `pue_of` are asked
// by region name.
struct RegionGrid {
  std::string zone;
  std::string provider;
  std::string signal;
  Pue pue;
  const KnownIntensity* known = nullptr;  // never null
};

struct Reading {
  int run = 0;
  std::string region;
  EnergyMetered metered;
};

struct Account {
  std::vector<EmissionsRow> rows;  // one per reading, in their order
  JobEmissions total;
  // The same by another signal, where one is kept: beside the first, and never
  // added to it.
  std::optional<JobEmissions> second = {};
};

// `grid_of` must know every region named by a reading, and the home region.
Account AccountOf(const Job& job, std::span<const Reading> readings,
                  const std::map<std::string, RegionGrid>& grid_of,
                  Instant now);

const char* Name(Quality quality);
Result<Quality> ParseQuality(const std::string& name);

}  // namespace carbond
