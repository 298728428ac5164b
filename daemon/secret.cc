#include "daemon/secret.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

namespace carbond {
namespace {

constexpr size_t kLongest = 16 * 1024;  // tokens of some kB are usual

void Wipe(std::string& text) {
  text.resize(text.capacity());  // does not move it
  explicit_bzero(text.data(), text.size());
  text.clear();
}

// A header is made of it, so a line break would be another header.
Status CheckValue(const std::string& value, const std::string& place) {
  if (value.empty())
    return Refused("{} is empty; write the secret there", place);
  if (value.size() > kLongest) {
    return Refused("{} holds more than {} KiB, which is no password or token",
                   place, kLongest / 1024);
  }
  const bool printable =
      std::ranges::all_of(value, [](char c) { return c >= ' ' && c <= '~'; });
  if (printable) return Ok();
  return Refused(
      "{} must hold one line of printable ASCII, the secret, and nothing else",
      place);
}

Result<Secret> FromEnvironment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  const std::string place = fmt::format("the environment variable {}", name);
  if (value == nullptr) {
    return Refused("{} is not set; set it for carbond, or name a file instead",
                   place);
  }
  Secret secret{std::string(value)};
  CARBOND_RETURN_IF_ERROR(CheckValue(secret.Reveal(), place));
  return secret;
}

class File {
 public:
  explicit File(const std::string& path)
      : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

Status CheckMode(int fd, const std::string& path) {
  struct stat about {};
  if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
    return Refused("{} is no file; write the secret into one", path);
  }
  if ((about.st_mode & 07) == 0) return Ok();
  return Refused(
      "{} may be read or written by every user (mode {:o}); make it private: "
      "chmod o= {}",
      path, about.st_mode & 0777, path);
}

Result<Secret> FromFile(const std::string& path) {
  const File file(path);
  if (file.fd() < 0) {
    return Refused("{} cannot be read: {}", path, strerror(errno));
  }
  CARBOND_RETURN_IF_ERROR(CheckMode(file.fd(), path));
  std::string text(kLongest + 2, '\0');
  size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = read(file.fd(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      Wipe(text);
      return Refused("{} cannot be read: {}", path, strerror(errno));
    }
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  text.resize(size);
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  Secret secret{std::move(text)};
  CARBOND_RETURN_IF_ERROR(CheckValue(secret.Reveal(), path));
  return secret;
}

}  // namespace

Secret::Secret(Secret&& other) noexcept : value_(std::move(other.value_)) {
  Wipe(other.value_);
}

Secret& Secret::operator=(const Secret& other) {
  if (this == &other) return *this;
  Wipe(value_);
  value_ = other.value_;
  return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  Wipe(value_);
  value_ = std::move(other.value_);
  Wipe(other.value_);
  return *this;
}

Secret::~Secret() { Wipe(value_); }

Result<Secret> FetchSecret(const SecretPlace& place) {
  CARBOND_INVARIANT(place.given(), "a secret without a place");
  return place.env.empty() ? FromFile(place.file) : FromEnvironment(place.env);
}

}  // namespace carbond
