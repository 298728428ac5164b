#include "daemon/exec/keeper.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <set>

#include "daemon/exec/child.h"

namespace carbond {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Two scans in a row without an unstopped process: between the reading of two
// processes of one scan a third may have been born.
constexpr int kCalm = 2;
constexpr int kQuickPasses = 8;
constexpr milliseconds kShortest{1};
constexpr milliseconds kLongest{500};

int64_t Millis(const timeval& time) {
  return int64_t{time.tv_sec} * 1000 + time.tv_usec / 1000;
}

}  // namespace

int64_t RealMillis() {
  timespec now = {};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

void Keeper::Run() {
  record_.began_ms = RealMillis();
  heard_at_ = steady_clock::now();
  Pulse();
  if (stopping_) {  // it is unwanted by now
    main_ended_ = true;
    record_.signal = SIGTERM;
    record_.detail = "it was told to stop before it began";
  } else if (!main_ended_ && OpenLogs()) {
    BeginFirst();
  }
  while (ReapAll()) {
    Pulse();
    KillWhenDue();
    Settle();
    WaitAndHandle();
  }
  // Its last sample is on disk before its end is: who sees that, sees both.
  record_.ended_ms = std::max(record_.began_ms, RealMillis());
  meter_.SayEnded();
  rusage usage = {};
  ::getrusage(RUSAGE_CHILDREN, &usage);
  record_.user_cpu_ms = Millis(usage.ru_utime);
  record_.system_cpu_ms = Millis(usage.ru_stime);
  record_.stopped = stopping_;
  // A full disk may have room again; a directory that is gone has no reader.
  int told = 0;
  for (int error = 0; (error = WriteExit(options_.dir, record_)) != 0;) {
    if (error == ENOENT) return;
    if (error != told) {
      Complain(std::string("cannot write its end yet: ") +
               std::strerror(error));
    }
    told = error;
    const timespec second = {1, 0};
    ::nanosleep(&second, nullptr);
  }
}

bool Keeper::OpenLogs() {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
  for (auto [path, fd] :
       {std::pair{&options_.out, &out_}, std::pair{&options_.err, &err_}}) {
    *fd = UniqueFd(::open(path->c_str(), kFlags, 0640));
    if (*fd) continue;
    Fail(126, "log file " + *path, errno);
    return false;
  }
  return true;
}

void Keeper::BeginFirst() {
  begun_ = true;
  if (options_.on_resume.empty()) {
    Begin(options_.command, false);
  } else {
    Begin({"/bin/sh", "-c", options_.on_resume}, true);
  }
}

void Keeper::Begin(const std::vector<std::string>& command, bool before) {
  main_ = Spawn(command, true);
  if (main_ <= 0) return;
  before_ = before;
  calm_scans_ = 0;  // the newcomer runs, even if the rest is suspended
  const auto stat = ReadStat(main_);
  MainProcess job;
  job.main = {main_, stat.value ? stat.value->who.start_ticks : 0};
  job.before = before;
  job.began_ms = record_.began_ms;
  if (const int error = WriteJob(options_.dir, job)) {
    Complain(std::string("cannot write down its job: ") + std::strerror(error));
  }
  TouchDirectory(options_.dir);
}

// Gives the process, or 0 after recording (for a main process) or telling (for
// another) why there is none.
pid_t Keeper::Spawn(const std::vector<std::string>& command, bool main) {
  const Child child =
      StartChild(command, options_.workdir, out_.get(), err_.get());
  if (child.pid > 0) return child.pid;
  const std::string what = child.in_workdir
                               ? "working directory " + options_.workdir
                               : "command `" + command[0] + "`";
  if (main) {
    Fail(child.error == ENOENT ? 127 : 126, what, child.error);
  } else {
    Complain(what + ": " + std::strerror(child.error));
  }
  return 0;
}

// With the exit codes of a shell: 127 not found, 126 found but not started.
void Keeper::Fail(int code, const std::string& what, int error) {
  main_ended_ = true;
  kill_at_ = steady_clock::now();
  record_.code = code;
  record_.exec_errno = error;
  record_.detail = what + " could not be used: " + std::strerror(error);
  Complain(record_.detail);
}

// ---- What ends --------------------------------------------------------------

bool Keeper::ReapAll() {
  int status = 0;
  pid_t child = 0;
  while ((child = ::waitpid(-1, &status, WNOHANG)) > 0) {
    if (child == main_) {
      main_ = 0;
      OnMainEnd(status);
    } else if (child == on_pause_) {
      on_pause_ = 0;
      if (status != 0) Complain("on_pause failed");
      if (main_ended_ && !stopping_) kill_at_ = steady_clock::now();
    }
  }
  return child == 0;  // else ECHILD: nothing of the job is left
}

void Keeper::OnMainEnd(int status) {
  if (before_ && status == 0 && !stopping_) {
    Begin(options_.command, false);
    return;
  }
  main_ended_ = true;
  if (WIFEXITED(status)) record_.code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) record_.signal = WTERMSIG(status);
  if (before_ && !stopping_) {
    record_.before_failed = true;
    record_.detail =
        record_.code ? "on_resume exited with " + std::to_string(*record_.code)
                     : "on_resume was ended by signal " +
                           std::to_string(*record_.signal);
    Complain(record_.detail);
  }
  // What the main process leaves behind goes with it, but for two that were
  // asked to finish something: all of them after a stop, and an on_pause line
  // that is still putting the checkpoint away.
  if (stopping_) return;
  kill_at_ = steady_clock::now();
  if (on_pause_ > 0) *kill_at_ += milliseconds(options_.grace_ms);
}

void Keeper::KillWhenDue() {
  if (!kill_at_ || steady_clock::now() < *kill_at_) return;
  // A process that forks and leaves, again and again, lives shorter than a
  // scan of /proc takes. But each orphan becomes our child, and asking for
  // those takes no time; nor can their numbers change hands before we wait.
  for (int pass = 0; pass < kQuickPasses; ++pass) {
    for (const pid_t child : OwnChildren()) ::kill(child, SIGKILL);
  }
  SignalAll(SIGKILL);
}

// To every descendant. Groups are signalled as groups as well, since that one
// call cannot be outrun by a fork; they hold nobody else, for a descendant's
// group lies in a session which a descendant began.
void Keeper::SignalAll(int signal, bool running_only) {
  const auto all = DescendantsOf(::getpid());
  if (!all) return;  // asked again soon: kills and stops are repeated
  std::set<pid_t> groups;
  const pid_t own_group = ::getpgrp();
  for (const ProcessStat& stat : *all) {
    if (running_only && IsStopped(stat)) continue;
    if (groups.contains(stat.group)) continue;  // one TERM each is enough
    // The scan takes a while, in which numbers may have changed hands.
    const auto now = ReadStat(stat.who.pid);
    if (!now.value || now.value->who != stat.who) continue;
    if (now.value->group == own_group) {
      SendSignal(stat.who, signal);
    } else if (groups.insert(now.value->group).second) {
      ::kill(-now.value->group, signal);
    }
  }
}

// ---- What is asked ----------------------------------------------------------

void Keeper::WaitAndHandle() {
  sigset_t awaited;
  sigemptyset(&awaited);
  for (const int signal : {SIGCHLD, SIGTERM, ControlSignal()}) {
    sigaddset(&awaited, signal);
  }
  const bool killing = kill_at_ && steady_clock::now() >= *kill_at_;
  const bool settling = suspended_ && calm_scans_ < kCalm;
  const bool pulses = options_.heartbeat_ms > 0;
  siginfo_t info = {};
  int signal = 0;
  if (killing || settling || kill_at_ || pulses) {
    milliseconds wait = patience_;
    if (killing || settling) {
      patience_ = std::min(patience_ * 2, kLongest);
    } else {
      auto due = kill_at_.value_or(SteadyTime::max());
      if (pulses) due = std::min(due, next_pulse_);
      wait = std::chrono::ceil<milliseconds>(due - steady_clock::now());
      wait = std::max(wait, kShortest);
    }
    const timespec limit = {wait.count() / 1000,
                            wait.count() % 1000 * 1'000'000};
    signal = ::sigtimedwait(&awaited, &info, &limit);
  } else {
    signal = ::sigwaitinfo(&awaited, &info);
  }
  if (signal > 0) Handle(info);
}

void Keeper::Handle(const siginfo_t& info) {
  if (info.si_signo == SIGTERM) {
    if (!stopping_) record_.detail = "its runner was told to end by SIGTERM";
    Stop();
  } else if (info.si_signo == SIGCHLD) {
    // Somebody may have been continued from outside, or left a child to us.
    if (suspended_) calm_scans_ = std::min(calm_scans_, kCalm - 1);
    patience_ = kShortest;
  } else if (info.si_code == SI_QUEUE) {
    const int value = info.si_value.sival_int;
    switch (ControlOf(value)) {
      case Control::kSuspend:
        return Suspend();
      case Control::kContinue:
        return Continue();
      case Control::kCheckpoint:
        return Checkpoint(AttemptOf(value));
      case Control::kStop:
        return Stop();
    }
  }
}

// ---- Far from the daemon ----------------------------------------------------

void Keeper::Pulse() {
  const auto now = steady_clock::now();
  if (options_.heartbeat_ms == 0 || now < next_pulse_) return;
  next_pulse_ = now + milliseconds(options_.heartbeat_ms);
  // Orders first: who was away for long may be unwanted by now.
  const auto orders =
      ReadOrders(options_.orders.empty() ? options_.dir : options_.orders);
  if (orders.value) Obey(*orders.value);
  const int error = WriteHeartbeat(options_.dir, RealMillis());
  if (error == 0) {
    heard_at_ = now;
  } else if (error == ENOENT) {
    Abandon("its directory is gone");  // only who gave it up removes it
  } else if (now - heard_at_ >= milliseconds(options_.lease_ms)) {
    Abandon(std::string("it could not say that it lives: ") +
            std::strerror(error));
  }
}

void Keeper::Obey(const Orders& orders) {
  if (orders.abandon) return Abandon("it was given up");
  if (orders.stop) return Stop();
  if (orders.recall && !begun_) {
    main_ended_ = record_.recalled = true;
    record_.detail = "it was taken back before it began";
  }
  if (orders.suspend && !suspended_) Suspend();
  if (!orders.suspend && suspended_) Continue();
  if (orders.checkpoint_attempt > attempts_) {
    Checkpoint(orders.checkpoint_attempt);
  }
}

// Another run may be about to begin from the last checkpoint: no grace.
void Keeper::Abandon(const std::string& why) {
  if (record_.detail.empty()) record_.detail = why;
  Stop();
  kill_at_ = steady_clock::now();
}

void Keeper::Stop() {
  if (stopping_) return;
  stopping_ = true;
  const auto due = steady_clock::now() + milliseconds(options_.grace_ms);
  kill_at_ = std::min(kill_at_.value_or(due), due);
  patience_ = kShortest;
  SignalAll(SIGTERM);
  Continue();  // a stopped process cannot answer
}

void Keeper::Suspend() {
  if (stopping_ || main_ended_ || suspended_) return;
  suspended_ = true;
  calm_scans_ = 0;
  patience_ = kShortest;
}

namespace {

// In a call that nothing interrupts, and stopped as soon as it returns: such as
// a parent whose child was stopped between vfork(2) and its program, which it
// waits for. proc(5): pending signals of the thread and of the process, in hex.
bool WillStop(const ProcessStat& stat) {
  if (stat.state != 'D') return false;
  const auto status =
      ReadSmallFile("/proc/" + std::to_string(stat.who.pid) + "/status");
  if (!status.value) return false;
  for (const char* key : {"\nSigPnd:", "\nShdPnd:"}) {
    const size_t at = status.value->find(key);
    if (at == std::string::npos) continue;
    const uint64_t pending = std::strtoull(
        status.value->c_str() + at + std::strlen(key), nullptr, 16);
    if ((pending >> (SIGSTOP - 1) & 1) != 0) return true;
  }
  return false;
}

}  // namespace

// Stops all there are, again and again, until none is found that runs: those
// that began sessions of their own, and those born while we looked.
void Keeper::Settle() {
  if (!suspended_ || calm_scans_ >= kCalm) return;
  const auto all = DescendantsOf(::getpid());
  const bool calm =
      all && std::all_of(all->begin(), all->end(), [](const ProcessStat& s) {
        return IsStopped(s) || IsOver(s) || WillStop(s);
      });
  if (!calm) {
    calm_scans_ = 0;
    SignalAll(SIGSTOP, true);
  } else if (++calm_scans_ == kCalm) {
    if (const int error = SetSuspended(options_.dir, true)) {
      Complain(std::string("cannot note that all is suspended: ") +
               std::strerror(error));
      calm_scans_ = 0;  // tried again
      return;
    }
    meter_.SaySuspended();
    TouchDirectory(options_.dir);
  }
}

void Keeper::Continue() {
  const bool was_suspended = std::exchange(suspended_, false);
  if (was_suspended) meter_.SayContinued();
  SignalAll(SIGCONT);
  if (!was_suspended) return;
  if (const int error = SetSuspended(options_.dir, false)) {
    Complain(std::string("cannot note that it goes on: ") +
             std::strerror(error));
  }
  TouchDirectory(options_.dir);
}

void Keeper::Checkpoint(int attempt) {
  if (main_ <= 0 || before_ || stopping_ || attempt <= attempts_) return;
  attempts_ = attempt;
  if (options_.on_pause.empty()) {
    // Our own child, not waited for yet: the number is still its own.
    ::kill(main_, options_.checkpoint_signal);
    return;
  }
  if (on_pause_ > 0) ::kill(-on_pause_, SIGKILL);  // an attempt that hangs
  ::setenv("CARBON_PID", std::to_string(main_).c_str(), 1);
  on_pause_ = Spawn({"/bin/sh", "-c", options_.on_pause}, false);
}

void Keeper::Complain(const std::string& text) {
  const std::string line = "carbon-runner: " + text + "\n";
  WriteAll(err_ ? err_.get() : STDERR_FILENO, line.data(), line.size());
}

}  // namespace carbond
