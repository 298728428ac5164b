#pragma once
// From a job and a region to priced time: what optimum.h is asked about.

#include <vector>

#include "scheduler/optimum.h"
#include "scheduler/planner.h"

namespace carbond {

// The window as a row of slots. Prices are in proportion to grams: intensity x
// PUE, by the job's power while running and by its idle power while suspended
// (in lowest terms, so that sums stay small). An instant that the user forbids
// (max_intensity) or that nobody knows is used only where the deadline leaves
// nothing else: it costs more than all grams of the window together. `blocked`
// holds the times in which the job does not fit.
std::vector<PricedSlot> PricedWindow(const PlanJob& job,
                                     const PlanRegion& region,
                                     const std::vector<Interval>& blocked,
                                     Interval window);

// The same of several places over one window, for a job that moves between them
// at its pauses. A move's network energy is priced at the mean of all that is
// known of them (when it will be is not known yet); the time it takes, at what
// the job draws then.
struct PricedPlaces {
  std::vector<std::vector<PricedSlot>> places;
  Moves moves;

  // Where no run may be: the data lie outside of all the others.
  void AddClosedPlace();
};
PricedPlaces PricedWindows(const PlanJob& job,
                           const std::vector<const PlanRegion*>& regions,
                           const std::vector<std::vector<Interval>>& blocked,
                           Interval window);

// Where the job may begin its next run: what it occupies binds it.
std::vector<int> OpenRegions(const PlanInput& input, const PlanJob& job);

// Where runs may lie that follow a pause, if it need not go on where it stopped
// (a job that is saved, and for which waiting costs nothing); else nothing.
std::vector<int> LaterRegions(const PlanInput& input, const PlanJob& job);

// What is left of the job's work, and how it may be cut, in a window from
// `from` on.
Task TaskOf(const PlanJob& job, Instant from);

}  // namespace carbond
