#pragma once
// What a caller proves to have said, where carbond asks who calls: a credential
// of MUNGE (munge(7)) whose payload is SignedWords of the request, so that it
// vouches for this request and for no other. Pure.
//
// A call without one is answered UNAUTHENTICATED, with the challenge in its
// trailing metadata: `munge uid=N`, N being the user that carbond runs as, who
// alone needs to be able to decode the credential.

#include <google/protobuf/message.h>

#include <string>

namespace carbond {

// Keys of gRPC metadata: the call's, and the trailing ones of its answer.
inline constexpr char kCredentialKey[] = "carbond-credential";
inline constexpr char kChallengeKey[] = "carbond-authenticate";

// The request's type, a blank, and the SHA-256 of its deterministic
// serialization in lower-case hexadecimal digits.
std::string SignedWords(const google::protobuf::Message& request);

}  // namespace carbond
