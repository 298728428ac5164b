#include "daemon/service_logs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

#include "daemon/exec/files_as.h"
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
    if (fd_ < 0) CARBOND_RETURN_IF_ERROR(Open());
    if (fd_ < 0) return std::string();
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
  // As whoever the folder belongs to: what he put there leads nobody to what he
  // could not read himself.
  Status Open() {
    const std::string folder = path_.substr(0, path_.rfind('/'));
    struct stat info {};
    if (lstat(folder.c_str(), &info) != 0) return Failed();
    std::optional<FilesAs> as_owner;
    if (info.st_uid != geteuid()) {
      CARBOND_ASSIGN_OR_RETURN(FilesAs files,
                               FilesAs::Of(info.st_uid, info.st_gid));
      as_owner.emplace(std::move(files));
    }
    fd_ = open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd_ < 0) return Failed();
    if (fstat(fd_, &info) == 0 && S_ISREG(info.st_mode)) return Ok();
    close(std::exchange(fd_, -1));
    return NotNow("{} is no file", path_);
  }
  // It is not there yet, or cannot be opened.
  Status Failed() const {
    if (errno == ENOENT) return Ok();
    return Trouble("cannot open {}: {}", path_, std::strerror(errno));
  }

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

Status NotYours(const Job& job, const std::string& caller) {
  return absl::PermissionDeniedError(
      fmt::format("what job {} writes is for {} to read, and you are {}: ask "
                  "its owner, or an admin of carbond",
                  Number(job.id), job.spec->user, caller));
}

class LogStream final : public SteppedStream<v1::ReadLogsResponse> {
 public:
  LogStream(Reads& reads, LogsWanted wanted)
      : SteppedStream(reads), wanted_(std::move(wanted)) {}

  void StartFor(const std::string& user) {
    only_of_ = user;
    Start();
  }

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
      if (!only_of_.empty() && job_->spec->user != only_of_) {
        return Next::End(NotYours(*job_, only_of_));
      }
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

  std::string only_of_;  // fixed before the first step

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

LogsBeginning PrepareLogs(Hub& hub, Reads& reads, LogsWanted wanted) {
  auto stream = std::make_shared<LogStream>(reads, std::move(wanted));
  stream->Subscribe(hub);
  return {stream.get(), [stream](const Result<std::string>& only_of) {
            if (!only_of.ok()) return stream->Refuse(only_of.status());
            stream->StartFor(*only_of);
          }};
}

}  // namespace carbond
