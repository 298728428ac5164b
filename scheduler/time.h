#pragma once
// Instants, durations and half-open intervals. Everything is UTC and whole
// milliseconds; local time exists only where a person looks at it.

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "scheduler/result.h"

namespace carbond {

using Duration = std::chrono::milliseconds;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
class Instant {
 public:
  constexpr Instant() = default;
  static constexpr Instant FromMillis(int64_t ms) { return Instant(ms); }
  static constexpr Instant FromSeconds(int64_t s) { return Instant(s * 1000); }
  constexpr int64_t millis() const { return ms_; }

  friend constexpr auto operator<=>(Instant, Instant) = default;
  friend constexpr Instant operator+(Instant t, Duration d) {
    return Instant(t.ms_ + d.count());
  }
  friend constexpr Instant operator-(Instant t, Duration d) {
    return Instant(t.ms_ - d.count());
  }
  friend constexpr Duration operator-(Instant a, Instant b) {
    return Duration(a.ms_ - b.ms_);
  }
  constexpr Instant& operator+=(Duration d) { return *this = *this + d; }

  // Far enough away to mean "never", near enough to be added to.
  static constexpr Instant Never() { return Instant(int64_t{1} << 60); }

 private:
  explicit constexpr Instant(int64_t ms) : ms_(ms) {}
  int64_t ms_ = 0;
};

// [begin, end). Empty when end <= begin.
struct Interval {
  Instant begin;
  Instant end;

  constexpr Duration length() const {
    return end > begin ? end - begin : Duration(0);
  }
  constexpr bool empty() const { return end <= begin; }
  constexpr bool Contains(Instant t) const { return begin <= t && t < end; }
  constexpr bool Overlaps(const Interval& other) const {
    return begin < other.end && other.begin < end;
  }
  constexpr Interval Clip(const Interval& to) const {
    Interval cut{begin > to.begin ? begin : to.begin,
                 end < to.end ? end : to.end};
    if (cut.end < cut.begin) cut.end = cut.begin;
    return cut;
  }
  friend constexpr bool operator==(const Interval&, const Interval&) = default;
};

// RFC 3339. Formats with `Z`, and with milliseconds only where there are some.
std::string FormatInstant(Instant t);
// Accepts `Z` or a numeric offset; refuses a time without either.
Result<Instant> ParseInstant(std::string_view text);

// `90s`, `5m`, `2h`, `3d`, `1h30m`, `250ms`, fractions such as `1.5h`, and a
// bare `0`. Negative durations parse, so that the caller can name the thing.
Result<Duration> ParseDuration(std::string_view text);
// The shortest of the same notation, at most two units: `2h30m`, `45s`.
std::string FormatDuration(Duration d);

}  // namespace carbond
