// The commands that stay: watch, logs and wait.

#include <fmt/format.h>
#include <grpcpp/support/sync_stream.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "client/commands.h"
#include "client/credential.h"
#include "client/happenings.h"
#include "client/json_out.h"
#include "client/words.h"

namespace carbond::client {
namespace {

// How long a daemon that was there may be gone before a wait gives up.
constexpr absl::Duration kRestart = absl::Seconds(60);
constexpr absl::Duration kPause = absl::Milliseconds(500);

// What is told of one message of a watch.
std::string Told(const Session& session,
                 const v1::WatchJobsResponse& happening) {
  return session.json ? OneLine(ToJson(happening))
                      : HappeningLine(happening, session.here.zone);
}

bool IsDone(const v1::WatchJobsResponse& happening, const std::string& job) {
  return happening.has_job() && happening.job().id() == job &&
         happening.job().state() == v1::JOB_STATE_DONE;
}

void PrintPiece(Session& session, const v1::ReadLogsResponse& piece) {
  if (session.json) {
    session.console.Print(OneLine(ToJson(piece)));
  } else if (piece.is_stderr()) {
    session.console.Complain(piece.data());
  } else {
    session.console.Print(piece.data());
  }
}

grpc::Status ReadLogs(Session& session, const v1::ReadLogsRequest& request,
                      grpc::ClientContext& context) {
  const auto stream = session.channel.stub().ReadLogs(&context, request);
  v1::ReadLogsResponse piece;
  while (session.console.IsRead() && stream->Read(&piece)) {
    PrintPiece(session, piece);
  }
  if (!session.console.IsRead()) context.TryCancel();
  return stream->Finish();
}

// Whether carbond is there at all and knows the job: what a wait must find out
// before it may take an error for a restart.
absl::Status Know(Session& session, const std::string& id) {
  v1::GetJobRequest request;
  request.set_job_id(id);
  v1::Job job;
  return session.channel.Call(&v1::Carbond::StubInterface::GetJob, request,
                              &job);
}

// Waits through restarts of the daemon: the jobs outlive it.
absl::Status WaitThroughRestarts(Session& session,
                                 const v1::WaitJobsRequest& request,
                                 v1::WaitJobsResponse* answer) {
  absl::Status status = Know(session, request.job_ids(0));
  if (!status.ok()) return status;
  absl::Duration patience = kRestart;
  for (bool told = false;; told = true) {
    status = session.channel.Call(&v1::Carbond::StubInterface::WaitJobs,
                                  request, answer, absl::InfiniteDuration());
    if (!absl::IsUnavailable(status)) return status;
    if (!told) {
      session.console.Complain(
          fmt::format("carbonctl: lost carbond at {}, waiting for it to come "
                      "back\n",
                      session.channel.address()));
    }
    patience -= kPause;  // one that answers, but only to say no
    if (patience <= absl::ZeroDuration() ||
        !session.channel.AwaitRecovery(kPause, patience)) {
      return status;
    }
  }
}

}  // namespace

int Watch(Session& session, const std::string& job) {
  v1::WatchJobsRequest request;
  if (!job.empty()) request.add_job_ids(job);
  grpc::ClientContext context;
  const auto stream = session.channel.stub().WatchJobs(&context, request);
  v1::WatchJobsResponse happening;
  bool done = false, nothing = true;
  while (!done && session.console.IsRead() && stream->Read(&happening)) {
    session.console.Print(Told(session, happening));
    done = !job.empty() && IsDone(happening, job);
    if (happening.what_case() == v1::WatchJobsResponse::kCaughtUp && nothing &&
        !session.json) {
      session.console.Complain(
          "carbonctl: no job is waiting or running; watching for new ones\n");
    }
    nothing = false;
  }
  if (done || !session.console.IsRead()) {
    context.TryCancel();
    stream->Finish();  // the status of a call that we ended says nothing
    return kDone;
  }
  const grpc::Status status = stream->Finish();
  if (!status.ok()) return Fail(session, session.channel.Explain(status));
  if (job.empty()) return kDone;
  return Fail(session,
              absl::UnavailableError(fmt::format(
                  "carbond at {} ended the watch before job {} was done",
                  session.channel.address(), job)));
}

int Logs(Session& session, const LogsOptions& options) {
  v1::ReadLogsRequest request;
  request.set_job_id(options.job);
  request.set_follow(options.follow);
  request.set_stdout_only(options.stdout_only);
  request.set_stderr_only(options.stderr_only);
  grpc::ClientContext context;
  grpc::Status status = ReadLogs(session, request, context);
  if (const auto challenge = ChallengeIn(context, status)) {
    grpc::ClientContext again;
    const absl::Status proven =
        Prove(*challenge, request, session.channel.munge_socket(), again);
    if (!proven.ok()) return Fail(session, proven);
    status = ReadLogs(session, request, again);
  }
  if (status.ok() || !session.console.IsRead()) return kDone;
  return Fail(session, session.channel.Explain(status));
}

int Wait(Session& session, const std::vector<std::string>& jobs) {
  v1::WaitJobsRequest request;
  for (const std::string& job : jobs) request.add_job_ids(job);
  v1::WaitJobsResponse answer;
  const absl::Status status = WaitThroughRestarts(session, request, &answer);
  if (!status.ok()) return Fail(session, status);
  int exit_code = kDone;
  Json array = Json::array();
  for (const v1::Job& job : answer.jobs()) {
    array.push_back(ToJson(job));
    if (job.outcome() == v1::OUTCOME_SUCCEEDED) continue;
    exit_code = kRefused;
    session.console.Complain(
        fmt::format("carbonctl: {} {}\n", JobTitle(job), OutcomePhrase(job)));
  }
  if (session.json) session.console.Print(Pretty(array));
  return exit_code;
}

}  // namespace carbond::client
