#include "daemon/exec/process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>

namespace carbond {
namespace {

constexpr char kRest[] =
    " S 1 42 42 0 -1 4194560 120 0 0 0 3 1 0 0 20 0 1 0 987654 10000 200 1844";

// A child that ends when the test says so.
class Child {
 public:
  explicit Child(std::vector<const char*> arguments) {
    arguments.push_back(nullptr);
    EXPECT_EQ(
        ::posix_spawn(&pid_, arguments[0], nullptr, nullptr,
                      const_cast<char* const*>(arguments.data()), ::environ),
        0);
  }
  ~Child() {
    if (!reaped_) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  pid_t pid() const { return pid_; }
  // Ended, but not waited for.
  void AwaitZombie() const {
    siginfo_t info;
    EXPECT_EQ(
        ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT), 0);
  }
  int Reap() {
    int status = 0;
    EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
    reaped_ = true;
    return status;
  }

 private:
  pid_t pid_ = 0;
  bool reaped_ = false;
};

TEST(Process, ReadsNamesWithSpacesAndParentheses) {
  for (const char* name : {"(sh)", "(a b)", "(a) S 1 (b)", "())", "((x)"}) {
    const auto stat = ParseStat(std::string("7 ") + name + kRest);
    ASSERT_TRUE(stat.has_value()) << name;
    EXPECT_EQ(stat->who, (ProcessIdentity{7, 987654}));
    EXPECT_EQ(stat->state, 'S');
    EXPECT_EQ(stat->parent, 1);
    EXPECT_EQ(stat->group, 42);
  }
}

TEST(Process, RefusesALineThatIsNotWhole) {
  const std::string whole = std::string("7 (sh)") + kRest;
  for (const std::string& line :
       {std::string(), std::string("7"), std::string("7 (sh) S 1 42"),
        std::string("x (sh)") + kRest, whole.substr(0, 40)}) {
    EXPECT_FALSE(ParseStat(line).has_value()) << line;
  }
}

TEST(Process, KnowsItselfAndWhoIsNotThere) {
  const auto self = ReadStat(::getpid());
  ASSERT_TRUE(self.value.has_value());
  EXPECT_EQ(self.value->parent, ::getppid());
  EXPECT_TRUE(FindAlive(self.value->who).value.has_value());
  const auto nobody = ReadStat(1 << 30);
  EXPECT_FALSE(nobody.value.has_value());
  EXPECT_EQ(nobody.error, 0);
}

TEST(Process, TellsAZombieFromTheLiving) {
  Child child({"/bin/true"});
  child.AwaitZombie();
  const auto stat = ReadStat(child.pid());
  ASSERT_TRUE(stat.value.has_value());
  EXPECT_TRUE(IsOver(*stat.value));
  EXPECT_FALSE(FindAlive(stat.value->who).value.has_value());
  child.Reap();
  EXPECT_FALSE(ReadStat(child.pid()).value.has_value());
}

TEST(Process, GivesNoHandleOnAProcessThatOnlyHasTheNumber) {
  Child child({"/bin/sleep", "1000"});
  ProcessIdentity who = ReadStat(child.pid()).value->who;
  EXPECT_TRUE(OpenProcess(who).value.has_value());
  who.start_ticks -= 1;
  const auto other = OpenProcess(who);
  EXPECT_FALSE(other.value.has_value());
  EXPECT_EQ(other.error, 0);
  EXPECT_EQ(SendSignal(who, SIGKILL), 0);  // nobody was there
  EXPECT_FALSE(FindAlive(who).value.has_value());
  EXPECT_TRUE(ReadStat(child.pid()).value.has_value());
}

TEST(Process, SignalsThroughAHandle) {
  Child child({"/bin/sleep", "1000"});
  const auto handle = OpenProcess(ReadStat(child.pid()).value->who);
  ASSERT_TRUE(handle.value.has_value());
  EXPECT_EQ(SendSignal(handle.value->get(), SIGTERM), 0);
  const int status = child.Reap();
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
  EXPECT_EQ(SendSignal(handle.value->get(), SIGTERM), ESRCH);
  EXPECT_EQ(QueueSignal(handle.value->get(), SIGRTMIN, 7), ESRCH);
}

TEST(Process, FindsDescendantsAndNobodyElse) {
  // The shell's child inherits the pipe: reading its end means both are gone.
  Child child({"/bin/sh", "-c", "sleep 1000 & kill -STOP $$"});
  siginfo_t info;
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child.pid()), &info, WSTOPPED),
            0);
  const auto of_shell = DescendantsOf(child.pid());
  ASSERT_TRUE(of_shell.has_value());
  ASSERT_EQ(of_shell->size(), 1u);
  const ProcessStat grandchild = of_shell->front();
  EXPECT_EQ(grandchild.parent, child.pid());

  const auto of_test = DescendantsOf(::getpid());
  ASSERT_TRUE(of_test.has_value());
  const auto has = [&](pid_t pid) {
    return std::any_of(
        of_test->begin(), of_test->end(),
        [pid](const ProcessStat& stat) { return stat.who.pid == pid; });
  };
  EXPECT_TRUE(has(child.pid()));
  EXPECT_TRUE(has(grandchild.who.pid));
  EXPECT_FALSE(has(::getpid()));
  EXPECT_FALSE(has(1));
  const auto own = OwnChildren();
  EXPECT_NE(std::find(own.begin(), own.end(), child.pid()), own.end());
  EXPECT_EQ(SendSignal(grandchild.who, SIGKILL), 0);
}

TEST(Process, NamesThisBoot) {
  EXPECT_EQ(ReadBootId(), ReadBootId());
  EXPECT_EQ(ReadBootId().size(), 36u);
}

}  // namespace
}  // namespace carbond
