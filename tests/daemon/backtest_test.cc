// `carbond backtest` from its files to its JSON: every number is checked by
// hand arithmetic over the same files.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "daemon/backtest/report.h"
#include "tests/daemon/scratch_folder.h"

namespace carbond {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr int kHours = 24 * 45;
const Instant kBegin = Instant::FromSeconds(1'767'225'600);  // 2026-01-01

// A sunny grid whose level changes from day to day.
double Truth(int hour) {
  const double sun = std::max(0.0, std::sin((hour % 24 - 6) / 12.0 * 3.14159));
  return std::round(400 - 250 * sun + 60 * std::sin(hour / 37.0));
}

class BacktestTest : public testing::Test {
 protected:
  BacktestTest() {
    std::ofstream actual(folder_.path() + "/actual.csv");
    std::ofstream flat(folder_.path() + "/flat.csv");
    std::ofstream forecast(folder_.path() + "/forecast.csv");
    actual << "time_utc,gco2_per_kwh\n";
    flat << "time_utc,gco2_per_kwh\n";
    forecast << "issued_at_utc,time_utc,gco2_per_kwh\n";
    for (int h = 0; h < kHours; ++h) {
      actual << At(h) << "," << Truth(h) << "\n";
      flat << At(h) << ",300\n";
    }
    for (int issue = 0; issue + 48 < kHours; issue += 12) {
      for (int h = issue; h < issue + 36; ++h) {
        // Ever more wrong, and too high.
        const double wrong = 4.0 * (h - issue) * std::sin(h * 12.9898) + 30;
        forecast << At(issue) << "," << At(h) << ","
                 << std::max(0.0, std::round(Truth(h) + wrong)) << "\n";
      }
    }
  }

  static std::string At(double hour) {
    return FormatInstant(kBegin +
                         Duration(static_cast<int64_t>(hour * 3'600'000)));
  }

  void WriteJobs(const std::string& text) {
    std::ofstream(folder_.path() + "/jobs.csv") << text;
  }

  Scenario Load(const std::string& more, const std::string& regions =
                                             "  - {name: here, actual: "
                                             "actual.csv, forecast: "
                                             "forecast.csv, pue: 1.2}\n") {
    const ScenarioResult result = Read(more, regions);
    for (const ConfigMistake& mistake : result.mistakes) {
      ADD_FAILURE() << Format("scenario.yaml", mistake);
    }
    return result.scenario.value_or(Scenario());
  }

  ScenarioResult Read(const std::string& more, const std::string& regions) {
    std::ofstream(folder_.path() + "/scenario.yaml")
        << "regions:\n"
        << regions << "jobs: jobs.csv\n"
        << more;
    return LoadScenario(folder_.path() + "/scenario.yaml");
  }

  // Grams of a kilowatt between two hours in the sunny grid, by hand.
  static double Grams(double begin, double end, double kw, double pue) {
    double grams = 0;
    for (int h = 0; h < kHours; ++h) {
      grams += Truth(h) *
               std::max(0.0, std::min(end, h + 1.0) - std::max(begin, h + 0.0));
    }
    return grams * kw * pue;
  }

  static double HourOf(const std::string& instant) {
    return static_cast<double>((*ParseInstant(instant) - kBegin).count()) /
           3.6e6;
  }

  ScratchFolder folder_;
};

// Submitted all over the days, of every kind.
std::string ManyJobs() {
  std::string csv =
      "id,submit,duration_s,power_w,gpus,deadline,pause,checkpoint_s,resume_s,"
      "idle_power_w\n";
  const char* modes[] = {"none", "checkpoint", "suspend"};
  for (int i = 0; i < 60; ++i) {
    const int submit = 86'400 * 12 + i * 30'011;
    const int duration = 1800 + (i * 7919) % 36'000;
    csv += fmt::format("j{},{},{},{},1,{},{},120,60,50\n", i, submit, duration,
                       200 + i, submit + duration + 3600 * (6 + i % 3 * 20),
                       modes[i % 3]);
  }
  return csv;
}

constexpr const char* kFrom = "from: 2026-01-01T00:00:00Z\n";

TEST_F(BacktestTest, GivesSumsThatAnyoneCanCheckByHand) {
  WriteJobs(ManyJobs());
  Scenario scenario = Load(std::string(kFrom) + "clairvoyant: true\n");
  std::vector<PolicyResult> results;
  for (const PolicyKind policy : scenario.policies) {
    const auto result = Replay(scenario, policy, policy == PolicyKind::kReplan);
    ASSERT_TRUE(result.ok()) << result.status();
    results.push_back(*result);
  }
  const json said = json::parse(ToJson(results));
  ASSERT_EQ(said["policies"].size(), AllPolicies().size());
  for (const json& policy : said["policies"]) {
    double total = 0;
    size_t pauses = 0;
    for (size_t i = 0; i < policy["jobs"].size(); ++i) {
      const json& job = policy["jobs"][i];
      const BacktestJob& asked = scenario.jobs[i];
      const double kw = asked.spec.power.value() / 1000;
      double grams = 0, running = 0, last = -1;
      for (const json& interval : job["intervals"]) {
        EXPECT_EQ(interval["region"], "here");
        const double begin = HourOf(interval["begin"]);
        const double end = HourOf(interval["end"]);
        EXPECT_GE(
            begin,
            static_cast<double>((asked.submitted_at - kBegin).count()) / 3.6e6 -
                1e-9);
        grams += Grams(begin, end, kw, 1.2);
        if (asked.spec.pause == PauseMode::kSuspend && last >= 0) {
          grams += Grams(last, begin, 0.05, 1.2);
        }
        running += end - begin;
        last = end;
      }
      const double work =
          static_cast<double>(asked.spec.duration.count()) / 3.6e6;
      const auto runs = static_cast<double>(job["intervals"].size());
      const double pause_s =
          asked.spec.pause == PauseMode::kCheckpoint ? 180 : 60;
      EXPECT_NEAR(running, work + (runs - 1) * pause_s / 3600, 1e-6)
          << policy["name"] << " " << job["id"];
      EXPECT_NEAR(job["emissions_g"], grams, 0.01) << policy["name"];
      total += grams;
      pauses += job["intervals"].size() - 1;
    }
    EXPECT_NEAR(policy["emissions_g"], total, 0.5);
    EXPECT_EQ(policy["pauses"], pauses);
    EXPECT_NEAR(policy["saved_fraction"],
                1 - total / policy["baseline_g"].get<double>(), 1e-6);
  }
}

TEST_F(BacktestTest, ReachesTheBoundWhenItKnowsAll) {
  WriteJobs(ManyJobs());
  const Scenario scenario =
      Load(std::string(kFrom) + "defaults: {min_saving: 0}\n");
  const auto bound = LowerBound(scenario);
  ASSERT_TRUE(bound.ok()) << bound.status();
  for (const PolicyKind policy : {PolicyKind::kReplan, PolicyKind::kCarbond}) {
    const auto result = Replay(scenario, policy, true);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_NEAR(result->emissions.value() / bound->value(), 1, 1e-4)
        << Name(policy);
    EXPECT_EQ(result->misses, 0);
  }
}

// For weeks: what is known of all time does not grow stale.
TEST_F(BacktestTest, KnowsAllOfARegionWithoutForecasts) {
  WriteJobs(ManyJobs());
  const std::string here = "  - {name: here, actual: actual.csv, pue: 1.2}\n";
  const std::string beside =
      "  - {name: there, actual: flat.csv, forecast: forecast.csv, pue: 9}\n";
  for (const std::string& regions : {here, here + beside}) {
    const Scenario scenario = Load(
        std::string(kFrom) + "defaults: {min_saving: 0, regions: [here]}\n",
        regions);
    const auto bound = LowerBound(scenario);
    ASSERT_TRUE(bound.ok()) << bound.status();
    const auto result = Replay(scenario, PolicyKind::kReplan, false);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_NEAR(result->emissions.value() / bound->value(), 1, 1e-3) << regions;
  }
}

TEST_F(BacktestTest, IsBeatenByNobodyBelowTheBound) {
  WriteJobs(ManyJobs());
  const Scenario scenario = Load(kFrom);
  const auto bound = LowerBound(scenario);
  ASSERT_TRUE(bound.ok());
  for (const PolicyKind policy : AllPolicies()) {
    const auto result = Replay(scenario, policy, false);
    ASSERT_TRUE(result.ok()) << result.status();
    // A late job does less than what the bound is of.
    if (result->misses > 0) continue;
    EXPECT_GE(result->emissions, *bound) << Name(policy);
  }
}

TEST_F(BacktestTest, LearnsToReadForecastsThatAreWrong) {
  WriteJobs(ManyJobs());
  const Scenario scenario =
      Load(std::string(kFrom) + "defaults: {min_saving: 0}\n");
  const auto plain = Replay(scenario, PolicyKind::kReplan, false);
  const auto learnt = Replay(scenario, PolicyKind::kCarbond, false);
  ASSERT_TRUE(plain.ok() && learnt.ok());
  EXPECT_LT(learnt->emissions, plain->emissions);
  EXPECT_EQ(learnt->misses, 0);
}

// What comes after a job is done must not have had a part in it.
TEST_F(BacktestTest, UsesNothingOfTheFuture) {
  WriteJobs(ManyJobs());
  Scenario scenario = Load(kFrom);
  scenario.jobs.resize(20);
  const auto before = Replay(scenario, PolicyKind::kCarbond, false);
  ASSERT_TRUE(before.ok());
  const Instant last = before->jobs.back().runs.back().interval.end;
  std::vector<Slot> slots = scenario.regions[0].actual.slots();
  for (Slot& slot : slots) {
    if (slot.interval.begin > last) slot.intensity = GramsPerKwh::Of(1);
  }
  scenario.regions[0].actual = *Series::Make(std::move(slots));
  std::erase_if(scenario.regions[0].issues, [&](const Forecast& forecast) {
    return forecast.issued_at > last;
  });
  const auto after = Replay(scenario, PolicyKind::kCarbond, false);
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(ToJson({*before}), ToJson({*after}));
}

TEST_F(BacktestTest, SaysTheSameTwice) {
  WriteJobs(ManyJobs());
  const Scenario scenario = Load(kFrom);
  EXPECT_EQ(ToJson({*Replay(scenario, PolicyKind::kCarbond, false)}),
            ToJson({*Replay(scenario, PolicyKind::kCarbond, false)}));
}

TEST_F(BacktestTest, NeverExceedsACapacity) {
  WriteJobs(ManyJobs());
  const Scenario scenario =
      Load(kFrom,
           "  - {name: here, actual: actual.csv, forecast: forecast.csv, "
           "capacity: {gpus: 2}}\n"
           "  - {name: flat, actual: flat.csv, capacity: {gpus: 1}}\n");
  for (const PolicyKind policy : AllPolicies()) {
    const auto result = Replay(scenario, policy, false);
    ASSERT_TRUE(result.ok()) << result.status();
    for (const auto& [region, most] :
         std::map<std::string, int>{{"here", 2}, {"flat", 1}}) {
      std::map<Instant, int> changes;
      for (size_t i = 0; i < result->jobs.size(); ++i) {
        const auto& runs = result->jobs[i].runs;
        const bool stays = scenario.jobs[i].spec.pause == PauseMode::kSuspend;
        for (size_t r = 0; r < runs.size(); ++r) {
          if (runs[r].region != region) continue;  // it may move at a pause
          if (!stays || r == 0) ++changes[runs[r].interval.begin];
          if (!stays || r + 1 == runs.size()) --changes[runs[r].interval.end];
        }
      }
      int used = 0;
      for (const auto& [at, change] : changes) {
        used += change;
        EXPECT_LE(used, most) << Name(policy) << " in " << region;
      }
    }
  }
}

TEST_F(BacktestTest, TakesTimesAsSecondsAndDefaultsForEmptyCells) {
  WriteJobs(
      "submit,id,duration_s,deadline,regions\n"
      "3600,a,,,\n"
      "2026-01-02T00:00:00Z,b,1800,2026-01-02T06:00:00Z,flat\n");
  const Scenario scenario =
      Load(std::string(kFrom) +
               "defaults: {duration: 2h, slack: 5h, power: 1kW, pause: "
               "checkpoint, checkpoint_cost: 30s, min_pause: 40m}\n",
           "  - {name: here, actual: actual.csv}\n"
           "  - {name: flat, actual: flat.csv}\n");
  ASSERT_EQ(scenario.jobs.size(), 2u);
  const BacktestJob& a = scenario.jobs[0];
  EXPECT_EQ(a.id, "a");
  EXPECT_EQ(a.submitted_at, kBegin + hours(1));
  EXPECT_EQ(a.spec.min_pause, minutes(40));
  EXPECT_EQ(a.spec.duration, hours(2));
  EXPECT_EQ(a.deadline, kBegin + hours(8));
  EXPECT_EQ(a.spec.power, Watts::Of(1000));
  EXPECT_EQ(a.spec.checkpoint_cost, seconds(30));
  EXPECT_THAT(a.spec.regions, ElementsAre("here", "flat"));
  EXPECT_THAT(scenario.jobs[1].spec.regions, ElementsAre("flat"));
  EXPECT_EQ(scenario.jobs[1].deadline, kBegin + hours(30));
}

TEST_F(BacktestTest, CountsADeadlineThatNobodyCouldKeepAsMissed) {
  WriteJobs("id,submit,duration_s,deadline\na,0,7200,3600\n");
  const Scenario scenario = Load(kFrom);
  const auto result = Replay(scenario, PolicyKind::kCarbond, false);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->misses, 1);
  EXPECT_EQ(result->jobs[0].delay, Duration(0));
}

TEST_F(BacktestTest, SaysAllMistakesOfAScenario) {
  WriteJobs("id,submit\na,0\n");
  const ScenarioResult result =
      Read("policies: [run_now, magic]\nuntil: soon\ncolour: red\n",
           "  - {name: here, actual: nowhere.csv}\n");
  std::string all;
  for (const ConfigMistake& mistake : result.mistakes) {
    all += Format("s", mistake) + "\n";
  }
  EXPECT_THAT(all, HasSubstr("nowhere.csv"));
  EXPECT_THAT(all, HasSubstr("policy `magic` is none of run_now"));
  EXPECT_THAT(all, HasSubstr("colour"));
}

TEST_F(BacktestTest, NamesTheLineOfAJobThatIsWrong) {
  for (const auto& [csv, words] : std::map<std::string, std::string>{
           {"id,submit,colour\n", "there is no column `colour`"},
           {"id,duration_s\n", "a column `submit` is owed"},
           {"id,submit,duration_s\na,0,-5\n", "jobs.csv:2: `duration_s`"},
           {"id,submit,duration_s\na,x,5\n", "neither RFC 3339 nor seconds"},
           {"id,submit,duration_s\na,0\n", "2 cells, where the header has 3"},
           {"id,submit,duration_s,pause\na,0,5,maybe\n", "pause `maybe`"},
           {"id,submit,duration_s,regions\na,0,5,mars\n",
            "there is no region `mars`"},
           {"id,submit,duration_s\na,0,5\na,1,5\n", "was given before"},
           {"id,submit\na,0\n", "the duration is not positive"},
           {"id,submit,duration_s\na,999999999,5\n", "no job is submitted"}}) {
    WriteJobs(csv);
    const ScenarioResult result =
        Read(kFrom, "  - {name: here, actual: actual.csv}\n");
    ASSERT_EQ(result.mistakes.size(), 1u) << csv;
    EXPECT_THAT(result.mistakes[0].text, HasSubstr(words));
  }
}

TEST_F(BacktestTest, TellsAllMistakesOfAJobTableAtOnce) {
  WriteJobs(
      "id,submit,duration_s,gpus,regions\n"
      "a,0,-5,x,mars\n"
      "b,0,600,1,here\n"
      "b,soon,600,1,;\n"
      "c,0\n");
  const ScenarioResult result =
      Read(kFrom, "  - {name: here, actual: actual.csv}\n");
  std::vector<std::string> texts;
  for (const ConfigMistake& mistake : result.mistakes) {
    texts.push_back(mistake.text);
  }
  EXPECT_THAT(texts,
              ElementsAre(HasSubstr("jobs.csv:2: `duration_s`: -5"),
                          HasSubstr("jobs.csv:2: `gpus`: x"),
                          HasSubstr("jobs.csv:2: there is no region `mars`"),
                          HasSubstr("jobs.csv:4: id b was given before"),
                          HasSubstr("jobs.csv:4: `submit`: soon"),
                          HasSubstr("jobs.csv:4: `regions` names no region"),
                          HasSubstr("jobs.csv:5: 2 cells")));
}

TEST_F(BacktestTest, DoesNotFillAScreenWithOneMistake) {
  std::string csv = "id,submit,duration_s\n";
  for (int i = 0; i < 500; ++i) csv += fmt::format("j{},0,none\n", i);
  WriteJobs(csv);
  const ScenarioResult result =
      Read(kFrom, "  - {name: here, actual: actual.csv}\n");
  ASSERT_EQ(result.mistakes.size(), 21u);
  EXPECT_THAT(result.mistakes.back().text, HasSubstr("480 more mistakes"));
}

TEST_F(BacktestTest, RefusesJobsThatRunBeyondWhatIsRecorded) {
  WriteJobs(fmt::format("id,submit,duration_s\nlate,{},36000\n",
                        3600 * (kHours - 2)));
  const Scenario scenario = Load(kFrom);
  const auto result = Replay(scenario, PolicyKind::kRunNow, false);
  EXPECT_THAT(Message(result.status()), HasSubstr("job late is not done"));
}

TEST_F(BacktestTest, DrawsAPictureOfEveryPolicy) {
  WriteJobs(ManyJobs());
  const Scenario scenario = Load(kFrom);
  const auto result = Replay(scenario, PolicyKind::kCarbond, false);
  ASSERT_TRUE(result.ok());
  const std::string svg = ToPicture(scenario, {*result}, 3);
  EXPECT_THAT(svg, HasSubstr("<svg xmlns"));
  EXPECT_THAT(svg, HasSubstr("carbond"));
  EXPECT_THAT(svg, HasSubstr("job j3 in here"));
  EXPECT_THAT(svg, HasSubstr("</svg>"));
}

}  // namespace
}  // namespace carbond
