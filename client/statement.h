#pragma once
// What a paper says of a job that ran: accelerators and hours, energy, PUE,
// intensity, emissions, and on what each of them rests. Built from what the
// daemon tells of the job; written as text, Markdown, LaTeX or JSON.

#include <carbond/v1/carbond.pb.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/console.h"
#include "client/json_out.h"
#include "client/supplement.h"

namespace carbond::client {

// What the job used in one region, by one signal.
struct RegionShare {
  std::string region;
  std::string zone;
  std::string signal;
  std::string provider;
  double it_energy_kwh = 0;
  double energy_kwh = 0;            // PUE included
  double accounted_energy_kwh = 0;  // of it: the intensity is known
  double emissions_g = 0;
  double measured_fraction = 0;  // of energy
  double settled_fraction = 0;   // of grams
  bool settled = false;          // all of it, also what emitted nothing
  absl::Duration unknown;        // running time without a known intensity
  bool any_measured = false;     // also a part of a reading, as of its GPUs

  double pue() const;
  std::optional<double> intensity_g_per_kwh() const;
};

// All that the ledger holds of the job's project, by one signal.
struct ProjectShare {
  int64_t jobs = 0;
  double energy_kwh = 0;
  double emissions_g = 0;
  std::string signal;
  bool settled = false;
};

struct Statement {
  v1::Job job;                     // done, and it ran
  std::string hardware;            // its kind, as the user says; may be empty
  std::string version;             // of the carbond that accounted
  double clock_speed = 1;          // > 1: a demonstration's clock
  absl::Duration running;          // all its runs
  absl::Duration reserved;         // and the pauses in memory between them
  std::vector<RegionShare> parts;  // at least one
  RegionShare total;       // names comma-separated; grams only if one_signal
  bool one_signal = true;  // else grams are of each part alone
  std::vector<ProjectShare> project;  // none: the job has no project
  Supplement supplement;
  SupplementFigures figures;

  std::optional<double> emissions_g() const;
  std::optional<double> intensity_g_per_kwh() const;
};

// `used` is what the daemon reports of the job by region, `projects` of all
// jobs by project. Refused for a job that is not done, that never drew power,
// or that used none of what --embodied is told of.
absl::StatusOr<Statement> MakeStatement(
    const v1::Job& job, const v1::ReportEmissionsResponse& used,
    const v1::ReportEmissionsResponse& projects, const std::string& hardware,
    const Supplement& supplement);

// A figure of the statement, in words.
struct StatementRow {
  std::string figure;    // "Emissions, gross"
  std::string value;     // "2.48 kg CO2e"
  std::string rests_on;  // "signal co2_moer ...; provisional"
};
std::vector<StatementRow> RowsOf(const Statement& statement);
// The same in a few sentences.
std::string ParagraphOf(const Statement& statement);

std::string StatementText(const Statement& statement, const Look& look);
std::string StatementMarkdown(const Statement& statement);
std::string StatementLatex(const Statement& statement);
Json ToJson(const Statement& statement);

}  // namespace carbond::client
