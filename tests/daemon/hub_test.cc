#include "daemon/hub.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/sim/memory_ledger.h"

namespace carbond {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// A batch with one event for each job named.
class Batches {
 public:
  Batch Of(const std::vector<int>& ids, State state = State::kWaiting) {
    Batch batch;
    for (int id : ids) {
      Job& job = jobs_[id];
      job.id = JobId(id);
      job.state = state;
      ++job.last_seq;
      batch.events.push_back(
          {JobId(id), job.last_seq, Instant::FromSeconds(1), Held{}});
      batch.jobs.push_back(&job);
    }
    return batch;
  }

 private:
  std::map<int, Job> jobs_;
};

std::vector<int> JobsOf(const Watcher::Taken& taken) {
  std::vector<int> jobs;
  for (const Happening& each : taken.happenings) {
    jobs.push_back(static_cast<int>(Number(each.job)));
  }
  return jobs;
}

TEST(Hub, TellsEachWatcherWhatConcernsIt) {
  Hub hub;
  Batches batches;
  auto all = hub.Watch({}, [] {});
  auto one = hub.Watch({.jobs = {JobId(2)}}, [] {});
  hub.Publish(batches.Of({1, 2, 3}));
  EXPECT_THAT(JobsOf(all->Take()), ElementsAre(1, 2, 3));
  EXPECT_THAT(JobsOf(one->Take()), ElementsAre(2));
  EXPECT_THAT(JobsOf(one->Take()), IsEmpty());
}

TEST(Hub, SharesOneSnapshotAmongWatchers) {
  Hub hub;
  Batches batches;
  auto a = hub.Watch({}, [] {});
  auto b = hub.Watch({}, [] {});
  hub.Publish(batches.Of({1}));
  EXPECT_EQ(a->Take().happenings.at(0).snapshot,
            b->Take().happenings.at(0).snapshot);
}

TEST(Hub, RingsOnceUntilItIsTaken) {
  Hub hub;
  Batches batches;
  int rings = 0;
  auto watcher = hub.Watch({}, [&rings] { ++rings; });
  hub.Publish(batches.Of({1}));
  hub.Publish(batches.Of({2}));
  EXPECT_EQ(rings, 1);
  watcher->Take();
  hub.Publish(batches.Of({3}));
  EXPECT_EQ(rings, 2);
}

TEST(Hub, TellsOnlyOfEndsWhoWantsNoMore) {
  Hub hub;
  Batches batches;
  auto watcher = hub.Watch({.jobs = {}, .ends_only = true}, [] {});
  hub.Publish(batches.Of({1}));
  hub.Publish(batches.Of({2}, State::kDone));
  EXPECT_THAT(JobsOf(watcher->Take()), ElementsAre(2));
}

TEST(Hub, TellsNothingAfterClose) {
  Hub hub;
  Batches batches;
  int rings = 0;
  auto watcher = hub.Watch({}, [&rings] { ++rings; });
  watcher->Close();
  hub.Publish(batches.Of({1}));
  hub.Close();
  EXPECT_EQ(rings, 0);
}

TEST(Hub, ThinsASlowWatcherToTheNewestOfEachJob) {
  Hub hub;
  Batches batches;
  auto watcher = hub.Watch({.jobs = {}, .most_waiting = 10}, [] {});
  for (int i = 0; i < 9; ++i) hub.Publish(batches.Of({1}));
  hub.Publish(batches.Of({2, 1}));
  Watcher::Taken taken = watcher->Take();
  EXPECT_FALSE(taken.lost);
  EXPECT_THAT(JobsOf(taken), ElementsAre(1, 2));
  EXPECT_EQ(taken.happenings[0].seq, 10);
  EXPECT_EQ(taken.happenings[0].snapshot, nullptr);
  EXPECT_EQ(taken.happenings[0].event, "");
}

TEST(Hub, CutsOffAWatcherThatIsBehindOnTooManyJobs) {
  Hub hub;
  Batches batches;
  int rings = 0;
  auto watcher =
      hub.Watch({.jobs = {}, .most_waiting = 10}, [&rings] { ++rings; });
  for (int id = 1; id <= 20; ++id) hub.Publish(batches.Of({id}));
  EXPECT_EQ(rings, 1);
  Watcher::Taken taken = watcher->Take();
  EXPECT_TRUE(taken.lost);
  EXPECT_THAT(taken.happenings, IsEmpty());
}

TEST(Hub, NeverCutsOffAWatcherOfNamedJobs) {
  Hub hub;
  Batches batches;
  Watcher::Interest interest{.jobs = {}, .most_waiting = 4};
  std::vector<int> ids;
  for (int id = 1; id <= 20; ++id) {
    ids.push_back(id);
    interest.jobs.insert(JobId(id));
  }
  auto watcher = hub.Watch(interest, [] {});
  for (int i = 0; i < 5; ++i) hub.Publish(batches.Of(ids));
  Watcher::Taken taken = watcher->Take();
  EXPECT_FALSE(taken.lost);
  EXPECT_THAT(taken.happenings, SizeIs(20));
}

TEST(Hub, EndsWatchersWhenItCloses) {
  Hub hub;
  int rings = 0;
  auto before = hub.Watch({}, [&rings] { ++rings; });
  hub.Close();
  auto after = hub.Watch({}, [&rings] { ++rings; });
  EXPECT_EQ(rings, 2);
  EXPECT_TRUE(before->Take().closing);
  EXPECT_TRUE(after->Take().closing);
}

TEST(WatchedLedger, TellsOnlyWhatWasTaken) {
  MemoryLedger ledger;
  int told = 0;
  WatchedLedger watched(ledger, [&told](const Batch&) { ++told; });
  EXPECT_TRUE(watched.Append({}).ok());
  ledger.FailAfter(0);
  EXPECT_FALSE(watched.Append({}).ok());
  EXPECT_EQ(told, 1);
}

}  // namespace
}  // namespace carbond
