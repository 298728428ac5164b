// When a receiver is tried again, and when it is given up.
#include "daemon/notify/outbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace carbond {
namespace {

using testing::ElementsAre;
using What = Attempt::What;
using Fate = Outbox::Fate;

Notice Of(int job) { return {JobId{job}, 3, NoticeKind::kStarted}; }

TEST(Outbox, GivesWhatCameFirst) {
  Outbox outbox(hours(1), 1);
  EXPECT_EQ(outbox.Next(seconds(0)), std::nullopt);
  EXPECT_EQ(outbox.NextDue(), std::nullopt);
  outbox.Add(Of(2), seconds(1));
  outbox.Add(Of(1), seconds(2));
  outbox.Add(Of(2), seconds(3));  // is there
  EXPECT_EQ(outbox.size(), 2u);
  EXPECT_EQ(outbox.Next(seconds(3)), Of(2));
  EXPECT_EQ(outbox.Tell(Of(2), {What::kTaken}, seconds(3)), Fate::kTaken);
  EXPECT_EQ(outbox.Next(seconds(3)), Of(1));
}

TEST(Outbox, LeavesAReceiverInTroubleAloneForLongerAndLonger) {
  Outbox outbox(hours(10), 1);
  outbox.Add(Of(1), seconds(0));
  outbox.Add(Of(2), seconds(0));
  Duration now = seconds(0);
  Duration whole = Outbox::kFirstRest;
  for (int i = 0; i < 12; ++i) {
    EXPECT_EQ(outbox.Tell(Of(1), {What::kTrouble, "down"}, now), Fate::kAgain);
    EXPECT_EQ(outbox.Next(now), std::nullopt) << "nor any other";
    const Duration rest = *outbox.NextDue() - now;
    EXPECT_GE(rest, whole / 2);
    EXPECT_LE(rest, whole);
    now += rest;
    EXPECT_EQ(outbox.Next(now), Of(1));
    whole = std::min<Duration>(2 * whole, Outbox::kLongestRest);
  }
  outbox.Tell(Of(1), {What::kTaken}, now);
  outbox.Tell(Of(2), {What::kTrouble}, now);
  EXPECT_LE(*outbox.NextDue() - now, Outbox::kFirstRest) << "begins anew";
}

TEST(Outbox, PassesOverTheOneThatIsRefused) {
  Outbox outbox(hours(1), 1);
  outbox.Add(Of(1), seconds(0));
  outbox.Add(Of(2), seconds(0));
  EXPECT_EQ(outbox.Tell(Of(1), {What::kRefused}, seconds(0)), Fate::kAgain);
  EXPECT_EQ(outbox.Next(seconds(0)), Of(2));
  outbox.Tell(Of(2), {What::kTaken}, seconds(0));
  EXPECT_EQ(outbox.Next(seconds(0)), std::nullopt);
  EXPECT_EQ(outbox.Next(*outbox.NextDue()), Of(1));
}

TEST(Outbox, RestsForAsLongAsItIsAskedTo) {
  Outbox outbox(hours(1), 1);
  outbox.Add(Of(1), seconds(0));
  outbox.Tell(Of(1), {What::kTrouble, "", minutes(20)}, seconds(0));
  EXPECT_EQ(*outbox.NextDue(), minutes(20));
}

TEST(Outbox, GivesUpAfterItsTimeButTriesOnceInAnyCase) {
  Outbox outbox(minutes(1), 1);
  outbox.Add(Of(1), hours(5), hours(3));  // from before a restart
  EXPECT_EQ(outbox.Next(hours(5)), Of(1));
  EXPECT_EQ(outbox.Tell(Of(1), {What::kRefused}, hours(5)), Fate::kGivenUp);
  outbox.Add(Of(2), hours(5));
  outbox.Add(Of(3), hours(5) + seconds(30));
  const Duration now = hours(5) + minutes(1);
  outbox.Tell(Of(2), {What::kTrouble}, now);
  EXPECT_THAT(outbox.Expire(now), ElementsAre(Of(2)));
  EXPECT_EQ(outbox.size(), 1u);
}

TEST(Outbox, IsBounded) {
  Outbox outbox(hours(1), 1);
  const int most = static_cast<int>(Outbox::kMostOwed);
  for (int i = 0; i < most; ++i) {
    ASSERT_EQ(outbox.Add(Of(i), seconds(0)), std::nullopt);
  }
  EXPECT_EQ(outbox.Add(Of(most), seconds(0)), Of(0));
  EXPECT_EQ(outbox.size(), Outbox::kMostOwed);
  EXPECT_EQ(outbox.Tell(Of(0), {What::kRefused}, seconds(0)), Fate::kGivenUp);
  EXPECT_EQ(outbox.Clear().size(), Outbox::kMostOwed);
}

TEST(Outbox, KeepsWhatWasNotTriedToItsEnd) {
  Outbox outbox(Duration(0), 1);
  outbox.Add(Of(1), seconds(0));
  EXPECT_EQ(outbox.Tell(Of(1), {What::kAborted}, seconds(9)), Fate::kAgain);
  EXPECT_EQ(outbox.size(), 1u);
}

}  // namespace
}  // namespace carbond
