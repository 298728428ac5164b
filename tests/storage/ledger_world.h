#pragma once
// A ledger in a scratch folder, and jobs whose lives are written into it the
// way the engine does it: facts are applied, then appended with the jobs after
// them.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "scheduler/ports.h"
#include "storage/event_codec.h"
#include "storage/job_rows.h"
#include "storage/sqlite_ledger.h"

namespace carbond {

// Removed with everything in it.
class LedgerFolder {
 public:
  LedgerFolder() {
    std::string name = testing::TempDir() + "carbond-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~LedgerFolder() {
    std::error_code ignored;  // nothing to be done about a folder in /tmp
    std::filesystem::remove_all(path_, ignored);
  }
  LedgerFolder(const LedgerFolder&) = delete;
  LedgerFolder& operator=(const LedgerFolder&) = delete;
  std::string operator/(const std::string& name) const {
    return path_ + "/" + name;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// 2026-11-21T08:00Z and so many minutes.
inline Instant At(int64_t minute) {
  return Instant::FromSeconds(1795248000 + minute * 60);
}
inline Interval Minutes(int64_t from, int64_t to) { return {At(from), At(to)}; }

inline Series SeriesOf(int64_t minute, Duration slot,
                       const std::vector<double>& grams_per_kwh) {
  std::vector<Slot> slots;
  Instant at = At(minute);
  for (const double g : grams_per_kwh) {
    slots.push_back({{at, at + slot}, GramsPerKwh::Of(g)});
    at += slot;
  }
  return *Series::Make(std::move(slots));
}

// A spec in which no field is at its default.
inline JobSpec FullSpec() {
  JobSpec spec;
  spec.name = "train \"résumé\"\n";
  spec.project = "vision";
  spec.user = "anna";
  spec.command = {"python3", "train.py", "", "--text=a\tb\\c"};
  spec.env = {{"EMPTY", ""}, {"SEED", "7"}};
  spec.workdir = "/home/anna/job";
  spec.need = {2, 8};
  spec.duration = hours(6) + Duration(1);
  spec.power = Watts::Of(1200.5);
  spec.idle_power = Watts::Of(240);
  spec.power_declared = true;
  spec.earliest = At(5);
  spec.deadline = At(24 * 60);
  spec.deadline_declared = true;
  spec.regions = {"here", "eu"};
  spec.home_region = "here";
  spec.pause = PauseMode::kCheckpoint;
  spec.checkpoint_signal = "TERM";
  spec.on_pause = "kill -USR2 $PID";
  spec.on_resume = "echo again";
  spec.checkpoint_cost = seconds(61);
  spec.resume_cost = seconds(62);
  spec.checkpoint_timeout = seconds(63);
  spec.min_run = seconds(64);
  spec.max_intensity = GramsPerKwh();  // zero is not absent
  spec.min_saving = 0.1 + 0.2;         // not 0.3: every bit is kept
  spec.priority = -3;
  spec.retries = 2;
  spec.time_limit = Duration(0);
  spec.data_gb = 1e-9;
  return spec;
}

inline JobSpec SmallSpec(const std::string& user = "anna",
                         const std::string& project = "vision") {
  JobSpec spec;
  spec.name = "small";
  spec.user = user;
  spec.project = project;
  spec.command = {"true"};
  spec.need = {1, 4};
  spec.duration = hours(1);
  spec.power = Watts::Of(100);
  spec.regions = {"here"};
  spec.home_region = "here";
  spec.pause = PauseMode::kCheckpoint;
  spec.deadline = At(24 * 60);
  return spec;
}

// A column's value as text.
template <typename T>
std::string Cell(const T& value) {
  if constexpr (requires { value.has_value(); }) {
    return value ? Cell(*value) : "-";
  } else if constexpr (requires { value.millis(); }) {
    return std::to_string(value.millis());
  } else if constexpr (requires { value.thousandths(); }) {
    return std::to_string(value.thousandths());
  } else if constexpr (requires { value.count(); }) {
    return std::to_string(value.count());
  } else if constexpr (std::is_same_v<T, JobId>) {
    return std::to_string(Number(value));
  } else if constexpr (std::is_enum_v<T>) {
    return Name(value);
  } else {
    return fmt::format("{}", value);
  }
}

// Everything of a job as text, for comparison and for a readable difference:
// all that a row holds, so that no column is written and then not read.
inline std::string Describe(const Job& job) {
  std::string text = "job " + EncodeSpec(job.spec);
  const auto add = [&](const char* name, const auto& value) {
    text += fmt::format(" {} {}", name, Cell(value));
  };
  EachJobColumn(job, add);
  for (const Run& run : job.runs) {
    text += "\n";
    EachRunColumn(job, run, add);
  }
  return text;
}

// Writes lives of jobs into a ledger. Each call is an event of its own; Commit
// appends what has gathered as one batch.
class Lives {
 public:
  explicit Lives(Ledger& ledger) : ledger_(ledger) {}

  JobId Submit(const JobSpec& spec, int64_t minute) {
    const JobId id{next_++};
    Event event{id, 1, At(minute), Submitted{spec}};
    jobs_[id] = *ApplyFirst(event);
    Gather(std::move(event));
    return id;
  }
  void Tell(JobId id, int64_t minute, Fact fact) {
    Job& job = jobs_.at(id);
    Event event{id, job.last_seq + 1, At(minute), std::move(fact)};
    const Status status = Apply(job, event);
    ASSERT_TRUE(status.ok()) << status;
    Gather(std::move(event));
  }
  // A run from its intent to its first instant.
  void Start(JobId id, int64_t minute, const std::string& region = "here") {
    const int run = static_cast<int>(jobs_.at(id).runs.size()) + 1;
    Tell(id, minute,
         StartIssued{
             run, region, run, {{0, 3}, 4}, jobs_.at(id).has_checkpoint});
    Tell(id, minute, RunStarted{run});
  }
  void Meter(JobId id, int64_t from, int64_t to, double watt_hours,
             Purpose purpose = Purpose::kWork,
             EnergySource source = EnergySource::kModelled,
             double measured = 0) {
    const int run = jobs_.at(id).runs.back().number;
    Tell(id, to,
         EnergyMetered{run,
                       Minutes(from, to),
                       WattHours::Of(watt_hours),
                       purpose,
                       source,
                       {},
                       WattHours::Of(measured)});
  }
  void End(JobId id, int64_t minute, RunEnd end, int exit_code) {
    const int run = jobs_.at(id).runs.back().number;
    Tell(id, minute, RunEnded{run, end, exit_code, {}, ""});
  }

  Batch& batch() { return batch_; }
  const Job& job(JobId id) const { return jobs_.at(id); }
  const std::map<JobId, Job>& jobs() const { return jobs_; }
  std::vector<Reading> ReadingsOf(JobId id) const {
    const auto found = readings_.find(id);
    return found == readings_.end() ? std::vector<Reading>() : found->second;
  }

  // Numbers go on from here: jobs below are in the ledger already.
  void SetNext(int64_t next) { next_ = next; }
  void Forget() {
    batch_ = Batch();
    touched_.clear();
  }
  Status TryCommit() {
    for (const JobId id : touched_) batch_.jobs.push_back(&jobs_.at(id));
    const Status status = ledger_.Append(batch_);
    Forget();
    return status;
  }
  void Commit() {
    const Status status = TryCommit();
    ASSERT_TRUE(status.ok()) << status;
  }

  // Figures at so many g/kWh, as the engine would append them.
  void Account(JobId id, double grams_per_kwh, Quality quality,
               std::optional<Grams> baseline,
               const std::string& signal = "co2_moer") {
    carbond::Account account;
    JobEmissions& total = account.total;
    total.job = id;
    total.quality = quality;
    total.baseline = baseline;
    total.provider = "wt";
    total.signal = signal;
    const Pue pue = Pue::Of(1.2);
    for (const Reading& reading : ReadingsOf(id)) {
      EmissionsRow row{id,
                       reading.run,
                       reading.region,
                       "CAISO_NORTH",
                       "wt",
                       signal,
                       reading.metered.interval,
                       reading.metered.purpose,
                       reading.metered.source,
                       reading.metered.energy,
                       pue,
                       {},
                       quality,
                       {}};
      row.grams = row.energy * pue * GramsPerKwh::Of(grams_per_kwh);
      row.measured_facility = MeasuredPart(reading.metered) * pue;
      total.grams += row.grams;
      total.facility_energy += row.energy * pue;
      total.measured_facility += row.measured_facility;
      total.any_measured |= row.source != EnergySource::kModelled;
      total.any_modelled |= row.source != EnergySource::kMeasured;
      account.rows.push_back(std::move(row));
    }
    batch_.accounts.push_back(std::move(account));
  }

 private:
  void Gather(Event event) {
    if (const auto* metered = std::get_if<EnergyMetered>(&event.fact)) {
      const std::string region =
          jobs_.at(event.job)
              .runs.at(static_cast<size_t>(metered->run) - 1)
              .region;
      readings_[event.job].push_back({metered->run, region, *metered});
    }
    if (std::find(touched_.begin(), touched_.end(), event.job) ==
        touched_.end()) {
      touched_.push_back(event.job);
    }
    batch_.events.push_back(std::move(event));
  }

  Ledger& ledger_;
  int64_t next_ = 1;
  std::map<JobId, Job> jobs_;
  std::map<JobId, std::vector<Reading>> readings_;
  std::vector<JobId> touched_;
  Batch batch_;
};

inline std::unique_ptr<SqliteLedger> OpenLedger(const std::string& path) {
  auto ledger = SqliteLedger::Open(path);
  EXPECT_TRUE(ledger.ok()) << ledger.status();
  return ledger.ok() ? *std::move(ledger) : nullptr;
}

// A life in which every kind of fact happens. Ends at minute 300 as succeeded.
inline JobId WholeLife(Lives& lives) {
  JobSpec spec = FullSpec();
  const JobId id = lives.Submit(spec, 0);
  lives.Tell(id, 1, Held{"anna"});
  lives.Tell(id, 2, Released{"ben"});
  lives.Commit();
  lives.Start(id, 10);
  lives.Commit();
  lives.Tell(id, 15, Progressed{1, 0.1, false});
  lives.Meter(id, 10, 40, 600.123);
  lives.Tell(id, 40, PauseIssued{1, 1, "the grid turned dirty"});
  lives.Commit();
  lives.Tell(id, 45, PauseFailed{1, "it did not leave in 5m"});
  lives.Meter(id, 40, 70, 600, Purpose::kWork, EnergySource::kMeasured);
  lives.Tell(id, 70, PauseIssued{1, 2, "still dirty"});
  lives.Commit();
  lives.Meter(id, 70, 71, 20, Purpose::kCheckpoint);
  lives.Tell(id, 71, Progressed{1, 0.5, true});
  lives.End(id, 71, RunEnd::kCheckpointed, kCheckpointExitCode);
  lives.Commit();
  lives.Start(id, 130, "eu");
  lives.Meter(id, 130, 131, 20, Purpose::kRestore);
  lives.Meter(id, 131, 200, 1380);
  lives.Tell(id, 200,
             RunEnded{2, RunEnd::kLost, {}, 9, "killed by the kernel"});
  lives.Commit();
  lives.Start(id, 210, "eu");
  lives.Commit();
  lives.Meter(id, 210, 300, 1800);
  lives.End(id, 300, RunEnd::kSucceeded, 0);
  lives.Commit();
  return id;
}

// Suspended in memory, continued, asked to stop.
inline JobId SuspendedLife(Lives& lives) {
  JobSpec spec = SmallSpec();
  spec.pause = PauseMode::kSuspend;
  const JobId id = lives.Submit(spec, 0);
  lives.Start(id, 1);
  lives.Meter(id, 1, 10, 15);
  lives.Tell(id, 10, PauseIssued{1, 1, "dirty"});
  lives.Tell(id, 10, RunEnded{1, RunEnd::kSuspended, {}, {}, ""});
  lives.Commit();
  lives.Meter(id, 10, 20, 3, Purpose::kIdle);
  lives.Tell(id, 20, StartIssued{2, "here", 1, {{0, 3}, 4}, false});
  lives.Commit();
  lives.Tell(id, 20, RunStarted{2});
  lives.Meter(id, 20, 30, 16);
  lives.Tell(id, 31, CancelRequested{"anna"});
  lives.Tell(id, 31, StopIssued{2, RunEnd::kCancelled});
  lives.Tell(id, 32, RunEnded{2, RunEnd::kCancelled, {}, 15, "stopped"});
  lives.Commit();
  return id;
}

}  // namespace carbond
