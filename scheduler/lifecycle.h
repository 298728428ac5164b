#pragma once
// The life of a job: the states it can stay in, the facts that move it, and the
// one pure function that applies a fact to a job. Nothing else changes a job.

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "scheduler/job.h"

namespace carbond {

enum class State { kWaiting, kStarting, kRunning, kPaused, kDone };
enum class Outcome { kNone, kSucceeded, kFailed, kCancelled, kLost };

// How a run ended.
enum class RunEnd {
  kNone,          // it has not
  kSucceeded,     // exit 0
  kFailed,        // any other exit, or a signal
  kCheckpointed,  // exit 85: saved, start me again
  kSuspended,     // stopped in memory; the process lives
  kCancelled,     // stopped because the user asked
  kTimeLimit,     // stopped because its time limit was reached
  kNotStarted,    // the executor could not start it
  kLost,          // nobody knows: its supervisor vanished (power, kill -9)
  kPreempted,     // the cluster took its place for another; no fault of its own
  kRecalled,      // taken back before it began: the plan had changed
};

// What energy was spent on. Separate lines that add up.
enum class Purpose { kWork, kRestore, kCheckpoint, kIdle, kTransfer };
// kMixed: a counter gave a part of it, such as the GPUs', a model the rest.
enum class EnergySource { kModelled, kMeasured, kMixed };

// The concrete things a run was given, never given twice at one time.
struct Allotment {
  std::vector<int> gpus;  // device indices within the region
  int cpus = 0;
  friend bool operator==(const Allotment&, const Allotment&) = default;
};

// Data that lie in another region, and that a run fetches before it begins.
struct DataMove {
  std::string from;  // empty: nothing is fetched
  Duration time{0};
  WattHours
      energy;  // of the network; what the run draws meanwhile is beside it
  friend bool operator==(const DataMove&, const DataMove&) = default;
};

// ---- Facts ----------------------------------------------------------------

struct Submitted {
  SharedSpec spec;  // complete
};
// Intent to begin run `run`; committed before the executor is asked.
struct StartIssued {
  int run = 0;
  std::string region;
  int process = 0;  // the run whose process this is; less than `run` when a
                    // suspended process is continued
  Allotment allotment;
  bool resume = false;  // starts from a checkpoint
  DataMove move = {};
  // Handed over ahead of its time, to a region that begins it by itself then.
  std::optional<Instant> not_before = {};
};
struct RunStarted {
  int run = 0;
};
// What the job itself said in its progress file.
struct Progressed {
  int run = 0;
  std::optional<double> fraction;  // 0..1 of all the work
  bool checkpoint = false;         // it is saved up to here
};
struct EnergyMetered {
  int run = 0;
  Interval interval;  // follows the run's previous reading without a gap
  WattHours energy;   // of the IT equipment, before PUE
  Purpose purpose = Purpose::kWork;
  EnergySource source = EnergySource::kModelled;
  std::string meter = {};   // which counters: "nvml+rapl"; empty: the table
  WattHours measured = {};  // where the source is mixed: of energy, by counters
  // Of the region, as it was then; nothing: an older reading, take today's.
  std::optional<Pue> pue = {};
};
// Of the reading's energy, what counters gave.
WattHours MeasuredPart(const EnergyMetered& reading);
// Intent to pause the run; committed before the executor is asked. `attempt`
// counts from 1 within the run.
struct PauseIssued {
  int run = 0;
  int attempt = 1;
  std::string why;
};
struct PauseFailed {
  int run = 0;
  std::string why;
};
struct RunEnded {
  int run = 0;
  RunEnd end = RunEnd::kNone;
  std::optional<int> exit_code;
  std::optional<int> signal;
  std::string detail;
};
// Intent to end the run's whole process tree; for kRecalled, only if nothing of
// it has begun.
struct StopIssued {
  int run = 0;
  RunEnd why = RunEnd::kCancelled;  // kCancelled, kTimeLimit or kRecalled
};
struct CancelRequested {
  std::string by;
};
// The user's own pause: the job does not run until released. Or a budget's, in
// whose words `budget` says why; whoever releases it goes over the budget, and
// is not held for one again.
struct Held {
  std::string by;
  std::optional<std::string> budget = {};
};
struct Released {
  std::string by;
  bool of_budget = false;  // which has room again
};

using Fact = std::variant<Submitted, StartIssued, RunStarted, Progressed,
                          EnergyMetered, PauseIssued, PauseFailed, RunEnded,
                          StopIssued, CancelRequested, Held, Released>;

struct Event {
  JobId job{};
  int seq = 0;  // 1, 2, 3, ... within the job
  Instant at;
  Fact fact;
};

// ---- The job they add up to -----------------------------------------------

struct Run {
  int number = 0;  // from 1
  std::string region;
  int process = 0;
  Allotment allotment;
  bool resume = false;
  DataMove move;
  Instant issued_at;
  std::optional<Instant> not_before;
  std::optional<Instant> started_at;
  std::optional<Instant> ended_at;
  RunEnd end = RunEnd::kNone;
  std::optional<int> exit_code;
  std::optional<int> signal;
  std::string detail;
  Instant metered_until;                   // where the next reading begins
  std::optional<Instant> pause_issued_at;  // a pause is under way
  int pause_attempts = 0;
  std::optional<Instant> pause_failed_at;
  bool ready = false;              // the job wrote to its progress file
  std::optional<RunEnd> stop_why;  // a stop is under way
  Duration work{0};                // time metered as useful work
  // When it last said that its work is saved: a crash leaves that much.
  std::optional<Instant> saved_at = {};
};

// Handed over to a queue that holds it until a time still to come.
inline bool ComesLater(const Run& run, Instant now) {
  return run.not_before && *run.not_before > now;
}

struct Job {
  JobId id{};
  SharedSpec spec;
  int last_seq = 0;
  Instant submitted_at;
  State state = State::kWaiting;
  Outcome outcome = Outcome::kNone;
  std::optional<int> exit_code;
  std::optional<Instant> started_at;
  std::optional<Instant> finished_at;
  bool held = false;
  bool cancel_requested = false;
  int failures = 0;  // runs that failed, were lost or did not start
  bool has_checkpoint = false;
  std::vector<Run> runs;

  // Useful work, as far as it is known: what the job reported where it did,
  // else the time metered as work. `work_saved` is what a crash leaves.
  Duration work_done{0};
  Duration work_saved{0};

  WattHours energy;  // all readings, before PUE

  // When its user released it, if no run began and no pause was issued since:
  // it may then go on however short the pause has been.
  std::optional<Instant> released_at = {};

  std::string held_by = {};                         // while it is held
  std::optional<std::string> held_for_budget = {};  // its words
  bool over_budget = false;  // somebody released it all the same

  const Run* current() const {  // the run under way, or the last one
    return runs.empty() ? nullptr : &runs.back();
  }
  bool in_memory() const {  // Paused, with its process suspended
    return state == State::kPaused && !runs.empty() &&
           runs.back().end == RunEnd::kSuspended;
  }
  // It waits in a region's own queue, which it is to leave before it is done.
  bool stands_elsewhere() const {
    return state == State::kWaiting && spec->adopted();
  }
  // Holds capacity in its current run's region.
  bool occupies() const {
    return state == State::kStarting || state == State::kRunning || in_memory();
  }
};

// The last run that was not taken back, the newest `without` left out; null:
// there is none.
const Run* LastNotRecalled(const Job& job, int without = 0);

// How many pauses the job has behind it.
int Pauses(const Job& job);

// Where the job's data are: where it ran last, or its home region.
const std::string& DataRegion(const Job& job);

// When the run under way has fetched its data ...
Instant FetchedAt(const Run& run);
// ... and has restored what it resumes, and begins to work.
Instant RestoredAt(const JobSpec& spec, const Run& run);

// Work still to do by what is known of it: the time since the last reading
// counts as work. A little is left in any case, since a job that outlives its
// estimate keeps running.
Duration RemainingWork(const Job& job, Instant now);

// The job after the event. Refuses, with the row that is missing, whatever the
// transition table does not allow. Pure. The first form makes a new job and
// takes only Submitted.
Result<Job> ApplyFirst(const Event& event);
Status Apply(Job& job, const Event& event);  // `job` is untouched on refusal

const char* Name(State state);
const char* Name(Outcome outcome);
const char* Name(RunEnd end);
const char* Name(Purpose purpose);
const char* Name(EnergySource source);
const char* FactName(const Fact& fact);  // "Submitted", "StartIssued", ...

// From their names, for the codec. Refused when unknown.
Result<State> ParseState(const std::string& name);
Result<Outcome> ParseOutcome(const std::string& name);
Result<RunEnd> ParseRunEnd(const std::string& name);
Result<Purpose> ParsePurpose(const std::string& name);
Result<EnergySource> ParseEnergySource(const std::string& name);

// Exit code by which a job says "saved, start me again" (HTCondor's
// convention for self-checkpointing jobs).
inline constexpr int kCheckpointExitCode = 85;

}  // namespace carbond
