#include "daemon/exec/slurm/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
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

}  // namespace

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

namespace {

class Spawn {
 public:
  Spawn(int in, int out, int err) {
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
    if (in >= 0) {
      ::posix_spawn_file_actions_adddup2(&actions_, in, 0);
    } else {
      ::posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY,
                                         0);
    }
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

// A file in memory that holds the input, at its beginning.
UniqueFd InputOf(const std::string& text) {
  UniqueFd fd(::memfd_create("input", MFD_CLOEXEC));
  if (!fd || WriteAll(fd.get(), text.data(), text.size()) != 0 ||
      ::lseek(fd.get(), 0, SEEK_SET) != 0) {
    return UniqueFd();
  }
  return fd;
}

// Reads what a program prints until it has ended; what is left of it then, and
// holds the pipes, is not waited for.
class Listening {
 public:
  Listening(Pipe& out, Pipe& err, ProgramEnd& end)
      : streams_{{{&out.read, &end.out}, {&err.read, &end.err}}} {}

  // False when the time is over, it is too much, or `stop` can be read.
  bool UntilEnded(int process, int stop, Duration until) {
    for (bool ended = false;;) {
      if (process < 0 && !*streams_[0].first && !*streams_[1].first) {
        return true;
      }
      // A descriptor of -1 is passed over.
      std::array<pollfd, 4> polled = {{{streams_[0].first->get(), POLLIN, 0},
                                       {streams_[1].first->get(), POLLIN, 0},
                                       {process, POLLIN, 0},
                                       {stop, POLLIN, 0}}};
      const Duration left = until - SystemClock::SinceBoot();
      if (left <= Duration(0)) return false;
      const int ready = ::poll(polled.data(), polled.size(),
                               ended ? 0 : static_cast<int>(left.count()));
      if (ready < 0 && errno != EINTR) return false;
      if (polled[3].revents != 0) return false;
      const bool printed = polled[0].revents != 0 || polled[1].revents != 0;
      if (ended && !printed) return true;
      if (ready <= 0) continue;
      for (size_t i = 0; i < 2; ++i) {
        if (polled[i].revents != 0 && !Take(i)) return false;
      }
      ended = ended || polled[2].revents != 0;
    }
  }

 private:
  bool Take(size_t i) {
    auto& [fd, text] = streams_[i];
    const ssize_t n = ::read(fd->get(), buffer_.data(), buffer_.size());
    if (n > 0) {
      text->append(buffer_.data(), static_cast<size_t>(n));
      return text->size() <= kMostOutput;
    }
    if (n == 0 || errno != EINTR) *fd = UniqueFd();
    return true;
  }

  std::array<std::pair<UniqueFd*, std::string*>, 2> streams_;
  std::array<char, 65536> buffer_;
};

}  // namespace

Result<ProgramEnd> RunProgram(const ProgramCall& call) {
  const Duration until = SystemClock::SinceBoot() + call.limit;
  const std::string file = FindInPath(call.program, call.environment);
  if (file.empty()) return Missing("{} was not found in PATH", call.program);
  const auto failed = [&] {
    return Trouble("cannot start {}: {}", call.program, std::strerror(errno));
  };
  UniqueFd input;
  if (!call.input.empty() && !(input = InputOf(call.input))) return failed();
  std::optional<Pipe> out = MakePipe();
  std::optional<Pipe> err = MakePipe();
  if (!out || !err) return failed();
  std::vector<std::string> words = {call.program};
  words.insert(words.end(), call.arguments.begin(), call.arguments.end());
  std::vector<std::string> entries;
  for (const auto& [name, value] : call.environment) {
    entries.push_back(name + '=' + value);
  }
  pid_t pid = 0;
  Spawn spawn(input.get(), out->write.get(), err->write.get());
  if (const int error = spawn(file, words, entries, pid)) {
    return Trouble("cannot start {}: {}", file, std::strerror(error));
  }
  out->write = UniqueFd();
  err->write = UniqueFd();
  // Of a child that is not waited for yet, so that the number is still its own.
  // Without it (no descriptor is left) the closing of its output is its end.
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  ProgramEnd end;
  if (!Listening(*out, *err, end).UntilEnded(process.get(), call.stop, until)) {
    end.timed_out = true;
    ::kill(-pid, SIGKILL);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!end.timed_out && WIFEXITED(status)) end.code = WEXITSTATUS(status);
  return end;
}

Result<ProgramEnd> RunProgram(const std::string& program,
                              const std::vector<std::string>& arguments,
                              const Environment& environment, Duration limit) {
  return RunProgram({program, arguments, environment, limit});
}

}  // namespace carbond
