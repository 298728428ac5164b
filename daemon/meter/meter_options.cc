#include "daemon/meter/meter_options.h"

#include <charconv>

namespace carbond {
namespace {

template <typename N>
bool ParseCount(const std::string& text, N& number) {
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, number);
  return result.ec == std::errc() && result.ptr == end && number >= 0;
}

// "nvml,rapl"
bool ParseSources(const std::string& text, MeterOptions& options) {
  options.nvml = options.rapl = options.cpu_time = options.slurm = false;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const std::string word = text.substr(begin, end - begin);
    begin = end + 1;
    if (word == "nvml") {
      options.nvml = true;
    } else if (word == "rapl") {
      options.rapl = true;
    } else if (word == "cpu_time") {
      options.cpu_time = true;
    } else if (word == "slurm") {
      options.slurm = true;
    } else {
      return false;
    }
  }
  return true;
}

std::string FormatSources(const MeterOptions& options) {
  std::string text;
  for (const auto& [on, word] : {std::pair{options.nvml, "nvml"},
                                 {options.rapl, "rapl"},
                                 {options.cpu_time, "cpu_time"},
                                 {options.slurm, "slurm"}}) {
    if (on) text += (text.empty() ? "" : ",") + std::string(word);
  }
  return text;
}

bool Take(const std::string& key, const std::string& value,
          MeterOptions& options) {
  if (key == "--dir") return options.dir = value, true;
  if (key == "--root") return ParseCount(value, options.root);
  if (key == "--period-ms") return ParseCount(value, options.period_ms);
  if (key == "--sources") return ParseSources(value, options);
  if (key == "--gpus") return ParseCount(value, options.gpus);
  if (key == "--devices") return options.devices = value, true;
  if (key == "--cpus") return ParseCount(value, options.cpu.cpus);
  if (key == "--per-cpu-mw") return ParseCount(value, options.cpu.per_cpu_mw);
  if (key == "--idle-thousandths") {
    return ParseCount(value, options.cpu.idle_thousandths);
  }
  if (key == "--per-gpu-mw") return ParseCount(value, options.per_gpu_mw);
  if (key == "--power-mw") return ParseCount(value, options.power_mw);
  if (key == "--idle-mw") return ParseCount(value, options.idle_mw);
  if (key == "--most-mw") return ParseCount(value, options.share.most_mw);
  if (key == "--command") return options.command.push_back(value), true;
  if (key == "--share-parts") return ParseCount(value, options.share.parts);
  if (key == "--share-whole") {
    return ParseCount(value, options.share.whole) && options.share.whole > 0;
  }
  if (key == "--nvml-library") return options.nvml_library = value, true;
  if (key == "--powercap") return options.powercap = value, true;
  if (key == "--book") return options.book = value, true;
  return false;
}

}  // namespace

std::vector<std::string> FormatMeterOptions(const MeterOptions& options) {
  std::vector<std::string> arguments;
  const auto add = [&](const char* key, const std::string& value) {
    if (value.empty()) return;
    arguments.push_back(key);
    arguments.push_back(value);
  };
  add("--dir", options.dir);
  if (options.root != 0) add("--root", std::to_string(options.root));
  add("--period-ms", std::to_string(options.period_ms));
  arguments.push_back("--sources");
  arguments.push_back(FormatSources(options));
  add("--gpus", std::to_string(options.gpus));
  add("--devices", options.devices);
  add("--cpus", std::to_string(options.cpu.cpus));
  add("--per-cpu-mw", std::to_string(options.cpu.per_cpu_mw));
  add("--idle-thousandths", std::to_string(options.cpu.idle_thousandths));
  add("--per-gpu-mw", std::to_string(options.per_gpu_mw));
  add("--power-mw", std::to_string(options.power_mw));
  add("--idle-mw", std::to_string(options.idle_mw));
  add("--most-mw", std::to_string(options.share.most_mw));
  for (const std::string& word : options.command) {
    arguments.push_back("--command");
    arguments.push_back(word);
  }
  add("--share-parts", std::to_string(options.share.parts));
  add("--share-whole", std::to_string(options.share.whole));
  add("--nvml-library", options.nvml_library);
  add("--powercap", options.powercap);
  add("--book", options.book);
  return arguments;
}

bool ParseMeterOptions(const std::vector<std::string>& arguments,
                       MeterOptions& options, std::string& mistake) {
  for (size_t i = 0; i < arguments.size(); i += 2) {
    const bool whole = i + 1 < arguments.size();
    if (whole && Take(arguments[i], arguments[i + 1], options)) continue;
    mistake = "`" + arguments[i] + (whole ? " " + arguments[i + 1] : "") +
              "` is not understood";
    return false;
  }
  if (options.period_ms == 0) mistake = "--period-ms 0 is no period";
  return mistake.empty();
}

}  // namespace carbond
