// `carbonctl report`: what a job was and what it used, in two questions.

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "client/commands.h"
#include "client/statement.h"

namespace carbond::client {
namespace {

absl::StatusOr<Statement> FetchStatement(Session& session,
                                         const ReportOptions& options,
                                         const Supplement& supplement) {
  v1::GetJobRequest of_job;
  of_job.set_job_id(options.job);
  v1::Job job;
  absl::Status status =
      session.channel.Call(&v1::Carbond::StubInterface::GetJob, of_job, &job);
  if (!status.ok()) return status;
  v1::ReportEmissionsRequest by_region;
  by_region.add_job_ids(options.job);
  by_region.set_by(v1::GROUP_BY_REGION);
  v1::ReportEmissionsResponse used;
  status = session.channel.Call(&v1::Carbond::StubInterface::ReportEmissions,
                                by_region, &used);
  if (!status.ok()) return status;
  return MakeStatement(job, used, options.hardware, supplement);
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
