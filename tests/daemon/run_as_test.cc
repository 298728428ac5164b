// Commands and files in another user's name. What only root may is tried where
// the tests run as root.

#include "daemon/exec/slurm/run_as.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <future>
#include <thread>

#include "daemon/exec/descriptor.h"
#include "daemon/exec/files_as.h"
#include "daemon/exec/handed_folder.h"
#include "tests/daemon/scratch_folder.h"

namespace carbond {
namespace {

using ::testing::HasSubstr;

constexpr uid_t kNobody = 65534;
const Environment kEnvironment = {{"PATH", "/usr/bin:/bin"}};

bool IsRoot() { return ::geteuid() == 0; }

JobSpec SubmittedBy(std::optional<int64_t> uid) {
  JobSpec spec;
  spec.user = "ana";
  spec.uid = uid;
  return spec;
}

// ---- Who may ----------------------------------------------------------------

TEST(RunAs, TakesWhoeverHasProvenWhoHeIs) {
  EXPECT_TRUE(CheckSubmitter(SubmittedBy(1000), {}).ok());
  const Status claimed = CheckSubmitter(SubmittedBy({}), {});
  EXPECT_TRUE(absl::IsPermissionDenied(claimed)) << claimed;
  EXPECT_THAT(Message(claimed), HasSubstr("nobody has proven"));
}

TEST(RunAs, IsNeverRootByAccident) {
  EXPECT_THAT(Message(CheckSubmitter(SubmittedBy(0), {})),
              HasSubstr("would run as root"));
  EXPECT_THAT(Message(CheckSubmitter(SubmittedBy(0), {.min_uid = 0})),
              HasSubstr("would run as root"));
  EXPECT_TRUE(CheckSubmitter(SubmittedBy(0), {.allow_root = true}).ok());
  EXPECT_FALSE(CheckSubmitter(SubmittedBy(999), {.allow_root = true}).ok());
}

TEST(RunAs, TakesUsersOfTheSystemOnlyIfItIsWritten) {
  EXPECT_THAT(Message(CheckSubmitter(SubmittedBy(999), {})),
              HasSubstr("min_uid: 999"));
  EXPECT_TRUE(CheckSubmitter(SubmittedBy(999), {.min_uid = 999}).ok());
}

TEST(RunAs, NamesTheCapabilitiesThatAreMissing) {
  EXPECT_TRUE(CheckCapabilities("Name:\tx\nCapEff:\t000001ffffffffff\n").ok());
  // CAP_CHOWN 0, CAP_KILL 5, CAP_SETGID 6, CAP_SETUID 7: capability.h
  EXPECT_TRUE(CheckCapabilities("CapEff:\t00000000000000e1\n").ok());
  EXPECT_THAT(Message(CheckCapabilities("CapEff:\t0000000000000061\n")),
              HasSubstr("it lacks CAP_SETUID:"));
  for (const char* none : {"CapEff:\t0000000000000000\n", "CapEff:", ""}) {
    EXPECT_THAT(Message(CheckCapabilities(none)),
                HasSubstr("CAP_CHOWN, CAP_KILL, CAP_SETGID, CAP_SETUID"));
  }
}

// ---- Commands ---------------------------------------------------------------

TEST(RunAs, GivesACommandItsUsersPlaceInTheWorld) {
  const UnixUser ana{"ana", 1000, 100, "/home/ana", "/bin/zsh"};
  const Environment env = EnvironmentOf(
      ana, {{"PATH", "/bin"}, {"HOME", "/root"}, {"USER", "root"}});
  EXPECT_EQ(env, (Environment{{"PATH", "/bin"},
                              {"HOME", "/home/ana"},
                              {"USER", "ana"},
                              {"LOGNAME", "ana"},
                              {"SHELL", "/bin/zsh"},
                              {"SLURM_UMASK", "0022"}}));
}

TEST(RunAs, ACommandHasNothingOfRootsLeft) {
  if (!IsRoot()) GTEST_SKIP() << "only root becomes somebody else";
  const auto user = FindUser(kNobody);
  ASSERT_TRUE(user.ok()) << user.status();
  const auto end = RunProgramAs(
      *user,
      {"sh",
       {"-c",
        "id -u; id -g; id -G; echo $USER; grep -E 'Cap(Inh|Prm|Eff|Amb)' "
        "/proc/self/status | grep -cv 0000000000000000; pwd"},
       kEnvironment,
       minutes(1)});
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(end->out, fmt::format("{0}\n{1}\n{1}\n{2}\n0\n/\n", user->uid,
                                  user->gid, user->name))
      << end->err;
}

TEST(RunAs, ACommandThatIsNotThereIsNoRefusalOfSlurms) {
  const auto end =
      RunProgramAs({"ana", 1000, 1000, "/", "/bin/sh"},
                   {"no-such-sbatch", {}, kEnvironment, minutes(1)});
  EXPECT_TRUE(absl::IsNotFound(end.status())) << end.status();
}

TEST(UnixUser, SaysThatThereIsNone) {
  const auto user = FindUser(4'000'000'000U);
  EXPECT_TRUE(absl::IsNotFound(user.status())) << user.status();
  EXPECT_THAT(Message(user.status()), HasSubstr("getent passwd 4000000000"));
}

// ---- Files ------------------------------------------------------------------

TEST(FilesAs, AreThoseThatTheUserCanTouchAndOnlyOnThisThread) {
  if (!IsRoot()) GTEST_SKIP() << "only root becomes somebody else";
  const ScratchFolder folder;
  ::chmod(folder.path().c_str(), 0777);
  const std::string secret = folder.Write("secret", "x");
  ::chmod(secret.c_str(), 0600);
  std::promise<void> changed;
  std::thread other([&] {
    changed.get_future().wait();
    EXPECT_TRUE(ReadSmallFile(secret).value);
  });
  {
    const auto files = FilesAs::Of(kNobody, kNobody);
    EXPECT_TRUE(files.ok()) << files.status();
    EXPECT_EQ(ReadSmallFile(secret).error, EACCES);
    folder.Write("his", "x");
    changed.set_value();
    other.join();
  }
  EXPECT_TRUE(ReadSmallFile(secret).value);
  struct stat info = {};
  ASSERT_EQ(::stat((folder.path() + "/his").c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, kNobody);
  EXPECT_EQ(info.st_gid, kNobody);
}

TEST(ReadPlainFile, SeesNothingInWhatIsNoFile) {
  const ScratchFolder folder;
  const std::string target = folder.Write("target", "secret");
  const std::string link = folder.path() + "/link";
  const std::string pipe = folder.path() + "/pipe";
  ASSERT_EQ(::symlink(target.c_str(), link.c_str()), 0);
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  for (const std::string& path : {link, pipe, folder.path(), target + "s"}) {
    const auto read = ReadPlainFile(path);
    EXPECT_FALSE(read.value) << path;
    EXPECT_EQ(read.error, 0) << path;
  }
  EXPECT_EQ(ReadPlainFile(target).value, "secret");
  EXPECT_EQ(ReadPlainFile(target, 3).value, "sec");
  EXPECT_EQ(ReadPlainFile(target + "/below").error, ENOTDIR);
}

TEST(HandFolder, GivesItToTheUserWhoAloneCanEnterIt) {
  if (!IsRoot()) GTEST_SKIP() << "only root gives folders away";
  const ScratchFolder folder;
  const std::string his = folder.path() + "/his";
  for (int twice = 0; twice < 2; ++twice) {
    const Status handed = HandFolder(his, kNobody, kNobody);
    ASSERT_TRUE(handed.ok()) << handed;
    struct stat info = {};
    ASSERT_EQ(::stat(his.c_str(), &info), 0);
    EXPECT_EQ(info.st_uid, kNobody);
    EXPECT_EQ(info.st_mode & 07777, 0700u);
  }
  EXPECT_THAT(Message(HandFolder(his, 33, 33)),
              HasSubstr("belongs to uid 65534, and is needed for uid 33"));
}

TEST(HandFolder, FollowsNoLink) {
  const ScratchFolder folder;
  const std::string link = folder.path() + "/link";
  ASSERT_EQ(::symlink("/", link.c_str()), 0);
  EXPECT_FALSE(HandFolder(link, ::geteuid(), ::getegid()).ok());
}

TEST(CheckPathIsOurs, NamesTheFolderThatOthersCouldReplace) {
  const ScratchFolder folder;
  const std::string open = folder.path() + "/open";
  const std::string shared = open + "/shared";
  ASSERT_EQ(::mkdir(open.c_str(), 0755), 0);
  ASSERT_EQ(::mkdir(shared.c_str(), 0755), 0);
  ::chmod(folder.path().c_str(), 0755);
  EXPECT_TRUE(CheckPathIsOurs(shared).ok()) << CheckPathIsOurs(shared);
  ::chmod(open.c_str(), 0775);
  EXPECT_THAT(Message(CheckPathIsOurs(shared)),
              HasSubstr(open + " can be written by other users"));
  ::chmod(open.c_str(), 01777);  // as /tmp
  EXPECT_TRUE(CheckPathIsOurs(shared).ok());
  ::chmod(open.c_str(), 0700);
  EXPECT_THAT(Message(CheckPathIsOurs(shared)), HasSubstr("chmod o+x"));
  if (!IsRoot()) return;
  ::chmod(open.c_str(), 0755);
  ASSERT_EQ(::chown(open.c_str(), kNobody, kNobody), 0);
  EXPECT_THAT(Message(CheckPathIsOurs(shared)),
              HasSubstr(open + " belongs to uid 65534"));
}

}  // namespace
}  // namespace carbond
