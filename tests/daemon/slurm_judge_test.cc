#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/exec/slurm/judge.h"

namespace carbond {
namespace {

using testing::HasSubstr;
using What = Sight::What;
using Next = RunVerdict::Next;

const SlurmPatience kPatience;

RunFacts Asked(Duration ago = minutes(1), bool answered = true) {
  RunFacts facts;
  facts.submitted = true;
  facts.answered = answered;
  facts.since_asked = ago;
  facts.queue_known = true;
  return facts;
}

RunFacts Shown(const std::string& state, const std::string& reason = "None") {
  RunFacts facts = Asked();
  facts.row = SlurmJob{"31", state, reason, "carbond.x.1.1", "eu1"};
  return facts;
}

RunFacts Under(const std::string& state) {
  RunFacts facts = Shown(state);
  facts.started = StartedRecord{{1, 1}, "boot", 1000, "Slurm job 31 on eu1"};
  facts.job = MainProcess{{2, 2}, false, 1500};
  facts.heartbeat_ms = 9000;
  return facts;
}

RunFacts Over(const std::string& state, int code) {
  RunFacts facts = Under(state);
  facts.exit = ExitRecord{};
  facts.exit->code = code;
  facts.exit->began_ms = 1500;
  facts.exit->ended_ms = 9500;
  return facts;
}

Sight See(const RunFacts& facts) { return Judge(facts, kPatience).sight; }
Next NextOf(const RunFacts& facts) { return Judge(facts, kPatience).next; }

// ---- Until it begins --------------------------------------------------------

TEST(SlurmJudge, WhatWasNeverSubmittedIsAbsent) {
  EXPECT_EQ(See({}).what, What::kAbsent);
}

TEST(SlurmJudge, WhatWaitsInTheQueueSaysWhy) {
  const Sight sight = See(Shown("PENDING", "Resources"));
  EXPECT_EQ(sight.what, What::kStarting);
  EXPECT_EQ(sight.detail, "Slurm job 31 is PENDING (Resources)");
}

TEST(SlurmJudge, AnAnsweredSubmissionThatVanishedIsHandedInAgain) {
  EXPECT_EQ(NextOf(Asked(seconds(5))), Next::kNothing);
  EXPECT_EQ(NextOf(Asked(seconds(6))), Next::kSubmit);
  EXPECT_EQ(See(Asked(seconds(6))).what, What::kStarting);
}

TEST(SlurmJudge, ASubmissionWithoutAnAnswerMayStillArrive) {
  EXPECT_EQ(NextOf(Asked(seconds(14), false)), Next::kNothing);
  EXPECT_EQ(NextOf(Asked(seconds(15), false)), Next::kSubmit);
}

TEST(SlurmJudge, AnUnreadableQueueChangesNothing) {
  RunFacts facts = Asked(hours(2));
  facts.queue_known = false;
  EXPECT_EQ(See(facts).what, What::kStarting);
  EXPECT_EQ(NextOf(facts), Next::kNothing);
}

TEST(SlurmJudge, WhatItRefusesNeverStarts) {
  RunFacts facts = Asked();
  facts.refusal = "sbatch: Invalid partition name specified";
  EXPECT_EQ(See(facts).what, What::kEnded);
  EXPECT_EQ(See(facts).detail, facts.refusal);
  EXPECT_FALSE(See(facts).exit_code);
}

TEST(SlurmJudge, AStopOfWhatSlurmNeverGotLeavesNothing) {
  RunFacts facts = Asked();
  facts.orders.stop = true;
  EXPECT_EQ(See(facts).what, What::kAbsent);
}

TEST(SlurmJudge, AnAdministratorMayCancelWhatWaits) {
  RunFacts facts = Shown("CANCELLED");
  EXPECT_EQ(See(facts).what, What::kStarting);  // it may have begun meanwhile
  facts.over_for = kPatience.storage;
  EXPECT_EQ(See(facts).what, What::kEnded);
  EXPECT_EQ(See(facts).because, RunEnd::kCancelled);
  EXPECT_THAT(See(facts).detail, HasSubstr("cancelled in Slurm, not by"));
}

TEST(SlurmJudge, ANodeThatFailedBeforeItBeganIsTriedAgain) {
  RunFacts facts = Shown("NODE_FAIL");
  facts.over_for = kPatience.storage;
  EXPECT_EQ(NextOf(facts), Next::kSubmit);
}

TEST(SlurmJudge, ANodeWithoutTheSharedDirectoryIsNamed) {
  RunFacts facts = Shown("FAILED", "NonZeroExitCode");
  facts.over_for = kPatience.storage;
  EXPECT_EQ(See(facts).what, What::kEnded);
  EXPECT_THAT(See(facts).detail, HasSubstr("on eu1: is shared_dir the same"));
}

TEST(SlurmJudge, WhatWasTakenBackIsOverAndNobodysFault) {
  RunFacts facts = Shown("CANCELLED");
  facts.orders.recall = true;
  facts.over_for = kPatience.storage;
  EXPECT_EQ(See(facts).what, What::kEnded);
  EXPECT_EQ(See(facts).because, std::nullopt);
  EXPECT_EQ(See(facts).detail, "");
  facts = Asked();  // and Slurm has forgotten it
  facts.orders.recall = true;
  EXPECT_EQ(See(facts).what, What::kAbsent);
  EXPECT_EQ(NextOf(facts), Next::kNothing);
}

TEST(SlurmJudge, ARunnerThatWasTakenBackBeforeItBeganSaysSo) {
  RunFacts facts = Under("COMPLETED");
  facts.job.reset();
  facts.orders.recall = true;
  facts.exit = ExitRecord{};
  EXPECT_EQ(See(facts).what, What::kEnded);
  EXPECT_FALSE(See(facts).exit_code || See(facts).signal);
}

TEST(SlurmJudge, ARecallOfWhatHasBegunExplainsNoCancel) {
  RunFacts facts = Over("CANCELLED", 1);
  facts.orders.recall = true;
  facts.exit->stopped = true;
  EXPECT_EQ(See(facts).because, RunEnd::kCancelled);
}

// ---- While it runs ----------------------------------------------------------

TEST(SlurmJudge, ARunnerThatSaysItLivesIsBelievedBeforeSlurm) {
  for (const char* state : {"RUNNING", "NODE_FAIL", "PENDING"}) {
    RunFacts facts = Under(state);
    facts.over_for = hours(1);
    facts.silent = kPatience.silence() - Duration(1);
    EXPECT_EQ(See(facts).what, What::kRunning) << state;
    EXPECT_EQ(See(facts).began_at, Instant::FromMillis(1500));
  }
}

TEST(SlurmJudge, ASilentRunnerIsGivenUpAndFenced) {
  for (const char* state : {"RUNNING", "NODE_FAIL"}) {
    RunFacts facts = Under(state);
    facts.silent = kPatience.silence();
    EXPECT_EQ(See(facts).what, What::kLost) << state;
    EXPECT_EQ(NextOf(facts), Next::kAbandon);
    EXPECT_EQ(See(facts).ended_at, Instant::FromMillis(9000));
  }
  EXPECT_GT(kPatience.silence(), kPatience.lease());
}

TEST(SlurmJudge, AKilledRunnerIsLostAsSoonAsSlurmSawItsLastProcessGo) {
  RunFacts facts = Under("FAILED");
  facts.silent = kPatience.heartbeat * 3;
  facts.over_for = kPatience.storage + kPatience.heartbeat;
  EXPECT_EQ(See(facts).what, What::kLost);
}

TEST(SlurmJudge, ASuspendedRunIsShownAsSuch) {
  RunFacts facts = Under("RUNNING");
  facts.suspended = true;
  EXPECT_EQ(See(facts).what, What::kSuspended);
}

// ---- Its end ----------------------------------------------------------------

TEST(SlurmJudge, TheRunnersWordOnItsEndIsTheLast) {
  const Sight sight = See(Over("NODE_FAIL", 0));
  EXPECT_EQ(sight.what, What::kEnded);
  EXPECT_EQ(sight.exit_code, 0);
  EXPECT_FALSE(sight.because);
  EXPECT_EQ(sight.ended_at, Instant::FromMillis(9500));
}

TEST(SlurmJudge, TellsWhoEndedWhatCarbondDidNot) {
  const std::pair<const char*, RunEnd> cases[] = {
      {"CANCELLED", RunEnd::kCancelled},
      {"TIMEOUT", RunEnd::kTimeLimit},
      {"PREEMPTED", RunEnd::kPreempted}};
  for (const auto& [state, because] : cases) {
    RunFacts facts = Over(state, 143);
    facts.exit->stopped = true;
    EXPECT_EQ(See(facts).because, because);
    facts.orders.stop = true;  // ours
    EXPECT_FALSE(See(facts).because);
  }
}

// Slurm signals the command beside its runner, which may see it gone first.
TEST(SlurmJudge, ASignalThatNobodyOfOursSentMayBeSlurms) {
  for (const int signal : {SIGTERM, SIGKILL}) {
    RunFacts facts = Over("RUNNING", 0);
    facts.exit->signal = signal;
    EXPECT_EQ(See(facts).what, What::kRunning);
    facts.row->state = "CANCELLED";
    EXPECT_EQ(See(facts).because, RunEnd::kCancelled);
    facts.row->state = "OUT_OF_MEMORY";
    EXPECT_THAT(See(facts).detail, HasSubstr("more memory"));
    facts.row->state = "FAILED";  // its user's own `kill`
    EXPECT_FALSE(See(facts).because);
    EXPECT_EQ(See(facts).detail, "");
  }
  RunFacts crashed = Over("RUNNING", 0);
  crashed.exit->signal = SIGSEGV;
  EXPECT_EQ(See(crashed).what, What::kEnded) << "waits for nobody";
}

TEST(SlurmJudge, AnEndFromOutsideWaitsForSlurmsWordOnIt) {
  RunFacts facts = Over("RUNNING", 143);
  facts.exit->stopped = true;
  EXPECT_EQ(See(facts).what, What::kRunning);
  facts.exit_for = kPatience.storage;  // its controller may be down for hours
  EXPECT_EQ(See(facts).what, What::kEnded);
  facts.exit_for = Duration(0);
  facts.row->state = "CANCELLED";
  EXPECT_EQ(See(facts).because, RunEnd::kCancelled);
}

TEST(SlurmJudge, OnlyTheCommandItselfSaysSaved) {
  RunFacts facts = Over("COMPLETED", kCheckpointExitCode);
  EXPECT_EQ(See(facts).exit_code, kCheckpointExitCode);
  facts.exit->before_failed = true;
  EXPECT_EQ(See(facts).exit_code, 1);
}

// ---- Words of Slurm ---------------------------------------------------------

std::string Row(const std::vector<std::string>& fields) {
  return fmt::format("{}\n", fmt::join(fields, "\x1f"));
}

TEST(SlurmCommands, ReadsOneLineForEachJobWhateverItsName) {
  const auto jobs = ParseSqueue(
      Row({"m7", "1", "PENDING", "(launch failed)", "", "1000", "|a b|"}) +
          Row({"m7", "half a line"}) +
          Row({"m7", "2", "RUNNING", "None", "eu[1-2]", "1001", "x", "y"}) +
          Row({"m7", "3", "RUNNING", "None", "eu1", "ana", "x"}),
      "m7");
  ASSERT_EQ(jobs.size(), 2u);
  EXPECT_EQ(jobs[0].name, "|a b|");
  EXPECT_EQ(jobs[0].nodes, "");
  EXPECT_EQ(jobs[0].uid, 1000);
  EXPECT_EQ(jobs[1].name, "x\x1fy");
  EXPECT_EQ(jobs[1].nodes, "eu[1-2]");
  EXPECT_EQ(jobs[1].uid, 1001);
}

// A name may hold a line that looks like another user's job.
TEST(SlurmCommands, BelievesNoLineWithoutTheMarkOfThisQuestion) {
  const std::string forged =
      Row({"m6", "2", "CANCELLED", "None", "eu1", "1000", "carbond.4f.1.1"});
  const auto jobs = ParseSqueue(
      Row({"m7", "1", "RUNNING", "None", "eu1", "33", "mine\n" + forged}),
      "m7");
  ASSERT_EQ(jobs.size(), 1u);
  EXPECT_EQ(jobs[0].name, "mine");
  EXPECT_NE(MakeMark(), MakeMark());
}

TEST(SlurmCommands, AsksForTheJobsOfAllWhoseRunsThereAre) {
  EXPECT_EQ(SqueueArguments({"33", "carbond"}, "m7")[2], "--user=33,carbond");
}

TEST(SlurmCommands, AnUnknownStateIsNoEnd) {
  EXPECT_EQ(StageOf({"1", "SOMETHING_NEW", "", "", ""}), SlurmStage::kActive);
  EXPECT_EQ(StageOf({"1", "PENDING", "", "", ""}), SlurmStage::kQueued);
  EXPECT_EQ(StageOf({"1", "OUT_OF_MEMORY", "", "", ""}), SlurmStage::kOver);
}

TEST(SlurmCommands, ATimeOutIsNoRefusal) {
  EXPECT_TRUE(IsRefusal(
      "sbatch: error: Batch job submission failed: Invalid partition name "
      "specified"));
  for (const char* unsure :
       {"sbatch: error: Batch job submission failed: Socket timed out on "
        "send/recv operation",
        "sbatch: error: Batch job submission failed: Unable to contact slurm "
        "controller (connect failure)",
        "sbatch: error: Batch job submission failed: Protocol authentication "
        "error",
        ""}) {
    EXPECT_FALSE(IsRefusal(unsure)) << unsure;
  }
  EXPECT_EQ(LastComplaint("sbatch: error: invalid partition: x\n"
                          "sbatch: error: Batch job submission failed: y\n"),
            "Batch job submission failed: y");
}

TEST(SlurmCommands, KnowsWhatASubmissionAsksFor) {
  Submission submission;
  submission.allotment.cpus = 6;
  submission.allotment.gpus = {0, 1, 2};
  SlurmPlace place;
  place.gpu = "gpu:a100";
  EXPECT_EQ(NeedOf(SbatchArguments(place, submission)), (Resources{3, 6}));
  submission.allotment = {};
  EXPECT_EQ(NeedOf(SbatchArguments(place, submission)), (Resources{0, 1}));
}

// What people read has no empty brackets.
TEST(SlurmCommands, AStateWithoutAReasonStandsAlone) {
  EXPECT_EQ(StateWords("PENDING", "Resources"), "PENDING (Resources)");
  EXPECT_EQ(StateWords("PENDING", "None"), "PENDING");
  EXPECT_EQ(StateWords("PENDING", ""), "PENDING");
  EXPECT_EQ(See(Shown("PENDING")).detail, "Slurm job 31 is PENDING");
}

TEST(SlurmCommands, AsksForWhatTheRunWasAllotted) {
  SlurmPlace place;
  place.partition = "gpu";
  place.gpu = "gpu:a100";
  place.options = {"--mem=16G"};
  Submission submission;
  submission.name = "carbond.x.1.1";
  submission.script = "/s/script";
  submission.arguments = {"/bin/carbon-runner", "--run", "/s"};
  submission.allotment.gpus = {0, 3};
  submission.allotment.cpus = 8;
  submission.times.limit = seconds(61);
  submission.times.begin = Instant::FromMillis(1'800'000'000'001);
  const auto words = SbatchArguments(place, submission);
  using testing::Contains;
  EXPECT_THAT(words, Contains("--gres=gpu:a100:2"));
  EXPECT_THAT(words, Contains("--cpus-per-task=8"));
  EXPECT_THAT(words, Contains("--time=2"));
  EXPECT_THAT(words, Contains("--begin=uts1800000001"));
  EXPECT_THAT(words, Contains("--no-requeue"));
  EXPECT_THAT(words, Contains("--dependency=singleton"));
  EXPECT_THAT(words, Contains("--mem=16G"));
  EXPECT_EQ(words[words.size() - 4], "/s/script");
  EXPECT_EQ(words.back(), "/s");
}

TEST(SlurmCommands, TakesBackOnlyWhatHasNotBegun) {
  EXPECT_THAT(RecallArguments("ada", "carbond.x.1.1"),
              testing::Contains("--state=PENDING"));
}

}  // namespace
}  // namespace carbond
