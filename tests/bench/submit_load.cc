#include "tests/bench/submit_load.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/support/channel_arguments.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "carbond/v1/carbond.grpc.pb.h"
#include "daemon/clock.h"

namespace carbond::bench {
namespace {

using Steady = std::chrono::steady_clock;

double Ms(Steady::duration d) {
  return std::chrono::duration<double, std::milli>(d).count();
}

// About 300 bytes, as users' jobs have.
v1::JobSpec MakeSpec(int64_t earliest_s) {
  v1::JobSpec spec;
  spec.set_name("resnet50-imagenet-seed-17");
  spec.set_project("vision-baselines");
  spec.set_user("ada");
  for (const char* word : {"/bin/sh", "-c",
                           "train --config resnet50.yaml "
                           "--data /data/imagenet --epochs 90"}) {
    spec.add_command(word);
  }
  (*spec.mutable_env())["OMP_NUM_THREADS"] = "1";
  (*spec.mutable_env())["WANDB_MODE"] = "offline";
  spec.set_workdir("/tmp");
  spec.set_cpus(8);
  spec.mutable_duration()->set_seconds(7200);
  spec.set_power_w(350);
  spec.mutable_earliest()->set_seconds(earliest_s);
  spec.set_pause(v1::PAUSE_MODE_CHECKPOINT);
  spec.mutable_checkpoint_cost()->set_seconds(30);
  spec.mutable_resume_cost()->set_seconds(45);
  spec.set_min_saving_fraction(0.02);
  return spec;
}

// Everyone's results, and when to end.
struct Session {
  Steady::time_point counted_from;
  Steady::time_point until;
  v1::SubmitJobsRequest request;

  std::mutex mutex;
  std::condition_variable ended;
  int running = 0;  // guarded by mutex
};

// One connection with one call under way.
class Client {
 public:
  Client(Session& session, const std::string& address) : session_(session) {
    grpc::ChannelArguments arguments;
    // Otherwise all channels of a process share one connection.
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    stub_ = v1::Carbond::NewStub(grpc::CreateCustomChannel(
        address, grpc::InsecureChannelCredentials(), arguments));
  }

  void Begin() {
    context_ = std::make_unique<grpc::ClientContext>();
    context_->set_wait_for_ready(true);
    response_.Clear();
    began_ = Steady::now();
    stub_->async()->SubmitJobs(
        context_.get(), &session_.request, &response_,
        [this](const grpc::Status& status) { Ended(status); });
  }

  std::vector<double> latencies_ms;
  int64_t failures = 0;
  std::string first_failure;

 private:
  void Ended(const grpc::Status& status) {
    Steady::time_point now = Steady::now();
    if (!status.ok()) {
      if (failures++ == 0) first_failure = status.error_message();
    } else if (now >= session_.counted_from) {
      latencies_ms.push_back(Ms(now - began_));
    }
    if (now < session_.until) return Begin();
    std::lock_guard lock(session_.mutex);
    if (--session_.running == 0) session_.ended.notify_all();
  }

  Session& session_;
  std::unique_ptr<v1::Carbond::Stub> stub_;
  std::unique_ptr<grpc::ClientContext> context_;
  v1::SubmitJobsResponse response_;
  Steady::time_point began_;
};

}  // namespace

double Measured::Quantile(double q) const {
  if (latencies_ms.empty()) return 0;
  double at = q * static_cast<double>(latencies_ms.size() - 1);
  return latencies_ms[static_cast<size_t>(at)];
}

Measured Submit(const Load& load) {
  Session session;
  Instant far_away = SystemClock::RealNow() + hours(24 * 300);
  v1::JobSpec spec = MakeSpec(far_away.millis() / 1000);
  for (int i = 0; i < load.jobs_per_call; ++i) {
    *session.request.add_jobs() = spec;
  }
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < load.connections; ++i) {
    clients.push_back(std::make_unique<Client>(session, load.address));
  }
  Steady::time_point begin = Steady::now();
  session.counted_from = begin + load.length / 5;
  session.until = begin + load.length;
  session.running = load.connections;
  for (auto& client : clients) client->Begin();
  {
    std::unique_lock lock(session.mutex);
    session.ended.wait(lock, [&session] { return session.running == 0; });
  }
  Measured measured;
  measured.seconds = Ms(Steady::now() - session.counted_from) / 1000;
  for (auto& client : clients) {
    measured.latencies_ms.insert(measured.latencies_ms.end(),
                                 client->latencies_ms.begin(),
                                 client->latencies_ms.end());
    measured.failures += client->failures;
    if (!client->first_failure.empty()) {
      measured.first_failure = client->first_failure;
    }
  }
  std::sort(measured.latencies_ms.begin(), measured.latencies_ms.end());
  return measured;
}

Measured ProbeDisk(const std::string& directory) {
  std::string path = directory + "/probe";
  int fd = open(path.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
  std::vector<char> block(4096, 'x');
  Measured measured;
  Steady::time_point begin = Steady::now();
  for (off_t at = 0; Steady::now() - begin < std::chrono::seconds(1);
       at += static_cast<off_t>(block.size())) {
    Steady::time_point before = Steady::now();
    if (pwrite(fd, block.data(), block.size(), at) < 0 || fdatasync(fd) < 0) {
      ++measured.failures;
    }
    measured.latencies_ms.push_back(Ms(Steady::now() - before));
  }
  measured.seconds = Ms(Steady::now() - begin) / 1000;
  close(fd);
  unlink(path.c_str());
  std::sort(measured.latencies_ms.begin(), measured.latencies_ms.end());
  return measured;
}

}  // namespace carbond::bench
