#pragma once
// What of a job's life is told to those who asked for it. Pure.

#include <set>
#include <string>
#include <vector>

#include "scheduler/ports.h"

namespace carbond {

enum class NoticeKind {
  kStarted,  // its first run has begun
  kPaused,   // a run has ended, and the job is not done
  kResumed,  // a later run has begun
  kEnded,    // it is done
  kLate,     // it will miss its deadline, or has missed it; once per job
};

inline constexpr NoticeKind kAllNotices[] = {
    NoticeKind::kStarted, NoticeKind::kPaused, NoticeKind::kResumed,
    NoticeKind::kEnded, NoticeKind::kLate};

const char* Name(NoticeKind kind);  // started, paused, resumed, ended, late
Result<NoticeKind> ParseNoticeKind(const std::string& name);

// Names a notice: what it says is read from the ledger when it is sent.
struct Notice {
  JobId job{};
  // The event that it is about; of kLate the newest one when it was noticed.
  int seq = 0;
  NoticeKind kind = NoticeKind::kStarted;
  friend auto operator<=>(const Notice&, const Notice&) = default;
};

// What of a job was looked at before.
struct SeenOfJob {
  int seq = 0;        // all events up to this one
  bool late = false;  // it was told that it is late
  friend bool operator==(const SeenOfJob&, const SeenOfJob&) = default;
};

// What is new of a job since then, in its order. `job` is how it is now,
// `since` holds its events after `seen.seq`, `plan` is its newest, if it has
// one. Nothing is late but by a deadline that its user declared.
std::vector<Notice> NoticesOf(const Job& job, const std::vector<Event>& since,
                              const JobPlan* plan, const SeenOfJob& seen);

}  // namespace carbond
