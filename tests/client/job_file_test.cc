#include "client/job_file.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/client/world.h"

namespace carbond::client {
namespace {

const Submitter kAda{"ada", "/home/ada"};

std::string Error(const std::string& yaml) {
  const auto jobs = ParseJobFile(yaml, "/jobs");
  if (!jobs.ok()) return std::string(jobs.status().message());
  for (const JobWords& job : *jobs) {
    const auto spec = MakeSpec(job, kAda, Morning());
    if (!spec.ok()) return std::string(spec.status().message());
  }
  return "";
}

TEST(JobFile, HoldsTheNamesOfTheFlags) {
  const auto jobs = ParseJobFile(R"(
name: train
duration: 2h
deadline: 2026-11-22 08:00
min_saving: 0.05
idle-power: 60W      # either way
region: [here, there]
env: {EPOCHS: 3, EMPTY: ""}
workdir: run
project:
command: [python3, train.py, --epochs, 3]
)",
                                 "/jobs");
  ASSERT_TRUE(jobs.ok()) << jobs.status();
  ASSERT_EQ(jobs->size(), 1u);
  const auto spec = MakeSpec(jobs->front(), kAda, Morning());
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->name(), "train");
  EXPECT_EQ(FormatUtc(FromProto(spec->deadline())), "2026-11-22T07:00:00Z");
  EXPECT_DOUBLE_EQ(spec->min_saving_fraction(), 0.05);
  EXPECT_DOUBLE_EQ(spec->idle_power_w(), 60);
  EXPECT_EQ(spec->regions_size(), 2);
  EXPECT_EQ(spec->env().at("EPOCHS"), "3");
  EXPECT_EQ(spec->env().at("EMPTY"), "");
  EXPECT_EQ(spec->workdir(), "/jobs/run");
  EXPECT_EQ(spec->project(), "");
  ASSERT_EQ(spec->command_size(), 4);
  EXPECT_EQ(spec->command(3), "3");
}

TEST(JobFile, TakesALineForTheShell) {
  const auto jobs =
      ParseJobFile("duration: 2h\ncommand: make data && ./train", "/jobs");
  ASSERT_TRUE(jobs.ok());
  EXPECT_EQ(
      jobs->front().command,
      (std::vector<std::string>{"/bin/sh", "-c", "make data && ./train"}));
}

TEST(JobFile, HoldsAListOfJobs) {
  const auto jobs = ParseJobFile(
      "- {duration: 1h, command: a}\n- {duration: 2h, command: b}\n", "/jobs");
  ASSERT_TRUE(jobs.ok()) << jobs.status();
  EXPECT_EQ(jobs->size(), 2u);
  EXPECT_EQ(jobs->at(1).command.back(), "b");
}

TEST(JobFile, TakesVariablesAsAListToo) {
  const auto jobs = ParseJobFile(
      "duration: 1h\ncommand: a\nenv:\n  - A=1\n  - B=2\n", "/jobs");
  ASSERT_TRUE(jobs.ok()) << jobs.status();
  const auto spec = MakeSpec(jobs->front(), kAda, Morning());
  ASSERT_TRUE(spec.ok());
  EXPECT_EQ(spec->env().at("B"), "2");
}

TEST(JobFile, TellsTheLineOfAMistake) {
  EXPECT_EQ(Error("duration: 2h\nmin_savings: 0.1\ncommand: a\n"),
            "line 2: unknown key `min_savings`: is it `min_saving`?");
  EXPECT_EQ(Error("command: a\nxyzzyxyzzy: 1\n"),
            "line 2: unknown key `xyzzyxyzzy`");
  EXPECT_EQ(Error("command: a\nduration: 2\n"),
            "line 2: duration: duration `2` has no unit: write 2s, 2m or 2h");
  EXPECT_EQ(Error("command: a\nidle-power: 2\nduration: 1h"),
            "line 2: idle_power: power `2` has no unit: write 2W or 2kW");
  EXPECT_EQ(Error("command: a\nduration: [1h, 2h]\n"),
            "line 2: duration takes one value, not a list");
  EXPECT_EQ(Error("command: a\nduration: {x: 1}\n"),
            "line 2: duration is neither a value nor a list of values");
  EXPECT_EQ(Error("command: a\nmin_run: 1h\nmin-run: 2h\n"),
            "line 3: min-run is given twice");
  EXPECT_EQ(Error("command: a\nregion: [[x]]\n"),
            "line 2: region is not a list of plain values");
  EXPECT_EQ(Error("command: a\nenv: {A: [1]}\n"),
            "line 2: env A has no plain value");
}

TEST(JobFile, TellsWhichJobOfAListIsIncomplete) {
  EXPECT_EQ(Error("- duration: 1h\n  command: a\n- duration: 2h\n"),
            "line 3: the job has no command: add `command:`");
}

TEST(JobFile, RefusesWhatIsNoJob) {
  EXPECT_EQ(Error(""), "there is no job");
  EXPECT_EQ(Error("[]"), "the list has no job");
  EXPECT_EQ(Error("just text"),
            "line 1: a job is a map of keys such as `duration: 2h`");
  EXPECT_EQ(Error("a: 1\n---\nb: 2\n"),
            "line 3: a second document begins: write several jobs as a list");
  EXPECT_EQ(Error("command: []\n"),
            "line 1: command is neither a value nor a list of values");
  EXPECT_TRUE(Error("a: [1\nb: 2").starts_with("line 2: ")) << Error("a: [1");
  EXPECT_TRUE(Error("a: *nowhere").starts_with("line 1: "));
  EXPECT_TRUE(Error("\tcommand: a").starts_with("line 1: "));
}

TEST(JobFile, SaysWhichFileCannotBeRead) {
  TemporaryFolder folder;
  const std::string path = folder.path() + "/job.yaml";
  EXPECT_EQ(ReadJobFile(path, "/").status(),
            absl::NotFoundError("cannot read job file " + path +
                                ": No such file or directory"));
  EXPECT_EQ(ReadJobFile(folder.path(), "/").status(),
            absl::NotFoundError("cannot read job file " + folder.path() +
                                ": Is a directory"));
  std::ofstream(path) << "\tcommand: a\n";
  const std::string message(ReadJobFile(path, "/").status().message());
  EXPECT_TRUE(message.starts_with(path + ": line 1: ")) << message;
}

TEST(JobFile, TellsAllMistakesOfAJobAtOnce) {
  EXPECT_EQ(Error("comand: a\n"
                  "duration: 2\n"
                  "gpus: many\n"
                  "min_saving: [0.1, 0.2]\n"
                  "retries: 1\n"),
            "line 1: unknown key `comand`: is it `command`?\n"
            "line 1: the job has no command: add `command:`\n"
            "line 2: duration: duration `2` has no unit: write 2s, 2m or 2h\n"
            "line 3: gpus: `many` is not a whole number\n"
            "line 4: min_saving takes one value, not a list");
}

TEST(JobFile, SaysNothingMoreOfACommandThatIsWrong) {
  EXPECT_EQ(Error("duration: 1h\ncommand: {a: b}\n"),
            "line 2: command is neither a value nor a list of values");
}

TEST(JobFile, IsWhereRelativeFoldersBegin) {
  TemporaryFolder folder;
  std::ofstream(folder.path() + "/job.yaml")
      << "duration: 1h\ncommand: a\nworkdir: sub\n";
  const auto jobs = ReadJobFile(folder.path() + "/job.yaml", "/home/ada");
  ASSERT_TRUE(jobs.ok()) << jobs.status();
  EXPECT_EQ(MakeSpec(jobs->front(), kAda, Morning())->workdir(),
            folder.path() + "/sub");
}

}  // namespace
}  // namespace carbond::client
