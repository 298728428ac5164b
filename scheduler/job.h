#pragma once
// What a user submits, where it may run, and the rules a submission must meet.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scheduler/time.h"
#include "scheduler/units.h"

namespace carbond {

// Given by the ledger, from 1 upwards, never used twice.
enum class JobId : int64_t {};
constexpr int64_t Number(JobId id) { return static_cast<int64_t>(id); }

enum class PauseMode {
  kNone,        // runs unbroken once begun
  kSuspend,     // stopped in memory: draws idle power, keeps its capacity
  kCheckpoint,  // saves itself and leaves with exit code 85
};

struct Resources {
  int gpus = 0;
  int cpus = 0;

  bool Fits(const Resources& in) const {
    return gpus <= in.gpus && cpus <= in.cpus;
  }
  Resources& operator+=(const Resources& r) {
    gpus += r.gpus;
    cpus += r.cpus;
    return *this;
  }
  Resources& operator-=(const Resources& r) {
    gpus -= r.gpus;
    cpus -= r.cpus;
    return *this;
  }
  friend bool operator==(const Resources&, const Resources&) = default;
};

// Where a job stands that its user handed in to a region's own queue, with that
// queue's own means: how it is known there. The queue holds it until its hour,
// starts it and runs it; what is decided here is the hour.
struct QueueEntry {
  std::string queue;   // which
  std::string number;  // empty: the job is started from here, as most are
  // By the queue's clock, in whole seconds. Numbers may be handed out again;
  // with this they tell jobs apart.
  Instant entered_at;
  Duration limit{0};   // the queue ends it after so long; 0: it does not
  std::string remark;  // what of its user's wishes was not understood

  friend bool operator==(const QueueEntry&, const QueueEntry&) = default;
};

struct JobSpec {
  std::string name;
  std::string project;
  std::string user;
  std::vector<std::string> command;  // argument vector, never a shell line
  std::map<std::string, std::string> env;  // added to the daemon's own
  std::string workdir;                     // absolute

  Resources need;
  // Useful work, pauses and their overhead not counted. Where the user gives
  // none it is learnt from so many earlier jobs of the same name and user.
  Duration duration{0};
  int duration_learnt_from = 0;
  // Drawn while running, all resources together, before PUE. Filled from the
  // meter's model when the user gives none.
  Watts power;
  // Drawn while suspended in memory. Left unset it is the share of `power` that
  // the model has for such a machine.
  Watts idle_power;
  bool power_declared = false;

  std::optional<Instant> earliest;  // not before
  // Finished by. When the user gives none, submission sets the latest finish
  // that the defaults allow, and `deadline_declared` stays false.
  std::optional<Instant> deadline;
  bool deadline_declared = false;

  std::vector<std::string> regions;  // where it may run, in order of preference
  std::string home_region;           // the baseline's; one of `regions`

  PauseMode pause = PauseMode::kNone;
  std::string checkpoint_signal = "USR1";  // sent to the job's main process
  std::string on_pause;   // shell line that makes the job save; instead of it
  std::string on_resume;  // shell line run before a resumed run's command
  Duration checkpoint_cost{0};
  Duration resume_cost{0};
  Duration checkpoint_timeout{0};
  Duration min_run{0};  // least useful work between two pauses

  std::optional<GramsPerKwh> max_intensity;  // do not run above it
  double min_saving = 0;          // fraction of the grams of starting at once
  std::optional<int> max_pauses;  // nothing: as many as pay
  // What an hour of waiting for the result is worth: a plan emits so much more
  // to finish an hour sooner.
  Grams delay_cost_per_hour;
  int priority = 0;                    // higher is planned first
  int retries = 0;                     // further attempts after a failure
  std::optional<Duration> time_limit;  // of running time; ends the job
  double data_gb = 0;                  // data that would follow a move
  // Least time from the end of a run to the begin of the next, a transfer
  // included; keeping the deadline goes first.
  Duration min_pause{0};
  QueueEntry entry = {};
  // The Unix user who was proven to have submitted it, where carbond asks for
  // proof; nothing: `user` is what the client said.
  std::optional<int64_t> uid = {};
  // It came through a region's own queue.
  bool adopted() const { return !entry.number.empty(); }

  friend bool operator==(const JobSpec&, const JobSpec&) = default;
};

// A spec that will not change any more: all copies of a job share it.
class SharedSpec {
 public:
  SharedSpec() : SharedSpec(JobSpec()) {}
  SharedSpec(JobSpec spec)
      : spec_(std::make_shared<const JobSpec>(std::move(spec))) {}
  const JobSpec& operator*() const { return *spec_; }
  const JobSpec* operator->() const { return spec_.get(); }
  operator const JobSpec&() const { return *spec_; }

 private:
  std::shared_ptr<const JobSpec> spec_;  // never null but when moved from
};

// Hours of the day in which a region has less to give.
struct CapacityHours {
  // Time of day, UTC; the end may lie on the next day.
  Duration from{0}, until{0};
  Resources capacity;
  friend bool operator==(const CapacityHours&, const CapacityHours&) = default;
};

// A place that can run jobs.
struct Region {
  std::string name;
  std::string zone;  // key of its grid data; regions may share one
  Pue pue;
  Resources capacity;
  std::vector<CapacityHours> hours;  // where several hold, the least counts
  bool drained = false;              // starts nothing new
  // What its intensities are, as the providers name it.
  std::string signal = {};
  // It has a queue of its own: runs are handed over so long before their time,
  // wait there, and can be taken back until they begin.
  std::optional<Duration> queue_ahead = {};
  // Key of the grid data of a second account, of another signal, that is kept
  // beside the first and in no plan; empty: there is none.
  std::string second_zone = {};

  Resources CapacityAt(Instant t) const;
};

// What moving a job's data to another region takes. Energy: Aslan, Mayers,
// Koomey, France, "Electricity Intensity of Internet Data Transmission", J.
// Ind. Ecol. 22(4), 2018: 0.06 kWh/GB in 2015, halved about every two years
// since 2000; Cloud Carbon Footprint counts 0.001. Time: 1 Gbit/s.
struct TransferCost {
  Duration time_per_gb = seconds(8);
  WattHours energy_per_gb = WattHours::Of(2);
};

enum class NoForecast { kRunNow, kWaitUntilLatest };

// What the configuration says for jobs that say nothing.
struct Defaults {
  double min_saving = 0.02;
  // Of the work left, kept free before the deadline where that is possible: for
  // estimates that are too short, and an attempt after a failure.
  double slack_reserve = 0;
  NoForecast no_forecast = NoForecast::kRunNow;
  Duration max_delay = hours(24);  // latest finish without a deadline
  Duration min_run = minutes(15);
  Duration checkpoint_cost = minutes(1);
  Duration resume_cost = minutes(1);
  Duration checkpoint_timeout = minutes(5);
  Duration min_pause{0};
};

// Values a submission leaves unset, told apart from values that are zero.
struct Unset {
  bool min_saving = false;
  bool min_run = false;
  bool checkpoint_cost = false;
  bool resume_cost = false;
  bool checkpoint_timeout = false;
  bool min_pause = false;
  bool idle_power = false;
};

// What a job is called that was given no name: by its program.
std::string NameOf(const std::vector<std::string>& command);

// Fills in defaults and checks every rule that can be checked at submission.
// On success the result is complete: it can be planned and started. On failure
// the message names the field and says what would mend it. What only the
// executor knows (is the command executable?) is asked of the executor.
Result<JobSpec> CompleteSpec(JobSpec spec, const Unset& unset,
                             const std::vector<Region>& regions,
                             const Defaults& defaults, Instant now);

const char* Name(PauseMode mode);  // none, suspend, checkpoint
Result<PauseMode> ParsePauseMode(const std::string& text);

// Signals a checkpoint may be asked with, by name without SIG: USR1, TERM, ...
Result<int> SignalNumber(const std::string& name);

}  // namespace carbond
