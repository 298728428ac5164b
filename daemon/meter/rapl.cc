#include "daemon/meter/rapl.h"

#include <dirent.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>

#include "daemon/meter/procfs.h"

namespace carbond {
namespace {

std::string FirstLine(const std::string& path) {
  const auto text = ReadText(path);
  return text ? text->substr(0, text->find('\n')) : "";
}

std::optional<int64_t> ReadCount(const std::string& path) {
  const auto text = ReadText(path);
  if (!text) return std::nullopt;
  int64_t count = 0;
  const auto result =
      std::from_chars(text->data(), text->data() + text->size(), count);
  if (result.ec != std::errc() || count < 0) {
    errno = EIO;
    return std::nullopt;
  }
  return count;
}

std::vector<std::string> Names(const std::string& folder) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(folder.c_str()),
                                                ::closedir);
  if (!dir) return names;
  while (const dirent* entry = ::readdir(dir.get())) {
    names.push_back(entry->d_name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

// "intel-rapl:0" is a package or psys, "intel-rapl:0:2" a part of one.
bool IsCounted(const std::string& zone, const std::string& name) {
  const auto colons = std::count(zone.begin(), zone.end(), ':');
  return (colons == 1 && name.starts_with("package")) ||
         (colons == 2 && name == "dram");
}

}  // namespace

RaplDomains FindRapl(const std::string& powercap) {
  RaplDomains rapl;
  for (const std::string& zone : Names(powercap)) {
    if (!zone.starts_with("intel-rapl:")) continue;
    const std::string folder = powercap + '/' + zone;
    if (!IsCounted(zone, FirstLine(folder + "/name"))) continue;
    RaplDomain domain{zone, folder + "/energy_uj", 0};
    if (!ReadCount(domain.path)) {
      rapl.complaint = domain.path + ": " + std::strerror(errno);
      if (errno == EACCES || errno == EPERM) {
        rapl.complaint +=
            "; root may read it: give carbond's group leave, with a line `z " +
            powercap +
            "/intel-rapl:*/energy_uj 0440 root carbond` in /etc/tmpfiles.d";
      }
      rapl.domains.clear();
      return rapl;
    }
    domain.wrap_uj = ReadCount(folder + "/max_energy_range_uj").value_or(0);
    rapl.domains.push_back(std::move(domain));
  }
  if (rapl.domains.empty()) {
    rapl.complaint = powercap +
                     " shows no CPU package: the kernel lacks intel_rapl, or "
                     "this is a virtual machine";
  }
  return rapl;
}

std::map<std::string, int64_t> ReadRapl(const RaplDomains& rapl) {
  std::map<std::string, int64_t> counts;
  for (const RaplDomain& domain : rapl.domains) {
    if (const auto count = ReadCount(domain.path)) counts[domain.name] = *count;
  }
  return counts;
}

}  // namespace carbond
