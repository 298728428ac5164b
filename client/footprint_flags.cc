#include "client/footprint_flags.h"

#include <CLI/CLI.hpp>

namespace carbond::client {
namespace {

void AddSupplement(CLI::App& command, SupplementWords& words) {
  command
      .add_option("--net-intensity", words.net_intensity,
                  "g/kWh left after clean energy was matched (market-based)")
      ->type_name("G");
  command
      .add_option("--embodied", words.embodied,
                  "what making the hardware emitted: 463kg/gpu, 3700kg/8gpus, "
                  "1000kg/32cores")
      ->type_name("MASS/PART");
  command.add_option("--lifetime", words.lifetime, "how long it serves (4y)")
      ->type_name("D");
  command
      .add_option(
          "--per", words.per,
          "Software Carbon Intensity for each of so many: \"90 epochs\"")
      ->type_name("UNITS");
  command.add_flag("--equivalents", words.equivalents,
                   "flights and litres of petrol that emit as much");
}

}  // namespace

void AddReportFlags(CLI::App& command, ReportOptions& options) {
  command
      .add_option("--format", options.format,
                  "text (the default), markdown, latex or json")
      ->check(CLI::IsMember({"text", "markdown", "latex", "json"}))
      ->type_name("FORM");
  command
      .add_option("--hardware", options.hardware,
                  "its kind, to be named in the statement: \"NVIDIA A100\"")
      ->type_name("NAME");
  AddSupplement(command, options.supplement);
}

void AddEstimateFlags(CLI::App& command, EstimateOptions& options) {
  EstimateWords& words = options.words;
  command.footer(
      "carbonctl estimate --accelerators 512 --power 310W --hours 480 --pue "
      "1.12 --intensity 545\n"
      "carbonctl estimate --hardware V100 --hours 84 --region aws/us-east-1");
  const auto add = [&](const char* flag, std::string& value, const char* kind,
                       const char* help) {
    command.add_option(flag, value, help)->type_name(kind);
  };
  add("--accelerators", words.accelerators, "N", "how many (1)");
  add("--power", words.power, "P", "of each, with its share of the host: 310W");
  add("--hardware", words.hardware, "NAME", "its power from the table");
  add("--host-power", words.host_power, "P",
      "of processors and memory, where --power is the accelerator's alone");
  add("--hours", words.hours, "H", "84, or 3d12h");
  add("--pue", words.pue, "PUE", "facility power over IT power");
  add("--intensity", words.intensity, "G", "g/kWh of the grid");
  add("--region", words.region, "NAME",
      "PUE and intensity: aws/us-east-1, a country (DE), or a region of "
      "carbond");
  add("--regions-file", options.regions_file, "PATH",
      "a table of your own in YAML: name: {g_per_kwh: 34.5, pue: 1.1}");
  add("--method", words.method, "NAME",
      "patterson (the default), strubell or mlco2");
  AddSupplement(command, words.supplement);
  command
      .add_option("--list", options.list,
                  "prints a built-in table: hardware or regions")
      ->check(CLI::IsMember({"hardware", "regions"}))
      ->type_name("TABLE");
}

}  // namespace carbond::client
