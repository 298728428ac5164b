#include "daemon/meter/procfs.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <memory>
#include <set>
#include <vector>

namespace carbond {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;

std::vector<std::string_view> Words(std::string_view text) {
  std::vector<std::string_view> words;
  while (true) {
    const size_t begin = text.find_first_not_of(" \n");
    if (begin == std::string_view::npos) return words;
    text.remove_prefix(begin);
    const size_t end = std::min(text.find_first_of(" \n"), text.size());
    words.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

template <typename N>
bool Parse(std::string_view word, N& number) {
  const char* end = word.data() + word.size();
  const auto result = std::from_chars(word.data(), end, number);
  return result.ec == std::errc() && result.ptr == end;
}

}  // namespace

int64_t SinceBootMillis() {
  timespec now = {};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

std::optional<std::string> ReadText(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  std::string text;
  std::array<char, 4096> buffer;
  ssize_t n = 0;
  while ((n = ::read(fd, buffer.data(), buffer.size())) > 0) {
    text.append(buffer.data(), static_cast<size_t>(n));
  }
  const int error = errno;
  ::close(fd);
  errno = error;
  if (n < 0) return std::nullopt;
  return text;
}

// Fields by their numbers in proc(5), of which the second, the program's name,
// may hold spaces and parentheses: 4 ppid, 14-17 utime stime cutime cstime, 22
// starttime.
std::optional<ProcessTimes> ParseProcessTimes(std::string_view line,
                                              int64_t ticks_per_second) {
  const size_t close = line.rfind(')');
  if (close == std::string_view::npos) return std::nullopt;
  const std::vector<std::string_view> words = Words(line.substr(close + 1));
  constexpr size_t kFirst = 3;  // the field that words[0] is
  ProcessTimes times;
  std::array<int64_t, 4> ticks = {};
  if (words.size() <= 22 - kFirst || !Parse(words[4 - kFirst], times.parent) ||
      !Parse(words[22 - kFirst], times.start_ticks)) {
    return std::nullopt;
  }
  for (size_t i = 0; i < ticks.size(); ++i) {
    if (!Parse(words[14 - kFirst + i], ticks[i])) return std::nullopt;
  }
  const int64_t tick_us = kMicrosPerSecond / ticks_per_second;
  times.own_us = (ticks[0] + ticks[1]) * tick_us;
  times.children_us = (ticks[2] + ticks[3]) * tick_us;
  return times;
}

ProcessTable ReadProcesses(const std::string& proc) {
  ProcessTable table;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(proc.c_str()),
                                                ::closedir);
  if (!dir) return table;
  const int64_t ticks = ::sysconf(_SC_CLK_TCK);
  while (const dirent* entry = ::readdir(dir.get())) {
    pid_t pid = 0;
    if (!Parse(std::string_view(entry->d_name), pid)) continue;
    const auto line = ReadText(proc + '/' + entry->d_name + "/stat");
    if (!line) continue;  // it ended meanwhile
    const auto times = ParseProcessTimes(*line, ticks);
    if (times) table[pid] = *times;
  }
  return table;
}

std::optional<int64_t> TreeTime(const ProcessTable& all, pid_t root,
                                uint64_t start_ticks) {
  const auto found = all.find(root);
  if (found == all.end() || found->second.start_ticks != start_ticks) {
    return std::nullopt;
  }
  std::multimap<pid_t, pid_t> children;
  for (const auto& [pid, times] : all) children.emplace(times.parent, pid);
  int64_t sum = 0;
  std::set<pid_t> seen;
  std::vector<pid_t> open = {root};
  while (!open.empty()) {
    const pid_t pid = open.back();
    open.pop_back();
    if (!seen.insert(pid).second) continue;  // numbers changed hands meanwhile
    const ProcessTimes& times = all.at(pid);
    sum += times.own_us + times.children_us;
    const auto [begin, end] = children.equal_range(pid);
    for (auto child = begin; child != end; ++child) {
      open.push_back(child->second);
    }
  }
  return sum;
}

// "cpu  user nice system idle iowait irq softirq steal guest guest_nice", in
// which guests are in user and nice already; then a line for each CPU. What a
// hypervisor stole was nobody's here.
std::optional<MachineTimes> ParseMachineTimes(std::string_view stat,
                                              int64_t ticks_per_second) {
  MachineTimes times;
  bool known = false;
  while (!stat.empty()) {
    const size_t end = std::min(stat.find('\n'), stat.size());
    const auto words = Words(stat.substr(0, end));
    stat.remove_prefix(std::min(end + 1, stat.size()));
    if (words.empty() || !words[0].starts_with("cpu")) continue;
    if (words[0] != "cpu") {
      ++times.cpus;
      continue;
    }
    std::array<int64_t, 7> ticks = {};
    if (words.size() < 1 + ticks.size()) return std::nullopt;
    for (size_t i = 0; i < ticks.size(); ++i) {
      if (!Parse(words[1 + i], ticks[i])) return std::nullopt;
    }
    const int64_t tick_us = kMicrosPerSecond / ticks_per_second;
    times.idle_us = (ticks[3] + ticks[4]) * tick_us;
    times.busy_us =
        (ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6]) * tick_us;
    known = true;
  }
  if (!known || times.cpus == 0) return std::nullopt;
  return times;
}

std::optional<MachineTimes> ReadMachineTimes(const std::string& proc) {
  const auto text = ReadText(proc + "/stat");
  if (!text) return std::nullopt;
  return ParseMachineTimes(*text, ::sysconf(_SC_CLK_TCK));
}

}  // namespace carbond
