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
                                    {"min-pause", {"45m"}},
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
  EXPECT_EQ(spec->min_pause().seconds(), 2700);
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
  EXPECT_FALSE(spec->has_min_pause());
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

TEST(JobFlags, RefuseWhatNoDaemonTakes) {
  const struct {
    const char *flag, *value, *message;
  } kMistakes[] = {
      {"duration", "0s", "`0s` is not positive: write 90s, 5m or 2h"},
      {"duration", "900d", "duration `900d` is longer than a year"},
      {"time-limit", "0", "`0` is not positive: write 90s, 5m or 2h"},
      {"min-run", "60w", "duration `60w` is longer than a year"},
      {"min-saving", "7", "`7` is not from 0 to below 1: write 0.05 or 5%"},
      {"min-saving", "100%",
       "`100%` is not from 0 to below 1: write 0.05 or 5%"},
      {"min-saving", "-0.1",
       "`-0.1` is not from 0 to below 1: write 0.05 or 5%"},
      {"power", "200MW", "`200MW` is out of range: it lies from 0 to 100 MW"},
      {"max-intensity", "200000",
       "`200000` is out of range: it lies from 0 to 100000 g/kWh"},
      {"delay-cost", "-1", "`-1` is out of range: it lies from 0 to a million"},
      {"data-gb", "-3",
       "`-3` is out of range: it lies from 0 to a hundred million"},
      {"gpus", "2000000", "2000000 GPUs are asked for: at most 1000000 can be"},
      {"max-pauses", "10001",
       "10001 pauses are asked for: at most 10000 can be"},
      {"retries", "1001", "1001 retries are asked for: at most 1000 can be"},
      {"checkpoint-signal", "SIGKILL",
       "`SIGKILL` is not one of HUP, INT, QUIT, USR1, USR2, TERM, ALRM, CONT, "
       "URG, WINCH"},
      {"name", "two\nlines", "is not one line of at most 256 bytes"},
      {"env", "CARBON_RUN=7", "CARBON_RUN is set by carbond itself"},
      {"deadline", "1969-12-31T00:00:00Z",
       "time `1969-12-31T00:00:00Z` is before 1970"},
      {"on-pause", "save", "is a hook of checkpoints: add --pause checkpoint"},
  };
  for (const auto& [flag, value, message] : kMistakes) {
    EXPECT_EQ(Error(Words({{flag, {value}}})),
              std::string("--") + flag + ": " + message);
  }
}

TEST(JobFlags, RefuseValuesThatDoNotGoTogether) {
  EXPECT_EQ(Error(Words({{"power", {"100W"}}, {"idle-power", {"150W"}}})),
            "--idle-power: 150 W is more than the 100 W it draws while "
            "running");
  EXPECT_EQ(Error(Words({{"duration", {"2h"}}, {"time-limit", {"1h"}}})),
            "--time-limit: 1h is shorter than the duration 2h: the job could "
            "not finish");
  EXPECT_EQ(Error(Words({{"time-limit", {"1h"}}})), "");
  EXPECT_EQ(Error(Words({{"idle-power", {"1kW"}}})), "")
      << "the daemon knows what it draws";
}

TEST(JobFlags, TellAllMistakesAtOnce) {
  EXPECT_EQ(Error(Words({{"duration", {"2"}}, {"gpus", {"x"}}}, {})),
            "--duration: duration `2` has no unit: write 2s, 2m or 2h\n"
            "--gpus: `x` is not a whole number\n"
            "no command is given: put it after `--`");
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

TEST(JobFlags, SendTheWordsOfAnInstantThatTheyCountFromNow) {
  const JobWords words = Words({{"duration", {"1h"}},
                                {"deadline", {"2026-11-23T08:00:00Z", "24h"}},
                                {"earliest", {"2h", "2026-11-21T12:00:00Z"}}});
  const auto spec = MakeSpec(words, kAda, Morning());
  ASSERT_TRUE(spec.ok());
  EXPECT_EQ(spec->deadline_said(), "24h");
  EXPECT_EQ(spec->earliest_said(), "");
}

TEST(JobFlags, AreFoundWithDashesAndUnderscores) {
  EXPECT_EQ(FindJobField("min_saving"), FindJobField("min-saving"));
  EXPECT_EQ(FindJobField("user"), nullptr);
}

}  // namespace
}  // namespace carbond::client
