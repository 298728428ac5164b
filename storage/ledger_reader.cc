#include "storage/ledger_reader.h"

#include <algorithm>

#include "storage/archive.h"
#include "storage/event_codec.h"
#include "storage/figures.h"
#include "storage/job_rows.h"
#include "storage/query.h"
#include "storage/report.h"
#include "storage/schema.h"
#include "storage/settings.h"

namespace carbond {
namespace {

JobRecord ReadRecord(Connection& connection, Query& row) {
  JobRecord record;
  record.job = ReadJob(connection, row);
  record.plan = NewestPlan(connection, record.job.id);
  record.emissions = FiguresOf(connection, record.job.id);
  record.second = SecondOf(connection, record.job.id);
  return record;
}

bool AsksForLiveOnly(const JobFilter& filter) {
  return filter.live_only ||
         (!filter.states.empty() &&
          std::find(filter.states.begin(), filter.states.end(), State::kDone) ==
              filter.states.end());
}

// The page of a filter. Live jobs are few among the many that are done, and
// have an index of their own, in the order of the page. A filter that is not
// asked for leaves no trace in the text, so that it costs nothing.
std::string PageSql(const JobFilter& filter) {
  const bool live = AsksForLiveOnly(filter);
  std::string sql =
      SelectJobs(live                  ? "INDEXED BY jobs_live"
                 : filter.user.empty() ? "NOT INDEXED"
                                       : "INDEXED BY jobs_of_user");
  sql += live ? "WHERE jobs.state <> 'done'" : "WHERE TRUE";
  if (filter.before) sql += " AND jobs.id < ?";
  if (!filter.states.empty()) {
    sql += " AND jobs.state IN (?";
    for (size_t i = 1; i < filter.states.size(); ++i) sql += ", ?";
    sql += ")";
  }
  if (!filter.user.empty()) sql += " AND jobs.user = ?";
  if (!filter.project.empty()) sql += " AND jobs.project = ?";
  if (!filter.name.empty()) sql += " AND jobs.name = ?";
  if (!filter.region.empty()) {
    // Before its first run a job is where its plan would have it.
    sql +=
        " AND iif(jobs.region <> '', jobs.region, (SELECT p.region FROM "
        "plans p WHERE p.job = jobs.id ORDER BY p.made_at_ms DESC LIMIT 1)) "
        "= ?";
  }
  return sql + " ORDER BY jobs.id DESC LIMIT ?";
}

void BindPage(Query& row, const JobFilter& filter) {
  row.Bind();
  if (filter.before) row.Add(*filter.before);
  for (const State state : filter.states) row.Add(state);
  for (const std::string* text :
       {&filter.user, &filter.project, &filter.name, &filter.region}) {
    if (!text->empty()) row.Add(*text);
  }
  row.Add(std::max(filter.limit, 0));
}

}  // namespace

class LedgerReader::Impl {
 public:
  explicit Impl(std::unique_ptr<Connection> opened)
      : connection(std::move(opened)) {}

  // Runs `body` in one short snapshot and hands out what it made.
  template <typename T>
  Result<T> Ask(const std::function<Result<T>(Connection&)>& body) {
    std::optional<T> answer;
    CARBOND_RETURN_IF_ERROR(connection->Read([&]() -> Status {
      Result<T> made = body(*connection);
      if (made.ok()) answer = *std::move(made);
      return made.status();
    }));
    return *std::move(answer);
  }

  std::unique_ptr<Connection> connection;
};

LedgerReader::LedgerReader(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)) {}
LedgerReader::~LedgerReader() = default;

Result<std::unique_ptr<LedgerReader>> LedgerReader::Open(
    const std::string& path) {
  CARBOND_ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection,
                           Connection::Open(path, Connection::Access::kRead));
  CARBOND_RETURN_IF_ERROR(CheckSchema(*connection));
  return std::unique_ptr<LedgerReader>(
      new LedgerReader(std::make_unique<Impl>(std::move(connection))));
}

Result<JobRecord> LedgerReader::Get(JobId id) {
  return impl_->Ask<JobRecord>([&](Connection& c) -> Result<JobRecord> {
    Query row(c, SelectJobs("") + "WHERE jobs.id = ?", id);
    if (!row.Step()) {
      return Missing("there is no job {}: see `carbonctl list`", Number(id));
    }
    JobRecord record = ReadRecord(c, row);
    record.parts = PartsOf(c, id);
    record.superseded = SupersededOf(c, id);
    return record;
  });
}

Result<std::vector<JobRecord>> LedgerReader::List(const JobFilter& filter) {
  using Page = std::vector<JobRecord>;
  return impl_->Ask<Page>([&](Connection& c) -> Result<Page> {
    Page page;
    Query row(c, PageSql(filter));
    BindPage(row, filter);
    while (row.Step()) page.push_back(ReadRecord(c, row));
    return page;
  });
}

Result<std::vector<Event>> LedgerReader::EventsOf(JobId id, int after_seq) {
  using Events = std::vector<Event>;
  return impl_->Ask<Events>([&](Connection& c) -> Result<Events> {
    Events events;
    Query row(c,
              "SELECT seq, at_ms, kind, body FROM events "
              "WHERE job = ? AND seq > ? ORDER BY seq",
              id, after_seq);
    while (row.Step()) {
      Event& event = events.emplace_back();
      event.job = id;
      std::string kind, body;
      row.Read(event.seq, event.at, kind, body);
      CARBOND_ASSIGN_OR_RETURN(event.fact, DecodeFact(kind, body));
    }
    return events;
  });
}

Result<std::optional<JobId>> LedgerReader::NewestJob() {
  using Newest = std::optional<JobId>;
  return impl_->Ask<Newest>([&](Connection& c) -> Result<Newest> {
    Query row(c, "SELECT id FROM jobs ORDER BY id DESC LIMIT 1");
    Newest newest;
    if (row.Step()) row.Read(newest.emplace());
    return newest;
  });
}

Result<std::vector<ReportRow>> LedgerReader::Report(
    const ReportFilter& filter) {
  using Rows = std::vector<ReportRow>;
  return impl_->Ask<Rows>(
      [&](Connection& c) -> Result<Rows> { return MakeReport(c, filter); });
}

Result<std::map<std::string, Resources>> LedgerReader::Used() {
  using Usage = std::map<std::string, Resources>;
  return impl_->Ask<Usage>([&](Connection& c) -> Result<Usage> {
    Usage used;
    // As Job::occupies() has it.
    Query row(c,
              "SELECT region, sum(gpus), sum(cpus) FROM jobs INDEXED BY "
              "jobs_live WHERE state <> 'done' AND (state IN ('starting', "
              "'running') OR (state = 'paused' AND 'suspended' = "
              "(SELECT end FROM runs WHERE job = id ORDER BY run DESC "
              "LIMIT 1))) GROUP BY region");
    while (row.Step()) {
      std::string region;
      Resources total;
      row.Read(region, total.gpus, total.cpus);
      used.emplace(std::move(region), total);
    }
    return used;
  });
}

Result<Series> LedgerReader::ObservedOf(const std::string& zone,
                                        Interval within) {
  return impl_->Ask<Series>([&](Connection& c) -> Result<Series> {
    const std::vector<Observed> all = ObservedWithin(c, within, zone);
    Series known;
    // Only providers of the signal that was fetched last: signals do not mix.
    for (const Observed& observed : all) {
      if (observed.signal == all.back().signal) {
        known = known.Under(observed.series);
      }
    }
    return known.Clip(within);
  });
}

Result<std::optional<Forecast>> LedgerReader::NewestForecast(
    const std::string& zone) {
  using Found = std::optional<Forecast>;
  return impl_->Ask<Found>([&](Connection& c) -> Result<Found> {
    return NewestForecastOf(c, zone);
  });
}

Result<std::vector<Forecast>> LedgerReader::ForecastsSince(
    const std::string& zone, Instant since) {
  using Found = std::vector<Forecast>;
  return impl_->Ask<Found>([&](Connection& c) -> Result<Found> {
    return carbond::ForecastsSince(c, zone, since);
  });
}

Result<std::vector<UsedRegion>> LedgerReader::UsedRegions() {
  using Found = std::vector<UsedRegion>;
  return impl_->Ask<Found>([&](Connection& c) -> Result<Found> {
    Found used;
    // Of each region the row with the greatest end.
    Query row(c,
              "SELECT region, zone, pue_thousandths, max(end_ms) "
              "FROM emissions GROUP BY region ORDER BY region");
    while (row.Step()) {
      UsedRegion& region = used.emplace_back();
      int32_t pue = 0;
      Instant end;
      row.Read(region.name, region.zone, pue, end);
      region.pue = Pue::FromThousandths(pue);
    }
    return used;
  });
}

Result<std::optional<std::string>> LedgerReader::GetSetting(
    const std::string& key) {
  using Found = std::optional<std::string>;
  return impl_->Ask<Found>(
      [&](Connection& c) -> Result<Found> { return SettingOf(c, key); });
}

}  // namespace carbond
