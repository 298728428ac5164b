#pragma once
// What a zone's observed days say about a time of day: the mean over the last
// weeks, the last day known, the last same weekday. The climatology against
// which forecasts are judged, and corrected.

#include <map>
#include <optional>
#include <vector>

#include "scheduler/series.h"

namespace carbond {

class DayProfile {
 public:
  // What was observed before `known_until`; `observed` must outlive this.
  DayProfile(const Series& observed, Instant known_until);

  struct Hour {
    double mean = 0;       // g/kWh, of the same time on up to 28 days
    double last_day = 0;   // on the last of them
    double last_week = 0;  // on the last same weekday; else as last_day
  };
  // For a slot that is not observed yet: of the hour around its middle, or of
  // the whole slot where that is longer. Nothing when no such day is known.
  std::optional<Hour> Around(Interval slot);

  // The mean of what was observed in [until - length, until), where `until` is
  // the end of what is known; nothing unless half of it is known.
  std::optional<double> Latest(Duration length) const;
  // The same times of the 28 days before, on average.
  std::optional<double> Usual(Duration length) const;

  Instant known_until() const { return known_until_; }

 private:
  std::optional<double> MeanOver(Interval interval) const;
  const std::vector<std::optional<double>>& DaysBefore(Interval window);

  const Series& observed_;
  const Instant known_until_;
  // By the place in its day and the length of a window: its means, the most
  // recent day first.
  struct Key {
    int64_t place = 0, length = 0;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  std::map<Key, std::vector<std::optional<double>>> days_;
};

}  // namespace carbond
