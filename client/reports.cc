#include "client/reports.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "client/local_time.h"
#include "client/names.h"
#include "client/picture.h"
#include "client/quantity.h"
#include "client/scene.h"
#include "client/table.h"
#include "client/words.h"

namespace carbond::client {
namespace {

using Align = Table::Align;

// As the daemon calls a provider of yearly averages.
constexpr const char* kYearlySignal = "yearly_average";

std::string Capital(std::string word) {
  if (!word.empty() && word[0] >= 'a' && word[0] <= 'z') {
    word[0] = static_cast<char>(word[0] - 'a' + 'A');
  }
  return word;
}

std::string Upper(std::string word) {
  for (char& c : word) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return word;
}

// `12 %` of what running at once would emit, up or down.
std::string Against(double expected_g, const v1::Plan& plan) {
  if (!plan.has_baseline_g() || plan.baseline_g() <= 0) return "";
  const double change = expected_g / plan.baseline_g() - 1;
  const std::string text = FormatPercent(change);
  return change > 0 && text != "0 %" ? "+" + text : text;
}

// The hours chosen, and those that were not.
std::string AlternativesTable(const v1::Plan& plan, const Look& look,
                              absl::TimeZone zone) {
  Table table({{" "},
               {"REGION"},
               {"START"},
               {"EXPECTED", Align::kRight},
               {"VS AT ONCE", Align::kRight}});
  const auto add = [&](const std::string& mark, const std::string& region,
                       bool has_begin, const google::protobuf::Timestamp& begin,
                       bool has_expected, double expected_g) {
    table.Add({mark, region,
               has_begin ? FormatStamp(FromProto(begin), zone) : "",
               has_expected ? FormatGrams(expected_g) : "unknown",
               has_expected ? Against(expected_g, plan) : ""});
  };
  if (plan.intervals_size() > 0) {
    add(look.unicode ? "▶" : ">", plan.region(), true,
        plan.intervals(0).begin(), plan.has_expected_g(), plan.expected_g());
  }
  for (const v1::Alternative& other : plan.alternatives()) {
    add(" ", other.region(), other.has_begin(), other.begin(),
        other.has_expected_g(), other.expected_g());
  }
  return table.Render(look, "  ");
}

std::string Capacity(int used, int all) {
  return fmt::format("{}/{}", used, all);
}

std::string OrUnknown(bool known, double value) {
  return known ? FormatNumber(value) : "unknown";
}

std::string BestHourBegin(const v1::Region& region, const Here& here) {
  if (!region.has_best_hour_begin()) return "";
  const absl::Time begin = FromProto(region.best_hour_begin());
  return begin <= here.now ? "now" : FormatWhen(begin, here);
}

std::vector<std::string> RegionRow(const v1::Region& region, const Here& here) {
  return {
      region.name(),
      OrUnknown(region.has_next_hour_g_per_kwh(), region.next_hour_g_per_kwh()),
      OrUnknown(region.has_best_hour_g_per_kwh(), region.best_hour_g_per_kwh()),
      BestHourBegin(region, here),
      region.zone(),
      region.provider(),
      region.signal(),
      Name(region.mode()),
      region.has_age() ? FormatLength(absl::Seconds(region.age().seconds()))
                       : "",
      OrUnknown(region.has_intensity_g_per_kwh(), region.intensity_g_per_kwh()),
      fmt::format("{:.2f}", region.pue()),
      Capacity(region.gpus_used(), region.gpus()),
      Capacity(region.cpus_used(), region.cpus()),
      region.executor() + (region.drained() ? ", drained" : "")};
}

// `192 g (32 %)`.
template <typename T>  // Emissions or SecondSignal
std::string Saved(const T& e) {
  if (!e.has_saved_g()) return "";
  const std::string grams = FormatGrams(e.saved_g());
  return e.has_saved_fraction()
             ? fmt::format("{} ({})", grams, FormatPercent(e.saved_fraction()))
             : grams;
}

std::string Gap(const v1::Emissions& emissions) {
  const absl::Duration unknown = absl::Seconds(emissions.unknown().seconds());
  return unknown > absl::ZeroDuration() ? FormatLength(unknown) : "";
}

// `provisional`, or how much of its grams is not revised any more.
std::string QualityCell(const v1::EmissionsGroup& group) {
  const std::string share = FormatPercent(group.settled_fraction());
  const bool part = group.emissions().quality() == v1::QUALITY_PROVISIONAL &&
                    share != "0 %" && share != "100 %";
  return part ? share + " settled" : Name(group.emissions().quality());
}

// `modelled`, or how much of its energy was measured.
std::string SourceCell(const v1::EmissionsGroup& group) {
  return group.emissions().energy_source() == v1::ENERGY_SOURCE_MIXED &&
                 group.measured_fraction() > 0
             ? FormatPercent(group.measured_fraction()) + " measured"
             : Name(group.emissions().energy_source());
}

void AddSecond(const v1::Emissions& e, std::vector<std::string>& cells) {
  if (!e.has_second()) {
    cells.insert(cells.end(), 3, "");
    return;
  }
  cells.push_back(EmittedCell(e.second()));
  cells.push_back(Saved(e.second()));
  cells.push_back(e.second().signal());
}

// Why a table lacks baselines, where it does.
std::string BaselineNote(const v1::ReportEmissionsResponse& report,
                         v1::GroupBy by) {
  const auto& groups = report.groups();
  const bool lacks = std::any_of(groups.begin(), groups.end(),
                                 [](const v1::EmissionsGroup& group) {
                                   return !group.emissions().has_baseline_g();
                                 });
  if (!lacks) return "";
  if (by == v1::GROUP_BY_DAY) {
    return "baselines belong to whole jobs, which would have run on other "
           "days: --by job shows them\n";
  }
  if (by == v1::GROUP_BY_REGION) {
    return "baselines belong to whole jobs: a region has one only where all "
           "its jobs ran at home and nowhere else\n";
  }
  return "a baseline is missing where the intensity of its hours is not "
         "known\n";
}

// Beside what the saving counts against, what others count against.
std::string BaselinesPage(const v1::ReportEmissionsResponse& report,
                          v1::GroupBy by, const Look& look) {
  std::vector<Table::Column> columns = {{"JOBS", Align::kRight},
                                        {"EMITTED", Align::kRight},
                                        {"BASELINE", Align::kRight},
                                        {"SAVED", Align::kRight},
                                        {"SIGNAL"},
                                        {"SAME REGION", Align::kRight},
                                        {"WORST START", Align::kRight}};
  const bool grouped = by != v1::GROUP_BY_UNSPECIFIED;
  if (grouped) columns.insert(columns.begin(), {Upper(Name(by))});
  Table table(std::move(columns));
  for (const v1::EmissionsGroup& group : report.groups()) {
    const v1::Emissions& e = group.emissions();
    const auto grams = [](bool known, double g) {
      return known ? FormatGrams(g) : std::string();
    };
    std::vector<std::string> cells = {
        fmt::format("{}", group.jobs()),
        EmittedCell(e),
        grams(e.has_baseline_g(), e.baseline_g()),
        Saved(e),
        e.signal(),
        grams(e.has_same_region_g(), e.same_region_g()),
        grams(e.has_worst_start_g(), e.worst_start_g())};
    if (grouped) cells.insert(cells.begin(), group.key());
    table.Add(std::move(cells));
  }
  return table.Render(look) +
         "BASELINE, which SAVED counts against: the same work at once at home; "
         "SAME REGION: at once,\nbut where it ran; WORST START: at home, at "
         "the "
         "worst time that its deadline allows.\n" +
         ClockLine(report.clock_speed());
}

}  // namespace

std::string ClockLine(double clock_speed) {
  const std::string note = ClockNote(clock_speed);
  return note.empty() ? "" : note + "\n";
}

std::string ListPage(const std::vector<v1::Job>& jobs, const Look& look,
                     absl::TimeZone zone) {
  if (jobs.empty()) return "no jobs\n";
  Table table({{"ID", Align::kRight},
               {"NAME", Align::kLeft, true},
               {"STATE"},
               {"REGION"},
               {"WHEN/WHY", Align::kLeft, true},
               {"DEADLINE"},
               {"SAVED", Align::kRight}});
  double speed = 1;
  for (const v1::Job& job : jobs) {
    speed = std::max(speed, job.clock_speed());
    table.Add({job.id(), job.spec().name(),
               job.held() ? Name(job.state()) + ", held" : Name(job.state()),
               job.region(), WhenAndWhy(job, zone),
               job.has_deadline() && job.deadline_declared()
                   ? FormatStamp(FromProto(job.deadline()), zone)
                   : "",
               SavedCell(job)});
  }
  const absl::Time newest = FromProto(jobs.front().submitted_at());
  return table.Render(look) +
         fmt::format("times are UTC{}; ~ marks what is expected\n",
                     FormatOffset(newest, zone)) +
         ClockLine(speed);
}

std::string PlanPage(const v1::PlanJobResponse& planned, const Look& look,
                     absl::TimeZone zone) {
  const v1::Plan& plan = planned.plan();
  const Here here{FromProto(plan.made_at()), zone};
  std::string text = Capital(PlanSentence(plan, zone)) + "\n";
  if (!plan.why().empty()) {
    text += "  " + Localized(Printable(plan.why()), here) + "\n";
  }
  if (!plan.alternatives().empty()) {
    text += "\n" + AlternativesTable(plan, look, zone);
  }
  text += "\n" + Draw(PictureOf(planned), look, zone);
  return text + "\nnothing is submitted\n" +
         ClockLine(planned.intensity().clock_speed());
}

std::string EmissionsPage(const v1::ReportEmissionsResponse& report,
                          v1::GroupBy by, bool baselines, const Look& look) {
  if (report.groups().empty()) {
    return "no emissions of these\n" + ClockLine(report.clock_speed());
  }
  if (baselines) return BaselinesPage(report, by, look);
  std::vector<Table::Column> columns = {{"JOBS", Align::kRight},
                                        {"ENERGY", Align::kRight},
                                        {"EMITTED", Align::kRight},
                                        {"BASELINE", Align::kRight},
                                        {"SAVED", Align::kRight},
                                        {"SIGNAL"},
                                        {"PROVIDER"},
                                        {"QUALITY"},
                                        {"ENERGY IS"},
                                        {"UNKNOWN"}};
  const bool grouped = by != v1::GROUP_BY_UNSPECIFIED;
  if (grouped) columns.insert(columns.begin(), {Upper(Name(by))});
  const bool beside = std::any_of(
      report.groups().begin(), report.groups().end(),
      [](const auto& group) { return group.emissions().has_second(); });
  if (beside) {
    columns.insert(
        columns.end(),
        {{"BESIDE", Align::kRight}, {"SAVED", Align::kRight}, {"SIGNAL"}});
  }
  Table table(std::move(columns));
  for (const v1::EmissionsGroup& group : report.groups()) {
    const v1::Emissions& e = group.emissions();
    std::vector<std::string> cells = {
        fmt::format("{}", group.jobs()),
        FormatEnergy(e.energy_kwh()),
        EmittedCell(e),
        e.has_baseline_g() ? FormatGrams(e.baseline_g()) : "",
        Saved(e),
        e.signal(),
        e.provider(),
        QualityCell(group),
        SourceCell(group),
        Gap(e)};
    if (grouped) cells.insert(cells.begin(), group.key());
    if (beside) AddSecond(e, cells);
    table.Add(std::move(cells));
  }
  return table.Render(look) + BaselineNote(report, by) +
         ClockLine(report.clock_speed());
}

std::string BudgetsPage(const v1::ListBudgetsResponse& answer,
                        const Look& look) {
  if (answer.budgets().empty()) {
    return "no budgets: the configuration of carbond has no `budgets`\n";
  }
  Table table({{"OF"},
               {"NAME"},
               {"SPENT IN " + answer.month(), Align::kRight},
               {"BUDGET", Align::kRight},
               {"USED", Align::kRight},
               {"SIGNAL"},
               {"THEN"},
               {"JOBS HELD", Align::kRight}});
  for (const v1::Budget& budget : answer.budgets()) {
    table.Add(
        {budget.of(), budget.name(), FormatGrams(budget.spent_g()),
         FormatGrams(budget.monthly_g()),
         budget.monthly_g() > 0
             ? FormatPercent(budget.spent_g() / budget.monthly_g())
             : "",
         budget.signal(), budget.then(),
         budget.held_jobs() > 0 ? std::to_string(budget.held_jobs()) : ""});
  }
  return table.Render(look) + ClockLine(answer.clock_speed());
}

std::string ForecastPage(const v1::Forecast& forecast, const Look& look,
                         absl::TimeZone zone) {
  const absl::Time now = FromProto(forecast.now());
  const Here here{now, zone};
  std::string text = Printable(forecast.region());
  if (!forecast.zone().empty()) text += ", zone " + Printable(forecast.zone());
  text += fmt::format("\n  provider  {}\n  signal    {}\n  mode      {}\n",
                      Printable(forecast.provider()),
                      Printable(forecast.signal()), Name(forecast.mode()));
  if (forecast.has_issued_at()) {
    const absl::Time issued = FromProto(forecast.issued_at());
    text += "  issued    " + FormatWhenWithOffset(issued, here);
    if (forecast.has_now()) text += ", " + FormatLength(now - issued) + " ago";
    text += "\n";
  }
  if (forecast.signal() == kYearlySignal && !forecast.points().empty()) {
    return text +
           fmt::format(
               "  now       {} g/kWh, as at every hour: a yearly average is no "
               "forecast\n",
               FormatNumber(
                   forecast.points().rbegin()->intensity_g_per_kwh())) +
           ClockLine(forecast.clock_speed());
  }
  if (!forecast.points().empty()) {
    text += "  spread    " + SpreadPhrase(forecast) + "\n";
  }
  Picture picture = PictureOf(forecast);
  picture.title.clear();
  return text + "\n" + Draw(picture, look, zone) +
         ClockLine(forecast.clock_speed());
}

std::string RegionsPage(const v1::ListRegionsResponse& answer, const Look& look,
                        absl::TimeZone zone) {
  if (answer.regions().empty()) return "no regions\n";
  Table table({{"NAME"},
               {"NEXT HOUR", Align::kRight},
               {"BEST HOUR", Align::kRight},
               {"FROM"},
               {"ZONE", Align::kLeft, true},
               {"PROVIDER", Align::kLeft, true},
               {"SIGNAL", Align::kLeft, true},
               {"FORECAST"},
               {"AGE", Align::kRight},
               {"G/KWH NOW", Align::kRight},
               {"PUE", Align::kRight},
               {"GPUS", Align::kRight},
               {"CPUS", Align::kRight},
               {"EXECUTOR"}});
  const Here here{FromProto(answer.now()), zone};
  std::set<std::string> signals;
  for (const v1::Region& region : answer.regions()) {
    if (region.has_next_hour_g_per_kwh()) signals.insert(region.signal());
    table.Add(RegionRow(region, here));
  }
  std::string text =
      "ranked by the hour from now: grams for each kWh of IT energy, PUE "
      "included\n" +
      table.Render(look) +
      fmt::format("the best hour lies within 24 h; times are UTC{}\n",
                  FormatOffset(here.now, zone)) +
      "G/KWH NOW is the grid's own; GPUs and CPUs: used/all\n";
  if (signals.size() > 1) {
    text +=
        "grams of different signals are not compared: those of one stand "
        "together\n";
  }
  return text + ClockLine(answer.clock_speed());
}

}  // namespace carbond::client
