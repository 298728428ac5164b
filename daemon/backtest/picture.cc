// The SVG of a backtest: plain shapes and text, nothing that needs a library.

#include <algorithm>

#include "daemon/backtest/report.h"

namespace carbond {
namespace {

constexpr double kWidth = 860;
constexpr double kLeft = 150, kRight = 30;
constexpr double kBar = 22, kGap = 8, kTop = 56;
constexpr double kCurveHeight = 140;

constexpr const char* kInk = "#1b2a32";
constexpr const char* kMuted = "#7b8b93";
constexpr const char* kForecast = "#2a9d6f";
constexpr const char* kPerfect = "#a9d8c3";
constexpr const char* kLoss = "#c8553d";

std::string Escaped(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    if (c == '&') {
      safe += "&amp;";
    } else if (c == '<') {
      safe += "&lt;";
    } else {
      safe += c;
    }
  }
  return safe;
}

std::string Text(double x, double y, const std::string& anchor,
                 const std::string& text, const char* color = kInk) {
  return fmt::format(
      "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" fill=\"{}\">{}"
      "</text>\n",
      x, y, anchor, color, Escaped(text));
}

std::string Box(double x, double y, double width, double height,
                const char* color) {
  return fmt::format(
      "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" "
      "fill=\"{}\"/>\n",
      x, y, std::max(width, 0.5), height, color);
}

std::string Label(const PolicyResult& result) {
  return fmt::format("{}{}", Name(result.policy),
                     result.perfect ? " (perfect)" : "");
}

// Savings by policy, and the line that none can cross.
class Savings {
 public:
  Savings(const std::vector<PolicyResult>& results) : results_(results) {
    const Grams baseline = results.front().baseline;
    bound_ = 1 - results.front().lower_bound.value() /
                     std::max(baseline.value(), 1e-9);
    for (const PolicyResult& result : results) {
      least_ = std::min(least_, result.saved_fraction);
      most_ = std::max(most_, result.saved_fraction);
    }
    most_ = std::max(most_, bound_);
    if (most_ - least_ < 1e-6) most_ = least_ + 0.01;
  }

  std::string Draw(double top) const {
    std::string svg;
    double y = top;
    for (const PolicyResult& result : results_) {
      const double zero = X(0), end = X(result.saved_fraction);
      const char* color = result.saved_fraction < 0 ? kLoss
                          : result.perfect          ? kPerfect
                                                    : kForecast;
      svg += Text(kLeft - 8, y + kBar * 0.7, "end", Label(result));
      svg += Box(std::min(zero, end), y, std::abs(end - zero), kBar, color);
      svg += Text(std::max(zero, end) + 6, y + kBar * 0.7, "start",
                  fmt::format("{:.2f} %", 100 * result.saved_fraction));
      y += kBar + kGap;
    }
    svg += fmt::format(
        "<line x1=\"{0:.1f}\" y1=\"{1:.1f}\" x2=\"{0:.1f}\" y2=\"{2:.1f}\" "
        "stroke=\"{3}\" stroke-dasharray=\"4 3\"/>\n",
        X(bound_), top - 6, y, kInk);
    return svg + Text(X(bound_), top - 10, "middle",
                      fmt::format("bound {:.2f} %", 100 * bound_), kMuted);
  }

  double Height() const {
    return static_cast<double>(results_.size()) * (kBar + kGap);
  }

 private:
  double X(double fraction) const {
    const double width = kWidth - kLeft - kRight - 70;
    return kLeft + width * (fraction - least_) / (most_ - least_);
  }

  const std::vector<PolicyResult>& results_;
  double bound_ = 0, least_ = 0, most_ = 0;
};

// The intensity over a job's window, and below it each policy's runs.
class Curve {
 public:
  Curve(const Scenario& scenario, const std::vector<PolicyResult>& results,
        size_t job)
      : results_(results), job_(job), spec_(scenario.jobs[job]) {
    span_ = {spec_.submitted_at, *spec_.deadline};
    for (const PolicyResult& result : results) {
      span_.end =
          std::max(span_.end, result.jobs[job].runs.back().interval.end);
    }
    for (const BacktestRegion& place : scenario.regions) {
      if (place.region.name == spec_.spec.home_region) {
        series_ = place.actual.Clip(span_);
      }
    }
    for (const Slot& slot : series_.slots()) {
      most_ = std::max(most_, slot.intensity.value());
    }
  }

  std::string Draw(double top) const {
    std::string svg =
        Text(kLeft, top - 10, "start",
             fmt::format("job {} in {}: intensity, and when each policy runs "
                         "it (at most {:.0f} g/kWh)",
                         spec_.id, spec_.spec.home_region, most_));
    std::string points =
        fmt::format("{:.1f},{:.1f} ", X(span_.begin), top + kCurveHeight);
    for (const Slot& slot : series_.slots()) {
      const double y =
          top + kCurveHeight * (1 - slot.intensity.value() / most_);
      points += fmt::format("{:.1f},{:.1f} {:.1f},{:.1f} ",
                            X(slot.interval.begin), y, X(slot.interval.end), y);
    }
    points += fmt::format("{:.1f},{:.1f}", X(span_.end), top + kCurveHeight);
    svg += fmt::format("<polygon points=\"{}\" fill=\"#dde5e8\"/>\n", points);
    double y = top + kCurveHeight + 10;
    for (const PolicyResult& result : results_) {
      svg += Text(kLeft - 8, y + 10, "end", Label(result));
      for (const ReplayedRun& run : result.jobs[job_].runs) {
        svg += Box(X(run.interval.begin), y,
                   X(run.interval.end) - X(run.interval.begin), 12,
                   result.perfect ? kPerfect : kForecast);
      }
      y += 18;
    }
    svg += Text(kLeft, y + 14, "start", FormatInstant(span_.begin), kMuted);
    return svg + Text(kWidth - kRight, y + 14, "end", FormatInstant(span_.end),
                      kMuted);
  }

  double Height() const {
    return kCurveHeight + 40 + 18 * static_cast<double>(results_.size());
  }

 private:
  double X(Instant at) const {
    return kLeft + (kWidth - kLeft - kRight) *
                       static_cast<double>((at - span_.begin).count()) /
                       static_cast<double>(span_.length().count());
  }

  const std::vector<PolicyResult>& results_;
  const size_t job_;
  const BacktestJob& spec_;
  Interval span_;
  Series series_;
  double most_ = 1e-9;
};

}  // namespace

std::string ToPicture(const Scenario& scenario,
                      const std::vector<PolicyResult>& results, size_t job) {
  const Savings savings(results);
  const Curve curve(scenario, results, job);
  const double curve_top = kTop + savings.Height() + 44;
  const double height = curve_top + curve.Height();
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} "
      "{1:.0f}\" width=\"{0:.0f}\" height=\"{1:.0f}\" "
      "font-family=\"sans-serif\" font-size=\"12\">\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
      kWidth, height);
  svg += Text(kLeft, 22, "start",
              fmt::format("{} jobs, saved against running each at once",
                          scenario.jobs.size()));
  return svg + savings.Draw(kTop) + curve.Draw(curve_top) + "</svg>\n";
}

}  // namespace carbond
