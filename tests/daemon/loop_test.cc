#include "daemon/loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "daemon/hub.h"
#include "scheduler/sim/memory_ledger.h"
#include "scheduler/sim/sim_doors.h"

namespace carbond {
namespace {

using ::testing::HasSubstr;

// A loop around a real engine. An hour of its jobs is a second of ours.
class LoopWorld {
 public:
  explicit LoopWorld(Loop::Options options = {}) {
    Instant real = SystemClock::RealNow();
    clock_ = SystemClock(3600, real, real);
    EngineOptions engine_options;
    engine_options.regions = {{.name = "here",
                               .zone = "Z",
                               .pue = Pue::Of(1),
                               .capacity = {.gpus = 0, .cpus = 1000},
                               .hours = {}}};
    auto engine = Engine::Recover(engine_options,
                                  {clock_, watched_, grid_, executor_, meter_});
    EXPECT_TRUE(engine.ok()) << engine.status();
    engine_ = *std::move(engine);
    loop_ = std::make_unique<Loop>(
        *engine_, clock_, options,
        [this](const Status& status) { failure_.set_value(status); });
  }

  Loop& loop() { return *loop_; }
  MemoryLedger& ledger() { return ledger_; }
  std::future<Status> failure() { return failure_.get_future(); }
  // When a job is done for the first time.
  std::future<JobId> done() { return done_.get_future(); }

  SubmitCommand Submission(Duration earliest_in = hours(24 * 60)) const {
    JobSpec spec;
    spec.command = {"/bin/true"};
    spec.workdir = "/";
    spec.need.cpus = 1;
    spec.duration = minutes(10);
    spec.earliest = clock_.Now() + earliest_in;
    SubmitCommand command;
    command.jobs.push_back({spec, Unset{true, true, true, true, true}});
    return command;
  }

  std::future<Reply> Post(Command command) {
    auto promise = std::make_shared<std::promise<Reply>>();
    std::future<Reply> future = promise->get_future();
    loop_->Post(std::move(command), [promise](Reply reply) {
      promise->set_value(std::move(reply));
    });
    return future;
  }

 private:
  void Told(const Batch& batch) {
    for (const Job* job : batch.jobs) {
      if (job->state != State::kDone || was_done_) continue;
      was_done_ = true;
      done_.set_value(job->id);
    }
  }

  SystemClock clock_;
  MemoryLedger ledger_;
  WatchedLedger watched_{ledger_, [this](const Batch& b) { Told(b); }};
  SimGrid grid_;
  SimExecutor executor_{clock_};
  SimMeter meter_;
  std::promise<Status> failure_;
  std::promise<JobId> done_;
  bool was_done_ = false;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Loop> loop_;
};

TEST(Loop, AnswersWithWhatTheEngineSays) {
  LoopWorld world;
  world.loop().Start();
  Reply submitted = world.Post(world.Submission()).get();
  EXPECT_TRUE(submitted.status.ok()) << submitted.status;
  EXPECT_EQ(submitted.jobs.size(), 1u);
  Reply unknown = world.Post(CancelCommand{JobId{42}, "ada"}).get();
  EXPECT_EQ(unknown.status.code(), absl::StatusCode::kNotFound);
}

TEST(Loop, MakesOneTransactionOfWhatWaits) {
  LoopWorld world;
  std::vector<std::future<Reply>> replies;
  for (int i = 0; i < 100; ++i) {
    replies.push_back(world.Post(world.Submission()));
  }
  int appends_at_first = -1;
  world.loop().Inspect(
      [&](const Engine*) { appends_at_first = world.ledger().appends(); });
  world.loop().Start();
  for (auto& reply : replies) EXPECT_TRUE(reply.get().status.ok());
  world.loop().Stop();
  EXPECT_EQ(appends_at_first, 1);
}

TEST(Loop, PutsNoMoreIntoATransactionThanItMay) {
  LoopWorld world({.most_per_transaction = 40});
  std::vector<std::future<Reply>> replies;
  for (int i = 0; i < 100; ++i) {
    replies.push_back(world.Post(world.Submission()));
  }
  int appends_at_first = -1;
  world.loop().Inspect(
      [&](const Engine*) { appends_at_first = world.ledger().appends(); });
  world.loop().Start();
  std::vector<JobId> ids;
  for (auto& reply : replies) ids.push_back(reply.get().jobs.at(0));
  world.loop().Stop();
  EXPECT_EQ(appends_at_first, 3);
  EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
}

TEST(Loop, RunsAJobToItsEndWithoutBeingAsked) {
  LoopWorld world;
  std::future<JobId> done = world.done();
  world.loop().Start();
  Reply reply = world.Post(world.Submission(minutes(30))).get();
  ASSERT_TRUE(reply.status.ok()) << reply.status;
  EXPECT_EQ(done.get(), reply.jobs.at(0));
}

TEST(Loop, AnswersAllUnavailableWhenTheLedgerCannotBeWritten) {
  LoopWorld world;
  world.ledger().FailAfter(0);
  std::future<Status> failure = world.failure();
  std::vector<std::future<Reply>> replies;
  for (int i = 0; i < 10; ++i) {
    replies.push_back(world.Post(world.Submission()));
  }
  auto looked = std::make_shared<std::promise<bool>>();
  world.loop().Inspect(
      [looked](const Engine* engine) { looked->set_value(engine != nullptr); });
  world.loop().Start();
  for (auto& reply : replies) {
    Status status = reply.get().status;
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(Message(status), HasSubstr("ledger cannot be written"));
  }
  EXPECT_FALSE(looked->get_future().get());
  EXPECT_FALSE(failure.get().ok());
  EXPECT_EQ(world.Post(world.Submission()).get().status.code(),
            absl::StatusCode::kUnavailable);
  EXPECT_TRUE(world.ledger().events().empty());
}

TEST(Loop, AnswersWhatWasPostedBeforeItStopsAndNothingAfter) {
  LoopWorld world;
  std::vector<std::future<Reply>> before;
  for (int i = 0; i < 10; ++i) {
    before.push_back(world.Post(world.Submission()));
  }
  world.loop().Start();
  world.loop().Stop();
  for (auto& reply : before) EXPECT_TRUE(reply.get().status.ok());
  Reply after = world.Post(world.Submission()).get();
  EXPECT_EQ(after.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Message(after.status), "carbond is stopping");
  bool had_engine = true;
  world.loop().Inspect(
      [&had_engine](const Engine* engine) { had_engine = engine != nullptr; });
  EXPECT_FALSE(had_engine);
}

TEST(Loop, AnswersWhatWaitsWhenItNeverBegan) {
  LoopWorld world;
  std::future<Reply> reply = world.Post(world.Submission());
  world.loop().Stop();
  EXPECT_EQ(reply.get().status.code(), absl::StatusCode::kUnavailable);
}

TEST(Loop, RefusesMoreThanItsMailboxHolds) {
  LoopWorld world({.most_waiting = 3});
  std::vector<std::future<Reply>> replies;
  for (int i = 0; i < 4; ++i) {
    replies.push_back(world.Post(world.Submission()));
  }
  EXPECT_EQ(replies[3].get().status.code(), absl::StatusCode::kUnavailable);
  world.loop().Start();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(replies[i].get().status.ok());
}

TEST(Loop, AdoptsAPlanForAJobThatWaits) {
  LoopWorld world;
  world.loop().Start();
  ASSERT_TRUE(world.Post(world.Submission()).get().status.ok());
  // Plans come from another thread; each wake lets the loop go round once more.
  for (bool planned = false; !planned;) {
    std::promise<void> looked;
    world.loop().Inspect([&](const Engine*) {
      planned = !world.ledger().plans().empty();
      looked.set_value();
    });
    looked.get_future().wait();
  }
}

}  // namespace
}  // namespace carbond
