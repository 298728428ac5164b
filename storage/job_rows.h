#pragma once
// Jobs and runs as rows. What a column holds is said once, here, and serves the
// writer, the reader and the proof that both agree. Private to storage/; throws
// as query.h says.

#include <optional>
#include <string>
#include <vector>

#include "scheduler/emissions.h"
#include "scheduler/lifecycle.h"
#include "storage/query.h"

namespace carbond {

// The region of the current or last run; empty before the first.
const std::string& RegionOf(const Job& job);

// Calls f(column, value) for each column of a job's row, in the table's order.
template <typename F>
void EachJobColumn(const Job& job, F&& f) {
  const JobSpec& spec = job.spec;
  f("id", job.id);
  f("name", spec.name);
  f("project", spec.project);
  f("user", spec.user);
  f("home_region", spec.home_region);
  f("gpus", spec.need.gpus);
  f("cpus", spec.need.cpus);
  f("state", job.state);
  f("outcome", job.outcome);
  f("exit_code", job.exit_code);
  f("region", RegionOf(job));
  f("submitted_at_ms", job.submitted_at);
  f("started_at_ms", job.started_at);
  f("finished_at_ms", job.finished_at);
  f("deadline_ms", spec.deadline);
  f("held", job.held);
  f("cancel_requested", job.cancel_requested);
  f("failures", job.failures);
  f("has_checkpoint", job.has_checkpoint);
  f("pauses", Pauses(job));
  f("work_done_ms", job.work_done);
  f("work_saved_ms", job.work_saved);
  f("energy_mwh", job.energy);
  f("last_seq", job.last_seq);
  f("released_at_ms", job.released_at);
  f("held_by", job.held_by);
  f("held_for_budget", job.held_for_budget);
  f("over_budget", job.over_budget);
}

std::string JoinIndices(const std::vector<int>& indices);  // "0,3"

template <typename F>
void EachRunColumn(const Job& job, const Run& run, F&& f) {
  f("job", job.id);
  f("run", run.number);
  f("region", run.region);
  f("process", run.process);
  f("gpus", JoinIndices(run.allotment.gpus));
  f("cpus", run.allotment.cpus);
  f("resume", run.resume);
  f("issued_at_ms", run.issued_at);
  f("started_at_ms", run.started_at);
  f("ended_at_ms", run.ended_at);
  f("end", run.end);
  f("exit_code", run.exit_code);
  f("signal", run.signal);
  f("detail", run.detail);
  f("metered_until_ms", run.metered_until);
  f("pause_issued_at_ms", run.pause_issued_at);
  f("pause_attempts", run.pause_attempts);
  f("pause_failed_at_ms", run.pause_failed_at);
  f("ready", run.ready);
  f("stop_why", run.stop_why);
  f("work_ms", run.work);
  f("data_from", run.move.from);
  f("transfer_ms", run.move.time);
  f("transfer_mwh", run.move.energy);
  f("not_before_ms", run.not_before);
  f("saved_at_ms", run.saved_at);
}

// Writes the row of a job, new or not, and of its runs from number `first_run`
// on; earlier runs are as they were. Reopens its figures: they no longer cover
// all that happened.
class JobWriter {
 public:
  explicit JobWriter(Connection& connection);
  void Write(const Job& job, int first_run);

 private:
  Query job_;
  Query run_;
};

// SELECT ... FROM jobs and their Submitted events, up to and without WHERE.
// `hint` says which index of jobs to use: "INDEXED BY ...", or nothing.
std::string SelectJobs(const std::string& hint);

// The job of the current row of such a query, with its runs.
Job ReadJob(Connection& connection, Query& row);

// Its readings, in their order.
std::vector<Reading> ReadReadings(Connection& connection, JobId job);

}  // namespace carbond
