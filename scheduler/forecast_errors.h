#pragma once
// How far what was expected of a zone lay from what came, by lead time: the
// spread around the expectations of today.
//
// The root mean square of the errors, each made with what was known at its
// time. Where errors have a single mode, more than half of them lie within it
// (58 % at the least by Gauss's inequality, "Theoria combinationis
// observationum", 1823; 68 % where they are normal). Errors fade: one of four
// weeks ago weighs a third of one of today, since grids and seasons change.

#include <array>
#include <optional>
#include <vector>

#include "scheduler/series.h"

namespace carbond {

// Hours ahead at which experience is gathered.
inline constexpr std::array<double, 33> kLeadHours = {
    0,  0.25, 0.5, 1,  1.5, 2,  2.5, 3,  4,  5,  6,  7,  8,  10, 12, 14, 16,
    18, 20,   22,  24, 27,  30, 33,  36, 42, 48, 54, 60, 66, 72, 84, 96};

// The last of them that a lead time reaches.
size_t LeadOf(Duration lead);

class ForecastErrors {
 public:
  // What came less what had been expected, in g/kWh, of a slot that began so
  // much later; with a forecast for it, or without.
  void Add(bool forecast, Duration lead, double error);

  // The spread around each slot of `expected`, those of which `forecast` knows
  // the beginning being forecast. A gap where the errors of less than a day are
  // known: nothing is said of a lead time that was never judged.
  Series Around(Instant now, const Series& expected,
                const Series& forecast) const;

 private:
  struct Errors {
    double squares = 0, weight = 0;
    int count = 0;
  };
  struct Known {
    size_t lead = 0;    // index of kLeadHours
    double spread = 0;  // g/kWh
  };
  std::vector<Known> KnownOf(bool forecast) const;
  static std::optional<double> At(Duration lead,
                                  const std::vector<Known>& known);

  std::array<std::array<Errors, kLeadHours.size()>, 2> of_;  // [with forecast]
};

}  // namespace carbond
