#include "storage/sqlite_ledger.h"

#include <unordered_map>

#include "storage/archive.h"
#include "storage/event_codec.h"
#include "storage/figures.h"
#include "storage/job_rows.h"
#include "storage/query.h"
#include "storage/schema.h"
#include "storage/settings.h"

namespace carbond {
namespace {

// The run that a fact names, 0 for facts about the whole job.
int RunOf(const Fact& fact) {
  return std::visit(
      [](const auto& f) {
        if constexpr (requires { f.run; }) {
          return f.run;
        } else {
          return 0;
        }
      },
      fact);
}

// The first run of each job that the events may have changed. A fact changes
// the run it names and no other, so earlier rows stand as they are.
std::unordered_map<int64_t, int> FirstRuns(const std::vector<Event>& events) {
  std::unordered_map<int64_t, int> first;
  for (const Event& event : events) {
    const int run = RunOf(event.fact);
    if (run == 0) continue;
    int& lowest = first.try_emplace(Number(event.job), run).first->second;
    lowest = std::min(lowest, run);
  }
  return first;
}

void StoreJobs(Connection& connection, const Batch& batch) {
  const auto first_runs = FirstRuns(batch.events);
  JobWriter writer(connection);
  for (const Job* job : batch.jobs) {
    const auto first = first_runs.find(Number(job->id));
    writer.Write(*job, first == first_runs.end()
                           ? static_cast<int>(job->runs.size()) + 1
                           : first->second);
  }
}

void StoreEvents(Connection& connection, const std::vector<Event>& events) {
  Query event_row(connection,
                  "INSERT INTO events (job, seq, at_ms, kind, body) "
                  "VALUES (?, ?, ?, ?, ?)");
  Query energy_row(connection,
                   "INSERT INTO energy (job, seq, run, begin_ms, end_ms, "
                   "energy_mwh, purpose, source, measured_mwh, "
                   "pue_thousandths) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  for (const Event& event : events) {
    const std::string body = EncodeFact(event.fact);
    event_row.Bind(event.job, event.seq, event.at, FactName(event.fact), body);
    event_row.Run();
    if (const auto* metered = std::get_if<EnergyMetered>(&event.fact)) {
      energy_row.Bind(event.job, event.seq, metered->run,
                      metered->interval.begin, metered->interval.end,
                      metered->energy, metered->purpose, metered->source,
                      MeasuredPart(*metered), metered->pue);
      energy_row.Run();
    }
  }
}

void StoreRequest(Connection& connection, const RequestRecord& request) {
  Query(connection,
        "INSERT INTO requests (request_id, digest, first_job, job_count, "
        "at_ms) VALUES (?, ?, ?, ?, ?)",
        request.request_id, request.digest, request.first, request.count,
        request.at)
      .Run();
}

JobId NextJob(Connection& connection) {
  int64_t highest = 0;
  Query row(connection, "SELECT coalesce(max(id), 0) FROM jobs");
  row.Step();
  row.Read(highest);
  return JobId{highest + 1};
}

std::vector<Job> ReadJobs(Connection& connection, const std::string& hint,
                          const std::string& where) {
  std::vector<Job> jobs;
  Query row(connection,
            SelectJobs(hint) + "WHERE " + where + " ORDER BY jobs.id");
  while (row.Step()) jobs.push_back(ReadJob(connection, row));
  return jobs;
}

}  // namespace

class SqliteLedger::Impl {
 public:
  explicit Impl(std::unique_ptr<Connection> opened)
      : connection(std::move(opened)) {}
  std::unique_ptr<Connection> connection;
};

SqliteLedger::SqliteLedger(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)) {}
SqliteLedger::~SqliteLedger() = default;

Result<std::unique_ptr<SqliteLedger>> SqliteLedger::Open(
    const std::string& path) {
  CARBOND_ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection,
                           Connection::Open(path, Connection::Access::kWrite));
  CARBOND_RETURN_IF_ERROR(PrepareSchema(*connection));
  return std::unique_ptr<SqliteLedger>(
      new SqliteLedger(std::make_unique<Impl>(std::move(connection))));
}

Status SqliteLedger::Append(const Batch& batch) {
  Connection& connection = *impl_->connection;
  return connection.Write([&] {
    // Jobs before what refers to them.
    StoreJobs(connection, batch);
    StoreEvents(connection, batch.events);
    for (const auto& request : batch.requests) {
      StoreRequest(connection, request);
    }
    for (const auto& plan : batch.plans) StorePlan(connection, plan);
    for (const auto& forecast : batch.forecasts) {
      StoreForecast(connection, forecast);
    }
    for (const auto& observed : batch.observed) {
      StoreObserved(connection, observed);
    }
    for (const auto& account : batch.accounts) {
      StoreAccount(connection, account);
    }
    return Ok();
  });
}

Result<Recovered> SqliteLedger::Recover(Instant grid_since) {
  Connection& connection = *impl_->connection;
  Recovered recovered;
  CARBOND_RETURN_IF_ERROR(connection.Read([&] {
    recovered.next_job = NextJob(connection);
    recovered.live =
        ReadJobs(connection, "INDEXED BY jobs_live", "jobs.state <> 'done'");
    recovered.unsettled = ReadJobs(connection, "INDEXED BY jobs_unsettled",
                                   "jobs.state = 'done' AND jobs.settled = 0");
    for (const auto* jobs : {&recovered.live, &recovered.unsettled}) {
      for (const Job& job : *jobs) {
        auto readings = ReadReadings(connection, job.id);
        if (!readings.empty()) {
          recovered.readings.emplace(job.id, std::move(readings));
        }
      }
    }
    for (const Job& job : recovered.live) {
      if (auto plan = NewestPlan(connection, job.id)) {
        recovered.plans.emplace(job.id, *std::move(plan));
      }
    }
    recovered.forecast_zones = ForecastZones(connection);
    recovered.observed = ObservedWithin(
        connection, {grid_since, Instant::Never()}, std::nullopt);
    return Ok();
  }));
  return recovered;
}

Result<std::vector<Forecast>> SqliteLedger::ForecastsSince(
    const std::string& zone, Instant since) {
  Connection& connection = *impl_->connection;
  std::vector<Forecast> forecasts;
  CARBOND_RETURN_IF_ERROR(connection.Read([&] {
    forecasts = carbond::ForecastsSince(connection, zone, since);
    return Ok();
  }));
  return forecasts;
}

Result<std::optional<RequestRecord>> SqliteLedger::FindRequest(
    const std::string& request_id) {
  Connection& connection = *impl_->connection;
  std::optional<RequestRecord> found;
  CARBOND_RETURN_IF_ERROR(connection.Read([&] {
    Query row(connection,
              "SELECT request_id, digest, first_job, job_count, at_ms "
              "FROM requests WHERE request_id = ?",
              request_id);
    if (row.Step()) {
      RequestRecord& r = found.emplace();
      row.Read(r.request_id, r.digest, r.first, r.count, r.at);
    }
    return Ok();
  }));
  return found;
}

Result<std::vector<Duration>> SqliteLedger::PastWork(const std::string& user,
                                                     const std::string& name,
                                                     int limit) {
  Connection& connection = *impl_->connection;
  std::vector<Duration> past;
  CARBOND_RETURN_IF_ERROR(connection.Read([&] {
    Query row(connection,
              "SELECT (SELECT sum(work_ms) FROM runs WHERE job = jobs.id) "
              "FROM jobs INDEXED BY jobs_succeeded "
              "WHERE outcome = 'succeeded' AND failures = 0 "
              "AND user = ? AND name = ? ORDER BY id DESC LIMIT ?",
              user, name, limit);
    while (row.Step()) row.Read(past.emplace_back());
    return Ok();
  }));
  return past;
}

Result<std::vector<Spent>> SqliteLedger::SettledSince(Instant since) {
  Connection& connection = *impl_->connection;
  std::vector<Spent> spent;
  CARBOND_RETURN_IF_ERROR(connection.Read([&] {
    Query row(connection,
              "SELECT j.user, j.project, e.signal, sum(e.emissions_mg) "
              "FROM emissions e INDEXED BY emissions_end JOIN jobs j "
              "ON j.id = e.job WHERE e.end_ms > ?1 AND e.begin_ms >= ?1 "
              "AND j.state = 'done' AND j.settled = 1 "
              "GROUP BY j.user, j.project, e.signal",
              since);
    while (row.Step()) {
      Spent& each = spent.emplace_back();
      row.Read(each.user, each.project, each.signal, each.grams);
    }
    return Ok();
  }));
  return spent;
}

Status SqliteLedger::PutSetting(const std::string& key,
                                const std::string& value) {
  Connection& connection = *impl_->connection;
  return connection.Write([&] {
    StoreSetting(connection, key, value);
    return Ok();
  });
}

Result<std::optional<std::string>> SqliteLedger::GetSetting(
    const std::string& key) {
  Connection& connection = *impl_->connection;
  std::optional<std::string> value;
  CARBOND_RETURN_IF_ERROR(connection.Read([&] {
    value = SettingOf(connection, key);
    return Ok();
  }));
  return value;
}

}  // namespace carbond
