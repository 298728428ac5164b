#pragma once
// What gRPC does not look after when it binds: it takes over a Unix socket that
// another process serves, and says of a port only that it could not be had.

#include <string>

#include "scheduler/result.h"

namespace carbond {

// Can this `unix:/path` or `host:port` be listened on? Changes nothing. The
// error is one line and says what would mend it.
Status CheckListening(const std::string& address);
// The same, and makes the folder of a socket and removes a socket that nobody
// serves any more.
Status PrepareToListen(const std::string& address);

// The path of a `unix:/path` address; empty for another.
std::string SocketPath(const std::string& address);

}  // namespace carbond
