// Recorded grids and forecasts, read by the code that serves them, against the
// figures that were computed from the same files elsewhere: a trace read an
// hour late, a forecast held against the wrong hour or a start that is not the
// best would show.

#include <gtest/gtest.h>

#include <cmath>

#include "daemon/grid/recording.h"
#include "tests/scheduler/wiesner.h"

namespace carbond {
namespace {

const std::string kTraces = CARBOND_SHARED_DATA "/traces/";

class Traces : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::ifstream(kTraces + "manifest.csv")) {
      GTEST_SKIP() << "no recorded data of real grids in " << kTraces;
    }
  }

  static Series Actual(const std::string& name) {
    const auto recording =
        ReadRecording(kTraces + "actual/" + name + ".csv.gz");
    if (!recording.ok()) {
      ADD_FAILURE() << recording.status();
      return {};
    }
    std::vector<Slot> slots;
    for (const RecordedValue& value : recording->values) {
      slots.push_back(
          {{value.begin, value.begin + recording->step}, value.intensity});
    }
    return *Series::Make(std::move(slots));
  }
};

// ---- The best four hours of the next day ------------------------------------

struct BestHours {
  const char* name;
  int percent;  // of the grams of starting at once, over all hours
};

constexpr BestHours kBestHours[] = {
    {"US-CAL-CISO.direct", 39},
    {"US-CAL-CISO.lifecycle", 32},
    {"US-TEX-ERCO.direct", 16},
    {"US-TEX-ERCO.lifecycle", 15},
    {"DE.direct", 24},
    {"DE.lifecycle", 21},
    {"NL.direct", 8},
    {"NL.lifecycle", 7},
    {"PL.direct", 7},
    {"PL.lifecycle", 6},
    {"DE.lwa15m", 19},
    {"GB.lwa30m", 22},
    {"FR.lwa60m", 13},
    {"AU-SA.lca", 46},
    {"CA-ON.lca", 45},
    {"IN-WE.lca", 2},
    {"NO.lca", 17},
    {"US-CAL-CISO-PGE.moer", 43},
    {"GB.neso", 33},
};

TEST_F(Traces, TheBestFourHoursOfADaySaveWhatTheTableSays) {
  for (const auto& [name, percent] : kBestHours) {
    SCOPED_TRACE(name);
    const Series actual = Actual(name);
    double at_once = 0, best = 0;
    // Every fifth hour, which meets all hours of the day.
    const auto stride = std::string(name) == "GB.neso" ? hours(1) : hours(5);
    for (Instant from = actual.begin(); from + hours(24) <= actual.end();
         from += stride) {
      const Interval day{from, from + hours(24)};
      if (!actual.Covers(day)) continue;
      const PolicyWindow window{actual.Clip(day), from, hours(4), day.end};
      at_once += wiesner::GramsIn(RunAtOnce(window), actual);
      best += wiesner::GramsIn(BestStart(window), actual);
    }
    EXPECT_NEAR(100 * (1 - best / at_once), percent, 0.75);
  }
}

// ---- Forecasts --------------------------------------------------------------

// Mean absolute error in percent of what came: of the step that makes the lead
// full, counted from an issue's first (SGIP's begins five minutes after it);
// of all steps where `lead` is zero. Actuals below 1 g are left out.
double Error(const Series& actual, const RecordedForecasts& forecasts,
             Duration lead) {
  double sum = 0;
  int count = 0;
  for (const RecordedIssue& issue : forecasts.issues) {
    for (size_t i = issue.first; i < issue.first + issue.count; ++i) {
      const RecordedValue& said = forecasts.values[i];
      const auto steps = static_cast<int64_t>(i - issue.first + 1);
      if (lead > Duration(0) && steps != lead / forecasts.step) continue;
      const auto came = actual.At(said.begin);
      if (!came || came->value() < 1) continue;
      sum += std::abs(said.intensity.value() / came->value() - 1);
      ++count;
    }
  }
  return 100 * sum / count;
}

struct ForecastErrors {
  const char* name;
  const char* actual;
  std::vector<std::pair<Duration, double>> percent;  // by lead; 0: of all
};

TEST_F(Traces, ForecastsAreAsWrongAsTheTableSays) {
  const ForecastErrors kErrors[] = {
      {"US-CAL-CISO-PGE.moer.sgip3h",
       "US-CAL-CISO-PGE.moer",
       {{minutes(5), 8.0},
        {hours(1), 16.9},
        {hours(2), 23.0},
        {hours(3), 23.0}}},
      {"GB.neso.neso48h",
       "GB.neso",
       {{hours(1), 11.4},
        {hours(6), 23.1},
        {hours(24), 29.0},
        {hours(48), 31.6}}},
      {"US-CAL-CISO.direct.dacf24h",
       "US-CAL-CISO.direct",
       {{hours(1), 6.4},
        {hours(6), 3.3},
        {hours(24), 8.9},
        {Duration(0), 6.8}}},
      {"US-TEX-ERCO.direct.dacf24h",
       "US-TEX-ERCO.direct",
       {{hours(1), 1.2},
        {hours(6), 6.0},
        {hours(24), 3.6},
        {Duration(0), 5.3}}},
      {"DE.direct.dacf24h",
       "DE.direct",
       {{hours(1), 14.5},
        {hours(6), 6.9},
        {hours(24), 9.0},
        {Duration(0), 9.0}}},
      {"NL.direct.carboncast96h",
       "NL.direct",
       {{hours(1), 5.8},
        {hours(6), 5.9},
        {hours(24), 7.8},
        {hours(48), 9.6},
        {hours(96), 13.8},
        {Duration(0), 8.5}}},
  };
  for (const ForecastErrors& row : kErrors) {
    const Series actual = Actual(row.actual);
    const auto forecasts =
        ReadRecordedForecasts(kTraces + "forecast/" + row.name + ".csv.gz");
    ASSERT_TRUE(forecasts.ok()) << forecasts.status();
    for (const auto& [lead, percent] : row.percent) {
      EXPECT_NEAR(Error(actual, *forecasts, lead), percent, 0.06)
          << row.name << " " << FormatDuration(lead);
    }
  }
}

// ---- "Let's Wait Awhile" from the recorded trace ----------------------------

TEST_F(Traces, LetsWaitAwhileComesOutOfTheRecordedTrace) {
  wiesner::Data data = wiesner::ReadData();
  if (data.jobs.empty()) GTEST_SKIP() << wiesner::kAbsent;
  std::vector<Slot> halves;  // the rows of :00 and :30
  const Series recorded = Actual("DE.lwa15m");
  for (const Slot& slot : recorded.slots()) {
    const Instant begin = slot.interval.begin;
    if (begin.millis() % wiesner::kSlot.count() != 0) continue;
    halves.push_back({{begin, begin + wiesner::kSlot}, slot.intensity});
  }
  data.germany = *Series::Make(std::move(halves));
  const wiesner::Sums exact =
      ByPolicies(data, data.germany, wiesner::NextWorkday);
  EXPECT_NEAR(exact.SavedUnbroken(), 5.921, 0.005);
  EXPECT_NEAR(exact.SavedPausing(), 8.040, 0.005);
  const wiesner::Sums noisy = ByPolicies(
      data, wiesner::Noisy(data.germany, 0.05, 1), wiesner::NextWorkday);
  EXPECT_NEAR(noisy.SavedUnbroken(), 5.91, 0.05);
  EXPECT_NEAR(noisy.SavedPausing(), 7.82, 0.05);
}

}  // namespace
}  // namespace carbond
