#include "client/emissions_export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/client/world.h"

namespace carbond::client {
namespace {

using testing::EndsWith;

v1::ReportEmissionsResponse TwoDays() {
  v1::ReportEmissionsResponse report;
  report.set_clock_speed(1);
  for (const char* day : {"2026-11-20", "2026-11-21"}) {
    v1::EmissionsGroup* group = report.add_groups();
    group->set_key(day);
    group->set_jobs(2);
    *group->mutable_emissions() = FinishedJob().emissions();
    group->set_zone("DE");
    group->set_it_energy_kwh(0.6);
    group->set_accounted_energy_kwh(0.72);
    group->set_settled_fraction(0.25);
  }
  report.mutable_groups(1)->mutable_emissions()->clear_baseline_g();
  report.mutable_groups(1)->mutable_emissions()->clear_saved_g();
  report.mutable_groups(1)->mutable_emissions()->clear_saved_fraction();
  return report;
}

constexpr char kHeading[] =
    "by,key,signal,provider,zone,jobs,it_energy_kwh,energy_kwh,accounted_"
    "energy_kwh,emissions_g,baseline_g,saved_g,saved_fraction,energy_source,"
    "measured_fraction,quality,settled_fraction,unknown_s,clock_speed,"
    "same_region_g,worst_start_g,second_signal,second_emissions_g,"
    "second_baseline_g,second_saved_g,second_quality,second_unknown_s\n";

TEST(EmissionsExport, CsvHasARowForEachKeyAndEmptyCellsForTheUnknown) {
  v1::ReportEmissionsResponse report = TwoDays();
  v1::Emissions* first = report.mutable_groups(0)->mutable_emissions();
  first->set_saved_fraction(0.25);
  first->set_same_region_g(500);
  first->set_worst_start_g(700.5);
  first->mutable_second()->set_signal("marginal");
  first->mutable_second()->set_emissions_g(900);
  first->mutable_second()->set_quality(v1::QUALITY_SETTLED);
  EXPECT_EQ(EmissionsCsv(report, v1::GROUP_BY_DAY),
            std::string(kHeading) +
                "day,2026-11-20,average,recorded,DE,2,0.6,0.72,0.72,412.0,"
                "604.0,192.0,0.25,modelled,0.0,provisional,0.25,0.0,1.0,"
                "500.0,700.5,marginal,900.0,,,settled,0.0\n"
                "day,2026-11-21,average,recorded,DE,2,0.6,0.72,0.72,412.0,"
                ",,,modelled,0.0,provisional,0.25,0.0,1.0,,,,,,,,\n");
}

TEST(EmissionsExport, OfNothingIsTheHeadingAlone) {
  EXPECT_EQ(EmissionsCsv({}, v1::GROUP_BY_JOB), kHeading);
  EXPECT_EQ(EmissionsJsonLines({}, v1::GROUP_BY_JOB), "");
}

TEST(EmissionsExport, CsvQuotesWhatWouldBreakARow) {
  v1::ReportEmissionsResponse report;
  v1::EmissionsGroup* group = report.add_groups();
  group->set_key("a \"b\", c\nd");
  EXPECT_THAT(EmissionsCsv(report, v1::GROUP_BY_PROJECT),
              testing::HasSubstr("\nproject,\"a \"\"b\"\", c\nd\",,"));
}

TEST(EmissionsExport, JsonLinesHoldTheSameFields) {
  const std::string lines = EmissionsJsonLines(TwoDays(), v1::GROUP_BY_DAY);
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 2);
  EXPECT_THAT(lines, EndsWith("\n"));
  const std::string first = lines.substr(0, lines.find('\n'));
  const auto row = nlohmann::ordered_json::parse(first);
  std::string heading;
  for (const auto& [field, value] : row.items()) {
    heading += (heading.empty() ? "" : ",") + field;
  }
  EXPECT_EQ(heading + "\n", kHeading);
  EXPECT_EQ(row["emissions_g"], 412);
  const auto second = nlohmann::json::parse(lines.substr(first.size() + 1));
  EXPECT_TRUE(second["baseline_g"].is_null());
}

}  // namespace
}  // namespace carbond::client
