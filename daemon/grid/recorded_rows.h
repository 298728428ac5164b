#pragma once
// What recorded values must keep to, whatever the format of their file: values
// that a grid can have, times that grow, and steps of one length. Refusals say
// what is wrong and what mends it; where it stands, the format's reader adds.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "scheduler/time.h"
#include "scheduler/units.h"

namespace carbond {

// What a format calls its rows.
struct RowWords {
  const char* one;
  const char* many;
};

// A number of g/kWh as it is written; "" and "null" are none.
Result<GramsPerKwh> ParseIntensity(std::string_view text,
                                   const RowWords& words);

// `what` is a time or an issue.
Status CheckOrder(std::optional<Instant> before, Instant time, const char* what,
                  const RowWords& words);

// The distances between neighbours, to find the step of a recording.
class Distances {
 public:
  Distances() = default;
  Distances(const Distances&) = delete;
  Distances& operator=(const Distances&) = delete;

  struct Place {
    Duration distance;
    int64_t row;  // the first that is so far from the one before
  };

  void Add(Duration distance, int64_t row);

  std::optional<Place> smallest() const;
  // The smallest. It must be the most usual as well: otherwise a stray row
  // would cut every step of the recording short. A gap is whole steps long.
  // `place` says where a row stands.
  Result<Duration> Step(const std::string& path,
                        const std::function<std::string(int64_t)>& place,
                        const RowWords& words) const;

 private:
  struct Seen {
    int64_t times;
    int64_t row;
  };
  std::map<Duration, Seen> counts_;
  // The entry of the last distance: nearly always the next one is the same.
  std::pair<const Duration, Seen>* last_ = nullptr;
};

}  // namespace carbond
