// What a cluster is asked to do with a run, and what must lie on disk before.

#include <spdlog/spdlog.h>

#include <cstring>
#include <filesystem>

#include "daemon/exec/directory.h"
#include "daemon/exec/run_paths.h"
#include "daemon/exec/runner_options.h"
#include "daemon/exec/slurm/cluster.h"

namespace carbond {
namespace {

constexpr char kScriptFile[] = "script";
constexpr char kScript[] = "#!/bin/sh\nexec \"$@\"\n";
// Between two attempts to hand the same run to a cluster that does not answer.
constexpr Duration kRetry = seconds(15);

Status Written(int error, const std::string& dir, const char* file) {
  if (error == 0) return Ok();
  return Trouble("cannot write {}/{}: {}", dir, file, std::strerror(error));
}

}  // namespace

void SlurmCluster::Do(ProcessId id, Errand& errand) {
  Held& held = held_.try_emplace(id, DirOf(id)).first->second;
  if (errand.forget) {
    Remove(id, held);
    if (options_.board != nullptr) options_.board->Drop(id);
    held_.erase(id);
    return;
  }
  if (const Status read = ReadFirst(held); !read.ok()) {
    // Handed in again by the engine, which is told that nothing is known.
    spdlog::warn("job {} run {}: {}", Number(id.job), id.process,
                 Message(read));
    return;
  }
  if (errand.start && !held.facts.submitted) {
    const bool entry = errand.start->spec.adopted();
    const Status made =
        entry ? PrepareEntry(id, held, errand) : Prepare(id, held, errand);
    if (!made.ok()) {
      held.retry_at = Now() + kRetry;
      if (held.told == Message(made)) return;
      held.told = Message(made);
      spdlog::error("job {} run {}: {}", Number(id.job), id.process, held.told);
      return;
    }
    if (!entry && held.facts.submitted) Submit(id, held);
  }
  if (errand.changes.empty()) return;
  Orders orders = held.facts.orders;
  for (const Change& change : errand.changes) change(orders);
  Order(id, held, orders);
}

// Everything a node needs, and last of all the record that Slurm is asked.
Status SlurmCluster::Prepare(ProcessId id, Held& held, const Errand& errand) {
  CARBOND_RETURN_IF_ERROR(FindOwner(id, held, errand.start->spec));
  if (!held.facts.refusal.empty()) return Ok();
  CARBOND_RETURN_IF_ERROR(MakeFolders(id, held));
  CARBOND_ASSIGN_OR_RETURN(const Submission submission,
                           PrepareRunner(id, held, errand));
  held.sbatch = SbatchArguments(errand.place, submission);
  CARBOND_RETURN_IF_ERROR(Written(
      WriteTexts(held.dir, kSbatchFile, held.sbatch), held.dir, kSbatchFile));
  TextRecord record = {{"conf", conf_}, {"name", submission.name}};
  if (held.user) {
    record["user"] = held.user->name;
    record["uid"] = std::to_string(held.user->uid);
    record["gid"] = std::to_string(held.user->gid);
  }
  CARBOND_RETURN_IF_ERROR(
      Written(WriteRecord(held.dir, kSubmissionFile, record), held.dir,
              kSubmissionFile));
  held.facts.submitted = true;
  return Ok();
}

// What stands in the folder of its runner, written as the run's own user.
Result<Submission> SlurmCluster::PrepareRunner(ProcessId id, const Held& held,
                                               const Errand& errand) {
  CARBOND_ASSIGN_OR_RETURN(const auto as_owner, AsOwner(held));
  const StartOrder& order = *errand.start;
  const std::string& shared = options_.shared_dir;
  RunnerOptions runner;
  runner.dir = held.work;
  if (held.user) runner.orders = held.dir;
  runner.workdir = order.spec.workdir;
  runner.out = LogPath(shared, id, LogStream::kOut);
  runner.err = LogPath(shared, id, LogStream::kErr);
  runner.grace_ms = options_.grace_ms;
  runner.heartbeat_ms = static_cast<int>(options_.patience.heartbeat.count());
  runner.lease_ms = static_cast<int>(options_.patience.lease().count());
  if (order.spec.pause == PauseMode::kCheckpoint) {
    CARBOND_ASSIGN_OR_RETURN(runner.checkpoint_signal,
                             SignalNumber(order.spec.checkpoint_signal));
    runner.on_pause = order.spec.on_pause;
  }
  if (order.resume) runner.on_resume = order.spec.on_resume;
  runner.command = order.spec.command;
  if (options_.meter_of) runner.meter = options_.meter_of(order, held.work);
  const auto texts = [&](const char* file,
                         const std::vector<std::string>& all) {
    return Written(WriteTexts(held.work, file, all), held.work, file);
  };
  CARBOND_RETURN_IF_ERROR(texts(kOptionsFile, FormatRunnerOptions(runner)));

  std::vector<std::string> environment;
  const RunPaths paths{CheckpointDir(shared, id.job),
                       held.work + '/' + kProgressFile};
  // Devices are Slurm's to give.
  for (const auto& [name, value] : JobEnvironment({}, order, paths, false)) {
    environment.push_back(name + '=' + value);
  }
  CARBOND_RETURN_IF_ERROR(texts(kEnvironmentFile, environment));

  Submission submission;
  submission.name = NameOf(id);
  submission.comment =
      order.spec.name.empty()
          ? fmt::format("carbond job {}", Number(id.job))
          : fmt::format("carbond job {}: {}", Number(id.job), order.spec.name);
  submission.script = held.work + '/' + kScriptFile;
  submission.arguments = {options_.runner, "--run", held.work};
  submission.log = held.work + '/' + kRunnerLogFile;
  submission.allotment = order.allotment;
  submission.times = errand.times;
  CARBOND_RETURN_IF_ERROR(Written(WriteText(held.work, kScriptFile, kScript),
                                  held.work, kScriptFile));
  return submission;
}

// Whatever goes wrong here, Slurm may have taken it: only its queue will tell.
void SlurmCluster::Submit(ProcessId id, Held& held) {
  held.facts.answered = false;
  held.facts.row.reset();
  held.over_since.reset();
  held.retry_at = Now() + kRetry;
  // Each attempt at a controller that is away takes ten seconds.
  if (Now() < unreachable_until_ || !trouble_.empty()) {
    held.asked_at = Now();
    return;
  }
  const Result<ProgramEnd> end = CallFor(held, "sbatch", held.sbatch);
  held.asked_at = Now();
  if (end.ok() && end->code == 0) {
    held.facts.answered = true;
    const std::string number =
        end->out.substr(0, end->out.find_first_not_of("0123456789"));
    spdlog::info("handed to Slurm job={} run={} slurm_job={} name={}",
                 Number(id.job), id.process, number, NameOf(id));
  } else if (end.ok() && end->code && IsRefusal(end->err)) {
    held.facts.refusal = "sbatch: " + LastComplaint(end->err);
  } else {
    // That one user's command gave none says nothing of the others'.
    if (!held.user || !trouble_.empty()) unreachable_until_ = Now() + kRetry;
    spdlog::warn("job {} run {}: sbatch gave no answer: {}", Number(id.job),
                 id.process,
                 !end.ok()        ? Message(end.status())
                 : end->timed_out ? "its time was over"
                                  : LastComplaint(end->err));
  }
}

void SlurmCluster::Order(ProcessId id, Held& held, Orders orders) {
  if (orders == held.facts.orders || !held.facts.submitted) return;
  constexpr mode_t kForAll = 0644;  // who runs it reads no more than this
  const int error = held.user ? WriteOrders(held.dir, orders, kForAll)
                              : WriteOrders(held.dir, orders);
  if (error != 0) {
    spdlog::warn("job {} run {}: cannot write {}/{}: {}", Number(id.job),
                 id.process, held.dir, kOrdersFile, std::strerror(error));
    return;  // asked for again
  }
  held.facts.orders = orders;
  if (held.is_entry()) {
    next_entries_ = Duration(0);
    return;
  }
  // What only waits in the queue has no runner yet that would read them.
  if (!held.facts.started) Cancel(id, held, orders);
}

// Nothing, unless the orders say so.
void SlurmCluster::Cancel(ProcessId id, const Held& held,
                          const Orders& orders) {
  const bool whatever = orders.stop || orders.abandon;
  if (!whatever && !orders.recall) return;
  const std::string user =
      held.user ? std::to_string(held.user->uid) : options_.user;
  const auto end = CallFor(held, "scancel",
                           whatever ? ScancelArguments(user, NameOf(id))
                                    : RecallArguments(user, NameOf(id)));
  if (end.ok() && end->code == 0) return;
  spdlog::warn("job {} run {}: scancel: {}", Number(id.job), id.process,
               !end.ok()        ? Message(end.status())
               : end->timed_out ? "no answer"
                                : LastComplaint(end->err));
}

void SlurmCluster::Remove(ProcessId id, const Held& held) {
  if (!RemoveWork(id, held)) return;
  std::error_code error;
  std::filesystem::remove_all(held.dir, error);
  if (!error) return;
  spdlog::warn("job {} run {}: cannot remove {}: {}", Number(id.job),
               id.process, held.dir, error.message());
}

Result<ProgramEnd> SlurmCluster::Call(
    const std::string& program,
    const std::vector<std::string>& arguments) const {
  return RunProgram(program, arguments, environment_, options_.command_limit);
}

}  // namespace carbond
