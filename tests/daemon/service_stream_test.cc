#include "daemon/service_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <thread>

#include "tests/daemon/service_world.h"

namespace carbond {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(WatchJobs, MissesNothingAndTellsNothingTwiceWhileJobsPourIn) {
  ServiceWorld world;
  constexpr int kThreads = 2;
  constexpr int kEach = 150;
  std::promise<void> half_way;
  std::vector<std::thread> clients;
  for (int t = 0; t < kThreads; ++t) {
    clients.emplace_back([&world, &half_way, t] {
      for (int i = 0; i < kEach; ++i) {
        if (t == 0 && i == kEach / 3) half_way.set_value();
        world.SubmitOne(world.Waiting());
      }
    });
  }
  half_way.get_future().wait();
  grpc::ClientContext context;
  auto watch = world.stub().WatchJobs(&context, {});
  std::set<std::string> listed;
  std::map<std::string, int> submitted;
  bool caught_up = false;
  v1::WatchJobsResponse message;
  while (static_cast<int>(listed.size() + submitted.size()) <
             kThreads * kEach &&
         watch->Read(&message)) {
    if (message.caught_up()) {
      EXPECT_FALSE(caught_up);
      caught_up = true;
    } else if (!caught_up) {
      EXPECT_EQ(message.event(), "");
      EXPECT_TRUE(listed.insert(message.job().id()).second);
    } else if (message.event() == "Submitted") {
      ++submitted[message.job().id()];
    }
  }
  for (std::thread& client : clients) client.join();
  EXPECT_TRUE(caught_up);
  EXPECT_EQ(listed.size() + submitted.size(), kThreads * kEach);
  for (const auto& [id, times] : submitted) {
    EXPECT_EQ(times, 1) << id;
    EXPECT_FALSE(listed.contains(id)) << id;
  }
  context.TryCancel();
}

TEST(WatchJobs, TellsTheLifeOfAJobInItsOrderAndEndsWithIt) {
  ServiceWorld world;
  v1::JobSpec spec = world.Spec();
  spec.mutable_earliest()->set_seconds(
      (world.clock().Now() + minutes(30)).millis() / 1000);
  v1::WatchJobsRequest q;
  q.add_job_ids(world.SubmitOne(spec));
  grpc::ClientContext context;
  auto watch = world.stub().WatchJobs(&context, q);
  std::vector<std::string> events;
  v1::WatchJobsResponse message;
  ASSERT_TRUE(watch->Read(&message));
  EXPECT_EQ(message.job().state(), v1::JOB_STATE_WAITING);
  ASSERT_TRUE(watch->Read(&message));
  EXPECT_TRUE(message.caught_up());
  v1::Job last;
  while (watch->Read(&message)) {
    last = message.job();
    std::string event = message.event();
    if (event == "StartIssued" || event == "RunStarted" ||
        event == "RunEnded") {
      events.push_back(event);
    }
  }
  EXPECT_TRUE(watch->Finish().ok());
  EXPECT_THAT(events, ElementsAre("StartIssued", "RunStarted", "RunEnded"));
  EXPECT_EQ(last.state(), v1::JOB_STATE_DONE);
}

TEST(WatchJobs, RefusesAJobThatDoesNotExist) {
  ServiceWorld world;
  for (const char* id : {"12", "abc"}) {
    v1::WatchJobsRequest q;
    q.add_job_ids(id);
    grpc::ClientContext context;
    auto watch = world.stub().WatchJobs(&context, q);
    v1::WatchJobsResponse message;
    while (watch->Read(&message)) {
    }
    EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::NOT_FOUND);
  }
}

TEST(WatchJobs, EndsWhenTheDaemonStops) {
  ServiceWorld world;
  grpc::ClientContext context;
  auto watch = world.stub().WatchJobs(&context, {});
  v1::WatchJobsResponse message;
  ASSERT_TRUE(watch->Read(&message));
  EXPECT_TRUE(message.caught_up());
  world.hub().Close();
  EXPECT_FALSE(watch->Read(&message));
  grpc::Status status = watch->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(), "carbond is stopping");
}

TEST(WaitJobs, EndsWhenTheDaemonStops) {
  ServiceWorld world;
  std::string id = world.SubmitOne(world.Waiting());
  auto waiting = std::async(std::launch::async,
                            [&world, id] { return world.Wait({id}).first; });
  world.hub().Close();
  EXPECT_EQ(waiting.get().error_code(), grpc::StatusCode::UNAVAILABLE);
}

class Logs {
 public:
  Logs(const ServiceWorld& world, const std::string& job)
      : folder_(world.logs() + "/" + job) {
    std::filesystem::create_directories(folder_);
  }
  void Write(const std::string& file, const std::string& text) {
    std::ofstream(folder_ + "/" + file, std::ios::app) << text;
  }

 private:
  std::string folder_;
};

std::pair<grpc::Status, std::string> ReadAll(ServiceWorld& world,
                                             const v1::ReadLogsRequest& q) {
  grpc::ClientContext context;
  auto logs = world.stub().ReadLogs(&context, q);
  std::string text;
  v1::ReadLogsResponse message;
  while (logs->Read(&message)) {
    text += (message.is_stderr() ? "!" : "") + message.data();
  }
  return {logs->Finish(), text};
}

TEST(ReadLogs, GivesWhatTheJobWrote) {
  ServiceWorld world;
  std::string id = world.SubmitOne(world.Spec());
  ASSERT_TRUE(world.Wait({id}).first.ok());
  Logs logs(world, id);
  logs.Write("1.out", "hello\n");
  logs.Write("1.err", "alas\n");
  v1::ReadLogsRequest q;
  q.set_job_id(id);
  EXPECT_EQ(ReadAll(world, q).second, "hello\n!alas\n");
  q.set_stdout_only(true);
  EXPECT_EQ(ReadAll(world, q).second, "hello\n");
  q.set_stderr_only(true);
  EXPECT_EQ(ReadAll(world, q).first.error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST(ReadLogs, GivesLargeFilesWhole) {
  ServiceWorld world;
  std::string id = world.SubmitOne(world.Spec());
  ASSERT_TRUE(world.Wait({id}).first.ok());
  std::string large(1'000'001, 'x');
  Logs(world, id).Write("1.out", large);
  v1::ReadLogsRequest q;
  q.set_job_id(id);
  EXPECT_EQ(ReadAll(world, q).second, large);
}

TEST(ReadLogs, FollowsFromBeforeTheStartUntilTheJobIsDone) {
  ServiceWorld world;
  v1::JobSpec spec = world.Spec();
  spec.mutable_earliest()->set_seconds(
      (world.clock().Now() + minutes(30)).millis() / 1000);
  std::string id = world.SubmitOne(spec);
  v1::ReadLogsRequest q;
  q.set_job_id(id);
  q.set_follow(true);
  // The simulated job writes nothing itself.
  Logs(world, id).Write("1.out", "step 1\n");
  auto [status, text] = ReadAll(world, q);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(text, "step 1\n");
  EXPECT_EQ(world.Get(id).second.state(), v1::JOB_STATE_DONE);
}

TEST(ReadLogs, EndsAtOnceWithoutFollow) {
  ServiceWorld world;
  v1::ReadLogsRequest q;
  q.set_job_id(world.SubmitOne(world.Waiting()));
  auto [status, text] = ReadAll(world, q);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(text, "");
  q.set_job_id("4711");
  EXPECT_EQ(ReadAll(world, q).first.error_code(), grpc::StatusCode::NOT_FOUND);
}

}  // namespace
}  // namespace carbond
