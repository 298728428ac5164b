#pragma once
// The connection to carbond, and what to tell people when a call fails.

#include <carbond/v1/carbond.grpc.pb.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/credential.h"

namespace carbond::client {

inline constexpr absl::Duration kPatience = absl::Seconds(10);

// Ends a call that takes longer, counted from now.
void SetDeadline(grpc::ClientContext& context, absl::Duration patience);

// Whether a failed call never left this machine: nothing answers there.
bool NeverConnected(const absl::Status& status);

// One connection. Connects with the first call. For one thread.
class Channel {
 public:
  // Refuses what cannot be an address. `unix:/path`, `/path` or `host:port`.
  // `munge_socket`: where munged is asked for a proof of who calls, if carbond
  // wants one; empty: at its usual place.
  static absl::StatusOr<std::unique_ptr<Channel>> Open(
      std::string address, std::string munge_socket = {});

  v1::Carbond::StubInterface& stub() { return *stub_; }
  const std::string& address() const { return address_; }
  const std::string& munge_socket() const { return munge_socket_; }

  // One unary call, ended after `patience` (none: as long as it takes).
  template <class Request, class Reply>
  absl::Status Call(grpc::Status (v1::Carbond::StubInterface::*method)(
                        grpc::ClientContext*, const Request&, Reply*),
                    const Request& request, Reply* reply,
                    absl::Duration patience = kPatience) {
    grpc::ClientContext context;
    SetDeadline(context, patience);
    grpc::Status status = ((*stub_).*method)(&context, request, reply);
    if (const auto challenge = ChallengeIn(context, status)) {
      grpc::ClientContext again;
      SetDeadline(again, patience);
      const absl::Status proven =
          Prove(*challenge, request, munge_socket_, again);
      if (!proven.ok()) return proven;
      status = ((*stub_).*method)(&again, request, reply);
    }
    return Explain(status, patience);
  }

  // What a failed call means, in words for people. Keeps the code.
  absl::Status Explain(const grpc::Status& status,
                       absl::Duration patience = kPatience) const;

  // After a failed call: gives carbond `pause` to come to itself, then waits
  // until it is connected, `patience` at most. False: it is not.
  bool AwaitRecovery(absl::Duration pause, absl::Duration patience);
  // Lets `pause` go by, less if the connection is lost.
  void Pause(absl::Duration pause);

 private:
  Channel(std::string address, std::string munge_socket,
          std::shared_ptr<grpc::Channel> channel);

  // Fixed after construction.
  const std::string address_;
  const std::string munge_socket_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::Carbond::StubInterface> stub_;
};

}  // namespace carbond::client
