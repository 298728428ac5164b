#include "daemon/grid/recording.h"

#include <array>
#include <optional>

#include "daemon/grid/recorded_rows.h"
#include "daemon/grid/text_file.h"

namespace carbond {
namespace {

constexpr RowWords kLines{"line", "lines"};

template <size_t kColumns>
bool Split(std::string_view line,
           std::array<std::string_view, kColumns>& cells) {
  for (size_t i = 0; i < kColumns; ++i) {
    const size_t comma = line.find(',');
    if ((comma == std::string_view::npos) != (i + 1 == kColumns)) return false;
    cells[i] = line.substr(0, comma);
    if (comma != std::string_view::npos) line.remove_prefix(comma + 1);
  }
  return true;
}

// Adds where it stands.
Status Placed(const TextFile& file, const Status& status) {
  return status.ok() ? status : file.Fault("{}", Message(status));
}

Result<Instant> TimeOf(const TextFile& file, std::string_view cell) {
  auto time = ParseInstant(cell);
  if (!time.ok()) return Placed(file, time.status());
  return time;
}

Result<GramsPerKwh> IntensityOf(const TextFile& file, std::string_view cell) {
  auto intensity = ParseIntensity(cell, kLines);
  if (!intensity.ok()) return Placed(file, intensity.status());
  return intensity;
}

Status CheckOrder(const TextFile& file, std::optional<Instant> before,
                  Instant time, const char* what) {
  return Placed(file, CheckOrder(before, time, what, kLines));
}

Result<Duration> StepOf(const std::string& path, const Distances& distances) {
  return distances.Step(
      path, [&](int64_t line) { return fmt::format("{}:{}", path, line); },
      kLines);
}

// Hands every line below the header to `row`, in its cells.
template <size_t kColumns, typename Row>
Status ReadTable(const std::string& path, std::string_view header, Row row) {
  CARBOND_ASSIGN_OR_RETURN(TextFile file, TextFile::Open(path));
  std::string_view line;
  CARBOND_ASSIGN_OR_RETURN(bool more, file.Next(line));
  if (!more) return Refused("{}: empty; its header is {}", path, header);
  if (line != header) {
    return file.Fault("the columns are `{}`, but must be `{}`",
                      line.substr(0, 80), header);
  }
  int64_t rows = 0;
  bool blank = false;  // which does no harm at the end of a file
  while (true) {
    CARBOND_ASSIGN_OR_RETURN(more, file.Next(line));
    if (!more) break;
    if (line.empty()) {
      blank = true;
      continue;
    }
    if (blank) return file.Fault("stands below an empty line; remove that");
    std::array<std::string_view, kColumns> cells;
    if (!Split(line, cells)) {
      return file.Fault("not {} columns ({}): `{}`", kColumns, header,
                        line.substr(0, 80));
    }
    CARBOND_RETURN_IF_ERROR(row(file, cells));
    ++rows;
  }
  if (rows == 0) return Refused("{}: no value below the header", path);
  return Ok();
}

}  // namespace

Result<Recording> ReadRecording(const std::string& path) {
  Recording recording;
  Distances distances;
  std::optional<Instant> before;
  const auto row = [&](const TextFile& file, const auto& cells) -> Status {
    CARBOND_ASSIGN_OR_RETURN(const Instant time, TimeOf(file, cells[0]));
    CARBOND_RETURN_IF_ERROR(CheckOrder(file, before, time, "time"));
    CARBOND_ASSIGN_OR_RETURN(const GramsPerKwh intensity,
                             IntensityOf(file, cells[1]));
    if (before) distances.Add(time - *before, file.line_number());
    before = time;
    recording.values.push_back({time, intensity});
    return Ok();
  };
  CARBOND_RETURN_IF_ERROR(ReadTable<2>(path, "time_utc,gco2_per_kwh", row));
  CARBOND_ASSIGN_OR_RETURN(recording.step, StepOf(path, distances));
  recording.values.shrink_to_fit();
  return recording;
}

Result<RecordedForecasts> ReadRecordedForecasts(const std::string& path) {
  RecordedForecasts forecasts;
  Distances distances;
  std::optional<Instant> issue_before;
  std::optional<Instant> before;  // within the issue
  const auto row = [&](const TextFile& file, const auto& cells) -> Status {
    CARBOND_ASSIGN_OR_RETURN(const Instant issue, TimeOf(file, cells[0]));
    CARBOND_ASSIGN_OR_RETURN(const Instant time, TimeOf(file, cells[1]));
    if (issue_before != issue) {
      CARBOND_RETURN_IF_ERROR(CheckOrder(file, issue_before, issue, "issue"));
      forecasts.issues.push_back({issue, forecasts.values.size(), 0});
      issue_before = issue;
      before.reset();
    }
    CARBOND_RETURN_IF_ERROR(CheckOrder(file, before, time, "time"));
    CARBOND_ASSIGN_OR_RETURN(const GramsPerKwh intensity,
                             IntensityOf(file, cells[2]));
    if (before) distances.Add(time - *before, file.line_number());
    before = time;
    forecasts.values.push_back({time, intensity});
    ++forecasts.issues.back().count;
    return Ok();
  };
  CARBOND_RETURN_IF_ERROR(
      ReadTable<3>(path, "issued_at_utc,time_utc,gco2_per_kwh", row));
  CARBOND_ASSIGN_OR_RETURN(forecasts.step, StepOf(path, distances));
  forecasts.values.shrink_to_fit();
  return forecasts;
}

}  // namespace carbond
