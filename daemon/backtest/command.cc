#include "daemon/backtest/command.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <utility>

#include "daemon/backtest/from_ledger.h"
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

Result<std::vector<PolicyKind>> PoliciesOf(const std::string& text) {
  if (text.empty()) return AllPolicies();
  std::vector<PolicyKind> policies;
  std::string word;
  for (const char c : text + ",") {
    if (c != ',') {
      word += c;
      continue;
    }
    CARBOND_ASSIGN_OR_RETURN(const PolicyKind policy,
                             ParsePolicy(std::exchange(word, "")));
    policies.push_back(policy);
  }
  return policies;
}

Result<Scenario> LoadLedger(const BacktestOptions& options) {
  LedgerWish wish;
  wish.path = options.ledger;
  wish.clairvoyant = options.clairvoyant;
  CARBOND_ASSIGN_OR_RETURN(wish.policies, PoliciesOf(options.policies));
  if (!options.since.empty()) {
    CARBOND_ASSIGN_OR_RETURN(wish.since, ParseInstant(options.since));
  }
  if (!options.slack.empty()) {
    CARBOND_ASSIGN_OR_RETURN(wish.slack, ParseDuration(options.slack));
  }
  CARBOND_ASSIGN_OR_RETURN(LedgerScenario made, ScenarioFromLedger(wish));
  if (made.left_out > 0) {
    fmt::print(stderr,
               "carbond backtest: {} jobs were left out: not done, not "
               "successful, or beyond what is archived of their grid\n",
               made.left_out);
  }
  return std::move(made.scenario);
}

Status PrintBacktest(const BacktestOptions& options) {
  CARBOND_ASSIGN_OR_RETURN(const Scenario scenario, options.ledger.empty()
                                                        ? Load(options.scenario)
                                                        : LoadLedger(options));
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

// As CLI11 wants it: empty where all is well.
std::string Complaint(const Status& status) {
  return status.ok() ? "" : Message(status);
}

}  // namespace

void CheckBacktest(const CLI::App& command, const BacktestOptions& options) {
  if (!command.parsed()) return;
  if (options.scenario.empty() != options.ledger.empty()) return;
  throw CLI::ValidationError("backtest",
                             "give either a SCENARIO file or --from-ledger DB");
}

void AddBacktestOptions(CLI::App& command, BacktestOptions& options) {
  command.add_option("SCENARIO", options.scenario,
                     "what to replay: a YAML file of regions, jobs, policies");
  CLI::Option* ledger = command.add_option(
      "--from-ledger", options.ledger, "replay the past jobs of this ledger");
  command.add_option("--since", options.since, "those submitted from then on")
      ->needs(ledger)
      ->check([](const std::string& text) {
        return Complaint(ParseInstant(text).status());
      });
  command
      .add_option("--slack", options.slack,
                  "as if each had to be done by its duration and so much more")
      ->needs(ledger)
      ->check([](const std::string& text) {
        const auto slack = ParseDuration(text);
        if (slack.ok() && *slack < Duration(0)) return text + " is negative";
        return Complaint(slack.status());
      });
  command
      .add_option("--policies", options.policies, "comma-separated; else all")
      ->needs(ledger)
      ->check([](const std::string& text) {
        return Complaint(PoliciesOf(text).status());
      });
  command
      .add_flag("--clairvoyant", options.clairvoyant,
                "also with perfect foresight")
      ->needs(ledger);
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
