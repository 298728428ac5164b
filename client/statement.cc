#include "client/statement.h"

#include <fmt/format.h>

#include <set>

#include "client/local_time.h"
#include "client/names.h"
#include "client/words.h"

namespace carbond::client {
namespace {

absl::Duration LengthOf(const v1::Run& run) {
  if (!run.has_started_at() || !run.has_ended_at()) return {};
  return FromProto(run.ended_at()) - FromProto(run.started_at());
}

// From a run that ended suspended, the hardware stays taken until the next one
// begins, or the job is over.
absl::Duration PauseInMemory(const v1::Job& job, int index) {
  const v1::Run& run = job.runs(index);
  if (run.end() != "suspended" || !run.has_ended_at()) return {};
  const bool last = index + 1 == job.runs_size();
  const absl::Time until = last ? FromProto(job.finished_at())
                                : FromProto(job.runs(index + 1).started_at());
  return std::max(until - FromProto(run.ended_at()), absl::ZeroDuration());
}

// The ledger's key of a zone may name its provider too: "DE@em".
std::string BareZone(const std::string& zone) {
  return zone.substr(0, zone.find('@'));
}

RegionShare RegionShareOf(const v1::EmissionsGroup& group) {
  const v1::Emissions& e = group.emissions();
  RegionShare share;
  share.region = group.key();
  share.zone = BareZone(group.zone());
  share.signal = e.signal();
  share.provider = e.provider();
  share.it_energy_kwh = group.it_energy_kwh();
  share.energy_kwh = e.energy_kwh();
  share.accounted_energy_kwh = group.accounted_energy_kwh();
  share.emissions_g = e.emissions_g();
  share.measured_fraction = group.measured_fraction();
  share.any_measured = e.energy_source() == v1::ENERGY_SOURCE_MEASURED ||
                       e.energy_source() == v1::ENERGY_SOURCE_MIXED;
  share.settled_fraction = group.settled_fraction();
  share.settled = e.quality() == v1::QUALITY_SETTLED;
  share.unknown = absl::Seconds(e.unknown().seconds()) +
                  absl::Nanoseconds(e.unknown().nanos());
  return share;
}

void AddName(std::string& names, const std::string& name) {
  if (name.empty()) return;
  if ((", " + names + ", ").find(", " + name + ", ") != std::string::npos) {
    return;
  }
  names += (names.empty() ? "" : ", ") + name;
}

RegionShare TotalOf(const std::vector<RegionShare>& parts) {
  RegionShare total;
  total.settled = true;
  double measured_kwh = 0, settled_g = 0;
  for (const RegionShare& part : parts) {
    AddName(total.region, part.region);
    AddName(total.zone, part.zone);
    AddName(total.signal, part.signal);
    AddName(total.provider, part.provider);
    total.it_energy_kwh += part.it_energy_kwh;
    total.energy_kwh += part.energy_kwh;
    total.accounted_energy_kwh += part.accounted_energy_kwh;
    total.emissions_g += part.emissions_g;
    total.settled = total.settled && part.settled;
    total.unknown += part.unknown;
    total.any_measured = total.any_measured || part.any_measured;
    measured_kwh += part.measured_fraction * part.energy_kwh;
    settled_g += part.settled_fraction * part.emissions_g;
  }
  if (total.energy_kwh > 0) {
    total.measured_fraction = measured_kwh / total.energy_kwh;
  }
  if (total.emissions_g > 0) {
    total.settled_fraction = settled_g / total.emissions_g;
  }
  return total;
}

std::vector<ProjectShare> ProjectOf(
    const std::string& project, const v1::ReportEmissionsResponse& projects) {
  std::vector<ProjectShare> shares;
  for (const v1::EmissionsGroup& group : projects.groups()) {
    if (project.empty() || group.key() != project) continue;
    const v1::Emissions& e = group.emissions();
    shares.push_back({group.jobs(), e.energy_kwh(), e.emissions_g(), e.signal(),
                      e.quality() == v1::QUALITY_SETTLED});
  }
  return shares;
}

absl::Duration ReservedBy(const v1::Job& job, int run) {
  return LengthOf(job.runs(run)) + PauseInMemory(job, run);
}

Reservation ReservationIn(const v1::Job& job, const std::string& region) {
  absl::Duration time;
  for (int i = 0; i < job.runs_size(); ++i) {
    if (job.runs(i).region() == region) time += ReservedBy(job, i);
  }
  return {.gpus = static_cast<double>(job.spec().gpus()),
          .cores = static_cast<double>(job.spec().cpus()),
          .time_h = absl::ToDoubleHours(time)};
}

// Shared by GPU where the job has some and the region says how many there are.
std::optional<EmbodiedHardware> HardwareOf(const v1::EmbodiedHardware& told,
                                           const v1::JobSpec& spec) {
  using Part = EmbodiedHardware::Part;
  const bool by_gpu = spec.gpus() > 0 && told.gpus() > 0;
  if (!by_gpu && (spec.cpus() <= 0 || told.cpus() <= 0)) return std::nullopt;
  return EmbodiedHardware{.total_g = told.total_g(),
                          .part = by_gpu ? Part::kGpu : Part::kCore,
                          .parts = by_gpu ? told.gpus() : told.cpus(),
                          .lifetime_h = told.lifetime_h()};
}

// By the configuration of each region. Nothing where one of them says nothing:
// a part of the hardware is not the job's share.
absl::StatusOr<std::optional<EmbodiedPart>> ConfiguredEmbodied(
    const v1::Job& job, const v1::ReportEmissionsResponse& used) {
  EmbodiedPart total;
  std::set<std::string> seen;
  for (const v1::EmissionsGroup& group : used.groups()) {
    if (!seen.insert(group.key()).second) continue;  // of another signal
    const auto hardware = HardwareOf(group.embodied(), job.spec());
    if (!hardware) return std::optional<EmbodiedPart>();
    const auto part = ShareOf(*hardware, ReservationIn(job, group.key()));
    if (!part.ok()) return part.status();
    total.grams += part->grams;
    total.source +=
        fmt::format("{}{}, configured for {}", total.source.empty() ? "" : "; ",
                    part->source, group.key());
  }
  return total;
}

// What --embodied says goes before what is configured.
absl::StatusOr<std::optional<EmbodiedPart>> EmbodiedIn(
    const Statement& made, const v1::ReportEmissionsResponse& used) {
  if (!made.supplement.embodied) return ConfiguredEmbodied(made.job, used);
  const v1::JobSpec& spec = made.job.spec();
  auto part = ShareOf(*made.supplement.embodied,
                      {.gpus = static_cast<double>(spec.gpus()),
                       .cores = static_cast<double>(spec.cpus()),
                       .time_h = absl::ToDoubleHours(made.reserved)});
  if (!part.ok()) return part.status();
  part->source += ", declared";
  return std::optional<EmbodiedPart>(*std::move(part));
}

absl::Status CheckDone(const v1::Job& job) {
  if (job.state() == v1::JOB_STATE_DONE) return absl::OkStatus();
  return absl::FailedPreconditionError(fmt::format(
      "{} is {}: a statement is made of a job that is done; carbonctl "
      "emissions {} shows its figures so far",
      JobTitle(job), Name(job.state()), job.id()));
}

}  // namespace

double RegionShare::pue() const {
  return it_energy_kwh > 0 ? energy_kwh / it_energy_kwh : 1;
}

std::optional<double> RegionShare::intensity_g_per_kwh() const {
  if (accounted_energy_kwh <= 0) return std::nullopt;
  return emissions_g / accounted_energy_kwh;
}

std::optional<double> Statement::emissions_g() const {
  // Where nothing is accounted, zero grams are no figure.
  if (!one_signal || total.accounted_energy_kwh <= 0) return std::nullopt;
  return total.emissions_g;
}

std::optional<double> Statement::intensity_g_per_kwh() const {
  return one_signal ? total.intensity_g_per_kwh() : std::nullopt;
}

absl::StatusOr<Statement> MakeStatement(
    const v1::Job& job, const v1::ReportEmissionsResponse& used,
    const v1::ReportEmissionsResponse& projects, const std::string& hardware,
    const Supplement& supplement) {
  const absl::Status done = CheckDone(job);
  if (!done.ok()) return done;
  if (used.version().empty()) {
    return absl::FailedPreconditionError(
        "this carbond is older than its carbonctl, and does not tell what a "
        "statement needs: update it");
  }
  Statement made;
  made.job = job;
  made.hardware = hardware;
  made.version = used.version();
  made.clock_speed = used.clock_speed();
  made.supplement = supplement;
  std::set<std::string> signals;
  for (const v1::EmissionsGroup& group : used.groups()) {
    if (group.it_energy_kwh() <= 0) continue;
    made.parts.push_back(RegionShareOf(group));
    signals.insert(made.parts.back().signal);
  }
  if (made.parts.empty()) {
    return absl::FailedPreconditionError(fmt::format(
        "{} drew no power that is known of: there is nothing to state",
        JobTitle(job)));
  }
  made.total = TotalOf(made.parts);
  made.one_signal = signals.size() == 1;
  made.project = ProjectOf(job.spec().project(), projects);
  for (int i = 0; i < job.runs_size(); ++i) {
    made.running += LengthOf(job.runs(i));
    made.reserved += ReservedBy(job, i);
  }
  const auto embodied = EmbodiedIn(made, used);
  if (!embodied.ok()) return embodied.status();
  const auto figures = FiguresOf(supplement, made.total.energy_kwh,
                                 made.emissions_g(), *embodied);
  if (!figures.ok()) return figures.status();
  made.figures = *figures;
  return made;
}

}  // namespace carbond::client
