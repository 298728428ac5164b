#include "daemon/meter_check.h"

#include <filesystem>
#include <sstream>

#include "daemon/exec/slurm/program.h"
#include "daemon/meter/factory.h"

namespace carbond {
namespace {

constexpr Duration kLimit = seconds(10);

// "good nvml: 2 GPUs count their energy", as sampler.h says.
std::vector<MeterFinding> Parse(const std::string& text) {
  std::vector<MeterFinding> findings;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const size_t colon = line.find(": ");
    if (colon == std::string::npos || colon < 5) continue;
    findings.push_back({line.substr(5, colon - 5), line.starts_with("good "),
                        line.substr(colon + 2)});
  }
  return findings;
}

}  // namespace

std::string MeterProgram(const Config& config) {
  const std::filesystem::path runner = config.runner;
  return (runner.parent_path() / "carbon-meter").string();
}

std::vector<MeterFinding> CheckMeters(const Config& config,
                                      const RegionConfig& region) {
  const std::string program = MeterProgram(config);
  std::vector<std::string> words = MeterCheckCommand(config, program, region);
  if (words.empty()) return {};
  words.erase(words.begin());
  const auto end = RunProgram(program, words, OwnEnvironment(), kLimit);
  if (end.ok() && end->code == 0) return Parse(end->out);
  return {{"carbon-meter", false,
           !end.ok()        ? Message(end.status())
           : end->timed_out ? "no answer within 10 s: does a driver hang?"
                            : end->err.substr(0, end->err.find('\n'))}};
}

}  // namespace carbond
