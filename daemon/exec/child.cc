#include "daemon/exec/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "daemon/exec/descriptor.h"

namespace carbond {
namespace {

// What the child, as it fails, says through a pipe that a successful exec
// closes without a word.
struct Failure {
  int error = 0;
  bool in_workdir = false;
};

// Between fork and exec. Returns only when something failed.
Failure Become(const std::vector<std::string>& command,
               const std::string& workdir, int out, int err) {
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null < 0 || ::dup2(null, 0) < 0 || ::dup2(out, 1) < 0 ||
      ::dup2(err, 2) < 0) {
    return {errno, false};
  }
  if (::chdir(workdir.c_str()) != 0) return {errno, true};
  std::vector<char*> arguments;
  for (const std::string& word : command) {
    arguments.push_back(const_cast<char*>(word.c_str()));
  }
  arguments.push_back(nullptr);
  // As a program expects to find them, whatever the daemon had made of them.
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execvp(arguments[0], arguments.data());
  return {errno, false};
}

}  // namespace

Child StartChild(const std::vector<std::string>& command,
                 const std::string& workdir, int out, int err) {
  std::array<int, 2> report = {};
  if (::pipe2(report.data(), O_CLOEXEC) != 0) return {0, errno, false};
  const UniqueFd reader(report[0]);
  UniqueFd writer(report[1]);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return {0, errno, false};
  if (child == 0) {
    ::setsid();
    // A job whose runner was killed would draw power until somebody looks.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);  // it died before that
    const Failure failure = Become(command, workdir, out, err);
    (void)!::write(writer.get(), &failure, sizeof failure);
    ::_exit(127);
  }
  writer = UniqueFd();
  Failure failure;
  if (::read(reader.get(), &failure, sizeof failure) !=
      static_cast<ssize_t>(sizeof failure)) {
    return {child, 0, false};
  }
  ::waitpid(child, nullptr, 0);
  return {0, failure.error, failure.in_workdir};
}

}  // namespace carbond
