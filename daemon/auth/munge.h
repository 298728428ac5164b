#pragma once
// MUNGE's commands: how a credential is decoded, and what is believed of it.
// Slurm trusts the same service: it is on every machine of a cluster.
// unmunge(1). CheckCredential is pure; the rest runs programs. Stateless.

#include <string>
#include <vector>

#include "daemon/exec/slurm/program.h"

namespace carbond {

// `socket`: munged's; empty: where it usually is.
std::vector<std::string> MungeArguments(const std::string& socket,
                                        const std::string& payload,
                                        uid_t reader);
std::vector<std::string> UnmungeArguments(const std::string& socket);

// The uid that the credential proves, of what unmunge said. It must be whole,
// neither expired nor seen before by munged, and vouch for `payload` alone.
Result<uid_t> CheckCredential(const ProgramEnd& unmunge,
                              const std::string& payload);

// Encodes and decodes one: does it work here?
Status TryMunge(const std::string& socket, const Environment& environment,
                Duration limit);

}  // namespace carbond
