#include "scheduler/emissions.h"

#include <algorithm>
#include <set>

namespace carbond {
namespace {

// Exact sums are kept in nanograms (10^-6 of the ledger's milligram), and
// rounded once at the end of each row of a running total: no error adds up.
constexpr Int128 kNanogramsPerMilligram = 1'000'000;

struct Exact {
  Int128 nanograms = 0;
  Duration unknown{0};
  bool settled = true;
};

// mWh x thousandths of PUE x (mg/kWh x ms) / (ms x 1000 x 10^6) are milligrams.
Int128 Nanograms(WattHours energy, Pue pue, int64_t mg_per_kwh_ms,
                 Duration over) {
  const Int128 product = static_cast<Int128>(energy.thousandths()) *
                         pue.thousandths() * mg_per_kwh_ms;
  return product / (static_cast<Int128>(over.count()) * 1000);
}

Exact ExactEmissions(const EnergyUse& use, Pue pue,
                     const KnownIntensity& zone) {
  Exact exact;
  if (use.interval.empty()) return exact;
  Integral sum = zone.observed.Over(use.interval);
  exact.settled = sum.known == use.interval.length() &&
                  use.interval.end <= zone.final_until;
  if (sum.known < use.interval.length()) {
    for (const Interval& gap : zone.observed.Gaps(use.interval)) {
      const Integral more = zone.expected.Over(gap);
      sum.mg_per_kwh_ms += more.mg_per_kwh_ms;
      sum.known += more.known;
    }
  }
  exact.unknown = use.interval.length() - sum.known;
  exact.nanograms =
      Nanograms(use.energy, pue, sum.mg_per_kwh_ms, use.interval.length());
  return exact;
}

Grams Rounded(Int128 nanograms) {
  return Grams::FromThousandths(
      RoundedDivide(nanograms, kNanogramsPerMilligram));
}

Quality QualityOf(bool settled) {
  return settled ? Quality::kSettled : Quality::kProvisional;
}

// Processes whose work was lost: they failed or vanished, and a later run had
// to do it again.
std::set<int> LostProcesses(const Job& job) {
  std::set<int> lost;
  for (const Run& run : job.runs) {
    const bool failed = run.end == RunEnd::kFailed ||
                        run.end == RunEnd::kLost ||
                        run.end == RunEnd::kPreempted;
    if (failed && run.number < static_cast<int>(job.runs.size())) {
      lost.insert(run.process);
    }
  }
  return lost;
}

int ProcessOf(const Job& job, int run) {
  for (const Run& each : job.runs) {
    if (each.number == run) return each.process;
  }
  return run;
}

void AddName(std::string& names, const std::string& name) {
  if (name.empty() || names == name) return;
  const std::string list = ", " + names + ", ";
  if (list.find(", " + name + ", ") != std::string::npos) return;
  names += names.empty() ? name : ", " + name;
}

std::vector<std::string> ProvidersOf(const RegionGrid& grid,
                                     Interval interval) {
  std::vector<std::string> names = grid.known->ProvidersOf(interval);
  if (names.empty()) names.push_back(grid.provider);
  return names;
}

}  // namespace

std::vector<std::string> KnownIntensity::ProvidersOf(Interval interval) const {
  std::vector<std::string> names = observed_from.Within(interval);
  for (const Interval& gap : observed.Gaps(interval)) {
    for (std::string& name : expected_from.Within(gap)) {
      names.push_back(std::move(name));
    }
  }
  return names;
}

Emitted EmissionsOf(const EnergyUse& use, Pue pue, const KnownIntensity& zone) {
  const Exact exact = ExactEmissions(use, pue, zone);
  return {Rounded(exact.nanograms), QualityOf(exact.settled), exact.unknown};
}

Emitted BaselineOf(std::span<const EnergyUse> work, Instant submitted_at,
                   Pue home_pue, const KnownIntensity& home_zone) {
  Exact sum;
  Instant at = submitted_at;
  for (const EnergyUse& use : work) {
    const Interval laid{at, at + use.interval.length()};
    const Exact part = ExactEmissions({laid, use.energy}, home_pue, home_zone);
    sum.nanograms += part.nanograms;
    sum.unknown += part.unknown;
    sum.settled = sum.settled && part.settled;
    at = laid.end;
  }
  return {Rounded(sum.nanograms), QualityOf(sum.settled), sum.unknown};
}

std::optional<Grams> GramsOf(Watts power, Pue pue, Interval interval,
                             const Series& intensity) {
  const Integral sum = intensity.Over(interval);
  if (sum.known != interval.length()) return {};
  // mW x ms x (mg/kWh) are 10^-6 x 3.6 x 10^6 x 10^6 of a milligram.
  const Int128 product = static_cast<Int128>(power.thousandths()) *
                         pue.thousandths() * sum.mg_per_kwh_ms;
  return Grams::FromThousandths(
      RoundedDivide(product, static_cast<Int128>(3'600'000'000'000'000)));
}

Account AccountOf(const Job& job, std::span<const Reading> readings,
                  const std::map<std::string, RegionGrid>& grid_of) {
  Account account;
  JobEmissions& total = account.total;
  total.job = job.id;
  const std::set<int> lost = LostProcesses(job);
  std::vector<EnergyUse> useful;
  Int128 nanograms = 0;
  bool settled = job.state == State::kDone;
  for (const Reading& reading : readings) {
    const auto found = grid_of.find(reading.region);
    CARBOND_INVARIANT(found != grid_of.end(), "region {} is unknown",
                      reading.region);
    const RegionGrid& grid = found->second;
    const EnergyMetered& metered = reading.metered;
    const EnergyUse use{metered.interval, metered.energy};
    const Exact exact = ExactEmissions(use, grid.pue, *grid.known);
    nanograms += exact.nanograms;

    EmissionsRow row;
    row.job = job.id;
    row.run = reading.run;
    row.region = reading.region;
    row.zone = grid.zone;
    for (const std::string& name : ProvidersOf(grid, metered.interval)) {
      AddName(row.provider, name);
      AddName(total.provider, name);
    }
    row.signal = grid.signal;
    row.interval = metered.interval;
    row.purpose = metered.purpose;
    row.source = metered.source;
    row.energy = metered.energy;
    row.pue = grid.pue;
    row.grams = Rounded(nanograms) - total.grams;
    row.quality = QualityOf(exact.settled);
    row.unknown = exact.unknown;

    total.grams += row.grams;
    total.facility_energy += metered.energy * grid.pue;
    total.unknown += exact.unknown;
    total.any_measured |= metered.source != EnergySource::kModelled;
    total.any_modelled |= metered.source != EnergySource::kMeasured;
    settled = settled && exact.settled;
    AddName(total.signal, grid.signal);
    if (metered.purpose == Purpose::kWork &&
        !lost.contains(ProcessOf(job, reading.run))) {
      useful.push_back(use);
    }
    account.rows.push_back(std::move(row));
  }
  const auto home = grid_of.find(job.spec->home_region);
  CARBOND_INVARIANT(home != grid_of.end(), "home region {} is unknown",
                    job.spec->home_region);
  // Figures of two signals are not compared: no baseline across them.
  if (readings.empty() || total.signal == home->second.signal) {
    const Emitted baseline = BaselineOf(useful, job.submitted_at,
                                        home->second.pue, *home->second.known);
    if (baseline.unknown == Duration(0)) total.baseline = baseline.grams;
    settled = settled && baseline.quality == Quality::kSettled;
  }
  total.quality = QualityOf(settled);
  return account;
}

const char* Name(Quality quality) {
  return quality == Quality::kSettled ? "settled" : "provisional";
}

Result<Quality> ParseQuality(const std::string& name) {
  if (name == "settled") return Quality::kSettled;
  if (name == "provisional") return Quality::kProvisional;
  return Refused("quality `{}` is unknown: written by a newer carbond?", name);
}

}  // namespace carbond
