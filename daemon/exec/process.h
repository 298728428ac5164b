#pragma once
// Processes of this machine as /proc shows them, and handles on them that
// cannot be mistaken for another process with the same number. A process id
// alone names nothing: on a busy machine it comes back within half a minute.
// Standard library only, since carbon-runner uses it too. Stateless: safe to
// call from any thread.

#include <sys/types.h>

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/exec/descriptor.h"

namespace carbond {

// One process of this boot. `start_ticks` is field 22 of /proc/PID/stat: clock
// ticks from boot to its start.
struct ProcessIdentity {
  pid_t pid = 0;
  uint64_t start_ticks = 0;
  friend bool operator==(const ProcessIdentity&,
                         const ProcessIdentity&) = default;
};

struct ProcessStat {
  ProcessIdentity who;
  char state = '?';  // R, S, D, T (stopped), t (traced), Z (zombie), ...
  pid_t parent = 0;
  pid_t group = 0;
};

// Ended, with nothing left but its number: a zombie, or about to be one.
inline bool IsOver(const ProcessStat& stat) {
  return stat.state == 'Z' || stat.state == 'X' || stat.state == 'x';
}
inline bool IsStopped(const ProcessStat& stat) {
  return stat.state == 'T' || stat.state == 't';
}

// The line of /proc/PID/stat. The name of the program stands in it and may
// hold spaces and parentheses.
std::optional<ProcessStat> ParseStat(std::string_view line);
Found<ProcessStat> ReadStat(pid_t pid);

// Is this very process there, and more than a zombie?
Found<ProcessStat> FindAlive(const ProcessIdentity& who);

// Nothing when /proc could not be read. Processes come and go meanwhile: one
// that moves up to a new parent may be missed, so who needs to be sure looks
// again.
std::optional<std::vector<ProcessStat>> AllProcesses();
std::optional<std::vector<ProcessStat>> DescendantsOf(pid_t ancestor);
// Those among `all` that descend from one of `roots`.
std::vector<ProcessStat> FamilyOf(const std::set<pid_t>& roots,
                                  const std::vector<ProcessStat>& all);
// The children of the calling thread, zombies too: a single read. Empty also
// where the kernel does not tell (CONFIG_PROC_CHILDREN).
std::vector<pid_t> OwnChildren();

// Names this boot of the machine: process numbers mean nothing after the next.
std::string ReadBootId();

// A pidfd of exactly this process; nothing when it is gone.
Found<UniqueFd> OpenProcess(const ProcessIdentity& who);

// Each gives errno, or 0. QueueSignal hands a number along with a real-time
// signal.
int SendSignal(int pidfd, int signal);
int QueueSignal(int pidfd, int signal, int value);

// To exactly this process; a process that is gone is no error.
int SendSignal(const ProcessIdentity& who, int signal);

}  // namespace carbond
