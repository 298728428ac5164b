#include "storage/backup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "storage/verify.h"
#include "tests/storage/ledger_world.h"

namespace carbond {
namespace {

using testing::HasSubstr;

class BackupTest : public testing::Test {
 protected:
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry :
         std::filesystem::directory_iterator(folder_.path())) {
      const std::string name = entry.path().filename();
      // SQLite's own, of a ledger that is open.
      if (!name.ends_with("-wal") && !name.ends_with("-shm")) {
        names.push_back(name);
      }
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  LedgerFolder folder_;
  const std::string path_ = folder_ / "ledger.db";
  const std::string target_ = folder_ / "copy.db";
};

TEST_F(BackupTest, IsALedgerThatCanTakeThePlaceOfTheFirst) {
  auto ledger = OpenLedger(path_);
  Lives lives(*ledger);
  const JobId id = WholeLife(lives);
  const Status status = BackupLedger(path_, target_);
  ASSERT_TRUE(status.ok()) << status;
  ledger.reset();
  EXPECT_EQ(Names(), (std::vector<std::string>{"copy.db", "ledger.db"}));
  const auto copy = OpenLedger(target_);
  const auto recovered = copy->Recover(Instant());
  ASSERT_TRUE(recovered.ok()) << recovered.status();
  EXPECT_EQ(Describe(recovered->unsettled.at(0)), Describe(lives.job(id)));
}

TEST_F(BackupTest, IsConsistentWhileTheDaemonWrites) {
  const auto ledger = OpenLedger(path_);
  std::atomic<bool> copying = true;
  std::thread daemon([&] {
    Lives lives(*ledger);
    do {
      WholeLife(lives);
    } while (copying);
  });
  for (int i = 0; i < 5; ++i) {
    const std::string target = folder_ / fmt::format("{}.db", i);
    const Status status = BackupLedger(path_, target);
    EXPECT_TRUE(status.ok()) << status;
    const auto verified = VerifyLedger(target);
    EXPECT_TRUE(verified.ok()) << verified.status();
  }
  copying = false;
  daemon.join();
  EXPECT_TRUE(VerifyLedger(path_).ok());
}

TEST_F(BackupTest, NeverReplacesAFile) {
  OpenLedger(path_).reset();
  std::ofstream(target_) << "precious";
  const Status status = BackupLedger(path_, target_);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Message(status),
            target_ + " exists already: name a file that does not");
  std::ifstream in(target_);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "precious");
}

TEST_F(BackupTest, MayBeReadByThoseWhoMayReadTheLedger) {
  OpenLedger(path_).reset();
  ::chmod(path_.c_str(), 0600);
  ASSERT_TRUE(BackupLedger(path_, target_).ok());
  struct stat copy = {};
  ASSERT_EQ(::stat(target_.c_str(), &copy), 0);
  EXPECT_EQ(copy.st_mode & 0777, 0600u);
}

TEST_F(BackupTest, SaysWhatIsNotThere) {
  EXPECT_THAT(Message(BackupLedger(path_, target_)),
              HasSubstr("ledger " + path_ + " does not exist"));
  OpenLedger(path_).reset();
  const std::string nowhere = folder_ / "no/copy.db";
  EXPECT_THAT(Message(BackupLedger(path_, nowhere)),
              HasSubstr("No such file or directory"));
  EXPECT_EQ(Names(), std::vector<std::string>{"ledger.db"});
}

TEST_F(BackupTest, LeavesNothingBehindWhenTheLedgerIsDamaged) {
  {
    const auto ledger = OpenLedger(path_);
    Lives lives(*ledger);
    for (int i = 0; i < 20; ++i) WholeLife(lives);
  }
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096 * 2);
  file << std::string(4096 * 20, 'x');
  file.close();
  const Status status = BackupLedger(path_, target_);
  EXPECT_THAT(Message(status), HasSubstr("malformed"));
  EXPECT_EQ(Names(), std::vector<std::string>{"ledger.db"});
}

}  // namespace
}  // namespace carbond
