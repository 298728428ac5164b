#pragma once
// What is left of a region's capacity over time, while jobs are placed in it
// and taken out again. Time is cut into hours; each knows the most and the
// least that is used within it, so that a search looks closely only at hours
// that are free in part.

#include <vector>

#include "scheduler/job.h"
#include "scheduler/time.h"

namespace carbond {

class CapacityProfile {
 public:
  // Of interest is the time from `from` on; it may be taken at any time, but
  // is found fast until `until`.
  CapacityProfile(Resources capacity, Instant from, Instant until);

  // Takes `need` out of an interval, which may leave less than nothing (two
  // jobs that run already may exceed a capacity that has shrunk).
  void Take(Interval interval, Resources need) { Add(interval, need, 1); }
  // The opposite, of what was taken before.
  void Give(Interval interval, Resources need) { Add(interval, need, -1); }

  // The times within an interval in which `need` does not fit, in order and
  // apart.
  std::vector<Interval> TimesWithout(Resources need, Interval within) const;
  // The same, written over `without`.
  void TimesWithout(Resources need, Interval within,
                    std::vector<Interval>& without) const;
  // The times in which it fits, written over `free`.
  void TimesWith(Resources need, Interval within,
                 std::vector<Interval>& free) const;
  // The first instant from which it fits for so long; Never() where there is
  // none.
  Instant FirstFit(Resources need, Duration length, Instant from) const;

  const Resources& capacity() const { return capacity_; }
  // What is used, piece by piece, within an interval.
  struct Piece {
    Interval interval;
    Resources used;
  };
  std::vector<Piece> Pieces(Interval within) const;

 private:
  struct Change {
    Instant at;
    Resources by;
  };
  struct Hour {
    Resources before;             // used when it begins
    std::vector<Change> changes;  // in order, one an instant
  };
  // What is used within an hour: by itself, since a search looks at little
  // else.
  struct Range {
    Resources most, least;
  };

  size_t HourAt(Instant t) const;
  Instant BeginOf(size_t hour) const;
  void Add(Interval interval, Resources need, int sign);
  void AddChange(size_t hour, Instant at, Resources by);
  void Summarize(size_t hour);
  template <typename Visit>
  void Walk(Resources need, Interval within, Visit visit) const;

  Resources capacity_;
  Instant from_;
  std::vector<Hour> hours_;    // the last one has no end
  std::vector<Range> ranges_;  // of each hour
};

}  // namespace carbond
