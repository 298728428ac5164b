// carbon-runner: holds one run of one job and outlives the daemon.
//
// The protocol. The daemon commits its intent to start run N of a job, makes
// the directory state_dir/runs/JOB.N and spawns this program there, as often
// as it likes: whoever gets the lock and then succeeds in creating `started`
// (complete and on disk before it gets its name) is the one runner this run
// will ever have, and any other leaves with 112 without having done anything.
// It becomes a session of its own and the reaper of every process that the job
// may orphan, so that nothing of the job can slip away from it, not even by a
// double fork. It runs the on_resume line if there is one, then the command,
// each in a session of its own, and writes `job`. Then it waits. What the
// daemon wants comes as one real-time signal with a number (run_files.h):
// suspend or continue all processes, ask the main one for a checkpoint, stop
// all of it by TERM, grace, KILL; SIGTERM from anyone stops it too. When the
// main process has ended, the rest is killed, and once nothing is left, the
// end is written to `exit.tmp`, forced to disk, and renamed to `exit`. Then the
// runner goes, which wakes the daemon through its pidfd. A daemon that comes
// back after a crash reads the directory: `exit` is the end; `started` with a
// live process of that number, start time and boot is a run under way; neither
// lock nor `started` means that nothing has happened; `started` without a
// runner means that it was lost. If this program itself is killed, the job's
// main process falls with it (PR_SET_PDEATHSIG) and the daemon sweeps the rest.
//
// Linked statically, with nothing but libc and libstdc++: it waits for weeks,
// once per job, and should weigh nothing.

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "daemon/exec/keeper.h"

namespace {

constexpr int kNotMine = 112;  // another runner has this run, or had it
constexpr int kFailed = 111;

int Refuse(int code, const std::string& what, int error) {
  std::fprintf(stderr, "carbon-runner: %s: %s\n", what.c_str(),
               std::strerror(error));
  return code;
}

// Which node of which cluster this is, and the cluster's own id of the job.
std::string Place() {
  char host[256] = {};
  ::gethostname(host, sizeof(host) - 1);
  std::string place = std::string("on ") + host;
  if (const char* id = std::getenv("SLURM_JOB_ID")) {
    const char* node = std::getenv("SLURMD_NODENAME");
    place = std::string("Slurm job ") + id + " on " + (node ? node : host);
  }
  return place;
}

int Hold(carbond::RunnerOptions options) {
  carbond::UniqueFd lock;
  // Not every shared storage has locks; there `started` alone decides.
  if (options.heartbeat_ms == 0) {
    if (const int error = carbond::TakeLock(options.dir, lock)) {
      return Refuse(error == EAGAIN ? kNotMine : kFailed,
                    "cannot lock " + options.dir, error);
    }
  }
  const auto self = carbond::ReadStat(::getpid());
  if (!self.value) return Refuse(kFailed, "cannot read /proc", self.error);
  carbond::StartedRecord started;
  started.runner = self.value->who;
  started.boot_id = carbond::ReadBootId();
  started.at_ms = carbond::RealMillis();
  if (options.heartbeat_ms > 0) started.place = Place();
  if (const int error = carbond::ClaimStarted(options.dir, started)) {
    return Refuse(error == EEXIST ? kNotMine : kFailed,
                  "cannot take the run " + options.dir, error);
  }
  auto meter = carbond::MeterLink::Start(options.meter);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  carbond::Keeper(std::move(options), std::move(meter)).Run();
  return 0;
}

// `--run DIR`: what to do, and with which environment, stands in the directory
// of the run, which a cluster's node sees as the daemon does. What the cluster
// itself gave (its variables, the devices allotted) stays.
bool ReadRun(const std::string& dir, std::vector<std::string>& arguments,
             std::string& mistake) {
  auto options = carbond::ReadTexts(dir, carbond::kOptionsFile);
  const auto environment = carbond::ReadTexts(dir, carbond::kEnvironmentFile);
  if (!options.value || !environment.value) {
    const int error = options.value ? environment.error : options.error;
    mistake = "cannot read the run " + dir + ": " +
              std::strerror(error != 0 ? error : ENOENT) +
              "; does this machine see carbond's shared_dir?";
    return false;
  }
  arguments = std::move(*options.value);
  for (const std::string& entry : *environment.value) {
    const size_t equals = entry.find('=');
    if (equals == std::string::npos) continue;
    ::setenv(entry.substr(0, equals).c_str(), entry.c_str() + equals + 1, 1);
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  // Taken one by one where the keeper waits; until then they queue.
  sigset_t all;
  sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  ::setsid();
  // Nothing of the daemon's (its sockets, its ledger) may be held for weeks.
  ::close_range(3, ~0U, 0);

  carbond::RunnerOptions options;
  std::string mistake;
  std::vector<std::string> arguments(argv + 1, argv + argc);
  const bool read = arguments.size() != 2 || arguments[0] != "--run" ||
                    ReadRun(std::string(arguments[1]), arguments, mistake);
  if (!read || !carbond::ParseRunnerOptions(arguments, options, mistake)) {
    std::fprintf(stderr,
                 "carbon-runner: %s; it is started by carbond, not by hand\n",
                 mistake.c_str());
    return 2;
  }
  // No destructor has anything to do that the kernel will not.
  ::_exit(Hold(std::move(options)));
}
