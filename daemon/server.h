#pragma once
// Where the daemon is spoken to: Unix sockets and TCP ports, with the standard
// health and reflection services beside our own.

#include <grpcpp/server.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "scheduler/result.h"

namespace carbond {

class Server {
 public:
  // Listens on `unix:/path` and `host:port` addresses. A Unix socket gets mode
  // 0660, its folder is made where it is missing, and one that a dead daemon
  // left is replaced. The error names the address that cannot be listened on.
  //
  // The process's file mode mask is changed while this runs: call it before
  // threads that make files.
  static Result<std::unique_ptr<Server>> Start(
      const std::vector<std::string>& listen, grpc::Service& service);
  ~Server();  // stops at once

  // As given, with the port chosen where `host:0` left it open.
  const std::vector<std::string>& addresses() const { return addresses_; }

  // For whoever balances or supervises: asks for no new work.
  void SayNotServing();
  // Takes no new calls, lets those under way finish for a while, and then
  // cancels them. Returns when all have ended.
  void Stop(std::chrono::milliseconds grace);

 private:
  Server() = default;

  std::unique_ptr<grpc::Server> server_;
  std::vector<std::string> addresses_;
};

}  // namespace carbond
