#pragma once
// Small worlds for the optimum, and a reference that finds the cheapest row of
// runs by trying every one of them.
//
// Why whole units are enough: with the slots fixed in which each run begins and
// ends, the cost is linear in the end points, and all conditions but one bound
// a difference of two neighbouring end points by a whole number. The one other,
// the sum of useful work, adds ends and takes away begins, which alternate; so
// every vertex of the problem has whole coordinates, and some optimum is a
// vertex. (A run that begins elsewhere just when another ends bounds the
// difference of two neighbours as well.)

#include <optional>
#include <random>
#include <string>
#include <vector>

#include "scheduler/optimum.h"

namespace carbond {

struct World {
  int64_t unit = 1;  // all of the numbers below are multiples of it
  std::vector<PricedSlot> slots;
  Task task;
  std::vector<PricedRow> others;  // further places
  Moves moves = {.at = 0};

  std::vector<PricedRow> Places() const;
};

// What a world is made like.
struct WorldKind {
  int64_t longest = 24;  // units of window
  int64_t unit = 1;
  bool irregular = true;
  bool blocked = false;
  bool overheads = true;
  Cost dearest = 6;  // few prices, so that many plans cost the same
  enum class Idle { kFree, kCheaper, kAny } idle = Idle::kCheaper;
  std::optional<Task::Start> start;
  bool limited = false;  // to a few runs
  int places = 1;        // at most; more than one idle alike, and cheaply
  bool dear_moves = true;
  bool waits = false;   // each instant until the end costs
  bool pauses = false;  // have a least length; one under way may be unfinished
};

World RandomWorld(uint64_t seed, const WorldKind& kind);

// Written out, so that a failing seed can be understood.
std::string Describe(const World& world);
std::string Describe(const std::vector<RunSpan>& runs);
std::string Describe(Cost cost);

// The cheapest of all rows of runs, the cheapest of a single run, and when and
// where the first of those begins. Nothing where no row fits.
struct Exhaustive {
  std::optional<Cost> best;
  std::optional<Cost> unbroken;
  int64_t unbroken_begin = 0;
  int unbroken_place = 0;  // rather where the data are, or the first
};
Exhaustive TryEverything(const World& world);

// The cost of a row of runs, millisecond by millisecond (unit by unit).
Cost SlowCost(const World& world, const std::vector<RunSpan>& runs);

// Whether a stretch of its runs could stay in a neighbour's place at no cost.
bool MovesNeedlessly(const World& world, const std::vector<RunSpan>& runs);

// Empty when the row keeps every rule, else the rule that it breaks.
std::string BrokenRule(const World& world, const std::vector<RunSpan>& runs);

}  // namespace carbond
