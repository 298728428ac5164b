#include "daemon/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace carbond {
namespace {

Status MakeFolder(const std::string& path) {
  std::error_code error;
  std::filesystem::path parent = std::filesystem::path(path).parent_path();
  std::filesystem::create_directories(parent, error);
  if (!error && mkdir(path.c_str(), 0750) != 0 && errno != EEXIST) {
    error.assign(errno, std::generic_category());
  }
  if (!error && !std::filesystem::is_directory(path, error)) {
    return Refused(
        "{} is there and is no directory: remove it, or give "
        "another state_dir",
        path);
  }
  if (error) {
    return Refused(
        "cannot make the directory {}: {}; make it, or give "
        "another state_dir",
        path, error.message());
  }
  return Ok();
}

// What the daemon that holds the lock wrote into it.
std::string HolderOf(int fd) {
  std::array<char, 32> text{};
  ssize_t size = pread(fd, text.data(), text.size() - 1, 0);
  std::string pid(text.data(), size > 0 ? static_cast<size_t>(size) : 0);
  while (!pid.empty() && pid.back() == '\n') pid.pop_back();
  return pid.empty() ? "unknown" : pid;
}

}  // namespace

bool StateLock::WasEverTaken(const std::string& state_dir) {
  return access((state_dir + "/lock").c_str(), F_OK) == 0;
}

Result<StateLock> StateLock::Take(const std::string& state_dir) {
  CARBOND_RETURN_IF_ERROR(MakeFolder(state_dir));
  std::string path = state_dir + "/lock";
  int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (fd < 0) {
    return Refused(
        "cannot open {}: {}; let this user write there, or give "
        "another state_dir",
        path, std::strerror(errno));
  }
  StateLock lock(fd);
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      return Trouble("cannot lock {}: {}", path, std::strerror(errno));
    }
    return NotNow(
        "state directory {} is in use by carbond (pid {}); stop it, "
        "or give this one another state_dir",
        state_dir, HolderOf(fd));
  }
  std::string pid = fmt::format("{}\n", getpid());
  if (ftruncate(fd, 0) != 0 || pwrite(fd, pid.data(), pid.size(), 0) !=
                                   static_cast<ssize_t>(pid.size())) {
    return Trouble("cannot write {}: {}", path, std::strerror(errno));
  }
  return lock;
}

StateLock::~StateLock() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace carbond
