#pragma once
// Judges what a service told, for all services alike. Pure. What happens with
// each thing that goes wrong in the field:
//
//   sandbox key                 refused: bad credentials, for all zones
//   another zone than asked     refused: bad data
//   a unit that is no g/kWh     refused: bad data (lb/MWh is turned into g/kWh;
//                               none stated: the service's own, noted if odd)
//   no values at all            a forecast: refused, temporary; observed
//   values:
//                               accepted, there is nothing new
//   null                        a gap, noted
//   NaN, infinite, negative,    a gap, noted; refused as bad data when more
//   than beyond any grid               one value in ten is such unsorted sorted
//   one step twice              the last is kept, noted
//   a gap in the middle         stays a gap, noted
//   steps that overlap          each is cut where the next begins, noted
//   no step known, or one       refused: bad data
//     beyond a minute to a day
//   first step in the past      kept: whoever uses it begins at now
//   ends before now             refused, temporary (a forecast)
//   shorter or longer than      used as it is, noted
//     asked (a forecast)
//   times far from now          left out, noted (31 days for a forecast, 40 for
//                               observed values); steps that are not over yet
//                               are no observed values
//   more points than any        refused: bad data
//     honest answer
//   issued in the future        issued now, noted: a value is never dated in
//   the
//                               future
//
// Two more are judged by the fetcher with what it remembers: a jump by an order
// of magnitude is held back until a second answer says the same, and a host
// clock that is off by more than two minutes is warned of once.

#include <string>
#include <vector>

#include "daemon/grid/source.h"
#include "scheduler/series.h"

namespace carbond {

struct Note {
  enum class Kind {
    kUnitNotStated,
    kNulls,
    kRejected,
    kDuplicates,
    kGaps,
    kOverlaps,
    kFarTimes,
    kShorter,
    kLonger,
    kIssuedInFuture,
    kService,  // the service's own warning
  };
  Kind kind;
  std::string text;
  friend bool operator==(const Note&, const Note&) = default;
};

struct Checked {
  Instant issued_at;  // of a forecast; never after now
  Series series;
  std::vector<Note> notes;
};

// `now` is when the answer was there, by this host's clock.
OrFailure<Checked> Check(const Want& want, const Manners& manners, Told told,
                         Instant now);

// The median over its slots; nothing of a series too short to say.
std::optional<GramsPerKwh> UsualOf(const Series& series);
// Whether the two are an order of magnitude apart. Below 10 g/kWh nothing is:
// a grid of wind and water is at 1 today and at 30 tomorrow.
bool IsJump(GramsPerKwh usual, GramsPerKwh now);

// By how much this host's clock is ahead of the server's, when that is more
// than two minutes either way.
std::optional<Duration> ClockAhead(const HttpAnswer& answer, Instant now);

}  // namespace carbond
