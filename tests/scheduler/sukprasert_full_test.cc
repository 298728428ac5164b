// All of the EuroSys'24 bounds (sukprasert.h): 140 means over a year of start
// hours. Minutes in a release build, hours with sanitizers, and so no part of
// the everyday run:
//     ctest -C full -L full
#include "tests/scheduler/sukprasert.h"

namespace carbond::sukprasert {
namespace {

TEST(SukprasertFull, AllMeansUpToAMonthOfSlackAreThePublishedOnes) {
  const Data data = ReadData();
  if (data.expected.empty()) GTEST_SKIP() << kAbsent;
  for (const Expected& row : data.expected) {
    if (row.slack_h <= 720) ExpectMeans(data, row);
  }
}

// A year of slack: windows of up to 8,760 hours, so every 97th start, against
// the sum and the sort that the everyday run holds against the paper.
TEST(SukprasertFull, AYearOfSlackIsWhatSortingGives) {
  const Data data = ReadData();
  if (data.expected.empty()) GTEST_SKIP() << kAbsent;
  for (const auto& [zone, year] : data.zones) {
    for (const size_t job_h : {1, 6, 12, 24, 48, 96, 168}) {
      for (size_t start = 0; start + job_h < year.size(); start += 97) {
        const Costs found = Solve(year, start, job_h, year.size());
        ASSERT_TRUE(found == Sorted(year, start, job_h, year.size()))
            << zone << " J=" << job_h << " start " << start;
      }
    }
  }
}

}  // namespace
}  // namespace carbond::sukprasert
