#include "daemon/exec/meter_link.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace carbond {
namespace {

constexpr int kControl = 3;  // as meter_main.cc knows it
// Of a driver that nobody else keeps loaded the first answer takes seconds.
constexpr int kFirstMs = 5000;
constexpr int kLastMs = 3000;

// The job's own environment is none of the meter's, and by it the daemon would
// take it for a process of the job. What it is told of itself stays.
std::vector<std::string> MeterEnvironment() {
  std::vector<std::string> kept;
  for (char** entry = ::environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    for (const char* name :
         {"PATH=", "HOME=", "LANG=", "CARBON_JOB_ID=", "CARBON_RUN=",
          "CARBON_REGION=", "CUDA_VISIBLE_DEVICES=", "SLURM_JOB_ID=",
          "SLURM_CONF=", "SLURMD_NODENAME="}) {
      if (text.rfind(name, 0) == 0) kept.push_back(text);
    }
  }
  return kept;
}

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) {
    pointers.push_back(const_cast<char*>(text.c_str()));
  }
  pointers.push_back(nullptr);
  return pointers;
}

[[noreturn]] void Become(const std::vector<std::string>& command, int socket) {
  ::setsid();
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  ::dup2(null, 0);
  ::dup2(null, 1);
  if (socket == kControl) {
    ::fcntl(kControl, F_SETFD, 0);
  } else {
    ::dup2(socket, kControl);
  }
  ::close_range(kControl + 1, ~0U, 0);
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const std::vector<std::string> environment = MeterEnvironment();
  ::execve(command[0].c_str(), Pointers(command).data(),
           Pointers(environment).data());
  std::fprintf(stderr,
               "carbon-runner: %s: %s; it belongs beside carbon-runner, and "
               "without it energy is modelled\n",
               command[0].c_str(), std::strerror(errno));
  ::_exit(127);
}

}  // namespace

MeterLink MeterLink::Start(const std::vector<std::string>& command) {
  MeterLink link;
  std::array<int, 2> ends = {};
  if (command.empty() ||
      ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return link;
  }
  link.socket_ = UniqueFd(ends[0]);
  UniqueFd other(ends[1]);
  std::vector<std::string> words = command;
  words.push_back("--root");
  words.push_back(std::to_string(::getpid()));
  // Twice, so that it belongs to who takes orphans above us, and is seen by
  // nobody who looks for what is left of the job.
  const pid_t between = ::fork();
  if (between == 0) {
    const pid_t meter = ::fork();
    if (meter == 0) Become(words, other.get());
    ::_exit(meter > 0 ? 0 : 1);
  }
  if (between > 0) ::waitpid(between, nullptr, 0);
  other = UniqueFd();
  link.Await(kFirstMs);
  return link;
}

void MeterLink::Say(char word) {
  if (!socket_) return;
  if (::send(socket_.get(), &word, 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
    socket_ = UniqueFd();  // it has left
  }
}

// For its answer, or its leaving.
void MeterLink::Await(int milliseconds) {
  if (!socket_) return;
  pollfd ready = {socket_.get(), POLLIN, 0};
  char word = 0;
  if (::poll(&ready, 1, milliseconds) == 1 &&
      ::recv(socket_.get(), &word, 1, MSG_DONTWAIT) <= 0) {
    socket_ = UniqueFd();
  }
}

void MeterLink::SayEnded() {
  char late = 0;  // the first answer, if it was not waited for
  if (socket_) ::recv(socket_.get(), &late, 1, MSG_DONTWAIT);
  Say('e');
  Await(kLastMs);
  socket_ = UniqueFd();
}

}  // namespace carbond
