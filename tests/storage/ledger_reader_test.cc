#include "storage/ledger_reader.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/storage/ledger_world.h"
#include "tests/storage/raw_ledger.h"

namespace carbond {
namespace {

class LedgerReaderTest : public testing::Test {
 protected:
  std::vector<int64_t> Ids(const JobFilter& filter) {
    const auto page = reader_->List(filter);
    EXPECT_TRUE(page.ok()) << page.status();
    std::vector<int64_t> ids;
    for (const JobRecord& record : *page) {
      ids.push_back(Number(record.job.id));
    }
    return ids;
  }
  static std::unique_ptr<LedgerReader> OpenReader(const std::string& path) {
    auto reader = LedgerReader::Open(path);
    EXPECT_TRUE(reader.ok()) << reader.status();
    return *std::move(reader);
  }

  LedgerFolder folder_;
  const std::string path_ = folder_ / "ledger.db";
  std::unique_ptr<SqliteLedger> ledger_ = OpenLedger(path_);
  std::unique_ptr<LedgerReader> reader_ = OpenReader(path_);
  Lives lives_{*ledger_};
};

TEST_F(LedgerReaderTest, GetsAJobWithItsPlanAndItsFigures) {
  const JobId id = WholeLife(lives_);
  const auto bare = reader_->Get(id);
  ASSERT_TRUE(bare.ok()) << bare.status();
  EXPECT_EQ(Describe(bare->job), Describe(lives_.job(id)));
  EXPECT_FALSE(bare->plan.has_value());
  EXPECT_FALSE(bare->emissions.has_value());

  PlanRecord plan;
  plan.job = id;
  plan.made_at = At(1);
  plan.plan.why = "waits";
  lives_.batch().plans.push_back(plan);
  lives_.Account(id, 300, Quality::kSettled, Grams::Of(1234.567));
  const JobEmissions total = lives_.batch().accounts.back().total;
  lives_.Commit();
  const auto record = reader_->Get(id);
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(record->plan->plan.why, "waits");
  EXPECT_EQ(record->emissions, total);
}

TEST_F(LedgerReaderTest, SaysWhichJobIsMissing) {
  const auto record = reader_->Get(JobId{42});
  EXPECT_EQ(record.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Message(record.status()),
            "there is no job 42: see `carbonctl list`");
}

TEST_F(LedgerReaderTest, ListsNewestFirstPageByPage) {
  for (int i = 0; i < 25; ++i) lives_.Submit(SmallSpec(), i);
  lives_.Commit();
  JobFilter filter;
  filter.limit = 10;
  EXPECT_EQ(Ids(filter),
            (std::vector<int64_t>{25, 24, 23, 22, 21, 20, 19, 18, 17, 16}));
  filter.before = JobId{16};
  EXPECT_EQ(Ids(filter),
            (std::vector<int64_t>{15, 14, 13, 12, 11, 10, 9, 8, 7, 6}));
  filter.before = JobId{6};
  EXPECT_EQ(Ids(filter), (std::vector<int64_t>{5, 4, 3, 2, 1}));
  filter.before = JobId{1};
  EXPECT_TRUE(Ids(filter).empty());
  filter.live_only = true;
  filter.before = JobId{13};
  filter.limit = 2;
  EXPECT_EQ(Ids(filter), (std::vector<int64_t>{12, 11}));
  filter.limit = 0;
  EXPECT_TRUE(Ids(filter).empty());
}

TEST_F(LedgerReaderTest, FiltersByStateUserProjectNameAndRegion) {
  const JobId waiting = lives_.Submit(SmallSpec("anna", "vision"), 0);
  const JobId done = lives_.Submit(SmallSpec("ben", "vision"), 0);
  lives_.Tell(done, 1, CancelRequested{"ben"});
  const JobId running = lives_.Submit(SmallSpec("anna", "speech"), 0);
  lives_.Start(running, 1, "eu");
  JobSpec named = SmallSpec("ben", "speech");
  named.name = "it's";
  const JobId planned = lives_.Submit(named, 0);
  PlanRecord plan;
  plan.job = planned;
  plan.made_at = At(0);
  plan.plan.region_name = "eu";
  lives_.batch().plans.push_back(plan);
  plan.job = running;
  plan.plan.region_name = "here";
  lives_.batch().plans.push_back(plan);
  lives_.Commit();
  const auto ids = [](std::initializer_list<JobId> list) {
    std::vector<int64_t> numbers;
    for (const JobId id : list) numbers.push_back(Number(id));
    return numbers;
  };

  JobFilter filter;
  filter.states = {State::kWaiting};
  EXPECT_EQ(Ids(filter), ids({planned, waiting}));
  filter.states = {State::kDone};
  EXPECT_EQ(Ids(filter), ids({done}));
  filter.states = {State::kDone, State::kRunning};
  EXPECT_EQ(Ids(filter), ids({running, done}));
  filter.live_only = true;
  EXPECT_EQ(Ids(filter), ids({running}));
  filter = {};
  filter.live_only = true;
  EXPECT_EQ(Ids(filter), ids({planned, running, waiting}));
  filter = {};
  filter.user = "anna";
  EXPECT_EQ(Ids(filter), ids({running, waiting}));
  filter.project = "vision";
  EXPECT_EQ(Ids(filter), ids({waiting}));
  filter = {};
  filter.name = "it's";
  EXPECT_EQ(Ids(filter), ids({planned}));
  filter = {};
  filter.region = "eu";
  EXPECT_EQ(Ids(filter), ids({planned, running})) << "where it runs or will";
  filter.region = "here";
  EXPECT_TRUE(Ids(filter).empty());
}

TEST_F(LedgerReaderTest, AddsUpWhatLiveJobsOccupy) {
  lives_.Submit(SmallSpec(), 0);  // waiting: nothing
  const JobId running = lives_.Submit(SmallSpec(), 0);
  lives_.Start(running, 1);
  const JobId starting = lives_.Submit(SmallSpec(), 0);
  lives_.Tell(starting, 1, StartIssued{1, "here", 1, {{1}, 4}, false});
  const JobId saved = lives_.Submit(SmallSpec(), 0);
  lives_.Start(saved, 1, "eu");
  lives_.End(saved, 2, RunEnd::kCheckpointed, 85);
  JobSpec spec = SmallSpec();
  spec.pause = PauseMode::kSuspend;
  const JobId suspended = lives_.Submit(spec, 0);
  lives_.Start(suspended, 1, "eu");
  lives_.Tell(suspended, 2, RunEnded{1, RunEnd::kSuspended, {}, {}, ""});
  const JobId done = lives_.Submit(SmallSpec(), 0);
  lives_.Start(done, 1, "us");
  lives_.End(done, 2, RunEnd::kSucceeded, 0);
  lives_.Commit();

  std::map<std::string, Resources> expected;
  for (const auto& [id, job] : lives_.jobs()) {
    if (job.occupies()) expected[job.runs.back().region] += job.spec->need;
  }
  EXPECT_EQ(expected.size(), 2u);
  const auto used = reader_->Used();
  ASSERT_TRUE(used.ok()) << used.status();
  EXPECT_EQ(*used, expected);
}

TEST_F(LedgerReaderTest, ReadsSettings) {
  EXPECT_FALSE(reader_->GetSetting("anchor")->has_value());
  ASSERT_TRUE(ledger_->PutSetting("anchor", "x").ok());
  EXPECT_EQ(*reader_->GetSetting("anchor"), "x");
}

// Readers see whole batches only, while the writer goes on.
TEST_F(LedgerReaderTest, ReadsWhileTheDaemonWrites) {
  constexpr int kBatch = 7;
  constexpr int kBatches = 60;
  std::atomic<bool> writing = true;
  const auto read = [&](int* pages) {
    const auto reader = OpenReader(path_);
    JobFilter all;
    all.limit = kBatch * kBatches;
    do {
      const auto page = reader->List(all);
      ASSERT_TRUE(page.ok()) << page.status();
      ASSERT_EQ(page->size() % kBatch, 0u);
      for (const JobRecord& record : *page) {
        ASSERT_EQ(record.job.state, State::kStarting);
        ASSERT_EQ(record.job.runs.size(), 1u);
      }
      ++*pages;
    } while (writing);
  };
  int pages[2] = {};
  std::thread one(read, &pages[0]);
  std::thread two(read, &pages[1]);
  for (int batch = 0; batch < kBatches; ++batch) {
    for (int i = 0; i < kBatch; ++i) {
      const JobId id = lives_.Submit(SmallSpec(), 0);
      lives_.Tell(id, 0, StartIssued{1, "here", 1, {}, false});
    }
    const Status status = lives_.TryCommit();
    EXPECT_TRUE(status.ok()) << status;
  }
  writing = false;
  one.join();
  two.join();
  EXPECT_GT(pages[0], 0);
  EXPECT_GT(pages[1], 0);
}

TEST_F(LedgerReaderTest, CannotWrite) {
  const JobId id = WholeLife(lives_);
  RawLedger(path_).Run("UPDATE jobs SET state = 'dreaming'");
  const auto record = reader_->Get(id);
  EXPECT_EQ(record.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(Message(record.status()),
            "ledger " + path_ +
                ": state `dreaming` is unknown: written by a newer carbond?; "
                "restore a backup, or report this as a bug");
}

TEST(LedgerReaderEvents, AreThoseOfOneJobAfterTheOneThatIsKnown) {
  LedgerFolder folder;
  const auto ledger = OpenLedger(folder / "ledger.db");
  Lives lives(*ledger);
  const auto reader = *LedgerReader::Open(folder / "ledger.db");
  EXPECT_EQ(*reader->NewestJob(), std::nullopt);
  WholeLife(lives);
  const JobId id = SuspendedLife(lives);
  EXPECT_EQ(*reader->NewestJob(), id);
  const auto all = *reader->EventsOf(id, 0);
  ASSERT_EQ(all.size(), 13u);
  Job job = *ApplyFirst(all.front());
  for (size_t i = 1; i < all.size(); ++i) {
    ASSERT_TRUE(Apply(job, all[i]).ok());
  }
  EXPECT_EQ(Describe(job), Describe(lives.job(id)));
  const auto last = *reader->EventsOf(id, 12);
  ASSERT_EQ(last.size(), 1u);
  EXPECT_EQ(last[0].seq, 13);
  EXPECT_TRUE(reader->EventsOf(JobId{99}, 0)->empty());
}

}  // namespace
}  // namespace carbond
