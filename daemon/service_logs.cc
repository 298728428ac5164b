#include "daemon/service_logs.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "daemon/service_stream.h"

namespace carbond {
namespace {

constexpr size_t kChunk = 64 * 1024;
constexpr std::chrono::milliseconds kPoll{200};

// One file of one process, read onwards from where the last reading ended.
class LogFile {
 public:
  explicit LogFile(std::string path) : path_(std::move(path)) {}
  LogFile(LogFile&& other) noexcept
      : path_(std::move(other.path_)),
        fd_(std::exchange(other.fd_, -1)),
        offset_(other.offset_) {}
  LogFile& operator=(LogFile&&) = delete;
  ~LogFile() {
    if (fd_ >= 0) close(fd_);
  }

  // Empty at the end of what is there, and while there is no file.
  Result<std::string> Read() {
    if (fd_ < 0) fd_ = open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd_ < 0 && errno == ENOENT) return std::string();
    if (fd_ < 0) {
      return Trouble("cannot open {}: {}", path_, std::strerror(errno));
    }
    std::string data(kChunk, '\0');
    ssize_t size = pread(fd_, data.data(), data.size(), offset_);
    if (size < 0) {
      return Trouble("cannot read {}: {}", path_, std::strerror(errno));
    }
    offset_ += size;
    data.resize(static_cast<size_t>(size));
    return data;
  }

 private:
  const std::string path_;
  int fd_ = -1;
  off_t offset_ = 0;
};

// Whether the process that run `number` started may still write.
bool Lives(const Job& job, int number) {
  if (job.state == State::kDone) return false;
  for (auto run = job.runs.rbegin(); run != job.runs.rend(); ++run) {
    if (run->process == number) {
      return !run->ended_at || run->end == RunEnd::kSuspended;
    }
  }
  return false;
}

// The process that follows; 0: none yet.
int ProcessAfter(const Job& job, int process) {
  for (const Run& run : job.runs) {
    if (run.process > process) return run.process;
  }
  return 0;
}

// Of a job that its user handed in to a region's own queue.
Status WrittenElsewhere(const Job& job) {
  const QueueEntry& entry = job.spec->entry;
  return NotNow(
      "job {} is Slurm job {} of {}: its output is where its user sent it "
      "(StdOut in `scontrol show job {}`)",
      Number(job.id), entry.number, entry.queue, entry.number);
}

class LogStream final : public SteppedStream<v1::ReadLogsResponse> {
 public:
  LogStream(Reads& reads, LogsWanted wanted)
      : SteppedStream(reads), wanted_(std::move(wanted)) {}

  void Subscribe(Hub& hub) {
    watcher_ = hub.Watch({.jobs = {wanted_.job}}, [weak = weak_from_this()] {
      if (auto self = weak.lock()) self->OnNews();
    });
  }

 private:
  using Messages = std::vector<v1::ReadLogsResponse>;

  // The job is looked at before its files are: what it wrote until it was seen
  // to have ended is then read in this step or the next.
  Next Step(LedgerReader& reader, Messages& out) override {
    Watcher::Taken taken = watcher_->Take();
    if (!job_ || !taken.happenings.empty() || taken.lost) {
      Result<JobRecord> record = reader.Get(wanted_.job);
      if (!record.ok()) return Next::End(record.status());
      job_ = std::move(record->job);
      if (job_->spec->adopted()) return Next::End(WrittenElsewhere(*job_));
    }
    if (process_ == 0) OpenNext();
    bool lives = process_ != 0 && Lives(*job_, process_);
    if (Status status = ReadOn(out); !status.ok()) return Next::End(status);
    if (!out.empty()) return Next::More();
    if (process_ != 0 && !lives && OpenNext()) return Next::More();
    if (!wanted_.follow || job_->state == State::kDone) return Next::End(Ok());
    if (taken.closing) return Next::End(Trouble("carbond is stopping"));
    return lives ? Next::Poll(kPoll) : Next::OnNews();
  }

  void Ended() override { watcher_->Close(); }

  bool OpenNext() {
    int next = ProcessAfter(*job_, process_);
    if (next == 0) return false;
    process_ = next;
    files_.clear();
    std::string stem = fmt::format("{}/{}/{}", wanted_.logs_dir,
                                   Number(wanted_.job), process_);
    if (wanted_.out) files_.push_back({LogFile(stem + ".out"), false});
    if (wanted_.err) files_.push_back({LogFile(stem + ".err"), true});
    return true;
  }

  Status ReadOn(Messages& out) {
    for (auto& [file, is_stderr] : files_) {
      CARBOND_ASSIGN_OR_RETURN(std::string data, file.Read());
      if (data.empty()) continue;
      v1::ReadLogsResponse& message = out.emplace_back();
      message.set_data(std::move(data));
      message.set_is_stderr(is_stderr);
      message.set_run(process_);
    }
    return Ok();
  }

  // Fixed after construction
  const LogsWanted wanted_;
  std::shared_ptr<Watcher> watcher_;

  // Only the step under way
  std::optional<Job> job_;
  int process_ = 0;  // whose files are read
  struct Source {
    LogFile file;
    bool is_stderr;
  };
  std::vector<Source> files_;
};

}  // namespace

grpc::ServerWriteReactor<v1::ReadLogsResponse>* StartLogs(Hub& hub,
                                                          Reads& reads,
                                                          LogsWanted wanted) {
  auto stream = std::make_shared<LogStream>(reads, std::move(wanted));
  stream->Subscribe(hub);
  stream->Start();
  return stream.get();
}

}  // namespace carbond
