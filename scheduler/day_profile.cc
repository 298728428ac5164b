#include "scheduler/day_profile.h"

#include <algorithm>

namespace carbond {
namespace {

constexpr Duration kDay = hours(24);
// Four weeks: each weekday counts four times.
constexpr int kDays = 28;
// Shorter slots are taken together: what one of five minutes was on some day
// says little.
constexpr Duration kLeastWindow = hours(1);

Interval WindowOf(Interval slot) {
  if (slot.length() >= kLeastWindow) return slot;
  const Instant middle = slot.begin + slot.length() / 2;
  return {middle - kLeastWindow / 2, middle + kLeastWindow / 2};
}

// How many days back the window is known at the soonest.
int FirstDayBack(Interval window, Instant known_until) {
  const Duration late = window.end - known_until;
  if (late <= Duration(0)) return 1;
  return static_cast<int>((late + kDay - Duration(1)) / kDay);
}

}  // namespace

DayProfile::DayProfile(const Series& observed, Instant known_until)
    : observed_(observed),
      known_until_(std::min(known_until, observed.end())) {}

std::optional<double> DayProfile::MeanOver(Interval interval) const {
  if (interval.end > known_until_) return std::nullopt;
  const Integral sum = observed_.Over(interval);
  if (sum.known * 2 < interval.length()) return std::nullopt;
  return static_cast<double>(sum.mg_per_kwh_ms) /
         static_cast<double>(sum.known.count()) / 1000.0;
}

const std::vector<std::optional<double>>& DayProfile::DaysBefore(
    Interval window) {
  const int64_t day = kDay.count();
  const Key key{window.begin.millis() % day, window.length().count()};
  const auto [it, is_new] = days_.try_emplace(key);
  if (!is_new) return it->second;
  const int first = FirstDayBack(window, known_until_);
  for (int back = first; back < first + kDays; ++back) {
    it->second.push_back(
        MeanOver({window.begin - back * kDay, window.end - back * kDay}));
  }
  return it->second;
}

std::optional<DayProfile::Hour> DayProfile::Around(Interval slot) {
  const Interval window = WindowOf(slot);
  const std::vector<std::optional<double>>& days = DaysBefore(window);
  const int first = FirstDayBack(window, known_until_);
  double sum = 0;
  int count = 0;
  std::optional<double> last_day, last_week;
  for (size_t i = 0; i < days.size(); ++i) {
    if (!days[i]) continue;
    sum += *days[i];
    ++count;
    if (!last_day) last_day = days[i];
    const bool same_weekday = (first + static_cast<int>(i)) % 7 == 0;
    if (!last_week && same_weekday) last_week = days[i];
  }
  if (count == 0) return std::nullopt;
  return Hour{sum / count, *last_day, last_week.value_or(*last_day)};
}

std::optional<double> DayProfile::Latest(Duration length) const {
  return MeanOver({known_until_ - length, known_until_});
}

std::optional<double> DayProfile::Usual(Duration length) const {
  double sum = 0;
  int count = 0;
  for (int back = 1; back <= kDays; ++back) {
    const Instant end = known_until_ - back * kDay;
    const std::optional<double> mean = MeanOver({end - length, end});
    if (!mean) continue;
    sum += *mean;
    ++count;
  }
  if (count == 0) return std::nullopt;
  return sum / count;
}

}  // namespace carbond
