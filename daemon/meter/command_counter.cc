#include "daemon/meter/command_counter.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <ctime>
#include <map>
#include <sstream>

#include "daemon/meter/procfs.h"

extern char** environ;

namespace carbond {
namespace {

constexpr size_t kMostOutput = 4096;

pid_t Spawn(const std::vector<std::string>& command, int out, int& error) {
  std::vector<char*> words;
  for (const std::string& word : command) {
    words.push_back(const_cast<char*>(word.c_str()));
  }
  words.push_back(nullptr);
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t actions;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  ::posix_spawn_file_actions_adddup2(&actions, out, 1);
  ::posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  pid_t pid = 0;
  error = ::posix_spawnp(&pid, words[0], &actions, &attributes, words.data(),
                         ::environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  return error == 0 ? pid : 0;
}

// Its exit status; it is killed at the deadline, which makes it `over`.
int Await(pid_t pid, int64_t deadline, bool& over) {
  int status = 0;
  while (::waitpid(pid, &status, WNOHANG) == 0) {
    if (SinceBootMillis() >= deadline) {
      over = true;
      ::kill(-pid, SIGKILL);
      ::waitpid(pid, &status, 0);
      break;
    }
    const timespec pause = {0, 2'000'000};
    ::nanosleep(&pause, nullptr);
  }
  return status;
}

// What a command prints within its time; nothing, and why.
std::optional<std::string> Run(const std::vector<std::string>& command,
                               std::string& complaint) {
  std::array<int, 2> ends = {};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    complaint = std::strerror(errno);
    return std::nullopt;
  }
  int error = 0;
  const pid_t pid = Spawn(command, ends[1], error);
  ::close(ends[1]);
  std::string text;
  bool over = false;
  const int64_t deadline = SinceBootMillis() + CommandCounter::kLimitMs;
  while (pid > 0 && text.size() < kMostOutput) {
    pollfd ready = {ends[0], POLLIN, 0};
    const int64_t left = deadline - SinceBootMillis();
    over = left <= 0 || ::poll(&ready, 1, static_cast<int>(left)) == 0;
    std::array<char, 512> buffer;
    const ssize_t n = over ? 0 : ::read(ends[0], buffer.data(), buffer.size());
    if (n <= 0) break;
    text.append(buffer.data(), static_cast<size_t>(n));
  }
  ::close(ends[0]);
  const int status = pid > 0 ? Await(pid, over ? 0 : deadline, over) : 0;
  if (pid <= 0) complaint = std::strerror(error);
  if (over) complaint = "no answer within 2 s";
  if (pid > 0 && !over && status != 0) complaint = "it failed";
  return complaint.empty() ? std::optional(text) : std::nullopt;
}

}  // namespace

std::optional<PrintedEnergy> ParsePrintedEnergy(const std::string& text) {
  static const std::map<std::string, std::pair<bool, double>> kUnits = {
      {"J", {false, 1e6}},      {"kJ", {false, 1e9}}, {"Wh", {false, 3.6e9}},
      {"kWh", {false, 3.6e12}}, {"W", {true, 1e6}},   {"kW", {true, 1e9}}};
  std::istringstream line(text.substr(0, text.find('\n')));
  double amount = 0;
  std::string unit;
  std::string more;
  if (!(line >> amount >> unit) || line >> more) return std::nullopt;
  const auto found = kUnits.find(unit);
  if (found == kUnits.end() || !std::isfinite(amount) || amount < 0) {
    return std::nullopt;
  }
  return PrintedEnergy{found->second.first, amount * found->second.second};
}

std::optional<PrintedEnergy> ParseBareJoules(const std::string& text) {
  std::istringstream line(text.substr(0, text.find('\n')));
  double joules = 0;
  std::string more;
  if (!(line >> joules) || line >> more) return std::nullopt;
  if (!std::isfinite(joules) || joules <= 0) return std::nullopt;
  return PrintedEnergy{false, joules * 1e6};
}

std::unique_ptr<CommandCounter> CommandCounter::Open(
    std::vector<std::string> command, CommandShare share,
    std::string& complaint) {
  std::unique_ptr<CommandCounter> counter(
      new CommandCounter(std::move(command), share));
  if (!counter->Look(complaint)) {
    complaint = "`" + counter->command_[0] + "`: " + complaint;
  }
  return counter;
}

bool CommandCounter::IsTooMuch(const PrintedEnergy& seen,
                               int64_t now_ms) const {
  const double most_uw = static_cast<double>(share_.most_mw) * 1000;
  if (seen.is_power) return seen.amount > most_uw;
  if (!last_) return false;  // a counter may stand anywhere
  const double seconds =
      std::max(1.0, static_cast<double>(now_ms - at_ms_) / 1000);
  return (seen.amount - last_->amount) / seconds > most_uw;
}

bool CommandCounter::Look(std::string& complaint) {
  const auto text = Run(command_, complaint);
  if (!text) return false;
  const auto seen =
      share_.bare_joules ? ParseBareJoules(*text) : ParsePrintedEnergy(*text);
  if (!seen || (last_ && last_->is_power != seen->is_power)) {
    complaint = share_.bare_joules
                    ? "it knows no energy"
                    : "it printed no line like `350.5 W` or `81234 J`";
    return false;
  }
  const int64_t now = SinceBootMillis();
  if (IsTooMuch(*seen, now)) {
    complaint = "it says more than " + std::to_string(share_.most_mw / 1000) +
                " W, which no such machine draws";
    if (!seen->is_power) {  // from here on
      last_ = seen;
      at_ms_ = now;
    }
    return false;
  }
  if (last_ && seen->is_power) {
    drawn_uj_ += (last_->amount + seen->amount) / 2 *
                 static_cast<double>(now - at_ms_) / 1000;
  } else if (last_ && seen->amount >= last_->amount) {
    drawn_uj_ += seen->amount - last_->amount;
  }  // else it began anew, who knows at what
  last_ = seen;
  at_ms_ = now;
  return true;
}

std::optional<int64_t> CommandCounter::Read() {
  std::string complaint;
  if (!Look(complaint)) return std::nullopt;
  return static_cast<int64_t>(drawn_uj_ * static_cast<double>(share_.parts) /
                              static_cast<double>(share_.whole));
}

}  // namespace carbond
