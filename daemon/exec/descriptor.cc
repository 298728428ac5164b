#include "daemon/exec/descriptor.h"

#include <fcntl.h>

#include <cerrno>

namespace carbond {

Found<std::string> ReadSmallFile(const std::string& path, size_t limit) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  int error = fd ? 0 : errno;
  while (error == 0 && text.size() < limit) {
    char buffer[4096];
    const ssize_t n =
        ::read(fd.get(), buffer, std::min(sizeof buffer, limit - text.size()));
    if (n == 0) break;
    if (n > 0) {
      text.append(buffer, static_cast<size_t>(n));
    } else if (errno != EINTR) {
      error = errno;
    }
  }
  if (error == ENOENT || error == ESRCH) return {};
  if (error != 0) return {std::nullopt, error};
  return {std::move(text), 0};
}

int WriteAll(int fd, const char* data, size_t size) {
  while (size > 0) {
    const ssize_t n = ::write(fd, data, size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    data += n;
    size -= static_cast<size_t>(n);
  }
  return 0;
}

}  // namespace carbond
