#pragma once
// Jobs that ran long ago, written into a ledger as the engine would have: facts
// are applied, then appended with the jobs after them, their plans and figures.

#include <random>
#include <string>

#include "storage/sqlite_ledger.h"

namespace carbond::bench {

struct Written {
  int64_t jobs = 0;
  int64_t events = 0;
  int64_t runs = 0;
  int64_t readings = 0;
  int64_t plans = 0;
  double seconds = 0;
};

// A year of jobs that end before `until`, all done: of 40 users in 12 projects
// and four regions, one to three runs each, two readings a run, three plans.
// Those of the last two days are provisional. The same seed, the same jobs.
Written WriteJobs(Ledger& ledger, int64_t count, Instant until,
                  unsigned seed = 1);

}  // namespace carbond::bench
