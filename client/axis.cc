#include "client/axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "absl/time/civil_time.h"

namespace carbond::client {
namespace {

constexpr int kMostSteps = 5;
constexpr int kLabelSpace = 9;  // columns that a time label wants

// Minutes between labels that people count in.
constexpr int kRoundMinutes[] = {1,   2,   5,   10,   15,   30,   60,   120,
                                 180, 360, 720, 1440, 2880, 7200, 14400};

std::string TimeText(const absl::CivilMinute& at) {
  if (at.hour() != 0 || at.minute() != 0) {
    return fmt::format("{:02}:{:02}", at.hour(), at.minute());
  }
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr",
                                            "May", "Jun", "Jul", "Aug",
                                            "Sep", "Oct", "Nov", "Dec"};
  return fmt::format("{} {}", at.day(), kMonths[at.month() - 1]);
}

}  // namespace

ValueAxis MakeValueAxis(double greatest) {
  ValueAxis axis;
  if (!(greatest > 0)) return {.step = 1, .steps = 3, .rows_per_step = 3};
  double decade = std::pow(10, std::floor(std::log10(greatest)) - 1);
  for (const double factor : {1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0}) {
    axis.step = decade * factor;
    axis.steps = static_cast<int>(std::ceil(greatest / axis.step - 1e-9));
    if (axis.steps <= kMostSteps) break;
  }
  axis.steps = std::max(axis.steps, 1);
  axis.rows_per_step = std::max(2, 10 / axis.steps);
  return axis;
}

std::string ValueLabel(const ValueAxis& axis, int step) {
  const double value = axis.step * step;
  return axis.step >= 1 || step == 0 ? fmt::format("{:.0f}", value)
                                     : fmt::format("{:.3g}", value);
}

std::vector<TimeLabel> MakeTimeLabels(absl::Time begin, absl::Duration column,
                                      int columns, absl::TimeZone zone) {
  const double minutes_per_column = absl::ToDoubleMinutes(column);
  int step = kRoundMinutes[std::size(kRoundMinutes) - 1];
  for (const int minutes : kRoundMinutes) {
    if (minutes >= minutes_per_column * kLabelSpace) {
      step = minutes;
      break;
    }
  }
  std::vector<TimeLabel> labels;
  const absl::Time end = begin + column * columns;
  absl::CivilMinute at(absl::CivilDay(absl::ToCivilSecond(begin, zone)));
  int free_from = 0;
  for (; absl::FromCivil(at, zone) < end; at += step) {
    const absl::Time t = absl::FromCivil(at, zone);
    if (t < begin) continue;
    TimeLabel label{static_cast<int>(absl::FDivDuration(t - begin, column)),
                    TimeText(at)};
    const int width = static_cast<int>(label.text.size());
    const int from = std::max(0, label.column - width / 2);
    if (from < free_from || from + width > columns) continue;
    free_from = from + width + 1;
    labels.push_back(std::move(label));
  }
  return labels;
}

}  // namespace carbond::client
