#include "scheduler/capacity.h"

#include <algorithm>

namespace carbond {
namespace {

constexpr Duration kHour = hours(1);
constexpr int64_t kMostHours = 24 * 30;

Resources Signed(Resources need, int sign) {
  return {need.gpus * sign, need.cpus * sign};
}

}  // namespace

CapacityProfile::CapacityProfile(Resources capacity, Instant from,
                                 Instant until)
    : capacity_(capacity), from_(from) {
  const int64_t count = (until - from) / kHour + 1;
  hours_.resize(static_cast<size_t>(std::clamp<int64_t>(count, 1, kMostHours)));
  ranges_.resize(hours_.size());
}

size_t CapacityProfile::HourAt(Instant t) const {
  const int64_t hour = (t - from_) / kHour;
  return static_cast<size_t>(
      std::clamp<int64_t>(hour, 0, std::ssize(hours_) - 1));
}

Instant CapacityProfile::BeginOf(size_t hour) const {
  return from_ + kHour * static_cast<int64_t>(hour);
}

void CapacityProfile::Summarize(size_t hour) {
  Resources used = hours_[hour].before;
  Range range{used, used};
  for (const Change& change : hours_[hour].changes) {
    used += change.by;
    range.most.gpus = std::max(range.most.gpus, used.gpus);
    range.most.cpus = std::max(range.most.cpus, used.cpus);
    range.least.gpus = std::min(range.least.gpus, used.gpus);
    range.least.cpus = std::min(range.least.cpus, used.cpus);
  }
  ranges_[hour] = range;
}

void CapacityProfile::AddChange(size_t hour, Instant at, Resources by) {
  Hour& in = hours_[hour];
  if (at == BeginOf(hour)) {
    in.before += by;
    return;
  }
  const auto it = std::lower_bound(
      in.changes.begin(), in.changes.end(), at,
      [](const Change& change, Instant t) { return change.at < t; });
  if (it == in.changes.end() || it->at != at) {
    in.changes.insert(it, {at, by});
    return;
  }
  it->by += by;
  if (it->by == Resources{}) in.changes.erase(it);
}

void CapacityProfile::Add(Interval interval, Resources need, int sign) {
  interval.begin = std::max(interval.begin, from_);
  if (interval.empty()) return;
  const Resources by = Signed(need, sign);
  const size_t first = HourAt(interval.begin), last = HourAt(interval.end);
  AddChange(first, interval.begin, by);
  for (size_t i = first + 1; i <= last; ++i) {
    hours_[i].before += by;
    if (i == last) break;
    ranges_[i].most += by;
    ranges_[i].least += by;
  }
  AddChange(last, interval.end, Signed(by, -1));
  Summarize(first);
  if (last != first) Summarize(last);
}

// Calls visit(t, fits) where from an instant on `need` fits or does not: at
// the begin, and wherever that turns. Ends when visit returns false.
template <typename Visit>
void CapacityProfile::Walk(Resources need, Interval within, Visit visit) const {
  Resources room = capacity_;
  room -= need;
  const size_t last = HourAt(within.end);
  int said = -1;  // nothing so far
  const auto say = [&](Instant t, bool fits) {
    if (said == static_cast<int>(fits)) return true;
    said = static_cast<int>(fits);
    return visit(t, fits);
  };
  for (size_t i = HourAt(within.begin); i <= last; ++i) {
    // Most hours say what the one before said.
    if (said == 1) {
      while (i <= last && ranges_[i].most.Fits(room)) ++i;
    } else if (said == 0) {
      while (i <= last && !ranges_[i].least.Fits(room)) ++i;
    }
    if (i > last) return;
    const Range& range = ranges_[i];
    const bool all = range.most.Fits(room);
    const bool none = !range.least.Fits(room);
    Instant at = std::max(BeginOf(i), within.begin);
    if (at >= within.end && i > 0) return;
    if (all || none) {
      if (!say(at, all)) return;
      continue;
    }
    Resources used = hours_[i].before;
    bool fits = used.Fits(room);
    for (const Change& change : hours_[i].changes) {
      if (change.at >= within.end) break;
      if (change.at > at) {
        if (!say(at, fits)) return;
        at = change.at;
      }
      used += change.by;
      fits = used.Fits(room);
    }
    if (!say(at, fits)) return;
  }
}

void CapacityProfile::TimesWith(Resources need, Interval within,
                                std::vector<Interval>& free) const {
  free.clear();
  if (within.empty() || !need.Fits(capacity_)) return;
  bool open = false;
  Walk(need, within, [&](Instant t, bool fits) {
    if (fits && !open) free.push_back({t, within.end});
    if (!fits && open) free.back().end = t;
    open = fits;
    return true;
  });
}

std::vector<Interval> CapacityProfile::TimesWithout(Resources need,
                                                    Interval within) const {
  std::vector<Interval> without;
  TimesWithout(need, within, without);
  return without;
}

void CapacityProfile::TimesWithout(Resources need, Interval within,
                                   std::vector<Interval>& without) const {
  without.clear();
  if (within.empty()) return;
  if (!need.Fits(capacity_)) {
    without.push_back(within);
    return;
  }
  bool open = false;
  Walk(need, within, [&](Instant t, bool fits) {
    if (!fits && !open) without.push_back({t, within.end});
    if (fits && open) without.back().end = t;
    open = !fits;
    return true;
  });
}

Instant CapacityProfile::FirstFit(Resources need, Duration length,
                                  Instant from) const {
  if (!need.Fits(capacity_)) return Instant::Never();
  Instant begin = from;
  bool open = false, found = false;
  Walk(need, {from, Instant::Never()}, [&](Instant t, bool fits) {
    if (open && t >= begin + length) {
      found = true;
      return false;
    }
    if (fits && !open) begin = t;
    open = fits;
    return true;
  });
  return found || open ? begin : Instant::Never();
}

std::vector<CapacityProfile::Piece> CapacityProfile::Pieces(
    Interval within) const {
  std::vector<Piece> pieces;
  if (within.empty()) return pieces;
  const size_t last = HourAt(within.end);
  for (size_t i = HourAt(within.begin); i <= last; ++i) {
    Instant at = BeginOf(i);
    Resources used = hours_[i].before;
    const auto add = [&](Instant until) {
      const Interval part = Interval{at, until}.Clip(within);
      if (!part.empty()) pieces.push_back({part, used});
      at = until;
    };
    for (const Change& change : hours_[i].changes) {
      add(change.at);
      used += change.by;
    }
    add(i == last ? within.end : BeginOf(i + 1));
  }
  return pieces;
}

}  // namespace carbond
