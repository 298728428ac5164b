// As whom jobs run, and who may do what.

#include "tests/daemon/config_world.h"

namespace carbond {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using ConfigUsers = ConfigTest;

std::string OnSlurm(const std::string& more) {
  std::string yaml = kGood;
  const std::string local = "executor: local";
  return yaml.replace(yaml.find(local), local.size(), "executor: {slurm: {}}") +
         more;
}

TEST_F(ConfigUsers, NobodyIsAskedUnlessItIsWritten) {
  const Config config = Good(kGood);
  EXPECT_FALSE(config.slurm.as_submitter);
  EXPECT_FALSE(config.users.authenticate);
}

TEST_F(ConfigUsers, WhoSubmitsHasToProveItWhereJobsRunAsHim) {
  const Config config = Good(OnSlurm("slurm: {run_as: submitter}\n"));
  EXPECT_TRUE(config.slurm.as_submitter);
  EXPECT_TRUE(config.users.authenticate);
  EXPECT_EQ(config.slurm.min_uid, 1000);
  EXPECT_THAT(Mistake(OnSlurm("slurm: {run_as: submitter}\n"
                              "users: {authenticate: none}\n")),
              HasSubstr("write munge"));
}

TEST_F(ConfigUsers, HasAdminsAndASocket) {
  const Config config =
      Good(std::string(kGood) +
           "users: {authenticate: munge, admins: [ana], munge_socket: m/s}\n");
  EXPECT_THAT(config.users.admins, ElementsAre("ana"));
  EXPECT_EQ(config.users.munge_socket, folder_.path() + "/m/s");
  EXPECT_THAT(Mistakes(std::string(kGood) +
                       "users: {admins: [ana], munge_socket: m/s}\n"),
              ElementsAre(HasSubstr("users.munge_socket: means something only"),
                          HasSubstr("users.admins: means something only")));
}

TEST_F(ConfigUsers, ALocalRegionBreaksThePromiseOfRunAs) {
  EXPECT_THAT(
      Mistake(std::string(kGood) + "slurm: {run_as: submitter}\n"),
      HasSubstr("regions.here: its jobs would run as carbond's own user"));
}

TEST_F(ConfigUsers, WordsThatMeanNothingAreMistakes) {
  EXPECT_THAT(Mistake(OnSlurm("slurm: {run_as: submiter}\n")),
              HasSubstr("did you mean `submitter`?"));
  EXPECT_THAT(Mistake(OnSlurm("slurm: {min_uid: 500}\n")),
              HasSubstr("only with run_as: submitter"));
  EXPECT_THAT(Mistake(OnSlurm("slurm: {run_as: submitter, min_uid: 0}\n")),
              HasSubstr("slurm.min_uid"));
}

}  // namespace
}  // namespace carbond
