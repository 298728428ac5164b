#pragma once
// One daemon per state directory. Taken before anything is bound, since gRPC
// would let a second daemon take over a Unix socket without a word.

#include <string>
#include <utility>

#include "scheduler/result.h"

namespace carbond {

// Holds the directory while it lives. The kernel lets go of it when the process
// ends, however it ends; the runners of jobs do not inherit it.
class StateLock {
 public:
  // Makes the directory (mode 0750) and its folders runs, logs and checkpoints
  // where they are missing, and takes the lock. Refuses with
  // `state directory X is in use by carbond (pid N); ...`.
  static Result<StateLock> Take(const std::string& state_dir);

  // Whether a daemon has been there before.
  static bool WasEverTaken(const std::string& state_dir);

  StateLock(StateLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  StateLock& operator=(StateLock&&) = delete;
  ~StateLock();

 private:
  explicit StateLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace carbond
