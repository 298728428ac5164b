#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/exec/slurm/entry_judge.h"

namespace carbond {
namespace {

using testing::HasSubstr;
using What = Sight::What;
using Next = EntryVerdict::Next;

const Instant kStart = Instant::FromSeconds(1'795'318'500);

EntryFacts Facts(const std::string& state, bool held = false) {
  EntryFacts facts;
  facts.number = "12";
  facts.known = facts.fresh = true;
  facts.row.emplace();
  facts.row->id = "12";
  facts.row->state = state;
  facts.row->reason = held ? "JobHeldUser" : "None";
  facts.row->held = held;
  return facts;
}
EntryFacts Ran(const std::string& state, int wait_status = 0) {
  EntryFacts facts = Facts(state);
  facts.row->start = kStart;
  facts.row->end = kStart + minutes(5);
  facts.row->nodes = "eu1";
  facts.row->wait_status = wait_status;
  return facts;
}

// ---- Until it begins --------------------------------------------------------

TEST(SlurmEntryJudge, AnUnreadQueueSaysNothing) {
  EntryFacts facts = Facts("PENDING", true);
  facts.known = facts.fresh = false;
  EXPECT_EQ(JudgeEntry(facts).sight.what, What::kUnknown);
  EXPECT_EQ(JudgeEntry(facts).next, Next::kNothing);
}

TEST(SlurmEntryJudge, WhatIsHeldIsLetGoOnce) {
  EntryFacts facts = Facts("PENDING", true);
  EXPECT_EQ(JudgeEntry(facts).next, Next::kLetGo);
  EXPECT_EQ(JudgeEntry(facts).sight.what, What::kStarting);
  facts.fresh = false;  // asked for, and the answer is not read yet
  EXPECT_EQ(JudgeEntry(facts).next, Next::kNothing);
}

TEST(SlurmEntryJudge, WhoeverHoldsItAgainIsNotOverruled) {
  EntryFacts facts = Facts("PENDING", true);
  facts.let_go = true;
  const EntryVerdict verdict = JudgeEntry(facts);
  EXPECT_EQ(verdict.next, Next::kNothing);
  EXPECT_EQ(verdict.sight.what, What::kStarting);
  EXPECT_THAT(verdict.sight.detail, HasSubstr("not by carbond"));
}

// Before it was seen that carbond let it go, too.
TEST(SlurmEntryJudge, AnAdministratorsHoldIsNotOverruled) {
  EntryFacts facts = Facts("PENDING", true);
  facts.row->reason = "JobHeldAdmin";
  const EntryVerdict verdict = JudgeEntry(facts);
  EXPECT_EQ(verdict.next, Next::kNothing);
  EXPECT_THAT(verdict.sight.detail, HasSubstr("(JobHeldAdmin), and not by"));
}

TEST(SlurmEntryJudge, WhatWaitsForSlurmSaysWhy) {
  EntryFacts facts = Facts("PENDING");
  facts.row->reason = "Resources";
  EXPECT_EQ(JudgeEntry(facts).sight.detail,
            "Slurm job 12 is PENDING (Resources)");
  EXPECT_EQ(JudgeEntry(facts).next, Next::kNothing);
}

TEST(SlurmEntryJudge, WhatIsTakenBackIsAbsentOnceItIsSeenHeld) {
  EntryFacts facts = Facts("PENDING");
  facts.let_go = true;
  facts.orders.recall = true;
  EXPECT_EQ(JudgeEntry(facts).next, Next::kHold);
  facts = Facts("PENDING", true);
  facts.let_go = facts.orders.recall = true;
  facts.fresh = false;
  EXPECT_EQ(JudgeEntry(facts).sight.what, What::kStarting);
  facts.fresh = true;
  EXPECT_EQ(JudgeEntry(facts).sight.what, What::kAbsent);
  EXPECT_EQ(JudgeEntry(facts).next, Next::kNothing);
}

TEST(SlurmEntryJudge, ACancelGoesBeforeARecall) {
  EntryFacts facts = Facts("PENDING", true);
  facts.orders.recall = facts.orders.stop = true;
  EXPECT_EQ(JudgeEntry(facts).next, Next::kCancel);
  EXPECT_EQ(JudgeEntry(facts).sight.what, What::kStarting);
}

// ---- While it runs ----------------------------------------------------------

TEST(SlurmEntryJudge, RunsFromWhenSlurmSaysSo) {
  EntryFacts facts = Ran("RUNNING");
  EXPECT_EQ(JudgeEntry(facts).sight.what, What::kRunning);
  EXPECT_EQ(JudgeEntry(facts).sight.began_at, kStart);
  facts.orders.recall = true;  // too late
  EXPECT_EQ(JudgeEntry(facts).next, Next::kNothing);
  facts.orders.stop = true;
  EXPECT_EQ(JudgeEntry(facts).next, Next::kCancel);
  EXPECT_EQ(JudgeEntry(Ran("CONFIGURING")).sight.what, What::kStarting);
  EXPECT_THAT(JudgeEntry(Ran("SUSPENDED")).sight.detail,
              HasSubstr("not by carbond"));
}

TEST(SlurmEntryJudge, WhatSlurmPutsBackEndsItsRun) {
  EntryFacts facts = Facts("PENDING");
  facts.let_go = true;
  facts.began = kStart;
  facts.seen_at = kStart + minutes(3);
  Sight sight = JudgeEntry(facts).sight;
  EXPECT_EQ(sight.what, What::kEnded);
  EXPECT_EQ(sight.because, RunEnd::kPreempted);
  EXPECT_EQ(sight.ended_at, kStart + minutes(3));
  facts = Ran("RUNNING");  // and began again before anybody looked
  facts.began = kStart - minutes(9);
  EXPECT_EQ(JudgeEntry(facts).sight.because, RunEnd::kPreempted);
  facts = Facts("PENDING");
  facts.began = kStart;
  facts.orders.stop = true;  // or it would run again after all
  EXPECT_EQ(JudgeEntry(facts).next, Next::kCancel);
  EXPECT_EQ(JudgeEntry(facts).sight.what, What::kStarting);
}

// ---- Its end ----------------------------------------------------------------

TEST(SlurmEntryJudge, EndsAsSlurmSays) {
  Sight sight = JudgeEntry(Ran("COMPLETED")).sight;
  EXPECT_EQ(sight.what, What::kEnded);
  EXPECT_EQ(sight.exit_code, 0);
  EXPECT_EQ(sight.began_at, kStart);
  EXPECT_EQ(sight.ended_at, kStart + minutes(5));
  EXPECT_EQ(JudgeEntry(Ran("FAILED", 7 << 8)).sight.exit_code, 7);
  EXPECT_EQ(JudgeEntry(Ran("FAILED", 9)).sight.signal, 9);
  EXPECT_EQ(JudgeEntry(Ran("FAILED", 0)).sight.exit_code, 1);
  EXPECT_EQ(JudgeEntry(Ran("OUT_OF_MEMORY", 125)).sight.signal, 125);
}

TEST(SlurmEntryJudge, AnEndThatWasNotItsOwnSaysWhose) {
  // A script that caught the signal left with 0: it was cancelled all the same.
  Sight sight = JudgeEntry(Ran("CANCELLED")).sight;
  EXPECT_EQ(sight.because, RunEnd::kCancelled);
  EXPECT_EQ(sight.exit_code, std::nullopt);
  EXPECT_EQ(sight.signal, 15);
  EXPECT_THAT(sight.detail, HasSubstr("not by carbond"));
  EXPECT_EQ(JudgeEntry(Ran("TIMEOUT")).sight.because, RunEnd::kTimeLimit);
  EXPECT_EQ(JudgeEntry(Ran("PREEMPTED")).sight.because, RunEnd::kCancelled);
  EXPECT_EQ(JudgeEntry(Ran("NODE_FAIL")).sight.what, What::kLost);
}

// Slurm gives it a start and an end, though it never ran.
TEST(SlurmEntryJudge, WhatIsCancelledWhereItStoodNeverBegan) {
  EntryFacts facts = Ran("CANCELLED");
  facts.row->nodes.clear();
  const Sight sight = JudgeEntry(facts).sight;
  EXPECT_EQ(sight.what, What::kEnded);
  EXPECT_EQ(sight.because, RunEnd::kCancelled);
  EXPECT_EQ(sight.signal, std::nullopt);
}

TEST(SlurmEntryJudge, WhatSlurmForgotIsLost) {
  EntryFacts facts = Facts("PENDING");
  facts.row.reset();
  facts.began = kStart;
  facts.seen_at = kStart + minutes(2);
  const Sight sight = JudgeEntry(facts).sight;
  EXPECT_EQ(sight.what, What::kLost);
  EXPECT_EQ(sight.ended_at, kStart + minutes(2));
  EXPECT_THAT(sight.detail, HasSubstr("not known to Slurm any more"));
}

// Slurm keeps nothing of a task that was cancelled in its array.
TEST(SlurmEntryJudge, ATaskThatIsGoneWhereItWasHeldWasCancelled) {
  EntryFacts facts = Facts("PENDING");
  facts.row.reset();
  facts.number = "12_3";
  EXPECT_EQ(JudgeEntry(facts).sight.what, What::kLost);
  facts.was_held = true;
  const Sight sight = JudgeEntry(facts).sight;
  EXPECT_EQ(sight.what, What::kEnded);
  EXPECT_EQ(sight.because, RunEnd::kCancelled);
  EXPECT_THAT(sight.detail, HasSubstr("cancelled before it began"));
  facts.let_go = true;  // it may have run
  EXPECT_EQ(JudgeEntry(facts).sight.what, What::kLost);
  facts.let_go = false;
  facts.number = "12";
  EXPECT_EQ(JudgeEntry(facts).sight.what, What::kLost);
}

// ---- Of one that waits ------------------------------------------------------

TEST(SlurmEntryJudge, OneThatWaitsIsHeldOrHasMoved) {
  EXPECT_EQ(StandingIn(Facts("PENDING", true).row).what, Standing::What::kHeld);
  EXPECT_EQ(StandingIn(Facts("PENDING").row).what, Standing::What::kMoved);
  EXPECT_EQ(StandingIn({}).what, Standing::What::kMoved);
  EXPECT_EQ(StandingIn(Ran("RUNNING").row).began_at, kStart);
}

}  // namespace
}  // namespace carbond
