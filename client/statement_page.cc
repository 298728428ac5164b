// The statement as text, Markdown, LaTeX and JSON. What users and providers
// named is escaped in each.

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "client/local_time.h"
#include "client/names.h"
#include "client/statement.h"
#include "client/table.h"

namespace carbond::client {
namespace {

constexpr int kTextWidth = 78;

// Broken between words.
std::string Wrapped(const std::string& text) {
  std::string lines;
  int column = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    const std::string word = text.substr(begin, end - begin);
    const int width = Width(word);
    if (column > 0 && column + 1 + width > kTextWidth) {
      lines += "\n";
      column = 0;
    }
    lines += (column > 0 ? " " : "") + word;
    column += width + (column > 0 ? 1 : 0);
    begin = end + 1;
  }
  return lines + "\n";
}

std::string Replaced(std::string text, const std::string& what,
                     const std::string& with) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos;) {
    text.replace(at, what.size(), with);
    at += with.size();
  }
  return text;
}

std::string ForMarkdown(const std::string& text) {
  std::string escaped;
  for (const char c : Printable(text)) {
    if (std::string_view("\\`*_[]<>|#~$").find(c) != std::string_view::npos) {
      escaped += '\\';
    }
    escaped += c;
  }
  return escaped;
}

std::string ForLatex(const std::string& text) {
  std::string escaped;
  for (const char c : Printable(text)) {
    if (c == '\\') {
      escaped += "\\textbackslash{}";
    } else if (c == '^' || c == '~') {
      escaped += fmt::format("\\{}{{}}", c);
    } else if (c == '<' || c == '>' || c == '|') {
      escaped += fmt::format("${}$", c);
    } else if (std::string_view("{}$&#_%").find(c) != std::string_view::npos) {
      escaped += fmt::format("\\{}", c);
    } else {
      escaped += c;
    }
  }
  return Replaced(Replaced(escaped, "CO2e", "CO$_2$e"), " x ", " $\\times$ ");
}

Json OrNull(const std::optional<double>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json EnergyJson(const RegionShare& share) {
  const bool modelled = share.measured_fraction <= 0 && !share.any_measured;
  const char* source = share.measured_fraction >= 1 ? "measured"
                       : modelled                   ? "modelled"
                                                    : "mixed";
  return {{"it_energy_kwh", share.it_energy_kwh},
          {"pue", share.pue()},
          {"energy_kwh", share.energy_kwh},
          {"energy_source", source},
          {"measured_fraction", share.measured_fraction},
          {"signal", share.signal},
          {"provider", share.provider},
          {"quality", share.settled ? "settled" : "provisional"},
          {"settled_fraction", share.settled_fraction},
          {"unknown_s", absl::ToDoubleSeconds(share.unknown)}};
}

Json PartJson(const RegionShare& part) {
  const bool known = part.accounted_energy_kwh > 0;
  Json json = {{"region", part.region}, {"zone", part.zone}};
  json.update(EnergyJson(part));
  json["intensity_g_per_kwh"] = OrNull(part.intensity_g_per_kwh());
  json["emissions_g"] = known ? Json(part.emissions_g) : Json(nullptr);
  return json;
}

void AddBaseline(const Statement& s, Json& json) {
  const v1::Emissions& e = s.job.emissions();
  const bool known = s.emissions_g().has_value();
  const auto or_null = [&](bool has, double value) {
    return known && has ? Json(value) : Json(nullptr);
  };
  json["baseline_g"] = or_null(e.has_baseline_g(), e.baseline_g());
  json["saved_g"] = or_null(e.has_saved_g(), e.saved_g());
  json["saved_fraction"] = or_null(e.has_saved_fraction(), e.saved_fraction());
}

Json ProjectJson(const Statement& s) {
  if (s.project.empty()) return nullptr;
  Json by_signal = Json::array();
  for (const ProjectShare& share : s.project) {
    by_signal.push_back(
        {{"signal", share.signal},
         {"jobs", share.jobs},
         {"energy_kwh", share.energy_kwh},
         {"emissions_g", share.emissions_g},
         {"quality", share.settled ? "settled" : "provisional"}});
  }
  return {{"name", s.job.spec().project()}, {"by_signal", by_signal}};
}

}  // namespace

std::string StatementText(const Statement& statement, const Look& look) {
  Table table({{"FIGURE"}, {"VALUE"}, {"RESTS ON", Table::Align::kLeft, true}});
  for (const StatementRow& row : RowsOf(statement)) {
    table.Add({row.figure, row.value, row.rests_on});
  }
  return Wrapped(Printable(ParagraphOf(statement))) + "\n" + table.Render(look);
}

std::string StatementMarkdown(const Statement& statement) {
  std::string text = ForMarkdown(ParagraphOf(statement)) +
                     "\n\n| Figure | Value | Rests on |\n|---|---|---|\n";
  for (const StatementRow& row : RowsOf(statement)) {
    text += fmt::format("| {} | {} | {} |\n", ForMarkdown(row.figure),
                        ForMarkdown(row.value), ForMarkdown(row.rests_on));
  }
  return text;
}

std::string StatementLatex(const Statement& statement) {
  std::string text =
      "\\paragraph{Carbon footprint.}\n" +
      Wrapped(ForLatex(ParagraphOf(statement))) +
      "\n\\begin{tabular}{@{}lp{0.34\\linewidth}p{0.42\\linewidth}@{}}\n"
      "\\hline\nFigure & Value & Rests on \\\\\n\\hline\n";
  for (const StatementRow& row : RowsOf(statement)) {
    text += fmt::format("{} & {} & {} \\\\\n", ForLatex(row.figure),
                        ForLatex(row.value), ForLatex(row.rests_on));
  }
  return text +
         "\\hline\n\\end{tabular}\n\n"
         "% @misc{patterson2021carbon,\n"
         "%   title = {Carbon Emissions and Large Neural Network Training},\n"
         "%   author = {Patterson, David and others},\n"
         "%   year = {2021}, eprint = {2104.10350}, archivePrefix = {arXiv}}\n";
}

Json ToJson(const Statement& s) {
  const v1::JobSpec& spec = s.job.spec();
  const double hours = absl::ToDoubleHours(s.running);
  const double reserved_h = absl::ToDoubleHours(s.reserved);
  Json json = {
      {"job", s.job.id()},
      {"name", spec.name()},
      {"outcome", Name(s.job.outcome())},
      {"hardware", s.hardware.empty() ? Json(nullptr) : Json(s.hardware)},
      {"gpus", spec.gpus()},
      {"cpus", spec.cpus()},
      {"runs", s.job.runs_size()},
      {"pauses", s.job.pauses()},
      {"running_h", hours},
      {"reserved_h", reserved_h},
      {"gpu_hours", hours * spec.gpus()},
      {"core_hours", hours * spec.cpus()},
      {"submitted_at", FormatUtc(FromProto(s.job.submitted_at()))},
      {"started_at", FormatUtc(FromProto(s.job.started_at()))},
      {"finished_at", FormatUtc(FromProto(s.job.finished_at()))},
      {"region", s.total.region},
      {"zone", s.total.zone},
      {"mean_power_w", reserved_h > 0
                           ? Json(s.total.it_energy_kwh / reserved_h * 1000)
                           : Json(nullptr)}};
  json.update(EnergyJson(s.total));
  json["intensity_g_per_kwh"] = OrNull(s.intensity_g_per_kwh());
  json["emissions_g"] = OrNull(s.emissions_g());
  AddTo(json, s.supplement, s.figures, s.emissions_g());
  AddBaseline(s, json);
  json["by_region"] = Json::array();
  for (const RegionShare& part : s.parts) {
    json["by_region"].push_back(PartJson(part));
  }
  json["project"] = ProjectJson(s);
  json["method"] =
      "power x PUE x carbon intensity, integrated over time (Patterson et al. "
      "2021, section 2.5, arXiv:2104.10350)";
  json["software"] = "carbond " + s.version;
  json["clock_speed"] = s.clock_speed > 0 ? s.clock_speed : 1;
  json["statement"] = ParagraphOf(s);
  return json;
}

}  // namespace carbond::client
