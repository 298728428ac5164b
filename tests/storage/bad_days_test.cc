// The ledger on a disk that fills up, fails, or loses power, and in a process
// that is killed: what was acknowledged is there, whole, and nothing else.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <functional>

#include "storage/ledger_reader.h"
#include "storage/verify.h"
#include "tests/storage/failing_disk.h"
#include "tests/storage/ledger_world.h"

namespace carbond {
namespace {

using testing::HasSubstr;

constexpr int kBatch = 5;

// One batch: jobs, one of them started, and a forecast.
void GatherBatch(Lives& lives, int64_t minute) {
  for (int i = 0; i < kBatch; ++i) lives.Submit(FullSpec(), minute);
  const JobId last = lives.Submit(SmallSpec(), minute);
  lives.Start(last, minute);
  lives.Meter(last, minute, minute + 1, 2);
  lives.batch().forecasts.push_back({"Z", "wt", "s", At(minute), At(minute),
                                     SeriesOf(0, minutes(5), {1, 2, 3})});
}
constexpr int64_t kJobsOfABatch = kBatch + 1;

// Opens what is left, proves it, and says how many batches are in it.
int64_t WholeBatchesIn(const std::string& path) {
  const auto ledger = OpenLedger(path);
  if (ledger == nullptr) return -1;
  const auto recovered = ledger->Recover(Instant());
  EXPECT_TRUE(recovered.ok()) << recovered.status();
  const auto jobs = static_cast<int64_t>(recovered->live.size());
  EXPECT_EQ(jobs % kJobsOfABatch, 0);
  EXPECT_EQ(Number(recovered->next_job), jobs + 1);
  const auto verified = VerifyLedger(path);
  EXPECT_TRUE(verified.ok()) << verified.status();
  EXPECT_EQ(verified.ok() ? verified->readings : -1, jobs / kJobsOfABatch);
  return jobs / kJobsOfABatch;
}

TEST(FullDisk, LeavesNothingOfABatchAtWhicheverWriteItStrikes) {
  FailingDisk disk;
  LedgerFolder folder;
  const std::string path = folder / "ledger.db";
  const auto ledger = OpenLedger(path);
  Lives lives(*ledger);
  GatherBatch(lives, 0);
  lives.Commit();
  int strikes = 0;
  for (int n = 0;; ++n) {
    SCOPED_TRACE(n);
    Lives next = lives;
    GatherBatch(next, 1);
    disk.FailWritesFrom(n, SQLITE_FULL);
    const Status status = next.TryCommit();
    disk.Mend();
    if (status.ok()) break;
    ++strikes;
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(Message(status),
              "cannot write ledger " + path +
                  ": database or disk is full; free space on its disk and "
                  "start carbond again");
    const auto recovered = ledger->Recover(Instant());
    ASSERT_TRUE(recovered.ok()) << recovered.status();
    EXPECT_EQ(static_cast<int64_t>(recovered->live.size()), kJobsOfABatch);
    EXPECT_TRUE(VerifyLedger(path).ok());
  }
  EXPECT_GT(strikes, 5);
  EXPECT_EQ(WholeBatchesIn(path), 2);
}

TEST(FullDisk, LeavesNothingWhenASyncFails) {
  FailingDisk disk;
  LedgerFolder folder;
  const std::string path = folder / "ledger.db";
  auto ledger = OpenLedger(path);
  Lives lives(*ledger);
  GatherBatch(lives, 0);
  lives.Commit();
  GatherBatch(lives, 1);
  disk.FailSyncs(SQLITE_IOERR_FSYNC);
  const Status status = lives.TryCommit();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(Message(status),
              HasSubstr("disk I/O error (Input/output error)"));
  EXPECT_THAT(Message(status), HasSubstr("mend its disk"));
  disk.Mend();
  EXPECT_EQ(WholeBatchesIn(path), 1);
  ledger.reset();
  EXPECT_EQ(WholeBatchesIn(path), 1);
}

TEST(FullDisk, CannotMakeALedgerAndSaysWhy) {
  FailingDisk disk;
  LedgerFolder folder;
  const std::string path = folder / "ledger.db";
  for (int n = 0;; ++n) {
    disk.FailWritesFrom(n, SQLITE_FULL);
    const auto ledger = SqliteLedger::Open(path);
    disk.Mend();
    if (ledger.ok()) break;
    EXPECT_THAT(Message(ledger.status()), HasSubstr("disk is full"));
  }
  EXPECT_EQ(WholeBatchesIn(path), 0);
}

TEST(PowerCut, LosesNothingThatWasAcknowledged) {
  for (uint64_t seed = 0; seed < 3; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 chance(seed);
    LedgerFolder folder;
    const std::string path = folder / "ledger.db";
    FailingDisk disk;
    const auto ledger = OpenLedger(path);
    Lives lives(*ledger);
    int64_t acknowledged = 0;
    for (; acknowledged < 40; ++acknowledged) {
      GatherBatch(lives, acknowledged);
      LedgerFolder after;
      if (acknowledged % 6 == 0) {
        disk.CutPowerAtWrite(static_cast<int>(chance() % 20), after.path(),
                             chance);
      }
      lives.Commit();
      if (acknowledged % 6 == 0 && disk.cut()) {
        const int64_t there = WholeBatchesIn(after / "ledger.db");
        EXPECT_GE(there, acknowledged);
        EXPECT_LE(there, acknowledged + 1);
      }
      if (acknowledged % 6 == 3) {
        disk.CutPower(after.path(), chance);
        EXPECT_EQ(WholeBatchesIn(after / "ledger.db"), acknowledged + 1);
      }
    }
  }
}

// ---- A process of its own
// -----------------------------------------------------

// Runs `body` in a child; what it returns is handed back.
std::string InChild(const std::function<std::string()>& body) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const std::string said = body();
    const bool told = ::write(ends[1], said.data(), said.size()) ==
                      static_cast<ssize_t>(said.size());
    ::_exit(told ? 0 : 1);
  }
  ::close(ends[1]);
  std::string said;
  char buffer[4096];
  for (ssize_t n; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
    said.append(buffer, static_cast<size_t>(n));
  }
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  return said;
}

// Root may write anywhere, so the child becomes somebody who may not.
void BecomeNobody() {
  if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(2);
}

TEST(KilledProcess, LosesNothingThatWasAcknowledged) {
  LedgerFolder folder;
  const std::string path = folder / "ledger.db";
  OpenLedger(path).reset();
  std::mt19937_64 chance(1);
  int64_t before = 0;
  for (int kill = 0; kill < 8; ++kill) {
    SCOPED_TRACE(kill);
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      auto ledger = SqliteLedger::Open(path);
      if (!ledger.ok()) ::_exit(1);
      Lives lives(**ledger);
      lives.SetNext(before * kJobsOfABatch + 1);
      for (;;) {
        GatherBatch(lives, 1);
        if (!lives.TryCommit().ok()) ::_exit(2);
        if (::write(ends[1], ".", 1) != 1) ::_exit(3);
      }
    }
    ::close(ends[1]);
    int64_t acknowledged = 0;
    char dot = 0;
    for (uint64_t wait = 1 + chance() % 25; wait > 0; --wait) {
      ASSERT_EQ(::read(ends[0], &dot, 1), 1);
      ++acknowledged;
    }
    ::kill(child, SIGKILL);
    while (::read(ends[0], &dot, 1) == 1) ++acknowledged;
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    const int64_t after = WholeBatchesIn(path);
    EXPECT_GE(after, before + acknowledged);
    EXPECT_LE(after, before + acknowledged + 1);
    before = after;
  }
}

TEST(LimitedFile, SaysWhatTheSystemRefused) {
  LedgerFolder folder;
  const std::string path = folder / "ledger.db";
  const std::string said = InChild([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    auto ledger = SqliteLedger::Open(path);
    if (!ledger.ok()) return Message(ledger.status());
    const rlimit limit = {1 << 20, 1 << 20};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    Lives lives(**ledger);
    for (int i = 0; i < 10000; ++i) {
      GatherBatch(lives, i);
      const Status status = lives.TryCommit();
      if (!status.ok()) return Message(status);
    }
    return std::string("never full");
  });
  EXPECT_EQ(said, "cannot write ledger " + path +
                      ": disk I/O error (File too large); mend its disk and "
                      "start carbond again");
  EXPECT_GT(WholeBatchesIn(path), 10);
}

TEST(ReadOnlyFolder, IsNamedWithWhatMendsIt) {
  LedgerFolder folder;
  ::chmod(folder.path().c_str(), 0555);
  const std::string path = folder / "ledger.db";
  EXPECT_EQ(InChild([&] {
              BecomeNobody();
              return Message(SqliteLedger::Open(path).status());
            }),
            "cannot open ledger " + path +
                ": unable to open database file; see that its folder exists "
                "and that carbond's user may write there");
  ::chmod(folder.path().c_str(), 0755);
}

TEST(ReadOnlyFolder, IsNamedWhereALedgerIsThereAlready) {
  LedgerFolder folder;
  const std::string path = folder / "ledger.db";
  OpenLedger(path).reset();
  ::chmod(path.c_str(), 0444);
  ::chmod(folder.path().c_str(), 0555);
  EXPECT_EQ(InChild([&] {
              BecomeNobody();
              return Message(SqliteLedger::Open(path).status());
            }),
            "cannot write ledger " + path +
                ": it is read-only; let carbond's user write to it and to its "
                "folder");
  ::chmod(folder.path().c_str(), 0755);
}

}  // namespace
}  // namespace carbond
