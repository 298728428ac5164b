#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "daemon/clock.h"
#include "daemon/exec/factory.h"
#include "tests/daemon/scratch_folder.h"

namespace carbond {
namespace {

using testing::HasSubstr;

Status Open(const ScratchFolder& folder, const std::string& state_dir,
            const std::string& shared_dir) {
  Config config;
  config.state_dir = folder.path() + "/" + state_dir;
  config.shared_dir = folder.path() + "/" + shared_dir;
  config.runner = CARBON_RUNNER;
  config.regions.emplace_back().region.name = "here";
  std::filesystem::create_directories(config.state_dir);
  const SystemClock clock;
  return MakeExecutors(config, clock, [] {}).status();
}

TEST(Executors, ASharedDirectoryBelongsToOneLedger) {
  ScratchFolder folder;
  EXPECT_TRUE(Open(folder, "a", "shared").ok());
  EXPECT_THAT(Message(Open(folder, "b", "shared")),
              HasSubstr("belongs to the carbond whose state_dir is " +
                        folder.path() + "/a"));
  EXPECT_TRUE(Open(folder, "a", "shared").ok());
  EXPECT_TRUE(Open(folder, "b", "other").ok());
  EXPECT_TRUE(Open(folder, "b", "b").ok());
}

TEST(Executors, NeverRunsJobsOfAClusterAsRootByAccident) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs to be root";
  ScratchFolder folder;
  Config config;
  config.state_dir = config.shared_dir = folder.path();
  config.runner = CARBON_RUNNER;
  RegionConfig& region = config.regions.emplace_back();
  region.region.name = "eu";
  region.executor.type = "slurm";
  const SystemClock clock;
  EXPECT_THAT(Message(MakeExecutors(config, clock, [] {}).status()),
              HasSubstr("region `eu`: Slurm's jobs would run as root"));
  config.slurm.allow_root = true;
  EXPECT_TRUE(MakeExecutors(config, clock, [] {}).ok());
}

}  // namespace
}  // namespace carbond
