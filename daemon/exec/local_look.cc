#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "daemon/exec/leftovers.h"
#include "daemon/exec/local.h"
#include "daemon/exec/run_paths.h"

// What LocalExecutor sees. The order of the questions matters: a runner writes
// first and leaves then, so who finds it gone and asks for its records
// afterwards has read its last word.

namespace carbond {
namespace {

// A runner that could not begin, for want of disk space say, is not tried again
// at once.
constexpr Duration kRetryPause = seconds(1);

Sight Unknown(const std::string& what, int error) {
  Sight sight;
  sight.detail = fmt::format("{}: {}", what, std::strerror(error));
  return sight;
}

std::string LastLine(const std::string& path) {
  const auto text = ReadSmallFile(path);
  if (!text.value) return {};
  const size_t end = text.value->find_last_not_of('\n');
  if (end == std::string::npos) return {};
  const size_t before = text.value->rfind('\n', end);
  const size_t begin = before == std::string::npos ? 0 : before + 1;
  return text.value->substr(begin, end + 1 - begin);
}

void AddProgress(ProgressReader& reader, Sight& sight) {
  const Progress& progress = reader.Look();
  sight.ready = progress.ready;
  sight.fraction = progress.fraction;
  sight.checkpoint = progress.checkpoint;
}

std::optional<Instant> ModifiedAt(const std::string& path) {
  struct stat info = {};
  if (::stat(path.c_str(), &info) != 0) return std::nullopt;
  return Instant::FromMillis(int64_t{info.st_mtim.tv_sec} * 1000 +
                             info.st_mtim.tv_nsec / 1'000'000);
}

}  // namespace

std::vector<Sight> LocalExecutor::Observe(std::span<const ProcessId> ids) {
  std::vector<Sight> sights;
  sights.reserve(ids.size());
  for (const ProcessId id : ids) sights.push_back(Look(id, Hold(id)));
  return sights;
}

Sight LocalExecutor::Look(ProcessId id, Held& held) {
  if (held.last_word) return *held.last_word;
  if (!held.started) {
    auto started = ReadStarted(held.dir);
    if (started.error != 0) return Unknown(held.dir, started.error);
    if (!started.value) return LookUnclaimed(id, held);
    held.started = std::move(started.value);
  }
  const auto lives = RunnerLives(id, held);
  if (lives.error != 0) return Unknown("its runner", lives.error);
  return *lives.value ? LookAlive(held) : LookDead(id, held);
}

// No runner has taken the run yet, as far as has been read.
Sight LocalExecutor::LookUnclaimed(ProcessId id, Held& held) {
  Sight sight;
  sight.what = Sight::What::kStarting;
  if (held.spawned) {
    const auto watched = watch_->Look(id);
    if (watched.watched) return sight;
    const auto alive =
        watched.ended ? Found<ProcessStat>() : FindAlive(*held.spawned);
    if (alive.error != 0) return Unknown("its runner", alive.error);
    if (alive.value) return sight;
  }
  const auto locked = IsLocked(held.dir);
  if (locked.error != 0) return Unknown(held.dir, locked.error);
  if (*locked.value) return sight;
  // Nobody is at it. What was written since the first look is the last word.
  if (::access((held.dir + '/' + kStartedFile).c_str(), F_OK) == 0) {
    auto started = ReadStarted(held.dir);
    if (started.error != 0) return Unknown(held.dir, started.error);
    if (!started.value) {
      return LookLost(id, held, "its `started` record cannot be read", true);
    }
    held.started = std::move(started.value);
    return Look(id, held);
  }
  sight.what = Sight::What::kAbsent;
  if (held.spawned) {
    held.complaint = LastLine(held.dir + '/' + kRunnerLogFile);
    held.retry_at = SystemClock::RealNow() + kRetryPause;
    held.spawned.reset();
  }
  sight.detail = held.complaint;
  return sight;
}

Found<bool> LocalExecutor::RunnerLives(ProcessId id, Held& held) {
  if (held.started->boot_id != boot_id_) return {false, 0};
  const ProcessIdentity& runner = held.started->runner;
  // A runner found after a restart, or one that came before ours.
  if (held.spawned != runner) {
    held.spawned = runner;
    watch_->Drop(id);
    WatchRunner(id, runner);
  }
  const auto watched = watch_->Look(id);
  if (watched.watched) return {true, 0};
  if (watched.ended) return {false, 0};
  const auto alive = FindAlive(runner);
  if (alive.error != 0) return {std::nullopt, alive.error};
  return {alive.value.has_value(), 0};
}

Sight LocalExecutor::LookAlive(Held& held) {
  held.alive_at = SystemClock::RealNow();
  if (!held.job || held.job->before) {
    auto job = ReadJob(held.dir);
    if (job.error != 0) return Unknown(held.dir, job.error);
    if (job.value) held.job = std::move(job.value);
  }
  Sight sight;
  sight.what = Sight::What::kStarting;
  if (!held.job) return sight;
  const auto suspended = IsSuspended(held.dir);
  if (suspended.error != 0) return Unknown(held.dir, suspended.error);
  sight.what =
      *suspended.value ? Sight::What::kSuspended : Sight::What::kRunning;
  sight.began_at = FromReal(held.job->began_ms);
  AddProgress(held.progress, sight);
  return sight;
}

Sight LocalExecutor::LookDead(ProcessId id, Held& held) {
  const auto exit = ReadExit(held.dir);
  if (exit.error != 0) return Unknown(held.dir, exit.error);
  if (exit.value) {
    held.last_word = EndedSight(*exit.value, held);
    return *held.last_word;
  }
  if (held.started->boot_id != boot_id_) {
    return LookLost(id, held, "the machine restarted", false);
  }
  // Process numbers may be another container's; the lock knows better.
  const auto locked = IsLocked(held.dir);
  if (locked.error != 0) return Unknown(held.dir, locked.error);
  if (*locked.value) {
    Sight sight;
    sight.detail = fmt::format(
        "{} is held by a runner that cannot be seen from here, perhaps in "
        "another container",
        held.dir);
    return sight;
  }
  return LookLost(id, held, "its runner was killed", true);
}

Sight LocalExecutor::EndedSight(const ExitRecord& record, Held& held) {
  Sight sight;
  sight.what = Sight::What::kEnded;
  sight.began_at = FromReal(record.began_ms);
  sight.ended_at = FromReal(record.ended_ms);
  // Of a command that could not be started there is no exit code.
  if (record.exec_errno == 0) sight.exit_code = record.code;
  sight.signal = record.signal;
  sight.detail = record.detail;
  // 85 means "saved" only from the command itself. From the on_resume line it
  // would have the job started again for ever.
  if (record.before_failed && record.code == kCheckpointExitCode) {
    sight.exit_code = 1;
  }
  AddProgress(held.progress, sight);
  return sight;
}

// Its runner is gone without a word. Nothing of it may live on beside a new
// run, so the loss is told only once nothing does.
Sight LocalExecutor::LookLost(ProcessId id, Held& held, const std::string& why,
                              bool sweep) {
  const RunPaths paths = PathsOf(id);
  const std::string& shared = options_.shared_dir;
  const std::vector<std::string> logs = {LogPath(shared, id, LogStream::kOut),
                                         LogPath(shared, id, LogStream::kErr)};
  std::optional<Instant> last = held.alive_at;
  if (sweep) {
    const auto swept = SweepLeftovers({RunMark(paths), logs});
    Sight unknown;
    if (!swept.ok()) {
      unknown.detail = Message(swept.status());
      return unknown;
    }
    if (swept->any) held.alive_at = last = SystemClock::RealNow();
    if (!swept->clean) {
      unknown.detail = why + ", and a process it left cannot be killed yet";
      return unknown;
    }
  }
  if (!held.job) held.job = ReadJob(held.dir).value;
  if (const auto ended = watch_->Look(id).ended) last = std::max(last, ended);
  Instant began;
  if (held.job) {
    began = Instant::FromMillis(held.job->began_ms);
  } else if (held.started) {
    began = Instant::FromMillis(held.started->at_ms);
  }
  // A write to its files is a sign of life too: it may be all there is when
  // the daemon was down as well.
  if (!last) {
    for (const std::string& file : {logs[0], logs[1], paths.progress_file,
                                    held.dir + '/' + kStartedFile}) {
      last = std::max(last, ModifiedAt(file));
    }
  }
  Sight sight;
  sight.what = Sight::What::kLost;
  sight.detail = why;
  sight.began_at = clock_.FromReal(began);
  sight.ended_at = clock_.FromReal(std::max(began, last.value_or(began)));
  AddProgress(held.progress, sight);
  held.last_word = sight;
  return sight;
}

}  // namespace carbond
