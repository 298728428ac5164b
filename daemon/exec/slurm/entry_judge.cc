#include "daemon/exec/slurm/entry_judge.h"

#include <sys/wait.h>

#include <algorithm>
#include <csignal>

#include "daemon/exec/slurm/commands.h"

namespace carbond {
namespace {

using What = Sight::What;
using Next = EntryVerdict::Next;

SlurmStage StageOf(const SlurmEntry& row) {
  return carbond::StageOf(SlurmJob{row.id, row.state, row.reason, {}, {}});
}

std::string Named(const EntryFacts& facts) {
  return "Slurm job " + facts.number;
}

EntryVerdict Ask(What what, std::string detail, Next next = Next::kNothing) {
  EntryVerdict verdict;
  verdict.sight.what = what;
  verdict.sight.detail = std::move(detail);
  verdict.next = next;
  return verdict;
}

// Slurm put it back: what it did since is gone, and it stands in line again.
EntryVerdict PutBack(const EntryFacts& facts) {
  EntryVerdict verdict =
      Ask(What::kEnded, Named(facts) + " was put back into its queue by Slurm");
  verdict.sight.because = RunEnd::kPreempted;
  verdict.sight.began_at = *facts.began;
  verdict.sight.ended_at = facts.seen_at;
  return verdict;
}

EntryVerdict Gone(const EntryFacts& facts) {
  // Of a task that is cancelled before it began, Slurm keeps nothing.
  if (IsTask(facts.number) && facts.was_held && !facts.let_go && !facts.began) {
    EntryVerdict verdict =
        Ask(What::kEnded, Named(facts) +
                              " is gone from its array, where it was held: it "
                              "was cancelled before it began");
    verdict.sight.because = RunEnd::kCancelled;
    return verdict;
  }
  EntryVerdict verdict =
      Ask(What::kLost, Named(facts) +
                           " is not known to Slurm any more: whether and how "
                           "it ended cannot be told");
  verdict.sight.began_at = facts.began.value_or(Instant());
  verdict.sight.ended_at = facts.seen_at;
  return verdict;
}

EntryVerdict Waiting(const EntryFacts& facts, const SlurmEntry& row) {
  const auto act = [&](Next next) {
    return facts.fresh ? next : Next::kNothing;
  };
  const std::string shown =
      fmt::format("{} is {}", Named(facts), StateWords(row.state, row.reason));
  if (facts.orders.stop) {
    return Ask(What::kStarting, shown, act(Next::kCancel));
  }
  if (facts.began) return PutBack(facts);
  if (facts.orders.recall) {
    if (!row.held) return Ask(What::kStarting, shown, act(Next::kHold));
    return Ask(facts.fresh ? What::kAbsent : What::kStarting, shown);
  }
  if (!row.held) return Ask(What::kStarting, shown);
  // Neither `sbatch --hold` nor the plugin nor carbond holds as one.
  const bool by_administrator = row.reason == "JobHeldAdmin";
  if (!facts.let_go && !by_administrator) {
    return Ask(What::kStarting, {}, act(Next::kLetGo));
  }
  return Ask(What::kStarting,
             fmt::format("{} is held again ({}), and not by carbond: "
                         "`scontrol release {}` lets it go",
                         Named(facts), row.reason, facts.number));
}

EntryVerdict Active(const EntryFacts& facts, const SlurmEntry& row) {
  const Next next =
      facts.orders.stop && facts.fresh ? Next::kCancel : Next::kNothing;
  if (row.state == "CONFIGURING" || !row.start) {
    return Ask(What::kStarting, Named(facts) + " is " + row.state, next);
  }
  // Put back and begun again between two looks.
  if (facts.began && *row.start > *facts.began) return PutBack(facts);
  const bool stopped = row.state == "SUSPENDED" || row.state == "STOPPED";
  EntryVerdict verdict = Ask(
      What::kRunning,
      stopped ? fmt::format("{} is {} in Slurm, not by carbond, and is taken "
                            "for running",
                            Named(facts), row.state)
              : std::string(),
      next);
  verdict.sight.began_at = *row.start;
  return verdict;
}

// What Slurm did to it, if it was not its own end.
void Explain(const EntryFacts& facts, const SlurmEntry& row, Sight& sight) {
  const std::string& state = row.state;
  const std::string job = Named(facts);
  if (state == "CANCELLED" || state == "REVOKED") {
    sight.because = RunEnd::kCancelled;
    sight.detail = job + " was cancelled in Slurm, not by carbond";
    if (facts.orders.stop) sight.detail.clear();
  } else if (state == "PREEMPTED") {
    sight.because = RunEnd::kCancelled;
    sight.detail = job + " was ended by Slurm to make room (preempted)";
  } else if (state == "TIMEOUT" || state == "DEADLINE") {
    sight.because = RunEnd::kTimeLimit;
    sight.detail = job + " reached its time limit in Slurm";
  } else if (state == "OUT_OF_MEMORY") {
    sight.detail = job + " took more memory than Slurm gave it";
  } else if (state == "NODE_FAIL" || state == "BOOT_FAIL") {
    sight.what = What::kLost;
    sight.detail = fmt::format("{} lost its node{}{}", job,
                               row.nodes.empty() ? "" : " ", row.nodes);
  } else if (state != "COMPLETED" && row.reason != "NonZeroExitCode") {
    sight.detail = fmt::format("{} is {}", job, StateWords(state, row.reason));
  }
}

EntryVerdict Over(const EntryFacts& facts, const SlurmEntry& row) {
  EntryVerdict verdict = Ask(What::kEnded, {});
  Sight& sight = verdict.sight;
  sight.began_at = row.start.value_or(facts.began.value_or(Instant()));
  sight.ended_at = row.end.value_or(facts.seen_at);
  Explain(facts, row, sight);
  // Cancelled where it stood: Slurm gives it a start and an end all the same.
  if (row.nodes.empty()) return verdict;
  if (row.state == "COMPLETED") {
    sight.exit_code = 0;
  } else if (WIFSIGNALED(row.wait_status)) {
    sight.signal = WTERMSIG(row.wait_status);
  } else if (sight.because) {
    sight.signal = SIGTERM;  // a script that caught it may have left with 0
  } else {
    sight.exit_code = std::max(1, WEXITSTATUS(row.wait_status));
  }
  return verdict;
}

}  // namespace

EntryVerdict JudgeEntry(const EntryFacts& facts) {
  if (!facts.known) return Ask(What::kUnknown, {});
  if (!facts.row) return Gone(facts);
  switch (StageOf(*facts.row)) {
    case SlurmStage::kQueued:
      return Waiting(facts, *facts.row);
    case SlurmStage::kActive:
      return Active(facts, *facts.row);
    case SlurmStage::kOver:
      return Over(facts, *facts.row);
  }
  return Ask(What::kUnknown, {});
}

Standing StandingIn(const std::optional<SlurmEntry>& row) {
  if (row && row->held) return {Standing::What::kHeld, {}};
  Standing moved{Standing::What::kMoved, {}};
  if (row && !row->nodes.empty()) moved.began_at = row->start;
  return moved;
}

}  // namespace carbond
