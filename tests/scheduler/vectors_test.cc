// Published numbers, recomputed with the code that plans and accounts (what
// `carbonctl estimate` makes of them: tests/client/footprint_test.cc).
//   Patterson et al. 2021, "Carbon Emissions and Large Neural Network
//   Training", tables 1 and 4 (arXiv:2104.10350).
//   Dodge et al. 2022, "Measuring the Carbon Intensity of AI in Cloud
//   Instances" (FAccT), and GAIA (Hanafy et al. 2024) for the policies' names.
//   Hanafy et al. 2023, "CarbonScaler" (SIGMETRICS).

#include <gtest/gtest.h>

#include <random>

#include "scheduler/emissions.h"
#include "scheduler/optimum.h"
#include "scheduler/planner.h"

namespace carbond {
namespace {

double Off(double actual, double expected) {
  return std::abs(actual - expected) / expected;
}

// ---- Energy and emissions ---------------------------------------------------

struct Training {
  const char* model;
  double chips, watts, days, pue, gross, net;  // kg/kWh
  double kwh, gross_t, net_t;                  // as printed
};

// The same with the types of the ledger: whole milliwatt-hours and milligrams.
WattHours TypedEnergy(const Training& t) {
  const Duration time(std::llround(t.days * 86'400'000));
  return Watts::Of(t.chips * t.watts) * time * Pue::Of(t.pue);
}
double TypedTonnes(const Training& t, double kg_per_kwh) {
  return (TypedEnergy(t) * GramsPerKwh::Of(kg_per_kwh * 1000)).value() / 1e6;
}

struct Large {
  Training printed;
  double mwh, gross_t, net_t;  // what the printed inputs give
};

constexpr Large kTable4[] = {
    {{"Evolved Transformer NAS", 200, 208, 6.8, 1.10, 0.431, 0.431, 7.5e3, 3.2,
      3.2},
     7.468,
     3.219,
     3.219},
    {{"T5", 512, 310, 20, 1.12, 0.545, 0.545, 85.7e3, 46.7, 46.7},
     85.328,
     46.504,
     46.504},
    {{"Meena", 1024, 289, 30, 1.09, 0.415, 0.415, 232e3, 96.4, 96.4},
     232.251,
     96.384,
     96.384},
    {{"GShard-600B", 1024, 288, 3.1, 1.09, 0.201, 0.177, 24.1e3, 4.8, 4.3},
     23.916,
     4.807,
     4.233},
    {{"Switch Transformer", 1024, 245, 27, 1.10, 0.403, 0.330, 179e3, 72.2,
      59.1},
     178.827,
     72.067,
     59.013},
    {{"GPT-3", 10000, 330, 14.8, 1.10, 0.429, 0.429, 1287e3, 552.1, 552.1},
     1289.376,
     553.142,
     553.142},
};

TEST(Patterson, Table4AgreesInWholeMilligrams) {
  for (const Large& row : kTable4) {
    const Training& t = row.printed;
    SCOPED_TRACE(t.model);
    EXPECT_LT(Off(KilowattHours(TypedEnergy(t)) / 1000, row.mwh), 1e-3);
    EXPECT_LT(Off(TypedTonnes(t, t.gross), row.gross_t), 1e-3);
    EXPECT_LT(Off(TypedTonnes(t, t.net), row.net_t), 1e-3);
    EXPECT_LT(Off(KilowattHours(TypedEnergy(t)), t.kwh), 0.01);
    EXPECT_LT(Off(TypedTonnes(t, t.gross), t.gross_t), 0.01);
    EXPECT_LT(Off(TypedTonnes(t, t.net), t.net_t), 0.02);
  }
}

constexpr Training kTable1[] = {
    {"Transformer Big, P100, US average", 8, 296, 3.5, 1.59, 0.429, 0.429, 316,
     0.1357, 0.1357},
    {"Transformer Big, P100, Iowa", 8, 296, 3.5, 1.11, 0.478, 0.080, 221,
     0.1055, 0.0177},
    {"Evolved Transformer, P100, Iowa", 8, 271, 3.2, 1.11, 0.478, 0.080, 185,
     0.0883, 0.0148},
    {"Transformer Big, TPU v2, Iowa", 8, 229, 0.81, 1.11, 0.478, 0.080, 40,
     0.0189, 0.0032},
    {"Evolved Transformer, TPU v2, Iowa", 8, 227, 0.62, 1.11, 0.478, 0.080, 30,
     0.0143, 0.0024},
};

TEST(Patterson, Table1IsReproducedToThePrintedDigits) {
  for (const Training& t : kTable1) {
    SCOPED_TRACE(t.model);
    const auto printed = [](double tonnes) {
      return std::llround(tonnes * 1e4);
    };
    EXPECT_EQ(std::llround(KilowattHours(TypedEnergy(t))), t.kwh);
    EXPECT_EQ(printed(TypedTonnes(t, t.gross)), printed(t.gross_t));
    EXPECT_EQ(printed(TypedTonnes(t, t.net)), printed(t.net_t));
  }
}

TEST(Patterson, Table1ImprovesFiftySevenfold) {
  const double first = TypedTonnes(kTable1[0], kTable1[0].net);
  const double last = TypedTonnes(kTable1[4], kTable1[4].net);
  EXPECT_NEAR(first / last, 56.5, 0.1);
}

// ---- The shifting policies
// ----------------------------------------------------

constexpr int64_t kHour = 3'600'000;

// Price of a kilowatt-hour an hour, so that a cost is grams times kHour.
std::vector<PricedSlot> Hourly(const std::vector<int64_t>& grams) {
  std::vector<PricedSlot> slots;
  for (size_t i = 0; i < grams.size(); ++i) {
    const int64_t begin = static_cast<int64_t>(i) * kHour;
    slots.push_back({begin, begin + kHour, grams[i], 0, false});
  }
  return slots;
}
int64_t WholeGrams(Cost cost) { return static_cast<int64_t>(cost / kHour); }

using Spans = std::vector<RunSpan>;

const std::vector<int64_t> kWorkedExample = {300, 280, 260, 150, 400, 420,
                                             210, 200, 205, 350, 330, 310};

TEST(WorkedExample, ImmediateCosts840) {
  Task task;
  task.work = 3 * kHour;
  EXPECT_EQ(WholeGrams(CostOf(Hourly(kWorkedExample), task, {{0, 3 * kHour}})),
            840);
}

TEST(WorkedExample, FlexibleStartChoosesSlots678For615) {
  Task task;
  task.work = 3 * kHour;
  std::vector<int64_t> window(kWorkedExample.begin(),
                              kWorkedExample.begin() + 9);  // k + N = 9
  const auto best = BestUnbroken(Hourly(window), task);
  EXPECT_EQ(WholeGrams(best->cost), 615);
  EXPECT_EQ(best->runs[0].begin, 6 * kHour);
  EXPECT_EQ(best->runs[0].end, 9 * kHour);
}

TEST(WorkedExample, PauseAndResumeChoosesSlots378For555) {
  Task task;
  task.work = 3 * kHour;
  std::vector<int64_t> window(kWorkedExample.begin(),
                              kWorkedExample.begin() + 9);
  const auto best = BestRuns(Hourly(window), task);
  EXPECT_EQ(WholeGrams(best->cost), 555);
  ASSERT_EQ(best->runs.size(), 2u);
  EXPECT_EQ(best->runs[0], (RunSpan{3 * kHour, 4 * kHour}));
  EXPECT_EQ(best->runs[1], (RunSpan{7 * kHour, 9 * kHour}));
}

// The plan's words and grams for the same example: 1 kW, so 1 kWh an hour.
PlanInput ExampleInput(PauseMode pause) {
  std::vector<Slot> slots;
  for (size_t i = 0; i < kWorkedExample.size(); ++i) {
    const Instant begin = Instant::FromMillis(static_cast<int64_t>(i) * kHour);
    slots.push_back({{begin, begin + hours(1)},
                     GramsPerKwh::FromThousandths(kWorkedExample[i] * 1000)});
  }
  PlanInput input;
  PlanRegion region;
  region.name = "here";
  region.capacity = {1, 1};
  region.outlook = Series::Make(std::move(slots)).value();
  region.forecast_issued_at = Instant();
  region.forecast_end = region.outlook.end();
  input.regions = {region};
  PlanJob job;
  job.id = JobId{1};
  job.need = {0, 1};
  job.power = Watts::Of(1000);
  job.work = hours(3);
  job.pause = pause;
  job.deadline = Instant() + hours(9);
  job.regions = {0};
  input.jobs = {job};
  return input;
}

TEST(WorkedExample, ThePlanSaysTheSame) {
  const JobPlan start = MakePlan(ExampleInput(PauseMode::kNone)).jobs[0];
  EXPECT_EQ(start.expected, Grams::Of(615));
  EXPECT_EQ(start.run_now, Grams::Of(840));
  EXPECT_EQ(
      start.intervals(),
      (std::vector<Interval>{{Instant() + hours(6), Instant() + hours(9)}}));
  const JobPlan pausing =
      MakePlan(ExampleInput(PauseMode::kCheckpoint)).jobs[0];
  EXPECT_EQ(pausing.expected, Grams::Of(555));
  EXPECT_EQ(pausing.run_now, Grams::Of(840));
  EXPECT_EQ(
      pausing.intervals(),
      (std::vector<Interval>{{Instant() + hours(3), Instant() + hours(4)},
                             {Instant() + hours(7), Instant() + hours(9)}}));
}

// ---- CarbonScaler -----------------------------------------------------------

// Hanafy et al. 2023, section 3.4: two hours of work of one server, at most two
// servers, three hours at 10, 100 and 20 g/kWh. A job of carbond keeps the
// servers it asks for, so that the division of the work among servers is given
// here, one job for each server; when each of them runs is the planner's.
PlanInput Servers(const std::vector<Duration>& work, int capacity) {
  PlanInput input = ExampleInput(PauseMode::kCheckpoint);
  std::vector<Slot> slots;
  for (const int grams : {10, 100, 20}) {
    const Instant begin = Instant() + hours(static_cast<int64_t>(slots.size()));
    slots.push_back({{begin, begin + hours(1)}, GramsPerKwh::Of(grams)});
  }
  PlanRegion& region = input.regions[0];
  region.outlook = Series::Make(std::move(slots)).value();
  region.forecast_end = region.outlook.end();
  region.capacity = {0, capacity};
  const PlanJob one = input.jobs[0];
  input.jobs.clear();
  for (const Duration each : work) {
    PlanJob job = one;
    job.id = JobId{static_cast<int64_t>(input.jobs.size()) + 1};
    job.work = each;
    job.deadline = Instant() + hours(3);
    input.jobs.push_back(job);
  }
  return input;
}

std::vector<Interval> HoursOf(
    std::initializer_list<std::pair<double, double>> hours_of) {
  std::vector<Interval> intervals;
  const auto at = [](double h) {
    return Instant::FromMillis(std::llround(h * kHour));
  };
  for (const auto& [begin, end] : hours_of) {
    intervals.push_back({at(begin), at(end)});
  }
  return intervals;
}

TEST(CarbonScaler, OneServerRunsInTheFirstAndTheThirdHour) {
  const JobPlan plan = MakePlan(Servers({hours(2)}, 1)).jobs[0];
  EXPECT_EQ(plan.intervals(), HoursOf({{0, 1}, {2, 3}}));
  EXPECT_EQ(plan.expected, Grams::Of(30));
  EXPECT_EQ(plan.run_now, Grams::Of(110)) << "as published for immediate";
}

TEST(CarbonScaler, TwoServersThatScaleAreDoneAfterTheFirstHour) {
  const Plan plan = MakePlan(Servers({hours(1), hours(1)}, 2));
  EXPECT_EQ(plan.jobs[0].intervals(), HoursOf({{0, 1}}));
  EXPECT_EQ(plan.jobs[1].intervals(), HoursOf({{0, 1}}));
  EXPECT_EQ(plan.quality.expected, Grams::Of(20));
}

// The second server does 0.7 of an hour's work in an hour: the first owes the
// other 0.3 in the third hour, which counts pro rata, not as a whole hour.
TEST(CarbonScaler, APartOfTheLastHourCountsProRata) {
  const Plan plan = MakePlan(Servers({minutes(78), hours(1)}, 2));
  EXPECT_EQ(plan.jobs[0].intervals(), HoursOf({{0, 1}, {2, 2.3}}));
  EXPECT_EQ(plan.jobs[1].intervals(), HoursOf({{0, 1}}));
  EXPECT_EQ(plan.quality.expected, Grams::Of(26));
}

// ---- What every implementation must satisfy
// -----------------------------------

struct Policies {
  Cost immediate, start, pause;
  RunSpan start_run;
  Spans pause_runs;
};

// Slots in whole hours, k hours of work, n of slack.
Policies Choose(const std::vector<int64_t>& grams, size_t k, size_t n) {
  const std::vector<PricedSlot> window =
      Hourly({grams.begin(), grams.begin() + static_cast<int64_t>(k + n)});
  Task task;
  task.work = static_cast<int64_t>(k) * kHour;
  const auto start = BestUnbroken(window, task);
  const auto pause = BestRuns(window, task);
  return {CostOf(window, task, {{0, task.work}}), start->cost, pause->cost,
          start->runs[0], pause->runs};
}

std::vector<int64_t> RandomGrams(std::mt19937_64& random) {
  std::vector<int64_t> grams(48);
  for (int64_t& g : grams) g = static_cast<int64_t>(random() % 700);
  return grams;
}

TEST(Policies, PauseResumeIsAtMostFlexibleStartIsAtMostImmediate) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    std::mt19937_64 random(seed);
    const std::vector<int64_t> grams = RandomGrams(random);
    const size_t k = 1 + random() % 12;
    Cost start_before = 0, pause_before = 0;
    for (size_t n = 0; k + n <= grams.size(); ++n) {
      const Policies p = Choose(grams, k, n);
      ASSERT_LE(p.pause, p.start) << "seed " << seed;
      ASSERT_LE(p.start, p.immediate) << "seed " << seed;
      if (n == 0) {
        ASSERT_EQ(p.pause, p.immediate);
        ASSERT_EQ(p.start, p.immediate);
      } else {  // more slack never saves less
        ASSERT_LE(p.start, start_before) << "seed " << seed;
        ASSERT_LE(p.pause, pause_before) << "seed " << seed;
      }
      start_before = p.start;
      pause_before = p.pause;
    }
  }
}

TEST(Policies, PauseResumeTakesTheCheapestHours) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    std::mt19937_64 random(seed);
    const std::vector<int64_t> grams = RandomGrams(random);
    const size_t k = 1 + random() % 20, n = random() % 28;
    std::vector<int64_t> sorted(grams.begin(),
                                grams.begin() + static_cast<int64_t>(k + n));
    std::sort(sorted.begin(), sorted.end());
    Cost sum = 0;
    for (size_t i = 0; i < k; ++i) sum += sorted[i];
    ASSERT_EQ(Choose(grams, k, n).pause, sum * kHour) << "seed " << seed;
  }
}

TEST(Policies, AConstantSignalSavesNothingAndStartsAtOnce) {
  const std::vector<int64_t> flat(30, 421);
  for (size_t k = 1; k < 12; ++k) {
    const Policies p = Choose(flat, k, 18);
    EXPECT_EQ(p.start, p.immediate);
    EXPECT_EQ(p.pause, p.immediate);
    const RunSpan at_once{0, static_cast<int64_t>(k) * kHour};
    EXPECT_EQ(p.start_run, at_once);
    EXPECT_EQ(p.pause_runs, Spans{at_once});
  }
}

TEST(Policies, AnAffineTransformOfTheSignalChangesNoChoice) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    std::mt19937_64 random(seed);
    std::vector<int64_t> grams = RandomGrams(random);
    // No two sets of hours alike in sum, so that the choice is unique.
    for (size_t i = 0; i < grams.size(); ++i) {
      grams[i] = grams[i] * 1'000'000'000 +
                 static_cast<int64_t>(random() % 1'000'000'000);
    }
    const size_t k = 1 + random() % 12, n = random() % 30;
    const Policies before = Choose(grams, k, n);
    for (int64_t& g : grams) g = 3 * g + 77;
    const Policies after = Choose(grams, k, n);
    ASSERT_EQ(after.start_run, before.start_run) << "seed " << seed;
    ASSERT_EQ(after.pause_runs, before.pause_runs) << "seed " << seed;
  }
}

}  // namespace
}  // namespace carbond
