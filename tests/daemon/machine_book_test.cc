#include "daemon/meter/machine_book.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <random>

#include "tests/daemon/fake_machine.h"

namespace carbond {
namespace {

using testing::HasSubstr;

constexpr int64_t kSecond = 1'000'000;  // in microseconds

// A machine of 8 CPUs that has drawn, worked and idled so much since boot.
MachineLook Look(int64_t at_s, int64_t drawn_j, int64_t busy_s, int64_t idle_s,
                 std::vector<std::optional<int64_t>> cpu_s) {
  MachineLook look;
  look.at_ms = at_s * 1000;
  look.times = {busy_s * kSecond, idle_s * kSecond, 8};
  look.counts_uj["package"] = drawn_j * 1'000'000;
  look.wraps_uj["package"] = 10'000'000'000;
  for (auto& cpu : cpu_s) {
    if (cpu) *cpu *= kSecond;
  }
  look.cpu_us = std::move(cpu_s);
  return look;
}

BookPage PageOf(std::vector<int> cpus) {
  BookPage page;
  ShareOut(page, Look(100, 0, 50, 750, {}));
  pid_t root = 10;
  for (const int n : cpus) page.runs.push_back({root++, 1, n, 0, 0});
  return page;
}

TEST(MachineBook, SharesBusyEnergyByCpuTimeAndIdleByAllotment) {
  BookPage page = PageOf({4, 2});
  // 10 s: 1000 J, of 80 CPU seconds 40 busy. The first run used 20 of them,
  // the second 10, others 10.
  ShareOut(page, Look(110, 1000, 90, 790, {20, 10}));
  EXPECT_EQ(page.runs[0].share_uj, 250'000'000 + 250'000'000);
  EXPECT_EQ(page.runs[1].share_uj, 125'000'000 + 125'000'000);
}

TEST(MachineBook, GivesAnIdleRunThatKeepsTheMachineAllOfItsIdling) {
  BookPage page = PageOf({8});
  ShareOut(page, Look(110, 300, 50, 830, {0}));
  EXPECT_EQ(page.runs[0].share_uj, 300'000'000);
}

TEST(MachineBook, CountsOverAWrapAndNothingOfARestartedCounter) {
  BookPage page = PageOf({8});
  ShareOut(page, Look(110, 9'000, 130, 750, {80}));
  EXPECT_EQ(page.runs[0].share_uj, 9'000'000'000);
  ShareOut(page, Look(120, 500, 210, 750, {160}));  // wrapped at 10 kJ
  EXPECT_EQ(page.runs[0].share_uj, 10'500'000'000);
  MachineLook far = Look(121, 400, 218, 750, {168});  // 9.9 kJ in a second
  ShareOut(page, far);
  EXPECT_EQ(page.runs[0].share_uj, 10'500'000'000);
}

TEST(MachineBook, BooksWhatADomainCountedWhileItCouldNotBeRead) {
  BookPage page = PageOf({8});
  MachineLook blind = Look(110, 0, 130, 750, {80});
  blind.counts_uj.clear();
  ShareOut(page, blind);
  EXPECT_EQ(page.runs[0].share_uj, 0);
  ShareOut(page, Look(120, 2'000, 210, 750, {160}));
  EXPECT_EQ(page.runs[0].share_uj, 2'000'000'000);
}

TEST(MachineBook, WaitsForTheKernelsNextTick) {
  BookPage page = PageOf({8});
  ShareOut(page, Look(101, 50, 50, 750, {0}));  // no time has passed
  EXPECT_EQ(page.runs[0].share_uj, 0);
  ShareOut(page, Look(102, 100, 50, 766, {0}));
  EXPECT_EQ(page.runs[0].share_uj, 100'000'000) << "and nothing is lost";
}

// Whatever runs come, go, use and are promised, the machine's energy is handed
// out at most once, and no share ever falls.
TEST(MachineBook, NeverSharesOutMoreThanTheCountersCounted) {
  std::mt19937_64 random(3);
  const auto upto = [&](int64_t most) {
    return std::uniform_int_distribution<int64_t>(0, most)(random);
  };
  for (int world = 0; world < 300; ++world) {
    BookPage page;
    ShareOut(page, Look(0, 5, 1, 1, {}));
    MachineLook look = Look(0, 5, 1, 1, {});
    __int128 handed_out = 0;
    __int128 drawn = 0;
    for (int step = 0; step < 100; ++step) {
      if (upto(3) == 0 && page.runs.size() < 12) {
        page.runs.push_back({static_cast<pid_t>(100 * world + step), 1,
                             static_cast<int>(upto(9)), 0, 0});
      }
      look.at_ms += 1 + upto(20'000);
      look.times.busy_us += upto(3) == 0 ? 0 : upto(80 * kSecond);
      look.times.idle_us += upto(3) == 0 ? 0 : upto(80 * kSecond);
      const int64_t more = upto(900 * (look.at_ms - page.at_ms));
      drawn += more;
      look.counts_uj["package"] =
          (look.counts_uj["package"] + more) % 10'000'000'000;
      look.cpu_us.clear();
      __int128 before = 0;
      for (const BookedRun& run : page.runs) {
        before += run.share_uj;
        // Also backwards, as when a child is counted and then is not.
        const int64_t used = run.cpu_us + upto(90 * kSecond) - kSecond;
        look.cpu_us.push_back(upto(20) == 0 ? std::nullopt
                                            : std::optional(used));
      }
      const std::vector<BookedRun> old = page.runs;
      ShareOut(page, look);
      for (const BookedRun& run : page.runs) {
        const auto was = std::find_if(old.begin(), old.end(), [&](auto& o) {
          return o.root == run.root;
        });
        ASSERT_GE(run.share_uj, was->share_uj);
        handed_out += run.share_uj - was->share_uj;
      }
      ASSERT_LE(handed_out, drawn) << "world " << world << " step " << step;
    }
    ASSERT_GT(handed_out, 0);
  }
}

TEST(MachineBook, PagesComeBackFromTheirText) {
  BookPage page = PageOf({4, 2});
  ShareOut(page, Look(110, 1000, 90, 790, {20, 10}));
  const std::string text = Format(page);
  EXPECT_EQ(Format(*ParseBookPage(text)), text);
  for (size_t n = 0; n + 1 < text.size(); ++n) {
    EXPECT_FALSE(ParseBookPage(text.substr(0, n))) << n;
  }
}

// ---- The file --------------------------------------------------------------

class RealBook : public testing::Test {
 protected:
  RealBook() : powercap_(folder_.path() + "/powercap") {
    powercap_.Zone("intel-rapl:0", "package-0", 1'000'000);
    place_.file = folder_.path() + "/book/book";
    place_.fresh_ms = 0;
    const auto self = ReadProcesses("/proc").at(::getpid());
    start_ticks_ = self.start_ticks;
  }
  std::unique_ptr<MachineBook> Open(int cpus) {
    std::string complaint;
    auto book = MachineBook::Open(place_, FindRapl(powercap_.root()),
                                  ::getpid(), start_ticks_, cpus, complaint);
    EXPECT_EQ(complaint, "");
    return book;
  }
  // Busy until the kernel has counted some of it as this process's.
  void Work() const {
    const auto used = [&] {
      return *TreeTime(ReadProcesses("/proc"), ::getpid(), start_ticks_);
    };
    const int64_t before = used();
    while (used() <= before + 20'000) {
    }
  }

  ScratchFolder folder_;
  FakePowercap powercap_;
  BookPlace place_;
  uint64_t start_ticks_ = 0;
};

TEST_F(RealBook, CountsFromWhenTheRunJoined) {
  powercap_.Set("intel-rapl:0", 500'000'000);
  auto book = Open(static_cast<int>(ReadMachineTimes("/proc")->cpus));
  EXPECT_EQ(book->Read(), 0);
  Work();
  powercap_.Set("intel-rapl:0", 900'000'000);
  book->LookAnew();
  const auto share = book->Read();
  ASSERT_TRUE(share);
  EXPECT_GT(*share, 0);
  EXPECT_LE(*share, 400'000'000);
  EXPECT_THAT(*ReadText(place_.file), HasSubstr("run "));
}

TEST_F(RealBook, GoesOnWhenThePageIsLost) {
  auto book = Open(4);
  Work();
  powercap_.Set("intel-rapl:0", 400'000'000);
  const int64_t before = *book->Read();
  EXPECT_GT(before, 0);
  WriteWhole(place_.file, "carbon-meter-book-1\nlook 1 2");  // torn
  EXPECT_GE(*book->Read(), before);
  Work();
  powercap_.Set("intel-rapl:0", 800'000'000);
  EXPECT_GT(*book->Read(), before);
}

// Another run's meter was stopped with the book in its hands.
TEST_F(RealBook, DoesNotWaitForeverForItsTurn) {
  auto book = Open(4);
  const int holder = ::open(place_.file.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(::flock(holder, LOCK_EX), 0);
  EXPECT_EQ(book->Read(), std::nullopt);
  ::close(holder);
  EXPECT_TRUE(book->Read());
}

TEST_F(RealBook, IsNotPutIntoAFolderOfSomebodyElse) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a folder away";
  const std::string folder = folder_.path() + "/book";
  ::mkdir(folder.c_str(), 0777);
  ASSERT_EQ(::chown(folder.c_str(), 12345, 12345), 0);
  std::string complaint;
  EXPECT_EQ(MachineBook::Open(place_, FindRapl(powercap_.root()), ::getpid(),
                              start_ticks_, 1, complaint),
            nullptr);
  EXPECT_THAT(complaint, HasSubstr("not permitted"));
}

}  // namespace
}  // namespace carbond
