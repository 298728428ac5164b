#include "daemon/server.h"

#include <grpc/support/log.h>
#include <grpc/support/time.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/server_builder.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <list>

#include "daemon/listen.h"

namespace carbond {
namespace {

constexpr int kLargestMessage = 64 * 1024 * 1024;
constexpr int kMostCallsPerConnection = 1024;
constexpr mode_t kSocketMode = 0660;

// What gRPC tells people is for those who debug gRPC; what a user needs to know
// comes with the status of the call that failed.
void HearGrpc(gpr_log_func_args* args) {
  spdlog::debug("grpc: {} ({}:{})", args->message, args->file, args->line);
}

// Between bind and chmod nobody but the owner may connect.
class PrivateFiles {
 public:
  PrivateFiles() : mask_(umask(0077)) {}
  ~PrivateFiles() { umask(mask_); }
  PrivateFiles(const PrivateFiles&) = delete;
  PrivateFiles& operator=(const PrivateFiles&) = delete;

 private:
  mode_t mask_;
};

Status Open(const std::string& socket_path) {
  if (socket_path.empty() || chmod(socket_path.c_str(), kSocketMode) == 0) {
    return Ok();
  }
  return Trouble("cannot set the mode of {}: {}", socket_path,
                 std::strerror(errno));
}

std::string WithPort(const std::string& address, int port) {
  if (!SocketPath(address).empty()) return address;
  return fmt::format("{}:{}", address.substr(0, address.rfind(':')), port);
}

}  // namespace

Result<std::unique_ptr<Server>> Server::Start(
    const std::vector<std::string>& listen, grpc::Service& service) {
  gpr_set_log_function(HearGrpc);
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  builder.RegisterService(&service);
  builder.SetMaxReceiveMessageSize(kLargestMessage);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                             kMostCallsPerConnection);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);

  std::list<int> ports;  // filled when the server starts
  for (const std::string& address : listen) {
    CARBOND_RETURN_IF_ERROR(PrepareToListen(address));
    builder.AddListeningPort(address, grpc::InsecureServerCredentials(),
                             &ports.emplace_back(0));
  }
  std::unique_ptr<Server> server(new Server);
  {
    PrivateFiles during_bind;
    server->server_ = builder.BuildAndStart();
  }
  auto port = ports.begin();
  for (const std::string& address : listen) {
    if (*port == 0) {
      return Refused(
          "cannot listen on {}: gRPC could not have it; change "
          "listen in carbond.yaml",
          address);
    }
    CARBOND_RETURN_IF_ERROR(Open(SocketPath(address)));
    server->addresses_.push_back(WithPort(address, *port++));
  }
  if (server->server_ == nullptr) return Trouble("gRPC cannot be started");
  server->server_->GetHealthCheckService()->SetServingStatus(
      "carbond.v1.Carbond", true);
  return server;
}

Server::~Server() { Stop(std::chrono::milliseconds(0)); }

void Server::SayNotServing() {
  server_->GetHealthCheckService()->SetServingStatus(false);
}

void Server::Stop(std::chrono::milliseconds grace) {
  if (server_ == nullptr) return;
  // Without a deadline, Shutdown would wait for open streams for ever.
  server_->Shutdown(
      gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                   gpr_time_from_millis(grace.count(), GPR_TIMESPAN)));
  server_.reset();
}

}  // namespace carbond
