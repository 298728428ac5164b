#include "daemon/notify/notice.h"

#include <algorithm>
#include <optional>

namespace carbond {
namespace {

bool AnyStartedBefore(const Job& job, int run) {
  return std::any_of(job.runs.begin(), job.runs.end(), [run](const Run& each) {
    return each.number < run && each.started_at;
  });
}

bool HasStarted(const Job& job, int run) {
  return std::any_of(job.runs.begin(), job.runs.end(), [run](const Run& each) {
    return each.number == run && each.started_at;
  });
}

// Nothing happens to a job that is done, so that its last event ended it.
std::optional<NoticeKind> KindOf(const Job& job, const Event& event) {
  if (job.state == State::kDone && event.seq == job.last_seq) {
    return NoticeKind::kEnded;
  }
  if (const auto* started = std::get_if<RunStarted>(&event.fact)) {
    return AnyStartedBefore(job, started->run) ? NoticeKind::kResumed
                                               : NoticeKind::kStarted;
  }
  if (const auto* ended = std::get_if<RunEnded>(&event.fact)) {
    // A run that was taken back or did not start was no part of its life.
    if (HasStarted(job, ended->run)) return NoticeKind::kPaused;
  }
  return std::nullopt;
}

bool IsLate(const Job& job, const JobPlan* plan) {
  if (!job.spec->deadline_declared || !job.spec->deadline) return false;
  if (job.state == State::kDone) {
    return job.finished_at && *job.finished_at > *job.spec->deadline;
  }
  return plan != nullptr && plan->late;
}

}  // namespace

const char* Name(NoticeKind kind) {
  switch (kind) {
    case NoticeKind::kStarted:
      return "started";
    case NoticeKind::kPaused:
      return "paused";
    case NoticeKind::kResumed:
      return "resumed";
    case NoticeKind::kEnded:
      return "ended";
    case NoticeKind::kLate:
      return "late";
  }
  return "?";
}

Result<NoticeKind> ParseNoticeKind(const std::string& name) {
  for (const NoticeKind kind : kAllNotices) {
    if (name == Name(kind)) return kind;
  }
  return Refused("`{}` is none of started, paused, resumed, ended, late", name);
}

std::vector<Notice> NoticesOf(const Job& job, const std::vector<Event>& since,
                              const JobPlan* plan, const SeenOfJob& seen) {
  std::vector<Notice> notices;
  for (const Event& event : since) {
    // What the ledger took since `job` was read is looked at next time.
    if (event.seq <= seen.seq || event.seq > job.last_seq) continue;
    if (const auto kind = KindOf(job, event)) {
      notices.push_back({job.id, event.seq, *kind});
    }
  }
  // Before its end, where both are new: `ended` is the last that is heard.
  if (!seen.late && IsLate(job, plan)) {
    const bool ends =
        !notices.empty() && notices.back().kind == NoticeKind::kEnded;
    notices.insert(ends ? notices.end() - 1 : notices.end(),
                   {job.id, job.last_seq, NoticeKind::kLate});
  }
  return notices;
}

}  // namespace carbond
