#pragma once
// Ways to run one job that are weighed against each other, and what they cost.

#include <optional>
#include <vector>

#include "scheduler/planner.h"

namespace carbond {

struct Candidate {
  std::vector<PlannedRun> runs;  // at least one
  Instant end;                   // of the last
  std::optional<Grams> grams;    // nothing: runs through unknown time
  Grams weighed;                 // and what it costs to wait for its end
  Duration dear{0};  // time in instants that are forbidden or unknown
  Duration unknown{0};
  bool late = false;

  int region() const { return runs.front().region; }
  Instant begin() const { return runs.front().interval.begin; }
};

// Less dear time first, then fewer grams, then the earlier start; the order in
// which the job prefers its regions decides between equals.
bool Better(const Candidate& a, const Candidate& b);

// What these runs would cost the job. A run that is over as it begins is none:
// the job is asked to pause at once.
Candidate CandidateOf(const PlanInput& input, const PlanJob& job,
                      std::vector<PlannedRun> runs);

// What is left of such runs from an instant on, which lies before the end of
// the first; nothing where that is not known.
std::optional<Grams> GramsFrom(const PlanInput& input, const PlanJob& job,
                               const std::vector<PlannedRun>& runs,
                               Instant from);

}  // namespace carbond
