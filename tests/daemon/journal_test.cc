// What is known of notices after a restart.
#include "daemon/notify/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/daemon/log_of_test.h"
#include "tests/daemon/scratch_folder.h"

namespace carbond {
namespace {

using testing::Contains;
using testing::HasSubstr;

const Instant kNow = *ParseInstant("2026-11-21T08:00:00Z");
const Notice kStart{JobId{2}, 3, NoticeKind::kStarted};
const Notice kEnd{JobId{2}, 5, NoticeKind::kEnded};

class JournalTest : public testing::Test {
 protected:
  JournalState Again() {
    auto state = Journal::Load(path_);
    EXPECT_TRUE(state.has_value());
    return state.value_or(JournalState());
  }
  std::string Text() {
    std::ifstream in(path_);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  ScratchFolder folder_;
  const std::string path_ = folder_.path() + "/notify.journal";
};

TEST_F(JournalTest, IsAbsentAtFirst) {
  EXPECT_FALSE(Journal::Load(path_).has_value());
}

TEST_F(JournalTest, KnowsAgainWhatItWasTold) {
  std::string instance;
  {
    Journal journal(path_, {});
    instance = journal.state().instance;
    EXPECT_EQ(journal.SawNewJobs(JobId{4}), JobId{1});
    EXPECT_EQ(journal.SawNewJobs(JobId{3}), JobId{3}) << "known";
    journal.Saw(JobId{2}, {3, true}, false, {{"a", {kStart, kNow}}});
    journal.Saw(JobId{3}, {9}, true, {});
    journal.Saw(JobId{2}, {5, true}, false,
                {{"a", {kEnd, kNow}}, {"b", {kEnd, kNow}}});
    journal.Settle("a", kStart);
    journal.Settle("a", kStart);  // once is enough
  }
  const JournalState state = Again();
  EXPECT_EQ(state.instance, instance);
  EXPECT_EQ(state.instance.size(), 8u);
  EXPECT_EQ(state.next, JobId{4});
  EXPECT_EQ(state.live, (std::map<JobId, SeenOfJob>{{JobId{1}, {}},
                                                    {JobId{2}, {5, true}}}));
  EXPECT_EQ(state.owed.at("a"), (std::map<Notice, Instant>{{kEnd, kNow}}));
  EXPECT_EQ(state.owed.at("b"), (std::map<Notice, Instant>{{kEnd, kNow}}));
}

// Whatever a crash leaves of its end, no job counts as seen whose notices are
// not owed.
TEST_F(JournalTest, IsCutAnywhereAndNeverAhead) {
  std::string before;
  {
    Journal journal(path_, {});
    journal.SawNewJobs(JobId{3});
    before = Text();
    journal.Saw(JobId{2}, {5}, true,
                {{"a", {kStart, kNow}}, {"a", {kEnd, kNow}}});
  }
  const std::string whole = Text();
  for (size_t size = before.size(); size <= whole.size(); ++size) {
    folder_.Write("notify.journal", whole.substr(0, size));
    const JournalState state = Again();
    EXPECT_EQ(state.next, JobId{3}) << size;
    if (state.live.contains(JobId{2})) continue;
    EXPECT_EQ(state.owed.at("a").size(), 2u) << size;
  }
}

TEST_F(JournalTest, StaysSmallHoweverMuchHappens) {
  Journal journal(path_, {});
  for (int i = 1; i <= 20'000; ++i) {
    journal.SawNewJobs(JobId{i + 1});
    journal.Saw(JobId{i}, {3}, true,
                {{"a", {{JobId{i}, 3, NoticeKind::kEnded}, kNow}}});
    journal.Settle("a", {JobId{i}, 3, NoticeKind::kEnded});
  }
  EXPECT_LT(std::filesystem::file_size(path_), 150'000u);
  const JournalState state = Again();
  EXPECT_TRUE(state.live.empty());
  EXPECT_EQ(state.next, JobId{20'001});
}

TEST_F(JournalTest, PutsAsideWhatMakesNoSense) {
  LogOfTest log;
  for (const char* text : {"", "something else\n", "carbond-notify 1\nwhat 1\n",
                           "carbond-notify 1\nnext 5\n"}) {
    folder_.Write("notify.journal", text);
    EXPECT_FALSE(Journal::Load(path_).has_value()) << text;
    EXPECT_FALSE(std::filesystem::exists(path_));
    EXPECT_TRUE(std::filesystem::exists(path_ + ".unread"));
    EXPECT_THAT(log.Take(), Contains(HasSubstr("makes no sense")));
  }
}

TEST_F(JournalTest, SaysOnceThatItCannotBeWrittenAndIsWholeAfterwards) {
  LogOfTest log;
  // Where its draft would be stands a folder.
  std::filesystem::create_directory(path_ + ".tmp");
  Journal journal(path_, {});
  journal.SawNewJobs(JobId{3});
  journal.Saw(JobId{2}, {3}, false, {{"a", {kStart, kNow}}});
  const auto lines = log.Take();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], HasSubstr("cannot be written (Is a directory)"));
  std::filesystem::remove(path_ + ".tmp");
  journal.Settle("b", kEnd);  // nothing to say
  journal.Saw(JobId{1}, {2}, false, {});
  EXPECT_THAT(log.Take(), Contains(HasSubstr("is written again")));
  EXPECT_EQ(Again().owed.at("a").size(), 1u);
  EXPECT_EQ(Again().live.size(), 2u);
}

}  // namespace
}  // namespace carbond
