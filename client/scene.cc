#include "client/scene.h"

#include <fmt/format.h>

#include <algorithm>

#include "client/local_time.h"

namespace carbond::client {
namespace {

// A plan shows at most so much beyond its finish: its hours must stay wide
// enough to be seen.
constexpr absl::Duration kOutlook = absl::Hours(36);
constexpr absl::Duration kRecent = absl::Hours(6);
constexpr absl::Duration kDay = absl::Hours(24);

Span ToSpan(const google::protobuf::Timestamp& begin,
            const google::protobuf::Timestamp& end) {
  return {FromProto(begin), FromProto(end)};
}

void AddPoints(const v1::Forecast& forecast, Picture& picture) {
  for (const v1::IntensityPoint& point : forecast.points()) {
    picture.points.push_back({ToSpan(point.begin(), point.end()),
                              point.intensity_g_per_kwh(), point.climatology(),
                              point.observed()});
  }
}

std::string TitleOf(const v1::Forecast& forecast) {
  std::string title = forecast.region();
  if (!forecast.zone().empty()) title += ", zone " + forecast.zone();
  if (!forecast.signal().empty()) title += ": " + forecast.signal();
  if (!forecast.provider().empty()) title += " from " + forecast.provider();
  return title;
}

// No further than what is known, and from the beginning of a slot.
void Confine(Picture& picture) {
  if (picture.points.empty()) return;
  absl::Time first = absl::InfiniteFuture();
  absl::Time last = absl::InfinitePast();
  for (const Picture::Point& point : picture.points) {
    first = std::min(first, point.span.begin);
    last = std::max(last, point.span.end);
  }
  Span& window = picture.window;
  window.begin = std::clamp(window.begin, first, last);
  window.end = std::clamp(window.end, first, last);
  absl::Time begin = window.begin, end = window.end;
  for (const Picture::Point& point : picture.points) {
    if (point.span.begin <= begin && begin < point.span.end) {
      window.begin = std::min(window.begin, point.span.begin);
    }
    if (point.span.begin < end && end <= point.span.end) {
      window.end = std::max(window.end, point.span.end);
    }
  }
}

// What was observed in the last 24 h, under the same hours of each day drawn.
void AddDayBefore(const v1::Forecast& forecast, absl::Time now,
                  Picture& picture) {
  for (const v1::IntensityPoint& point : forecast.points()) {
    if (!point.observed()) continue;
    Span span = ToSpan(point.begin(), point.end());
    span.begin = std::max(span.begin, now - kDay);
    span.end = std::min(span.end, now);
    if (span.begin >= span.end) continue;
    for (span.begin += kDay, span.end += kDay; span.begin < picture.window.end;
         span.begin += kDay, span.end += kDay) {
      picture.day_before.push_back(
          {span, point.intensity_g_per_kwh(), false, true});
    }
  }
}

// Those in the region whose curve is drawn.
void AddPlanned(const v1::Plan& plan, const std::string& region,
                absl::Time from, Picture& picture) {
  for (const v1::PlannedRun& interval : plan.intervals()) {
    const bool known = !interval.region().empty() && !region.empty();
    if (known && interval.region() != region) continue;
    Span span = ToSpan(interval.begin(), interval.end());
    span.begin = std::max(span.begin, from);
    if (span.begin < span.end) picture.planned.push_back(span);
  }
}

// The last instant of a plan worth drawing.
absl::Time OutlookOf(const v1::Plan& plan, absl::Time now,
                     const std::optional<absl::Time>& deadline) {
  const absl::Time finish =
      plan.has_finish_at() ? FromProto(plan.finish_at()) : now;
  const absl::Time choice = deadline.value_or(now + kOutlook);
  return std::max(finish + absl::Hours(1),
                  std::min(choice, std::max(finish, now) + kOutlook));
}

bool EndedInAPause(const v1::Run& run) {
  return run.end() == "checkpointed" || run.end() == "suspended";
}

// Runs, and the pauses between them. After a run that failed or was lost the
// job waits for its next attempt: that is no pause, and stays blank.
void AddRuns(const v1::Job& job, absl::Time now, Picture& picture) {
  std::optional<absl::Time> paused_from;
  for (const v1::Run& run : job.runs()) {
    if (!run.has_started_at()) continue;
    const absl::Time begin = FromProto(run.started_at());
    if (paused_from) picture.paused.push_back({*paused_from, begin});
    const absl::Time end = run.has_ended_at() ? FromProto(run.ended_at()) : now;
    picture.ran.push_back({begin, end});
    paused_from.reset();
    if (run.has_ended_at() && EndedInAPause(run)) paused_from = end;
  }
  if (paused_from && job.state() == v1::JOB_STATE_PAUSED) {
    picture.paused.push_back({*paused_from, now});
  }
}

// The daemon's now, as nearly as its answer tells.
absl::Time NowOf(const v1::Job& job) {
  if (job.intensity().has_now()) return FromProto(job.intensity().now());
  if (job.has_finished_at()) return FromProto(job.finished_at());
  if (job.plan().has_made_at()) return FromProto(job.plan().made_at());
  return FromProto(job.submitted_at());
}

}  // namespace

Picture PictureOf(const v1::PlanJobResponse& planned) {
  Picture picture;
  const v1::Forecast& intensity = planned.intensity();
  picture.title = TitleOf(intensity);
  AddPoints(intensity, picture);
  picture.now = FromProto(intensity.has_now() ? intensity.now()
                                              : planned.plan().made_at());
  if (planned.job().has_deadline()) {
    picture.deadline = FromProto(planned.job().deadline());
  }
  AddPlanned(planned.plan(), intensity.region(), absl::InfinitePast(), picture);
  picture.window = {*picture.now,
                    OutlookOf(planned.plan(), *picture.now, picture.deadline)};
  Confine(picture);
  return picture;
}

Picture PictureOf(const v1::Job& job) {
  Picture picture;
  picture.title = TitleOf(job.intensity());
  AddPoints(job.intensity(), picture);
  const absl::Time now = NowOf(job);
  AddRuns(job, now, picture);
  const absl::Time begin = FromProto(job.submitted_at());
  if (job.state() == v1::JOB_STATE_DONE) {
    const absl::Time finish =
        job.has_finished_at() ? FromProto(job.finished_at()) : now;
    picture.window = {begin,
                      finish + std::max<absl::Duration>(absl::Minutes(30),
                                                        (finish - begin) / 8)};
  } else {
    picture.now = now;
    if (job.has_deadline()) picture.deadline = FromProto(job.deadline());
    AddPlanned(job.plan(), job.intensity().region(), now, picture);
    picture.window = {begin, OutlookOf(job.plan(), now, picture.deadline)};
  }
  Confine(picture);
  return picture;
}

Picture PictureOf(const v1::Forecast& forecast) {
  Picture picture;
  picture.title = TitleOf(forecast);
  AddPoints(forecast, picture);
  picture.window = {absl::InfinitePast(), absl::InfiniteFuture()};
  if (forecast.has_now()) {
    picture.now = FromProto(forecast.now());
    picture.window.begin = *picture.now - kRecent;
  }
  Confine(picture);
  if (picture.now) AddDayBefore(forecast, *picture.now, picture);
  return picture;
}

}  // namespace carbond::client
