#pragma once
// carbond.yaml: what it may say, read whole, with every mistake and its line.
// Environment variables are not read here: the file says all, but for secrets,
// which are named in it and fetched by who needs them.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "daemon/exec/slurm/place.h"
#include "daemon/notify/notice.h"
#include "daemon/secret.h"
#include "scheduler/engine.h"

namespace carbond {

struct ClockConfig {
  double speed = 1;  // > 1 only for demonstrations
  // Time of day (UTC) at which a demonstration's clock begins, today. Given
  // only with a speed above 1.
  std::optional<Duration> start;
};

struct RecordedConfig {
  enum class Replay { kNow, kAsRecorded };
  std::string actual;    // absolute path of a .csv or .json, or gzip'd
  std::string forecast;  // empty: the actual values serve as forecast
  std::string signal;
  Replay replay = Replay::kAsRecorded;
  std::optional<Instant> from;   // kNow: this recorded day becomes today
  bool loop = false;             // after its end the recording begins again
  Duration horizon = hours(72);  // of a forecast made of actual values
  Duration poll = minutes(5);
  Duration stale_after = hours(3);
};

// What all providers behind HTTP have in common; each type fills in its own
// defaults, and leaves out what it does not need.
struct HttpConfig {
  std::string base_url;  // without a slash at its end
  std::string signal;
  SecretPlace username;
  SecretPlace password;
  SecretPlace token;
  Duration horizon = hours(72);
  Duration poll = minutes(5);
  Duration stale_after = hours(3);
  Duration timeout = seconds(60);  // of a whole request
  std::string contact;             // who asks: goes into the User-Agent
  std::string ca_file;             // empty: the system's authorities
};
struct WattTimeConfig : HttpConfig {};
struct ElectricityMapsConfig : HttpConfig {};
struct CarbonIntensityUkConfig : HttpConfig {};
struct CarbonAwareSdkConfig : HttpConfig {};

// Yearly averages, by zone; what is not given here is the built-in table's.
struct StaticConfig {
  std::map<std::string, GramsPerKwh> factors;
  std::string signal = kYearlySignal;
  Duration stale_after = hours(3);
};

struct ProviderConfig {
  std::string name;
  std::string type;  // as the file calls it: "recorded", "watttime"
  int line = 0;
  std::variant<RecordedConfig, WattTimeConfig, ElectricityMapsConfig,
               CarbonIntensityUkConfig, CarbonAwareSdkConfig, StaticConfig>
      settings;

  // Speaks of the daemon's time, however fast it runs.
  bool keeps_any_clock() const {
    return std::holds_alternative<RecordedConfig>(settings) ||
           std::holds_alternative<StaticConfig>(settings);
  }
  const std::string& signal() const {
    return std::visit(
        [](const auto& each) -> const std::string& { return each.signal; },
        settings);
  }
};

struct ExecutorConfig {
  std::string type = "local";
  SlurmPlace slurm = {};  // of type `slurm`
};

// Of all regions that are Slurm clusters.
struct SlurmConfig {
  Duration heartbeat = seconds(5);  // of a run's runner; see slurm/judge.h
  Duration poll = seconds(5);       // of each cluster's queue
  Duration census = minutes(1);     // of its nodes and other people's jobs
  // Whether a job may run as root: if carbond itself is root, or, where jobs
  // run as who submitted them, if root did.
  bool allow_root = false;
  // How long before its time a run is handed over, and so how long plans hold
  // while carbond is down.
  Duration ahead = minutes(10);
  // Jobs run as the users who submitted them, and not as carbond's own.
  bool as_submitter = false;
  int min_uid = 1000;  // of those users: below are the system's own
};

// Who may do what.
struct UsersConfig {
  bool authenticate = false;        // by MUNGE
  std::string munge_socket;         // empty: where it usually is
  std::vector<std::string> admins;  // beside root and carbond's own user
};

// A provider in a region's chain.
struct GridLink {
  std::string provider;
  std::string zone;      // as this provider names it
  bool is_hint = false;  // from the table of cloud regions
};

// What making one of a region's machines emitted: `carbonctl report` states a
// job's share of it.
struct EmbodiedConfig {
  double kg = 0;
  int gpus = 0;  // that the machine has; 0: not shared by GPU
  int cpus = 0;  // cores
  double years = 4;
};

// Which counters a run is measured by; those that do not work are left out.
struct MeterSources {
  bool nvml = true;       // NVIDIA GPUs
  bool rapl = true;       // CPU packages and their memory
  bool cpu_time = false;  // no counter: the table, by CPU time really used
  bool slurm = false;     // Slurm's own accounting, in place of the others
  // The user's own, in place of them; see meter/command_counter.h.
  std::vector<std::string> command = {};
  bool of_machine = false;  // it speaks of the machine, and not of the run
  friend bool operator==(const MeterSources&, const MeterSources&) = default;
};

struct RegionConfig {
  Region region;               // its zone is the key of (zones, providers)
  std::vector<GridLink> grid;  // in order of preference
  std::string cloud;           // "aws/eu-north-1", or empty
  ExecutorConfig executor;
  std::optional<EmbodiedConfig> embodied;
  int line = 0;
  std::vector<GridLink> second_grid = {};  // of a second account
  // All that it asks of providers.
  std::vector<GridLink> links() const {
    std::vector<GridLink> all = grid;
    all.insert(all.end(), second_grid.begin(), second_grid.end());
    return all;
  }
  std::optional<MeterSources> meter = {};  // instead of those of all regions
};

// Watts of a job that declares none: a documented table, see meter/modelled.h;
// and how what jobs draw is measured.
struct MeterConfig {
  Watts per_gpu = Watts::Of(300);
  Watts per_cpu = Watts::Of(10);
  double idle_fraction = 0.2;  // of the running power, while suspended
  MeterSources sources;
  Duration period = seconds(10);  // between two samples
  std::string nvml_library;       // empty: libnvidia-ml.so.1, as it is found
  std::string powercap = "/sys/class/powercap";
};

struct LogConfig {
  std::string level = "info";
  std::string file;  // empty: stderr
};

// Who is told what happens to jobs: a command or a webhook, never both.
struct NotifyConfig {
  std::string name;                  // in the log and in metrics
  std::vector<std::string> command;  // the first word absolute, or in PATH
  std::string webhook;  // a URL; what follows its host may be a secret
  SecretPlace secret;   // that signs what a webhook is sent
  std::string ca_file;  // empty: the system's authorities
  std::set<NoticeKind> on;
  std::string user, project;      // empty: any
  Duration retry_for = hours(1);  // then it is given up
  Duration timeout = seconds(30);
  int line = 0;
};

struct Config {
  std::string path;
  std::vector<std::string> listen;  // unix:/path or host:port
  std::string state_dir;
  std::string shared_dir;  // logs, checkpoints, runs of clusters; or state_dir
  ClockConfig clock;
  Defaults defaults;
  TransferCost transfer;
  Duration metering_period = minutes(5);
  Duration stop_grace = seconds(10);  // between TERM and KILL
  std::vector<ProviderConfig> providers;
  std::vector<RegionConfig> regions;
  SlurmConfig slurm;
  MeterConfig meter;
  std::vector<Budget> budgets;
  LogConfig log;
  std::string runner;   // path of carbon-runner; empty: beside carbond
  std::string metrics;  // host:port to be scraped by Prometheus; empty: none
  std::vector<NotifyConfig> notify = {};
  UsersConfig users = {};
};

struct ConfigMistake {
  int line = 0;  // from 1; 0: of the whole file
  std::string text;
};

// Reads and checks. All mistakes at once, in the order of their lines.
// A mistake in a value hides those that could be seen only with it.
struct ConfigResult {
  std::optional<Config> config;  // only when there is no mistake
  std::vector<ConfigMistake> mistakes;
};
ConfigResult LoadConfig(const std::string& path);
// `dir` is what relative paths are relative to.
ConfigResult ParseConfig(const std::string& yaml, const std::string& path,
                         const std::string& dir);

// For forecasts in the ledger whose provider is no longer configured: the
// longest that any of them allows.
Duration LongestStaleAfter(const Config& config);

// The variables of the environment in which secrets stand: no job may see them.
std::set<std::string> SecretVariables(const Config& config);

// "carbond.yaml:12: unknown key `regoins`; did you mean `regions`?"
std::string Format(const std::string& path, const ConfigMistake& mistake);

}  // namespace carbond
