#include "daemon/ledger_clock.h"

#include <gtest/gtest.h>

#include "tests/daemon/scratch_folder.h"

namespace carbond {
namespace {

const Instant kNoon = *ParseInstant("2026-03-01T12:00:00Z");

class ClockedLedger {
 public:
  Result<LedgerClock> Open(double speed, Instant real_now,
                           std::optional<Duration> start = std::nullopt) {
    auto ledger = SqliteLedger::Open(scratch_.path() + "/ledger.db");
    EXPECT_TRUE(ledger.ok()) << ledger.status();
    return OpenLedgerClock(**ledger, {.speed = speed, .start = start},
                           real_now);
  }

 private:
  ScratchFolder scratch_;
};

TEST(LedgerClock, IsTheMachinesAtSpeedOne) {
  ClockedLedger ledger;
  auto first = ledger.Open(1, kNoon);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->clock.FromReal(kNoon + hours(5)), kNoon + hours(5));
  EXPECT_EQ(first->began_at, kNoon);
  auto again = ledger.Open(1, kNoon + hours(24));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->began_at, kNoon);
}

TEST(LedgerClock, GoesOnAfterARestartAsIfItHadNeverStopped) {
  ClockedLedger ledger;
  auto first = ledger.Open(60, kNoon);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->clock.FromReal(kNoon + minutes(1)), kNoon + hours(1));
  auto again = ledger.Open(60, kNoon + minutes(10));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->clock.FromReal(kNoon + minutes(10)), kNoon + hours(10));
  EXPECT_EQ(again->began_at, kNoon);
}

TEST(LedgerClock, BeginsAtTheHourThatIsAskedFor) {
  ClockedLedger ledger;
  auto clock = ledger.Open(60, kNoon, hours(18) + minutes(30));
  ASSERT_TRUE(clock.ok()) << clock.status();
  EXPECT_EQ(FormatInstant(clock->clock.FromReal(kNoon)),
            "2026-03-01T18:30:00Z");
  // Only once: later the ledger's clock goes on.
  auto again = ledger.Open(60, kNoon + minutes(1), hours(3));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(FormatInstant(again->clock.FromReal(kNoon + minutes(1))),
            "2026-03-01T19:30:00Z");
}

TEST(LedgerClock, TakesAnotherSpeedWithoutALeap) {
  ClockedLedger ledger;
  ASSERT_TRUE(ledger.Open(60, kNoon).ok());
  auto faster = ledger.Open(600, kNoon + minutes(1));
  ASSERT_TRUE(faster.ok()) << faster.status();
  EXPECT_EQ(faster->clock.FromReal(kNoon + minutes(1)), kNoon + hours(1));
  EXPECT_EQ(faster->clock.FromReal(kNoon + minutes(2)), kNoon + hours(11));
}

TEST(LedgerClock, MixesNoRealTimeWithADemonstrations) {
  ClockedLedger real;
  ASSERT_TRUE(real.Open(1, kNoon).ok());
  EXPECT_EQ(Message(real.Open(60, kNoon).status()),
            "the ledger was begun with clock speed 1, the configuration says "
            "60: their instants would not compare; give another state_dir, or "
            "go back to clock: {speed: 1}");
  ClockedLedger demonstration;
  ASSERT_TRUE(demonstration.Open(60, kNoon).ok());
  EXPECT_EQ(demonstration.Open(1, kNoon).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace carbond
