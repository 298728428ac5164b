#include "daemon/notify/journal.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>
#include <sstream>

namespace carbond {
namespace {

constexpr char kFirstLine[] = "carbond-notify 1";
// A file of this many lines more than twice what it must hold is past.
constexpr size_t kSpareLines = 2000;

// The words of the file, one meaning a line:
//   next JOB                      jobs from here on were never looked at
//   live JOB SEQ LATE             looked at up to the event
//   done JOB                      and it is over
//   owed RECEIVER JOB SEQ KIND SINCE_MS
//   settled RECEIVER JOB SEQ KIND
std::string LiveLine(JobId job, const SeenOfJob& seen) {
  return fmt::format("live {} {} {}\n", Number(job), seen.seq,
                     seen.late ? 1 : 0);
}

std::string OwedLine(const std::string& receiver, const Notice& notice,
                     Instant since) {
  return fmt::format("owed {} {} {} {} {}\n", receiver, Number(notice.job),
                     notice.seq, Name(notice.kind), since.millis());
}

bool ReadNotice(std::istream& in, std::string& receiver, Notice& notice) {
  int64_t job = 0;
  std::string kind;
  if (!(in >> receiver >> job >> notice.seq >> kind)) return false;
  const auto parsed = ParseNoticeKind(kind);
  if (!parsed.ok()) return false;
  notice.job = JobId{job};
  notice.kind = *parsed;
  return true;
}

void RaiseNext(JobId next, JournalState& state) {
  for (int64_t id = Number(state.next); id < Number(next); ++id) {
    state.live.try_emplace(JobId{id});
  }
  state.next = std::max(state.next, next);
}

bool Take(const std::string& line, JournalState& state) {
  std::istringstream in(line);
  std::string word, receiver;
  int64_t job = 0;
  Notice notice;
  in >> word;
  if (word == "instance") return static_cast<bool>(in >> state.instance);
  if (word == "next" && in >> job) {
    RaiseNext(JobId{job}, state);
    return true;
  }
  if (word == "begin" && in >> job) {
    state.next = JobId{job};
    return true;
  }
  SeenOfJob seen;
  if (word == "live" && in >> job >> seen.seq >> seen.late) {
    state.live[JobId{job}] = seen;
    return true;
  }
  if (word == "done" && in >> job) {
    state.live.erase(JobId{job});
    return true;
  }
  int64_t since_ms = 0;
  if (word == "owed" && ReadNotice(in, receiver, notice) && in >> since_ms) {
    state.owed[receiver][notice] = Instant::FromMillis(since_ms);
    return true;
  }
  if (word == "settled" && ReadNotice(in, receiver, notice)) {
    state.owed[receiver].erase(notice);
    return true;
  }
  return false;
}

std::string Whole(const JournalState& state) {
  std::string text = fmt::format("{}\ninstance {}\nbegin {}\n", kFirstLine,
                                 state.instance, Number(state.next));
  for (const auto& [job, seen] : state.live) text += LiveLine(job, seen);
  for (const auto& [receiver, notices] : state.owed) {
    for (const auto& [notice, since] : notices) {
      text += OwedLine(receiver, notice, since);
    }
  }
  return text;
}

size_t LinesOf(const JournalState& state) {
  size_t lines = 3 + state.live.size();
  for (const auto& [receiver, notices] : state.owed) lines += notices.size();
  return lines;
}

int SyncFolder(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path();
  const UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return fd && ::fsync(fd.get()) == 0 ? 0 : errno;
}

void PutAside(const std::string& path) {
  const std::string aside = path + ".unread";
  std::error_code error;
  std::filesystem::rename(path, aside, error);
  spdlog::error(
      "notify: {} makes no sense; it was put aside as {}, and what happened "
      "before now is not told",
      path, aside);
}

}  // namespace

std::optional<JournalState> Journal::Load(const std::string& path) {
  std::ifstream in(path);
  if (!in) return std::nullopt;
  JournalState state;
  std::string line;
  if (!std::getline(in, line) || line != kFirstLine) {
    PutAside(path);
    return std::nullopt;
  }
  while (std::getline(in, line)) {
    // The last line of a crash may be half: what it said comes again.
    if (in.eof()) break;
    if (Take(line, state)) continue;
    PutAside(path);
    return std::nullopt;
  }
  if (!state.instance.empty()) return state;
  PutAside(path);
  return std::nullopt;
}

Journal::Journal(std::string path, JournalState state)
    : path_(std::move(path)), state_(std::move(state)) {
  if (state_.instance.empty()) {
    std::random_device random;
    state_.instance = fmt::format("{:08x}", random());
  }
  RewriteLocked();
}

JournalState Journal::state() const {
  std::lock_guard lock(mutex_);
  return state_;
}

JobId Journal::SawNewJobs(JobId next) {
  std::lock_guard lock(mutex_);
  const JobId first = state_.next;
  if (next <= first) return next;
  RaiseNext(next, state_);
  Append(fmt::format("next {}\n", Number(next)));
  return first;
}

void Journal::Saw(JobId job, const SeenOfJob& seen, bool done,
                  const std::vector<std::pair<std::string, Owed>>& owed) {
  std::lock_guard lock(mutex_);
  std::string lines;
  // Before it is said that the job was looked at.
  for (const auto& [receiver, each] : owed) {
    state_.owed[receiver][each.notice] = each.since;
    lines += OwedLine(receiver, each.notice, each.since);
  }
  if (done) {
    state_.live.erase(job);
    lines += fmt::format("done {}\n", Number(job));
  } else {
    state_.live[job] = seen;
    lines += LiveLine(job, seen);
  }
  Append(lines);
}

void Journal::Settle(const std::string& receiver, const Notice& notice) {
  std::lock_guard lock(mutex_);
  if (state_.owed[receiver].erase(notice) == 0) return;
  Append(fmt::format("settled {} {} {} {}\n", receiver, Number(notice.job),
                     notice.seq, Name(notice.kind)));
}

void Journal::Append(const std::string& lines) {
  lines_ += static_cast<size_t>(std::count(lines.begin(), lines.end(), '\n'));
  if (in_trouble_ || lines_ > 2 * LinesOf(state_) + kSpareLines) {
    return RewriteLocked();
  }
  if (const int error = WriteAll(file_.get(), lines.data(), lines.size())) {
    Complain("written", error);
  }
}

void Journal::RewriteLocked() {
  const std::string draft = path_ + ".tmp";
  const std::string text = Whole(state_);
  UniqueFd fd(::open(draft.c_str(),
                     O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC,
                     0600));
  if (!fd) return Complain("written", errno);
  if (const int error = WriteAll(fd.get(), text.data(), text.size())) {
    return Complain("written", error);
  }
  if (::fsync(fd.get()) != 0 || ::rename(draft.c_str(), path_.c_str()) != 0) {
    return Complain("brought to disk", errno);
  }
  if (const int error = SyncFolder(path_)) return Complain("synced", error);
  file_ = std::move(fd);
  lines_ = LinesOf(state_);
  if (std::exchange(in_trouble_, false)) {
    spdlog::info("notify: {} is written again", path_);
  }
}

void Journal::Complain(const char* what, int error) {
  if (std::exchange(in_trouble_, true)) return;  // said
  spdlog::error(
      "notify: {} cannot be {} ({}); notices go on, and after a restart some "
      "may be told again: free space there",
      path_, what, std::strerror(error));
}

}  // namespace carbond
