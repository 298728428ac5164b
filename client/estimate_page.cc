// What estimate.h says, for people and for programs.

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "client/accelerators.h"
#include "client/estimate.h"
#include "client/footprint.h"
#include "client/quantity.h"
#include "client/table.h"

namespace carbond::client {
namespace {

const char* Name(EstimateMethod method) {
  switch (method) {
    case EstimateMethod::kStrubell:
      return "strubell";
    case EstimateMethod::kMlCo2:
      return "mlco2";
    case EstimateMethod::kPatterson:
      break;
  }
  return "patterson";
}

const char* Formula(EstimateMethod method) {
  switch (method) {
    case EstimateMethod::kStrubell:
      return "kWh = 1.58 x hours x (host W + GPUs x W) / 1000; 0.954 lb/kWh "
             "(Strubell et al. 2019)";
    case EstimateMethod::kMlCo2:
      return "kWh = TDP x hours / 1000, without PUE, each step rounded to two "
             "decimals (ML CO2 Impact, Lacoste et al. 2019)";
    case EstimateMethod::kPatterson:
      break;
  }
  return "kWh = hours x processors x average W x PUE / 1000; g = kWh x g/kWh "
         "(Patterson et al. 2021, section 2.5)";
}

std::string AsWritten(double value) { return fmt::format("{:.10g}", value); }

std::string Row(const std::string& name, const std::string& text) {
  return fmt::format("  {:<11}{}\n", name, Printable(text));
}

std::string Watts(const std::optional<double>& watts) {
  return watts ? fmt::format("{:.0f} W", *watts) : "";
}

// What was asked for beside energy and gross emissions.
std::string SupplementRows(const EstimatedRun& e) {
  std::string text;
  if (e.figures.net_g) {
    text += Row("net", fmt::format("{} CO2e at {} g/kWh, declared: the same "
                                   "emissions, not to be added",
                                   FormatGrams(*e.figures.net_g),
                                   FormatNumber(*e.supplement.net_g_per_kwh)));
  }
  if (e.figures.embodied) {
    text += Row("embodied", fmt::format("{} CO2e, of {}",
                                        FormatGrams(e.figures.embodied->grams),
                                        e.figures.embodied->source));
  }
  if (e.figures.sci_g) {
    text += Row("SCI", DescribeRate(*e.figures.sci_g, *e.supplement.per));
  }
  for (const Equivalent& each : kEquivalents) {
    if (!e.supplement.equivalents) break;
    text +=
        Row("as much as",
            fmt::format("{} {} ({})", FormatNumber(e.emissions_g / each.grams),
                        each.what, each.source));
  }
  return text;
}

}  // namespace

std::string EstimatePage(const EstimatedRun& e) {
  std::string text = fmt::format(
      "{} for {} h: {} accelerator hours\n",
      e.accelerators == 1 ? "1 accelerator"
                          : AsWritten(e.accelerators) + " accelerators",
      AsWritten(e.time_h), AsWritten(e.accelerators * e.time_h));
  text += Row("power", fmt::format("{} each, {}", FormatPower(e.power_w.value),
                                   e.power_w.source));
  if (e.host_power_w > 0) {
    text += Row("host", FormatPower(e.host_power_w) + " beside them, declared");
  }
  if (e.pue) {
    text += Row("PUE",
                fmt::format("{}, {}", AsWritten(e.pue->value), e.pue->source));
  }
  text += Row("energy", FormatEnergy(e.energy_kwh) + ", modelled");
  text +=
      Row("intensity", fmt::format("{} g/kWh{}, {}",
                                   FormatNumber(e.intensity_g_per_kwh.value),
                                   e.region.empty() ? "" : " in " + e.region,
                                   e.intensity_g_per_kwh.source));
  text += Row("emissions", FormatGrams(e.emissions_g) + " CO2e, gross");
  if (e.method == EstimateMethod::kStrubell) {
    text += Row("", FormatNumber(e.emissions_g / kGramsPerPound) + " lb");
  }
  return text + SupplementRows(e) + Row("method", Formula(e.method)) +
         "an estimate: nothing was measured\n";
}

Json ToJson(const EstimatedRun& e) {
  Json json = {{"energy_kwh", e.energy_kwh},
               {"emissions_g", e.emissions_g},
               {"energy_source", "modelled"},
               {"accelerators", e.accelerators},
               {"hours", e.time_h},
               {"accelerator_hours", e.accelerators * e.time_h},
               {"power_w", e.power_w.value},
               {"power_source", e.power_w.source},
               {"host_power_w", e.host_power_w},
               {"pue", e.pue ? Json(e.pue->value) : Json(nullptr)},
               {"pue_source", e.pue ? Json(e.pue->source) : Json(nullptr)},
               {"region", e.region.empty() ? Json(nullptr) : Json(e.region)},
               {"intensity_g_per_kwh", e.intensity_g_per_kwh.value},
               {"intensity_source", e.intensity_g_per_kwh.source},
               {"method", Name(e.method)},
               {"method_text", Formula(e.method)}};
  if (e.method == EstimateMethod::kStrubell) {
    json["emissions_lb"] = e.emissions_g / kGramsPerPound;
  }
  AddTo(json, e.supplement, e.figures, e.emissions_g);
  return json;
}

std::string HardwarePage(const Look& look) {
  Table table({{"HARDWARE"},
               {"CHIP", Table::Align::kRight},
               {"SYSTEM", Table::Align::kRight},
               {"NOTE"}});
  for (const Accelerator& each : Accelerators()) {
    table.Add({each.name, Watts(each.tdp_w), Watts(each.system_w), each.note});
  }
  return table.Render(look) +
         "CHIP is its thermal design power, as ML CO2 Impact (Lacoste et al. "
         "2019) lists it\nSYSTEM is the whole system's mean for each, as "
         "measured (Patterson et al. 2021, table 3)\n";
}

Json HardwareJson() {
  const auto or_null = [](const std::optional<double>& watts) {
    return watts ? Json(*watts) : Json(nullptr);
  };
  Json array = Json::array();
  for (const Accelerator& each : Accelerators()) {
    array.push_back(
        {{"name", each.name},
         {"tdp_w", or_null(each.tdp_w)},
         {"system_w", or_null(each.system_w)},
         {"note", each.note.empty() ? Json(nullptr) : Json(each.note)}});
  }
  return array;
}

Json PlacesJson(const std::vector<Place>& own) {
  Json array = Json::array();
  for (const std::vector<Place>* places : {&own, &BuiltInPlaces()}) {
    for (const Place& place : *places) {
      array.push_back(
          {{"name", place.name},
           {"place", place.town.empty() ? Json(nullptr) : Json(place.town)},
           {"intensity_g_per_kwh", place.g_per_kwh},
           {"intensity_source", place.intensity_source},
           {"pue", place.pue ? Json(*place.pue) : Json(nullptr)},
           {"pue_source", place.pue ? Json(place.pue_source) : Json(nullptr)}});
    }
  }
  return array;
}

std::string PlacesPage(const std::vector<Place>& own, const Look& look) {
  Table table({{"REGION"},
               {"PLACE", Table::Align::kLeft, true},
               {"G/KWH", Table::Align::kRight},
               {"PUE", Table::Align::kRight},
               {"INTENSITY IS", Table::Align::kLeft, true}});
  for (const std::vector<Place>* places : {&own, &BuiltInPlaces()}) {
    for (const Place& place : *places) {
      table.Add({place.name, place.town, FormatNumber(place.g_per_kwh),
                 place.pue ? AsWritten(*place.pue) : "",
                 place.intensity_source});
    }
  }
  return table.Render(look) +
         "yearly averages, some years old: what an hour is like, a region of "
         "carbond knows\n";
}

}  // namespace carbond::client
