#include "daemon/grid/recorded_rows.h"

#include <charconv>

namespace carbond {
namespace {

// The dirtiest plants emit about 1,200 g; a mean of 10,000 is another unit.
constexpr double kMostGramsPerKwh = 10'000;

}  // namespace

Result<GramsPerKwh> ParseIntensity(std::string_view text,
                                   const RowWords& words) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [after, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || text == "null" ||
      (error == std::errc() && value != value)) {
    return Refused("no value; leave the {} out, and the step is a gap",
                   words.one);
  }
  if (error != std::errc() || after != end) {
    return Refused("`{}` is no number of g/kWh", text.substr(0, 80));
  }
  if (value < 0) {
    return Refused(
        "{} g/kWh is negative; leave the {} out, and the step is a gap", text,
        words.one);
  }
  if (value > kMostGramsPerKwh) {
    return Refused(
        "{} g/kWh is more than any grid emits; is it in another unit?", text);
  }
  return GramsPerKwh::Of(value);
}

Status CheckOrder(std::optional<Instant> before, Instant time, const char* what,
                  const RowWords& words) {
  if (!before || time > *before) return Ok();
  if (time == *before) {
    return Refused("{} {} stands here twice; keep one of the two {}", what,
                   FormatInstant(time), words.many);
  }
  return Refused("{} {} comes after {}; sort the file by time", what,
                 FormatInstant(time), FormatInstant(*before));
}

void Distances::Add(Duration distance, int64_t row) {
  if (last_ == nullptr || last_->first != distance) {
    last_ = &*counts_.try_emplace(distance, Seen{0, row}).first;
  }
  ++last_->second.times;
}

std::optional<Distances::Place> Distances::smallest() const {
  if (counts_.empty()) return std::nullopt;
  return Place{counts_.begin()->first, counts_.begin()->second.row};
}

Result<Duration> Distances::Step(
    const std::string& path, const std::function<std::string(int64_t)>& place,
    const RowWords& words) const {
  if (counts_.empty()) {
    return Refused(
        "{}: one value only, so that its step is not known; give two at least",
        path);
  }
  const auto& [step, first] = *counts_.begin();
  for (const auto& [distance, seen] : counts_) {
    if (seen.times <= first.times) continue;
    return Refused(
        "{}: {} after the {} before, while steps of {} are more usual in this "
        "file; all steps must have one length, so remove what is between them",
        place(first.row), FormatDuration(step), words.one,
        FormatDuration(distance));
  }
  for (const auto& [distance, seen] : counts_) {
    if (distance % step == Duration(0)) continue;
    return Refused(
        "{}: {} after the {} before, which is no whole number of the file's "
        "steps of {}; all steps must have one length",
        place(seen.row), FormatDuration(distance), words.one,
        FormatDuration(step));
  }
  return step;
}

}  // namespace carbond
