#include "scheduler/job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <functional>
#include <limits>

namespace carbond {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const Instant kNow = Instant::FromSeconds(1'800'000'000);  // 2027-01-15T08:00Z

std::vector<Region> TwoRegions() {
  return {{"here", "DE", Pue::Of(1.2), {4, 32}, {}, false},
          {"there", "FR", Pue::Of(1.1), {8, 16}, {}, false}};
}

JobSpec Training() {
  JobSpec spec;
  spec.command = {"/opt/train.py", "--epochs", "3"};
  spec.workdir = "/home/ann";
  spec.duration = hours(2);
  return spec;
}

Result<JobSpec> Complete(const JobSpec& spec, const Unset& unset = {},
                         const Defaults& defaults = {}) {
  return CompleteSpec(spec, unset, TwoRegions(), defaults, kNow);
}

// ---- What is filled in
// ----------------------------------------------------------

TEST(CompleteSpec, FillsInWhatWasNotSaid) {
  const JobSpec spec = Complete(Training()).value();
  EXPECT_EQ(spec.name, "train.py");
  EXPECT_THAT(spec.regions, ElementsAre("here", "there"));
  EXPECT_EQ(spec.home_region, "here");
  EXPECT_EQ(spec.need, (Resources{0, 1}));
  EXPECT_FALSE(spec.deadline_declared);
  EXPECT_EQ(spec.deadline, kNow + hours(26)) << "duration and a day";
}

TEST(CompleteSpec, LeavesWhatWasSaid) {
  JobSpec said = Training();
  said.name = "bert";
  said.project = "nlp";
  said.need = {2, 8};
  said.regions = {"there"};
  said.home_region = "here";
  said.deadline = kNow + hours(5);
  said.earliest = kNow + hours(1);
  said.min_saving = 0;
  said.min_run = Duration(0);
  said.pause = PauseMode::kCheckpoint;
  said.checkpoint_cost = Duration(0);
  const JobSpec spec = Complete(said).value();
  EXPECT_EQ(spec.name, "bert");
  EXPECT_EQ(spec.need, (Resources{2, 8}));
  EXPECT_THAT(spec.regions, ElementsAre("there"));
  EXPECT_EQ(spec.home_region, "here");
  EXPECT_TRUE(spec.deadline_declared);
  EXPECT_EQ(spec.deadline, kNow + hours(5));
  EXPECT_EQ(spec.min_saving, 0);
  EXPECT_EQ(spec.min_run, Duration(0));
  EXPECT_EQ(spec.checkpoint_cost, Duration(0));
}

TEST(CompleteSpec, TakesDefaultsOnlyForWhatIsUnset) {
  Defaults defaults;
  defaults.min_saving = 0.11;
  defaults.min_run = minutes(7);
  defaults.checkpoint_cost = seconds(33);
  defaults.resume_cost = seconds(44);
  defaults.checkpoint_timeout = seconds(55);
  defaults.min_pause = minutes(8);
  JobSpec said = Training();
  said.pause = PauseMode::kCheckpoint;
  const JobSpec spec =
      Complete(said, {true, true, true, true, true, true}, defaults).value();
  EXPECT_EQ(spec.min_saving, 0.11);
  EXPECT_EQ(spec.min_run, minutes(7));
  EXPECT_EQ(spec.min_pause, minutes(8));
  EXPECT_EQ(spec.checkpoint_cost, seconds(33));
  EXPECT_EQ(spec.resume_cost, seconds(44));
  EXPECT_EQ(spec.checkpoint_timeout, seconds(55));
}

TEST(CompleteSpec, ADefaultPauseTooLongForAJobIsNoMistakeOfItsUser) {
  Defaults defaults;
  defaults.min_pause = hours(12);
  JobSpec said = Training();
  said.deadline = kNow + hours(5);
  const Unset unset{.min_pause = true};
  EXPECT_EQ(Complete(said, unset, defaults).value().min_pause, hours(12));
  said.min_pause = hours(5);  // just as long as there is
  EXPECT_EQ(Complete(said, {}, defaults).value().min_pause, hours(5));
}

TEST(CompleteSpec, ASuspensionCostsNothingUnlessSaid) {
  JobSpec said = Training();
  said.pause = PauseMode::kSuspend;
  const JobSpec spec = Complete(said, {false, false, true, true, true}).value();
  EXPECT_EQ(spec.checkpoint_cost, Duration(0));
  EXPECT_EQ(spec.resume_cost, Duration(0));
}

TEST(CompleteSpec, TheLatestFinishCountsFromTheEarliestStart) {
  JobSpec said = Training();
  said.earliest = kNow + hours(10);
  Defaults defaults;
  defaults.max_delay = hours(5);
  EXPECT_EQ(Complete(said, {}, defaults)->deadline, kNow + hours(17));
  said.earliest = kNow - hours(10);  // has come long ago
  EXPECT_EQ(Complete(said, {}, defaults)->deadline, kNow + hours(7));
}

TEST(CompleteSpec, ADeadlineThatIsJustMetIsAccepted) {
  JobSpec said = Training();
  said.deadline = kNow + hours(2);
  EXPECT_TRUE(Complete(said).ok());
  said.deadline = kNow + hours(2) - seconds(4);  // the typing took so long
  EXPECT_EQ(Complete(said)->deadline, kNow + hours(2));
  said.deadline = kNow + hours(2) - seconds(6);
  EXPECT_FALSE(Complete(said).ok());
}

TEST(CompleteSpec, ASignalMayBeNamedWithOrWithoutSig) {
  JobSpec said = Training();
  said.pause = PauseMode::kCheckpoint;
  said.checkpoint_signal = "SIGTERM";
  EXPECT_EQ(Complete(said)->checkpoint_signal, "TERM");
}

TEST(CompleteSpec, IsTheSameWhenDoneTwice) {
  const JobSpec once = Complete(Training()).value();
  JobSpec twice = Complete(once).value();
  twice.deadline_declared = once.deadline_declared;  // it has one now
  EXPECT_TRUE(once == twice);
}

// ---- What is refused
// --------------------------------------------------------------

struct Refusal {
  const char* what;
  std::function<void(JobSpec&)> spoil;
  std::vector<std::string> words;  // that the message must hold
};

const std::vector<Refusal>& Refusals() {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInf = std::numeric_limits<double>::infinity();
  static const std::vector<Refusal> refusals = {
      {"no command", [](JobSpec& s) { s.command.clear(); }, {"command", "--"}},
      {"empty program", [](JobSpec& s) { s.command = {""}; }, {"command"}},
      {"zero byte",
       [](JobSpec& s) {
         s.command = {"/bin/x", std::string("a\0b", 3)};
       },
       {"zero byte"}},
      {"no duration",
       [](JobSpec& s) { s.duration = Duration(0); },
       {"duration", "--duration"}},
      {"negative duration",
       [](JobSpec& s) { s.duration = hours(-2); },
       {"duration", "-2h"}},
      {"absurd duration",
       [](JobSpec& s) { s.duration = hours(24 * 367); },
       {"duration", "year"}},
      {"deadline in the past",
       [](JobSpec& s) { s.deadline = kNow - hours(1); },
       {"deadline 2027-01-15T07:00:00Z", "now", "2h"}},
      {"deadline before the earliest finish",
       [](JobSpec& s) { s.deadline = kNow + hours(1); },
       {"deadline 2027-01-15T09:00:00Z", "duration 2h",
        "2027-01-15T10:00:00Z"}},
      {"deadline before earliest plus duration",
       [](JobSpec& s) {
         s.earliest = kNow + minutes(90);
         s.deadline = kNow + hours(3);
       },
       {"deadline 2027-01-15T11:00:00Z", "earliest start 2027-01-15T09:30:00Z",
        "duration 2h", "2027-01-15T11:30:00Z"}},
      {"deadline far away",
       [](JobSpec& s) { s.deadline = kNow + hours(24 * 366 * 3); },
       {"deadline", "years"}},
      {"deadline never",
       [](JobSpec& s) { s.deadline = Instant::Never(); },
       {"deadline"}},
      {"earliest far away",
       [](JobSpec& s) { s.earliest = kNow + hours(24 * 400); },
       {"earliest", "year"}},
      {"unknown region",
       [](JobSpec& s) {
         s.regions = {"here", "mars"};
       },
       {"region", "mars", "here, there"}},
      {"unknown home region",
       [](JobSpec& s) { s.home_region = "mars"; },
       {"home region", "mars", "here, there"}},
      {"larger than any region",
       [](JobSpec& s) {
         s.need = {9, 1};
       },
       {"9 GPUs", "8 GPUs"}},
      {"larger than the regions allowed",
       [](JobSpec& s) {
         s.need = {8, 1};
         s.regions = {"here"};
       },
       {"8 GPUs", "4 GPUs"}},
      {"larger than each, though not than both together",
       [](JobSpec& s) {
         s.need = {8, 32};
       },
       {"8 GPUs", "32 CPUs"}},
      {"negative resources",
       [](JobSpec& s) {
         s.need = {-1, 4};
       },
       {"-1", "negative"}},
      {"negative power",
       [](JobSpec& s) { s.power = Watts::Of(-1); },
       {"power"}},
      {"absurd power", [](JobSpec& s) { s.power = Watts::Of(1e9); }, {"power"}},
      {"idle power above power",
       [](JobSpec& s) {
         s.power = Watts::Of(100);
         s.power_declared = true;
         s.idle_power = Watts::Of(200);
       },
       {"idle power 200W", "100W"}},
      {"negative idle power",
       [](JobSpec& s) { s.idle_power = Watts::Of(-1); },
       {"idle power"}},
      {"min saving of one",
       [](JobSpec& s) { s.min_saving = 1; },
       {"min saving"}},
      {"negative min saving",
       [](JobSpec& s) { s.min_saving = -0.1; },
       {"min saving", "-0.1"}},
      {"min saving that is no number",
       [](JobSpec& s) { s.min_saving = kNan; },
       {"min saving"}},
      {"negative max intensity",
       [](JobSpec& s) { s.max_intensity = GramsPerKwh::Of(-1); },
       {"max intensity"}},
      {"negative retries", [](JobSpec& s) { s.retries = -1; }, {"retries"}},
      {"endless retries", [](JobSpec& s) { s.retries = 1 << 30; }, {"retries"}},
      {"negative data", [](JobSpec& s) { s.data_gb = -1; }, {"GB"}},
      {"infinite data", [](JobSpec& s) { s.data_gb = kInf; }, {"GB"}},
      {"negative checkpoint cost",
       [](JobSpec& s) { s.checkpoint_cost = seconds(-1); },
       {"checkpoint cost", "-1s"}},
      {"negative resume cost",
       [](JobSpec& s) { s.resume_cost = seconds(-1); },
       {"resume cost"}},
      {"negative timeout",
       [](JobSpec& s) { s.checkpoint_timeout = seconds(-1); },
       {"checkpoint timeout"}},
      {"negative min run",
       [](JobSpec& s) { s.min_run = seconds(-1); },
       {"min run"}},
      {"negative min pause",
       [](JobSpec& s) { s.min_pause = seconds(-1); },
       {"min pause", "-1s"}},
      {"min pause beyond the deadline",
       [](JobSpec& s) {
         s.deadline = kNow + hours(5);
         s.min_pause = hours(6);
       },
       {"min pause 6h is longer than the 5h from now to the deadline",
        "shorten it", "--pause none"}},
      {"min pause beyond the latest finish",
       [](JobSpec& s) {
         s.earliest = kNow + hours(1);
         s.min_pause = hours(30);
       },
       {"min pause 1d6h is longer than the 1d2h from the earliest start to the "
        "latest finish"}},
      {"absurd min run",
       [](JobSpec& s) { s.min_run = hours(24 * 1000); },
       {"min run"}},
      {"negative time limit",
       [](JobSpec& s) { s.time_limit = hours(-1); },
       {"time limit"}},
      {"time limit below the duration",
       [](JobSpec& s) { s.time_limit = hours(1); },
       {"time limit 1h", "duration 2h"}},
      {"no workdir", [](JobSpec& s) { s.workdir = ""; }, {"working directory"}},
      {"relative workdir",
       [](JobSpec& s) { s.workdir = "here"; },
       {"working directory", "here", "absolute"}},
      {"environment without a name",
       [](JobSpec& s) { s.env[""] = "x"; },
       {"environment"}},
      {"environment with an equals sign",
       [](JobSpec& s) { s.env["A=B"] = "x"; },
       {"A=B", "KEY=VALUE"}},
      {"environment of carbond's own",
       [](JobSpec& s) { s.env["CARBON_JOB_ID"] = "9"; },
       {"CARBON_JOB_ID"}},
      {"name of two lines", [](JobSpec& s) { s.name = "a\nb"; }, {"name"}},
      {"name without end",
       [](JobSpec& s) { s.name.assign(300, 'x'); },
       {"name", "256"}},
      {"hook without checkpoints",
       [](JobSpec& s) { s.on_pause = "save"; },
       {"on_pause", "--pause checkpoint"}},
      {"unknown signal",
       [](JobSpec& s) {
         s.pause = PauseMode::kCheckpoint;
         s.checkpoint_signal = "BANG";
       },
       {"signal", "BANG", "USR1"}},
      {"a signal that cannot be caught",
       [](JobSpec& s) {
         s.pause = PauseMode::kCheckpoint;
         s.checkpoint_signal = "KILL";
       },
       {"signal", "KILL"}},
  };
  return refusals;
}

TEST(CompleteSpec, RefusesInOneLineThatNamesTheThing) {
  for (const Refusal& refusal : Refusals()) {
    SCOPED_TRACE(refusal.what);
    JobSpec spec = Training();
    refusal.spoil(spec);
    const Result<JobSpec> result = Complete(spec);
    ASSERT_FALSE(result.ok());
    const std::string message = Message(result.status());
    for (const std::string& word : refusal.words) {
      EXPECT_THAT(message, HasSubstr(word));
    }
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    EXPECT_TRUE(result.status().code() == absl::StatusCode::kInvalidArgument ||
                result.status().code() == absl::StatusCode::kNotFound)
        << result.status();
  }
}

TEST(CompleteSpec, RefusesWhatTheSystemCouldNotStart) {
  JobSpec spec = Training();
  spec.command[1] = std::string(128 * 1024 - 1, 'x');
  EXPECT_TRUE(Complete(spec).ok());
  spec.command[1] += 'x';
  EXPECT_EQ(Message(Complete(spec).status()),
            "a word of the command has 131072 bytes, and no program can be "
            "given more than 131071: put it into a file");

  spec = Training();
  spec.env["TOKENS"] = std::string(128 * 1024 - 8, 'x');  // TOKENS= and a NUL
  EXPECT_TRUE(Complete(spec).ok());
  spec.env["TOKENS"] += 'x';
  EXPECT_THAT(Message(Complete(spec).status()),
              HasSubstr("environment variable TOKENS has 131072 bytes"));

  spec = Training();
  spec.command.resize(3 + 8 * 1024, std::string(119, 'x'));  // 128 bytes each
  EXPECT_THAT(Message(Complete(spec).status()),
              HasSubstr("command and environment take 1048"));
  spec.command.resize(1 + 8 * 1023);
  EXPECT_TRUE(Complete(spec).ok());
}

TEST(CompleteSpec, RefusesAnUnknownRegionAsMissing) {
  JobSpec spec = Training();
  spec.regions = {"mars"};
  EXPECT_EQ(Complete(spec).status().code(), absl::StatusCode::kNotFound);
}

TEST(CompleteSpec, KeepsToRegionsOfOneSignal) {
  std::vector<Region> regions = TwoRegions();
  regions.push_back({"far", "US", Pue::Of(1.1), {8, 16}, {}, false});
  regions[0].signal = regions[2].signal = "co2_moer";
  regions[1].signal = "average";
  const auto complete = [&](JobSpec spec) {
    return CompleteSpec(std::move(spec), {}, regions, {}, kNow);
  };
  EXPECT_THAT(complete(Training())->regions, ElementsAre("here", "far"));
  JobSpec spec = Training();
  spec.home_region = "there";
  EXPECT_THAT(complete(spec)->regions, ElementsAre("there"));
  spec.regions = {"there"};
  EXPECT_TRUE(complete(spec).ok());
  spec.regions = {"there", "far"};
  EXPECT_EQ(Message(complete(spec).status()),
            "the grid data of there are average and those of far are "
            "co2_moer, which cannot be compared: name regions (and a home "
            "region) of one signal");
}

TEST(CompleteSpec, AcceptsAJobThatFillsARegion) {
  JobSpec spec = Training();
  spec.need = {4, 32};
  EXPECT_TRUE(Complete(spec).ok());
  spec.need = {8, 16};
  EXPECT_TRUE(Complete(spec).ok());
}

// ---- Names
// --------------------------------------------------------------------------

TEST(PauseMode, NamesSurviveBeingReadBack) {
  for (const PauseMode mode :
       {PauseMode::kNone, PauseMode::kSuspend, PauseMode::kCheckpoint}) {
    EXPECT_EQ(ParsePauseMode(Name(mode)).value(), mode);
  }
  EXPECT_THAT(Message(ParsePauseMode("often").status()),
              HasSubstr("none, suspend, checkpoint"));
}

TEST(Signals, AreKnownByName) {
  EXPECT_EQ(SignalNumber("USR1").value(), SIGUSR1);
  EXPECT_EQ(SignalNumber("TERM").value(), SIGTERM);
  EXPECT_FALSE(SignalNumber("KILL").ok());
  EXPECT_FALSE(SignalNumber("STOP").ok());
  EXPECT_FALSE(SignalNumber("").ok());
}

TEST(Resources, FitWhereEachPartFits) {
  EXPECT_TRUE((Resources{1, 4}).Fits({1, 4}));
  EXPECT_FALSE((Resources{2, 4}).Fits({1, 9}));
  EXPECT_FALSE((Resources{0, 5}).Fits({9, 4}));
}

}  // namespace
}  // namespace carbond
