#include "daemon/backtest/command.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "daemon/backtest/report.h"

namespace carbond {
namespace {

Result<Scenario> Load(const std::string& path) {
  ScenarioResult result = LoadScenario(path);
  if (result.scenario) return *std::move(result.scenario);
  std::string all;
  for (const ConfigMistake& mistake : result.mistakes) {
    if (!all.empty()) all += '\n';
    all += Format(path, mistake);
  }
  return Refused("{}", all);
}

Result<std::vector<PolicyResult>> ReplayAll(const Scenario& scenario) {
  CARBOND_ASSIGN_OR_RETURN(const Grams bound, LowerBound(scenario));
  std::vector<PolicyResult> results;
  for (const bool perfect : {false, true}) {
    if (perfect && !scenario.clairvoyant) continue;
    for (const PolicyKind policy : scenario.policies) {
      if (perfect && !UsesForecasts(policy)) continue;
      CARBOND_ASSIGN_OR_RETURN(PolicyResult result,
                               Replay(scenario, policy, perfect));
      result.lower_bound = bound;
      results.push_back(std::move(result));
    }
  }
  return results;
}

// The job that the picture shows: the one named, else the one that gained most.
Result<size_t> JobToShow(const Scenario& scenario,
                         const std::vector<PolicyResult>& results,
                         const std::string& id) {
  size_t best = 0;
  for (size_t i = 0; i < scenario.jobs.size(); ++i) {
    if (scenario.jobs[i].id == id) return i;
    const auto gain = [&](size_t j) {
      const ReplayedJob& job = results.back().jobs[j];
      return job.baseline - job.emissions;
    };
    if (gain(i) > gain(best)) best = i;
  }
  if (!id.empty()) return Missing("there is no job {} in the scenario", id);
  return best;
}

Status WritePicture(const BacktestOptions& options, const Scenario& scenario,
                    const std::vector<PolicyResult>& results) {
  CARBOND_ASSIGN_OR_RETURN(const size_t job,
                           JobToShow(scenario, results, options.job));
  std::ofstream file(options.picture, std::ios::binary);
  file << ToPicture(scenario, results, job);
  file.close();
  if (file) return Ok();
  return Refused("{} cannot be written: {}", options.picture,
                 std::strerror(errno));
}

Status PrintBacktest(const BacktestOptions& options) {
  CARBOND_ASSIGN_OR_RETURN(const Scenario scenario, Load(options.scenario));
  CARBOND_ASSIGN_OR_RETURN(const auto results, ReplayAll(scenario));
  if (!options.picture.empty()) {
    CARBOND_RETURN_IF_ERROR(WritePicture(options, scenario, results));
  }
  const std::string text = options.output == "json"
                               ? ToJson(results) + "\n"
                               : ToTable(scenario, results);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return Ok();
}

}  // namespace

void AddBacktestOptions(CLI::App& command, BacktestOptions& options) {
  command.add_option("SCENARIO", options.scenario, "what to replay, a file")
      ->required();
  command.add_option("-o,--output", options.output, "table or json")
      ->check(CLI::IsMember({"table", "json"}));
  CLI::Option* picture =
      command.add_option("--picture", options.picture, "an SVG file to write");
  command.add_option("--job", options.job, "the job that the picture shows")
      ->needs(picture);
}

int RunBacktest(const BacktestOptions& options) {
  const Status status = PrintBacktest(options);
  if (status.ok()) return 0;
  fmt::print(stderr, "carbond backtest: {}\n", Message(status));
  return 1;
}

}  // namespace carbond
