#pragma once
// "Let's Wait Awhile": Wiesner et al. 2021 (Middleware), Germany in 2020. The
// authors' half-hourly intensity and their generated jobs carry no licence:
// read where they lie, never part of this project.

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "scheduler/planner.h"
#include "scheduler/policies.h"

namespace carbond::wiesner {

constexpr Duration kSlot = minutes(30);
constexpr Duration kDay = hours(24);
// Of all rows: what the paper's noise is a fraction of.
constexpr double kMeanOfAllRows = 316.695;

inline Instant NewYear() { return *ParseInstant("2020-01-01T00:00:00Z"); }

struct TrainingJob {
  Instant arrival;
  Duration duration{0};
};

struct Data {
  Series germany;
  std::vector<TrainingJob> jobs;
};

inline std::vector<std::string> Cells(const std::string& line) {
  std::vector<std::string> cells;
  std::stringstream text(line);
  for (std::string cell; std::getline(text, cell, ',');) cells.push_back(cell);
  return cells;
}

// Empty where the data is absent.
inline Data ReadData() {
  const std::string folder = CARBOND_SHARED_DATA "/reference/data/";
  Data data;
  std::string line;
  std::vector<Slot> slots;
  std::ifstream rows(folder + "wiesner2021_ci_germany_2020_30min.csv");
  std::getline(rows, line);
  while (std::getline(rows, line)) {
    const auto cells = Cells(line);  // `2020-01-01 00:30:00`
    const auto begin =
        ParseInstant(cells[0].substr(0, 10) + "T" + cells[0].substr(11) + "Z");
    slots.push_back(
        {{*begin, *begin + kSlot}, GramsPerKwh::Of(std::stod(cells[1]))});
  }
  if (slots.empty()) return data;
  data.germany = *Series::Make(std::move(slots));
  std::ifstream jobs(folder + "wiesner2021_ml_jobs.csv");
  std::getline(jobs, line);
  while (std::getline(jobs, line)) {
    const auto cells = Cells(line);
    data.jobs.push_back({NewYear() + minutes(std::stoll(cells[1])),
                         minutes(std::stoll(cells[2]))});
  }
  return data;
}

inline constexpr const char* kAbsent =
    "Germany's intensity of 2020 is absent: set CARBOND_SHARED_DATA to a "
    "folder that holds reference/data/wiesner2021_ci_germany_2020_30min.csv "
    "and wiesner2021_ml_jobs.csv";

// The paper's forecast: independent noise in every slot.
inline Series Noisy(const Series& actual, double fraction, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> error(0, fraction * kMeanOfAllRows);
  std::vector<Slot> slots = actual.slots();
  for (Slot& slot : slots) {
    slot.intensity =
        GramsPerKwh::Of(std::max(0.0, slot.intensity.value() + error(random)));
  }
  return *Series::Make(std::move(slots));
}

// In g/kWh x h, which is what grams of a kilowatt are.
inline double GramsIn(const Runs& runs, const Series& series) {
  double grams = 0;
  for (const Interval& run : runs) {
    grams += static_cast<double>(series.Over(run).mg_per_kwh_ms) / 3.6e9;
  }
  return grams;
}

// ---- Scenario II: training jobs and their deadlines -------------------------

using DeadlineRule = Instant (*)(Instant finish);

inline Instant NineOn(int64_t day) {
  return NewYear() + static_cast<int>(day) * kDay + hours(9);
}
inline int64_t DayOf(Instant t) { return (t - NewYear()) / kDay; }
// Monday is 0; 2020 began on a Wednesday.
inline int64_t WeekdayOf(int64_t day) { return (day + 2) % 7; }

// Where the job would have ended if that is in working hours, else the next
// 09:00 of a workday; but after a Friday's 17:00 comes Saturday, as published.
inline Instant NextWorkday(Instant finish) {
  const int64_t day = DayOf(finish), weekday = WeekdayOf(day);
  if (weekday >= 5) return NineOn(day + 7 - weekday);
  if (finish < NineOn(day)) return NineOn(day);
  return finish <= NineOn(day) + hours(8) ? finish : NineOn(day + 1);
}

// The next Monday or Thursday, 09:00.
inline Instant SemiWeekly(Instant finish) {
  int64_t day = DayOf(finish);
  if (finish > NineOn(day)) ++day;
  while (WeekdayOf(day) != 0 && WeekdayOf(day) != 3) ++day;
  return NineOn(day);
}

// What all jobs emit, and what of it was saved, in percent.
struct Sums {
  double immediate = 0, unbroken = 0, pausing = 0;

  double SavedUnbroken() const { return 100 * (1 - unbroken / immediate); }
  double SavedPausing() const { return 100 * (1 - pausing / immediate); }
};

// By the policies, seeing `forecast` and paying for what was.
inline Sums ByPolicies(const Data& data, const Series& forecast,
                       DeadlineRule deadline) {
  Sums sums;
  for (const TrainingJob& job : data.jobs) {
    const Instant end = deadline(job.arrival + job.duration);
    const PolicyWindow window{forecast.Clip({job.arrival, end}), job.arrival,
                              job.duration, end};
    sums.immediate += GramsIn(RunAtOnce(window), data.germany);
    sums.unbroken += GramsIn(BestStart(window), data.germany);
    sums.pausing += GramsIn(PauseResume(window), data.germany);
  }
  return sums;
}

// The plan that the daemon makes of such a job: a kilowatt, free to pause.
inline JobPlan PlanOf(const Series& germany, const TrainingJob& job,
                      DeadlineRule deadline, PauseMode pause) {
  const Instant end = deadline(job.arrival + job.duration);
  PlanInput input;
  input.now = job.arrival;
  PlanRegion region;
  region.name = "germany";
  region.pue = Pue::Of(1);
  region.capacity = {1, 1};
  region.outlook = germany.Clip({job.arrival, end});
  region.forecast_issued_at = job.arrival;
  region.forecast_end = end;
  input.regions = {region};
  PlanJob planned;
  planned.id = JobId{1};
  planned.need = {0, 1};
  planned.power = Watts::Of(1000);
  planned.work = job.duration;
  planned.pause = pause;
  planned.submitted_at = planned.earliest = job.arrival;
  planned.deadline = end;
  planned.regions = {0};
  planned.home = 0;
  input.jobs = {planned};
  return MakePlan(input).jobs.front();
}

// By the planner, every `stride`-th job; the policies' sums of the same beside
// it.
inline void ExpectThePlannerAgrees(const Data& data, DeadlineRule deadline,
                                   size_t stride) {
  Sums planned;
  Data sample{data.germany, {}};
  for (size_t i = 0; i < data.jobs.size(); i += stride) {
    const TrainingJob& job = data.jobs[i];
    sample.jobs.push_back(job);
    const JobPlan start = PlanOf(data.germany, job, deadline, PauseMode::kNone);
    const JobPlan pausing =
        PlanOf(data.germany, job, deadline, PauseMode::kCheckpoint);
    ASSERT_TRUE(start.expected && start.run_now && pausing.expected);
    ASSERT_FALSE(start.late || pausing.late);
    planned.immediate += start.run_now->value();
    planned.unbroken += start.expected->value();
    planned.pausing += pausing.expected->value();
    EXPECT_NEAR(GramsIn(pausing.intervals(), data.germany),
                pausing.expected->value(), 0.01);
  }
  const Sums policies = ByPolicies(sample, data.germany, deadline);
  // The planner rounds each run to a milligram.
  EXPECT_NEAR(planned.immediate / policies.immediate, 1, 1e-6);
  EXPECT_NEAR(planned.unbroken / policies.unbroken, 1, 1e-6);
  EXPECT_NEAR(planned.pausing / policies.pausing, 1, 1e-6);
  if (stride > 1) return;
  const bool next = deadline == NextWorkday;
  EXPECT_NEAR(planned.SavedUnbroken(), next ? 5.921 : 14.148, 0.005);
  EXPECT_NEAR(planned.SavedPausing(), next ? 8.040 : 18.481, 0.005);
}

}  // namespace carbond::wiesner
