#include "daemon/lock.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <optional>

#include "tests/daemon/scratch_folder.h"

namespace carbond {
namespace {

TEST(StateLock, MakesTheDirectory) {
  ScratchFolder scratch;
  std::string dir = scratch.path() + "/var/carbond";
  auto lock = StateLock::Take(dir);
  ASSERT_TRUE(lock.ok()) << lock.status();
  struct stat seen {};
  ASSERT_EQ(stat(dir.c_str(), &seen), 0);
  EXPECT_EQ(seen.st_mode & 0777, 0750u);
}

TEST(StateLock, IsRefusedToASecondDaemonByName) {
  ScratchFolder scratch;
  auto first = StateLock::Take(scratch.path());
  ASSERT_TRUE(first.ok()) << first.status();
  auto second = StateLock::Take(scratch.path());
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(Message(second.status()),
            fmt::format("state directory {} is in use by carbond (pid {}); "
                        "stop it, or give this one another state_dir",
                        scratch.path(), getpid()));
}

TEST(StateLock, IsFreeAgainWhenTheFirstIsGone) {
  ScratchFolder scratch;
  {
    auto first = StateLock::Take(scratch.path());
    ASSERT_TRUE(first.ok()) << first.status();
    StateLock moved = *std::move(first);
    EXPECT_FALSE(StateLock::Take(scratch.path()).ok());
  }
  EXPECT_TRUE(StateLock::Take(scratch.path()).ok());
}

TEST(StateLock, SaysWhatStandsInItsWay) {
  ScratchFolder scratch;
  std::string file = scratch.Write("file", "");
  auto lock = StateLock::Take(file);
  ASSERT_FALSE(lock.ok());
  EXPECT_NE(Message(lock.status()).find("no directory"), std::string::npos)
      << lock.status();
  auto below = StateLock::Take(file + "/state");
  ASSERT_FALSE(below.ok());
  EXPECT_NE(Message(below.status()).find("cannot make the directory"),
            std::string::npos)
      << below.status();
}

}  // namespace
}  // namespace carbond
