#include "client/supplement.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "client/footprint.h"
#include "client/quantity.h"

namespace carbond::client {
namespace {

// Servers are taken to serve four years (Cloud Carbon Footprint; Morrison et
// al. 2025, "Holistically Evaluating the Environmental Impact of Creating
// Language Models").
constexpr double kUsualLifetimeH = 4 * kHoursPerYear;

absl::Status Refused(const std::string& flag, std::string_view message) {
  return absl::InvalidArgumentError(fmt::format("--{}: {}", flag, message));
}

// The number a text begins with, and the rest of it.
std::optional<std::pair<double, std::string>> Split(const std::string& text) {
  const size_t end =
      std::min(text.find_first_not_of("0123456789."), text.size());
  const auto number = ParseNumber(text.substr(0, end));
  if (!number.ok()) return std::nullopt;
  const size_t rest = std::min(text.find_first_not_of(' ', end), text.size());
  return std::pair(*number, text.substr(rest));
}

double GramsIn(const std::string& unit) {
  if (unit == "g") return 1;
  if (unit == "kg") return 1e3;
  return unit == "t" ? 1e6 : 0;
}

absl::Status BadEmbodied(const std::string& text) {
  return Refused("embodied",
                 fmt::format("`{}` is not understood: write 463kg/gpu, "
                             "3700kg/8gpus or 1000kg/32cores",
                             text));
}

absl::StatusOr<EmbodiedHardware> ParseEmbodied(const std::string& text) {
  EmbodiedHardware hardware;
  const size_t slash = text.find('/');
  const auto mass = Split(text.substr(0, slash));
  if (slash == std::string::npos || !mass || GramsIn(mass->second) == 0) {
    return BadEmbodied(text);
  }
  hardware.total_g = mass->first * GramsIn(mass->second);
  std::string part = text.substr(slash + 1);
  if (const auto count = Split(part)) {
    hardware.parts = count->first;
    part = count->second;
  }
  if (hardware.parts <= 0) return BadEmbodied(text);
  if (part == "gpu" || part == "gpus") return hardware;
  if (part != "core" && part != "cores") return BadEmbodied(text);
  hardware.part = EmbodiedHardware::Part::kCore;
  return hardware;
}

absl::StatusOr<double> ParseLifetimeH(const std::string& text) {
  if (const auto split = Split(text); split && split->second == "y") {
    if (split->first > 0) return split->first * kHoursPerYear;
  }
  const auto duration = ParseDuration(text);
  if (!duration.ok() || *duration <= absl::ZeroDuration()) {
    return Refused("lifetime",
                   fmt::format("`{}` is not understood: write 4y", text));
  }
  return absl::ToDoubleHours(*duration);
}

absl::StatusOr<FunctionalUnit> ParsePer(const std::string& text) {
  const auto split = Split(text);
  const FunctionalUnit unit = split
                                  ? FunctionalUnit{split->first, split->second}
                                  : FunctionalUnit{1, text};
  // A number that was not understood is no name.
  const bool named = !unit.name.empty() &&
                     std::string_view("-+.0123456789").find(unit.name[0]) ==
                         std::string_view::npos;
  if (unit.units <= 0 || !named) {
    return Refused("per", fmt::format("`{}` is no number of units: write \"90 "
                                      "epochs\" or \"1000 images\"",
                                      text));
  }
  return unit;
}

// Takes the value, or notes the mistake.
template <class Value>
void Take(absl::StatusOr<Value> parsed, std::optional<Value>& to,
          std::vector<std::string>& mistakes) {
  if (parsed.ok()) {
    to = *std::move(parsed);
  } else {
    mistakes.emplace_back(parsed.status().message());
  }
}

absl::StatusOr<double> ParseNet(const std::string& text) {
  auto intensity = ParseIntensity(text);
  if (intensity.ok()) return intensity;
  return Refused("net-intensity", std::string(intensity.status().message()));
}

// 4, 0.5, 1000: as it was written.
std::string AsWritten(double value) { return fmt::format("{:.10g}", value); }

const char* PartName(EmbodiedHardware::Part part) {
  return part == EmbodiedHardware::Part::kGpu ? "GPU" : "core";
}

std::string Describe(const EmbodiedHardware& hardware) {
  const std::string of = hardware.parts == 1
                             ? fmt::format("a {}", PartName(hardware.part))
                             : fmt::format("{} {}s", AsWritten(hardware.parts),
                                           PartName(hardware.part));
  return fmt::format("{} for {} over {} years of use{}",
                     FormatGrams(hardware.total_g), of,
                     AsWritten(hardware.lifetime_h / kHoursPerYear),
                     hardware.lifetime_assumed ? " (assumed)" : "");
}

}  // namespace

absl::StatusOr<Supplement> ParseSupplement(const SupplementWords& words) {
  Supplement parsed;
  parsed.equivalents = words.equivalents;
  std::vector<std::string> mistakes;
  if (!words.net_intensity.empty()) {
    Take(ParseNet(words.net_intensity), parsed.net_g_per_kwh, mistakes);
  }
  if (!words.embodied.empty()) {
    Take(ParseEmbodied(words.embodied), parsed.embodied, mistakes);
  }
  if (!words.per.empty()) Take(ParsePer(words.per), parsed.per, mistakes);
  std::optional<double> lifetime_h;
  if (!words.lifetime.empty()) {
    Take(ParseLifetimeH(words.lifetime), lifetime_h, mistakes);
    if (words.embodied.empty()) {
      mistakes.emplace_back(
          "--lifetime: of nothing: --embodied says what making the hardware "
          "emitted, such as 463kg/gpu");
    }
  }
  if (parsed.embodied) {
    parsed.embodied->lifetime_h = lifetime_h.value_or(kUsualLifetimeH);
    parsed.embodied->lifetime_assumed = !lifetime_h;
  }
  if (mistakes.empty()) return parsed;
  return absl::InvalidArgumentError(
      fmt::format("{}", fmt::join(mistakes, "\n")));
}

absl::StatusOr<EmbodiedPart> ShareOf(const EmbodiedHardware& hardware,
                                     const Reservation& reserved) {
  const double parts = hardware.part == EmbodiedHardware::Part::kGpu
                           ? reserved.gpus
                           : reserved.cores;
  if (parts <= 0) {
    return absl::InvalidArgumentError(
        fmt::format("--embodied: is told of a {0}, and no {0} is reserved: "
                    "tell it of what is",
                    PartName(hardware.part)));
  }
  return EmbodiedPart{EmbodiedG({.total_g = hardware.total_g,
                                 .reserved_h = reserved.time_h,
                                 .lifetime_h = hardware.lifetime_h,
                                 .reserved = parts,
                                 .of_resources = hardware.parts}),
                      Describe(hardware)};
}

absl::StatusOr<SupplementFigures> FiguresOf(
    const Supplement& supplement, double energy_kwh,
    std::optional<double> gross_g, std::optional<EmbodiedPart> embodied) {
  SupplementFigures figures;
  if (supplement.net_g_per_kwh) {
    figures.net_g = EmissionsG(energy_kwh, *supplement.net_g_per_kwh);
  }
  figures.embodied = std::move(embodied);
  if (!supplement.per) return figures;
  if (!figures.embodied) {
    return absl::InvalidArgumentError(
        "--per: a Software Carbon Intensity counts the making of the hardware: "
        "add --embodied, such as 463kg/gpu");
  }
  if (gross_g) {
    figures.sci_g = SoftwareCarbonIntensity(*gross_g, figures.embodied->grams,
                                            supplement.per->units);
  }
  return figures;
}

std::string DescribeRate(double sci_g, const FunctionalUnit& unit) {
  return fmt::format("{} CO2e for each of {} {}", FormatGrams(sci_g),
                     AsWritten(unit.units), unit.name);
}

void AddTo(Json& json, const Supplement& supplement,
           const SupplementFigures& figures, std::optional<double> gross_g) {
  const auto or_null = [](const std::optional<double>& value) {
    return value ? Json(*value) : Json(nullptr);
  };
  json["net_intensity_g_per_kwh"] = or_null(supplement.net_g_per_kwh);
  json["net_emissions_g"] = or_null(figures.net_g);
  json["embodied_g"] =
      figures.embodied ? Json(figures.embodied->grams) : Json(nullptr);
  json["embodied_source"] =
      figures.embodied ? Json(figures.embodied->source) : Json(nullptr);
  json["sci"] = nullptr;
  if (figures.sci_g) {
    json["sci"] = {{"g_per_unit", *figures.sci_g},
                   {"units", supplement.per->units},
                   {"unit", supplement.per->name}};
  }
  if (!supplement.equivalents || !gross_g) return;
  json["equivalents"] = Json::array();
  for (const Equivalent& each : kEquivalents) {
    json["equivalents"].push_back({{"what", each.what},
                                   {"count", *gross_g / each.grams},
                                   {"source", each.source}});
  }
}

}  // namespace carbond::client
