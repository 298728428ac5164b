#pragma once
// Shares what a machine's CPU packages drew among carbond's runs on it, so that
// no microjoule is counted twice. Standard library only.
//
// The rule. Between two looks the packages drew E, while the machine's CPUs
// were busy for B and idle for I. Of E,
//
//   the busy part, E x B / (B + I), is shared by CPU time: a run whose
//     processes used C gets C / B of it;
//   the idle part, the rest, by CPUs allotted: a run with A of the machine's N
//     CPUs gets A / N of it, used or not, for they are kept for it.
//
// What other programs used, and CPUs that no run has, stay nobody's. The shares
// of a look can never exceed E: the C of all runs are divided by at least their
// sum (max(B, sum of C), since the kernel's ticks are coarse), so are the A
// (max(N, sum of A)), and each division rounds down.
//
// That holds only if all runs are looked at in the same instant. So they have
// one book, a small file of this user in memory that lives as long as the boot
// (and as the counters): whoever looks, looks for all, under a lock. Runs of
// other users have books of their own; for them the rule holds as well as their
// looks coincide.

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/meter/counter.h"
#include "daemon/meter/procfs.h"
#include "daemon/meter/rapl.h"

namespace carbond {

// A run, by the process that all its processes descend from.
struct BookedRun {
  pid_t root = 0;
  uint64_t start_ticks = 0;
  int cpus = 0;          // allotted
  int64_t cpu_us = 0;    // used by the last look
  int64_t share_uj = 0;  // since it joined
};

struct BookPage {
  int64_t at_ms = 0;  // since boot
  int64_t busy_us = 0;
  int64_t idle_us = 0;
  std::map<std::string, int64_t> counts_uj;  // of each domain
  std::vector<BookedRun> runs;
};

// A look at the machine. `cpu_us` of each run of the page, in their order;
// nothing: it is gone.
struct MachineLook {
  int64_t at_ms = 0;
  MachineTimes times;
  std::map<std::string, int64_t> counts_uj;
  std::map<std::string, int64_t> wraps_uj;
  std::vector<std::optional<int64_t>> cpu_us;
};

// Shares what was drawn since the page's look; the page becomes this one's.
// Pure. Nothing changes when no time has passed by the kernel's ticks.
void ShareOut(BookPage& page, const MachineLook& look);

std::string Format(const BookPage& page);
std::optional<BookPage> ParseBookPage(const std::string& text);

struct BookPlace {
  std::string file;  // its folder is made, for this user alone
  std::string proc = "/proc";
  int64_t fresh_ms = 5000;  // a look younger than this serves another run, too
};

// One run's share.
class MachineBook : public EnergyCounter {
 public:
  // Joins: what was drawn before is not its own. Null, and why, when the book
  // cannot be used.
  static std::unique_ptr<MachineBook> Open(BookPlace place, RaplDomains rapl,
                                           pid_t root, uint64_t start_ticks,
                                           int cpus, std::string& complaint);
  std::optional<int64_t> Read() override;
  // The next answer rests on a look of its own.
  void LookAnew() { anew_ = true; }

 private:
  MachineBook(BookPlace place, RaplDomains rapl, BookedRun self)
      : place_(std::move(place)), rapl_(std::move(rapl)), self_(self) {}
  bool Turn(bool join);  // a look, and the page of it; false: errno
  std::optional<MachineLook> Look(const BookPage& page) const;

  // Fixed after construction
  const BookPlace place_;
  const RaplDomains rapl_;

  BookedRun self_;
  bool anew_ = true;
  // When its share in the book began again at zero (another carbond's cleaning,
  // a torn page), what it had until then.
  int64_t before_uj_ = 0;
};

}  // namespace carbond
