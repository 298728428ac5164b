#include "daemon/grid/quality.h"

#include <algorithm>
#include <cmath>

#include "daemon/grid/json_answer.h"

namespace carbond {
namespace {

// The dirtiest plants emit about 1,200 g; a mean of 10,000 is another unit.
constexpr double kMostGramsPerKwh = 10'000;
constexpr size_t kMostPoints = 20'000;  // 31 days of 5-minute steps are 8,928
constexpr Duration kForecastFar = hours(24 * 31);
constexpr Duration kObservedFar = hours(24 * 40);
constexpr Duration kClockTolerance = minutes(2);
constexpr size_t kFewestForUsual = 12;
constexpr double kLowestForJump = 10;
constexpr double kJump = 10;

// Grams per kWh in one of a unit; nothing for what is no intensity.
std::optional<double> GramsPerKwhIn(std::string unit) {
  std::erase_if(unit, [](char c) { return c == '_' || c == ' ' || c == '/'; });
  std::ranges::transform(unit, unit.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  for (const char* gas : {"co2eq", "co2e", "co2"}) {
    const size_t at = unit.find(gas);
    if (at == std::string::npos) continue;
    unit.erase(at, std::string(gas).size());
    break;
  }
  if (unit == "lbspermwh" || unit == "lbpermwh" || unit == "lbmwh" ||
      unit == "lbsmwh") {
    return 0.45359237;  // 453.59237 g a pound, 1000 kWh a MWh
  }
  if (unit == "gkwh" || unit == "gperkwh" || unit == "kgmwh" ||
      unit == "kgpermwh") {
    return 1;
  }
  return std::nullopt;
}

void Add(std::vector<Note>& notes, Note::Kind kind, std::string text) {
  notes.push_back({kind, std::move(text)});
}

// One answer on its way to a series.
class Judging {
 public:
  Judging(const Want& want, const Manners& manners, Told told, Instant now)
      : want_(want), manners_(manners), told_(std::move(told)), now_(now) {}

  OrFailure<Checked> Judge() {
    if (auto failure = JudgeWhole()) return *std::move(failure);
    if (auto failure = FindUnit()) return *std::move(failure);
    Sort();
    if (auto failure = FindStep()) return *std::move(failure);
    if (auto failure = TakeValues()) return *std::move(failure);
    NoteGaps();
    Result<Series> series = Series::Make(std::move(slots_));
    if (!series.ok()) return BadData(Message(series.status()));
    checked_.series = *std::move(series);
    if (auto failure = JudgeForecast()) return *std::move(failure);
    for (const std::string& warning : told_.warnings) {
      Add(checked_.notes, Note::Kind::kService, Plain(warning));
    }
    return std::move(checked_);
  }

 private:
  bool of_forecast() const { return want_.what == Want::What::kForecast; }

  std::optional<Failure> JudgeWhole() {
    if (told_.sandbox) {
      return Failure{Failure::Kind::kBadCredentials,
                     "the key is one for trying out (sandbox): its values are "
                     "random; give a real key",
                     {},
                     true};
    }
    if (!told_.zone.empty() && told_.zone != want_.zone) {
      return BadData(fmt::format("asked for zone {}, answered for {}",
                                 want_.zone, Plain(told_.zone)));
    }
    if (told_.points.size() > kMostPoints) {
      return BadData(fmt::format("{} values, more than any honest answer has",
                                 told_.points.size()));
    }
    if (told_.points.empty() && of_forecast()) {
      return Temporary("a forecast without a value");
    }
    return std::nullopt;
  }

  std::optional<Failure> FindUnit() {
    if (told_.unit.empty()) {
      if (manners_.states_unit) {
        Add(checked_.notes, Note::Kind::kUnitNotStated,
            fmt::format("the answer names no unit; taken as {}",
                        manners_.default_unit));
      }
      told_.unit = manners_.default_unit;
    }
    const auto factor = GramsPerKwhIn(told_.unit);
    if (!factor) {
      return BadData(fmt::format("values in `{}`, which is no carbon intensity",
                                 Plain(told_.unit)));
    }
    factor_ = *factor;
    return std::nullopt;
  }

  // Of one begin the last stays.
  void Sort() {
    auto& points = told_.points;
    std::ranges::stable_sort(points, {}, &Told::Point::begin);
    size_t kept = 0;
    for (size_t i = 0; i < points.size(); ++i) {
      if (i + 1 < points.size() && points[i + 1].begin == points[i].begin) {
        continue;
      }
      points[kept++] = points[i];
    }
    if (kept < points.size()) {
      Add(checked_.notes, Note::Kind::kDuplicates,
          fmt::format("{} steps were there twice; the last values hold",
                      points.size() - kept));
    }
    points.resize(kept);
  }

  std::optional<Failure> FindStep() {
    const auto& points = told_.points;
    step_ = told_.step;
    for (size_t i = 1; i < points.size() && told_.step == Duration(0); ++i) {
      const Duration distance = points[i].begin - points[i - 1].begin;
      if (step_ == Duration(0) || distance < step_) step_ = distance;
    }
    for (const Told::Point& point : points) {
      const Duration length = LengthOf(point);
      if (length >= minutes(1) && length <= hours(24)) continue;
      return BadData(
          length == Duration(0)
              ? "one value, and how long it holds is not said"
              : fmt::format("steps of {}, where a minute to a day is usual",
                            FormatDuration(length)));
    }
    return std::nullopt;
  }

  Duration LengthOf(const Told::Point& point) const {
    return point.length == Duration(0) ? step_ : point.length;
  }

  bool IsFar(const Told::Point& point) const {
    const Duration far = of_forecast() ? kForecastFar : kObservedFar;
    return point.begin < now_ - far || point.begin > now_ + far;
  }

  std::optional<Failure> TakeValues() {
    size_t nulls = 0;
    size_t rejected = 0;
    size_t far = 0;
    bool overlaps = false;
    for (const Told::Point& point : told_.points) {
      const Interval step{point.begin, point.begin + LengthOf(point)};
      if (IsFar(point)) {
        ++far;
      } else if (!point.value) {
        ++nulls;
      } else if (const double value = *point.value * factor_;
                 !(value >= 0 && value <= kMostGramsPerKwh)) {
        ++rejected;  // NaN as well
      } else if (of_forecast() || step.end <= now_) {
        if (!slots_.empty() && slots_.back().interval.end > step.begin) {
          slots_.back().interval.end = step.begin;
          overlaps = true;
        }
        slots_.push_back({step, GramsPerKwh::Of(value)});
      }
    }
    if (rejected * 10 > told_.points.size()) {
      return BadData(fmt::format(
          "{} of {} values are negative, no numbers or beyond any grid",
          rejected, told_.points.size()));
    }
    auto& notes = checked_.notes;
    if (nulls > 0) {
      Add(notes, Note::Kind::kNulls,
          fmt::format("{} of {} values are missing (null)", nulls,
                      told_.points.size()));
    }
    if (rejected > 0) {
      Add(notes, Note::Kind::kRejected,
          fmt::format("{} of {} values are negative, no numbers or beyond any "
                      "grid; left out",
                      rejected, told_.points.size()));
    }
    if (far > 0) {
      Add(notes, Note::Kind::kFarTimes,
          fmt::format("{} values are of times far from now; left out", far));
    }
    if (overlaps) {
      Add(notes, Note::Kind::kOverlaps,
          "steps overlap; each is cut where the next begins");
    }
    return std::nullopt;
  }

  void NoteGaps() {
    Duration longest{0};
    for (size_t i = 1; i < slots_.size(); ++i) {
      longest = std::max(longest,
                         slots_[i].interval.begin - slots_[i - 1].interval.end);
    }
    if (longest > Duration(0)) {
      Add(checked_.notes, Note::Kind::kGaps,
          fmt::format("values are missing in the middle, up to {} at once",
                      FormatDuration(longest)));
    }
  }

  std::optional<Failure> JudgeForecast() {
    if (!of_forecast()) return std::nullopt;
    const Instant end = checked_.series.end();
    if (checked_.series.empty() || end <= now_) {
      return Temporary(
          checked_.series.empty()
              ? "a forecast without a usable value"
              : fmt::format("its forecast ended at {}", FormatInstant(end)));
    }
    const Instant issued_at = told_.issued_at.value_or(now_);
    if (issued_at > now_ + kClockTolerance) {
      Add(checked_.notes, Note::Kind::kIssuedInFuture,
          fmt::format("issued at {}, which is in the future; dated now",
                      FormatInstant(issued_at)));
    }
    checked_.issued_at = std::min(issued_at, now_);
    NoteLength(end);
    return std::nullopt;
  }

  // The first step began before now, and whole hours are asked for.
  void NoteLength(Instant end) {
    const Duration tolerance = std::max<Duration>(2 * step_, hours(1));
    const Duration asked = want_.during.length();
    const auto text = [&] {
      return fmt::format("reaches {} ahead, where {} were asked for",
                         FormatDuration(end - now_), FormatDuration(asked));
    };
    if (end + tolerance < want_.during.end) {
      Add(checked_.notes, Note::Kind::kShorter, text());
    }
    if (end > want_.during.end + tolerance) {
      Add(checked_.notes, Note::Kind::kLonger, text());
    }
  }

  const Want& want_;
  const Manners& manners_;
  Told told_;
  const Instant now_;
  double factor_ = 1;
  Duration step_{0};
  std::vector<Slot> slots_;
  Checked checked_;
};

}  // namespace

OrFailure<Checked> Check(const Want& want, const Manners& manners, Told told,
                         Instant now) {
  return Judging(want, manners, std::move(told), now).Judge();
}

std::optional<GramsPerKwh> UsualOf(const Series& series) {
  std::vector<GramsPerKwh> values;
  for (const Slot& slot : series.slots()) values.push_back(slot.intensity);
  if (values.size() < kFewestForUsual) return std::nullopt;
  const auto middle =
      values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

bool IsJump(GramsPerKwh usual, GramsPerKwh now) {
  const double a = std::max(usual.value(), kLowestForJump);
  const double b = std::max(now.value(), kLowestForJump);
  return a >= kJump * b || b >= kJump * a;
}

std::optional<Duration> ClockAhead(const HttpAnswer& answer, Instant now) {
  if (!answer.date) return std::nullopt;
  const Duration ahead = now - *answer.date;
  if (std::chrono::abs(ahead) <= kClockTolerance) return std::nullopt;
  return ahead;
}

}  // namespace carbond
