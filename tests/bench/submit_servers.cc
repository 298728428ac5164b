#include "tests/bench/submit_servers.h"

#include <fmt/format.h>
#include <grpc/support/time.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/support/channel_arguments.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "daemon/hub.h"
#include "daemon/loop.h"
#include "daemon/reads.h"
#include "daemon/server.h"
#include "daemon/service.h"
#include "scheduler/sim/memory_ledger.h"
#include "scheduler/sim/sim_doors.h"
#include "storage/sqlite_ledger.h"

namespace carbond::bench {
namespace {

int FreePort() {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  CARBOND_INVARIANT(
      bind(fd, generic, size) == 0 && getsockname(fd, generic, &size) == 0,
      "no free port");
  close(fd);
  return ntohs(address.sin_port);
}

// A week of hours; what they say is of no matter to jobs that wait.
void WriteRecording(const std::string& path) {
  std::ofstream file(path);
  file << "time_utc,gco2_per_kwh\n";
  for (int h = 0; h < 24 * 7; ++h) {
    file << FormatInstant(Instant::FromSeconds(1'735'689'600 + h * 3600)) << ","
         << 200 + 10 * (h % 24) << "\n";
  }
}

pid_t Spawn(std::vector<std::string> words) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t pid = -1;
  int error =
      posix_spawn(&pid, argv[0], nullptr, nullptr, argv.data(), environ);
  CARBOND_INVARIANT(error == 0, "cannot start {}: errno {}", words[0], error);
  return pid;
}

}  // namespace

DaemonProcess::DaemonProcess(Kind kind, const std::string& directory,
                             const std::string& self, const std::string& ledger)
    : dir_(directory + "/carbond-bench-XXXXXX"),
      tcp_(fmt::format("127.0.0.1:{}", FreePort())) {
  CARBOND_INVARIANT(mkdtemp(dir_.data()) != nullptr, "cannot make {}", dir_);
  if (!ledger.empty()) {
    std::filesystem::create_directory(dir_ + "/state");
    std::filesystem::create_hard_link(ledger, this->ledger());
  }
  if (kind == Kind::kCarbond) {
    WriteConfiguration();
    pid_ = Spawn({CARBOND_PROGRAM, "--config", dir_ + "/carbond.yaml"});
  } else {
    pid_ = Spawn({self, "--serve-from-memory", dir_, tcp_});
  }
  AwaitAnswer();
}

DaemonProcess::~DaemonProcess() {
  kill(pid_, SIGTERM);
  waitpid(pid_, nullptr, 0);
  std::error_code ignored;
  std::filesystem::remove_all(dir_, ignored);
}

void DaemonProcess::WriteConfiguration() const {
  WriteRecording(dir_ + "/rec.csv");
  std::ofstream(dir_ + "/carbond.yaml") << fmt::format(
      R"(listen: ["{}", "{}"]
state_dir: state
log: {{file: carbond.log}}
providers:
  rec: {{type: recorded, actual: rec.csv, signal: co2_moer, replay: now, loop: true}}
regions:
  - {{name: here, grid: rec, zone: Z, pue: 1.2, executor: local, capacity: {{cpus: 64}}}}
)",
      unix_address(), tcp_);
}

void DaemonProcess::AwaitAnswer() const {
  grpc::ChannelArguments arguments;
  // Its own patience, a second, is longer than a start takes.
  for (const char* each :
       {GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS,
        GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, GRPC_ARG_MAX_RECONNECT_BACKOFF_MS}) {
    arguments.SetInt(each, 10);
  }
  auto channel = grpc::CreateCustomChannel(
      unix_address(), grpc::InsecureChannelCredentials(), arguments);
  CARBOND_INVARIANT(channel->WaitForConnected(
                        gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                     gpr_time_from_seconds(20, GPR_TIMESPAN))),
                    "the daemon in {} does not answer", dir_);
}

double DaemonProcess::CpuSeconds() const {
  double total_ns = 0;
  for (const auto& task : std::filesystem::directory_iterator(
           fmt::format("/proc/{}/task", pid_))) {
    double ns = 0;
    std::ifstream(task.path() / "schedstat") >> ns;
    total_ns += ns;
  }
  return total_ns / 1e9;
}

double DaemonProcess::ResidentMb() const {
  std::ifstream file(fmt::format("/proc/{}/statm", pid_));
  double pages = 0;
  file >> pages >> pages;  // the second is what is resident
  return pages * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
}

int ServeFromMemory(const std::string& directory, const std::string& address) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  SystemClock clock;
  MemoryLedger ledger;
  SimGrid grid;
  SimExecutor executor(clock);
  SimMeter meter;
  Hub hub;
  WatchedLedger watched(ledger, [&hub](const Batch& b) { hub.Publish(b); });
  EngineOptions options;
  options.regions = {{.name = "here",
                      .zone = "Z",
                      .pue = Pue::Of(1.2),
                      .capacity = {.gpus = 0, .cpus = 64}}};
  auto engine =
      Engine::Recover(options, {clock, watched, grid, executor, meter});
  CARBOND_INVARIANT(engine.ok(), "{}", Message(engine.status()));
  Loop loop(**engine, clock, {}, [](const Status&) {});
  std::string db = directory + "/ledger.db";
  CARBOND_INVARIANT(SqliteLedger::Open(db).ok(), "cannot open {}", db);
  auto reads = Reads::Open(db, 1);
  CARBOND_INVARIANT(reads.ok(), "{}", Message(reads.status()));
  Service service(loop, hub, **reads, clock, {});
  auto server =
      Server::Start({"unix:" + directory + "/socket", address}, service);
  CARBOND_INVARIANT(server.ok(), "{}", Message(server.status()));
  loop.Start();
  int signal = 0;
  sigwait(&signals, &signal);
  (*server)->Stop(std::chrono::seconds(1));
  loop.Stop();
  return 0;
}

}  // namespace carbond::bench
