#pragma once
// What a zone's own past teaches about how to read its forecasts.
//
// A forecast is held against what came: how far it could be trusted, by lead
// time, beside the last days, the present hour and its own latest errors. What
// is expected of a slot is
//
//   mean of the same hour + sum of w x (what each source says beyond that mean)
//
// with weights w by lead time, learnt by ridge regression (Hoerl and Kennard,
// "Ridge Regression: Biased Estimation for Nonorthogonal Problems",
// Technometrics 12, 1970), for slots with and without a forecast apart. The
// regression is drawn to "the forecast is right", and where there is none to
// "the mean of the last four weeks is right", by so much as two days of
// evidence weigh: without experience nothing is corrected.
//
// A gain far away that forecasts have not delivered so shrinks by itself, which
// is what a plan needs: it compares expectations. Combining forecasts in this
// way goes back to Bates and Granger, "The Combination of Forecasts", 1969.

#include <array>
#include <deque>

#include "scheduler/day_profile.h"
#include "scheduler/forecast_errors.h"
#include "scheduler/series.h"

namespace carbond {

// What is known of a zone at an instant.
struct ZoneKnowledge {
  const Series& observed;
  Instant known_until;     // of `observed`, only what lies before it counts
  const Series& expected;  // what was forecast for the past, as it was
  const Series& forecast;  // fit to be used; may be empty
};

class ForecastCorrection {
 public:
  // Notes what each source says now, at most once an hour, and learns from
  // earlier notes whose time has been observed. To be called as time goes on.
  void Learn(Instant now, const ZoneKnowledge& zone);

  // `raw` (the forecast, and days before where there is none) with each slot
  // moved to what experience expects of it.
  Series Correct(Instant now, const Series& raw,
                 const ZoneKnowledge& zone) const;

  // How far from what Correct expected lay what came. Nothing that is planned
  // depends on it.
  const ForecastErrors& errors() const { return errors_; }

 private:
  static constexpr size_t kSources = 8;
  static constexpr size_t kLeads = kLeadHours.size();
  using Sources = std::array<double, kSources>;

  // Sums of a regression.
  struct Evidence {
    std::array<Sources, kSources> products{};
    Sources with_result{};
    double count = 0;
    void Add(const Sources& sources, double result);
    void Add(const Evidence& other);
  };
  // What the sources said of a slot, beyond its usual mean.
  struct Said {
    double usual = 0;
    bool forecast = false;
    Sources sources{};
  };
  // The same for all slots of an instant.
  struct Present {
    double last_error = 0, day_error = 0;  // of the forecast: observed - said
    double last_hour = 0, last_hours = 0, last_day = 0;  // beyond the usual
  };
  struct Note {
    Interval slot;
    size_t lead = 0;
    Said said;
    Duration ahead{0};    // from the note to the slot
    double expected = 0;  // by Correct, then
  };
  struct Weights {
    std::array<std::array<Sources, kLeads>, 2> of;
  };

  static Present PresentOf(const DayProfile& days, const ZoneKnowledge& zone);
  static std::optional<Said> WhatIsSaid(const Slot& slot,
                                        const Present& present,
                                        DayProfile& days,
                                        const ZoneKnowledge& zone);
  double Expect(const Said& said, Duration lead) const;
  void TakeNotes(Instant now, const ZoneKnowledge& zone);
  void Solve();

  std::deque<Note> notes_;
  Instant noted_at_;
  Instant learnt_until_;
  std::array<std::array<Evidence, kLeads>, 2> evidence_;  // [with forecast]
  std::optional<Weights> weights_;  // nothing: no experience yet
  ForecastErrors errors_;
};

}  // namespace carbond
