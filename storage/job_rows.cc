#include "storage/job_rows.h"

#include <charconv>

#include "storage/event_codec.h"

namespace carbond {
namespace {

// INSERT that becomes an UPDATE of every column when the key is there.
class UpsertSql {
 public:
  explicit UpsertSql(std::string table) : table_(std::move(table)) {}

  void Column(const std::string& name) {
    const char* comma = names_.empty() ? "" : ", ";
    names_ += comma + name;
    marks_ += std::string(comma) + "?";
    sets_ += fmt::format("{}{} = excluded.{}", comma, name, name);
  }
  std::string Text(const std::string& key, const std::string& more) const {
    return fmt::format(
        "INSERT INTO {} ({}) VALUES ({}) ON CONFLICT ({}) DO UPDATE SET {}{}",
        table_, names_, marks_, key, sets_, more);
  }

 private:
  std::string table_, names_, marks_, sets_;
};

const std::string& UpsertJobSql() {
  static const std::string text = [] {
    UpsertSql sql("jobs");
    EachJobColumn(Job(),
                  [&](const char* name, const auto&) { sql.Column(name); });
    return sql.Text("id", ", settled = 0");
  }();
  return text;
}

const std::string& UpsertRunSql() {
  static const std::string text = [] {
    UpsertSql sql("runs");
    EachRunColumn(Job(), Run(),
                  [&](const char* name, const auto&) { sql.Column(name); });
    return sql.Text("job, run", "");
  }();
  return text;
}

std::vector<int> SplitIndices(const std::string& text) {
  std::vector<int> indices;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    int index = 0;
    const auto [next, error] = std::from_chars(at, end, index);
    if (error != std::errc() || (next < end && *next != ',')) {
      throw std::runtime_error(
          fmt::format("`{}` is no list of device indices", text));
    }
    indices.push_back(index);
    at = next + 1;
  }
  return indices;
}

std::vector<Run> ReadRuns(Connection& connection, JobId job) {
  std::vector<Run> runs;
  Query row(connection,
            "SELECT run, region, process, gpus, cpus, resume, issued_at_ms, "
            "started_at_ms, ended_at_ms, end, exit_code, signal, detail, "
            "metered_until_ms, pause_issued_at_ms, pause_attempts, "
            "pause_failed_at_ms, ready, stop_why, work_ms, data_from, "
            "transfer_ms, transfer_mwh, not_before_ms, saved_at_ms "
            "FROM runs WHERE job = ? ORDER BY run",
            job);
  while (row.Step()) {
    Run& run = runs.emplace_back();
    std::string gpus;
    row.Read(run.number, run.region, run.process, gpus, run.allotment.cpus,
             run.resume, run.issued_at, run.started_at, run.ended_at, run.end,
             run.exit_code, run.signal, run.detail, run.metered_until,
             run.pause_issued_at, run.pause_attempts, run.pause_failed_at,
             run.ready, run.stop_why, run.work, run.move.from, run.move.time,
             run.move.energy, run.not_before, run.saved_at);
    run.allotment.gpus = SplitIndices(gpus);
  }
  return runs;
}

}  // namespace

std::string JoinIndices(const std::vector<int>& indices) {
  return fmt::format("{}", fmt::join(indices, ","));
}

const std::string& RegionOf(const Job& job) {
  static const std::string none;
  const Run* run = LastNotRecalled(job);
  return run == nullptr ? none : run->region;
}

JobWriter::JobWriter(Connection& connection)
    : job_(connection, UpsertJobSql()), run_(connection, UpsertRunSql()) {}

void JobWriter::Write(const Job& job, int first_run) {
  job_.Bind();
  EachJobColumn(job, [&](const char*, auto&& value) {
    job_.Add(std::forward<decltype(value)>(value));
  });
  job_.Run();
  for (const Run& run : job.runs) {
    if (run.number < first_run) continue;
    run_.Bind();
    EachRunColumn(job, run, [&](const char*, auto&& value) {
      run_.Add(std::forward<decltype(value)>(value));
    });
    run_.Run();
  }
}

std::string SelectJobs(const std::string& hint) {
  return fmt::format(
      "SELECT id, submitted.body, state, outcome, exit_code, submitted_at_ms, "
      "started_at_ms, finished_at_ms, held, cancel_requested, failures, "
      "has_checkpoint, work_done_ms, work_saved_ms, energy_mwh, last_seq, "
      "released_at_ms, held_by, held_for_budget, over_budget "
      "FROM jobs {} LEFT JOIN events submitted ON submitted.job = jobs.id AND "
      "submitted.seq = 1 ",
      hint);
}

Job ReadJob(Connection& connection, Query& row) {
  Job job;
  std::string body;
  row.Read(job.id, body, job.state, job.outcome, job.exit_code,
           job.submitted_at, job.started_at, job.finished_at, job.held,
           job.cancel_requested, job.failures, job.has_checkpoint,
           job.work_done, job.work_saved, job.energy, job.last_seq,
           job.released_at, job.held_by, job.held_for_budget, job.over_budget);
  Result<JobSpec> spec = DecodeSpec(body);
  if (!spec.ok()) {
    throw std::runtime_error(
        fmt::format("job {}: {}", Number(job.id), Message(spec.status())));
  }
  job.spec = *std::move(spec);
  job.runs = ReadRuns(connection, job.id);
  return job;
}

std::vector<Reading> ReadReadings(Connection& connection, JobId job) {
  std::vector<Reading> readings;
  Query row(connection,
            "SELECT run, runs.region, begin_ms, end_ms, energy_mwh, purpose, "
            "source, measured_mwh, pue_thousandths FROM energy JOIN runs USING "
            "(job, run) WHERE "
            "job = ? "
            "ORDER BY seq",
            job);
  while (row.Step()) {
    Reading& reading = readings.emplace_back();
    EnergyMetered& metered = reading.metered;
    row.Read(reading.run, reading.region, metered.interval.begin,
             metered.interval.end, metered.energy, metered.purpose,
             metered.source, metered.measured, metered.pue);
    if (metered.source != EnergySource::kMixed) metered.measured = WattHours();
    metered.run = reading.run;
  }
  return readings;
}

}  // namespace carbond
