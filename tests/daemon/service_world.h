#pragma once
// A daemon with real engine, ledger, loop and server, on a socket in a folder
// of its own, whose jobs are simulated: an hour of theirs is a second of ours.

#include <grpc/support/time.h>
#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "carbond/v1/carbond.grpc.pb.h"
#include "daemon/hub.h"
#include "daemon/loop.h"
#include "daemon/reads.h"
#include "daemon/server.h"
#include "daemon/service.h"
#include "scheduler/sim/sim_doors.h"
#include "storage/sqlite_ledger.h"
#include "tests/daemon/scratch_folder.h"

namespace carbond {

// A deadline for gRPC.
inline gpr_timespec In(std::chrono::milliseconds time) {
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                      gpr_time_from_millis(time.count(), GPR_TIMESPAN));
}

// A ledger whose disk can be filled from outside.
class FillableLedger : public Ledger {
 public:
  explicit FillableLedger(Ledger& ledger) : ledger_(ledger) {}
  void Fill() { full_ = true; }

  Status Append(const Batch& batch) override {
    if (full_) return absl::ResourceExhaustedError("the disk is full");
    return ledger_.Append(batch);
  }
  Result<Recovered> Recover(Instant since) override {
    return ledger_.Recover(since);
  }
  Result<std::vector<Forecast>> ForecastsSince(const std::string& zone,
                                               Instant since) override {
    return ledger_.ForecastsSince(zone, since);
  }
  Result<std::optional<RequestRecord>> FindRequest(
      const std::string& id) override {
    return ledger_.FindRequest(id);
  }
  Result<std::vector<Duration>> PastWork(const std::string& user,
                                         const std::string& name,
                                         int limit) override {
    return ledger_.PastWork(user, name, limit);
  }
  Result<std::vector<Spent>> SettledSince(Instant since) override {
    return ledger_.SettledSince(since);
  }

 private:
  Ledger& ledger_;
  std::atomic<bool> full_ = false;
};

class ServiceWorld {
 public:
  static constexpr double kSpeed = 3600;

  // `past` makes what the ledger holds before the daemon begins. Who calls has
  // to prove it where there is an `authenticator`.
  explicit ServiceWorld(int cpus = 1000,
                        const std::function<Batch(Instant now)>& past = nullptr,
                        Authenticator* authenticator = nullptr) {
    Instant real = SystemClock::RealNow();
    clock_ = SystemClock(kSpeed, real, real);
    began_ = real;
    grid_.AddForecast({.zone = "Z",
                       .provider = "sim",
                       .signal = "sim",
                       .issued_at = began_ - hours(1),
                       .fetched_at = began_ - hours(1),
                       .series = Outlook()});
    auto opened = SqliteLedger::Open(db());
    EXPECT_TRUE(opened.ok()) << opened.status();
    ledger_ = *std::move(opened);
    if (past) {
      const Status kept = ledger_->Append(past(began_));
      EXPECT_TRUE(kept.ok()) << kept;
    }
    disk_ = std::make_unique<FillableLedger>(*ledger_);
    watched_ = std::make_unique<WatchedLedger>(
        *disk_, [this](const Batch& batch) { hub_.Publish(batch); });
    EngineOptions options;
    options.regions = {{.name = "here",
                        .zone = "Z",
                        .pue = Pue::Of(1.5),
                        .capacity = {.gpus = 0, .cpus = cpus},
                        .hours = {}}};
    auto engine =
        Engine::Recover(options, {clock_, *watched_, grid_, executor_, meter_});
    EXPECT_TRUE(engine.ok()) << engine.status();
    engine_ = *std::move(engine);
    loop_ = std::make_unique<Loop>(
        *engine_, clock_, Loop::Options{},
        [this](const Status& status) { failure_.set_value(status); });
    auto reads = Reads::Open(db(), 2);
    EXPECT_TRUE(reads.ok()) << reads.status();
    reads_ = *std::move(reads);
    service_ = std::make_unique<Service>(
        *loop_, hub_, *reads_, clock_,
        ServiceOptions{.logs_dir = folder_.path() + "/logs",
                       .executor_of = {{"here", "sim"}},
                       .embodied_of = {{"here", {.kg = 3700, .gpus = 8}}},
                       .authenticator = authenticator});
    auto server = Server::Start({address()}, *service_);
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    loop_->Start();
    stub_ = v1::Carbond::NewStub(
        grpc::CreateChannel(address(), grpc::InsecureChannelCredentials()));
  }

  ~ServiceWorld() {
    hub_.Close();
    server_->Stop(std::chrono::seconds(3));
    loop_->Stop();
    reads_->Stop();
  }

  v1::Carbond::Stub& stub() { return *stub_; }
  Hub& hub() { return hub_; }
  Loop& loop() { return *loop_; }
  Reads& reads() { return *reads_; }
  Server& server() { return *server_; }
  FillableLedger& disk() { return *disk_; }
  const SystemClock& clock() const { return clock_; }
  std::string address() const { return "unix:" + folder_.path() + "/socket"; }
  std::string db() const { return folder_.path() + "/ledger.db"; }
  std::string logs() const { return folder_.path() + "/logs"; }
  std::future<Status> failure() { return failure_.get_future(); }

  // A job that runs at once for ten minutes of its time.
  v1::JobSpec Spec(const std::string& name = "job") const {
    v1::JobSpec spec;
    spec.set_name(name);
    spec.set_user("ada");
    spec.add_command("/bin/true");
    spec.set_workdir("/");
    spec.set_cpus(1);
    spec.mutable_duration()->set_seconds(600);
    spec.set_power_w(100);
    return spec;
  }
  // One that waits longer than any test runs.
  v1::JobSpec Waiting(const std::string& name = "job") const {
    v1::JobSpec spec = Spec(name);
    spec.mutable_earliest()->set_seconds((began_ + hours(24 * 60)).millis() /
                                         1000);
    return spec;
  }

  std::pair<grpc::Status, std::vector<std::string>> Submit(
      const std::vector<v1::JobSpec>& jobs, const std::string& request = "") {
    v1::SubmitJobsRequest q;
    q.set_request_id(request);
    for (const v1::JobSpec& job : jobs) *q.add_jobs() = job;
    v1::SubmitJobsResponse r;
    grpc::ClientContext context;
    grpc::Status status = stub_->SubmitJobs(&context, q, &r);
    return {status, {r.job_ids().begin(), r.job_ids().end()}};
  }
  std::string SubmitOne(const v1::JobSpec& job) {
    auto [status, ids] = Submit({job});
    EXPECT_TRUE(status.ok()) << status.error_message();
    return ids.empty() ? "" : ids.front();
  }
  std::pair<grpc::Status, v1::Job> Get(const std::string& id) {
    v1::GetJobRequest q;
    q.set_job_id(id);
    v1::Job job;
    grpc::ClientContext context;
    grpc::Status status = stub_->GetJob(&context, q, &job);
    return {status, job};
  }
  std::pair<grpc::Status, v1::WaitJobsResponse> Wait(
      const std::vector<std::string>& ids) {
    v1::WaitJobsRequest q;
    for (const std::string& id : ids) q.add_job_ids(id);
    v1::WaitJobsResponse r;
    grpc::ClientContext context;
    context.set_deadline(In(std::chrono::seconds(60)));
    grpc::Status status = stub_->WaitJobs(&context, q, &r);
    return {status, r};
  }

 private:
  // Flat: nothing is gained by waiting.
  Series Outlook() const {
    std::vector<Slot> slots;
    for (int h = -1; h < 72; ++h) {
      slots.push_back(
          {{began_ + hours(h), began_ + hours(h + 1)}, GramsPerKwh::Of(200)});
    }
    return *Series::Make(std::move(slots));
  }

  ScratchFolder folder_;
  SystemClock clock_;
  Instant began_;
  std::unique_ptr<SqliteLedger> ledger_;
  std::unique_ptr<FillableLedger> disk_;
  SimGrid grid_;
  SimExecutor executor_{clock_};
  SimMeter meter_;
  Hub hub_;
  std::promise<Status> failure_;
  std::unique_ptr<WatchedLedger> watched_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<Reads> reads_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<v1::Carbond::Stub> stub_;
};

}  // namespace carbond
