#include "client/statement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/client/world.h"

namespace carbond::client {
namespace {

using testing::HasSubstr;
using testing::Not;

// Of the job of world.h: two hours on one GPU at 300 W, PUE 1.2.
v1::EmissionsGroup InHere() {
  v1::EmissionsGroup group;
  group.set_key("here");
  group.set_zone("DE@recorded");
  group.set_it_energy_kwh(0.6);
  group.set_accounted_energy_kwh(0.72);
  *group.mutable_emissions() = FinishedJob().emissions();
  group.mutable_emissions()->clear_baseline_g();
  return group;
}

v1::ReportEmissionsResponse Used(
    const std::vector<v1::EmissionsGroup>& groups = {InHere()}) {
  v1::ReportEmissionsResponse used;
  for (const v1::EmissionsGroup& group : groups) *used.add_groups() = group;
  used.set_clock_speed(1);
  used.set_version("9.8.7");
  return used;
}

Statement Made(const v1::Job& job, const v1::ReportEmissionsResponse& used,
               const SupplementWords& words = {},
               const std::string& hardware = "",
               const v1::ReportEmissionsResponse& projects = {}) {
  const auto supplement = ParseSupplement(words);
  EXPECT_TRUE(supplement.ok()) << supplement.status();
  auto made = MakeStatement(job, used, projects, hardware, *supplement);
  EXPECT_TRUE(made.ok()) << made.status();
  return *made;
}

std::string Refusal(const v1::Job& job,
                    const v1::ReportEmissionsResponse& used) {
  const auto made = MakeStatement(job, used, {}, "", {});
  return made.ok() ? "" : std::string(made.status().message());
}

// `value; rests on` of the row, empty where there is none.
std::string RowOf(const Statement& statement, const std::string& figure) {
  for (const StatementRow& row : RowsOf(statement)) {
    if (row.figure == figure) return row.value + "; " + row.rests_on;
  }
  return "";
}

TEST(Statement, SaysInSentencesWhatAPaperNeeds) {
  EXPECT_EQ(
      ParagraphOf(Made(FinishedJob(), Used(), {}, "NVIDIA T4")),
      "train used 1 GPU and 4 CPU cores (NVIDIA T4) for 2.00 h (2.00 "
      "GPU-hours) on 2026-11-21 (UTC) in region here (grid zone DE). It drew "
      "600 Wh (modelled: power of the job x time), 720 Wh with the data "
      "centre's PUE of 1.2. At a mean carbon intensity of 572 gCO2e/kWh "
      "(signal average, from recorded), it emitted 412 g CO2e (gross, "
      "provisional). Begun at submission and never paused, the same work would "
      "have emitted 604 g CO2e: carbon-aware scheduling saved 32 %. Accounted "
      "by carbond 9.8.7 as power x PUE x carbon intensity, integrated over "
      "time (Patterson et al. 2021, section 2.5).");
}

TEST(Statement, CallsALossALoss) {
  v1::Job job = FinishedJob();
  job.mutable_emissions()->set_saved_fraction(-0.02);
  EXPECT_THAT(ParagraphOf(Made(job, Used())),
              testing::HasSubstr("carbon-aware scheduling added 2 %."));
}

TEST(Statement, EveryFigureSaysOnWhatItRests) {
  const Statement s = Made(FinishedJob(), Used());
  EXPECT_EQ(RowOf(s, "Hardware"), "1 GPU and 4 CPU cores; reserved");
  EXPECT_EQ(RowOf(s, "Running time"), "2.00 h; 2 runs, 1 pause");
  EXPECT_EQ(RowOf(s, "Device time"), "2.00 GPU-hours; running time x devices");
  EXPECT_EQ(RowOf(s, "Mean power"),
            "300 W; IT energy over time, before PUE; modelled: power of the "
            "job x time");
  EXPECT_EQ(RowOf(s, "PUE"), "1.2; declared for the region");
  EXPECT_EQ(RowOf(s, "Energy"), "720 Wh; IT energy x PUE");
  EXPECT_EQ(RowOf(s, "Carbon intensity"),
            "572 gCO2e/kWh; signal average, from recorded; mean by "
            "energy");
  EXPECT_EQ(RowOf(s, "Emissions, gross"), "412 g CO2e; provisional");
  EXPECT_EQ(RowOf(s, "Saved"),
            "192 g CO2e (32 %); baseline less emissions, by one signal");
  EXPECT_EQ(RowOf(s, "Region"), "here; grid zone DE");
  for (const char* asked : {"Emissions, net", "Embodied", "SCI", "As much as",
                            "Not in it", "Reserved", "Clock"}) {
    EXPECT_EQ(RowOf(s, asked), "") << asked;
  }
}

TEST(Statement, TellsSettledMeasuredAndMarginalFigures) {
  v1::EmissionsGroup group = InHere();
  group.set_measured_fraction(1);
  group.set_settled_fraction(1);
  group.mutable_emissions()->set_quality(v1::QUALITY_SETTLED);
  group.mutable_emissions()->set_signal("co2_moer");
  Statement s = Made(FinishedJob(), Used({group}));
  EXPECT_EQ(RowOf(s, "IT energy"), "600 Wh; measured");
  EXPECT_EQ(RowOf(s, "Emissions, gross"), "412 g CO2e; settled");
  EXPECT_THAT(RowOf(s, "Carbon intensity"),
              HasSubstr("signal co2_moer, marginal, from recorded"));
  group.set_measured_fraction(0.25);
  group.set_settled_fraction(0.4);
  group.mutable_emissions()->set_quality(v1::QUALITY_PROVISIONAL);
  s = Made(FinishedJob(), Used({group}));
  EXPECT_EQ(RowOf(s, "IT energy"), "600 Wh; 25 % measured, the rest modelled");
  EXPECT_EQ(RowOf(s, "Emissions, gross"),
            "412 g CO2e; provisional, 40 % of it settled");
  EXPECT_EQ(ToJson(s)["energy_source"], "mixed");
  group.set_measured_fraction(0);
  EXPECT_EQ(ToJson(Made(FinishedJob(), Used({group})))["energy_source"],
            "modelled");
  // Of each reading a part: the GPUs were counted, the CPUs were not.
  group.mutable_emissions()->set_energy_source(v1::ENERGY_SOURCE_MIXED);
  s = Made(FinishedJob(), Used({group}));
  EXPECT_EQ(RowOf(s, "IT energy"),
            "600 Wh; measured in part, such as its GPUs, the rest modelled");
  EXPECT_EQ(ToJson(s)["energy_source"], "mixed");
}

TEST(Statement, AddsRegionsAndShowsEach) {
  v1::EmissionsGroup there = InHere();
  there.set_key("there");
  there.set_zone("FR");
  there.set_it_energy_kwh(1);
  there.set_accounted_energy_kwh(1.1);
  there.mutable_emissions()->set_energy_kwh(1.1);
  there.mutable_emissions()->set_emissions_g(55);
  const Statement s = Made(FinishedJob(), Used({InHere(), there}));
  EXPECT_DOUBLE_EQ(*s.emissions_g(), 467);
  EXPECT_DOUBLE_EQ(*s.intensity_g_per_kwh(), 467 / 1.82);
  EXPECT_EQ(RowOf(s, "PUE"), "1.14; declared for each region; mean");
  EXPECT_EQ(RowOf(s, "In there"),
            "1.10 kWh with a PUE of 1.1, 50.0 gCO2e/kWh: 55.0 g CO2e; signal "
            "average, from recorded; provisional");
  EXPECT_THAT(ParagraphOf(s),
              HasSubstr("in regions here, there (grid zones DE, FR)"));
  EXPECT_EQ(ToJson(s)["by_region"].size(), 2u);
  EXPECT_EQ(ToJson(s)["by_region"][1]["zone"], "FR");
}

TEST(Statement, NeverAddsGramsOfTwoSignals) {
  v1::EmissionsGroup there = InHere();
  there.set_key("there");
  there.mutable_emissions()->set_signal("co2_moer");
  const Statement s =
      Made(FinishedJob(), Used({InHere(), there}),
           {.embodied = "463kg/gpu", .per = "1 model", .equivalents = true});
  EXPECT_FALSE(s.emissions_g().has_value());
  EXPECT_FALSE(s.figures.sci_g.has_value());
  const Json json = ToJson(s);
  EXPECT_TRUE(json["emissions_g"].is_null());
  EXPECT_TRUE(json["intensity_g_per_kwh"].is_null());
  EXPECT_TRUE(json["saved_g"].is_null());
  EXPECT_FALSE(json.contains("equivalents"));
  EXPECT_DOUBLE_EQ(json["energy_kwh"], 1.44);
  EXPECT_EQ(json["by_region"][1]["emissions_g"], 412);
  EXPECT_EQ(RowOf(s, "Emissions, gross"), "");
  EXPECT_THAT(ParagraphOf(s), HasSubstr("several signals, which are not "
                                        "added"));
}

TEST(Statement, HoursWithoutAnIntensityAreNeitherZeroNorDilution) {
  v1::EmissionsGroup group = InHere();
  group.set_accounted_energy_kwh(0.36);
  group.mutable_emissions()->set_emissions_g(180);
  group.mutable_emissions()->mutable_unknown()->set_seconds(3600);
  Statement s = Made(FinishedJob(), Used({group}));
  EXPECT_DOUBLE_EQ(*s.intensity_g_per_kwh(), 500);
  EXPECT_EQ(RowOf(s, "Not in it"),
            "1h of running; no intensity is known of them: the emissions "
            "are a lower bound");
  EXPECT_THAT(ParagraphOf(s), HasSubstr("without 1h of running"));
  // Nothing is known at all.
  group.set_accounted_energy_kwh(0);
  group.mutable_emissions()->set_emissions_g(0);
  s = Made(FinishedJob(), Used({group}));
  EXPECT_TRUE(ToJson(s)["emissions_g"].is_null());
  EXPECT_EQ(RowOf(s, "Emissions, gross"),
            "not known; no intensity is known of its hours");
}

TEST(Statement, NetStandsInsteadOfGrossAndSaysSo) {
  const Statement s = Made(FinishedJob(), Used(), {.net_intensity = "80"});
  EXPECT_EQ(RowOf(s, "Emissions, net"),
            "57.6 g CO2e; market-based, 80.0 gCO2e/kWh declared; instead of "
            "gross, not beside");
  EXPECT_DOUBLE_EQ(ToJson(s)["net_emissions_g"], 57.6);
  EXPECT_EQ(ToJson(s)["emissions_g"], 412);
}

TEST(Statement, APauseInMemoryReservesTheHardware) {
  v1::Job job = FinishedJob();
  job.mutable_runs(0)->set_end("suspended");
  const SupplementWords words{.embodied = "463kg/gpu", .lifetime = "4y"};
  const Statement s = Made(job, Used(), words);
  EXPECT_EQ(s.running, absl::Hours(2));
  EXPECT_EQ(s.reserved, absl::Hours(4));
  EXPECT_EQ(RowOf(s, "Reserved"),
            "4.00 h; with the pauses that it spent in memory");
  EXPECT_NEAR(s.figures.embodied->grams, 463e3 * 4 / 35040, 1e-6);
  // A checkpoint frees it.
  const Statement saved = Made(FinishedJob(), Used(), words);
  EXPECT_NEAR(saved.figures.embodied->grams, 463e3 * 2 / 35040, 1e-6);
  // Cancelled while it was suspended: until then it kept the hardware.
  job.mutable_runs()->RemoveLast();
  Set(job.mutable_finished_at(), "2026-11-21T14:30:00Z");
  EXPECT_EQ(Made(job, Used()).reserved, absl::Minutes(150));
}

TEST(Statement, RatesTheJobWhereTheMakingOfTheHardwareIsCounted) {
  const Statement s =
      Made(FinishedJob(), Used(),
           {.embodied = "1000kg/8cores", .lifetime = "4y", .per = "90 epochs"});
  const double embodied = 1e6 * 2 / 35040 / 2;
  EXPECT_NEAR(s.figures.embodied->grams, embodied, 1e-9);
  EXPECT_NEAR(*s.figures.sci_g, (412 + embodied) / 90, 1e-9);
  EXPECT_EQ(RowOf(s, "SCI"),
            "4.89 g CO2e for each of 90 epochs; (gross + embodied) per unit, "
            "ISO/IEC 21031");
  EXPECT_EQ(ToJson(s)["sci"]["units"], 90);
}

TEST(Statement, TheMakingOfTheHardwareMayBeConfiguredForTheRegion) {
  v1::EmissionsGroup group = InHere();
  group.mutable_embodied()->set_total_g(3.7e6);
  group.mutable_embodied()->set_gpus(8);
  group.mutable_embodied()->set_lifetime_h(35040);
  const Statement s = Made(FinishedJob(), Used({group}), {.per = "1 training"});
  EXPECT_NEAR(s.figures.embodied->grams, 3.7e6 * 2 / 35040 / 8, 1e-9);
  EXPECT_EQ(RowOf(s, "Embodied"),
            "26.4 g CO2e; share of 3.70 t for 8 GPUs over 4 years of use, "
            "configured for here; 2.00 h reserved");
  EXPECT_NEAR(*s.figures.sci_g, 412 + s.figures.embodied->grams, 1e-9);
  // The flag goes before it.
  const Statement flag =
      Made(FinishedJob(), Used({group}), {.embodied = "463kg/gpu"});
  EXPECT_THAT(RowOf(flag, "Embodied"),
              HasSubstr("463 kg for a GPU over 4 years of use (assumed), "
                        "declared"));
}

TEST(Statement, SharesByCoresWhereTheJobOrTheMachineHasNoGpus) {
  v1::EmissionsGroup group = InHere();
  group.mutable_embodied()->set_total_g(1e6);
  group.mutable_embodied()->set_gpus(8);
  group.mutable_embodied()->set_cpus(32);
  group.mutable_embodied()->set_lifetime_h(35040);
  v1::Job job = FinishedJob();
  job.mutable_spec()->set_gpus(0);
  EXPECT_NEAR(Made(job, Used({group})).figures.embodied->grams,
              1e6 * 2 / 35040 * 4 / 32, 1e-9);
  group.mutable_embodied()->set_cpus(0);
  EXPECT_FALSE(Made(job, Used({group})).figures.embodied.has_value());
}

TEST(Statement, HalfOfTheHardwareIsNoShare) {
  v1::EmissionsGroup here = InHere(), there = InHere();
  here.mutable_embodied()->set_total_g(3.7e6);
  here.mutable_embodied()->set_gpus(8);
  here.mutable_embodied()->set_lifetime_h(35040);
  there.set_key("there");
  EXPECT_FALSE(
      Made(FinishedJob(), Used({here, there})).figures.embodied.has_value());
  // Each region's hardware by the hours that the job was there.
  v1::Job moved = FinishedJob();
  moved.mutable_runs(1)->set_region("there");
  *there.mutable_embodied() = here.embodied();
  there.mutable_embodied()->set_total_g(7.4e6);
  const Statement s = Made(moved, Used({here, there}));
  EXPECT_NEAR(s.figures.embodied->grams,
              (3.7e6 * 1.5 + 7.4e6 * 0.5) / 35040 / 8, 1e-9);
  EXPECT_THAT(RowOf(s, "Embodied"),
              HasSubstr("configured for here; 7.40 t for 8 GPUs over 4 years "
                        "of use, configured for there"));
}

TEST(Statement, ADemonstrationIsNotForPublication) {
  v1::ReportEmissionsResponse used = Used();
  used.set_clock_speed(60);
  const Statement s = Made(FinishedJob(), used);
  EXPECT_EQ(RowOf(s, "Clock"),
            "demonstration clock, 60x; no real hours: not for publication");
  EXPECT_THAT(ParagraphOf(s), HasSubstr("figures are not for publication"));
  EXPECT_EQ(ToJson(s)["clock_speed"], 60);
}

TEST(Statement, SaysWhenTheJobDidNotSucceed) {
  v1::Job job = FinishedJob();
  job.set_outcome(v1::OUTCOME_CANCELLED);
  EXPECT_THAT(ParagraphOf(Made(job, Used())),
              HasSubstr("The job ended as cancelled."));
}

TEST(Statement, SaysWhatTheProjectUsedInAll) {
  v1::ReportEmissionsResponse projects;
  for (const char* key : {"speech", "vision"}) {
    v1::EmissionsGroup* group = projects.add_groups();
    group->set_key(key);
    group->set_jobs(12);
    *group->mutable_emissions() = FinishedJob().emissions();
    group->mutable_emissions()->set_energy_kwh(45.2);
    group->mutable_emissions()->set_emissions_g(5200);
  }
  Statement s = Made(FinishedJob(), Used(), {}, "", projects);
  EXPECT_EQ(RowOf(s, "Whole project"),
            "12 jobs, 45.2 kWh, 5.20 kg CO2e; all of vision in this ledger, by "
            "signal average; provisional");
  EXPECT_THAT(ParagraphOf(s),
              HasSubstr(" The 12 jobs of project vision, this one included, "
                        "used 45.2 kWh and emitted 5.20 kg CO2e. Accounted"));
  EXPECT_EQ(ToJson(s)["project"]["by_signal"][0]["jobs"], 12);
  // By two signals: a row for each, and no sentence that would add them.
  *projects.add_groups() = projects.groups(1);
  projects.mutable_groups(2)->mutable_emissions()->set_signal("co2_moer");
  s = Made(FinishedJob(), Used(), {}, "", projects);
  EXPECT_EQ(ToJson(s)["project"]["by_signal"].size(), 2u);
  EXPECT_THAT(ParagraphOf(s), Not(HasSubstr("of project")));
  EXPECT_TRUE(ToJson(Made(FinishedJob(), Used()))["project"].is_null());
}

TEST(Statement, AJobThatReservedNothingHasNoDeviceHours) {
  v1::Job job = FinishedJob();
  job.mutable_spec()->set_gpus(0);
  job.mutable_spec()->set_cpus(0);
  const Statement s = Made(job, Used());
  EXPECT_EQ(RowOf(s, "Device time"), "");
  EXPECT_THAT(ParagraphOf(s),
              HasSubstr("used a CPU core that it had not reserved for 2.00 h "
                        "on 2026-11-21"));
}

TEST(Statement, IsRefusedOfAJobThatIsNotDoneOrNeverRan) {
  EXPECT_EQ(Refusal(WaitingJob(), Used()),
            "job 17 train is waiting: a statement is made of a job that is "
            "done; carbonctl emissions 17 shows its figures so far");
  EXPECT_EQ(Refusal(FinishedJob(), Used({})),
            "job 17 train drew no power that is known of: there is nothing to "
            "state");
  v1::ReportEmissionsResponse old = Used();
  old.clear_version();
  EXPECT_THAT(Refusal(FinishedJob(), old),
              HasSubstr("this carbond is older than its carbonctl"));
}

TEST(Statement, EscapesWhatUsersNamed) {
  v1::Job job = FinishedJob();
  job.mutable_spec()->set_name("100%_{a|b}\\ ~#$&^<i>*");
  const Statement s = Made(job, Used());
  EXPECT_THAT(StatementLatex(s),
              HasSubstr("100\\%\\_\\{a$|$b\\}\\textbackslash{} \\~{}\\#\\$\\&"
                        "\\^{}$<$i$>$* used 1 GPU"));
  EXPECT_THAT(StatementMarkdown(s),
              HasSubstr("100%\\_{a\\|b}\\\\ \\~\\#\\$&^\\<i\\>\\* used 1 GPU"));
  job.mutable_spec()->set_name("a\nb\x1b[1m");
  EXPECT_THAT(StatementText(Made(job, Used()), kPlainUnicode),
              Not(HasSubstr("\x1b")));
}

TEST(Statement, LatexIsAParagraphATableAndTheReference) {
  const std::string latex = StatementLatex(Made(FinishedJob(), Used()));
  EXPECT_THAT(latex, HasSubstr("\\paragraph{Carbon footprint.}\ntrain used"));
  EXPECT_THAT(latex, HasSubstr("\\begin{tabular}"));
  EXPECT_THAT(latex, HasSubstr("Emissions, gross & 412 g CO$_2$e & provisional "
                               "\\\\\n"));
  EXPECT_THAT(latex, HasSubstr("power $\\times$ PUE $\\times$ intensity"));
  EXPECT_THAT(latex, HasSubstr("% @misc{patterson2021carbon"));
}

TEST(Statement, TextIsNoWiderThanATerminalWhereItCanBe) {
  const std::string text =
      StatementText(Made(FinishedJob(), Used()), kPlainUnicode);
  const std::string paragraph = text.substr(0, text.find("\n\n") + 1);
  for (size_t begin = 0; begin < paragraph.size();) {
    const size_t end = paragraph.find('\n', begin);
    EXPECT_LE(end - begin, 78u);
    begin = end + 1;
  }
  EXPECT_THAT(text, HasSubstr("\nEmissions, gross  412 g CO2e "));
}

}  // namespace
}  // namespace carbond::client
