#pragma once
// Files of recorded values as the Carbon Aware SDK keeps them for its `Json`
// data source (https://github.com/Green-Software-Foundation/carbon-aware-sdk),
// plain or gzip'd:
//
//   {"Emissions":[{"Location":"eastus","Time":"2026-03-15T18:00:00+00:00",
//                  "Rating":422.3,"Duration":"01:00:00"}, ...]}
//
// Real ones also are the bare array, begin with a byte order mark, give a
// rating as text, a time without its offset (it is UTC then), no duration (then
// the smallest distance is the step), and members of their own, which are
// passed over. Ratings are g/kWh; the file does not say so.

#include <map>
#include <string>
#include <vector>

#include "daemon/grid/recorded_rows.h"
#include "daemon/grid/recording.h"

namespace carbond {

class EmissionsFile {
 public:
  // By its name: .json or .json.gz.
  static bool Is(const std::string& path);

  // Refuses what is no such file, and one whose ratings are all zero: the SDK
  // writes that for ratings that it could not read.
  static Result<EmissionsFile> Read(const std::string& path);

  std::vector<std::string> locations() const;  // sorted, never empty

  // The values of one location. Refuses as ReadRecording does, naming the file,
  // the entry and what mends it; what is wrong with other locations does not
  // matter. Entries of several locations may lie mixed.
  Result<Recording> Of(const std::string& location) const;

 private:
  // A file as far as it was read.
  class Reader;

  struct Values {
    std::vector<RecordedValue> values;
    Distances distances;
    std::optional<Duration> length;  // that its entries declare
    Status fault;                    // the first
  };

  explicit EmissionsFile(std::string path) : path_(std::move(path)) {}
  std::string Entry(int64_t number) const;

  std::string path_;
  std::map<std::string, Values> values_;  // by location
};

}  // namespace carbond
