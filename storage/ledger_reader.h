#pragma once
// Questions to the ledger, answered over a read-only connection that does not
// wait behind the writer. One reader per thread; each call is one short read
// transaction, so that the write-ahead log can be reset.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scheduler/ports.h"

namespace carbond {

// A job as the ledger knows it, with its newest plan and its figures.
struct JobRecord {
  Job job;
  std::optional<PlanRecord> plan;
  std::optional<JobEmissions> emissions;
  // By another signal, where one is kept: grams, baseline and what they rest on.
  std::optional<JobEmissions> second = {};
  // Of Get alone.
  std::vector<EmissionsPart> parts = {};
  std::vector<Superseded> superseded = {};
};

struct JobFilter {
  std::vector<State> states;                // none: all
  std::string user, project, region, name;  // empty: any
  bool live_only = false;
  std::optional<JobId> before;  // ids below this: the next page
  int limit = 100;
};

enum class ReportKey { kTotal, kJob, kUser, kProject, kRegion, kDay };

struct ReportFilter {
  std::vector<JobId> jobs;  // none: all
  ReportKey by = ReportKey::kTotal;
  // kDay, kRegion: energy used within; the others: jobs submitted within.
  std::optional<Instant> since, until;
};

// One row per key and signal. Baselines belong to whole jobs: with kDay they
// are absent, and a row of kRegion holds the baselines of the jobs whose home
// region it is only when they ran nowhere else.
struct ReportRow {
  std::string key;
  int64_t jobs = 0;
  WattHours facility_energy;
  WattHours measured_energy;  // the part of it that was measured
  Grams grams;
  Grams settled_grams;
  std::optional<Grams> baseline;  // absent unless known for every job in it
  std::string signal;
  std::string provider;
  Duration unknown{0};
  bool settled = false;  // all of it: also that which emitted nothing
  // With kRegion and kDay: before PUE, and PUE included as far as its intensity
  // is known.
  std::optional<WattHours> it_energy;
  std::optional<WattHours> accounted_energy;
  std::string zone;  // comma-separated where there were several
  // Other baselines, see JobEmissions; absent with kRegion and kDay, and unless
  // known for every job in it.
  std::optional<Grams> same_region = {};
  std::optional<Grams> worst_start = {};
  // The same jobs by another signal, where one is kept of each; absent with
  // kRegion and kDay.
  struct Second {
    std::string signal;
    Grams grams;
    std::optional<Grams> baseline;
    Duration unknown{0};
    bool settled = false;
  };
  std::optional<Second> second = {};
  // Also where a counter gave only a part of a reading, as of its GPUs.
  bool any_measured = false;
};

// A place where jobs ran, as the readings of its jobs say.
struct UsedRegion {
  std::string name;
  std::string zone;
  Pue pue;  // the newest
};

class LedgerReader {
 public:
  // The ledger must exist and have this program's schema.
  static Result<std::unique_ptr<LedgerReader>> Open(const std::string& path);
  ~LedgerReader();

  Result<JobRecord> Get(JobId id);                               // NotFound
  Result<std::vector<JobRecord>> List(const JobFilter& filter);  // newest first
  // What happened to a job after an event, in order.
  Result<std::vector<Event>> EventsOf(JobId id, int after_seq);
  Result<std::optional<JobId>> NewestJob();  // nothing: there is none
  Result<std::vector<ReportRow>> Report(const ReportFilter& filter);
  // Capacity occupied per region by live jobs.
  Result<std::map<std::string, Resources>> Used();
  // Archived values of a zone: what was observed, and the newest forecast.
  Result<Series> ObservedOf(const std::string& zone, Interval within);
  Result<std::optional<Forecast>> NewestForecast(const std::string& zone);
  // By issue; the first of each hour, and the newest.
  Result<std::vector<Forecast>> ForecastsSince(const std::string& zone,
                                               Instant since);
  // Of all jobs ever, by name.
  Result<std::vector<UsedRegion>> UsedRegions();
  Result<std::optional<std::string>> GetSetting(const std::string& key);

 private:
  class Impl;
  explicit LedgerReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace carbond
