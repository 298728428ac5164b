#pragma once
// Where things of a run stand below the daemon's state_dir, and, what all
// regions need, below its shared_dir. Pure.

#include <string>

#include "scheduler/ports.h"

namespace carbond {

inline std::string RunsDir(const std::string& state_dir) {
  return state_dir + "/runs";
}
inline std::string RunDir(const std::string& state_dir, ProcessId id) {
  return fmt::format("{}/runs/{}.{}", state_dir, Number(id.job), id.process);
}

// A continued process goes on writing to the logs it began with.
inline std::string LogDir(const std::string& shared_dir, JobId job) {
  return fmt::format("{}/logs/{}", shared_dir, Number(job));
}
enum class LogStream { kOut, kErr };
inline std::string LogPath(const std::string& shared_dir, ProcessId id,
                           LogStream stream) {
  return fmt::format("{}/{}.{}", LogDir(shared_dir, id.job), id.process,
                     stream == LogStream::kOut ? "out" : "err");
}

inline std::string CheckpointDir(const std::string& shared_dir, JobId job) {
  return fmt::format("{}/checkpoints/{}", shared_dir, Number(job));
}

}  // namespace carbond
