// What a ledger of a million finished jobs costs: its size, the daemon's start
// on it, the questions that people ask, a backup while jobs are submitted, and
// a start on the copy. Questions go through the real daemon's socket.
//   ledger_bench [--jobs N] [--folder F] [--keep]

#include <fmt/format.h>
#include <grpcpp/create_channel.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <filesystem>
#include <random>
#include <thread>

#include "carbond/v1/carbond.grpc.pb.h"
#include "daemon/clock.h"
#include "storage/backup.h"
#include "tests/bench/ledger_jobs.h"
#include "tests/bench/submit_load.h"
#include "tests/bench/submit_servers.h"
#include "tests/storage/raw_ledger.h"

namespace carbond::bench {
namespace {

using Steady = std::chrono::steady_clock;
using Kind = DaemonProcess::Kind;

constexpr int kStarts = 3;
constexpr std::chrono::seconds kLongestSubmitting{2};

double MsSince(Steady::time_point begin) {
  return std::chrono::duration<double, std::milli>(Steady::now() - begin)
      .count();
}

class Client {
 public:
  explicit Client(const std::string& address)
      : stub_(v1::Carbond::NewStub(grpc::CreateChannel(
            address, grpc::InsecureChannelCredentials()))) {}

  void Show(int64_t job) {
    v1::GetJobRequest request;
    request.set_job_id(std::to_string(job));
    v1::Job answer;
    Must(stub_->GetJob(Patient().get(), request, &answer));
  }
  int List(const std::function<void(v1::ListJobsRequest&)>& of) {
    v1::ListJobsRequest request;
    of(request);
    v1::ListJobsResponse answer;
    Must(stub_->ListJobs(Patient().get(), request, &answer));
    return answer.jobs_size();
  }
  int Emissions(v1::GroupBy by, int64_t since_s) {
    v1::ReportEmissionsRequest request;
    request.set_by(by);
    if (since_s > 0) request.mutable_since()->set_seconds(since_s);
    v1::ReportEmissionsResponse answer;
    Must(stub_->ReportEmissions(Patient().get(), request, &answer));
    return answer.groups_size();
  }

 private:
  std::unique_ptr<grpc::ClientContext> Patient() {
    auto context = std::make_unique<grpc::ClientContext>();
    context->set_wait_for_ready(true);
    return context;
  }
  static void Must(const grpc::Status& status) {
    CARBOND_INVARIANT(status.ok(), "{}", status.error_message());
  }
  std::unique_ptr<v1::Carbond::Stub> stub_;
};

// Asks again and again, once unmeasured.
void Ask(const char* what, int times, const std::function<void()>& question) {
  Measured measured;
  question();
  for (int i = 0; i < times; ++i) {
    const Steady::time_point begin = Steady::now();
    question();
    measured.latencies_ms.push_back(MsSince(begin));
  }
  std::sort(measured.latencies_ms.begin(), measured.latencies_ms.end());
  fmt::print("{:<44} p50 {:8.2f} ms, p99 {:8.2f} ms\n", what,
             measured.Quantile(0.5), measured.Quantile(0.99));
}

void AskAll(const DaemonProcess& daemon, int64_t jobs, int64_t now_s) {
  Client client(daemon.unix_address());
  std::mt19937 random(7);
  std::uniform_int_distribution<int64_t> any(1, jobs);
  const int64_t month_s = now_s - 30 * 86'400;
  Ask("show, any job", 300, [&] { client.Show(any(random)); });
  Ask("list, the newest 100", 100, [&] { client.List([](auto&) {}); });
  Ask("list, live jobs", 100,
      [&] { client.List([](auto& r) { r.set_live_only(true); }); });
  Ask("list, 100 of a user", 20,
      [&] { client.List([](auto& r) { r.set_user("user-17"); }); });
  Ask("list, of a user that has none", 5,
      [&] { client.List([](auto& r) { r.set_user("nobody"); }); });
  Ask("emissions --by user --since 30d", 20,
      [&] { client.Emissions(v1::GROUP_BY_USER, month_s); });
  Ask("emissions --by day --since 30d", 5,
      [&] { client.Emissions(v1::GROUP_BY_DAY, month_s); });
  Ask("emissions, of all time (each scrape of metrics)", 5,
      [&] { client.Emissions(v1::GROUP_BY_UNSPECIFIED, 0); });
  Ask("emissions --by region --since 30d", 5,
      [&] { client.Emissions(v1::GROUP_BY_REGION, month_s); });
}

void MeasureStarts(const std::string& what, const std::string& folder,
                   const std::string& ledger) {
  for (int i = 0; i < kStarts; ++i) {
    const Steady::time_point begin = Steady::now();
    const DaemonProcess daemon(Kind::kCarbond, folder, "", ledger);
    Client(daemon.unix_address()).List([](auto&) {});
    fmt::print("{:<44} {:8.0f} ms to the first answer, {:.1f} MB\n", what,
               MsSince(begin), daemon.ResidentMb());
  }
}

void ShowSizes(const std::string& path, int64_t jobs) {
  RawLedger ledger(path);
  const auto size = static_cast<double>(std::filesystem::file_size(path));
  fmt::print("file: {:.0f} MB, {:.0f} bytes a job\n", size / 1e6,
             size / static_cast<double>(jobs));
  for (const char* table : {"events", "jobs", "runs", "energy", "plans",
                            "emissions", "job_emissions"}) {
    const std::string bytes = ledger.Ask(
        fmt::format("SELECT sum(pgsize) FROM dbstat WHERE name IN (SELECT name "
                    "FROM sqlite_master WHERE tbl_name = '{}')",
                    table));
    fmt::print("  {:<14} {:6.0f} bytes a job\n", table,
               std::stod(bytes) / static_cast<double>(jobs));
  }
}

// One connection submits, first alone and then beside a backup.
void MeasureBackup(const DaemonProcess& daemon, const std::string& target) {
  const Load load{.address = daemon.unix_address(),
                  .length = kLongestSubmitting};
  const auto tell = [](const char* what, const Measured& m) {
    fmt::print("{:<44} p50 {:8.2f} ms, p99 {:8.2f} ms, most {:.1f} ms\n", what,
               m.Quantile(0.5), m.Quantile(0.99), m.Quantile(1));
  };
  tell("submissions, one connection", Submit(load));
  std::atomic<bool> done = false;
  double took_ms = 0;
  std::thread copier([&] {
    const Steady::time_point begin = Steady::now();
    const Status status = BackupLedger(daemon.ledger(), target);
    CARBOND_INVARIANT(status.ok(), "{}", Message(status));
    took_ms = MsSince(begin);
    done = true;
  });
  while (!done) tell("  beside the backup", Submit(load));
  copier.join();
  fmt::print("backup: {:.1f} s\n", took_ms / 1000);
}

void Measure(const std::string& folder, int64_t jobs) {
  const std::string ledger = folder + "/ledger-bench.db";
  const std::string copy = folder + "/ledger-bench-copy.db";
  const Instant now = SystemClock::RealNow();
  if (!std::filesystem::exists(ledger)) {
    auto opened = SqliteLedger::Open(ledger);
    CARBOND_INVARIANT(opened.ok(), "{}", Message(opened.status()));
    const Written w = WriteJobs(**opened, jobs, now);
    fmt::print(
        "written in {:.0f} s: {} jobs, {} events, {} runs, {} readings, {} "
        "plans\n",
        w.seconds, w.jobs, w.events, w.runs, w.readings, w.plans);
  }
  ShowSizes(ledger, jobs);
  MeasureStarts("start", folder, ledger);
  {
    const DaemonProcess daemon(Kind::kCarbond, folder, "", ledger);
    AskAll(daemon, jobs, now.millis() / 1000);
    std::filesystem::remove(copy);
    MeasureBackup(daemon, copy);
  }
  MeasureStarts("start on the copy", folder, copy);
  std::filesystem::remove(copy);
}

}  // namespace
}  // namespace carbond::bench

int main(int argc, char** argv) {
  int64_t jobs = 1'000'000;
  std::string folder = std::filesystem::temp_directory_path();
  bool keep = false;
  CLI::App app("a ledger of many finished jobs");
  app.add_option("--jobs", jobs);
  app.add_option("--folder", folder, "on the disk to be measured");
  app.add_flag("--keep", keep, "keep the ledger, and use one that was kept");
  CLI11_PARSE(app, argc, argv);
  setvbuf(stdout, nullptr, _IOLBF, 0);
  const std::string ledger = folder + "/ledger-bench.db";
  if (!keep) std::filesystem::remove(ledger);
  carbond::bench::Measure(folder, jobs);
  if (!keep) std::filesystem::remove(ledger);
  return 0;
}
