#include "client/commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "client/emissions_export.h"
#include "client/job_page.h"
#include "client/json_out.h"
#include "client/names.h"
#include "client/providers.h"
#include "client/quantity.h"
#include "client/reports.h"
#include "client/words.h"

namespace carbond::client {
namespace {

constexpr int kPageSize = 1000;

void PrintJson(Session& session, const Json& json) {
  session.console.Print(Pretty(json));
}

absl::StatusOr<v1::ListJobsRequest> ToRequest(const ListOptions& options) {
  v1::ListJobsRequest request;
  for (const std::string& name : options.states) {
    const auto state = ParseState(name);
    if (!state.ok()) {
      return absl::Status(state.status().code(),
                          "--state: " + std::string(state.status().message()));
    }
    request.add_states(*state);
  }
  request.set_user(options.user);
  request.set_project(options.project);
  request.set_region(options.region);
  request.set_name(options.name);
  request.set_live_only(options.live);
  return request;
}

// Page after page, until the limit; `more` says whether it cut something off.
absl::StatusOr<std::vector<v1::Job>> FetchJobs(Session& session,
                                               v1::ListJobsRequest request,
                                               const ListOptions& options,
                                               bool& more) {
  std::vector<v1::Job> jobs;
  more = false;
  for (;;) {
    const int wanted = options.limit - static_cast<int>(jobs.size());
    request.set_page_size(options.all ? kPageSize
                                      : std::min(wanted, kPageSize));
    v1::ListJobsResponse page;
    const absl::Status status = session.channel.Call(
        &v1::Carbond::StubInterface::ListJobs, request, &page);
    if (!status.ok()) return status;
    for (v1::Job& job : *page.mutable_jobs()) jobs.push_back(std::move(job));
    if (page.next_page_token().empty()) return jobs;
    if (!options.all && static_cast<int>(jobs.size()) >= options.limit) {
      more = true;
      return jobs;
    }
    request.set_page_token(page.next_page_token());
  }
}

// Cancel, pause and resume: a job named, the same job back.
template <class Request>
int Ask(Session& session, const std::string& id,
        grpc::Status (v1::Carbond::StubInterface::*method)(grpc::ClientContext*,
                                                           const Request&,
                                                           v1::Job*),
        const std::string& done) {
  Request request;
  request.set_job_id(id);
  request.set_by(session.submitter.user);
  v1::Job job;
  const absl::Status status = session.channel.Call(method, request, &job);
  if (!status.ok()) return Fail(session, status);
  if (session.json) {
    PrintJson(session, ToJson(job));
    return kDone;
  }
  const std::string standing = job.state() == v1::JOB_STATE_DONE
                                   ? OutcomePhrase(job)
                                   : Name(job.state());
  session.console.Print(
      fmt::format("{}: {}, now {}\n", JobTitle(job), done, standing));
  return kDone;
}

absl::Status SetMoment(const std::string& flag, const std::string& text,
                       const Here& here, google::protobuf::Timestamp* moment) {
  const auto t = ParseInstant(text, here, Lean::kAgo);
  if (!t.ok()) {
    return absl::Status(t.status().code(),
                        flag + ": " + std::string(t.status().message()));
  }
  *moment = ToProto(*t);
  return absl::OkStatus();
}

absl::StatusOr<v1::ReportEmissionsRequest> ToRequest(
    const EmissionsOptions& options, const Here& here) {
  v1::ReportEmissionsRequest request;
  if (!options.job.empty()) request.add_job_ids(options.job);
  if (!options.by.empty()) {
    const auto by = ParseGroupBy(options.by);
    if (!by.ok()) {
      return absl::Status(by.status().code(),
                          "--by: " + std::string(by.status().message()));
    }
    request.set_by(*by);
  }
  absl::Status status;
  if (!options.since.empty()) {
    status = SetMoment("--since", options.since, here, request.mutable_since());
  }
  if (status.ok() && !options.until.empty()) {
    status = SetMoment("--until", options.until, here, request.mutable_until());
  }
  if (!status.ok()) return status;
  const absl::Time since = FromProto(request.since());
  const absl::Time until = FromProto(request.until());
  if (request.has_since() && request.has_until() && until <= since) {
    return absl::InvalidArgumentError(
        fmt::format("--until: {} is not after --since {}", FormatUtc(until),
                    FormatUtc(since)));
  }
  return request;
}

void Complain(Session& session, std::string_view message) {
  session.console.Complain("carbonctl: " + Printable(message) + "\n");
}

}  // namespace

int Fail(Session& session, const absl::Status& status, int exit_code) {
  std::string message(status.message());
  if (exit_code == kMisused) {  // all mistakes, a line each
    for (size_t end; (end = message.find('\n')) != std::string::npos;) {
      Complain(session, message.substr(0, end));
      message.erase(0, end + 1);
    }
  }
  Complain(session, message);
  return exit_code;
}

absl::StatusOr<Here> DaemonHere(Session& session) {
  v1::Forecast forecast;
  const absl::Status status =
      session.channel.Call(&v1::Carbond::StubInterface::GetForecast,
                           v1::GetForecastRequest(), &forecast);
  if (absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status)) {
    return status;
  }
  // A daemon that cannot tell its time has no reason to run a fast clock.
  if (!status.ok() || !forecast.has_now()) return session.here;
  return Here{FromProto(forecast.now()), session.here.zone};
}

int List(Session& session, const ListOptions& options) {
  if (options.limit < 1) {
    return Fail(session,
                absl::InvalidArgumentError(fmt::format(
                    "--limit: {} is not at least 1", options.limit)),
                kMisused);
  }
  const auto request = ToRequest(options);
  if (!request.ok()) return Fail(session, request.status(), kMisused);
  bool more = false;
  const auto jobs = FetchJobs(session, *request, options, more);
  if (!jobs.ok()) return Fail(session, jobs.status());
  if (session.json) {
    Json array = Json::array();
    for (const v1::Job& job : *jobs) array.push_back(ToJson(job));
    PrintJson(session, array);
  } else {
    session.console.Print(ListPage(*jobs, session.look, session.here.zone));
  }
  if (more) {
    session.console.Complain(
        fmt::format("carbonctl: there are older jobs than these {}: --all "
                    "shows them\n",
                    jobs->size()));
  }
  return kDone;
}

int Show(Session& session, const std::string& id) {
  v1::GetJobRequest request;
  request.set_job_id(id);
  request.set_with_intensity(true);
  v1::Job job;
  const absl::Status status =
      session.channel.Call(&v1::Carbond::StubInterface::GetJob, request, &job);
  if (!status.ok()) return Fail(session, status);
  if (session.json) {
    PrintJson(session, ToJson(job));
  } else {
    session.console.Print(JobPage(job, session.look, session.here.zone));
  }
  return kDone;
}

int Cancel(Session& session, const std::string& job) {
  return Ask<v1::CancelJobRequest>(
      session, job, &v1::Carbond::StubInterface::CancelJob, "cancel asked for");
}

int Pause(Session& session, const std::string& job) {
  return Ask<v1::PauseJobRequest>(
      session, job, &v1::Carbond::StubInterface::PauseJob, "held");
}

int Resume(Session& session, const std::string& job) {
  return Ask<v1::ResumeJobRequest>(
      session, job, &v1::Carbond::StubInterface::ResumeJob, "released");
}

int Emissions(Session& session, const EmissionsOptions& options) {
  if (session.json && !options.format.empty()) {
    return Fail(session,
                absl::InvalidArgumentError(fmt::format(
                    "--format: {} is asked for, and -o json too: one of them",
                    options.format)),
                kMisused);
  }
  Here here = session.here;
  if (DependsOnNow(options.since) || DependsOnNow(options.until)) {
    const auto daemon = DaemonHere(session);
    if (!daemon.ok()) return Fail(session, daemon.status());
    here = *daemon;
  }
  const auto request = ToRequest(options, here);
  if (!request.ok()) return Fail(session, request.status(), kMisused);
  v1::ReportEmissionsResponse report;
  const absl::Status status = session.channel.Call(
      &v1::Carbond::StubInterface::ReportEmissions, *request, &report);
  if (!status.ok()) return Fail(session, status);
  if (options.format == "csv") {
    session.console.Print(EmissionsCsv(report, request->by()));
  } else if (options.format == "jsonl") {
    session.console.Print(EmissionsJsonLines(report, request->by()));
  } else if (!session.json) {
    session.console.Print(
        EmissionsPage(report, request->by(), options.baselines, session.look));
  } else {
    PrintJson(session, options.by.empty()
                           ? TotalToJson(report)
                           : GroupsToJson(report, request->by()));
  }
  return kDone;
}

int Forecast(Session& session, const ForecastOptions& options) {
  v1::GetForecastRequest request;
  request.set_region(options.region);
  request.set_with_observed(options.observed || !session.json);
  v1::Forecast forecast;
  const absl::Status status = session.channel.Call(
      &v1::Carbond::StubInterface::GetForecast, request, &forecast);
  if (!status.ok()) return Fail(session, status);
  if (session.json) {
    PrintJson(session, ToJson(forecast));
  } else {
    session.console.Print(
        ForecastPage(forecast, session.look, session.here.zone));
  }
  return kDone;
}

int Regions(Session& session) {
  v1::ListRegionsResponse answer;
  const absl::Status status =
      session.channel.Call(&v1::Carbond::StubInterface::ListRegions,
                           v1::ListRegionsRequest(), &answer);
  if (!status.ok()) return Fail(session, status);
  if (session.json) {
    Json array = Json::array();
    for (const v1::Region& region : answer.regions()) {
      array.push_back(ToJson(region, answer.clock_speed()));
    }
    PrintJson(session, array);
  } else {
    session.console.Print(RegionsPage(answer, session.look, session.here.zone));
  }
  return kDone;
}

int Budgets(Session& session) {
  v1::ListBudgetsResponse answer;
  const absl::Status status =
      session.channel.Call(&v1::Carbond::StubInterface::ListBudgets,
                           v1::ListBudgetsRequest(), &answer);
  if (!status.ok()) return Fail(session, status);
  if (session.json) {
    PrintJson(session, ToJson(answer));
  } else {
    session.console.Print(BudgetsPage(answer, session.look));
  }
  return kDone;
}

int Providers(Session& session) {
  v1::ListProvidersResponse answer;
  const absl::Status status =
      session.channel.Call(&v1::Carbond::StubInterface::ListProviders,
                           v1::ListProvidersRequest(), &answer);
  if (!status.ok()) return Fail(session, status);
  if (session.json) {
    Json array = Json::array();
    for (const v1::Provider& each : answer.providers()) {
      array.push_back(ToJson(each));
    }
    PrintJson(session, array);
  } else {
    session.console.Print(ProvidersPage(answer, session.look));
  }
  return kDone;
}

}  // namespace carbond::client
