#include "scheduler/emissions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

namespace carbond {
namespace {

// Exact sums are kept in nanograms (10^-6 of the ledger's milligram), and
// rounded once at the end of each row of a running total: no error adds up.
constexpr Int128 kNanogramsPerMilligram = 1'000'000;

struct Exact {
  Int128 nanograms = 0;
  Duration unknown{0}, forecast{0};
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
  const Duration observed = sum.known;
  if (sum.known < use.interval.length()) {
    for (const Interval& gap : zone.observed.Gaps(use.interval)) {
      const Integral more = zone.expected.Over(gap);
      sum.mg_per_kwh_ms += more.mg_per_kwh_ms;
      sum.known += more.known;
    }
  }
  exact.unknown = use.interval.length() - sum.known;
  exact.forecast = sum.known - observed;
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

int ProcessOf(const Job& job, int run) {
  for (const Run& each : job.runs) {
    if (each.number == run) return each.process;
  }
  return run;
}

// Processes that failed or vanished, so that a later run had to do again what
// they had not saved; and until when they had.
std::map<int, Instant> SavedOfLost(const Job& job) {
  std::map<int, Instant> saved;
  for (const Run& run : job.runs) {
    const bool failed = run.end == RunEnd::kFailed ||
                        run.end == RunEnd::kLost ||
                        run.end == RunEnd::kPreempted;
    if (failed && run.number < static_cast<int>(job.runs.size())) {
      saved.emplace(run.process, job.submitted_at);
    }
  }
  for (const Run& run : job.runs) {
    const auto of = saved.find(run.process);
    if (of != saved.end() && run.saved_at) {
      of->second = std::max(of->second, *run.saved_at);
    }
  }
  return saved;
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

std::optional<Grams> WorstStartOf(std::span<const EnergyUse> work,
                                  Instant submitted, Instant until,
                                  Pue home_pue,
                                  const KnownIntensity& home_zone) {
  EnergyUse all;
  Duration length{0};
  for (const EnergyUse& use : work) {
    length += use.interval.length();
    all.energy += use.energy;
  }
  const Instant last = std::max(until - length, submitted);
  const Interval window{submitted, last + length};
  const Series known =
      home_zone.expected.Clip(window).Under(home_zone.observed.Clip(window));
  if (length == Duration(0) || !known.Covers(window)) return {};
  int64_t most = 0;
  const auto look = [&](Instant begin) {
    if (begin < submitted || begin > last) return;
    most = std::max(most, known.Over({begin, begin + length}).mg_per_kwh_ms);
  };
  look(submitted);
  look(last);
  for (const Slot& slot : known.slots()) {
    look(slot.interval.begin);
    look(slot.interval.end - length);
  }
  return Rounded(Nanograms(all.energy, home_pue, most, length));
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

namespace {

// Useful work, and where it was done.
struct Useful {
  std::vector<EnergyUse> uses;
  std::vector<const RegionGrid*> grids;
  std::vector<Pue> pues;  // there and then
  // The same as `uses`, but where it was done at home, with another PUE than
  // home has now: so much that the PUE of now makes the same of it.
  std::vector<EnergyUse> at_home;
};

EnergyUse Scaled(const EnergyUse& use, Pue from, Pue to) {
  if (from == to) return use;
  return {use.interval,
          WattHours::FromThousandths(RoundedDivide(
              Int128{use.energy.thousandths()} * from.thousandths(),
              to.thousandths()))};
}

// Begun at submission and unbroken, each part in the region where it ran.
std::optional<Grams> SameRegionOf(const Useful& useful, Instant submitted) {
  Int128 nanograms = 0;
  Instant at = submitted;
  for (size_t i = 0; i < useful.uses.size(); ++i) {
    const EnergyUse& use = useful.uses[i];
    const Interval laid{at, at + use.interval.length()};
    const Exact part = ExactEmissions({laid, use.energy}, useful.pues[i],
                                      *useful.grids[i]->known);
    if (part.unknown != Duration(0)) return {};
    nanograms += part.nanograms;
    at = laid.end;
  }
  return Rounded(nanograms);
}

// The part of a reading before `saved`; energy is drawn evenly.
EnergyUse Before(Instant saved, const EnergyUse& use) {
  if (saved >= use.interval.end) return use;
  const Instant cut = std::max(saved, use.interval.begin);
  if (cut == use.interval.begin) return {{cut, cut}, WattHours()};
  return {{use.interval.begin, cut},
          WattHours::FromThousandths(
              RoundedDivide(static_cast<Int128>(use.energy.thousandths()) *
                                (cut - use.interval.begin).count(),
                            use.interval.length().count()))};
}

// One row of a job's account after the other, and their sums.
class Bookkeeper {
 public:
  Bookkeeper(const Job& job, const std::map<std::string, RegionGrid>& grid_of)
      : job_(job), grid_of_(grid_of), saved_of_lost_(SavedOfLost(job)) {
    account_.total.job = job.id;
    settled_ = job.state == State::kDone;
  }

  void Enter(const Reading& reading) {
    const RegionGrid& grid = GridAt(reading.region);
    const EnergyMetered& metered = reading.metered;
    const Pue pue = metered.pue.value_or(grid.pue);
    const Exact exact =
        ExactEmissions({metered.interval, metered.energy}, pue, *grid.known);
    nanograms_ += exact.nanograms;
    EmissionsRow row;
    row.job = job_.id;
    row.run = reading.run;
    row.region = reading.region;
    row.zone = grid.zone;
    JobEmissions& total = account_.total;
    for (const std::string& name : ProvidersOf(grid, metered.interval)) {
      AddName(row.provider, name);
      AddName(total.provider, name);
    }
    row.signal = grid.signal;
    row.interval = metered.interval;
    row.purpose = metered.purpose;
    row.source = metered.source;
    row.energy = metered.energy;
    row.measured_facility = MeasuredPart(metered) * pue;
    row.pue = pue;
    row.grams = Rounded(nanograms_) - total.grams;
    row.quality = QualityOf(exact.settled);
    row.unknown = exact.unknown;
    if (metered.purpose == Purpose::kWork) TellUsefulFromLost(grid, row);

    total.grams += row.grams;
    total.facility_energy += metered.energy * pue;
    total.measured_facility += row.measured_facility;
    total.unknown += exact.unknown;
    total.forecast += exact.forecast;
    total.any_measured |= metered.source != EnergySource::kModelled;
    total.any_modelled |= metered.source != EnergySource::kMeasured;
    settled_ = settled_ && exact.settled;
    AddName(total.signal, grid.signal);
    account_.rows.push_back(std::move(row));
  }

  Account Close(Instant now) {
    JobEmissions& total = account_.total;
    const RegionGrid& home = GridAt(job_.spec->home_region);
    // Figures of two signals are not compared: no baseline across them.
    if (account_.rows.empty() || total.signal == home.signal) Compare(home);
    total.quality = QualityOf(settled_);
    if (job_.state == State::kDone) total.stated_at = now;
    return std::move(account_);
  }

 private:
  const RegionGrid& GridAt(const std::string& region) const {
    const auto found = grid_of_.find(region);
    CARBOND_INVARIANT(found != grid_of_.end(), "region {} is unknown", region);
    return found->second;
  }

  void TellUsefulFromLost(const RegionGrid& grid, EmissionsRow& row) {
    EnergyUse use{row.interval, row.energy};
    const auto lost = saved_of_lost_.find(ProcessOf(job_, row.run));
    if (lost != saved_of_lost_.end()) {
      use = Before(lost->second, use);
      const WattHours saved = use.energy * row.pue;
      row.lost_facility = row.energy * row.pue - saved;
      row.lost_grams = row.grams - Grams::FromThousandths(ShareOf(
                                       row.grams.thousandths(), use, row));
    }
    if (use.interval.empty()) return;
    useful_.uses.push_back(use);
    useful_.grids.push_back(&grid);
    useful_.pues.push_back(row.pue);
    useful_.at_home.push_back(row.region == job_.spec->home_region
                                  ? Scaled(use, row.pue, grid.pue)
                                  : use);
  }

  static int64_t ShareOf(int64_t whole, const EnergyUse& part,
                         const EmissionsRow& of) {
    if (part.interval == of.interval) return whole;
    return RoundedDivide(
        static_cast<Int128>(whole) * part.interval.length().count(),
        of.interval.length().count());
  }

  void Compare(const RegionGrid& home) {
    JobEmissions& total = account_.total;
    const Emitted baseline =
        BaselineOf(useful_.at_home, job_.submitted_at, home.pue, *home.known);
    if (baseline.unknown == Duration(0)) total.baseline = baseline.grams;
    settled_ = settled_ && baseline.quality == Quality::kSettled;
    total.same_region = SameRegionOf(useful_, job_.submitted_at);
    if (!job_.finished_at) return;
    const Instant until =
        std::max(*job_.finished_at, job_.spec->deadline.value_or(Instant()));
    total.worst_start = WorstStartOf(useful_.at_home, job_.submitted_at, until,
                                     home.pue, *home.known);
  }

  const Job& job_;
  const std::map<std::string, RegionGrid>& grid_of_;
  const std::map<int, Instant> saved_of_lost_;
  Account account_;
  Useful useful_;
  Int128 nanograms_ = 0;
  bool settled_ = true;
};

}  // namespace

Account AccountOf(const Job& job, std::span<const Reading> readings,
                  const std::map<std::string, RegionGrid>& grid_of,
                  Instant now) {
  Bookkeeper books(job, grid_of);
  for (const Reading& reading : readings) books.Enter(reading);
  return books.Close(now);
}

std::string WhyRestated(const JobEmissions& before, const JobEmissions& after) {
  const bool same = before.facility_energy == after.facility_energy &&
                    before.grams == after.grams &&
                    before.baseline == after.baseline &&
                    before.signal == after.signal;
  if (same) return "";
  std::vector<std::string> why;
  if (before.facility_energy != after.facility_energy) {
    why.push_back("its energy or the region's PUE changed");
  }
  if (before.signal != after.signal) {
    why.push_back(
        fmt::format("signal {} instead of {}", after.signal, before.signal));
  }
  if (after.unknown < before.unknown) {
    why.push_back(fmt::format("{} of intensity became known",
                              FormatDuration(before.unknown - after.unknown)));
  }
  if (after.forecast < before.forecast) {
    why.push_back(
        fmt::format("{} of forecast gave way to observed values",
                    FormatDuration(before.forecast - after.forecast)));
  }
  if (before.baseline.has_value() != after.baseline.has_value()) {
    why.push_back("the baseline's hours became known");
  }
  if (why.empty()) {
    why.push_back(fmt::format("{} revised its values", after.provider));
  }
  return fmt::format("{}", fmt::join(why, "; "));
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
