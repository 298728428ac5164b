// `carbonctl report`: what a job was, what it used, and what all
// of its project did.

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "client/commands.h"
#include "client/statement.h"

namespace carbond::client {
namespace {

absl::StatusOr<v1::ReportEmissionsResponse> FetchUse(Session& session,
                                                     v1::GroupBy by,
                                                     const std::string& job) {
  v1::ReportEmissionsRequest request;
  if (!job.empty()) request.add_job_ids(job);
  request.set_by(by);
  v1::ReportEmissionsResponse used;
  const absl::Status status = session.channel.Call(
      &v1::Carbond::StubInterface::ReportEmissions, request, &used);
  if (!status.ok()) return status;
  return used;
}

absl::StatusOr<Statement> FetchStatement(Session& session,
                                         const ReportOptions& options,
                                         const Supplement& supplement) {
  v1::GetJobRequest request;
  request.set_job_id(options.job);
  v1::Job job;
  const absl::Status status =
      session.channel.Call(&v1::Carbond::StubInterface::GetJob, request, &job);
  if (!status.ok()) return status;
  const auto used = FetchUse(session, v1::GROUP_BY_REGION, options.job);
  if (!used.ok()) return used.status();
  v1::ReportEmissionsResponse projects;
  if (!job.spec().project().empty()) {
    auto all = FetchUse(session, v1::GROUP_BY_PROJECT, "");
    if (!all.ok()) return all.status();
    projects = *std::move(all);
  }
  return MakeStatement(job, *used, projects, options.hardware, supplement);
}

std::string Written(const Statement& statement, const std::string& format,
                    const Look& look) {
  if (format == "markdown") return StatementMarkdown(statement);
  if (format == "latex") return StatementLatex(statement);
  if (format == "json") return Pretty(ToJson(statement));
  return StatementText(statement, look);
}

}  // namespace

int Report(Session& session, const ReportOptions& options) {
  const std::string format =
      options.format.empty() && session.json ? "json" : options.format;
  if (session.json && format != "json") {
    return Fail(
        session,
        absl::InvalidArgumentError(fmt::format(
            "--format: {} is asked for, and -o json too: one of them", format)),
        kMisused);
  }
  const auto supplement = ParseSupplement(options.supplement);
  if (!supplement.ok()) return Fail(session, supplement.status(), kMisused);
  const auto statement = FetchStatement(session, options, *supplement);
  if (!statement.ok()) return Fail(session, statement.status());
  session.console.Print(Written(*statement, format, session.look));
  return kDone;
}

}  // namespace carbond::client
