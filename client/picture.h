#pragma once
// A chart of carbon intensity over time, drawn with characters: columns of
// blocks, and under them a band that marks the hours that matter.

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "client/console.h"

namespace carbond::client {

struct Span {
  absl::Time begin;
  absl::Time end;  // not in it
};

struct Picture {
  struct Point {
    Span span;
    double intensity_g_per_kwh = 0;
    bool climatology = false;  // past the forecast: drawn lighter
    bool observed = false;     // wins over what was forecast
  };

  std::string title;
  std::vector<Point> points;  // what no point covers is left blank
  Span window;                // what is drawn
  std::vector<Span> ran;
  std::vector<Span> paused;
  std::vector<Span> planned;
  std::optional<absl::Time> now;
  std::optional<absl::Time> deadline;
  // What the last 24 h were, moved to the same hours of the days drawn; shown
  // in a band of its own. Empty: none.
  std::vector<Point> day_before = {};
};

// Lines of text, each ending in a newline. At most 100 columns wide. Says so
// where there is nothing to draw. The look decides between Unicode and ASCII,
// and whether there is colour; colour adds nothing that the signs do not say.
std::string Draw(const Picture& picture, const Look& look, absl::TimeZone zone);

}  // namespace carbond::client
