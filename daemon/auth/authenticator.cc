#include "daemon/auth/authenticator.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "daemon/auth/munge.h"
#include "daemon/unix_user.h"

namespace carbond {
namespace {

// munged takes at most 1 MiB, and ours hold a line.
constexpr size_t kLongestCredential = 4096;

Status Stopping() { return Trouble("carbond is stopping"); }

}  // namespace

Authenticator::Authenticator(AuthenticatorOptions options)
    : options_(std::move(options)), stop_(::eventfd(0, EFD_CLOEXEC)) {
  CARBOND_INVARIANT(stop_, "no descriptor for an event: errno {}", errno);
  for (int i = 0; i < options_.threads; ++i) {
    threads_.emplace_back([this] { Run(); });
  }
}

Authenticator::~Authenticator() { Stop(); }

std::string Authenticator::Challenge() {
  return fmt::format("munge uid={}", ::geteuid());
}

void Authenticator::Identify(std::string credential, Words words,
                             Answer answer) {
  Status refusal;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      refusal = Stopping();
    } else if (waiting_.size() >= options_.most_waiting) {
      refusal = Trouble("too many requests wait: try again a little later");
    } else {
      waiting_.push_back(
          {std::move(credential), std::move(words), std::move(answer)});
      changed_.notify_one();
      return;
    }
  }
  answer(refusal);
}

void Authenticator::Stop() {
  std::deque<Request> unanswered;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(stopping_, true)) return;
    unanswered.swap(waiting_);
  }
  changed_.notify_all();
  ::eventfd_write(stop_.get(), 1);
  for (const Request& request : unanswered) request.answer(Stopping());
  for (std::thread& thread : threads_) thread.join();
}

void Authenticator::Run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    const Request request = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    request.answer(Decode(request));
    lock.lock();
  }
}

Result<Caller> Authenticator::Decode(const Request& request) const {
  if (request.credential.size() > kLongestCredential) {
    return absl::UnauthenticatedError(
        fmt::format("a credential of {} bytes is none of carbonctl's",
                    request.credential.size()));
  }
  const ProgramCall unmunge = {"unmunge",
                               UnmungeArguments(options_.socket),
                               options_.environment,
                               options_.limit,
                               request.credential,
                               stop_.get()};
  CARBOND_ASSIGN_OR_RETURN(const ProgramEnd end, RunProgram(unmunge));
  CARBOND_ASSIGN_OR_RETURN(const uid_t uid,
                           CheckCredential(end, request.words()));
  const Result<UnixUser> user = FindUser(uid);
  if (absl::IsNotFound(user.status())) {
    return absl::PermissionDeniedError(Message(user.status()));
  }
  if (!user.ok()) return user.status();
  const bool is_admin =
      uid == 0 || uid == ::geteuid() || options_.admins.contains(user->name);
  return Caller{uid, user->name, is_admin};
}

std::unique_ptr<Authenticator> MakeAuthenticator(const Config& config) {
  if (!config.users.authenticate) return nullptr;
  AuthenticatorOptions options;
  options.socket = config.users.munge_socket;
  options.admins = {config.users.admins.begin(), config.users.admins.end()};
  for (const auto& [name, value] : OwnEnvironment()) {
    if (name == "PATH") options.environment[name] = value;
  }
  return std::make_unique<Authenticator>(std::move(options));
}

}  // namespace carbond
