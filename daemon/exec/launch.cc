#include "daemon/exec/launch.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>

#include <cerrno>
#include <cstring>

namespace carbond {
namespace {

class SpawnSettings {
 public:
  explicit SpawnSettings(const std::string& log) {
    ::posix_spawnattr_init(&attributes_);
    ::posix_spawn_file_actions_init(&actions_);
    sigset_t all;
    sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &all);
    ::posix_spawnattr_setflags(&attributes_,
                               POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
    Open(0, "/dev/null", O_RDONLY);
    Open(1, "/dev/null", O_WRONLY);
    Open(2, log.c_str(), O_WRONLY | O_CREAT | O_APPEND);
    Note(::posix_spawn_file_actions_addclosefrom_np(&actions_, 3));
    // Not to keep the daemon's directory, and its disk, busy for weeks.
    Note(::posix_spawn_file_actions_addchdir_np(&actions_, "/"));
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  ~SpawnSettings() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }

  int error() const { return error_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }
  const posix_spawn_file_actions_t* actions() const { return &actions_; }

 private:
  void Open(int fd, const char* path, int flags) {
    Note(::posix_spawn_file_actions_addopen(&actions_, fd, path, flags, 0600));
  }
  void Note(int error) {
    if (error != 0) error_ = error;
  }

  posix_spawnattr_t attributes_;
  posix_spawn_file_actions_t actions_;
  int error_ = 0;
};

}  // namespace

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) {
    pointers.push_back(const_cast<char*>(text.c_str()));
  }
  pointers.push_back(nullptr);
  return pointers;
}

Result<ProcessIdentity> LaunchRunner(const std::string& program,
                                     const std::vector<std::string>& arguments,
                                     const Environment& environment,
                                     const std::string& log) {
  std::vector<std::string> words = {program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> entries;
  for (const auto& [name, value] : environment) {
    entries.push_back(name + '=' + value);
  }
  const SpawnSettings settings(log);
  pid_t pid = 0;
  int error = settings.error();
  if (error == 0) {
    // Never fork: copying the page tables of a daemon of 1 GB takes 8 ms.
    error = ::posix_spawn(&pid, program.c_str(), settings.actions(),
                          settings.attributes(), Pointers(words).data(),
                          Pointers(entries).data());
  }
  if (error == E2BIG) {
    return Refused(
        "command and environment are together longer than the system takes: "
        "put them into a file");
  }
  if (error != 0) {
    return Trouble("cannot start {}: {}", program, std::strerror(error));
  }
  // Not waited for yet, so the number is still this child's, even if it ended.
  const auto stat = ReadStat(pid);
  if (!stat.value) {
    return Trouble("cannot read /proc/{}/stat of a new runner: {}", pid,
                   std::strerror(stat.error != 0 ? stat.error : ESRCH));
  }
  return stat.value->who;
}

}  // namespace carbond
