#include "daemon/auth/munge.h"

#include <unistd.h>

#include <charconv>

namespace carbond {
namespace {

Status Unproven(const std::string& why) {
  return absl::UnauthenticatedError(
      "the credential is not accepted: " + why +
      "; munge and its key must be the same here and where you are");
}

std::string FirstLine(const std::string& text) {
  std::string line = text.substr(0, text.find('\n'));
  const size_t error = line.find("Error: ");
  return error == std::string::npos ? line : line.substr(error + 7);
}

// `UID:    ana (1000)`
std::string ValueOf(const std::string& metadata, const std::string& key) {
  const std::string begin = key + ':';
  for (size_t at = 0; at < metadata.size();) {
    const size_t end = std::min(metadata.find('\n', at), metadata.size());
    const std::string line = metadata.substr(at, end - at);
    at = end + 1;
    if (!line.starts_with(begin)) continue;
    const size_t value = line.find_first_not_of(' ', begin.size());
    return value == std::string::npos ? std::string() : line.substr(value);
  }
  return {};
}

std::optional<uid_t> NumberIn(const std::string& value) {
  const size_t open = value.rfind('(');
  const size_t close = value.rfind(')');
  if (open == std::string::npos || close == std::string::npos) return {};
  uid_t number = 0;
  const char* end = value.data() + close;
  const auto read = std::from_chars(value.data() + open + 1, end, number);
  if (read.ec != std::errc() || read.ptr != end) return {};
  return number;
}

}  // namespace

std::vector<std::string> MungeArguments(const std::string& socket,
                                        const std::string& payload,
                                        uid_t reader) {
  std::vector<std::string> arguments = {
      "--string=" + payload, fmt::format("--restrict-uid={}", reader)};
  if (!socket.empty()) arguments.push_back("--socket=" + socket);
  return arguments;
}

std::vector<std::string> UnmungeArguments(const std::string& socket) {
  std::vector<std::string> arguments = {"--keys=STATUS,UID"};
  if (!socket.empty()) arguments.push_back("--socket=" + socket);
  return arguments;
}

Result<uid_t> CheckCredential(const ProgramEnd& unmunge,
                              const std::string& payload) {
  if (unmunge.timed_out)
    return Trouble("unmunge gave no answer: does munged run?");
  const size_t end = unmunge.out.find("\n\n");
  const std::string metadata = unmunge.out.substr(0, end);
  if (unmunge.code != 0) {
    // What is expired or was seen before is decoded all the same.
    const std::string status = ValueOf(metadata, "STATUS");
    if (!status.empty()) return Unproven(status);
    // munged itself cannot be reached: not the caller's fault.
    if (unmunge.err.find("socket") != std::string::npos ||
        unmunge.err.find("munged") != std::string::npos) {
      return Trouble("unmunge: {}", FirstLine(unmunge.err));
    }
    return Unproven(FirstLine(unmunge.err));
  }
  if (ValueOf(metadata, "STATUS") != "Success (0)") {
    return Unproven("unmunge gave no status");
  }
  if (end == std::string::npos || unmunge.out.substr(end + 2) != payload) {
    return Unproven("it was made for another request");
  }
  const auto uid = NumberIn(ValueOf(metadata, "UID"));
  if (!uid) return Unproven("unmunge names no user");
  return *uid;
}

Status TryMunge(const std::string& socket, const Environment& environment,
                Duration limit) {
  constexpr char kPayload[] = "carbond";
  CARBOND_ASSIGN_OR_RETURN(
      const ProgramEnd made,
      RunProgram("munge", MungeArguments(socket, kPayload, ::geteuid()),
                 environment, limit));
  if (made.code != 0) {
    return Trouble("munge: {}", made.timed_out ? "no answer: does munged run?"
                                               : FirstLine(made.err));
  }
  CARBOND_ASSIGN_OR_RETURN(const ProgramEnd read,
                           RunProgram({"unmunge", UnmungeArguments(socket),
                                       environment, limit, made.out}));
  CARBOND_ASSIGN_OR_RETURN(const uid_t uid, CheckCredential(read, kPayload));
  if (uid == ::geteuid()) return Ok();
  return Trouble("munge takes uid {} for {}", ::geteuid(), uid);
}

}  // namespace carbond
