// carbond: builds everything, hands out references, and waits for a signal.

#include <poll.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <iterator>
#include <mutex>

#include "daemon/auth/authenticator.h"
#include "daemon/backtest/command.h"
#include "daemon/config.h"
#include "daemon/doctor/command.h"
#include "daemon/exec/factory.h"
#include "daemon/grid/factory.h"
#include "daemon/hub.h"
#include "daemon/ledger_clock.h"
#include "daemon/listen.h"
#include "daemon/lock.h"
#include "daemon/log.h"
#include "daemon/loop.h"
#include "daemon/meter/factory.h"
#include "daemon/meter_check.h"
#include "daemon/metrics.h"
#include "daemon/notify/notifier.h"
#include "daemon/reads.h"
#include "daemon/server.h"
#include "daemon/service.h"
#include "storage/backup.h"
#include "storage/sqlite_ledger.h"
#include "storage/verify.h"

namespace carbond {
namespace {

constexpr int kReadingThreads = 2;
constexpr std::chrono::seconds kGrace{3};

int Complain(const Status& status) {
  fmt::print(stderr, "carbond: {}\n", Message(status));
  return 1;
}

// ---- Signals ---------------------------------------------------------------

sigset_t OwnSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  return signals;
}

// Waits for SIGTERM or SIGINT, or for a failure said from another thread.
// Signals must be blocked before the first thread begins, so that no thread
// takes them; runners do not inherit that.
class Ending {
 public:
  Ending() {
    sigset_t signals = OwnSignals();
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    // A client that goes away is seen by the failed write.
    signal(SIGPIPE, SIG_IGN);
    signals_ = signalfd(-1, &signals, SFD_CLOEXEC);
    failure_ = eventfd(0, EFD_CLOEXEC);
    CARBOND_INVARIANT(signals_ >= 0 && failure_ >= 0,
                      "no descriptor for signals: errno {}", errno);
  }
  ~Ending() {
    close(signals_);
    close(failure_);
  }
  Ending(const Ending&) = delete;
  Ending& operator=(const Ending&) = delete;

  void SayFailed() { eventfd_write(failure_, 1); }

  // Whether it ends well. A second signal then ends the process at once.
  bool Wait(const std::function<void()>& on_hangup) {
    for (;;) {
      pollfd waits[] = {{signals_, POLLIN, 0}, {failure_, POLLIN, 0}};
      if (poll(waits, 2, -1) < 0) continue;  // EINTR
      if (waits[1].revents != 0) return false;
      signalfd_siginfo info{};
      if (read(signals_, &info, sizeof(info)) != sizeof(info)) continue;
      if (info.ssi_signo == SIGHUP) {
        on_hangup();
        continue;
      }
      spdlog::info("stopping; running jobs go on");
      sigset_t signals = OwnSignals();
      pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
      return true;
    }
  }

 private:
  int signals_ = -1;
  int failure_ = -1;
};

// ---- Serving ---------------------------------------------------------------

// Carries wakes from doors that are built before the loop and outlive it. Safe
// to call from any thread.
class Doorbell {
 public:
  void Ring() {
    std::lock_guard lock(mutex_);
    if (loop_ != nullptr) loop_->Wake();
  }
  // Submits what a door has found; asked again later where nobody is there yet.
  void Submit(SubmitCommand command, Loop::Answer answer) {
    std::lock_guard lock(mutex_);
    if (loop_ != nullptr) return loop_->Post(std::move(command), answer);
    Reply reply;
    reply.status = Trouble("carbond is not ready");
    answer(std::move(reply));
  }
  void Connect(Loop* loop) {
    std::lock_guard lock(mutex_);
    loop_ = loop;
  }

 private:
  std::mutex mutex_;
  Loop* loop_ = nullptr;  // guarded by mutex_
};

// Beside this program, as in a build, or in ../libexec, as some packages do.
void FindRunner(Config& config) {
  if (!config.runner.empty()) return;
  std::error_code error;
  auto folder =
      std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  for (const char* place : {"carbon-runner", "../libexec/carbon-runner",
                            "../libexec/carbond/carbon-runner"}) {
    auto path = (folder / place).lexically_normal();
    if (access(path.c_str(), X_OK) == 0) {
      config.runner = path.string();
      return;
    }
  }
}

EngineOptions OptionsOf(const Config& config, const ConfiguredGrid& grid) {
  EngineOptions options;
  for (const RegionConfig& region : config.regions) {
    options.regions.push_back(region.region);
  }
  options.defaults = config.defaults;
  options.budgets = config.budgets;
  options.transfer = config.transfer;
  options.metering_period = config.metering_period;
  options.stale_after_of = grid.stale_after();
  options.stale_after = LongestStaleAfter(config);
  return options;
}

ServiceOptions ServiceOptionsOf(const Config& config) {
  ServiceOptions options;
  options.logs_dir = config.shared_dir + "/logs";
  for (const RegionConfig& region : config.regions) {
    options.executor_of[region.region.name] = region.executor.type;
    if (region.embodied) {
      options.embodied_of[region.region.name] = *region.embodied;
    }
  }
  return options;
}

void Announce(const Config& config, const Server& server,
              const SystemClock& clock) {
  std::vector<std::string> regions;
  for (const RegionConfig& region : config.regions) {
    regions.push_back(region.region.name);
  }
  spdlog::info("carbond {} serves listen={} state_dir={} regions={}{}",
               CARBOND_VERSION, fmt::join(server.addresses(), ","),
               config.state_dir, fmt::join(regions, ","),
               clock.speed() == 1
                   ? ""
                   : fmt::format(" clock_speed={} clock={}", clock.speed(),
                                 FormatInstant(clock.Now())));
}

RunMetering MeteringOf(const Config& config, EnergyBoard& board) {
  if (config.clock.speed != 1) return {};  // no real hours, no real watts
  const std::string program = MeterProgram(config);
  if (access(program.c_str(), X_OK) != 0) {
    spdlog::warn(
        "energy is modelled: there is no {}: install carbon-meter beside "
        "carbon-runner",
        program);
    return {};
  }
  return {[&config, program](const StartOrder& order, const std::string& dir) {
            return MeterCommand(config, program, order, dir);
          },
          &board};
}

// Once: where nothing can be measured that is no fault of a job's.
void AnnounceMeters(const Config& config) {
  for (const RegionConfig& region : config.regions) {
    if (region.executor.type != "local") continue;
    for (const MeterFinding& each : CheckMeters(config, region)) {
      spdlog::info("meter region={} {}={}: {}", region.region.name, each.meter,
                   each.works ? "measures" : "modelled", each.text);
    }
  }
}

// TCP asks nobody who they are.
void WarnOfOpenDoors(const Config& config) {
  for (const std::string& address : config.listen) {
    const bool local =
        address.starts_with("unix:") || address.starts_with("127.") ||
        address.starts_with("localhost:") || address.starts_with("[::1]:");
    if (local || config.users.authenticate) continue;
    spdlog::warn(
        "listen={} can be reached from other machines, and whoever reaches it "
        "may run commands as this user: listen on 127.0.0.1 or a unix socket "
        "unless the network is yours alone",
        address);
  }
  if (!config.metrics.empty() && !config.metrics.starts_with("127.") &&
      !config.metrics.starts_with("[::1]:")) {
    spdlog::warn("metrics={} can be read from other machines", config.metrics);
  }
}

// What can be said against a first start is said before anything is made: a
// daemon that may not run leaves nothing behind. Where a daemon has been before
// there is nothing to spare, and whether it still runs is told first.
Status CheckFirstStart(const Config& config) {
  for (const std::string& address : config.listen) {
    CARBOND_RETURN_IF_ERROR(CheckListening(address));
  }
  const bool local = std::any_of(
      config.regions.begin(), config.regions.end(),
      [](const RegionConfig& r) { return r.executor.type == "local"; });
  if (local && config.runner.empty()) {
    return Missing(
        "there is no carbon-runner beside carbond: install it, or say where it "
        "is with `runner:` in {}",
        config.path);
  }
  for (const Status& missing : MissingSecrets(config)) return missing;
  for (const Status& unusable : UnusableReceivers(config)) return unusable;
  return CheckRecordings(config, SystemClock::RealNow());
}

// What is built first dies last. An error is one of the start; what goes wrong
// later is in the log, and the answer is the exit code.
Result<int> Serve(Config config) {
  Ending ending;
  FindRunner(config);
  if (!StateLock::WasEverTaken(config.state_dir)) {
    CARBOND_RETURN_IF_ERROR(CheckFirstStart(config));
  }
  CARBOND_ASSIGN_OR_RETURN(auto log, Log::Open(config.log));
  CARBOND_ASSIGN_OR_RETURN(StateLock lock, StateLock::Take(config.state_dir));
  const std::string ledger_path = config.state_dir + "/ledger.db";
  CARBOND_ASSIGN_OR_RETURN(auto ledger, SqliteLedger::Open(ledger_path));
  CARBOND_ASSIGN_OR_RETURN(
      const LedgerClock time,
      OpenLedgerClock(*ledger, config.clock, SystemClock::RealNow()));
  SystemClock clock = time.clock;

  CARBOND_ASSIGN_OR_RETURN(auto grid, MakeGrid(config, time.began_at, clock));
  Doorbell doorbell;
  EnergyBoard energy(config.state_dir);
  CARBOND_ASSIGN_OR_RETURN(
      auto executors,
      MakeExecutors(
          config, clock, [&doorbell] { doorbell.Ring(); },
          [&doorbell](SubmitCommand command, Loop::Answer answer) {
            doorbell.Submit(std::move(command), std::move(answer));
          },
          MeteringOf(config, energy)));
  auto meter = MakeMeter(config, clock, energy);

  Hub hub;
  // Null where nobody is to be told.
  CARBOND_ASSIGN_OR_RETURN(const auto notifier,
                           Notifier::Open(config, ledger_path, clock));
  WatchedLedger watched(*ledger, [&](const Batch& batch) {
    LogBatch(batch);
    hub.Publish(batch);
    if (notifier) notifier->Heed(batch);
  });
  CARBOND_ASSIGN_OR_RETURN(
      auto engine,
      Engine::Recover(OptionsOf(config, *grid),
                      {clock, watched, *grid, *executors, *meter}));
  Loop loop(*engine, clock, {},
            [&ending](const Status&) { ending.SayFailed(); });
  CARBOND_ASSIGN_OR_RETURN(auto reads,
                           Reads::Open(ledger_path, kReadingThreads));
  const auto authenticator = MakeAuthenticator(config);
  ServiceOptions service_options = ServiceOptionsOf(config);
  service_options.authenticator = authenticator.get();
  service_options.providers = [&grid = *grid] { return grid.Report(); };
  Service service(loop, hub, *reads, clock, service_options);
  std::unique_ptr<Metrics> metrics;
  if (!config.metrics.empty()) {
    const auto notices = [&notifier] {
      return notifier ? notifier->Report() : std::vector<NotifyReport>();
    };
    CARBOND_ASSIGN_OR_RETURN(
        metrics,
        Metrics::Serve(config.metrics, {loop, *reads, clock,
                                        service_options.providers, notices}));
  }
  // Before the loop begins: a port in use disturbs nothing. What is asked until
  // then waits in the mailbox.
  CARBOND_ASSIGN_OR_RETURN(auto server, Server::Start(config.listen, service));
  doorbell.Connect(&loop);
  if (notifier) notifier->Start();
  loop.Start();
  Announce(config, *server, clock);
  WarnOfOpenDoors(config);
  AnnounceMeters(config);

  bool well = ending.Wait([&log] { log->Reopen(); });
  server->SayNotServing();
  hub.Close();
  metrics.reset();
  if (authenticator) authenticator->Stop();
  server->Stop(kGrace);
  doorbell.Connect(nullptr);
  loop.Stop();
  if (notifier) notifier->Stop();
  reads->Stop();
  spdlog::info("stopped");
  return well ? 0 : 1;
}

// ---- The command line ------------------------------------------------------

Result<Config> Load(const std::string& path) {
  ConfigResult result = LoadConfig(path);
  if (result.config) return *std::move(result.config);
  std::string all;
  for (const ConfigMistake& mistake : result.mistakes) {
    if (!all.empty()) all += '\n';
    all += Format(path, mistake);
  }
  return Refused("{}", all);
}

int RunCheck(const std::string& path) {
  Result<Config> config = Load(path);
  if (!config.ok()) {
    fmt::print(stderr, "{}\n", Message(config.status()));
    return 1;
  }
  // What stands in the recorded files is a part of it.
  const Status good = CheckRecordings(*config, SystemClock::RealNow());
  if (!good.ok()) {
    fmt::print(stderr, "{}\n", Message(good));
    return 1;
  }
  // The service may well be given what this shell is not.
  std::vector<Status> lacks = MissingSecrets(*config);
  std::ranges::move(UnusableReceivers(*config), std::back_inserter(lacks));
  for (const Status& each : lacks) {
    fmt::print(stderr, "{}: {}\n", path, Message(each));
  }
  fmt::print("{} {}: {} region{}, {} provider{}\n", path,
             lacks.empty() ? "is fine" : "is well formed, but see above",
             config->regions.size(), config->regions.size() == 1 ? "" : "s",
             config->providers.size(),
             config->providers.size() == 1 ? "" : "s");
  return 0;
}

int RunServe(const std::string& path) {
  Result<Config> config = Load(path);
  if (!config.ok()) {
    fmt::print(stderr, "{}\n", Message(config.status()));
    return 1;
  }
  Result<int> code = Serve(*std::move(config));
  return code.ok() ? *code : Complain(code.status());
}

int RunDoctor(const std::string& path, const std::string& as) {
  spdlog::set_level(spdlog::level::warn);  // it speaks for itself
  Result<Config> config = Load(path);
  if (!config.ok()) {
    fmt::print(stderr, "{}\n", Message(config.status()));
    return 1;
  }
  FindRunner(*config);
  return RunDoctor(*config, as);
}

int RunVerify(const std::string& db) {
  Result<VerifySummary> summary = VerifyLedger(db);
  if (!summary.ok()) return Complain(summary.status());
  fmt::print("{}: {} jobs, {} events and {} readings agree\n", db,
             summary->jobs, summary->events, summary->readings);
  return 0;
}

int RunBackup(const std::string& db, const std::string& target) {
  Status status = BackupLedger(db, target);
  if (!status.ok()) return Complain(status);
  fmt::print("{} is a copy of {}\n", target, db);
  return 0;
}

// Wrong words, told on one line.
int Misuse(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<std::string> extra = app.remaining(true);
  fmt::print(stderr, "carbond: {}; carbond --help lists what there is\n",
             extra.empty()
                 ? error.what()
                 : fmt::format("`{}` is not understood", extra.front()));
  return 2;
}

int Main(int argc, char** argv) {
  CLI::App app{"carbond: a carbon-aware scheduler for training jobs"};
  std::string config;
  bool check = false;
  app.add_option("--config", config, "the configuration, carbond.yaml");
  app.add_flag("--check-config", check, "say all its mistakes and leave");
  app.set_version_flag("--version", "carbond " CARBOND_VERSION);

  std::string db;
  std::string target;
  CLI::App* ledger = app.add_subcommand("ledger", "look after a ledger");
  ledger->require_subcommand(1);
  CLI::App* verify = ledger->add_subcommand(
      "verify", "replay every event and compare with the derived tables");
  CLI::App* backup = ledger->add_subcommand(
      "backup", "copy a ledger, also while the daemon runs");
  for (CLI::App* each : {verify, backup}) {
    each->add_option("--db", db, "the ledger, state_dir/ledger.db")->required();
  }
  backup->add_option("FILE", target, "the copy; must not exist")->required();

  CLI::App* doctor = app.add_subcommand(
      "doctor", "ask every provider and executor what works");
  doctor->add_option("--config", config, "the configuration, carbond.yaml");
  std::string as;
  doctor->add_option("--as", as,
                     "the user as whom a process is tried, where jobs run as "
                     "who submits them");

  BacktestOptions backtest;
  CLI::App* replay = app.add_subcommand(
      "backtest", "replay recorded grids and jobs under several policies");
  AddBacktestOptions(*replay, backtest);

  try {
    app.parse(argc, argv);
    if (!ledger->parsed() && !replay->parsed() && config.empty()) {
      throw CLI::RequiredError("--config FILE");
    }
    CheckBacktest(*replay, backtest);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);  // help, version
    return Misuse(app, e);
  }
  if (verify->parsed()) return RunVerify(db);
  if (backup->parsed()) return RunBackup(db, target);
  if (replay->parsed()) return RunBacktest(backtest);
  if (doctor->parsed()) return RunDoctor(config, as);
  return check ? RunCheck(config) : RunServe(config);
}

}  // namespace
}  // namespace carbond

int main(int argc, char** argv) { return carbond::Main(argc, argv); }
