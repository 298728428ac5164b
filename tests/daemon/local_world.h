#pragma once
// A state directory of a test's own with a LocalExecutor on it, real
// carbon-runners and real processes. It waits for conditions, never for time.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "daemon/exec/local.h"
#include "daemon/exec/run_paths.h"
#include "tests/daemon/scratch_folder.h"

namespace carbond {

inline constexpr std::chrono::seconds kTestPatience{60};

inline std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Counts what a test was told and waits for more.
class Bell {
 public:
  void Ring() {
    const std::lock_guard lock(mutex_);
    ++rung_;
    changed_.notify_all();
  }
  int Count() {
    const std::lock_guard lock(mutex_);
    return rung_;
  }
  bool AwaitMoreThan(int count,
                     std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    return changed_.wait_until(lock, deadline, [&] { return rung_ > count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int rung_ = 0;  // guarded by mutex_
};

// A named pipe through which a job's processes tell the test something.
class Fifo {
 public:
  explicit Fifo(const std::string& path) : path_(path) {
    EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0);
    // Open for writing too, so that a writer who leaves does not end it.
    fd_ = UniqueFd(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  }
  const std::string& path() const { return path_; }

  std::string AwaitLine() {
    while (text_.find('\n') == std::string::npos) {
      pollfd ready = {fd_.get(), POLLIN, 0};
      if (::poll(&ready, 1, 1000 * static_cast<int>(kTestPatience.count())) !=
          1) {
        ADD_FAILURE() << "nobody wrote to " << path_;
        return {};
      }
      char buffer[512];
      const ssize_t n = ::read(fd_.get(), buffer, sizeof buffer);
      if (n > 0) text_.append(buffer, static_cast<size_t>(n));
    }
    const size_t end = text_.find('\n');
    const std::string line = text_.substr(0, end);
    text_.erase(0, end + 1);
    return line;
  }
  ProcessIdentity AwaitProcess() {
    const auto stat = ReadStat(std::stoi(AwaitLine()));
    return stat.value ? stat.value->who : ProcessIdentity{};
  }

 private:
  std::string path_;
  UniqueFd fd_;
  std::string text_;
};

inline char StateOf(const ProcessIdentity& who) {
  const auto stat = FindAlive(who);
  return stat.value ? stat.value->state : '-';
}
inline bool IsGone(const ProcessIdentity& who) { return StateOf(who) == '-'; }

class LocalWorld {
 public:
  LocalWorld() { Open(); }
  ~LocalWorld() {
    for (const ProcessId id : started_) {
      if (Look(id).what == Sight::What::kUnknown) continue;
      EXPECT_TRUE(executor_->Stop(id).ok());
      Await(id,
            {Sight::What::kEnded, Sight::What::kLost, Sight::What::kAbsent});
    }
  }

  LocalOptions Options() const {
    LocalOptions options;
    options.state_dir = folder_.path() + "/state";
    options.runner = CARBON_RUNNER;
    options.stop_grace = seconds(1);
    options.gpu_regions = {"here"};
    return options;
  }
  void Open() {
    auto opened =
        LocalExecutor::Open(Options(), clock_, [this] { bell_.Ring(); });
    ASSERT_TRUE(opened.ok()) << opened.status();
    executor_ = *std::move(opened);
  }
  // The daemon ends. Its runs do not.
  void Close() { executor_.reset(); }
  void Reopen() {
    Close();
    Open();
  }

  static ProcessId Id(int job, int process = 1) {
    return {JobId{job}, process};
  }
  StartOrder Order(int job, std::vector<std::string> command) const {
    StartOrder order;
    order.id = Id(job);
    order.region = "here";
    order.spec.command = std::move(command);
    order.spec.workdir = folder_.path();
    return order;
  }
  StartOrder Shell(int job, const std::string& line) const {
    return Order(job, {"/bin/sh", "-c", line});
  }
  void Start(const StartOrder& order) {
    const Status started = executor_->Start(order);
    ASSERT_TRUE(started.ok()) << started;
    started_.insert(order.id);
  }

  Sight Look(ProcessId id) { return executor_->Observe({&id, 1}).front(); }
  // Looks once, and again whenever the executor says that something changed.
  Sight Await(ProcessId id, const std::set<Sight::What>& wanted) {
    const auto deadline = std::chrono::steady_clock::now() + kTestPatience;
    while (true) {
      const int count = bell_.Count();
      const Sight sight = Look(id);
      if (wanted.contains(sight.what)) return sight;
      if (bell_.AwaitMoreThan(count, deadline)) continue;
      ADD_FAILURE() << "job " << Number(id.job) << " stays "
                    << static_cast<int>(sight.what) << ": " << sight.detail;
      return sight;
    }
  }
  Sight Await(ProcessId id, Sight::What what) {
    return Await(id, std::set{what});
  }
  Sight AwaitEnd(int job) { return Await(Id(job), Sight::What::kEnded); }
  Sight RunToEnd(const StartOrder& order) {
    Start(order);
    return Await(order.id, Sight::What::kEnded);
  }

  std::string Dir(int job) const {
    return RunDir(Options().state_dir, Id(job));
  }
  std::string Out(int job) const {
    return ReadAll(LogPath(Options().state_dir, Id(job), LogStream::kOut));
  }
  std::string Err(int job) const {
    return ReadAll(LogPath(Options().state_dir, Id(job), LogStream::kErr));
  }
  ProcessIdentity Runner(int job) const {
    const auto started = ReadStarted(Dir(job));
    return started.value ? started.value->runner : ProcessIdentity{};
  }

  const ScratchFolder& folder() const { return folder_; }
  LocalExecutor& executor() { return *executor_; }
  Bell& bell() { return bell_; }
  const SystemClock& clock() const { return clock_; }

 private:
  ScratchFolder folder_;
  SystemClock clock_;
  Bell bell_;
  std::set<ProcessId> started_;
  std::unique_ptr<LocalExecutor> executor_;
};

}  // namespace carbond
