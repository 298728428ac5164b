#include "client/estimate.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "client/accelerators.h"
#include "client/footprint.h"
#include "client/quantity.h"

namespace carbond::client {
namespace {

constexpr char kDeclared[] = "declared";

// Reads one value after another, and gathers what is wrong with them.
class Reader {
 public:
  explicit Reader(const EstimateWords& words) : words_(words) {}

  void Wrong(std::string mistake) { mistakes_.push_back(std::move(mistake)); }
  void WrongFlag(const std::string& flag, const absl::Status& status) {
    Wrong(fmt::format("--{}: {}", flag, std::string(status.message())));
  }

  // Where the flag is said and understood, and lies within.
  std::optional<double> Read(
      const std::string& flag, const std::string& text, double least,
      double most,
      absl::StatusOr<double> (*parse)(const std::string&) = ParseNumber) {
    if (text.empty()) return std::nullopt;
    const auto value = parse(text);
    if (!value.ok()) {
      WrongFlag(flag, value.status());
      return std::nullopt;
    }
    if (*value >= least && *value <= most) return *value;
    Wrong(fmt::format("--{}: `{}` is not from {:g} to {:g}", flag, text, least,
                      most));
    return std::nullopt;
  }

  const EstimateWords& words() const { return words_; }
  absl::Status status() const {
    return mistakes_.empty() ? absl::OkStatus()
                             : absl::InvalidArgumentError(fmt::format(
                                   "{}", fmt::join(mistakes_, "\n")));
  }

 private:
  const EstimateWords& words_;
  std::vector<std::string> mistakes_;
};

constexpr double kMostAccelerators = 1e7;
constexpr double kMostWatts = 1e9;
constexpr double kMostHours = 876'000;  // a hundred years
constexpr double kMostPue = 10;
constexpr double kMostGramsPerKwh = 5000;  // no fuel burns dirtier

EstimateMethod ReadMethod(Reader& reader) {
  const std::string& name = reader.words().method;
  if (name == "strubell") return EstimateMethod::kStrubell;
  if (name == "mlco2") return EstimateMethod::kMlCo2;
  if (!name.empty() && name != "patterson") {
    reader.Wrong(fmt::format(
        "--method: `{}` is not one of patterson, strubell, mlco2", name));
  }
  return EstimateMethod::kPatterson;
}

// A flag that the method has no place for.
void Forbid(Reader& reader, const std::string& flag, const std::string& text,
            const char* why) {
  if (text.empty()) return;
  reader.Wrong(fmt::format("--{}: {}: leave it out", flag, why));
}

void ForbidWhatTheMethodLacks(Reader& reader, EstimateMethod method) {
  const EstimateWords& words = reader.words();
  if (method == EstimateMethod::kMlCo2) {
    const char* why = "ML CO2 Impact counts the chip's power alone, without it";
    Forbid(reader, "pue", words.pue, why);
    Forbid(reader, "host-power", words.host_power, why);
  }
  if (method == EstimateMethod::kStrubell) {
    const char* why = "Strubell et al. fix PUE 1.58 and 0.954 lb/kWh";
    Forbid(reader, "pue", words.pue, why);
    Forbid(reader, "intensity", words.intensity, why);
    Forbid(reader, "region", words.region, why);
  }
}

Sourced PowerOf(const Accelerator& hardware, EstimateMethod method) {
  const bool chip_alone = method == EstimateMethod::kMlCo2;
  if (hardware.system_w && (!chip_alone || !hardware.tdp_w)) {
    return {*hardware.system_w,
            fmt::format("{}: mean of whole systems as measured, Patterson et "
                        "al. 2021, table 3",
                        hardware.name)};
  }
  return {
      *hardware.tdp_w,
      fmt::format("{}: thermal design power of the chip, ML CO2 Impact{}{}",
                  hardware.name, chip_alone ? "" : "; its host's is not in it",
                  hardware.note.empty() ? "" : "; " + hardware.note)};
}

Sourced ReadPower(Reader& reader, EstimateMethod method) {
  const EstimateWords& words = reader.words();
  if (words.power.empty() == words.hardware.empty()) {
    reader.Wrong(words.power.empty()
                     ? "--power or --hardware is missing: what does each "
                       "accelerator draw? such as 310W or \"A100 PCIe\""
                     : "--hardware: --power is given too: one of them says "
                       "what each accelerator draws");
    return {};
  }
  if (const auto watts =
          reader.Read("power", words.power, 0, kMostWatts, ParsePower)) {
    return {*watts, kDeclared};
  }
  if (words.hardware.empty()) return {};
  const auto hardware = FindAccelerator(words.hardware);
  if (hardware.ok()) return PowerOf(*hardware, method);
  reader.WrongFlag("hardware", hardware.status());
  return {};
}

double ReadHours(Reader& reader) {
  const std::string& text = reader.words().hours;
  if (text.empty()) {
    reader.Wrong("--hours is missing: how long does the run take? such as 84");
  }
  const double hours =
      reader.Read("hours", text, 0, kMostHours, ParseHours).value_or(1);
  if (hours <= 0) reader.Wrong("--hours: the run takes no time");
  return hours;
}

std::optional<Place> ReadRegion(Reader& reader, const std::vector<Place>& own) {
  const std::string& name = reader.words().region;
  if (name.empty()) return std::nullopt;
  const auto found = FindPlace(name, own);
  if (found.ok()) return *found;
  reader.WrongFlag("region", found.status());
  return std::nullopt;
}

// What is said by a flag goes before what the region's table says.
void ReadGrid(Reader& reader, const std::vector<Place>& own,
              EstimatedRun& estimate) {
  const EstimateWords& words = reader.words();
  if (const auto pue = reader.Read("pue", words.pue, 1, kMostPue)) {
    estimate.pue = Sourced{*pue, kDeclared};
  }
  const auto intensity = reader.Read("intensity", words.intensity, 0,
                                     kMostGramsPerKwh, ParseIntensity);
  if (intensity) estimate.intensity_g_per_kwh = {*intensity, kDeclared};
  const std::optional<Place> place = ReadRegion(reader, own);
  if (place) estimate.region = place->name;
  if (place && words.intensity.empty()) {
    estimate.intensity_g_per_kwh = {place->g_per_kwh, place->intensity_source};
  }
  if (words.region.empty() && words.intensity.empty()) {
    reader.Wrong(
        "--intensity or --region is missing: how dirty is the electricity? "
        "such as 429 (g/kWh) or aws/us-east-1");
  }
  if (estimate.method == EstimateMethod::kMlCo2) return;  // it knows no PUE
  if (place && place->pue && words.pue.empty()) {
    estimate.pue = Sourced{*place->pue, place->pue_source};
  }
  const bool region_unknown = !words.region.empty() && !place;  // told above
  if (words.pue.empty() && !estimate.pue && !region_unknown) {
    reader.Wrong(
        "--pue is missing: facility power over IT power, which the data "
        "centre's operator knows, such as 1.12");
  }
}

void Compute(EstimatedRun& e, bool typed_intensity) {
  if (e.method == EstimateMethod::kMlCo2) {
    const double hours = e.time_h * e.accelerators;
    const MlCo2Impact impact =
        typed_intensity ? MlCo2OfTyped(e.power_w.value, hours,
                                       e.intensity_g_per_kwh.value / 1000)
                        : MlCo2OfRegion(e.power_w.value, hours,
                                        e.intensity_g_per_kwh.value);
    e.energy_kwh = impact.energy_kwh;
    e.intensity_g_per_kwh.value = impact.intensity_kg_per_kwh * 1000;
    e.emissions_g = impact.emissions_kg * 1000;
    return;
  }
  e.energy_kwh = EnergyKwh({.accelerators = e.accelerators,
                            .power_w = e.power_w.value,
                            .host_power_w = e.host_power_w,
                            .time_h = e.time_h,
                            .pue = e.pue->value});
  e.emissions_g = EmissionsG(e.energy_kwh, e.intensity_g_per_kwh.value);
}

}  // namespace

absl::StatusOr<double> ParseHours(const std::string& text) {
  if (const auto hours = ParseNumber(text); hours.ok()) return hours;
  const auto duration = ParseDuration(text);
  if (duration.ok()) return absl::ToDoubleHours(*duration);
  return absl::InvalidArgumentError(
      fmt::format("`{}` is not understood: write 84 or 3d12h", text));
}

absl::StatusOr<EstimatedRun> MakeEstimate(const EstimateWords& words,
                                          const std::vector<Place>& own) {
  Reader reader(words);
  EstimatedRun e;
  e.method = ReadMethod(reader);
  ForbidWhatTheMethodLacks(reader, e.method);
  e.accelerators =
      reader.Read("accelerators", words.accelerators, 0, kMostAccelerators)
          .value_or(1);
  e.power_w = ReadPower(reader, e.method);
  e.host_power_w =
      reader.Read("host-power", words.host_power, 0, kMostWatts, ParsePower)
          .value_or(0);
  e.time_h = ReadHours(reader);
  if (e.method == EstimateMethod::kStrubell) {
    const char* source = "fixed by Strubell et al. 2019";
    e.pue = Sourced{kStrubellPue, source};
    e.intensity_g_per_kwh = {kStrubellGramsPerKwh, source};
  } else {
    ReadGrid(reader, own, e);
  }
  const auto supplement = ParseSupplement(words.supplement);
  if (!supplement.ok()) {
    reader.Wrong(std::string(supplement.status().message()));
  } else {
    e.supplement = *supplement;
  }
  if (!reader.status().ok()) return reader.status();
  if (e.accelerators * e.power_w.value + e.host_power_w <= 0) {
    return absl::InvalidArgumentError(
        "--accelerators, --power: nothing draws power: there is nothing to "
        "estimate");
  }
  Compute(e, !words.intensity.empty());
  std::optional<EmbodiedPart> embodied;
  if (e.supplement.embodied) {
    auto share =
        ShareOf(*e.supplement.embodied,
                {.gpus = e.accelerators, .cores = 0, .time_h = e.time_h});
    if (!share.ok()) return share.status();
    embodied = *std::move(share);
  }
  const auto figures =
      FiguresOf(e.supplement, e.energy_kwh, e.emissions_g, embodied);
  if (!figures.ok()) return figures.status();
  e.figures = *figures;
  return e;
}

}  // namespace carbond::client
