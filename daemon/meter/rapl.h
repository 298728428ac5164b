#pragma once
// RAPL: what CPU packages and their memory drew, by counters of the CPU itself,
// as Linux shows them below /sys/class/powercap
// (Documentation/power/powercap/powercap.rst of the kernel). Standard library
// only.
//
// Taken are the packages (`package-0`, `package-0-die-1`) and the `dram` below
// them, which no package counts. Left out are `core` and `uncore`, which are
// parts of the package, `psys`, which holds packages, and `intel-rapl-mmio`,
// which shows the same package a second time. Since CVE-2020-8694 the counters
// may be read by root alone, unless somebody gives leave.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace carbond {

struct RaplDomain {
  std::string name;  // "intel-rapl:0", unique
  std::string path;  // of energy_uj
  int64_t wrap_uj = 0;
};

struct RaplDomains {
  std::vector<RaplDomain> domains;
  std::string complaint;  // why there are none, and what mends it
};
// Those that can be read. All or none: half a machine's energy is not shared.
RaplDomains FindRapl(const std::string& powercap);

// By domain; one that cannot be read just now is left out.
std::map<std::string, int64_t> ReadRapl(const RaplDomains& rapl);

}  // namespace carbond
