#pragma once
// Recorded intensities as they lie in a file: what the grid did, and what a
// forecaster said. Values that never change once read.
//
// Files are CSV, plain or gzip'd, with a header:
//   time_utc,gco2_per_kwh                  strictly increasing in time
//   issued_at_utc,time_utc,gco2_per_kwh    by issue, then by time
// A time names the start of the step its value holds for. The step is the
// smallest distance between neighbours; a step without a line is a gap.
// Values may also lie in a file of the Carbon Aware SDK, see emissions_file.h.

#include <string>
#include <vector>

#include "scheduler/series.h"

namespace carbond {

struct RecordedValue {
  Instant begin;
  GramsPerKwh intensity;
};

struct Recording {
  std::vector<RecordedValue> values;  // strictly increasing, never empty
  Duration step{0};

  Interval span() const {
    return {values.front().begin, values.back().begin + step};
  }
};

struct RecordedIssue {
  Instant issued_at;
  size_t first = 0;  // of its values
  size_t count = 0;
};

struct RecordedForecasts {
  std::vector<RecordedIssue> issues;  // strictly increasing, never empty
  std::vector<RecordedValue> values;  // of all issues, in their order
  Duration step{0};
};

// Both refuse, naming file, line and what mends it: other columns, times that
// are no times, out of order or twice, values that are missing, negative or
// beyond any grid, an empty or damaged file, and steps of several lengths.
Result<Recording> ReadRecording(const std::string& path);
Result<RecordedForecasts> ReadRecordedForecasts(const std::string& path);

}  // namespace carbond
