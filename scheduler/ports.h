#pragma once
// The five doors to the world: Clock, Ledger, Grid, Executor, Meter. The
// daemon, the backtest and the simulations differ only in which five they hand
// to the engine. All are called from the engine's thread, one call at a time.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "scheduler/emissions.h"
#include "scheduler/lifecycle.h"
#include "scheduler/planner.h"
#include "scheduler/series.h"

namespace carbond {

// ---- Clock ----------------------------------------------------------------

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant Now() const = 0;
};

// ---- Grid -----------------------------------------------------------------

// The signal of yearly averages: the same number at every hour, by which grams
// are accounted and regions compared. Nothing is forecast of it.
inline constexpr const char* kYearlySignal = "yearly_average";

// What a provider said, as it is archived: with when it was issued and fetched.
struct Forecast {
  std::string zone;
  std::string provider;
  std::string signal;  // the provider's own name of what the number means
  Instant issued_at;
  Instant fetched_at;
  Series series;
};

struct Observed {
  std::string zone;
  std::string provider;
  std::string signal;
  Instant fetched_at;
  Instant final_until;  // values before this will not be revised
  Series series;
};

struct GridNews {
  std::vector<Forecast> forecasts;
  std::vector<Observed> observed;
};

class Grid {
 public:
  virtual ~Grid() = default;
  // What has become known since the last call and is known at `now`. Never
  // waits for the network. An empty answer is no error: nothing is new.
  virtual GridNews Poll(Instant now) = 0;
  // When the next news may be there, if that is known.
  virtual std::optional<Instant> NextNews(Instant now) = 0;
};

// ---- Executor -------------------------------------------------------------

// Names a run's process. `process` is the run number that started it: a run
// that continues a suspended process carries the number of that first run.
struct ProcessId {
  JobId job{};
  int process = 0;
  friend auto operator<=>(const ProcessId&, const ProcessId&) = default;
};

struct StartOrder {
  ProcessId id;
  std::string region;
  Allotment allotment;
  bool resume = false;
  DataMove move = {};
  JobSpec spec;
  // Of a region with a queue: when it may begin, if that is not at once.
  std::optional<Instant> not_before = {};
};

// What is seen of a process.
struct Sight {
  enum class What {
    kUnknown,   // could not be looked at just now; ask again
    kAbsent,    // was never started here: starting it is safe
    kStarting,  // taken, not running yet (a queue)
    kRunning,
    kSuspended,  // every process of it stopped
    kEnded,      // with what is known of its end
    kLost,       // it began, and nobody can say how it ended
  };
  What what = What::kUnknown;
  Instant began_at;  // kRunning and later
  Instant ended_at;  // kEnded, kLost (the last instant it was known alive)
  std::optional<int> exit_code;
  std::optional<int> signal;
  std::string detail;  // of a failed start, or of a loss
  // An end that was not the job's own doing nor asked for: kCancelled (by
  // somebody behind our back), kTimeLimit, kPreempted.
  std::optional<RunEnd> because = {};
  // From the progress file, the newest of each.
  bool ready = false;
  std::optional<double> fraction;
  bool checkpoint = false;  // `fraction` is saved
};

// How a job stands in a region's own queue that its user handed in there.
struct Standing {
  enum class What {
    kUnknown,  // could not be looked at just now; ask again
    kHeld,     // it waits for us to let it go
    kMoved,    // by another's hand: let go, begun, ended or gone
  };
  What what = What::kUnknown;
  std::optional<Instant> began_at = {};
};

class Executor {
 public:
  virtual ~Executor() = default;

  // Could this job be started at all? Asked at submission: is the command
  // there and executable, is the working directory one?
  virtual Status Check(const JobSpec& spec, const std::string& region) = 0;

  // The acts. Each is idempotent by process (and attempt): asking twice does
  // nothing more. An error means "not done, perhaps later", except that
  // InvalidArgument and NotFound from Start mean it never will be.
  virtual Status Start(const StartOrder& order) = 0;
  virtual Status Suspend(ProcessId id) = 0;
  virtual Status Continue(ProcessId id) = 0;
  // Asks the job to save and leave; the answer is seen by its exit.
  virtual Status Checkpoint(ProcessId id, int attempt) = 0;
  // TERM, grace, KILL of the whole process tree; returns at once.
  virtual Status Stop(ProcessId id) = 0;
  // Takes back a start that has not begun; nothing, once it has. Asked only of
  // regions with a queue of their own.
  virtual Status Recall(ProcessId id) = 0;

  // Looks at the processes named, in their order.
  virtual std::vector<Sight> Observe(std::span<const ProcessId> ids) = 0;
  // Its end is in the ledger: what was kept to recognise it may go.
  virtual void Forget(ProcessId id) = 0;

  // As last seen. Nothing: the region is as large as its configuration says.
  virtual std::optional<Room> RoomIn(const std::string& region) = 0;

  // Of adopted jobs that wait; the acts above let them go, take them back and
  // look at them as at any other. Few regions adopt any.
  virtual Standing StandingOf(const JobSpec&) { return {}; }
  // Ends it in its queue; done once it is seen there. Idempotent.
  virtual Status Withdraw(const JobSpec&) { return Ok(); }
};

// ---- Meter ----------------------------------------------------------------

class Meter {
 public:
  virtual ~Meter() = default;
  // Expected power while running and while suspended, for jobs that declare
  // none. Before PUE.
  struct Power {
    Watts running;
    Watts idle;
  };
  virtual Power Expected(const Resources& need, const std::string& region) = 0;

  // What is asked for: `interval`, which follows the last reading of the run.
  struct Span {
    Instant since;  // the run began, or its pause in memory
    Interval interval;
    Purpose purpose = Purpose::kWork;
    WattHours booked;   // of the run's process, by all readings so far
    bool last = false;  // the process ended at the end of the interval
    WattHours booked_measured = {};  // of booked, by counters
  };
  struct Measured {
    WattHours energy;  // before PUE
    EnergySource source = EnergySource::kModelled;
    std::string meter = {};             // as in EnergyMetered
    std::optional<Instant> until = {};  // where it ends, if before the interval
    WattHours measured = {};            // as in EnergyMetered
  };
  // Readings add up: to what a counter counted from the start of the process,
  // rounded once, since what is booked is taken from it and nothing is counted
  // per reading; or, of a model, to power times the whole time since `since`.
  virtual Result<Measured> Read(const Job& job, const Run& run,
                                const Span& span) = 0;
};

// ---- Ledger ---------------------------------------------------------------

// A job's plan as it was made; kept whenever it changes.
struct PlanRecord {
  JobId job{};
  Instant made_at;
  JobPlan plan;
  // Of the whole job, not only from now on.
  std::optional<Grams> expected_total;
  std::optional<Grams> baseline;
};

// A submission, by the id its client chose. The same id with the same digest
// gives the same jobs.
struct RequestRecord {
  std::string request_id;
  std::string digest;
  JobId first{};
  int count = 0;
  Instant at;
};

// Everything of one transaction.
struct Batch {
  std::vector<Event> events;
  // The jobs after these events: the derived rows. One per job touched.
  std::vector<const Job*> jobs;
  std::vector<RequestRecord> requests;
  std::vector<PlanRecord> plans;
  std::vector<Forecast> forecasts;
  std::vector<Observed> observed;
  std::vector<Account> accounts;  // replace the job's earlier figures
  bool empty() const {
    return events.empty() && requests.empty() && plans.empty() &&
           forecasts.empty() && observed.empty() && accounts.empty();
  }
};

// What was emitted since an instant, for budgets.
struct Spent {
  std::string user;
  std::string project;
  std::string signal;
  Grams grams;
};

// What a restart needs.
struct Recovered {
  JobId next_job{};
  std::vector<Job> live;       // not Done, by id
  std::vector<Job> unsettled;  // Done, with figures that may change, by id
  std::map<JobId, std::vector<Reading>> readings;  // of all those jobs
  std::map<JobId, PlanRecord> plans;               // the newest of live jobs
  std::vector<std::string> forecast_zones;  // of which anything was forecast
  std::vector<Observed> observed;           // since the instant asked for
};

class Ledger {
 public:
  virtual ~Ledger() = default;
  // One durable transaction: all of it or nothing. An error is final: the
  // caller must stop, since it may not run ahead of its log.
  virtual Status Append(const Batch& batch) = 0;
  virtual Result<Recovered> Recover(Instant grid_since) = 0;
  // What was forecast of a zone, by issue: since the instant asked for, at most
  // one of each hour; and in any case the newest. Of one zone, since those of
  // all would fill gigabytes.
  virtual Result<std::vector<Forecast>> ForecastsSince(const std::string& zone,
                                                       Instant since) = 0;
  virtual Result<std::optional<RequestRecord>> FindRequest(
      const std::string& request_id) = 0;
  // How long the useful work of the newest succeeded jobs of that user and name
  // took, at most `limit`, newest first; jobs that failed in between left out.
  virtual Result<std::vector<Duration>> PastWork(const std::string& user,
                                                 const std::string& name,
                                                 int limit) = 0;
  // By jobs whose figures change no more, in readings that began since then.
  virtual Result<std::vector<Spent>> SettledSince(Instant since) = 0;
};

}  // namespace carbond
