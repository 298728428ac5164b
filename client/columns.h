#pragma once
// What a picture shows in each of its columns. Knows nothing of signs.

#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "client/picture.h"

namespace carbond::client {

// What is marked under a column.
enum class Mark { kNone, kRan, kPlanned, kPaused, kNow, kDeadline };

struct Column {
  bool known = false;
  double intensity_g_per_kwh = 0;  // the mean, weighed by time
  bool climatology = false;        // most of it
  bool chosen = false;             // the job ran or will run then
  Mark mark = Mark::kNone;
  std::optional<double> day_before_g_per_kwh = {};
};

struct Columns {
  std::vector<Column> cells;
  absl::Duration width;  // of each
};

// At most `most` columns for the picture's window, which is not empty; the same
// number for each slot where slots are wider than a column.
Columns MakeColumns(const Picture& picture, int most);

}  // namespace carbond::client
