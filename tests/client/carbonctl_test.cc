// The program as people run it: words in; exit code, output and errors out.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/client/fake_carbond.h"
#include "tests/client/world.h"

namespace carbond::client {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct Ran {
  int exit_code = -1;
  std::string out;
  std::string err;
};

class Carbonctl : public testing::Test {
 protected:
  Carbonctl() {
    carbond_.set_forecast(NovemberDay());
    carbond_.set_plan_of_new_jobs(MiddayPlan());
    carbond_.Put(FinishedJob());
    carbond_.Start(address_);
  }

  std::string Read(const std::string& name) {
    std::ifstream file(folder_.path() + "/" + name);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  // `words` are the shell's; carbonctl is $C.
  Ran Shell(const std::string& words, const std::string& environment = "") {
    const std::string line =
        "cd " + folder_.path() + " && env -i TZ=Europe/Berlin LANG=C.UTF-8 " +
        "CARBOND_ADDRESS=" + address_ + " C=" CARBONCTL " " + environment +
        " /bin/sh -c '" + words + "' >out 2>err";
    const int status = std::system(line.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, Read("out"),
            Read("err")};
  }
  Ran Run(const std::string& words) { return Shell("$C " + words); }

  TemporaryFolder folder_;
  std::string address_ = "unix:" + folder_.path() + "/carbond.sock";
  FakeCarbond carbond_;
};

TEST_F(Carbonctl, SubmitsACommandWordForWord) {
  const Ran ran =
      Run("submit --duration 2h --priority -5 --env \"A=[1,2]\" --region here "
          "--region there -- echo \"[a,b]\" \"\" --duration -- x");
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_EQ(ran.out, "18\n");
  EXPECT_THAT(ran.err, StartsWith("job 18: starts in here at 13:00 +01:00"));
  const v1::JobSpec spec = carbond_.submits().at(0).jobs(0);
  ASSERT_EQ(spec.command_size(), 6);
  EXPECT_EQ(spec.command(1), "[a,b]");
  EXPECT_EQ(spec.command(2), "");
  EXPECT_EQ(spec.command(4), "--");
  EXPECT_EQ(spec.env().at("A"), "[1,2]");
  EXPECT_EQ(spec.regions_size(), 2);
  EXPECT_EQ(spec.priority(), -5);
  EXPECT_EQ(spec.workdir(), folder_.path());
  EXPECT_FALSE(spec.user().empty());
}

TEST_F(Carbonctl, MakesANewRequestIdForEachSubmission) {
  Run("submit --duration 2h -- a");
  Run("submit --duration 2h -- a");
  Run("submit --duration 2h --request-id mine -- a");
  const auto submits = carbond_.submits();
  ASSERT_EQ(submits.size(), 3u);
  EXPECT_EQ(submits[0].request_id().size(), 36u);
  EXPECT_LT(submits[0].request_id(), submits[1].request_id());
  EXPECT_EQ(submits[2].request_id(), "mine");
}

TEST_F(Carbonctl, TakesAFileFromStandardInput) {
  const Ran ran =
      Shell("printf \"duration: 2h\\ncommand: make\\n\" | $C submit --file -");
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_EQ(carbond_.submits().at(0).jobs(0).command(2), "make");
}

TEST_F(Carbonctl, TakesCommonFlagsBeforeAndAfterTheCommand) {
  EXPECT_THAT(Run("-o json list").out, StartsWith("["));
  EXPECT_THAT(Run("list -o json").out, StartsWith("["));
  EXPECT_THAT(Run("list --output=json").out, StartsWith("["));
  EXPECT_THAT(Run("forecast").out, HasSubstr("┤"));
  EXPECT_EQ(Run("forecast --ascii").out.find("┤"), std::string::npos);
}

TEST_F(Carbonctl, FollowsTheEnvironment) {
  EXPECT_EQ(Shell("$C forecast", "LANG=C").out.find("┤"), std::string::npos);
  EXPECT_EQ(Shell("$C forecast", "TERM=dumb").out.find("┤"), std::string::npos);
  EXPECT_THAT(Shell("$C forecast", "LANG=C LC_ALL=en_GB.UTF-8").out,
              HasSubstr("┤"));
  EXPECT_EQ(Run("forecast").out.find('\x1b'), std::string::npos);
  EXPECT_THAT(Shell("$C show 17", "TZ=UTC").out,
              HasSubstr("started    12:00 +00:00"));
}

TEST_F(Carbonctl, FindsTheSocketOfTheUser) {
  TemporaryFolder runtime;
  const Ran ran = Shell(
      "mkdir $XDG_RUNTIME_DIR/carbond; ln -s $PWD/carbond.sock "
      "$XDG_RUNTIME_DIR/carbond/; $C list",
      "CARBOND_ADDRESS= XDG_RUNTIME_DIR=" + runtime.path());
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
}

TEST_F(Carbonctl, TellsMisuseOnOneLineAndExitsWithTwo) {
  const std::pair<const char*, const char*> kMistakes[] = {
      {"", "no command is given: carbonctl --help lists them"},
      {"lst", "unknown command `lst`: did you mean `list`?"},
      {"frobnicate",
       "unknown command `frobnicate`: carbonctl --help lists what there is"},
      {"--adress x list", "unknown flag `--adress`: did you mean `--address`?"},
      {"submit --durration 2h -- a",
       "unknown flag `--durration`: did you mean `--duration`?"},
      {"submit --duration 2h python a.py",
       "`python` is one word too many for submit: put the job\"s command after "
       "`--`"},
      {"submit --duration 2h", "no command is given: put it after `--`"},
      {"submit --duration", "submit: --duration: 1 required D missing"},
      {"submit --duration 2h --gpus x -- a",
       "--gpus: `x` is not a whole number"},
      {"show", "show: JOB is required"},
      {"show 17 -- a", "show takes no command after `--`"},
      {"show 0", "show: JOB: `0` is no job id: ids are numbers from 1"},
      {"cancel abc", "cancel: JOB: `abc` is no job id: ids are numbers from 1"},
      {"wait 17 -3", nullptr},
      {"logs 1.5", "logs: JOB: `1.5` is no job id: ids are numbers from 1"},
      {"watch x", "watch: JOB: `x` is no job id: ids are numbers from 1"},
      {"emissions x",
       "emissions: JOB: `x` is no job id: ids are numbers from 1"},
      {"submit --duration 0s -- a",
       "--duration: `0s` is not positive: write 90s, 5m or 2h"},
      {"submit --duration 2h --min-saving 7 -- a",
       "--min-saving: `7` is not from 0 to below 1: write 0.05 or 5%"},
      {"list -o yaml", "list: --output: yaml not in {text,json}"},
      {"list --limit x", "list: --limit: `x` is not a whole number"},
      {"list --limit 0", "--limit: 0 is not at least 1"},
      {"list --state asleep",
       "--state: `asleep` is not one of waiting, starting, running, paused, "
       "done"},
      {"emissions --since whenever",
       "--since: time `whenever` is not understood: write "
       "2026-03-01T08:00:00Z, `2026-03-01 08:00` (local), 08:00 or a duration "
       "from now such as 24h"},
      {"--address nowhere list",
       "address `nowhere` is not understood: write unix:/path or host:port"},
      {"logs 17 --stdout --stderr", nullptr}};
  for (const auto& [words, message] : kMistakes) {
    const Ran ran = Run(words);
    EXPECT_EQ(ran.exit_code, 2) << words;
    EXPECT_EQ(ran.out, "") << words;
    EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1) << words;
    if (message == nullptr) continue;
    std::string expected = message;
    std::replace(expected.begin(), expected.end(), '"', '\'');
    EXPECT_EQ(ran.err, "carbonctl: " + expected + "\n") << words;
  }
}

TEST_F(Carbonctl, TellsAllMistakesOfAFileWithTheirLines) {
  std::ofstream(folder_.path() + "/jobs.yaml")
      << "- duration: 1h\n  command: a\n  gpu: 1\n"
         "- duration: 0s\n  retries: -1\n";
  const Ran ran = Run("submit --file jobs.yaml");
  EXPECT_EQ(ran.exit_code, 2);
  EXPECT_EQ(ran.err,
            "carbonctl: jobs.yaml: line 3: unknown key `gpu`: is it `gpus`?\n"
            "carbonctl: jobs.yaml: line 4: duration: `0s` is not positive: "
            "write 90s, 5m or 2h\n"
            "carbonctl: jobs.yaml: line 4: the job has no command: add "
            "`command:`\n"
            "carbonctl: jobs.yaml: line 5: retries: -1 retries are asked for: "
            "a count is not negative\n");
  EXPECT_TRUE(carbond_.submits().empty());
}

TEST_F(Carbonctl, ExitsWithOneWhereItIsRefused) {
  EXPECT_EQ(Run("show 99").exit_code, 1);
  EXPECT_EQ(Run("show 99").err, "carbonctl: job `99` does not exist\n");
  EXPECT_EQ(Run("cancel 17").exit_code, 1);
  EXPECT_EQ(Run("--address unix:/nowhere/x list").err,
            "carbonctl: no carbond at unix:/nowhere/x: is it running? start it "
            "with carbond --config carbond.yaml, or name another with "
            "--address\n");
  EXPECT_EQ(Run("submit --file nowhere.yaml").err,
            "carbonctl: cannot read job file nowhere.yaml: No such file or "
            "directory\n");
  EXPECT_EQ(Run("submit --file nowhere.yaml").exit_code, 1);
}

TEST_F(Carbonctl, HelpsWithoutADaemon) {
  carbond_.Stop();
  EXPECT_EQ(Run("--help").exit_code, 0);
  EXPECT_THAT(Run("--help").out, HasSubstr("submit"));
  EXPECT_EQ(Run("submit --help").exit_code, 0);
  EXPECT_THAT(Run("submit --help").out, HasSubstr("--max-intensity"));
  EXPECT_THAT(Run("--version").out, StartsWith("carbonctl "));
}

// ---- estimate: published numbers through the real command
// ---------------------

TEST_F(Carbonctl, EstimatesPublishedTrainingsWithoutADaemon) {
  carbond_.Stop();
  struct {
    const char* words;
    double kwh, gross_t, net_t;
  } const kRuns[] = {
      // Patterson et al. 2021, table 4: T5, Switch Transformer, GPT-3.
      {"--accelerators 512 --power 310W --hours 480 --pue 1.12 --intensity 545 "
       "--net-intensity 545",
       85328, 46.504, 46.504},
      {"--accelerators 1024 --power 245W --hours 648 --pue 1.10 --intensity "
       "403 --net-intensity 330",
       178827, 72.067, 59.013},
      {"--accelerators 10000 --power 330W --hours 355.2 --pue 1.10 --intensity "
       "429 --net-intensity 429g/kWh",
       1289376, 553.142, 553.142},
      // Table 1: Transformer Big on P100 in Iowa (221, 0.1055, 0.0177).
      {"--accelerators 8 --power 0.296kW --hours 3d12h --pue 1.11 --intensity "
       "478 --net-intensity 80",
       220.78, 0.10553, 0.017663},
  };
  for (const auto& run : kRuns) {
    SCOPED_TRACE(run.words);
    const Ran ran = Run(std::string("estimate -o json ") + run.words);
    ASSERT_EQ(ran.exit_code, 0) << ran.err;
    const auto json = nlohmann::json::parse(ran.out);
    EXPECT_NEAR(json["energy_kwh"], run.kwh, 1e-3 * run.kwh);
    EXPECT_NEAR(json["emissions_g"].get<double>() / 1e6, run.gross_t,
                1e-3 * run.gross_t);
    EXPECT_NEAR(json["net_emissions_g"].get<double>() / 1e6, run.net_t,
                1e-3 * run.net_t);
  }
}

TEST_F(Carbonctl, EstimatesAsOtherCalculatorsDo) {
  const auto figures = [&](const std::string& words) {
    const Ran ran = Run("estimate -o json " + words);
    EXPECT_EQ(ran.exit_code, 0) << ran.err;
    return nlohmann::json::parse(ran.out);
  };
  // Strubell et al. 2019: the big Transformer on eight P100.
  const auto strubell =
      figures("--method strubell --accelerators 1 --power 1515.43W --hours 84");
  EXPECT_NEAR(strubell["energy_kwh"], 201, 2);
  EXPECT_NEAR(strubell["emissions_lb"], 192, 2);
  // ML CO2 Impact.
  EXPECT_DOUBLE_EQ(figures("--method mlco2 --hardware V100-SXM2-32GB --hours "
                           "1500 --intensity 432")["emissions_g"],
                   194'400);
  std::ofstream(folder_.path() + "/mine.yaml")
      << "montreal: {g_per_kwh: 34.5, source: Hydro-Quebec}\n";
  EXPECT_DOUBLE_EQ(
      figures("--method mlco2 --hardware \"A100 PCIe\" --hours 3 --region "
              "montreal --regions-file mine.yaml")["emissions_g"],
      20);
  // Software Carbon Intensity 1.1: a ton over four years, reserved an hour.
  EXPECT_NEAR(figures("--power 300W --hours 1 --pue 1 --intensity 400 "
                      "--embodied 1000kg/gpu --lifetime 4y")["embodied_g"],
              28.54, 0.005);
}

TEST_F(Carbonctl, EstimateTellsEveryMistakeOnALine) {
  const Ran ran = Run("estimate --power 310 --pue 0.5");
  EXPECT_EQ(ran.exit_code, 2);
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(ran.err,
            "carbonctl: --power: power `310` has no unit: write 310W or "
            "310kW\n"
            "carbonctl: --hours is missing: how long does the run take? such "
            "as 84\n"
            "carbonctl: --pue: `0.5` is not from 1 to 10\n"
            "carbonctl: --intensity or --region is missing: how dirty is the "
            "electricity? such as 429 (g/kWh) or aws/us-east-1\n");
  const Ran nowhere = Run("estimate --regions-file nowhere.yaml");
  EXPECT_EQ(nowhere.exit_code, 1);
  EXPECT_EQ(nowhere.err,
            "carbonctl: cannot read regions file nowhere.yaml: No such file or "
            "directory\n");
  std::ofstream(folder_.path() + "/bad.yaml") << "a: {pue: 1}\n";
  EXPECT_EQ(Run("estimate --regions-file bad.yaml").err,
            "carbonctl: bad.yaml: line 1: a has no g_per_kwh: write a: "
            "{g_per_kwh: 380}\n");
}

TEST_F(Carbonctl, EstimateAsksWhetherKilogramsWereMeant) {
  const std::string words = "estimate --power 300W --hours 1 --pue 1.1 ";
  const Ran ran = Run(words + "--intensity 0.429");
  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_EQ(ran.err,
            "carbonctl: --intensity 0.429 is in grams a kWh: if kilograms were "
            "meant, write 429\n");
  EXPECT_EQ(Run(words + "--intensity 0").err, "");
}

TEST_F(Carbonctl, EstimatePrintsItsTables) {
  EXPECT_THAT(Run("estimate --list hardware").out,
              HasSubstr("P100            250 W   271 W  -\n"));
  EXPECT_THAT(Run("estimate --list regions").out, HasSubstr("aws/eu-north-1"));
  const auto hardware =
      nlohmann::json::parse(Run("estimate --list hardware -o json").out);
  EXPECT_EQ(hardware[0]["name"], "H100 SXM");
  EXPECT_EQ(hardware[0]["tdp_w"], 700);
  EXPECT_TRUE(hardware[0]["system_w"].is_null());
  std::ofstream(folder_.path() + "/mine.yaml") << "lab: {g_per_kwh: 30}\n";
  const auto regions = nlohmann::json::parse(
      Run("estimate --list regions --regions-file mine.yaml -o json").out);
  EXPECT_EQ(regions[0]["name"], "lab");
  EXPECT_EQ(regions[1]["intensity_source"],
            "CCF NERC SERC (vintage 2019-2021)");
}

TEST_F(Carbonctl, EndsQuietlyWhenNobodyReads) {
  carbond_.set_log(std::vector<v1::ReadLogsResponse>(1000, [] {
    v1::ReadLogsResponse piece;
    piece.set_data(std::string(1000, 'x') + "\n");
    return piece;
  }()));
  const Ran ran = Shell("$C logs 17 | head -c 5");
  EXPECT_EQ(ran.out, "xxxxx");
  EXPECT_EQ(ran.err, "");
  EXPECT_EQ(Shell("$C show 17 | true").err, "");
}

TEST_F(Carbonctl, SaysThatItsOutputIsLost) {
  const Ran ran = Shell("$C list >/dev/full");
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_EQ(ran.err,
            "carbonctl: cannot write to standard output: No space left on "
            "device\n");
}

TEST_F(Carbonctl, WaitExitsWithTheOutcome) {
  v1::Job lost = FinishedJob("18");
  lost.set_outcome(v1::OUTCOME_LOST);
  carbond_.Put(lost);
  EXPECT_EQ(Run("wait 17").exit_code, 0);
  const Ran ran = Run("wait 17 18");
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_EQ(ran.err, "carbonctl: job 18 train lost\n");
}

}  // namespace
}  // namespace carbond::client
