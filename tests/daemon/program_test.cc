#include "daemon/exec/slurm/program.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/clock.h"

namespace carbond {
namespace {

ProgramEnd Shell(const std::string& line, Duration limit = minutes(1)) {
  auto end = RunProgram("sh", {"-c", line}, {{"PATH", "/usr/bin:/bin"}}, limit);
  EXPECT_TRUE(end.ok()) << end.status();
  return *end;
}

TEST(Program, GivesWhatItPrintedAndHowItEnded) {
  const ProgramEnd end = Shell("echo out; echo err >&2; exit 3");
  EXPECT_EQ(end.code, 3);
  EXPECT_EQ(end.out, "out\n");
  EXPECT_EQ(end.err, "err\n");
  EXPECT_FALSE(end.timed_out);
}

TEST(Program, TakesArgumentsAsTheyAre) {
  const auto end =
      RunProgram("/usr/bin/printf", {"%s", "$(a) 'b' \n;"}, {}, minutes(1));
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(end->out, "$(a) 'b' \n;");
}

TEST(Program, HasNoInputAndOnlyTheEnvironmentGiven) {
  EXPECT_EQ(Shell("cat; echo ${HOME-none}").out, "none\n");
}

TEST(Program, KillsItsWholeGroupWhenTheTimeIsOver) {
  const Duration began = SystemClock::SinceBoot();
  const ProgramEnd end =
      Shell("echo begun; sleep 1000 & sleep 1000", Duration(100));
  EXPECT_TRUE(end.timed_out);
  EXPECT_FALSE(end.code.has_value());
  EXPECT_EQ(end.out, "begun\n");
  EXPECT_GE(SystemClock::SinceBoot() - began, Duration(100));
}

TEST(Program, ReadsItsInputToTheEnd) {
  const std::string input(300'000, 'x');  // more than a pipe holds
  const auto end = RunProgram({.program = "/usr/bin/wc",
                               .arguments = {"-c"},
                               .environment = {},
                               .limit = minutes(1),
                               .input = input});
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(end->out, "300000\n");
}

TEST(Program, HasEndedWhateverItLeftBehindHoldsItsOutput) {
  const ProgramEnd end = Shell("sleep 30 & echo left", minutes(1));
  EXPECT_EQ(end.code, 0);
  EXPECT_EQ(end.out, "left\n");
  EXPECT_FALSE(end.timed_out);
}

TEST(Program, IsWatchedToItsEndWhenItPrintsNoMore) {
  const ProgramEnd end = Shell("exec >&- 2>&-; sleep 1000", Duration(100));
  EXPECT_TRUE(end.timed_out);
  EXPECT_FALSE(end.code.has_value());
}

TEST(Program, IsStoppedFromOutside) {
  const int stop = ::eventfd(1, EFD_CLOEXEC);
  const auto end = RunProgram({.program = "/bin/sleep",
                               .arguments = {"1000"},
                               .environment = {},
                               .limit = hours(1),
                               .input = "",
                               .stop = stop});
  ::close(stop);
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_TRUE(end->timed_out);
}

TEST(Program, TakesMoreThanAPipeHolds) {
  EXPECT_EQ(Shell("head -c 3000000 /dev/zero").out.size(), 3'000'000u);
}

TEST(Program, SaysThatThereIsNone) {
  const auto end =
      RunProgram("no-such-program", {}, {{"PATH", "/usr/bin"}}, minutes(1));
  EXPECT_EQ(Message(end.status()), "no-such-program was not found in PATH");
}

TEST(Program, AnEndBySignalIsNoExitCode) {
  const ProgramEnd end = Shell("kill -9 $$");
  EXPECT_FALSE(end.code.has_value());
  EXPECT_FALSE(end.timed_out);
}

}  // namespace
}  // namespace carbond
