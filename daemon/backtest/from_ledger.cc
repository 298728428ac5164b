#include "daemon/backtest/from_ledger.h"

#include <algorithm>

#include "storage/ledger_reader.h"

namespace carbond {
namespace {

constexpr int kPage = 1000;
// Before the first job, to learn from.
constexpr Duration kHistory = hours(24 * 72);

class ScenarioMaker {
 public:
  ScenarioMaker(LedgerReader& ledger, const LedgerWish& wish)
      : ledger_(ledger), wish_(wish) {}

  Result<LedgerScenario> Make() {
    CARBOND_RETURN_IF_ERROR(ReadRegions());
    CARBOND_RETURN_IF_ERROR(ReadJobs());
    Scenario& scenario = made_.scenario;
    if (scenario.jobs.empty()) {
      return Refused(
          "{}: no job submitted since {} has succeeded on a grid that is "
          "archived{}",
          wish_.path, FormatInstant(wish_.since),
          made_.left_out > 0 ? fmt::format("; {} were left out", made_.left_out)
                             : "");
    }
    std::ranges::stable_sort(scenario.jobs, {}, &BacktestJob::submitted_at);
    scenario.span = {scenario.jobs.front().submitted_at,
                     scenario.jobs.back().submitted_at + Duration(1)};
    scenario.policies = wish_.policies;
    scenario.clairvoyant = wish_.clairvoyant;
    return std::move(made_);
  }

 private:
  Status ReadRegions() {
    CARBOND_ASSIGN_OR_RETURN(const auto used, ledger_.UsedRegions());
    const Instant from = wish_.since - kHistory;
    for (const UsedRegion& each : used) {
      BacktestRegion place;
      place.region.name = place.region.zone = each.name;
      place.region.pue = each.pue;
      place.region.capacity = kUnlimited;
      CARBOND_ASSIGN_OR_RETURN(
          place.actual,
          ledger_.ObservedOf(each.zone, {from, Instant::Never()}));
      CARBOND_ASSIGN_OR_RETURN(place.issues,
                               ledger_.ForecastsSince(each.zone, from));
      for (Forecast& issue : place.issues) issue.zone = each.name;
      if (!place.actual.empty()) {
        made_.scenario.regions.push_back(std::move(place));
      }
    }
    return Ok();
  }

  Status ReadJobs() {
    JobFilter filter;
    filter.limit = kPage;
    while (true) {
      CARBOND_ASSIGN_OR_RETURN(const auto page, ledger_.List(filter));
      for (const JobRecord& record : page) {
        if (record.job.submitted_at < wish_.since) return Ok();  // newest first
        Add(record.job);
      }
      if (std::ssize(page) < kPage) return Ok();
      filter.before = page.back().job.id;
    }
  }

  void Add(const Job& job) {
    BacktestJob past;
    past.id = std::to_string(Number(job.id));
    past.submitted_at = job.submitted_at;
    past.spec = job.spec;
    past.spec.entry = {};  // no queue holds it here
    Duration work{0};
    for (const Run& run : job.runs) work += run.work;
    if (job.failures == 0 && work > Duration(0)) past.spec.duration = work;
    past.deadline = job.spec->deadline;
    if (wish_.slack || !past.deadline) {
      past.deadline = job.submitted_at + past.spec.duration +
                      wish_.slack.value_or(hours(24));
    }
    std::erase_if(past.spec.regions, [&](const std::string& name) {
      return !Knows(name, {job.submitted_at, *past.deadline});
    });
    const Interval at_once{job.submitted_at,
                           job.submitted_at + past.spec.duration};
    if (job.outcome != Outcome::kSucceeded || past.spec.regions.empty() ||
        !Knows(past.spec.home_region, at_once)) {
      ++made_.left_out;
      return;
    }
    made_.scenario.jobs.push_back(std::move(past));
  }

  bool Knows(const std::string& name, Interval interval) const {
    return std::ranges::any_of(
        made_.scenario.regions, [&](const BacktestRegion& place) {
          return place.region.name == name && place.actual.Covers(interval);
        });
  }

  LedgerReader& ledger_;
  const LedgerWish& wish_;
  LedgerScenario made_;
};

}  // namespace

Result<LedgerScenario> ScenarioFromLedger(const LedgerWish& wish) {
  CARBOND_ASSIGN_OR_RETURN(auto ledger, LedgerReader::Open(wish.path));
  return ScenarioMaker(*ledger, wish).Make();
}

}  // namespace carbond
