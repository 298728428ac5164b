// How fast submissions become durable, beside what the disk itself can do in
// the same run and what the same server does without a disk.

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/submit_load.h"
#include "tests/bench/submit_servers.h"

namespace carbond::bench {
namespace {

using Kind = DaemonProcess::Kind;

struct Plan {
  std::string directory;
  std::string self;
  std::chrono::milliseconds length{5000};
  int rounds = 3;
  std::chrono::seconds idle{10};
  std::string only;  // one measurement; all when empty
};

void PrintHead() {
  fmt::print("{:<44} {:>12} {:>9} {:>9} {:>9}\n", "", "jobs/s", "p50 ms",
             "p99 ms", "max ms");
}

void Print(const std::string& what, const Measured& m, int jobs_per_call = 1) {
  fmt::print("{:<44} {:>12.0f} {:>9.2f} {:>9.2f} {:>9.2f}\n", what,
             m.PerSecond() * jobs_per_call, m.Quantile(0.5), m.Quantile(0.99),
             m.Quantile(1));
  if (m.failures > 0) {
    fmt::print("  {} failed: {}\n", m.failures, m.first_failure);
  }
  std::fflush(stdout);
}

void Idle(const Plan& plan) {
  DaemonProcess daemon(Kind::kCarbond, plan.directory, plan.self);
  std::this_thread::sleep_for(std::chrono::seconds(2));  // the start is over
  double before = daemon.CpuSeconds();
  std::this_thread::sleep_for(plan.idle);
  double used = daemon.CpuSeconds() - before;
  fmt::print("{:<44} {:.4f} % of a core, {:.1f} MB resident\n", "idle daemon",
             100 * used / static_cast<double>(plan.idle.count()),
             daemon.ResidentMb());
  std::fflush(stdout);
}

Measured Run(const Plan& plan, Kind kind, int connections, int jobs_per_call,
             bool tcp = false) {
  DaemonProcess daemon(kind, plan.directory, plan.self);
  return Submit({.address = tcp ? daemon.tcp_address() : daemon.unix_address(),
                 .connections = connections,
                 .jobs_per_call = jobs_per_call,
                 .length = plan.length});
}

void Round(const Plan& plan) {
  PrintHead();
  const auto measure = [&](const std::string& name, const std::string& what,
                           auto run, int jobs_per_call = 1) {
    if (plan.only.empty() || plan.only == name) {
      Print(what, run(), jobs_per_call);
    }
  };
  const auto probe = [&] { return ProbeDisk(plan.directory); };
  measure("disk", "disk: 4 KiB write + fdatasync", probe);
  measure("many", "64 connections, unix socket",
          [&] { return Run(plan, Kind::kCarbond, 64, 1); });
  measure("memory", "64 connections, unix socket, ledger in memory",
          [&] { return Run(plan, Kind::kInMemory, 64, 1); });
  measure("tcp", "64 connections, TCP",
          [&] { return Run(plan, Kind::kCarbond, 64, 1, true); });
  measure("one", "1 connection, unix socket",
          [&] { return Run(plan, Kind::kCarbond, 1, 1); });
  measure("one-memory", "1 connection, unix socket, ledger in memory",
          [&] { return Run(plan, Kind::kInMemory, 1, 1); });
  measure(
      "batches", "8 connections, 500 jobs a call",
      [&] { return Run(plan, Kind::kCarbond, 8, 500); }, 500);
  measure("disk", "disk: 4 KiB write + fdatasync", probe);
}

int Main(int argc, char** argv) {
  CLI::App app{"How fast submissions become durable"};
  Plan plan;
  std::vector<std::string> memory;
  double length_s = 5;
  plan.directory = std::filesystem::current_path().string();
  app.add_option("--serve-from-memory", memory, "for its own use")->expected(2);
  app.add_option("--dir", plan.directory, "on the disk to measure");
  app.add_option("--seconds", length_s, "of each measurement");
  app.add_option("--rounds", plan.rounds, "of all measurements");
  app.add_option("--only", plan.only, "one measurement")
      ->check(CLI::IsMember(
          {"disk", "many", "memory", "tcp", "one", "one-memory", "batches"}));
  CLI11_PARSE(app, argc, argv);
  if (!memory.empty()) return ServeFromMemory(memory[0], memory[1]);
  plan.length = std::chrono::milliseconds(static_cast<int>(length_s * 1000));
  plan.self = std::filesystem::read_symlink("/proc/self/exe").string();
  if (plan.only.empty()) Idle(plan);
  for (int round = 1; round <= plan.rounds; ++round) {
    fmt::print("\nround {} of {}\n", round, plan.rounds);
    Round(plan);
  }
  return 0;
}

}  // namespace
}  // namespace carbond::bench

int main(int argc, char** argv) { return carbond::bench::Main(argc, argv); }
