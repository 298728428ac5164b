#include "daemon/backtest/report.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace carbond {
namespace {

using Json = nlohmann::ordered_json;

const char* Foresight(const PolicyResult& result) {
  return result.perfect ? "perfect" : "forecast";
}

Json JobJson(const ReplayedJob& job) {
  Json intervals = Json::array();
  for (const ReplayedRun& run : job.runs) {
    intervals.push_back({{"region", run.region},
                         {"begin", FormatInstant(run.interval.begin)},
                         {"end", FormatInstant(run.interval.end)}});
  }
  return {{"id", job.id},
          {"emissions_g", job.emissions.value()},
          {"baseline_g", job.baseline.value()},
          {"intervals", std::move(intervals)}};
}

std::string Kilograms(Grams grams) {
  const double kg = grams.value() / 1000;
  return fmt::format("{:.{}f}", kg, kg < 10 ? 3 : kg < 1000 ? 1 : 0);
}

}  // namespace

std::string ToJson(const std::vector<PolicyResult>& results) {
  Json policies = Json::array();
  for (const PolicyResult& result : results) {
    Json jobs = Json::array();
    for (const ReplayedJob& job : result.jobs) jobs.push_back(JobJson(job));
    policies.push_back({{"name", Name(result.policy)},
                        {"foresight", Foresight(result)},
                        {"emissions_g", result.emissions.value()},
                        {"energy_kwh", KilowattHours(result.energy)},
                        {"baseline_g", result.baseline.value()},
                        {"saved_fraction", result.saved_fraction},
                        {"mean_delay_s", result.mean_delay_s},
                        {"deadline_misses", result.misses},
                        {"pauses", result.pauses},
                        {"lower_bound_g", result.lower_bound.value()},
                        {"jobs", std::move(jobs)}});
  }
  return Json{{"policies", std::move(policies)}}.dump();
}

std::string ToTable(const Scenario& scenario,
                    const std::vector<PolicyResult>& results) {
  std::string text = fmt::format(
      "{} jobs, {} to {}\n\n{:<14}{:<10}{:>12}{:>9}{:>11}{:>12}{:>8}{:>8}\n",
      scenario.jobs.size(), FormatInstant(scenario.span.begin),
      FormatInstant(scenario.span.end), "policy", "foresight", "kg CO2e",
      "saved", "of bound", "mean delay", "late", "pauses");
  for (const PolicyResult& result : results) {
    const double possible = (result.baseline - result.lower_bound).value();
    const double saved = (result.baseline - result.emissions).value();
    const std::string share =
        possible > 0 ? fmt::format("{:.1f} %", 100 * saved / possible) : "-";
    text += fmt::format(
        "{:<14}{:<10}{:>12}{:>7.2f} %{:>11}{:>12}{:>8}{:>8}\n",
        Name(result.policy), Foresight(result), Kilograms(result.emissions),
        100 * result.saved_fraction, share,
        FormatDuration(seconds(static_cast<int64_t>(result.mean_delay_s))),
        result.misses, result.pauses);
  }
  if (results.empty()) return text;
  const PolicyResult& any = results.front();
  text += fmt::format(
      "\nbaseline {} kg: each job at once, in its home region; no less than {} "
      "kg with perfect knowledge, each job alone\n",
      Kilograms(any.baseline), Kilograms(any.lower_bound));
  return text;
}

}  // namespace carbond
