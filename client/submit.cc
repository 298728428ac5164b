// Submitting, and asking what submitting would do.
//
// SubmitJobs answers when the jobs are on disk. If the connection breaks before
// the answer is there, nobody knows whether they are; so the same request is
// sent again under the same id, and the daemon takes it only once. Planning
// comes after the answer: the sentence for people waits for it a moment, and
// the submission has succeeded whether the plan is there by then or not.

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "client/commands.h"
#include "client/job_file.h"
#include "client/json_out.h"
#include "client/quantity.h"
#include "client/reports.h"
#include "client/words.h"

namespace carbond::client {
namespace {

constexpr int kTries = 3;
constexpr absl::Duration kFirstPause = absl::Milliseconds(250);
constexpr absl::Duration kPlanPatience = absl::Seconds(3);
constexpr int kMostSentences = 10;

// The jobs to submit, as they were described.
absl::StatusOr<std::vector<JobWords>> Described(const Session& session,
                                                const SubmitOptions& options) {
  if (options.file.empty()) return std::vector<JobWords>{options.words};
  auto jobs = ReadJobFile(options.file, session.submitter.directory);
  if (!jobs.ok()) return jobs;
  const bool flags =
      !options.words.said.empty() || !options.words.command.empty();
  if (jobs->size() > 1 && flags) {
    return absl::InvalidArgumentError(fmt::format(
        "{} holds {} jobs: flags and a command beside it need a file with one",
        options.file, jobs->size()));
  }
  if (flags) jobs->front() = Overridden(jobs->front(), options.words);
  return jobs;
}

absl::StatusOr<std::vector<v1::JobSpec>> SpecsAt(
    const Session& session, const SubmitOptions& options,
    const std::vector<JobWords>& jobs, const Here& here) {
  std::vector<v1::JobSpec> specs;
  std::string mistakes;  // of all jobs, a line each
  for (const JobWords& job : jobs) {
    auto spec = MakeSpec(job, session.submitter, here);
    if (spec.ok()) {
      specs.push_back(*std::move(spec));
      continue;
    }
    std::istringstream lines(std::string(spec.status().message()));
    for (std::string line; std::getline(lines, line);) {
      if (!mistakes.empty()) mistakes += '\n';
      mistakes += line.starts_with("line ") ? options.file + ": " + line : line;
    }
  }
  if (!mistakes.empty()) return absl::InvalidArgumentError(mistakes);
  return specs;
}

// Specs of the jobs. On an error `exit_code` says whose it is.
absl::StatusOr<std::vector<v1::JobSpec>> Specs(Session& session,
                                               const SubmitOptions& options,
                                               int& exit_code) {
  exit_code = kMisused;
  const auto jobs = Described(session, options);
  if (!jobs.ok()) {
    if (absl::IsNotFound(jobs.status())) exit_code = kRefused;
    return jobs.status();
  }
  auto specs = SpecsAt(session, options, *jobs, session.here);
  const bool depends =
      std::any_of(jobs->begin(), jobs->end(),
                  [](const JobWords& job) { return DependsOnNow(job); });
  if (!specs.ok() || !depends) return specs;
  // `in 24h` and `at 08:00` are meant by the daemon's clock.
  const auto here = DaemonHere(session);
  if (!here.ok()) {
    exit_code = kRefused;
    return here.status();
  }
  return SpecsAt(session, options, *jobs, *here);
}

// Tries again with the same request id while the daemon is not there.
absl::Status SubmitWithRetries(Session& session,
                               const v1::SubmitJobsRequest& request,
                               v1::SubmitJobsResponse* answer) {
  absl::Status status;
  absl::Duration pause = kFirstPause;
  bool sent = false;  // perhaps taken, though no answer came
  for (int attempt = 1;; ++attempt) {
    status = session.channel.Call(&v1::Carbond::StubInterface::SubmitJobs,
                                  request, answer);
    const bool gone = absl::IsUnavailable(status);
    sent = sent || absl::IsDeadlineExceeded(status) ||
           (gone && !NeverConnected(status));
    if (!gone || attempt == kTries) break;
    session.channel.AwaitRecovery(pause, 2 * pause);
    pause *= 2;
  }
  if (status.ok() || !sent) return status;
  return absl::Status(
      status.code(),
      fmt::format("{}; whether the job was taken is not known: submit it again "
                  "with --request-id {}",
                  std::string(status.message()), request.request_id()));
}

bool HasSettled(const v1::Job& job) {
  return job.has_plan() || job.state() != v1::JOB_STATE_WAITING || job.held();
}

// The job with its plan, if that is made in time; else as far as it is known.
v1::Job AwaitPlan(Session& session, const std::string& id,
                  absl::Duration& patience) {
  v1::GetJobRequest request;
  request.set_job_id(id);
  v1::Job job;
  job.set_id(id);
  absl::Duration pause = absl::Milliseconds(10);
  for (;;) {
    v1::Job seen;
    const absl::Status status =
        session.channel.Call(&v1::Carbond::StubInterface::GetJob, request,
                             &seen, std::max(patience, absl::Seconds(1)));
    // The job is on disk: what is missing is only the sentence about it.
    if (!status.ok()) return job;
    job = std::move(seen);
    if (HasSettled(job) || patience <= absl::ZeroDuration()) return job;
    session.channel.Pause(pause);
    patience -= pause;
    pause = std::min(2 * pause, absl::Milliseconds(200));
  }
}

void Tell(Session& session, const v1::SubmitJobsResponse& answer) {
  const int count = answer.job_ids_size();
  std::string ids;
  for (const std::string& id : answer.job_ids()) ids += Printable(id) + "\n";
  if (!session.json) session.console.Print(ids);
  if (!session.json && count > kMostSentences) {
    session.console.Complain(fmt::format(
        "{} are accepted, {} to {}: see carbonctl list\n", Count(count, "job"),
        Printable(answer.job_ids(0)), Printable(answer.job_ids(count - 1))));
    return;
  }
  absl::Duration patience = kPlanPatience;  // for all of them together
  Json array = Json::array();
  for (const std::string& id : answer.job_ids()) {
    const v1::Job job = AwaitPlan(session, id, patience);
    array.push_back(ToJson(job));
    session.console.Complain(
        SubmitLine(job, session.here.zone) +
        (answer.repeated_request() ? "; it was submitted before\n" : "\n"));
  }
  if (session.json) {
    session.console.Print(Pretty(count == 1 ? array.front() : array));
  }
}

}  // namespace

int Submit(Session& session, const SubmitOptions& options) {
  int exit_code = kDone;
  const auto specs = Specs(session, options, exit_code);
  if (!specs.ok()) return Fail(session, specs.status(), exit_code);
  v1::SubmitJobsRequest request;
  request.set_request_id(options.request_id);
  for (const v1::JobSpec& spec : *specs) *request.add_jobs() = spec;
  v1::SubmitJobsResponse answer;
  const absl::Status status = SubmitWithRetries(session, request, &answer);
  if (!status.ok()) return Fail(session, status);
  Tell(session, answer);
  return kDone;
}

int Plan(Session& session, const SubmitOptions& options) {
  int exit_code = kDone;
  const auto specs = Specs(session, options, exit_code);
  if (!specs.ok()) return Fail(session, specs.status(), exit_code);
  Json array = Json::array();
  for (const v1::JobSpec& spec : *specs) {
    v1::PlanJobRequest request;
    *request.mutable_job() = spec;
    v1::PlanJobResponse answer;
    const absl::Status status = session.channel.Call(
        &v1::Carbond::StubInterface::PlanJob, request, &answer);
    if (!status.ok()) return Fail(session, status);
    if (session.json) {
      array.push_back(ToJson(answer));
    } else {
      session.console.Print(PlanPage(answer, session.look, session.here.zone));
    }
  }
  if (session.json) {
    session.console.Print(Pretty(specs->size() == 1 ? array.front() : array));
  }
  return kDone;
}

}  // namespace carbond::client
