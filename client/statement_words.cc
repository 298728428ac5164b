// The figures of a statement in words: rows for a table, and sentences.

#include <fmt/format.h>

#include <cmath>

#include "client/footprint.h"
#include "client/local_time.h"
#include "client/names.h"
#include "client/quantity.h"
#include "client/statement.h"
#include "client/words.h"

namespace carbond::client {
namespace {

std::string Hours(absl::Duration d) {
  return FormatNumber(absl::ToDoubleHours(d)) + " h";
}

// As signals are called in carbond's configuration; of another, its name is all
// there is.
std::string KindOf(const std::string& signal) {
  const auto names = [&](const char* word) {
    return signal.find(word) != std::string::npos;
  };
  if (signal == "average_lifecycle") return "average, life cycle";
  if (signal == "average_direct") return "average, direct";
  if (signal == "average_generation") return "average of generation";
  if (signal == "yearly_average") return "average of a year";
  if (names("moer") || names("marginal")) return "marginal";
  if (names("aoer") || names("average")) return "average";
  return signal;
}

std::string SignalPhrase(const RegionShare& share) {
  const std::string kind = KindOf(share.signal);
  return fmt::format("signal {}{}, from {}", share.signal,
                     kind == share.signal ? "" : ", " + kind, share.provider);
}

std::string QualityPhrase(const RegionShare& share) {
  if (share.settled) return "settled";
  if (share.settled_fraction < 0.0005) return "provisional";
  return fmt::format("provisional, {} of it settled",
                     FormatPercent(share.settled_fraction));
}

std::string SourcePhrase(const RegionShare& share) {
  if (share.measured_fraction >= 1) return "measured";
  if (share.measured_fraction <= 0 && share.any_measured) {
    return "measured in part, such as its GPUs, the rest modelled";
  }
  if (share.measured_fraction <= 0) return "modelled: power of the job x time";
  return fmt::format("{} measured, the rest modelled",
                     FormatPercent(share.measured_fraction));
}

std::string Devices(const Statement& s) {
  const v1::JobSpec& spec = s.job.spec();
  std::string text;
  if (spec.gpus() > 0) text = Count(spec.gpus(), "GPU");
  if (spec.cpus() > 0) {
    text += (text.empty() ? "" : " and ") + Count(spec.cpus(), "CPU core");
  }
  if (text.empty()) text = "a CPU core that it had not reserved";
  return s.hardware.empty() ? text : fmt::format("{} ({})", text, s.hardware);
}

// `98.4 GPU-hours`, of a job without GPUs `64 core-hours`; empty where it
// asked for neither.
std::string DeviceHours(const Statement& s) {
  const v1::JobSpec& spec = s.job.spec();
  const double hours = absl::ToDoubleHours(s.running);
  if (spec.gpus() > 0) {
    return FormatNumber(hours * spec.gpus()) + " GPU-hours";
  }
  return spec.cpus() > 0 ? FormatNumber(hours * spec.cpus()) + " core-hours"
                         : "";
}

std::string RunsPhrase(const v1::Job& job) {
  int runs = 0;
  for (const v1::Run& run : job.runs()) runs += run.has_started_at() ? 1 : 0;
  return fmt::format("{}, {}", Count(runs, "run"),
                     Count(job.pauses(), "pause"));
}

std::string Pue(double pue) { return fmt::format("{:.3g}", pue); }

std::string Intensity(std::optional<double> g_per_kwh) {
  return g_per_kwh ? FormatNumber(*g_per_kwh) + " gCO2e/kWh" : "not known";
}

// What a region's share was, on one line.
std::string ShareLine(const RegionShare& part) {
  return fmt::format(
      "{} with a PUE of {}, {}: {}", FormatEnergy(part.energy_kwh),
      Pue(part.pue()), Intensity(part.intensity_g_per_kwh()),
      part.accounted_energy_kwh > 0 ? FormatGrams(part.emissions_g) + " CO2e"
                                    : "not known");
}

// Where the computer time was spent and what electricity it was.
void AddEnergy(const Statement& s, std::vector<StatementRow>& rows) {
  const double hours = absl::ToDoubleHours(s.reserved);
  const std::string source = SourcePhrase(s.total);
  if (hours > 0) {
    rows.push_back({"Mean power",
                    FormatPower(s.total.it_energy_kwh / hours * 1000),
                    "IT energy over time, before PUE; " + source});
  }
  rows.push_back({"IT energy", FormatEnergy(s.total.it_energy_kwh), source});
  rows.push_back({"PUE", Pue(s.total.pue()),
                  s.parts.size() == 1 ? "declared for the region"
                                      : "declared for each region; mean"});
  rows.push_back(
      {"Energy", FormatEnergy(s.total.energy_kwh), "IT energy x PUE"});
}

void AddEmissions(const Statement& s, std::vector<StatementRow>& rows) {
  if (const auto grams = s.emissions_g()) {
    rows.push_back({"Carbon intensity", Intensity(s.intensity_g_per_kwh()),
                    SignalPhrase(s.total) + "; mean by energy"});
    rows.push_back({"Emissions, gross", FormatGrams(*grams) + " CO2e",
                    QualityPhrase(s.total)});
  } else if (s.one_signal) {
    rows.push_back({"Emissions, gross", "not known",
                    "no intensity is known of its hours"});
  }
  if (s.parts.size() > 1) {
    for (const RegionShare& part : s.parts) {
      rows.push_back({"In " + part.region, ShareLine(part),
                      SignalPhrase(part) + "; " + QualityPhrase(part)});
    }
  }
  if (s.total.unknown > absl::ZeroDuration() && s.emissions_g()) {
    rows.push_back({"Not in it", FormatLength(s.total.unknown) + " of running",
                    "no intensity is known of them: the emissions are a lower "
                    "bound"});
  }
  if (s.figures.net_g) {
    rows.push_back(
        {"Emissions, net", FormatGrams(*s.figures.net_g) + " CO2e",
         fmt::format("market-based, {} declared; instead of gross, not beside",
                     Intensity(s.supplement.net_g_per_kwh))});
  }
}

void AddBaseline(const Statement& s, std::vector<StatementRow>& rows) {
  const v1::Emissions& e = s.job.emissions();
  if (!s.emissions_g() || !e.has_baseline_g()) return;
  rows.push_back(
      {"Baseline", FormatGrams(e.baseline_g()) + " CO2e",
       fmt::format("the same work begun at submission in {}, never paused",
                   s.job.spec().home_region())});
  if (!e.has_saved_g()) return;
  std::string saved = FormatGrams(e.saved_g()) + " CO2e";
  if (e.has_saved_fraction()) {
    saved += fmt::format(" ({})", FormatPercent(e.saved_fraction()));
  }
  rows.push_back({"Saved", saved, "baseline less emissions, by one signal"});
}

// A reader wants to know whether more was computed than is reported.
void AddProject(const Statement& s, std::vector<StatementRow>& rows) {
  for (const ProjectShare& share : s.project) {
    rows.push_back({"Whole project",
                    fmt::format("{}, {}, {} CO2e", Count(share.jobs, "job"),
                                FormatEnergy(share.energy_kwh),
                                FormatGrams(share.emissions_g)),
                    fmt::format("all of {} in this ledger, by signal {}; {}",
                                s.job.spec().project(), share.signal,
                                share.settled ? "settled" : "provisional")});
  }
}

void AddSupplement(const Statement& s, std::vector<StatementRow>& rows) {
  if (s.figures.embodied) {
    rows.push_back(
        {"Embodied", FormatGrams(s.figures.embodied->grams) + " CO2e",
         fmt::format("share of {}; {} reserved", s.figures.embodied->source,
                     Hours(s.reserved))});
  }
  if (s.figures.sci_g) {
    rows.push_back({"SCI", DescribeRate(*s.figures.sci_g, *s.supplement.per),
                    "(gross + embodied) per unit, ISO/IEC 21031"});
  }
  if (!s.supplement.equivalents || !s.emissions_g()) return;
  for (const Equivalent& each : kEquivalents) {
    rows.push_back(
        {"As much as",
         FormatNumber(*s.emissions_g() / each.grams) + " " + each.what,
         each.source});
  }
}

std::string Day(const google::protobuf::Timestamp& t) {
  return FormatUtc(FromProto(t)).substr(0, 10);
}

bool Several(const std::string& names) {
  return names.find(", ") != std::string::npos;
}

std::string GridZone(const RegionShare& share) {
  return (Several(share.zone) ? "grid zones " : "grid zone ") + share.zone;
}

std::string PlacePhrase(const RegionShare& share) {
  return fmt::format("{} {} ({})", Several(share.region) ? "regions" : "region",
                     share.region, GridZone(share));
}

std::string WorkSentence(const Statement& s) {
  const std::string hours = DeviceHours(s);
  const std::string begin = Day(s.job.started_at());
  const std::string end = Day(s.job.finished_at());
  return fmt::format(
      "{} used {} for {}{} {} (UTC) in {}.",
      s.job.spec().name().empty() ? "Job " + s.job.id() : s.job.spec().name(),
      Devices(s), Hours(s.running), hours.empty() ? "" : " (" + hours + ")",
      begin == end ? "on " + begin
                   : fmt::format("between {} and {}", begin, end),
      PlacePhrase(s.total));
}

std::string EnergySentence(const Statement& s) {
  return fmt::format("It drew {} ({}), {} with the data centre's PUE of {}.",
                     FormatEnergy(s.total.it_energy_kwh), SourcePhrase(s.total),
                     FormatEnergy(s.total.energy_kwh), Pue(s.total.pue()));
}

std::string EmissionsSentence(const Statement& s) {
  const auto grams = s.emissions_g();
  if (!grams) {
    return s.one_signal ? "The carbon intensity of its electricity is not "
                          "known."
                        : "Its emissions were accounted by several signals, "
                          "which are not added.";
  }
  std::string text = fmt::format(
      "At a mean carbon intensity of {} ({}), it emitted {} CO2e (gross, {})",
      Intensity(s.intensity_g_per_kwh()), SignalPhrase(s.total),
      FormatGrams(*grams), QualityPhrase(s.total));
  if (s.total.unknown > absl::ZeroDuration()) {
    text +=
        fmt::format(", without {} of running of which no intensity is known",
                    FormatLength(s.total.unknown));
  }
  if (s.figures.net_g) {
    text += fmt::format("; net of matched clean energy, {} CO2e",
                        FormatGrams(*s.figures.net_g));
  }
  return text + ".";
}

std::string BaselineSentence(const Statement& s) {
  const v1::Emissions& e = s.job.emissions();
  if (!s.emissions_g() || !e.has_baseline_g() || !e.has_saved_fraction()) {
    return "";
  }
  const bool loss = e.saved_fraction() < 0;
  return fmt::format(
      " Begun at submission and never paused, the same work would have emitted "
      "{} CO2e: carbon-aware scheduling {} {}.",
      FormatGrams(e.baseline_g()), loss ? "added" : "saved",
      FormatPercent(std::abs(e.saved_fraction())));
}

std::string EmbodiedSentence(const Statement& s) {
  if (!s.figures.embodied) return "";
  std::string text = fmt::format(
      " Making the hardware accounts for {} CO2e more ({})",
      FormatGrams(s.figures.embodied->grams), s.figures.embodied->source);
  if (s.figures.sci_g) {
    text += fmt::format("; the Software Carbon Intensity is {}",
                        DescribeRate(*s.figures.sci_g, *s.supplement.per));
  }
  return text + ".";
}

std::string ProjectSentence(const Statement& s) {
  if (s.project.size() != 1 || s.project[0].jobs < 2) return "";
  const ProjectShare& share = s.project[0];
  return fmt::format(
      " The {} of project {}, this one included, used {} and emitted {} CO2e.",
      Count(share.jobs, "job"), s.job.spec().project(),
      FormatEnergy(share.energy_kwh), FormatGrams(share.emissions_g));
}

std::string MethodSentence(const Statement& s) {
  return fmt::format(
      "Accounted by carbond {} as power x PUE x carbon intensity, integrated "
      "over time (Patterson et al. 2021, section 2.5).",
      s.version);
}

}  // namespace

std::vector<StatementRow> RowsOf(const Statement& s) {
  std::vector<StatementRow> rows;
  rows.push_back({"Job",
                  s.job.spec().name().empty()
                      ? s.job.id()
                      : fmt::format("{} {}", s.job.id(), s.job.spec().name()),
                  OutcomePhrase(s.job)});
  rows.push_back(
      {"Hardware", Devices(s),
       s.hardware.empty() ? "reserved" : "reserved; its kind is declared"});
  rows.push_back({"Running time", Hours(s.running), RunsPhrase(s.job)});
  if (s.reserved > s.running) {
    rows.push_back({"Reserved", Hours(s.reserved),
                    "with the pauses that it spent in memory"});
  }
  if (const std::string hours = DeviceHours(s); !hours.empty()) {
    rows.push_back({"Device time", hours, "running time x devices"});
  }
  rows.push_back({"Period",
                  FormatUtc(FromProto(s.job.started_at())) + " to " +
                      FormatUtc(FromProto(s.job.finished_at())),
                  "first start to end"});
  rows.push_back({"Region", s.total.region, GridZone(s.total)});
  AddEnergy(s, rows);
  AddEmissions(s, rows);
  AddBaseline(s, rows);
  AddProject(s, rows);
  AddSupplement(s, rows);
  rows.push_back({"Method", "power x PUE x intensity over time",
                  "Patterson et al. 2021, section 2.5"});
  rows.push_back({"Software", "carbond " + s.version, "carbon accounting"});
  if (const std::string note = ClockNote(s.clock_speed); !note.empty()) {
    rows.push_back({"Clock", note, "no real hours: not for publication"});
  }
  return rows;
}

std::string ParagraphOf(const Statement& s) {
  const std::string note = ClockNote(s.clock_speed);
  std::string text = WorkSentence(s) + " " + EnergySentence(s) + " " +
                     EmissionsSentence(s) + BaselineSentence(s) +
                     ProjectSentence(s) + EmbodiedSentence(s) + " " +
                     MethodSentence(s);
  if (s.job.outcome() != v1::OUTCOME_SUCCEEDED) {
    text += fmt::format(" The job ended as {}.", Name(s.job.outcome()));
  }
  if (note.empty()) return text;
  return text + fmt::format(
                    " Made with a {}: its hours are not real, and these "
                    "figures are not for publication.",
                    note);
}

}  // namespace carbond::client
