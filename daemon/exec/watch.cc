#include "daemon/exec/watch.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "daemon/clock.h"

namespace carbond {
namespace {

constexpr uint64_t kQuitToken = 0;
constexpr uint64_t kDirectoryToken = 1;

bool AddToPoll(int poll, int fd, uint64_t token) {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.u64 = token;
  return ::epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) == 0;
}

void Drain(int fd) {
  alignas(inotify_event) std::array<char, 16 * 1024> buffer;
  while (::read(fd, buffer.data(), buffer.size()) > 0) {
  }
}

// A runner that this process started is its child and must be waited for; one
// found after a restart is not, and its reaper is somebody else.
void Reap(int pidfd) {
  siginfo_t info = {};
  ::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG);
}

}  // namespace

Result<std::unique_ptr<RunnerWatch>> RunnerWatch::Open(
    const std::string& runs_dir, std::function<void()> wake) {
  UniqueFd poll(::epoll_create1(EPOLL_CLOEXEC));
  UniqueFd quit(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  // A runner touches its directory when the job begins or is suspended. One
  // watch on the folder above sees them all, also those that were started by
  // an earlier daemon.
  UniqueFd directory(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!poll || !quit || !directory ||
      ::inotify_add_watch(directory.get(), runs_dir.c_str(),
                          IN_ATTRIB | IN_ONLYDIR) < 0 ||
      !AddToPoll(poll.get(), quit.get(), kQuitToken) ||
      !AddToPoll(poll.get(), directory.get(), kDirectoryToken)) {
    return Trouble(
        "cannot watch {}: {}; raise the limit of open files or "
        "fs.inotify.max_user_instances",
        runs_dir, std::strerror(errno));
  }
  return std::unique_ptr<RunnerWatch>(new RunnerWatch(
      std::move(poll), std::move(quit), std::move(directory), std::move(wake)));
}

RunnerWatch::RunnerWatch(UniqueFd poll, UniqueFd quit, UniqueFd directory,
                         std::function<void()> wake)
    : poll_(std::move(poll)),
      quit_(std::move(quit)),
      directory_(std::move(directory)),
      wake_(std::move(wake)),
      thread_([this] { Loop(); }) {}

RunnerWatch::~RunnerWatch() {
  const uint64_t one = 1;
  CARBOND_INVARIANT(::write(quit_.get(), &one, sizeof one) == sizeof one, "{}",
                    std::strerror(errno));
  thread_.join();
}

bool RunnerWatch::Add(ProcessId id, UniqueFd pidfd) {
  Drop(id);
  const std::lock_guard lock(mutex_);
  const uint64_t token = next_token_++;
  if (!AddToPoll(poll_.get(), pidfd.get(), token)) return false;
  by_token_[token] = id;
  entries_[id] = Entry{token, std::move(pidfd), std::nullopt};
  return true;
}

void RunnerWatch::Drop(ProcessId id) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  if (found->second.pidfd) {
    ::epoll_ctl(poll_.get(), EPOLL_CTL_DEL, found->second.pidfd.get(), nullptr);
    Reap(found->second.pidfd.get());  // it may have ended just now
  }
  by_token_.erase(found->second.token);
  entries_.erase(found);
}

RunnerWatch::State RunnerWatch::Look(ProcessId id) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return {};
  return {!found->second.ended, found->second.ended};
}

bool RunnerWatch::OnEnd(uint64_t token) {
  const std::lock_guard lock(mutex_);
  const auto id = by_token_.find(token);
  if (id == by_token_.end()) return false;  // dropped meanwhile
  Entry& entry = entries_.at(id->second);
  Reap(entry.pidfd.get());
  ::epoll_ctl(poll_.get(), EPOLL_CTL_DEL, entry.pidfd.get(), nullptr);
  entry.pidfd = UniqueFd();
  entry.ended = SystemClock::RealNow();
  by_token_.erase(id);
  return true;
}

void RunnerWatch::Loop() {
  std::array<epoll_event, 64> events;
  while (true) {
    const int count = ::epoll_wait(poll_.get(), events.data(),
                                   static_cast<int>(events.size()), -1);
    if (count < 0 && errno == EINTR) continue;
    CARBOND_INVARIANT(count > 0, "{}", std::strerror(errno));
    bool news = false;
    for (int i = 0; i < count; ++i) {
      const uint64_t token = events[static_cast<size_t>(i)].data.u64;
      if (token == kQuitToken) return;
      if (token == kDirectoryToken) {
        Drain(directory_.get());
        news = true;
      } else {
        news |= OnEnd(token);
      }
    }
    if (news) wake_();
  }
}

}  // namespace carbond
