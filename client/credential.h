#pragma once
// Proves to a carbond that asks for it who calls: with a credential of MUNGE,
// which vouches for one request (proto/request_digest.h). Nothing is spent
// where carbond does not ask.

#include <google/protobuf/message.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace carbond::client {

// What a call that failed was asked to prove; nothing: that was not the matter.
std::optional<std::string> ChallengeIn(const grpc::ClientContext& context,
                                       const grpc::Status& status);

// Adds the proof to a call that has not begun. Runs munge, which may take
// seconds where munged is busy. `socket`: munged's; empty: where it usually is.
absl::Status Prove(const std::string& challenge,
                   const google::protobuf::Message& request,
                   const std::string& socket, grpc::ClientContext& context);

// The words for munge; refuses a challenge of another kind.
absl::StatusOr<std::vector<std::string>> MungeWords(
    const std::string& challenge, const std::string& payload,
    const std::string& socket);

}  // namespace carbond::client
