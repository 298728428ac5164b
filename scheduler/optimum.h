#pragma once
// The cheapest way to do a given amount of work in a window of priced time: the
// exact heart of the planner. It knows nothing of jobs or grids.
//
// Time is whole milliseconds. A place is a row of slots without gaps, each with
// a price per millisecond of running and of idling. A plan is a row of runs,
// each in one place; every run after a pause first restores, every run before a
// pause saves at its end, and both count as running time but not as work. A run
// in another place than the one before it is a move: its data are transferred
// first, which counts as running there, and not as work either.

#include <cstdint>
#include <optional>
#include <vector>

#include "scheduler/units.h"

namespace carbond {

using Cost = Int128;

struct PricedSlot {
  int64_t begin = 0;  // milliseconds; end of one slot = begin of the next
  int64_t end = 0;
  Cost price = 0;        // per millisecond of running, >= 0
  Cost idle_price = 0;   // per millisecond suspended, >= 0
  bool blocked = false;  // no run may touch it
};

struct Task {
  enum class Start {
    kFresh,    // not begun: its first run restores nothing, idling before it
               // costs `wait_price`
    kRunning,  // running at the window's begin; stopping means saving
    kPaused,   // its first run restores; idling costs idle_price
  };
  Start start = Start::kFresh;
  int64_t work = 0;          // > 0, useful milliseconds
  int64_t restore = 0;       // for kRunning: of later runs
  int64_t restore_left = 0;  // kRunning only: of the restore under way
  int64_t save = 0;
  // Least useful work in a run that a pause precedes or follows; for kRunning's
  // first run `running_min` milliseconds from the window's begin instead.
  int64_t min_run = 0;
  int64_t running_min = 0;
  // A search that would look at labels more often ends with the best row found
  // till then. Grids and jobs as they are stay far below; white noise does not.
  int64_t most_looks = 10'000'000;
  int max_runs = 0;  // at most so many, the one under way included; 0: any
  // Least time from the end of a run, its save included, to the begin of the
  // next, its restore included. The transfer of a move is a part of it.
  int64_t min_pause = 0;
  int64_t pause_left = 0;  // kPaused only: of the pause under way
  // kFresh only: of a millisecond from the window's begin to the first run. No
  // more than that of idling anywhere.
  Cost wait_price = 0;
};

// What it takes to run in another place than where the data are. They follow:
// after a move they are where it led.
struct Moves {
  int at = -1;  // where they are at the window's begin; -1: wherever it begins
  int64_t transfer = 0;  // by so much a run that moves is longer
  Cost cost = 0;         // of each move, besides, >= 0
};

struct RunSpan {
  int64_t begin = 0;
  int64_t end = 0;
  int place = 0;
  friend bool operator==(const RunSpan&, const RunSpan&) = default;
};

struct Optimum {
  Cost cost = 0;
  std::vector<RunSpan> runs;
  bool exact = true;  // false: the search of BestRuns was cut short
};

using PricedRow = std::vector<PricedSlot>;

// The rows of several places span one window; their borders may differ. What
// idling costs is the same in all of them at every instant, and no more than
// running: a job that is kept in memory never moves, and is asked about in one
// place. A running task has `moves.at`.

// The best single run (for kRunning: going on to the end). Any start instant:
// since the cost is linear between the instants at which the start or the end
// meets a slot border, the best lies on one of those. Ties: staying where the
// data are, then the earliest start, then the first of the places. Nothing when
// it does not fit.
std::optional<Optimum> BestUnbroken(const std::vector<PricedRow>& places,
                                    const Task& task, const Moves& moves);
std::optional<Optimum> BestUnbroken(const PricedRow& slots, const Task& task);

// The best row of one or more runs, exactly: equal to an exhaustive search in
// continuous time, unless `exact` says that the search was cut short. Nothing
// when no row fits, or none was found before it was cut short. Prefers the
// unbroken run unless pausing is strictly cheaper; moves no stretch of runs
// that could as cheaply stay with a neighbour's place; earlier work among
// equals, and the first of the places.
std::optional<Optimum> BestRuns(const std::vector<PricedRow>& places,
                                const Task& task, const Moves& moves);
std::optional<Optimum> BestRuns(const PricedRow& slots, const Task& task);

// The same where only a row that costs less than `cut_off` is wanted: nothing
// as soon as the bound shows that there is none. What it gives is the best of
// all. Of several searches those that come after the best so end early.
std::optional<Optimum> BestRuns(const std::vector<PricedRow>& places,
                                const Task& task, const Moves& moves,
                                Cost cut_off);
std::optional<Optimum> BestRuns(const PricedRow& slots, const Task& task,
                                Cost cut_off);

// What a row of runs costs: running, moving, and idling between and before its
// runs (for kPaused; for kFresh from the first run on).
Cost CostOf(const std::vector<PricedRow>& places, const Task& task,
            const Moves& moves, const std::vector<RunSpan>& runs);
Cost CostOf(const PricedRow& slots, const Task& task,
            const std::vector<RunSpan>& runs);

}  // namespace carbond
