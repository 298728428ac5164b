#pragma once
// Finds out who calls, from the credential that came with a call. On threads of
// its own, since munged may be slow or away: neither the engine nor a handler
// waits for it. Safe to call from any thread.

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "daemon/auth/caller.h"
#include "daemon/config.h"
#include "daemon/exec/command.h"
#include "daemon/exec/descriptor.h"

namespace carbond {

struct AuthenticatorOptions {
  std::string socket;            // munged's; empty: where it usually is
  std::set<std::string> admins;  // beside root and the user carbond runs as
  Environment environment;       // of unmunge
  Duration limit = seconds(10);  // for an answer of unmunge
  int threads = 4;
  size_t most_waiting = 10'000;
};

class Authenticator {
 public:
  using Words = std::function<std::string()>;
  using Answer = std::function<void(Result<Caller>)>;

  explicit Authenticator(AuthenticatorOptions options);
  ~Authenticator();  // stops

  // What a call without a credential is told: who must be able to read it.
  static std::string Challenge();

  // Answers exactly once, on another thread or, when it is refused at once, on
  // this one. `words` gives what the credential has to vouch for.
  void Identify(std::string credential, Words words, Answer answer);

  // Answers all that wait with UNAVAILABLE, and so whoever comes later.
  void Stop();

 private:
  struct Request {
    std::string credential;
    Words words;
    Answer answer;
  };
  void Run();
  Result<Caller> Decode(const Request& request) const;

  // Fixed after construction
  const AuthenticatorOptions options_;
  UniqueFd stop_;  // can be read once it is time to end

  // Guarded by mutex_
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Request> waiting_;
  bool stopping_ = false;

  std::vector<std::thread> threads_;
};

// Null where nobody is asked who he is.
std::unique_ptr<Authenticator> MakeAuthenticator(const Config& config);

}  // namespace carbond
