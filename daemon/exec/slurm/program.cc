#include "daemon/exec/slurm/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "daemon/clock.h"
#include "daemon/exec/descriptor.h"
#include "daemon/exec/launch.h"

namespace carbond {
namespace {

constexpr size_t kMostOutput = 64 << 20;

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

std::optional<Pipe> MakePipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

// What exec would do, with the PATH of the program and not our own.
std::string FindInPath(const std::string& program, const Environment& env) {
  if (program.find('/') != std::string::npos) return program;
  const auto found = env.find("PATH");
  const std::string path =
      found == env.end() ? "/usr/local/bin:/usr/bin:/bin" : found->second;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find(':', begin), path.size());
    std::string file = path.substr(begin, end - begin) + '/' + program;
    if (::access(file.c_str(), X_OK) == 0) return file;
    begin = end + 1;
  }
  return {};
}

class Spawn {
 public:
  Spawn(int out, int err) {
    ::posix_spawnattr_init(&attributes_);
    ::posix_spawn_file_actions_init(&actions_);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP |
                                                 POSIX_SPAWN_SETSIGMASK |
                                                 POSIX_SPAWN_SETSIGDEF);
    ::posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions_, out, 1);
    ::posix_spawn_file_actions_adddup2(&actions_, err, 2);
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, 3);
    ::posix_spawn_file_actions_addchdir_np(&actions_, "/");
  }
  Spawn(const Spawn&) = delete;
  Spawn& operator=(const Spawn&) = delete;
  ~Spawn() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }

  int operator()(const std::string& file, const std::vector<std::string>& words,
                 const std::vector<std::string>& env, pid_t& pid) {
    return ::posix_spawn(&pid, file.c_str(), &actions_, &attributes_,
                         Pointers(words).data(), Pointers(env).data());
  }

 private:
  posix_spawnattr_t attributes_;
  posix_spawn_file_actions_t actions_;
};

// Until both are closed. False when the time is over, or it is too much.
bool ReadBoth(Pipe& out, Pipe& err, ProgramEnd& end, Duration until) {
  std::array<std::pair<UniqueFd*, std::string*>, 2> streams = {
      {{&out.read, &end.out}, {&err.read, &end.err}}};
  std::array<char, 65536> buffer;
  while (*streams[0].first || *streams[1].first) {
    std::array<pollfd, 2> polled = {};
    for (size_t i = 0; i < 2; ++i) {
      polled[i] = {streams[i].first->get(), POLLIN, 0};  // -1 is passed over
    }
    const Duration left = until - SystemClock::SinceBoot();
    if (left <= Duration(0)) return false;
    const int ready =
        ::poll(polled.data(), polled.size(), static_cast<int>(left.count()));
    if (ready < 0 && errno != EINTR) return false;
    if (ready <= 0) continue;
    for (size_t i = 0; i < 2; ++i) {
      if (polled[i].revents == 0) continue;
      const ssize_t n = ::read(polled[i].fd, buffer.data(), buffer.size());
      if (n > 0) {
        streams[i].second->append(buffer.data(), static_cast<size_t>(n));
        if (streams[i].second->size() > kMostOutput) return false;
      } else if (n == 0 || errno != EINTR) {
        *streams[i].first = UniqueFd();
      }
    }
  }
  return true;
}

}  // namespace

Result<ProgramEnd> RunProgram(const std::string& program,
                              const std::vector<std::string>& arguments,
                              const Environment& environment, Duration limit) {
  const Duration until = SystemClock::SinceBoot() + limit;
  const std::string file = FindInPath(program, environment);
  if (file.empty()) return Missing("{} was not found in PATH", program);
  std::optional<Pipe> out = MakePipe();
  std::optional<Pipe> err = MakePipe();
  if (!out || !err) {
    return Trouble("cannot start {}: {}", program, std::strerror(errno));
  }
  std::vector<std::string> words = {program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> entries;
  for (const auto& [name, value] : environment) {
    entries.push_back(name + '=' + value);
  }
  pid_t pid = 0;
  Spawn spawn(out->write.get(), err->write.get());
  if (const int error = spawn(file, words, entries, pid)) {
    return Trouble("cannot start {}: {}", file, std::strerror(error));
  }
  out->write = UniqueFd();
  err->write = UniqueFd();
  ProgramEnd end;
  if (!ReadBoth(*out, *err, end, until)) {
    end.timed_out = true;
    ::kill(-pid, SIGKILL);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!end.timed_out && WIFEXITED(status)) end.code = WEXITSTATUS(status);
  return end;
}

}  // namespace carbond
