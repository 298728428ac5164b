#include "daemon/exec/slurm/judge.h"

#include <csignal>

namespace carbond {
namespace {

using What = Sight::What;
using Next = RunVerdict::Next;

Sight Begin(What what, std::string detail = {}) {
  Sight sight;
  sight.what = what;
  sight.detail = std::move(detail);
  return sight;
}

void AddProgress(const RunFacts& facts, Sight& sight) {
  sight.ready = facts.progress.ready;
  sight.fraction = facts.progress.fraction;
  sight.checkpoint = facts.progress.checkpoint;
}

// Did carbond ask for its end? A recall is void once it has begun.
bool IsUnwanted(const RunFacts& facts) {
  return facts.orders.stop || (facts.orders.recall && !facts.job);
}

// Slurm signals all processes of a job at once, so that a command may be gone
// before its runner hears that it is to stop it; and the kernel kills what
// takes too much memory.
bool MayBeSlurms(const ExitRecord& exit) {
  return exit.stopped || exit.signal == SIGTERM || exit.signal == SIGKILL;
}

// What Slurm did to it, where that explains an end that carbond did not ask
// for.
void Explain(const RunFacts& facts, Sight& sight) {
  if (!facts.row || IsUnwanted(facts)) return;
  const std::string& state = facts.row->state;
  const std::string job = "Slurm job " + facts.row->id;
  if (state == "CANCELLED") {
    sight.because = RunEnd::kCancelled;
    sight.detail = job + " was cancelled in Slurm, not by carbond";
  } else if (state == "TIMEOUT" || state == "DEADLINE") {
    sight.because = RunEnd::kTimeLimit;
    sight.detail = job + " reached its time limit in Slurm";
  } else if (state == "PREEMPTED") {
    sight.because = RunEnd::kPreempted;
    sight.detail = job + " had to make room for another (preempted by Slurm)";
  } else if (state == "OUT_OF_MEMORY") {
    sight.detail = job + " took more memory than Slurm gave it";
  } else if (state == "NODE_FAIL" || state == "BOOT_FAIL") {
    sight.detail =
        fmt::format("{} lost its node{}{}", job,
                    facts.row->nodes.empty() ? "" : " ", facts.row->nodes);
  } else if (sight.detail.empty() && state != "COMPLETED" &&
             (!facts.exit || facts.exit->stopped)) {
    sight.detail =
        fmt::format("{} is {}", job, StateWords(state, facts.row->reason));
  }
}

Sight Ended(const RunFacts& facts) {
  const ExitRecord& exit = *facts.exit;
  Sight sight = Begin(What::kEnded, exit.detail);
  sight.began_at = Instant::FromMillis(exit.began_ms);
  sight.ended_at = Instant::FromMillis(exit.ended_ms);
  if (exit.exec_errno == 0) sight.exit_code = exit.code;
  sight.signal = exit.signal;
  // 85 means "saved" only from the command itself.
  if (exit.before_failed && exit.code == kCheckpointExitCode) {
    sight.exit_code = 1;
  }
  AddProgress(facts, sight);
  if (MayBeSlurms(exit)) Explain(facts, sight);
  return sight;
}

// Told to end by neither carbond nor itself: Slurm says why once it has seen
// the end too.
bool AwaitsReason(const RunFacts& facts, const SlurmPatience& patience) {
  const bool told = facts.queue_known && facts.row &&
                    StageOf(*facts.row) == SlurmStage::kOver;
  return MayBeSlurms(*facts.exit) && !IsUnwanted(facts) && !told &&
         facts.exit_for < patience.storage;
}

Sight Lost(const RunFacts& facts, const std::string& why) {
  Sight sight = Begin(What::kLost, why);
  sight.began_at = Instant::FromMillis(facts.started->at_ms);
  sight.ended_at = Instant::FromMillis(
      std::max(facts.started->at_ms, facts.heartbeat_ms.value_or(0)));
  AddProgress(facts, sight);
  Explain(facts, sight);
  return sight;
}

// A runner has taken the run and has not written its end.
RunVerdict OfStarted(const RunFacts& facts, const SlurmPatience& patience) {
  const std::string place =
      facts.started->place.empty() ? "its runner" : facts.started->place;
  const bool over = facts.row && StageOf(*facts.row) == SlurmStage::kOver;
  const bool node_gone = over && (facts.row->state == "NODE_FAIL" ||
                                  facts.row->state == "BOOT_FAIL");
  // Slurm saw the last of its processes go, and the runner left no word.
  if (over && !node_gone &&
      facts.over_for >= patience.storage + patience.heartbeat &&
      facts.silent >= patience.heartbeat * 2) {
    return {Lost(facts, place + ": its runner was killed"), Next::kAbandon};
  }
  if (facts.silent >= patience.silence()) {
    return {Lost(facts, fmt::format("{}: no sign of life for {}", place,
                                    FormatDuration(facts.silent))),
            Next::kAbandon};
  }
  Sight sight = Begin(What::kStarting, place);
  if (facts.job) {
    sight.what = facts.suspended ? What::kSuspended : What::kRunning;
    sight.began_at = Instant::FromMillis(facts.job->began_ms);
    AddProgress(facts, sight);
  }
  return {std::move(sight), Next::kNothing};
}

// Slurm has it, or had it, and no runner has begun.
RunVerdict OfRow(const RunFacts& facts, const SlurmPatience& patience) {
  const SlurmJob& row = *facts.row;
  if (StageOf(row) != SlurmStage::kOver) {
    return {
        Begin(What::kStarting, fmt::format("Slurm job {} is {}", row.id,
                                           StateWords(row.state, row.reason))),
        Next::kNothing};
  }
  if (facts.over_for < patience.storage) {
    return {Begin(What::kStarting), Next::kNothing};
  }
  const bool not_its_fault = row.state == "NODE_FAIL" ||
                             row.state == "BOOT_FAIL" ||
                             row.state == "PREEMPTED";
  if (not_its_fault && !IsUnwanted(facts)) {
    return {Begin(What::kStarting), Next::kSubmit};
  }
  Sight sight = Begin(What::kEnded);
  Explain(facts, sight);
  if (!sight.because && !IsUnwanted(facts)) {
    sight.detail = fmt::format(
        "Slurm job {} ended as {} before carbon-runner began{}: is "
        "shared_dir the same on that node, and carbon-runner installed?",
        row.id, StateWords(row.state, row.reason),
        row.nodes.empty() ? "" : " on " + row.nodes);
  }
  return {std::move(sight), Next::kNothing};
}

}  // namespace

RunVerdict Judge(const RunFacts& facts, const SlurmPatience& patience) {
  if (facts.exit && !AwaitsReason(facts, patience)) {
    return {Ended(facts), Next::kNothing};
  }
  if (facts.started) return OfStarted(facts, patience);
  if (!facts.refusal.empty()) {
    return {Begin(What::kEnded, facts.refusal), Next::kNothing};
  }
  if (!facts.submitted) return {Begin(What::kAbsent), Next::kNothing};
  if (!facts.queue_known) {
    return {Begin(What::kStarting), Next::kNothing};
  }
  if (facts.row) return OfRow(facts, patience);
  // Slurm does not know it, and nobody has run it.
  const Duration wait = facts.answered ? patience.durable : patience.unanswered;
  if (facts.since_asked < wait) {
    return {Begin(What::kStarting), Next::kNothing};
  }
  if (IsUnwanted(facts)) return {Begin(What::kAbsent), Next::kNothing};
  return {Begin(What::kStarting, facts.answered
                                     ? "Slurm lost it: asked again"
                                     : "Slurm never got it: asked again"),
          Next::kSubmit};
}

}  // namespace carbond
