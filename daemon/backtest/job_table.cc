#include "daemon/backtest/job_table.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <set>

#include "daemon/grid/text_file.h"

namespace carbond {
namespace {

constexpr std::array kColumns = {
    "id",           "submit",      "duration_s", "power_w",      "gpus",
    "cpus",         "deadline",    "pause",      "checkpoint_s", "resume_s",
    "idle_power_w", "home_region", "regions",    "user",         "name",
    "project",      "data_gb"};
// Of a table's mistakes: who has more has made one of them many times.
constexpr int64_t kMostTold = 20;
// Beyond this, seconds no longer fit whole milliseconds of any calendar.
constexpr double kMostSeconds = 1e11;

// Cells of a line; quotes around a cell keep its commas.
std::vector<std::string> Cells(std::string_view line) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      cells.emplace_back();
    } else {
      cells.back() += c;
    }
  }
  for (std::string& cell : cells) {
    const size_t first = cell.find_first_not_of(" \t");
    const size_t last = cell.find_last_not_of(" \t");
    cell =
        first == std::string::npos ? "" : cell.substr(first, last - first + 1);
  }
  return cells;
}

std::vector<std::string> Words(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : text + ";") {
    if (c != ';' && c != '|' && c != ' ' && c != ',') {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::exchange(word, ""));
    }
  }
  return words;
}

std::optional<double> Number(const std::string& text) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [after, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || after != end || !std::isfinite(value)) return {};
  return value;
}

class JobTable {
 public:
  JobTable(TextFile& file, Instant from, const JobSpec& defaults,
           Duration slack, const std::vector<std::string>& regions)
      : file_(file),
        from_(from),
        defaults_(defaults),
        slack_(slack),
        regions_(regions) {}

  Result<std::vector<BacktestJob>> Read() {
    std::string_view line;
    CARBOND_ASSIGN_OR_RETURN(bool more, file_.Next(line));
    if (!more) return Refused("{}: is empty", file_.path());
    ReadHeader(line);
    if (mistakes_ > 0) return Refused("{}", told_);  // no cell has its column
    while (true) {
      CARBOND_ASSIGN_OR_RETURN(more, file_.Next(line));
      if (!more) break;
      if (!line.empty()) ReadRow(line);
    }
    if (mistakes_ > kMostTold) {
      told_ += fmt::format("\n{}: {} more mistakes", file_.path(),
                           mistakes_ - kMostTold);
    }
    if (mistakes_ > 0) return Refused("{}", told_);
    std::stable_sort(jobs_.begin(), jobs_.end(),
                     [](const BacktestJob& a, const BacktestJob& b) {
                       return a.submitted_at < b.submitted_at;
                     });
    return std::move(jobs_);
  }

 private:
  // Notes what is wrong; true where nothing is.
  bool Good(const Status& status) {
    if (status.ok()) return true;
    if (++mistakes_ > kMostTold) return false;
    if (!told_.empty()) told_ += '\n';
    told_ += Message(status);
    return false;
  }

  void ReadHeader(std::string_view line) {
    for (std::string name : Cells(line)) {
      if (name == "submit_time_s") name = "submit";
      if (std::find(kColumns.begin(), kColumns.end(), name) == kColumns.end()) {
        Good(file_.Fault("there is no column `{}`; the columns are {}", name,
                         fmt::join(kColumns, ", ")));
      } else if (std::find(columns_.begin(), columns_.end(), name) !=
                 columns_.end()) {
        Good(file_.Fault("the column `{}` is there twice", name));
      }
      columns_.push_back(name);
    }
    if (std::find(columns_.begin(), columns_.end(), "submit") ==
        columns_.end()) {
      Good(file_.Fault("a column `submit` is owed"));
    }
  }

  void ReadRow(std::string_view line) {
    const std::vector<std::string> cells = Cells(line);
    if (cells.size() != columns_.size()) {
      Good(file_.Fault("{} cells, where the header has {}", cells.size(),
                       columns_.size()));
      return;
    }
    cell_.clear();
    for (size_t i = 0; i < cells.size(); ++i) {
      if (!cells[i].empty()) cell_[columns_[i]] = cells[i];
    }
    const int64_t before = mistakes_;
    BacktestJob job;
    job.spec = defaults_;
    job.id = Text("id", fmt::format("{}", ++rows_));
    if (!ids_.insert(job.id).second) {
      Good(file_.Fault("id {} was given before", job.id));
    }
    const auto submit = Time("submit");
    if (Good(submit.status()) && !*submit) {
      Good(file_.Fault("`submit` is empty"));
    }
    ReadSpec(job.spec);
    const auto deadline = Time("deadline");
    Good(deadline.status());
    if (mistakes_ > before) return;
    job.submitted_at = **submit;
    job.deadline =
        deadline->value_or(job.submitted_at + job.spec.duration + slack_);
    jobs_.push_back(std::move(job));
  }

  void ReadSpec(JobSpec& spec) {
    if (Good(Seconds("duration_s", spec.duration)) &&
        spec.duration <= Duration(0)) {
      Good(
          file_.Fault("the duration is not positive: give `duration_s`, or "
                      "`defaults: {{duration: 2h}}` in the scenario"));
    }
    Good(Seconds("checkpoint_s", spec.checkpoint_cost));
    Good(Seconds("resume_s", spec.resume_cost));
    Good(Power("power_w", spec.power));
    Good(Power("idle_power_w", spec.idle_power));
    Good(Count("gpus", spec.need.gpus));
    Good(Count("cpus", spec.need.cpus));
    Good(Quantity("data_gb", 1e9, spec.data_gb));
    spec.user = Text("user", spec.user);
    spec.name = Text("name", spec.name);
    spec.project = Text("project", spec.project);
    if (cell_.contains("pause")) {
      const Result<PauseMode> mode = ParsePauseMode(cell_["pause"]);
      if (mode.ok()) {
        spec.pause = *mode;
      } else {
        Good(file_.Fault("{}", Message(mode.status())));
      }
    }
    ReadRegions(spec);
  }

  void ReadRegions(JobSpec& spec) {
    if (cell_.contains("regions")) spec.regions = Words(cell_["regions"]);
    if (spec.regions.empty()) {
      Good(file_.Fault("`regions` names no region"));
      return;
    }
    for (const std::string& name : spec.regions) Good(CheckRegion(name));
    spec.home_region = Text("home_region", spec.home_region);
    if (spec.home_region.empty()) {
      spec.home_region = spec.regions.front();
    } else {
      Good(CheckRegion(spec.home_region));
    }
  }

  Status CheckRegion(const std::string& name) const {
    if (std::find(regions_.begin(), regions_.end(), name) != regions_.end()) {
      return Ok();
    }
    return file_.Fault("there is no region `{}`; there is {}", name,
                       fmt::join(regions_, ", "));
  }

  std::string Text(const std::string& column, const std::string& fallback) {
    const auto it = cell_.find(column);
    return it == cell_.end() ? fallback : it->second;
  }

  Result<std::optional<Instant>> Time(const std::string& column) {
    const auto it = cell_.find(column);
    if (it == cell_.end()) return std::optional<Instant>();
    if (const auto s = Number(it->second)) {
      if (std::abs(*s) > kMostSeconds) {
        return file_.Fault("`{}` is {} seconds, beyond any time", column, *s);
      }
      return std::optional(from_ + Duration(std::llround(*s * 1000)));
    }
    const Result<Instant> instant = ParseInstant(it->second);
    if (!instant.ok()) {
      return file_.Fault(
          "`{}`: {} is neither RFC 3339 nor seconds after `from`", column,
          it->second);
    }
    return std::optional(*instant);
  }

  // Leaves `value` alone where the cell is empty.
  Status Quantity(const std::string& column, double most, double& value) {
    const auto it = cell_.find(column);
    if (it == cell_.end()) return Ok();
    const auto number = Number(it->second);
    if (!number || *number < 0 || *number > most) {
      return file_.Fault("`{}`: {} is not a number from 0 to {:g}", column,
                         it->second, most);
    }
    value = *number;
    return Ok();
  }

  Status Seconds(const std::string& column, Duration& value) {
    double seconds = static_cast<double>(value.count()) / 1000;
    CARBOND_RETURN_IF_ERROR(Quantity(column, 3.2e7, seconds));
    value = Duration(std::llround(seconds * 1000));
    return Ok();
  }
  Status Power(const std::string& column, Watts& value) {
    double watts = value.value();
    CARBOND_RETURN_IF_ERROR(Quantity(column, 1e8, watts));
    value = Watts::Of(watts);
    return Ok();
  }
  Status Count(const std::string& column, int& value) {
    double count = value;
    CARBOND_RETURN_IF_ERROR(Quantity(column, 1e8, count));
    value = static_cast<int>(std::ceil(count));
    return Ok();
  }

  TextFile& file_;
  const Instant from_;
  const JobSpec& defaults_;
  const Duration slack_;
  const std::vector<std::string>& regions_;
  std::vector<std::string> columns_;
  std::map<std::string, std::string> cell_;  // of the row, empty ones left out
  std::set<std::string> ids_;
  int64_t rows_ = 0;
  std::vector<BacktestJob> jobs_;
  int64_t mistakes_ = 0;
  std::string told_;  // a line for each of the first
};

}  // namespace

Result<std::vector<BacktestJob>> ReadJobTable(
    const std::string& path, Instant from, const JobSpec& defaults,
    Duration slack, const std::vector<std::string>& regions) {
  CARBOND_ASSIGN_OR_RETURN(TextFile file, TextFile::Open(path));
  return JobTable(file, from, defaults, slack, regions).Read();
}

}  // namespace carbond
