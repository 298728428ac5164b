#pragma once
// CPU time of process trees and of the whole machine, from /proc. Standard
// library only, since carbon-meter uses it. Stateless.

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace carbond {

// One process of /proc/PID/stat. Times are microseconds, in steps of the
// kernel's tick (10 ms).
struct ProcessTimes {
  pid_t parent = 0;
  uint64_t start_ticks = 0;  // tells it from a later one of the same number
  int64_t own_us = 0;
  int64_t children_us = 0;  // of those that ended and were waited for
};
std::optional<ProcessTimes> ParseProcessTimes(std::string_view line,
                                              int64_t ticks_per_second);

using ProcessTable = std::map<pid_t, ProcessTimes>;
ProcessTable ReadProcesses(const std::string& proc);

// CPU time of a process and all its descendants, those included that have
// ended. Whole as long as the root is a reaper of orphans, as carbon-runner is,
// and nobody in between ignores SIGCHLD. Nothing when the root is gone.
std::optional<int64_t> TreeTime(const ProcessTable& all, pid_t root,
                                uint64_t start_ticks);

// Of all CPUs together, since boot.
struct MachineTimes {
  int64_t busy_us = 0;
  int64_t idle_us = 0;  // waiting for storage is idle
  int cpus = 0;
};
std::optional<MachineTimes> ParseMachineTimes(std::string_view stat,
                                              int64_t ticks_per_second);
std::optional<MachineTimes> ReadMachineTimes(const std::string& proc);

// Milliseconds since boot, by a clock that never jumps and counts while the
// machine sleeps.
int64_t SinceBootMillis();

// A whole small file of /proc, /sys or a run. Nothing: errno says why.
std::optional<std::string> ReadText(const std::string& path);

}  // namespace carbond
