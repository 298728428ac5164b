#pragma once
// The one place where decisions are made. Single-threaded by contract: one
// driver calls it, be it the daemon's loop or a simulation that leaps from wake
// to wake. It reads the clock once per tick, commits every intent before the
// act, and takes a new state as its own only after the ledger has it.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "scheduler/budget.h"
#include "scheduler/forecast_correction.h"
#include "scheduler/outlook.h"
#include "scheduler/ports.h"

namespace carbond {

struct Doors {
  Clock& clock;
  Ledger& ledger;
  Grid& grid;
  Executor& executor;
  Meter& meter;
};

struct EngineOptions {
  std::vector<Region> regions;
  Defaults defaults;
  TransferCost transfer;
  Duration metering_period = minutes(5);
  Duration observe_period = seconds(5);  // while anything runs
  // A forecast older than this is none: of a provider, and of all others.
  std::map<std::string, Duration> stale_after_of = {};
  Duration stale_after = hours(3);
  // Whether plans follow what experience makes of the forecasts.
  bool learn = true;
  // Of observed values kept in memory: four weeks, as far back as forecasts are
  // judged, and what a plan may look ahead.
  Duration history = hours(24 * 36);
  Duration give_up = hours(24 * 8);    // figures not settled by then stay so
  Duration pause_retry = minutes(10);  // after a failed pause
  Duration start_retry = minutes(1);   // after a start that was refused
  Duration settle_window = hours(48);  // figures may change for this long
  std::vector<Budget> budgets = {};
};

// ---- Commands -------------------------------------------------------------

struct SubmitCommand {
  struct Entry {
    JobSpec spec;
    Unset unset;
  };
  std::string request_id;   // empty: none was chosen
  std::string digest;       // of the content, for the same request id
  std::vector<Entry> jobs;  // all or none
};
struct CancelCommand {
  JobId job{};
  std::string by;
  std::string only_of =
      {};  // refused unless the job is this user's; empty: any
};
struct HoldCommand {
  JobId job{};
  std::string by;
  std::string only_of = {};
};
struct ReleaseCommand {
  JobId job{};
  std::string by;
  std::string only_of = {};
};
// A dry run: what would happen to this job, were it submitted now.
struct PlanCommand {
  JobSpec spec;
  Unset unset;
};
using Command = std::variant<SubmitCommand, CancelCommand, HoldCommand,
                             ReleaseCommand, PlanCommand>;

struct Reply {
  Status status;
  std::vector<JobId> jobs;           // SubmitCommand
  bool repeated = false;             // they were there already
  std::optional<PlanRecord> plan;    // PlanCommand
  std::optional<JobSpec> completed;  // PlanCommand: the spec with defaults
};

// What is known of a zone, for reports.
struct ZoneView {
  using Mode = ForecastMode;
  Mode mode = Mode::kNone;
  std::string provider;
  std::string signal;
  std::optional<Instant> issued_at;
  std::optional<Instant> fetched_at;
  Series outlook;        // from now on, as far as any plan may look
  Instant forecast_end;  // where the forecast ends and climatology begins
  Series observed;
  // How far what came has usually lain from such an outlook; a gap where too
  // little is known of that.
  Series spread = {};
};

struct RegionView {
  Region region;
  Resources used;
  ZoneView zone;
};

class Occupancy;

class Engine {
 public:
  // Loads the live jobs. What really runs is seen on the first tick.
  static Result<std::unique_ptr<Engine>> Recover(EngineOptions options,
                                                 Doors doors);

  // Validates all commands, commits what they change in one transaction, and
  // only then answers, in their order. What they hold is taken out of them. An
  // error is the ledger's: stop.
  Result<std::vector<Reply>> Execute(std::span<Command> commands);

  // Looks, records, acts. An error is the ledger's: stop.
  Status Tick();

  // Planning is apart, so that a driver may do it on another thread: whatever
  // has changed since the last plan is in the request. Nothing when nothing
  // has. A plan is a proposal; Tick holds it against the world.
  std::optional<PlanInput> TakePlanRequest();
  Status Adopt(const Plan& plan);

  // Tick is due then, or earlier when a command or news arrives.
  Instant NextWake() const;

  // What the doors could not do since the last call; each will be tried
  // again. And budgets that are spent (RESOURCE_EXHAUSTED), each once. For the
  // driver to log.
  std::vector<Status> TakeTroubles();

  // For reports and tests.
  const std::map<JobId, Job>& live() const { return live_; }
  std::vector<RegionView> Regions() const;
  const Spending& spending() const { return spending_; }
  const EngineOptions& options() const { return options_; }
  Instant now() const { return now_; }

 private:
  struct Zone {
    std::optional<Forecast> forecast;
    std::deque<Duration> issue_gaps;  // between the last issues
    Duration issue_period{0};         // the usual one of them
    KnownIntensity known;
    std::string provider;
    std::string signal;
    std::optional<Instant> fetched_at;
    ForecastCorrection correction;
    // What was expected at the last look, as far as anybody asked. It holds
    // until something is heard of the zone, or the next slot begins.
    mutable std::optional<Outlook> outlook;
    mutable Instant outlook_until, outlook_valid_until;
  };
  struct Booked {
    WattHours energy, measured;
  };
  using ProcessEnergy = std::map<int, Booked>;  // by a job's process
  struct Past {
    Grams grams;
    std::optional<Grams> baseline;
    Duration worked{0};  // of which that is the baseline
  };
  // What the engine remembers of a job beside the job.
  struct Track {
    std::vector<Reading> readings;
    std::optional<PlanRecord> plan;
    bool plan_usable = false;              // made for the job as it stands
    std::optional<Instant> planned_start;  // its place in planned_starts_
    int changes = 0;                       // of state, so far
    int changes_planned = -1;              // at the last plan request
    double last_fraction = -1;             // that the job reported
    Past past;                             // by the last account
    std::optional<PlanJob> as_planned;     // as the planner was asked last
    int changes_as_planned = -1;
    bool settled = false;  // of the last account
    // The same of this month's readings, by signal; where there are budgets.
    std::map<std::string, Grams> this_month;
    ProcessEnergy booked;  // by all readings, the network left out
  };
  // An act on the world, done after its intent is committed.
  struct Act {
    enum class Kind {
      kStart,
      kContinue,
      kSuspend,
      kCheckpoint,
      kStop,
      kRecall,
      kForget,
      kWithdraw
    };
    Kind kind;
    ProcessId id;
    int attempt = 0;
    int run = 0;
  };
  class Transaction;

  Engine(EngineOptions options, Doors doors);
  Status RecoverZones(const Recovered& recovered, Instant grid_since);

  // engine.cc: commands
  Reply Submit(SubmitCommand& command, Transaction& t);
  Result<std::vector<JobId>> Repeat(const SubmitCommand& command,
                                    Transaction& t) const;
  Result<JobSpec> Complete(JobSpec spec, const Unset& unset);
  Status LearnDuration(JobSpec& spec);
  Status FindDuration(JobSpec& spec);
  Status CheckCommand(const JobSpec& spec);
  Reply Cancel(const CancelCommand& command, Transaction& t);
  Reply Hold(const HoldCommand& command, Transaction& t);
  Reply Release(const ReleaseCommand& command, Transaction& t);
  Result<const Job*> Find(JobId id, const Transaction& t,
                          const std::string& only_of) const;

  // engine_plans.cc
  Reply DryRun(const PlanCommand& command);
  PlanInput MakePlanInput() const;
  PlanJob PlanJobOf(const Job& job) const;
  void BringUpToDate(const Job& job, PlanJob& plan) const;
  const PlanJob& PlanJobOf(const Job& job, Track& track) const;
  static bool Waits(const Job& job, const Track& track);
  static Instant MayResumeFrom(const Job& job);
  // Of zones, made when first asked for.
  using ZoneSeries = std::map<std::string, Series>;
  PlanRecord RecordOf(const JobSpec& spec, Instant submitted_at,
                      const Past& past, const JobPlan& plan,
                      ZoneSeries& series_of) const;
  Series PastAndOutlook(const std::string& zone, Interval within) const;
  Outlook OutlookOf(const std::string& zone, Instant until) const;
  Outlook MakeZoneOutlook(const Zone& zone, Instant until) const;
  Duration StaleAfter(const Zone& zone) const;  // its forecast
  Instant Horizon() const;
  int RegionIndex(const std::string& name) const;

  // engine_tick.cc: look and record
  void LookAtGrid(Transaction& t);
  void Hear(const Forecast& forecast, Zone& zone);
  void Learn(Zone& zone, Instant at, Instant known_until);
  void LookAtProcesses(Transaction& t);
  void LookAtRooms();
  void LookAtEntries(Transaction& t);
  void FollowEntry(const Job& job, const Standing& standing, Transaction& t);
  void See(const Job& job, const Sight& sight, Transaction& t);
  void SeeEnd(const Job& job, const Sight& sight, Transaction& t);
  void SeeProgress(const Job& job, const Sight& sight, Instant at,
                   Transaction& t);
  void Reassert(const Job& job, const Sight& sight, Transaction& t);

  // engine_meter.cc. `last`: its process has ended then.
  void MeterUpTo(JobId id, Instant until, Transaction& t, bool last = false);
  Booked BookedOf(const Job& job, const Transaction& t);
  std::optional<Pue> PueOf(const std::string& region) const;
  static void Book(const Job& job, const Reading& reading,
                   ProcessEnergy& booked);

  // engine_acts.cc
  // What is occupied is found out when somebody asks for a place.
  using LazyOccupancy = std::optional<Occupancy>;
  void DecideOn(const Job& job, LazyOccupancy& occupancy, Transaction& t);
  void DecideStart(const Job& job, LazyOccupancy& occupancy, Transaction& t);
  void DecideRecall(const Job& job, Transaction& t);
  bool RanTooLong(const Job& job) const;
  Occupancy OccupancyNow(const Transaction& t) const;
  void DecidePause(const Job& job, Transaction& t);
  const JobPlan* UsablePlan(JobId id) const;
  void UsePlan(PlanRecord record);
  Instant HandOverAt(const Job& job, const PlanRecord& record) const;
  bool OthersHaveThePlace(const Region& region, const Resources& need) const;
  bool InQueue(const Job& job) const;
  void DropPlan(JobId id, Track& track);
  std::optional<Instant> PauseAt(const Job& job) const;
  bool MayPauseEarly(const Job& job) const;
  Status Do(const std::vector<Act>& acts);
  Status DoOne(const Act& act);
  Status StartRun(const Act& act);

  // engine_accounts.cc
  void KeepAccounts(Transaction& t);
  void AccountFor(const Job& job, Transaction& t);
  enum class Signal { kFirst, kSecond };
  std::map<std::string, RegionGrid> GridOf(const Job& job, Signal which) const;

  // engine_budgets.cc
  Status RecoverBudgets();
  void CountThisMonth(const Job& job, const Account& account, Track& track);
  void BeginMonth();
  void HeedBudgets(Transaction& t);
  void HeedBudget(const Job& job, Transaction& t);

  // Fixed after construction
  EngineOptions options_;
  Doors doors_;
  const KnownIntensity nothing_known_;

  // Only the driver's thread
  JobId next_job_{1};
  std::map<JobId, Job> live_;
  std::map<JobId, const Job*> occupying_;  // of the live ones
  std::set<JobId> adopted_;                // likewise
  // By when the plan starts, continues or hands over those that do not run.
  std::set<std::pair<Instant, JobId>> planned_starts_;
  Instant latest_deadline_;         // of live jobs, or later
  std::map<JobId, Job> unsettled_;  // done, with figures that may change
  std::unordered_map<JobId, Track> tracks_;  // of both
  std::set<JobId> accounts_due_;
  Spending spending_;
  bool forbade_ = true;  // a budget, at the last look: some may be held
  std::map<std::string, Zone> zones_;
  std::map<std::string, Status> checked_;  // commands, within one Execute
  std::vector<Status> troubles_;
  Instant now_;
  std::map<std::string, std::optional<Room>> rooms_;  // of regions with queues
  bool plan_due_ = true;
  Instant plan_valid_until_;  // the next slot border
};

}  // namespace carbond
