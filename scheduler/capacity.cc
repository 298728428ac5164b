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
}

size_t CapacityProfile::HourAt(Instant t) const {
  const int64_t hour = (t - from_) / kHour;
  return static_cast<size_t>(
      std::clamp<int64_t>(hour, 0, std::ssize(hours_) - 1));
}

Instant CapacityProfile::BeginOf(size_t hour) const {
  return from_ + kHour * static_cast<int64_t>(hour);
}

void CapacityProfile::Summarize(Hour& hour) {
  Resources used = hour.before;
  hour.most = hour.least = used;
  for (const Change& change : hour.changes) {
    used += change.by;
    hour.most.gpus = std::max(hour.most.gpus, used.gpus);
    hour.most.cpus = std::max(hour.most.cpus, used.cpus);
    hour.least.gpus = std::min(hour.least.gpus, used.gpus);
    hour.least.cpus = std::min(hour.least.cpus, used.cpus);
  }
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
    hours_[i].most += by;
    hours_[i].least += by;
  }
  AddChange(last, interval.end, Signed(by, -1));
  Summarize(hours_[first]);
  if (last != first) Summarize(hours_[last]);
}

// Calls visit(t, fits) where from an instant on `need` fits or does not; not
// every call changes the answer. Ends when visit returns false.
template <typename Visit>
void CapacityProfile::Walk(Resources need, Interval within, Visit visit) const {
  Resources room = capacity_;
  room -= need;
  const size_t last = HourAt(within.end);
  for (size_t i = HourAt(within.begin); i <= last; ++i) {
    const Hour& hour = hours_[i];
    const Instant begin = std::max(BeginOf(i), within.begin);
    if (begin >= within.end && i > 0) return;
    if (hour.most.Fits(room)) {
      if (!visit(begin, true)) return;
      continue;
    }
    if (hour.least.gpus > room.gpus || hour.least.cpus > room.cpus) {
      if (!visit(begin, false)) return;
      continue;
    }
    Resources used = hour.before;
    bool fits = used.Fits(room);
    Instant at = begin;
    for (const Change& change : hour.changes) {
      if (change.at >= within.end) break;
      if (change.at > at) {
        if (!visit(at, fits)) return;
        at = change.at;
      }
      used += change.by;
      fits = used.Fits(room);
    }
    if (!visit(at, fits)) return;
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
  if (within.empty()) return {};
  if (!need.Fits(capacity_)) return {within};
  std::vector<Interval> without;
  bool open = false;
  Walk(need, within, [&](Instant t, bool fits) {
    if (!fits && !open) without.push_back({t, within.end});
    if (fits && open) without.back().end = t;
    open = !fits;
    return true;
  });
  return without;
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
