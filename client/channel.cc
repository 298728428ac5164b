#include "client/channel.h"

#include <fmt/format.h>
#include <grpc/support/time.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <utility>

#include "client/console.h"
#include "client/quantity.h"

namespace carbond::client {
namespace {

constexpr char kUnix[] = "unix:";
constexpr char kNeverConnected[] = "carbond.client/never-connected";

// A point of the monotonic clock, `patience` from now.
gpr_timespec In(absl::Duration patience) {
  if (patience == absl::InfiniteDuration()) {
    return gpr_inf_future(GPR_CLOCK_MONOTONIC);
  }
  return gpr_time_add(
      gpr_now(GPR_CLOCK_MONOTONIC),
      gpr_time_from_millis(absl::ToInt64Milliseconds(patience), GPR_TIMESPAN));
}

absl::Status CheckAddress(const std::string& address) {
  if (address.starts_with(kUnix)) {
    const size_t length = address.size() - (sizeof(kUnix) - 1);
    if (length == 0) {
      return absl::InvalidArgumentError(fmt::format(
          "address `{}` names no socket: write unix:/path", address));
    }
    if (length >= sizeof(sockaddr_un::sun_path)) {
      return absl::InvalidArgumentError(fmt::format(
          "address `{}` is {} bytes too long for a unix socket: use a shorter "
          "path",
          address, length - sizeof(sockaddr_un::sun_path) + 1));
    }
    return absl::OkStatus();
  }
  const size_t colon = address.rfind(':');
  int port = 0;
  if (colon != std::string::npos && colon > 0) {
    const char* end = address.data() + address.size();
    const auto [after, error] =
        std::from_chars(address.data() + colon + 1, end, port);
    if (error != std::errc() || after != end) port = 0;
  }
  if (port < 1 || port > 65535) {
    return absl::InvalidArgumentError(fmt::format(
        "address `{}` is not understood: write unix:/path or host:port",
        address));
  }
  return absl::OkStatus();
}

grpc::ChannelArguments Arguments(const std::string& address) {
  grpc::ChannelArguments arguments;
  // A daemon that restarts is back within a second.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  // A long list is longer than gRPC's 4 MiB.
  arguments.SetMaxReceiveMessageSize(256 << 20);
  // carbond is no website: http_proxy is not meant for it.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  if (!address.starts_with(kUnix)) {
    // A wait or a watch may be silent for days; a vanished host is noticed.
    // Servers take more than one ping in five minutes for an attack.
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 6 * 60 * 1000);
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20 * 1000);
  }
  return arguments;
}

bool NotConnected(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::UNAVAILABLE &&
         status.error_message().starts_with("failed to connect");
}

std::string Unreachable(const std::string& address) {
  const std::string path = address.starts_with(kUnix)
                               ? address.substr(sizeof(kUnix) - 1)
                               : std::string();
  if (!path.empty() && access(path.c_str(), W_OK) != 0 && errno == EACCES) {
    return fmt::format(
        "no access to {}: permission denied; join the group that owns the "
        "socket, or name another with --address",
        address);
  }
  return fmt::format(
      "no carbond at {}: is it running? start it with carbond --config "
      "carbond.yaml, or name another with --address",
      address);
}

std::string InWords(const grpc::Status& status, const std::string& address,
                    absl::Duration patience) {
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
      return NotConnected(status)
                 ? Unreachable(address)
                 : fmt::format("carbond at {} is not available: {}", address,
                               status.error_message());
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return fmt::format("carbond at {} did not answer within {}", address,
                         FormatLength(patience));
    case grpc::StatusCode::UNIMPLEMENTED:
      return fmt::format(
          "what answers at {} does not know this command: is it carbond, and "
          "as new as this carbonctl?",
          address);
    default:
      return status.error_message().empty()
                 ? fmt::format("carbond at {} failed with gRPC code {}",
                               address, static_cast<int>(status.error_code()))
                 : status.error_message();
  }
}

}  // namespace

void SetDeadline(grpc::ClientContext& context, absl::Duration patience) {
  if (patience != absl::InfiniteDuration()) context.set_deadline(In(patience));
}

bool NeverConnected(const absl::Status& status) {
  return status.GetPayload(kNeverConnected).has_value();
}

absl::StatusOr<std::unique_ptr<Channel>> Channel::Open(
    std::string address, std::string munge_socket) {
  if (address.starts_with("unix:///")) address.erase(5, 2);
  if (address.starts_with('/')) address.insert(0, kUnix);
  if (absl::Status status = CheckAddress(address); !status.ok()) return status;
  auto channel = grpc::CreateCustomChannel(
      address, grpc::InsecureChannelCredentials(), Arguments(address));
  return std::unique_ptr<Channel>(new Channel(
      std::move(address), std::move(munge_socket), std::move(channel)));
}

Channel::Channel(std::string address, std::string munge_socket,
                 std::shared_ptr<grpc::Channel> channel)
    : address_(std::move(address)),
      munge_socket_(std::move(munge_socket)),
      channel_(std::move(channel)),
      stub_(v1::Carbond::NewStub(channel_)) {}

absl::Status Channel::Explain(const grpc::Status& status,
                              absl::Duration patience) const {
  if (status.ok()) return absl::OkStatus();
  // gRPC and absl number their codes alike.
  absl::Status result(static_cast<absl::StatusCode>(status.error_code()),
                      Printable(InWords(status, address_, patience)));
  if (NotConnected(status)) result.SetPayload(kNeverConnected, absl::Cord());
  return result;
}

bool Channel::AwaitRecovery(absl::Duration pause, absl::Duration patience) {
  Pause(pause);
  return channel_->WaitForConnected(In(patience));
}

void Channel::Pause(absl::Duration pause) {
  channel_->WaitForStateChange(GRPC_CHANNEL_READY, In(pause));
}

}  // namespace carbond::client
