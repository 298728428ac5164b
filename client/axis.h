#pragma once
// Where the labels of a chart's axes stand.

#include <string>
#include <vector>

#include "absl/time/time.h"

namespace carbond::client {

// The vertical axis, from zero to a round number above the greatest value.
struct ValueAxis {
  double step = 1;  // between labels
  int steps = 1;
  int rows_per_step = 1;

  double top() const { return step * steps; }
  int rows() const { return steps * rows_per_step; }
};

ValueAxis MakeValueAxis(double greatest);
std::string ValueLabel(const ValueAxis& axis, int step);

// Hours of the day, days where they begin.
struct TimeLabel {
  int column = 0;
  std::string text;
};

// Labels for `columns` columns from `begin` on, none touching its neighbour.
std::vector<TimeLabel> MakeTimeLabels(absl::Time begin, absl::Duration column,
                                      int columns, absl::TimeZone zone);

}  // namespace carbond::client
