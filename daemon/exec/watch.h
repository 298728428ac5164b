#pragma once
// Calls back as soon as a watched runner has exited, or has said that something
// changed in its directory, so that nobody has to look all the time. One thread
// of its own; safe to call from any thread.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "daemon/exec/descriptor.h"
#include "scheduler/ports.h"

namespace carbond {

class RunnerWatch {
 public:
  // `runs_dir` holds the directories of the runs. `wake` is called on the
  // watch's own thread and must return at once.
  static Result<std::unique_ptr<RunnerWatch>> Open(const std::string& runs_dir,
                                                   std::function<void()> wake);
  ~RunnerWatch();  // no call of `wake` after it

  // Watches the process behind the pidfd, in place of what was watched for
  // this id before. False when the kernel refuses to watch more.
  bool Add(ProcessId id, UniqueFd pidfd);
  void Drop(ProcessId id);

  struct State {
    bool watched = false;          // and not seen to end
    std::optional<Instant> ended;  // on the machine's clock
  };
  State Look(ProcessId id);

 private:
  struct Entry {
    uint64_t token = 0;
    UniqueFd pidfd;  // closed once it has ended
    std::optional<Instant> ended;
  };

  RunnerWatch(UniqueFd poll, UniqueFd quit, UniqueFd directory,
              std::function<void()> wake);
  void Loop();
  bool OnEnd(uint64_t token);

  // Fixed after construction
  UniqueFd poll_;
  UniqueFd quit_;
  UniqueFd directory_;
  std::function<void()> wake_;

  std::mutex mutex_;
  // Guarded by mutex_
  std::map<ProcessId, Entry> entries_;
  std::map<uint64_t, ProcessId> by_token_;
  uint64_t next_token_ = 2;  // below stand the watch's own descriptors

  std::thread thread_;
};

}  // namespace carbond
