#include "daemon/exec/descriptor.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

namespace carbond {

namespace {

Found<std::string> ReadAll(const UniqueFd& fd, int error, size_t limit) {
  std::string text;
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

}  // namespace

Found<std::string> ReadSmallFile(const std::string& path, size_t limit) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return ReadAll(fd, fd ? 0 : errno, limit);
}

Found<std::string> ReadPlainFile(const std::string& path, size_t limit) {
  // Without O_NONBLOCK a pipe that nobody writes to would hold us for ever.
  const UniqueFd fd(
      ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  // ELOOP: a link; ENXIO: a socket.
  if (!fd && (errno == ELOOP || errno == ENXIO)) return {};
  struct stat info = {};
  int error = fd && ::fstat(fd.get(), &info) == 0 ? 0 : errno;
  if (error == 0 && !S_ISREG(info.st_mode)) return {};
  return ReadAll(fd, error, limit);
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
