#include "daemon/exec/process.h"

#include <dirent.h>
#include <signal.h>
#include <sys/syscall.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <set>

namespace carbond {
namespace {

template <typename N>
bool ParseNumber(std::string_view text, N& number) {
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

std::vector<std::string_view> Words(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const size_t space = line.find_first_of(" \n");
    if (space != 0) words.push_back(line.substr(0, space));
    if (space == std::string_view::npos) break;
    line.remove_prefix(space + 1);
  }
  return words;
}

constexpr char kOwnChildren[] = "/proc/thread-self/children";

// The numbers among the names in a folder, and those in a file. Like files,
// neither a value nor an error means that it is not there.
Found<std::vector<pid_t>> NumbersIn(const std::string& folder) {
  struct Close {
    void operator()(DIR* dir) const { ::closedir(dir); }
  };
  std::unique_ptr<DIR, Close> dir(::opendir(folder.c_str()));
  if (!dir && (errno == ENOENT || errno == ESRCH)) return {};
  if (!dir) return {std::nullopt, errno};
  std::vector<pid_t> numbers;
  for (errno = 0; const dirent* entry = ::readdir(dir.get()); errno = 0) {
    pid_t number = 0;
    if (ParseNumber(std::string_view(entry->d_name), number)) {
      numbers.push_back(number);
    }
  }
  if (errno == ENOENT || errno == ESRCH) return {};
  if (errno != 0) return {std::nullopt, errno};
  return {std::move(numbers), 0};
}

Found<std::vector<pid_t>> NumbersOf(const std::string& path) {
  const auto text = ReadSmallFile(path, 4 * 1024 * 1024);
  if (!text.value) return {std::nullopt, text.error};
  std::vector<pid_t> numbers;
  for (const std::string_view word : Words(*text.value)) {
    pid_t number = 0;
    if (ParseNumber(word, number)) numbers.push_back(number);
  }
  return {std::move(numbers), 0};
}

}  // namespace

std::optional<ProcessStat> ParseStat(std::string_view line) {
  const size_t open = line.find(" (");
  const size_t close = line.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos) {
    return std::nullopt;
  }
  const auto words = Words(line.substr(close + 1));  // from field 3 on
  ProcessStat stat;
  if (words.size() < 20 || words[0].size() != 1 ||
      !ParseNumber(line.substr(0, open), stat.who.pid) ||
      !ParseNumber(words[1], stat.parent) ||
      !ParseNumber(words[2], stat.group) ||
      !ParseNumber(words[19], stat.who.start_ticks)) {
    return std::nullopt;
  }
  stat.state = words[0][0];
  return stat;
}

Found<ProcessStat> ReadStat(pid_t pid) {
  const auto text = ReadSmallFile("/proc/" + std::to_string(pid) + "/stat");
  if (!text.value) return {std::nullopt, text.error};
  auto stat = ParseStat(*text.value);
  if (!stat && !text.value->empty()) return {std::nullopt, EPROTO};
  return {stat, 0};
}

Found<ProcessStat> FindAlive(const ProcessIdentity& who) {
  auto stat = ReadStat(who.pid);
  if (stat.value && (stat.value->who != who || IsOver(*stat.value))) return {};
  return stat;
}

std::optional<std::vector<ProcessStat>> AllProcesses() {
  const auto pids = NumbersIn("/proc");
  if (!pids.value) return std::nullopt;
  std::vector<ProcessStat> all;
  for (const pid_t pid : *pids.value) {
    const auto stat = ReadStat(pid);
    // Other users' processes may be hidden from us (hidepid); none is ours.
    if (stat.error == EPERM || stat.error == EACCES) continue;
    if (stat.error != 0) return std::nullopt;
    if (stat.value) all.push_back(*stat.value);
  }
  return all;
}

std::vector<ProcessStat> FamilyOf(const std::set<pid_t>& roots,
                                  const std::vector<ProcessStat>& all) {
  // A child may have a lower number than its parent once numbers have wrapped,
  // so one pass is not enough.
  std::set<pid_t> family = roots;
  std::vector<ProcessStat> found;
  for (bool grew = true; grew;) {
    grew = false;
    for (const ProcessStat& stat : all) {
      if (!family.contains(stat.parent) ||
          !family.insert(stat.who.pid).second) {
        continue;
      }
      found.push_back(stat);
      grew = true;
    }
  }
  return found;
}

std::optional<std::vector<ProcessStat>> DescendantsOf(pid_t ancestor) {
  if (::access(kOwnChildren, R_OK) != 0) {
    const auto all = AllProcesses();
    if (!all) return std::nullopt;
    return FamilyOf({ancestor}, *all);
  }
  std::vector<ProcessStat> found;
  std::vector<pid_t> open = {ancestor};
  while (!open.empty()) {
    const std::string tasks = "/proc/" + std::to_string(open.back()) + "/task";
    open.pop_back();
    const auto threads = NumbersIn(tasks);
    if (threads.error != 0) return std::nullopt;
    if (!threads.value) continue;  // it ended meanwhile
    for (const pid_t thread : *threads.value) {
      const auto children =
          NumbersOf(tasks + '/' + std::to_string(thread) + "/children");
      if (children.error != 0) return std::nullopt;
      for (const pid_t child : children.value.value_or(std::vector<pid_t>())) {
        const auto stat = ReadStat(child);
        if (stat.error != 0) return std::nullopt;
        if (!stat.value) continue;
        found.push_back(*stat.value);
        open.push_back(child);
      }
    }
  }
  return found;
}

std::vector<pid_t> OwnChildren() {
  return NumbersOf(kOwnChildren).value.value_or(std::vector<pid_t>());
}

std::string ReadBootId() {
  const auto text = ReadSmallFile("/proc/sys/kernel/random/boot_id");
  if (!text.value || text.value->empty()) return "unknown";
  return text.value->substr(0, text.value->find('\n'));
}

Found<UniqueFd> OpenProcess(const ProcessIdentity& who) {
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, who.pid, 0)));
  if (!pidfd) return {std::nullopt, errno == ESRCH ? 0 : errno};
  // The handle is on whoever has the number now. It cannot change hands any
  // more, so looking once afterwards settles it.
  const auto stat = ReadStat(who.pid);
  if (!stat.value || stat.value->who != who) return {std::nullopt, stat.error};
  return {std::move(pidfd), 0};
}

int SendSignal(int pidfd, int signal) {
  return ::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0
             ? 0
             : errno;
}

int QueueSignal(int pidfd, int signal, int value) {
  siginfo_t info;
  std::memset(&info, 0, sizeof info);
  info.si_signo = signal;
  info.si_code = SI_QUEUE;
  info.si_pid = ::getpid();
  info.si_uid = ::getuid();
  info.si_value.sival_int = value;
  return ::syscall(SYS_pidfd_send_signal, pidfd, signal, &info, 0) == 0 ? 0
                                                                        : errno;
}

int SendSignal(const ProcessIdentity& who, int signal) {
  const auto pidfd = OpenProcess(who);
  if (!pidfd.value) return pidfd.error;
  const int error = SendSignal(pidfd.value->get(), signal);
  return error == ESRCH ? 0 : error;
}

}  // namespace carbond
