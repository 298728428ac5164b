#pragma once
// The one place where decisions are made. Single-threaded by contract: one
// driver calls it, be it the daemon's loop or a simulation that leaps from wake
// to wake. It reads the clock once per tick, commits every intent before the
// act, and takes a new state as its own only after the ledger has it.

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

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
  Duration metering_period = minutes(5);
  Duration observe_period = seconds(5);  // while anything runs
  Duration stale_after = hours(3);       // a forecast older than this is none
  Duration history = hours(24 * 8);      // of observed values kept in memory
  Duration pause_retry = minutes(10);    // after a failed pause
  Duration settle_window = hours(48);    // figures may change for this long
};

// ---- Commands --------------------------------------------------------------

struct SubmitCommand {
  struct Entry {
    JobSpec spec;
    Unset unset;
  };
  std::string request_id;  // empty: none was chosen
  std::string digest;      // of the content, for the same request id
  std::vector<Entry> jobs;  // all or none
};
struct CancelCommand {
  JobId job{};
  std::string by;
};
struct HoldCommand {
  JobId job{};
  std::string by;
};
struct ReleaseCommand {
  JobId job{};
  std::string by;
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
  std::vector<JobId> jobs;            // SubmitCommand
  std::optional<PlanRecord> plan;     // PlanCommand
  std::optional<JobSpec> completed;   // PlanCommand: the spec with defaults
};

// What is known of a zone, for reports.
struct ZoneView {
  enum class Mode { kFresh, kLate, kStale, kClimatology, kNone };
  Mode mode = Mode::kNone;
  std::string provider;
  std::string signal;
  std::optional<Instant> issued_at;
  std::optional<Instant> fetched_at;
  Series outlook;                // from about now on
  Instant forecast_end;          // where the forecast proper ends
  Series observed;
};
const char* Name(ZoneView::Mode mode);

struct RegionView {
  Region region;
  Resources used;
  ZoneView zone;
};

class Engine {
 public:
  // Loads the live jobs. What really runs is seen on the first tick.
  static Result<std::unique_ptr<Engine>> Recover(EngineOptions options,
                                                 Doors doors);

  // Validates all commands, commits what they change in one transaction, and
  // only then answers, in their order. An error is the ledger's: stop.
  Result<std::vector<Reply>> Execute(std::span<const Command> commands);

  // Looks, records, acts. An error is the ledger's: stop.
  Status Tick();

  // Planning is apart, so that a driver may do it on another thread: whatever
  // has changed since the last plan is in the request. Nothing when nothing
  // has. A plan is a proposal; Tick holds it against the world.
  std::optional<PlanInput> TakePlanRequest();
  Status Adopt(const Plan& plan);

  // Tick is due then, or earlier when a command or news arrives.
  Instant NextWake() const;

  // For reports and tests.
  const std::map<JobId, Job>& live() const { return live_; }
  std::vector<RegionView> Regions() const;
  const EngineOptions& options() const { return options_; }

 private:
  struct Zone {
    std::optional<Forecast> forecast;
    KnownIntensity known;
    std::string provider;
    std::string signal;
    Instant fetched_at;
  };
  struct Track {  // what the engine remembers of a live job beside the job
    std::vector<Reading> readings;
    std::optional<PlanRecord> plan;
    bool account_due = false;
  };
  class Transaction;

  Engine(EngineOptions options, Doors doors)
      : options_(std::move(options)), doors_(doors) {}

  // Fixed after construction
  EngineOptions options_;
  Doors doors_;

  // Only the driver's thread
  JobId next_job_{1};
  std::map<JobId, Job> live_;
  std::map<JobId, Job> unsettled_;
  std::map<JobId, Track> tracks_;
  std::map<std::string, Zone> zones_;
  Instant now_;
  bool plan_due_ = true;
  Instant plan_valid_until_;
};

}  // namespace carbond
