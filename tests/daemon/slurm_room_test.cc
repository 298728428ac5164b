// What real sinfo, squeue and scontrol of Slurm 22.05 print, and what it
// leaves.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/exec/slurm/room.h"

namespace carbond {
namespace {

const Instant kNow = Instant::FromSeconds(1'795'308'000);
const std::string kPrefix = "carbond.4fddb564.";

std::string Line(const std::string& node, const std::string& state,
                 const std::string& cpus, const std::string& used) {
  return fmt::format("{:256}{:64}{:64}{:512}{:512}{:256}\n", node, state, cpus,
                     "gpu:2", used, "eu*");
}

std::vector<SlurmNode> Nodes(const std::string& text, SlurmPlace place = {}) {
  std::string partition;
  return ParseSinfo(text, place, &partition);
}

SlurmUse Use(const std::string& name, int gpus, int cpus,
             std::optional<Duration> left = {}) {
  SlurmUse use{name, {gpus, cpus}, {}};
  if (left) use.end = kNow + *left;
  return use;
}

TEST(SlurmRoom, ReadsWhatNodesHaveAndWhatIsUsed) {
  const auto nodes =
      Nodes(Line("eu1", "mixed", "2/2/0/4", "gpu:1(IDX:0)") +
            Line("eu2", "drained", "0/0/4/4", "gpu:0") +
            Line("eu3", "idle~", "0/4/0/4", "gpu:a100:2(IDX:0,1),shard:3"));
  ASSERT_EQ(nodes.size(), 3u);
  EXPECT_EQ(nodes[0].name, "eu1");
  EXPECT_TRUE(nodes[0].usable);
  EXPECT_EQ(nodes[0].has, (Resources{2, 4}));
  EXPECT_EQ(nodes[0].used, (Resources{1, 2}));
  EXPECT_FALSE(nodes[1].usable);
  EXPECT_TRUE(nodes[2].usable);
  EXPECT_EQ(nodes[2].used, (Resources{2, 0}));
}

TEST(SlurmRoom, KnowsThePartitionThatIsMeant) {
  const std::string text =
      Line("eu1", "idle", "0/4/0/4", "gpu:0") +
      fmt::format("{:256}{:64}{:64}{:512}{:512}{:256}\n", "big1", "idle",
                  "0/64/0/64", "(null)", "(null)", "big");
  std::string partition;
  EXPECT_EQ(ParseSinfo(text, {}, &partition).size(), 1u);
  EXPECT_EQ(partition, "eu");
  SlurmPlace big;
  big.partition = "big";
  const auto nodes = ParseSinfo(text, big, &partition);
  ASSERT_EQ(nodes.size(), 1u);
  EXPECT_EQ(nodes[0].has, (Resources{0, 64}));
  big.partition = "gone";
  EXPECT_TRUE(ParseSinfo(text, big, &partition).empty());
}

TEST(SlurmRoom, WhatDoesNotAnswerIsNotThere) {
  for (const char* state : {"idle*", "mixed@", "down", "draining", "unknown"}) {
    EXPECT_FALSE(Nodes(Line("eu1", state, "0/4/0/4", "gpu:0"))[0].usable)
        << state;
  }
}

TEST(SlurmRoom, ReadsWhoRunsAndUntilWhen) {
  const auto uses = ParseUse(
      "wrap\x1f"
      "2\x1fgres:gpu:1\x1f"
      "2\x1f"
      "1795310125\x1f"
      "7\n"
      "carbond.4fddb564.1.1\x1f"
      "1\x1fN/A\x1f"
      "1\x1fNONE\x1f"
      "8\n"
      "broken\n");
  ASSERT_EQ(uses.size(), 2u);
  EXPECT_EQ(uses[0].need, (Resources{2, 2}));
  EXPECT_EQ(uses[0].end, Instant::FromSeconds(1'795'310'125));
  EXPECT_EQ(uses[0].id, "7");
  EXPECT_EQ(uses[1].need, (Resources{0, 1}));
  EXPECT_EQ(uses[1].end, std::nullopt);
}

TEST(SlurmRoom, ReadsReservations) {
  const auto all = ParseReservations(
      "ReservationName=m StartTime=1795311925 EndTime=1795315525 "
      "Duration=01:00:00 Nodes=eu[1-2] NodeCnt=2 CoreCnt=8 Features=(null) "
      "PartitionName=(null) Flags=MAINT,SPEC_NODES TRES=cpu=8 Users=root\n"
      "No reservations in the system\n");
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].name, "m");
  EXPECT_EQ(all[0].nodes, "eu[1-2]");
  EXPECT_EQ(all[0].during.begin, Instant::FromSeconds(1'795'311'925));
  EXPECT_EQ(all[0].during.end, Instant::FromSeconds(1'795'315'525));
}

TEST(SlurmRoom, LeavesUsWhatOthersDoNotUseUntilTheyEnd) {
  SlurmCensus census;
  census.nodes = Nodes(Line("eu1", "allocated", "4/0/0/4", "gpu:2(IDX:0-1)") +
                       Line("eu2", "idle", "0/4/0/4", "gpu:0"));
  census.uses = {Use("theirs", 1, 3, hours(2)), Use(kPrefix + "7.1", 1, 1)};
  const Room room = MakeRoom(census, {}, kPrefix, kNow);
  EXPECT_EQ(room.total, (Resources{4, 8}));
  EXPECT_EQ(room.LeftAt(kNow), (Resources{3, 5}));  // ours among it
  EXPECT_EQ(room.LeftAt(kNow + hours(2) - Duration(1)), (Resources{3, 5}));
  EXPECT_EQ(room.LeftAt(kNow + hours(2) + minutes(15)), (Resources{4, 8}));
}

TEST(SlurmRoom, AJobOfOthersThatWasAdoptedIsCountedOnce) {
  SlurmCensus census;
  census.nodes = Nodes(Line("eu1", "mixed", "3/1/0/4", "gpu:1(IDX:0)"));
  census.uses = {Use("theirs", 1, 3, hours(2))};
  census.uses.front().id = "12";
  census.adopted = {"12"};
  EXPECT_EQ(MakeRoom(census, {}, kPrefix, kNow).LeftAt(kNow),
            (Resources{2, 4}));
}

TEST(SlurmRoom, WhatNobodyAccountsForIsTakenForAnHour) {
  SlurmCensus census;
  census.nodes = Nodes(Line("eu1", "mixed", "3/1/0/4", "gpu:1(IDX:0)"));
  census.uses = {Use("theirs", 0, 1)};  // no time limit
  const Room room = MakeRoom(census, {}, kPrefix, kNow);
  EXPECT_EQ(room.LeftAt(kNow), (Resources{1, 1}));
  EXPECT_EQ(room.LeftAt(kNow + minutes(76)), (Resources{2, 4}));
}

TEST(SlurmRoom, AJobBeyondItsTimeLimitIsStillThere) {
  SlurmCensus census;
  census.nodes = Nodes(Line("eu1", "allocated", "4/0/0/4", "gpu:0"));
  census.uses = {Use("theirs", 0, 4, -minutes(3))};
  const Room room = MakeRoom(census, {}, kPrefix, kNow);
  EXPECT_EQ(room.LeftAt(kNow + minutes(10)), (Resources{2, 0}));
}

TEST(SlurmRoom, NodesSetAsideAreNotOursMeanwhileUnlessWeAreMeant) {
  SlurmCensus census;
  census.nodes = Nodes(Line("eu1", "idle", "0/4/0/4", "gpu:0") +
                       Line("eu2", "maint", "0/4/0/4", "gpu:0"));
  census.reservations = {
      {"m", {kNow - hours(1), kNow + hours(1)}, "eu2", {"eu2"}}};
  const Room room = MakeRoom(census, {}, kPrefix, kNow);
  EXPECT_EQ(room.LeftAt(kNow), (Resources{2, 4}));
  EXPECT_EQ(room.LeftAt(kNow + hours(1)), (Resources{4, 8}));
  SlurmPlace place;
  place.options = {"--reservation=m"};
  EXPECT_EQ(MakeRoom(census, place, kPrefix, kNow).LeftAt(kNow),
            (Resources{4, 8}));
}

TEST(SlurmRoom, LooksTheSameAMinuteLater) {
  SlurmCensus census;
  census.nodes = Nodes(Line("eu1", "mixed", "3/1/0/4", "gpu:1(IDX:0)"));
  census.uses = {Use("a", 0, 1), Use("b", 0, 1, hours(3))};
  EXPECT_EQ(MakeRoom(census, {}, kPrefix, kNow),
            MakeRoom(census, {}, kPrefix, kNow + minutes(1)));
}

// What carbond's own jobs have stays theirs: they run on behind it.
TEST(SlurmRoom, AClusterThatDoesNotAnswerIsFull) {
  SlurmCensus census;
  census.nodes = {{"n1", true, {4, 16}, {1, 6}}};
  census.uses = {{"carbond.x.1.1", {1, 2}, {}}, {"other", {0, 4}, {}}};
  const Instant now = Instant::FromSeconds(1000);
  const Room room = MakeRoom(census, {}, "carbond.x.", now);
  const Resources own = OwnUse(census, "carbond.x.");
  EXPECT_EQ(own, (Resources{1, 2}));
  const Room closed = Closed(room, own, now + minutes(3));
  EXPECT_EQ(closed.total, (Resources{4, 16}));
  EXPECT_EQ(closed.LeftAt(now), own);
  EXPECT_EQ(closed.LeftAt(now + minutes(3)), (Resources{4, 16}));
}

}  // namespace
}  // namespace carbond
