// What real squeue of Slurm 22.05 prints of jobs that users sent themselves,
// what they write into comments, and what becomes of it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/exec/slurm/adoption.h"
#include "daemon/exec/slurm/entry.h"
#include "daemon/exec/slurm/rights.h"

namespace carbond {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// ---- Comments ---------------------------------------------------------------

TEST(SlurmComment, AsksWithOneWordOrWithWishes) {
  for (const char* comment : {"carbon", "carbon:deadline=24h", " carbon ",
                              "carbon: deadline=24h", "carbon,please"}) {
    EXPECT_TRUE(AsksForDeferral(comment)) << comment;
  }
  for (const char* comment :
       {"", "carbonara", "low carbon", "Carbon", "carb", "carbon2"}) {
    EXPECT_FALSE(AsksForDeferral(comment)) << comment;
  }
}

TEST(SlurmComment, SaysDeadlineDurationAndPower) {
  const SlurmWishes wishes =
      ParseWishes("carbon:deadline=24h, duration=1h30m,power=1.2kW");
  EXPECT_EQ(wishes.within, hours(24));
  EXPECT_EQ(wishes.duration, minutes(90));
  EXPECT_EQ(wishes.power, Watts::Of(1200));
  EXPECT_EQ(wishes.remark, "");
  EXPECT_EQ(ParseWishes("carbon:deadline=2026-11-23T08:00:00Z").deadline,
            Instant::FromSeconds(1'795'420'800));
}

TEST(SlurmComment, AMistakeCostsWhatItWasToSayAndNoMore) {
  const SlurmWishes wishes = ParseWishes(
      "carbon:deadline=soon,duration=-2h,power=300,colour=red,,"
      "duration");
  EXPECT_EQ(wishes.within, std::nullopt);
  EXPECT_EQ(wishes.duration, std::nullopt);
  for (const char* told : {"`deadline=soon` is no deadline", "`duration=-2h`",
                           "`power=300` is no power", "`colour=red` is not",
                           "`duration` is no duration"}) {
    EXPECT_THAT(wishes.remark, HasSubstr(told));
  }
  EXPECT_EQ(ParseWishes("carbon:power=300W,colour=red").power, Watts::Of(300));
  EXPECT_THAT(ParseWishes("carbon please").remark, HasSubstr("is not carbon:"));
  EXPECT_THAT(ParseWishes("carbon:a\nb=1").remark, HasSubstr("`a b=1`"));
}

// ---- Rows -------------------------------------------------------------------

// Widths as they are asked for.
std::string Row(std::vector<std::string> cells) {
  constexpr size_t kWidths[] = {32, 20, 32,  20,  20,  20,  16,  16,  24, 16,
                                16, 16, 256, 256, 256, 128, 256, 128, 256};
  std::string line;
  for (size_t i = 0; i < cells.size(); ++i) {
    cells[i].resize(kWidths[i], ' ');
    line += cells[i];
  }
  return line + '\n';
}

const std::string kHeldRow =
    Row({"4", "1795318449", "PENDING", "0", "1795322049", "N/A", "0", "0",
         "1-02:00:00", "2", "1", "4294967294", "gres:gpu:2", "N/A", "N/A",
         "nobody", "(null)", "JobHeldUser", ""});

TEST(SlurmEntry, ReadsOneThatIsHeld) {
  const auto entries = ParseEntries(kHeldRow);
  ASSERT_EQ(entries.size(), 1u);
  const SlurmEntry& entry = entries[0];
  EXPECT_EQ(entry.id, "4");
  EXPECT_EQ(entry.submitted_at, Instant::FromSeconds(1'795'318'449));
  EXPECT_TRUE(entry.held);
  EXPECT_EQ(entry.start, Instant::FromSeconds(1'795'322'049));
  EXPECT_EQ(entry.end, std::nullopt);
  EXPECT_EQ(entry.limit, hours(26));
  EXPECT_EQ(entry.need, (Resources{2, 2}));
  EXPECT_EQ(entry.user, "nobody");
  EXPECT_EQ(entry.account, "");
  EXPECT_EQ(entry.nodes, "");
}

TEST(SlurmEntry, ReadsOneThatFailed) {
  const auto entries = ParseEntries(Row(
      {"9", "1795318706", "FAILED", "4294901752", "1795318709", "1795319009",
       "1792", "1", "5:00", "4", "2", "4", "N/A", "gres:gpu:a100:2", "gres:gpu",
       "ada", "vision", "NonZeroExitCode", "eu[1-2]"}));
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_FALSE(entries[0].held);
  EXPECT_EQ(entries[0].wait_status, 1792);
  EXPECT_EQ(entries[0].restarts, 1);
  EXPECT_EQ(entries[0].limit, minutes(5));
  EXPECT_EQ(entries[0].need, (Resources{8, 4}));  // by node, and by task
  EXPECT_EQ(entries[0].account, "vision");
  EXPECT_EQ(entries[0].nodes, "eu[1-2]");
}

TEST(SlurmEntry, LeavesOutWhatIsNoRow) {
  EXPECT_THAT(ParseEntries(""), IsEmpty());
  EXPECT_THAT(ParseEntries("4 1795318449 PENDING\n\n   \n"), IsEmpty());
  EXPECT_THAT(ParseEntries(kHeldRow.substr(0, 40)), IsEmpty());
  EXPECT_THAT(ParseEntries(kHeldRow.substr(0, 1000)), IsEmpty());
  EXPECT_EQ(ParseEntries(kHeldRow.substr(0, kHeldRow.size() - 257)).size(), 1u);
  std::string other = kHeldRow;
  other.replace(0, 2, "x4");
  EXPECT_THAT(ParseEntries(other), IsEmpty());
}

TEST(SlurmEntry, ReadsTasksOfAnArrayAndComponents) {
  std::string row = kHeldRow;
  row.replace(0, 8, "4_17    ");
  EXPECT_EQ(ParseEntries(row).at(0).id, "4_17");
  EXPECT_EQ(BaseOf("4_17"), "4");
  EXPECT_TRUE(IsTask("4_17"));
  row.replace(0, 8, "4+1     ");
  EXPECT_EQ(ParseEntries(row).at(0).id, "4+1");
  EXPECT_EQ(BaseOf("4+1"), "4");
  EXPECT_TRUE(IsHeterogeneous("4+1"));
  EXPECT_FALSE(IsHeterogeneous("4_17") || IsTask("4") || IsTask("4+1"));
  for (const char* no : {"4_[0-3]", "4_", "_4", "4_x"}) {
    row.replace(0, 8, (no + std::string(8, ' ')).substr(0, 8));
    EXPECT_THAT(ParseEntries(row), IsEmpty()) << no;
  }
}

// One word for an array, however many of its tasks are asked for.
TEST(SlurmEntry, AsksForArraysAsAWhole) {
  const auto words = EntryArguments({"4_0", "4_1", "7", "4_2"});
  EXPECT_THAT(words, testing::Contains("--jobs=4,7"));
  EXPECT_THAT(words, testing::Contains("--array"));
}

TEST(SlurmEntry, ANumberThatChangedHandsIsAnotherJob) {
  SlurmEntry row = ParseEntries(kHeldRow)[0];
  const QueueEntry entry{"eu", "4", row.submitted_at, {}, ""};
  EXPECT_TRUE(IsSame(row, entry));
  row.submitted_at += minutes(2);
  EXPECT_FALSE(IsSame(row, entry));
  row.restarts = 1;  // put back into its queue
  EXPECT_TRUE(IsSame(row, entry));
  row.id = "5";
  EXPECT_FALSE(IsSame(row, entry));
}

std::string Words(const std::string& mark, const std::string& id,
                  const std::string& priority, const std::string& comment) {
  return mark + '\x1f' + id + '\x1f' + priority + "\x1ftrain\x1f(null)\x1f" +
         "/home/ada\x1f" + comment + '\n';
}

TEST(SlurmEntry, ReadsWhatUsersWrote) {
  const auto held = ParseHeld(Words("m7", "4", "0", "carbon\x1f:x") +
                                  Words("m7", "5", "4294901759", "carbon"),
                              "m7");
  ASSERT_EQ(held.size(), 1u);  // the other is not held
  EXPECT_EQ(held[0].id, "4");
  EXPECT_EQ(held[0].name, "train");
  EXPECT_EQ(held[0].script, "");
  EXPECT_EQ(held[0].workdir, "/home/ada");
  EXPECT_EQ(held[0].comment, "carbon\x1f:x");
}

// A comment may hold line ends, and so what looks like a row of another job.
TEST(SlurmEntry, ACommentCannotPassForAnotherJob) {
  const std::string forged = Words("m6", "99", "0", "carbon");
  const auto held = ParseHeld(Words("m7", "4", "0", "carbon\n" + forged) +
                                  Words("m7", "5", "1", "x\n" + forged),
                              "m7");
  ASSERT_EQ(held.size(), 1u);
  EXPECT_EQ(held[0].id, "4");
  EXPECT_THAT(held[0].comment, HasSubstr("99"));
  EXPECT_THAT(ParseHeld("m7\x1f"
                        "4\x1f"
                        "0\n",
                        "m7"),
              IsEmpty());
}

TEST(SlurmEntry, IsLetGoAtItsHour) {
  EXPECT_THAT(BeginArguments("4", Instant::FromMillis(1'500)),
              ElementsAre("update", "JobId=4", "StartTime=uts2"));
  EXPECT_THAT(BeginArguments("4", {}),
              ElementsAre("update", "JobId=4", "StartTime=now"));
  EXPECT_THAT(ReleaseArguments("4"), ElementsAre("release", "4"));
  EXPECT_THAT(HoldArguments("4"), ElementsAre("uhold", "4"));
}

TEST(SlurmEntry, KnowsWhoMayManageOtherPeoplesJobs) {
  const SlurmOwner owner = ParseOwner(
      "Configuration data as of 1795318449\n"
      "ClusterName             = eu\n"
      "SlurmUser               = slurm(64030)\n"
      "SlurmctldHost[0]        = localhost(127.0.0.1)\n");
  EXPECT_EQ(owner.cluster, "eu");
  EXPECT_EQ(owner.user, "slurm");
  EXPECT_TRUE(MayManage(owner, "slurm", ""));
  EXPECT_TRUE(MayManage(owner, "root", ""));
  EXPECT_FALSE(MayManage(owner, "carbond", ""));
  EXPECT_FALSE(MayManage(owner, "carbond", "None\n"));
  EXPECT_TRUE(MayManage(owner, "carbond", "Operator\n"));
  EXPECT_TRUE(MayManage(owner, "carbond", "Administrator\n"));
}

// ---- Adoption ---------------------------------------------------------------

HeldJob Held(const std::string& comment = "carbon") {
  HeldJob job;
  job.entry = ParseEntries(kHeldRow)[0];
  job.entry.start.reset();
  job.words = {"4", "train", "/home/ada/train.sh", "/home/ada", comment};
  job.wishes = ParseWishes(comment);
  job.cluster = "eu";
  job.region = "here";
  return job;
}

const JobSpec& SpecOf(const SubmitCommand& command) {
  return command.jobs.front().spec;
}

TEST(SlurmAdoption, TheSameJobIsTheSameRequest) {
  const SystemClock clock;
  const SubmitCommand one = AdoptionOf(Held(), {}, clock);
  EXPECT_EQ(one.request_id, "sbatch:eu:4:1795318449");
  const SubmitCommand changed = AdoptionOf(Held("carbon:power=1W"), {}, clock);
  EXPECT_EQ(changed.request_id, one.request_id);
  EXPECT_EQ(changed.digest, one.digest);
}

TEST(SlurmAdoption, IsOfWhoSentItAndStaysWhereItIs) {
  const SystemClock clock;
  const SubmitCommand command = AdoptionOf(Held(), {hours(6)}, clock);
  const JobSpec& spec = SpecOf(command);
  EXPECT_EQ(spec.user, "nobody");
  EXPECT_EQ(spec.name, "train");
  EXPECT_EQ(spec.need, (Resources{2, 2}));
  EXPECT_THAT(spec.regions, ElementsAre("here"));
  EXPECT_EQ(spec.home_region, "here");
  EXPECT_THAT(spec.command, ElementsAre("sbatch", "/home/ada/train.sh"));
  EXPECT_EQ(spec.pause, PauseMode::kNone);
  EXPECT_EQ(spec.deadline, Held().entry.submitted_at + hours(6));
  EXPECT_EQ(spec.duration, Duration(0));  // to be learnt
  EXPECT_FALSE(spec.power_declared);
  EXPECT_EQ(spec.earliest, std::nullopt);
  // Its own limit is Slurm's to keep: no job of a user is ended for it.
  EXPECT_EQ(spec.time_limit, std::nullopt);
  EXPECT_EQ(spec.entry.limit, hours(26));
  EXPECT_TRUE(spec.adopted());
}

TEST(SlurmAdoption, KeepsWhatItsUserAskedFor) {
  const SystemClock clock;
  HeldJob job = Held("carbon:deadline=8h,duration=2h,power=300W,x=1");
  job.entry.start = job.entry.submitted_at + hours(1);  // --begin
  const SubmitCommand command = AdoptionOf(job, {}, clock);
  const JobSpec& spec = SpecOf(command);
  EXPECT_EQ(spec.deadline, job.entry.submitted_at + hours(8));
  EXPECT_EQ(spec.duration, hours(2));
  EXPECT_EQ(spec.power, Watts::Of(300));
  EXPECT_TRUE(spec.power_declared);
  EXPECT_EQ(spec.earliest, job.entry.start);
  EXPECT_THAT(spec.entry.remark, HasSubstr("`x=1`"));
}

TEST(SlurmAdoption, SpeaksOfADemonstrationsHours) {
  const Instant real = Held().entry.submitted_at;
  const SystemClock clock(60, real, Instant::FromSeconds(0));
  const SubmitCommand command = AdoptionOf(Held(), {hours(6)}, clock);
  EXPECT_EQ(SpecOf(command).deadline, Instant::FromSeconds(6 * 3600));
  EXPECT_EQ(SpecOf(command).entry.limit, 60 * hours(26));
  EXPECT_EQ(SpecOf(command).entry.entered_at, real);  // as Slurm knows it
}

TEST(SlurmAdoption, WhatUsersWriteMayBeAnything) {
  const SystemClock clock;
  HeldJob job = Held();
  job.words.name = "a\nb\xff" + std::string(400, 'x');
  job.words.workdir = "(null)";
  const SubmitCommand command = AdoptionOf(job, {}, clock);
  EXPECT_LE(SpecOf(command).name.size(), 256u);
  EXPECT_TRUE(SpecOf(command).name.starts_with("a b\xEF\xBF\xBD"));
  EXPECT_EQ(SpecOf(command).workdir, "/");
}

TEST(SlurmAdoption, EachTaskOfAnArrayIsAJobOfItsOwn) {
  const SystemClock clock;
  HeldJob first = Held();
  HeldJob second = Held();
  first.entry.id = "4_0";
  second.entry.id = "4_1";
  EXPECT_EQ(WhyNotAdopted(first.entry, 100), "");
  EXPECT_EQ(AdoptionOf(first, {}, clock).request_id,
            "sbatch:eu:4_0:1795318449");
  EXPECT_NE(AdoptionOf(first, {}, clock).request_id,
            AdoptionOf(second, {}, clock).request_id);
  EXPECT_EQ(SpecOf(AdoptionOf(second, {}, clock)).entry.number, "4_1");
}

TEST(SlurmAdoption, RefusesWhatMustBeginTogetherAndWhatIsTooMuch) {
  SlurmEntry entry = ParseEntries(kHeldRow)[0];
  EXPECT_EQ(WhyNotAdopted(entry), "");
  EXPECT_THAT(WhyNotAdopted(entry, kMostTasks + 1),
              HasSubstr("2001 tasks is not deferred: send it in parts"));
  entry.id = "4+1";
  EXPECT_THAT(WhyNotAdopted(entry), HasSubstr("heterogeneous"));
}

}  // namespace
}  // namespace carbond
