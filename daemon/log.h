#pragma once
// The daemon's log: one line per thing, a sentence first and then what it is
// about as key=value; a line about a job carries job=ID. Never the values of a
// job's environment, nor its command's arguments, since secrets stand there.

#include <chrono>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "daemon/config.h"

namespace carbond {

// Where the log goes: stderr or a file, from Open on until it dies.
class Log {
 public:
  static Result<std::unique_ptr<Log>> Open(const LogConfig& config);
  ~Log();

  // Opens the file anew, after it was moved away (SIGHUP). Goes on with the old
  // one when that fails.
  void Reopen();

 private:
  class Impl;
  explicit Log(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// What a committed batch says: events of jobs at info level, what is only
// measured, planned or heard of the grid at debug level. Many submissions in
// one batch are one line.
void LogBatch(const Batch& batch);

// What the doors could not do and will try again: said when it begins, and then
// once in a while as long as it lasts. One thread's.
class TroubleLog {
 public:
  void Log(std::span<const Status> troubles);

 private:
  using Steady = std::chrono::steady_clock;
  struct Seen {
    Steady::time_point said;
    Steady::time_point last;
  };
  std::map<std::string, Seen> seen_;
};

}  // namespace carbond
