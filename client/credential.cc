#include "client/credential.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "proto/request_digest.h"

namespace carbond::client {
namespace {

constexpr char kKind[] = "munge uid=";
constexpr int kPatienceMs = 10'000;  // as munge itself would have
constexpr size_t kLongest = 8192;    // a credential takes 300 bytes
struct Printed {
  int code = -1;  // -1: it did not end by itself
  std::string out;
};

// What it prints until it ends; its complaints go where ours do.
std::optional<Printed> Run(const std::vector<std::string>& words) {
  std::array<int, 2> ends = {};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::nullopt;
  std::vector<char*> arguments;
  for (const std::string& word : words) {
    arguments.push_back(const_cast<char*>(word.c_str()));
  }
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  pid_t pid = 0;
  const int error = ::posix_spawnp(&pid, arguments[0], &actions, nullptr,
                                   arguments.data(), ::environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  Printed printed;
  std::array<char, 1024> buffer;
  pollfd waits = {ends[0], POLLIN, 0};
  while (error == 0 && printed.out.size() < kLongest) {
    const int ready = ::poll(&waits, 1, kPatienceMs);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) {
      ::kill(pid, SIGKILL);
      break;
    }
    const ssize_t n = ::read(ends[0], buffer.data(), buffer.size());
    if (n <= 0) break;
    printed.out.append(buffer.data(), static_cast<size_t>(n));
  }
  ::close(ends[0]);
  errno = error;
  if (error != 0) return std::nullopt;
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status)) printed.code = WEXITSTATUS(status);
  return printed;
}

}  // namespace

std::optional<std::string> ChallengeIn(const grpc::ClientContext& context,
                                       const grpc::Status& status) {
  if (status.error_code() != grpc::StatusCode::UNAUTHENTICATED) return {};
  const auto& metadata = context.GetServerTrailingMetadata();
  const auto found = metadata.find(kChallengeKey);
  if (found == metadata.end()) return std::nullopt;
  return std::string(found->second.data(), found->second.size());
}

absl::StatusOr<std::vector<std::string>> MungeWords(
    const std::string& challenge, const std::string& payload,
    const std::string& socket) {
  const std::string uid = challenge.starts_with(kKind)
                              ? challenge.substr(sizeof kKind - 1)
                              : std::string();
  if (uid.empty() || uid.size() > 10 ||
      uid.find_first_not_of("0123456789") != std::string::npos) {
    return absl::UnauthenticatedError(
        "carbond asks who calls in a way that this carbonctl does not know: is "
        "it as new as carbond?");
  }
  std::vector<std::string> words = {"munge", "--string=" + payload,
                                    "--restrict-uid=" + uid};
  if (!socket.empty()) words.push_back("--socket=" + socket);
  return words;
}

absl::Status Prove(const std::string& challenge,
                   const google::protobuf::Message& request,
                   const std::string& socket, grpc::ClientContext& context) {
  const auto words = MungeWords(challenge, SignedWords(request), socket);
  if (!words.ok()) return words.status();
  const auto printed = Run(*words);
  if (!printed) {
    return absl::UnauthenticatedError(
        fmt::format("carbond asks who calls, and munge cannot be run: {}; "
                    "install it, with the key of the cluster",
                    std::strerror(errno)));
  }
  std::string credential = printed->out.substr(0, printed->out.find('\n'));
  if (printed->code != 0 || credential.empty()) {
    return absl::UnauthenticatedError(fmt::format(
        "carbond asks who calls, and munge gave no credential ({}): does "
        "munged run here?",
        printed->code < 0 ? "it did not answer"
                          : fmt::format("exit code {}", printed->code)));
  }
  context.AddMetadata(kCredentialKey, credential);
  return absl::OkStatus();
}

}  // namespace carbond::client
