#include "client/job_flags.h"

#include <gtest/gtest.h>

#include "tests/client/world.h"

namespace carbond::client {
namespace {

const Submitter kAda{"ada", "/home/ada"};

JobWords Words(
    const std::vector<std::pair<std::string, std::vector<std::string>>>& said,
    std::vector<std::string> command = {"python", "train.py"}) {
  JobWords words;
  for (const auto& [name, values] : said) {
    words.said.push_back({FindJobField(name), values, 0});
  }
  words.command = std::move(command);
  return words;
}

std::string Error(const JobWords& words) {
  const auto spec = MakeSpec(words, kAda, Morning());
  return spec.ok() ? "" : std::string(spec.status().message());
}

TEST(JobFlags, TurnIntoTheSpecTheyDescribe) {
  const auto spec = MakeSpec(Words({{"name", {"train"}},
                                    {"project", {"vision"}},
                                    {"duration", {"2h"}},
                                    {"deadline", {"24h"}},
                                    {"earliest", {"2026-11-21T10:00:00Z"}},
                                    {"gpus", {"2"}},
                                    {"cpus", {"8"}},
                                    {"power", {"1.2kW"}},
                                    {"idle-power", {"60W"}},
                                    {"region", {"here", "there"}},
                                    {"home-region", {"there"}},
                                    {"pause", {"checkpoint"}},
                                    {"checkpoint-signal", {"SIGUSR2"}},
                                    {"on-pause", {"touch stop"}},
                                    {"on-resume", {"rm stop"}},
                                    {"checkpoint-cost", {"60s"}},
                                    {"resume-cost", {"1m30s"}},
                                    {"checkpoint-timeout", {"5m"}},
                                    {"min-run", {"30m"}},
                                    {"max-intensity", {"250"}},
                                    {"min-saving", {"5%"}},
                                    {"priority", {"-1"}},
                                    {"retries", {"3"}},
                                    {"time-limit", {"2.5h"}},
                                    {"data-gb", {"1.5"}},
                                    {"env", {"A=1", "B=x=y", "C="}},
                                    {"workdir", {"vision/./run"}}}),
                             kAda, Morning());
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->user(), "ada");
  EXPECT_EQ(spec->name(), "train");
  EXPECT_EQ(spec->project(), "vision");
  EXPECT_EQ(spec->duration().seconds(), 7200);
  EXPECT_EQ(FormatUtc(FromProto(spec->deadline())), "2026-11-22T09:00:00Z");
  EXPECT_EQ(FormatUtc(FromProto(spec->earliest())), "2026-11-21T10:00:00Z");
  EXPECT_EQ(spec->gpus(), 2);
  EXPECT_EQ(spec->cpus(), 8);
  EXPECT_DOUBLE_EQ(spec->power_w(), 1200);
  EXPECT_DOUBLE_EQ(spec->idle_power_w(), 60);
  ASSERT_EQ(spec->regions_size(), 2);
  EXPECT_EQ(spec->regions(1), "there");
  EXPECT_EQ(spec->home_region(), "there");
  EXPECT_EQ(spec->pause(), v1::PAUSE_MODE_CHECKPOINT);
  EXPECT_EQ(spec->checkpoint_signal(), "USR2");
  EXPECT_EQ(spec->on_pause(), "touch stop");
  EXPECT_EQ(spec->on_resume(), "rm stop");
  EXPECT_EQ(spec->checkpoint_cost().seconds(), 60);
  EXPECT_EQ(spec->resume_cost().seconds(), 90);
  EXPECT_EQ(spec->checkpoint_timeout().seconds(), 300);
  EXPECT_EQ(spec->min_run().seconds(), 1800);
  EXPECT_DOUBLE_EQ(spec->max_intensity_g_per_kwh(), 250);
  EXPECT_DOUBLE_EQ(spec->min_saving_fraction(), 0.05);
  EXPECT_EQ(spec->priority(), -1);
  EXPECT_EQ(spec->retries(), 3);
  EXPECT_EQ(spec->time_limit().seconds(), 9000);
  EXPECT_DOUBLE_EQ(spec->data_gb(), 1.5);
  EXPECT_EQ(spec->env().at("B"), "x=y");
  EXPECT_EQ(spec->env().at("C"), "");
  EXPECT_EQ(spec->workdir(), "/home/ada/vision/run");
  EXPECT_EQ(spec->command(1), "train.py");
}

TEST(JobFlags, LeaveUnsetWhatIsNotSaid) {
  const auto spec = MakeSpec(Words({{"duration", {"2h"}}}), kAda, Morning());
  ASSERT_TRUE(spec.ok());
  EXPECT_FALSE(spec->has_power_w());
  EXPECT_FALSE(spec->has_min_saving_fraction());
  EXPECT_FALSE(spec->has_max_intensity_g_per_kwh());
  EXPECT_FALSE(spec->has_deadline());
  EXPECT_FALSE(spec->has_min_run());
  EXPECT_EQ(spec->pause(), v1::PAUSE_MODE_UNSPECIFIED);
  EXPECT_EQ(spec->workdir(), "/home/ada");
}

TEST(JobFlags, KeepsWordsOfTheCommandAsTheyAre) {
  const auto spec = MakeSpec(
      Words({{"duration", {"2h"}}}, {"echo", "[a,b]", "", "--gpus", "--"}),
      kAda, Morning());
  ASSERT_TRUE(spec.ok());
  ASSERT_EQ(spec->command_size(), 5);
  EXPECT_EQ(spec->command(1), "[a,b]");
  EXPECT_EQ(spec->command(2), "");
  EXPECT_EQ(spec->command(4), "--");
}

TEST(JobFlags, NamesTheFlagThatIsWrong) {
  EXPECT_EQ(Error(Words({{"duration", {"2"}}})),
            "--duration: duration `2` has no unit: write 2s, 2m or 2h");
  EXPECT_EQ(Error(Words({{"pause", {"sometimes"}}})),
            "--pause: `sometimes` is not one of none, suspend, checkpoint");
  EXPECT_EQ(Error(Words({{"env", {"NOVALUE"}}})),
            "--env: `NOVALUE` is not KEY=VALUE");
  EXPECT_EQ(Error(Words({{"gpus", {"-1"}}})),
            "--gpus: -1 GPUs are asked for: a count is not negative");
  EXPECT_EQ(Error(Words({{"power", {"300"}}})),
            "--power: power `300` has no unit: write 300W or 300kW");
}

TEST(JobFlags, AskForACommandAndLeaveADurationToTheDaemon) {
  EXPECT_EQ(Error(Words({{"duration", {"2h"}}}, {})),
            "no command is given: put it after `--`");
  const auto spec = MakeSpec(Words({}), kAda, Morning());
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_FALSE(spec->has_duration()) << "it may know it from earlier jobs";
}

TEST(JobFlags, TakesTheLastOfSeveralValues) {
  const auto spec =
      MakeSpec(Words({{"duration", {"2h", "3h"}}}), kAda, Morning());
  ASSERT_TRUE(spec.ok());
  EXPECT_EQ(spec->duration().seconds(), 3 * 3600);
}

TEST(JobFlags, WinOverTheFileBesideThem) {
  JobWords file = Words({{"duration", {"2h"}},
                         {"region", {"here", "there"}},
                         {"env", {"A=1", "B=2"}}});
  const JobWords flags = Words(
      {{"duration", {"5h"}}, {"region", {"there"}}, {"env", {"B=3"}}}, {});
  const auto spec = MakeSpec(Overridden(file, flags), kAda, Morning());
  ASSERT_TRUE(spec.ok());
  EXPECT_EQ(spec->duration().seconds(), 5 * 3600);
  ASSERT_EQ(spec->regions_size(), 1);
  EXPECT_EQ(spec->env().at("A"), "1");
  EXPECT_EQ(spec->env().at("B"), "3");
  EXPECT_EQ(spec->command(0), "python");
}

TEST(JobFlags, KnowWhetherTheyDependOnNow) {
  EXPECT_TRUE(DependsOnNow(Words({{"deadline", {"24h"}}})));
  EXPECT_TRUE(DependsOnNow(Words({{"earliest", {"08:00"}}})));
  EXPECT_FALSE(DependsOnNow(Words({{"deadline", {"2026-11-22 08:00"}}})));
  EXPECT_FALSE(DependsOnNow(Words({{"duration", {"24h"}}})));
}

TEST(JobFlags, AreFoundWithDashesAndUnderscores) {
  EXPECT_EQ(FindJobField("min_saving"), FindJobField("min-saving"));
  EXPECT_EQ(FindJobField("user"), nullptr);
}

}  // namespace
}  // namespace carbond::client
