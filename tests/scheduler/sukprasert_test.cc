// The everyday part of the EuroSys'24 bounds (sukprasert.h): every window is
// small, or sampled. sukprasert_full_test.cc holds the rest.

#include "tests/scheduler/sukprasert.h"

namespace carbond::sukprasert {
namespace {

class Sukprasert : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { data_ = new Data(ReadData()); }
  static void TearDownTestSuite() { delete data_; }
  void SetUp() override {
    if (data_->expected.empty()) GTEST_SKIP() << kAbsent;
  }
  static Data* data_;
};
Data* Sukprasert::data_ = nullptr;

TEST_F(Sukprasert, MeansOfADayOfSlackAreThePublishedOnes) {
  int rows = 0;
  for (const Expected& row : data_->expected) {
    // Germany, for jobs of up to a day; the rest is for the full run.
    if (row.slack_h != 24 || row.job_h > 24 || row.zone != "DE") continue;
    ExpectMeans(*data_, row);
    ++rows;
  }
  EXPECT_EQ(rows, 4);
}

TEST_F(Sukprasert, EverySampledStartHourIsWhatSortingGives) {
  for (const auto& [zone, year] : data_->zones) {
    for (const size_t job_h : {1, 12, 48}) {
      for (const size_t slack_h : {24, 168}) {
        for (size_t start = 0; start + job_h < year.size(); start += 97) {
          const Costs found = Solve(year, start, job_h, slack_h);
          const Costs truth = Sorted(year, start, job_h, slack_h);
          ASSERT_TRUE(found == truth)
              << zone << " J=" << job_h << " S=" << slack_h << " start "
              << start << ": " << found.unbroken << " " << found.pausing
              << " against " << truth.unbroken << " " << truth.pausing;
        }
      }
    }
  }
}

// What pausing saves, by sorting alone: the reference of the test above, held
// against the paper in all four zones.
TEST_F(Sukprasert, TheReferenceItselfGivesThePrintedPercentages) {
  for (const Expected& row : data_->expected) {
    if (row.slack_h > 168) continue;
    const std::vector<int64_t>& year = data_->zones.at(row.zone);
    double immediate = 0, pausing = 0;
    for (size_t start = 0; start < row.starts; ++start) {
      const Costs costs = Sorted(year, start, row.job_h, row.slack_h);
      immediate += static_cast<double>(costs.immediate);
      pausing += static_cast<double>(costs.pausing);
    }
    EXPECT_NEAR(pausing / immediate, row.pausing / row.immediate, 1e-5)
        << row.zone << " J=" << row.job_h << " S=" << row.slack_h;
  }
}

}  // namespace
}  // namespace carbond::sukprasert
