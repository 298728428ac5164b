#include "daemon/server.h"

#include <gmock/gmock.h>
#include <grpc/support/time.h>
#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>

#include "carbond/v1/carbond.grpc.pb.h"
#include "daemon/listen.h"
#include "tests/daemon/scratch_folder.h"

namespace carbond {
namespace {

using ::testing::HasSubstr;

// A service without any method of its own.
using Silent = v1::Carbond::Service;

// A socket file, with or without anyone behind it.
class UnixSocket {
 public:
  explicit UnixSocket(const std::string& path)
      : fd_(socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    path.copy(name.sun_path, sizeof(name.sun_path) - 1);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&name), sizeof(name)), 0);
    EXPECT_EQ(listen(fd_, 1), 0);
  }
  ~UnixSocket() { close(fd_); }

 private:
  int fd_;
};

bool Answers(const std::string& address) {
  auto channel =
      grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
  return channel->WaitForConnected(gpr_time_add(
      gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_seconds(10, GPR_TIMESPAN)));
}

TEST(Server, ServesASocketForItsOwnerAndGroup) {
  ScratchFolder scratch;
  std::string path = scratch.path() + "/run/carbond.sock";
  Silent service;
  auto server = Server::Start({"unix:" + path}, service);
  ASSERT_TRUE(server.ok()) << server.status();
  struct stat seen {};
  ASSERT_EQ(stat(path.c_str(), &seen), 0);
  EXPECT_TRUE(S_ISSOCK(seen.st_mode));
  EXPECT_EQ(seen.st_mode & 0777, 0660u);
  EXPECT_TRUE(Answers("unix:" + path));
}

TEST(Server, ReplacesTheSocketOfADeadDaemon) {
  ScratchFolder scratch;
  std::string path = scratch.path() + "/carbond.sock";
  { UnixSocket dead(path); }
  ASSERT_TRUE(std::filesystem::exists(path));
  Silent service;
  auto server = Server::Start({"unix:" + path}, service);
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_TRUE(Answers("unix:" + path));
}

TEST(Server, LeavesTheSocketOfALivingDaemonAlone) {
  ScratchFolder scratch;
  std::string path = scratch.path() + "/carbond.sock";
  UnixSocket living(path);
  Silent service;
  auto server = Server::Start({"unix:" + path}, service);
  ASSERT_FALSE(server.ok());
  EXPECT_EQ(Message(server.status()),
            "cannot listen on unix:" + path +
                ": another process listens there; stop it, or change listen "
                "in carbond.yaml");
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST(Server, RemovesNothingThatIsNoSocket) {
  ScratchFolder scratch;
  std::string path = scratch.Write("notes.txt", "important");
  Status status = PrepareToListen("unix:" + path);
  EXPECT_THAT(Message(status), HasSubstr("no socket"));
  EXPECT_EQ(std::filesystem::file_size(path), 9u);
}

TEST(Server, SaysWhichPortIsInUse) {
  Silent service;
  auto first = Server::Start({"127.0.0.1:0"}, service);
  ASSERT_TRUE(first.ok()) << first.status();
  std::string address = (*first)->addresses().at(0);
  EXPECT_TRUE(Answers(address));
  Silent other;
  auto second = Server::Start({address}, other);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(Message(second.status()),
            "cannot listen on " + address +
                ": address already in use; stop the other process or change "
                "listen in carbond.yaml");
}

TEST(Server, SaysWhatIsWrongWithAnAddress) {
  EXPECT_THAT(Message(PrepareToListen("localhost")), HasSubstr("no port"));
  EXPECT_THAT(Message(PrepareToListen("192.0.2.1:7777")),
              HasSubstr("no such address"));
  EXPECT_THAT(Message(PrepareToListen("unix:" + std::string(200, 'x'))),
              HasSubstr("absolute"));
  EXPECT_THAT(Message(PrepareToListen("unix:/" + std::string(200, 'x'))),
              HasSubstr("choose a shorter one"));
  EXPECT_TRUE(PrepareToListen("[::1]:0").ok() ||
              Message(PrepareToListen("[::1]:0")).find("cannot listen") == 0);
}

}  // namespace
}  // namespace carbond
