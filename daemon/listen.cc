#include "daemon/listen.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

namespace carbond {
namespace {

constexpr std::string_view kUnix = "unix:";

class Socket {
 public:
  Socket(int family, int type) : fd_(socket(family, type | SOCK_CLOEXEC, 0)) {}
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

Status CannotListen(const std::string& address, const std::string& why,
                    const std::string& mend) {
  return Refused("cannot listen on {}: {}; {}", address, why, mend);
}

// Is there anyone behind this socket? ECONNREFUSED is what is left of a dead
// one; anything else that fails is taken for life, which harms nobody.
bool Answers(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  path.copy(name.sun_path, sizeof(name.sun_path) - 1);
  Socket socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK);
  return connect(socket.fd(), reinterpret_cast<const sockaddr*>(&name),
                 sizeof(name)) == 0 ||
         errno != ECONNREFUSED;
}

Status CheckUnix(const std::string& address, const std::string& path) {
  if (path.empty() || path.front() != '/') {
    return CannotListen(address, "the path of a socket is absolute",
                        "write unix:/path/to/carbond.sock");
  }
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return CannotListen(
        address,
        fmt::format("the path has {} bytes, the system allows "
                    "{}",
                    path.size(), sizeof(sockaddr_un::sun_path) - 1),
        "choose a shorter one");
  }
  struct stat there {};
  if (lstat(path.c_str(), &there) != 0) {
    if (errno == ENOENT) return Ok();
    return CannotListen(address, std::strerror(errno),
                        "change listen in carbond.yaml");
  }
  if (!S_ISSOCK(there.st_mode)) {
    return CannotListen(address, "a file that is no socket is there",
                        "remove it, or change listen in carbond.yaml");
  }
  if (Answers(path)) {
    return CannotListen(address, "another process listens there",
                        "stop it, or change listen in carbond.yaml");
  }
  return Ok();
}

Status PrepareUnix(const std::string& address, const std::string& path) {
  CARBOND_RETURN_IF_ERROR(CheckUnix(address, path));
  std::error_code error;
  std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::filesystem::create_directories(folder, error);
  if (error) {
    return CannotListen(address,
                        fmt::format("the directory {} cannot be made: {}",
                                    folder.string(), error.message()),
                        "make it, or change listen in carbond.yaml");
  }
  if (unlink(path.c_str()) != 0 && errno != ENOENT) {
    return CannotListen(
        address,
        fmt::format("the socket of a daemon that died cannot be removed: {}",
                    std::strerror(errno)),
        "remove it, or change listen in carbond.yaml");
  }
  return Ok();
}

// Binds for a moment, the way gRPC will, to learn what would be wrong.
Status CheckTcp(const std::string& address) {
  size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon + 1 == address.size()) {
    return CannotListen(address, "it has no port",
                        "write unix:/path or host:port");
  }
  std::string host = address.substr(0, colon);
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  int error = getaddrinfo(host.empty() ? nullptr : host.c_str(),
                          address.c_str() + colon + 1, &hints, &found);
  if (error != 0) {
    return CannotListen(address, gai_strerror(error),
                        "change listen in carbond.yaml");
  }
  std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found,
                                                           &freeaddrinfo);
  int last_errno = 0;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    Socket socket(each->ai_family, each->ai_socktype);
    int yes = 1;
    // As gRPC does: a port in TIME_WAIT is no obstacle.
    setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (bind(socket.fd(), each->ai_addr, each->ai_addrlen) == 0 &&
        listen(socket.fd(), 1) == 0) {
      return Ok();
    }
    last_errno = errno;
  }
  switch (last_errno) {
    case EADDRINUSE:
      return CannotListen(
          address, "address already in use",
          "stop the other process or change listen in carbond.yaml");
    case EACCES:
      return CannotListen(address, "permission denied",
                          "choose a port from 1024 upwards");
    case EADDRNOTAVAIL:
      return CannotListen(address, "this machine has no such address",
                          "change listen in carbond.yaml");
    default:
      return CannotListen(address, std::strerror(last_errno),
                          "change listen in carbond.yaml");
  }
}

}  // namespace

std::string SocketPath(const std::string& address) {
  if (address.compare(0, kUnix.size(), kUnix) != 0) return "";
  std::string path = address.substr(kUnix.size());
  return path.compare(0, 3, "///") == 0 ? path.substr(2) : path;
}

Status CheckListening(const std::string& address) {
  const std::string path = SocketPath(address);
  return path.empty() && !address.starts_with(kUnix) ? CheckTcp(address)
                                                     : CheckUnix(address, path);
}

Status PrepareToListen(const std::string& address) {
  const std::string path = SocketPath(address);
  return path.empty() && !address.starts_with(kUnix)
             ? CheckTcp(address)
             : PrepareUnix(address, path);
}

}  // namespace carbond
