#pragma once
// File descriptors that close themselves, and whole small files. Standard
// library only, since carbon-runner uses it too.

#include <unistd.h>

#include <optional>
#include <string>
#include <utility>

namespace carbond {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~UniqueFd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// What was found, or why it could not be looked for. Neither: it is not there,
// which is an answer. A reader must not take trouble (no descriptors left, no
// permission) for absence.
template <typename T>
struct Found {
  std::optional<T> value;
  int error = 0;
};

// At most `limit` bytes from the beginning. ENOENT and ESRCH mean "not there".
Found<std::string> ReadSmallFile(const std::string& path,
                                 size_t limit = 64 * 1024);

// The same of a file that somebody else may have put there: what is no regular
// file, such as a link to one, is not there.
Found<std::string> ReadPlainFile(const std::string& path,
                                 size_t limit = 64 * 1024);

// Writes all of it; errno on failure, else 0.
int WriteAll(int fd, const char* data, size_t size);

}  // namespace carbond
