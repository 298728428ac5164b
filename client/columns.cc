#include "client/columns.h"

#include <algorithm>
#include <cmath>

namespace carbond::client {
namespace {

absl::Duration Overlap(const Span& a, const Span& b) {
  return std::max(absl::ZeroDuration(),
                  std::min(a.end, b.end) - std::max(a.begin, b.begin));
}

struct Mean {
  double intensity_g_per_kwh = 0;
  bool climatology = false;  // most of it
};

// Weighed by time. What covers less than half of the span is no knowledge.
std::optional<Mean> MeanOf(const std::vector<Picture::Point>& points,
                           bool observed, const Span& span) {
  double covered = 0, sum = 0, climatology = 0;
  for (const Picture::Point& point : points) {
    if (point.observed != observed) continue;
    const double part = absl::ToDoubleSeconds(Overlap(point.span, span));
    covered += part;
    sum += part * std::max(0.0, point.intensity_g_per_kwh);
    if (point.climatology) climatology += part;
  }
  if (covered * 2 < absl::ToDoubleSeconds(span.end - span.begin)) return {};
  return Mean{sum / covered, climatology * 2 > covered};
}

// Of what was observed where that is known, else of what was forecast.
void Measure(const Picture& picture, const Span& span, Column& column) {
  std::optional<Mean> mean = MeanOf(picture.points, true, span);
  if (!mean) mean = MeanOf(picture.points, false, span);
  if (mean) {
    column.known = true;
    column.intensity_g_per_kwh = mean->intensity_g_per_kwh;
    column.climatology = mean->climatology;
  }
  mean = MeanOf(picture.day_before, true, span);
  if (mean) column.day_before_g_per_kwh = mean->intensity_g_per_kwh;
}

// How much of `in` the spans take.
absl::Duration Covered(const std::vector<Span>& spans, const Span& in) {
  absl::Duration total;
  for (const Span& span : spans) total += Overlap(span, in);
  return total;
}

// Marks what takes most of the column; the least run shows where nothing else
// happened.
void MarkSpans(const Picture& picture, const Span& span, Column& column) {
  const absl::Duration ran = Covered(picture.ran, span);
  const absl::Duration planned = Covered(picture.planned, span);
  const absl::Duration paused = Covered(picture.paused, span);
  const absl::Duration most = std::max({ran, planned, paused});
  if (most <= absl::ZeroDuration()) return;
  column.mark = most == ran       ? Mark::kRan
                : most == planned ? Mark::kPlanned
                                  : Mark::kPaused;
  column.chosen = column.mark != Mark::kPaused;
}

void MarkMoment(const std::optional<absl::Time>& moment, const Span& window,
                Mark mark, Columns& columns) {
  if (!moment || *moment < window.begin || *moment > window.end) return;
  const double at = absl::FDivDuration(*moment - window.begin, columns.width);
  const size_t index =
      std::min(static_cast<size_t>(at), columns.cells.size() - 1);
  columns.cells[index].mark = mark;
}

int Count(const Picture& picture, int most) {
  absl::Duration slot = absl::InfiniteDuration();
  for (const Picture::Point& point : picture.points) {
    if (Overlap(point.span, picture.window) > absl::ZeroDuration()) {
      slot = std::min(slot, point.span.end - point.span.begin);
    }
  }
  const double slots =
      absl::FDivDuration(picture.window.end - picture.window.begin, slot);
  const double whole = std::round(slots);
  if (whole < 1 || whole > most || std::abs(slots - whole) > 1e-6) return most;
  return static_cast<int>(whole) * (most / static_cast<int>(whole));
}

}  // namespace

Columns MakeColumns(const Picture& picture, int most) {
  const Span& window = picture.window;
  const int count = Count(picture, most);
  Columns columns;
  columns.width = (window.end - window.begin) / count;
  for (int i = 0; i < count; ++i) {
    const Span span{window.begin + columns.width * i,
                    window.begin + columns.width * (i + 1)};
    Column& column = columns.cells.emplace_back();
    Measure(picture, span, column);
    MarkSpans(picture, span, column);
  }
  MarkMoment(picture.deadline, window, Mark::kDeadline, columns);
  MarkMoment(picture.now, window, Mark::kNow, columns);
  return columns;
}

}  // namespace carbond::client
