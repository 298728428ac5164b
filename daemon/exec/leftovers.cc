#include "daemon/exec/leftovers.h"

#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstring>
#include <set>
#include <string_view>

#include "daemon/exec/process.h"

namespace carbond {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kPatience{100};
constexpr size_t kLargestEnvironment = 4 * 1024 * 1024;

bool HasMark(std::string_view environment, std::string_view mark) {
  while (!environment.empty()) {
    const size_t end = environment.find('\0');
    if (environment.substr(0, end) == mark) return true;
    if (end == std::string_view::npos) return false;
    environment.remove_prefix(end + 1);
  }
  return false;
}

bool Belongs(pid_t pid, const Leftovers& leftovers) {
  const std::string proc = "/proc/" + std::to_string(pid);
  // Other users' processes cannot be read, and are none of ours.
  const auto environment =
      ReadSmallFile(proc + "/environ", kLargestEnvironment);
  if (environment.value && HasMark(*environment.value, leftovers.mark)) {
    return true;
  }
  for (const char* fd : {"/fd/1", "/fd/2"}) {
    std::array<char, PATH_MAX> target;
    const ssize_t n =
        ::readlink((proc + fd).c_str(), target.data(), target.size());
    if (n <= 0) continue;
    const std::string path(target.data(), static_cast<size_t>(n));
    if (std::find(leftovers.files.begin(), leftovers.files.end(), path) !=
        leftovers.files.end()) {
      return true;
    }
  }
  return false;
}

Result<std::vector<ProcessIdentity>> Find(const Leftovers& leftovers) {
  const auto all = AllProcesses();
  if (!all) return Trouble("cannot read /proc: {}", std::strerror(errno));
  std::set<pid_t> family;
  std::vector<ProcessIdentity> found;
  for (const ProcessStat& stat : *all) {
    if (IsOver(stat) || stat.who.pid == ::getpid() ||
        !Belongs(stat.who.pid, leftovers)) {
      continue;
    }
    family.insert(stat.who.pid);
    found.push_back(stat.who);
  }
  for (const ProcessStat& stat : FamilyOf(family, *all)) {
    if (!IsOver(stat)) found.push_back(stat.who);
  }
  return found;
}

void KillAndAwait(const std::vector<ProcessIdentity>& doomed,
                  steady_clock::time_point deadline) {
  std::vector<UniqueFd> handles;
  for (const ProcessIdentity& who : doomed) {
    auto pidfd = OpenProcess(who);
    if (!pidfd.value) continue;
    SendSignal(pidfd.value->get(), SIGKILL);
    handles.push_back(std::move(*pidfd.value));
  }
  for (const UniqueFd& handle : handles) {
    const auto left =
        std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
    pollfd poll = {handle.get(), POLLIN, 0};
    ::poll(&poll, 1, static_cast<int>(std::max<int64_t>(left.count(), 0)));
  }
}

}  // namespace

Result<Swept> SweepLeftovers(const Leftovers& leftovers) {
  const auto deadline = steady_clock::now() + kPatience;
  Swept swept;
  while (true) {
    CARBOND_ASSIGN_OR_RETURN(const std::vector<ProcessIdentity> found,
                             Find(leftovers));
    swept.clean = found.empty();
    if (swept.clean) return swept;
    swept.any = true;
    if (steady_clock::now() >= deadline) return swept;
    KillAndAwait(found, deadline);
  }
}

}  // namespace carbond
