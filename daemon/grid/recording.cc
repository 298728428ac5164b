#include "daemon/grid/recording.h"

#include <array>
#include <charconv>
#include <map>
#include <optional>

#include "daemon/grid/text_file.h"

namespace carbond {
namespace {

// The dirtiest plants emit about 1,200 g; a mean of 10,000 is another unit.
constexpr double kMostGramsPerKwh = 10'000;

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

Result<Instant> TimeOf(const TextFile& file, std::string_view cell) {
  auto time = ParseInstant(cell);
  if (!time.ok()) return file.Fault("{}", Message(time.status()));
  return time;
}

Result<GramsPerKwh> IntensityOf(const TextFile& file, std::string_view cell) {
  double value = 0;
  const char* const end = cell.data() + cell.size();
  const auto [after, error] = std::from_chars(cell.data(), end, value);
  if (cell.empty() || cell == "null" ||
      (error == std::errc() && value != value)) {
    return file.Fault("no value; leave the line out, and the step is a gap");
  }
  if (error != std::errc() || after != end) {
    return file.Fault("`{}` is no number of g/kWh", cell);
  }
  if (value < 0) {
    return file.Fault(
        "{} g/kWh is negative; leave the line out, and the step is a gap",
        cell);
  }
  if (value > kMostGramsPerKwh) {
    return file.Fault(
        "{} g/kWh is more than any grid emits; is it in another unit?", cell);
  }
  return GramsPerKwh::Of(value);
}

// The distances between neighbours, to find the step of a file.
class Distances {
 public:
  void Add(Duration distance, int64_t line) {
    if (last_ == counts_.end() || last_->first != distance) {
      last_ = counts_.try_emplace(distance, Seen{0, line}).first;
    }
    ++last_->second.times;
  }

  // The smallest. It must be the most usual as well: otherwise a stray line
  // would cut every step of the file short. A gap is whole steps long.
  Result<Duration> Step(const std::string& path) const {
    if (counts_.empty()) {
      return Refused(
          "{}: one value only, so that its step is not known; give two at "
          "least",
          path);
    }
    const auto smallest = counts_.begin();
    for (const auto& [distance, seen] : counts_) {
      if (seen.times <= smallest->second.times) continue;
      return Refused(
          "{}:{}: {} after the line before, while steps of {} are more usual "
          "in this file; all steps must have one length, so remove what is "
          "between them",
          path, smallest->second.line, FormatDuration(smallest->first),
          FormatDuration(distance));
    }
    for (const auto& [distance, seen] : counts_) {
      if (distance % smallest->first == Duration(0)) continue;
      return Refused(
          "{}:{}: {} after the line before, which is no whole number of the "
          "file's steps of {}; all steps must have one length",
          path, seen.line, FormatDuration(distance),
          FormatDuration(smallest->first));
    }
    return smallest->first;
  }

 private:
  struct Seen {
    int64_t times;
    int64_t line;  // the first
  };
  std::map<Duration, Seen> counts_;
  std::map<Duration, Seen>::iterator last_ = counts_.end();
};

Status CheckOrder(const TextFile& file, std::optional<Instant> before,
                  Instant time, const char* what) {
  if (!before || time > *before) return Ok();
  if (time == *before) {
    return file.Fault("{} {} stands here twice; keep one of the two lines",
                      what, FormatInstant(time));
  }
  return file.Fault("{} {} comes after {}; sort the file by time", what,
                    FormatInstant(time), FormatInstant(*before));
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
  CARBOND_ASSIGN_OR_RETURN(recording.step, distances.Step(path));
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
  CARBOND_ASSIGN_OR_RETURN(forecasts.step, distances.Step(path));
  forecasts.values.shrink_to_fit();
  return forecasts;
}

}  // namespace carbond
