#include "client/channel.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "tests/client/fake_carbond.h"
#include "tests/client/world.h"

namespace carbond::client {
namespace {

std::string Opened(const std::string& address) {
  const auto channel = Channel::Open(address);
  return channel.ok() ? (*channel)->address()
                      : std::string(channel.status().message());
}

TEST(Channel, TakesSocketsAndHosts) {
  EXPECT_EQ(Opened("unix:/run/carbond/carbond.sock"),
            "unix:/run/carbond/carbond.sock");
  EXPECT_EQ(Opened("/run/carbond/carbond.sock"),
            "unix:/run/carbond/carbond.sock");
  EXPECT_EQ(Opened("unix:///run/carbond.sock"), "unix:/run/carbond.sock");
  EXPECT_EQ(Opened("unix:carbond.sock"), "unix:carbond.sock");
  EXPECT_EQ(Opened("localhost:7411"), "localhost:7411");
  EXPECT_EQ(Opened("[::1]:7411"), "[::1]:7411");
}

TEST(Channel, RefusesWhatCannotBeAnAddress) {
  for (const char* address :
       {"", "localhost", ":7411", "localhost:", "localhost:http", "localhost:0",
        "localhost:70000", "localhost:-1"}) {
    EXPECT_EQ(Opened(address), "address `" + std::string(address) +
                                   "` is not understood: write unix:/path or "
                                   "host:port");
  }
  EXPECT_EQ(Opened("unix:"),
            "address `unix:` names no socket: write unix:/path");
  EXPECT_EQ(Opened("unix:/" + std::string(110, 'x')),
            "address `unix:/" + std::string(110, 'x') +
                "` is 4 bytes too long for a unix socket: use a shorter path");
}

TEST(Channel, SaysThatASocketIsClosedToThisUser) {
  if (geteuid() == 0) GTEST_SKIP() << "root may open any socket";
  TemporaryFolder folder;
  const std::string path = folder.path() + "/carbond.sock";
  FakeCarbond carbond;
  carbond.Start("unix:" + path);
  chmod(path.c_str(), 0);
  const auto channel = *Channel::Open("unix:" + path);
  v1::Job job;
  const absl::Status status = channel->Call(&v1::Carbond::StubInterface::GetJob,
                                            v1::GetJobRequest(), &job);
  EXPECT_TRUE(std::string(status.message()).starts_with("no access to unix:"));
}

TEST(Channel, TellsADaemonThatIsNotThereFromOneThatRefuses) {
  TemporaryFolder folder;
  const std::string address = "unix:" + folder.path() + "/carbond.sock";
  const auto channel = *Channel::Open(address);
  v1::Job job;
  const auto ask = [&] {
    return channel->Call(&v1::Carbond::StubInterface::GetJob,
                         v1::GetJobRequest(), &job);
  };
  EXPECT_TRUE(NeverConnected(ask()));
  FakeCarbond carbond;
  carbond.Refuse("GetJob", {grpc::StatusCode::UNAVAILABLE, "stopping"});
  carbond.Start(address);
  ASSERT_TRUE(channel->AwaitRecovery(absl::ZeroDuration(), absl::Seconds(20)));
  const absl::Status refused = ask();
  EXPECT_FALSE(NeverConnected(refused));
  EXPECT_EQ(refused, absl::UnavailableError("carbond at " + address +
                                            " is not available: stopping"));
}

TEST(Channel, SaysThatSomethingElseListens) {
  TemporaryFolder folder;
  const std::string address = "unix:" + folder.path() + "/carbond.sock";
  FakeCarbond carbond;
  carbond.Refuse("GetJob", {grpc::StatusCode::UNIMPLEMENTED, ""});
  carbond.Start(address);
  const auto channel = *Channel::Open(address);
  v1::Job job;
  EXPECT_EQ(channel->Call(&v1::Carbond::StubInterface::GetJob,
                          v1::GetJobRequest(), &job),
            absl::UnimplementedError(
                "what answers at " + address +
                " does not know this command: is it carbond, and as new as "
                "this carbonctl?"));
}

TEST(Channel, EndsACallThatTakesTooLong) {
  TemporaryFolder folder;
  const std::string address = "unix:" + folder.path() + "/carbond.sock";
  FakeCarbond carbond;
  carbond.Put(WaitingJob());
  carbond.Start(address);
  const auto channel = *Channel::Open(address);
  v1::WaitJobsRequest request;
  request.add_job_ids("17");
  v1::WaitJobsResponse answer;
  EXPECT_EQ(channel->Call(&v1::Carbond::StubInterface::WaitJobs, request,
                          &answer, absl::Milliseconds(50)),
            absl::DeadlineExceededError("carbond at " + address +
                                        " did not answer within 50ms"));
}

}  // namespace
}  // namespace carbond::client
