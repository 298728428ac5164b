#include "daemon/grid/emissions_file.h"

#include <algorithm>

#include "daemon/grid/json_answer.h"
#include "daemon/grid/text_file.h"

namespace carbond {
namespace {

constexpr RowWords kEntries{"entry", "entries"};
// About 2.7 million entries.
constexpr size_t kLongestFile = 256 << 20;
constexpr size_t kMostNamed = 12;

// The WebAPI writes the same names in lower case.
const Json& Either(const Json& entry, const char* upper, const char* lower) {
  const Json& value = Member(entry, upper);
  return value.is_null() ? Member(entry, lower) : value;
}

Result<Instant> TimeOf(const Json& value) {
  if (const auto instant = InstantOf(value)) return *instant;
  if (const auto utc = InstantOf(TextOf(value) + "Z")) return *utc;
  return Refused("Time {} is no time; write 2026-03-15T18:00:00Z",
                 Plain(value.dump()));
}

Result<GramsPerKwh> RatingOf(const Json& value) {
  if (value.is_string()) return ParseIntensity(TextOf(value), kEntries);
  return ParseIntensity(value.dump(), kEntries);
}

// Nothing when there is none. Zero is what .NET writes for one never set.
Result<std::optional<Duration>> LengthOf(const Json& value) {
  if (value.is_null()) return std::optional<Duration>();
  const auto length = TimeSpanOf(value);
  if (!length || *length < Duration(0)) {
    return Refused("Duration {} is no [d.]hh:mm[:ss]", Plain(value.dump()));
  }
  return *length == Duration(0) ? std::optional<Duration>() : length;
}

}  // namespace

// Takes each entry as soon as it is read, and lets the library forget it.
class EmissionsFile::Reader {
 public:
  explicit Reader(EmissionsFile& file) : file_(file) {}

  // Of what nlohmann's parser calls back with; false forgets the value.
  bool Hear(int depth, Json::parse_event_t event, const Json& parsed) {
    using Event = Json::parse_event_t;
    const bool entry = entries_ && depth == entries_depth_;
    switch (event) {
      case Event::key:
        if (depth == 1) key_ = TextOf(parsed);
        return true;
      case Event::array_start:
        if (entry) {
          Take(Json());
        } else if (depth == 0 || (depth == 1 && (key_ == "Emissions" ||
                                                 key_ == "emissions"))) {
          entries_ = true;
          entries_depth_ = depth + 1;
        }
        return true;
      case Event::array_end:
        if (depth + 1 == entries_depth_) entries_ = false;
        return true;
      case Event::object_end:
      case Event::value:
        if (!entry) return true;
        Take(parsed);
        return false;
      default:
        return true;
    }
  }

  Status Finish() const {
    if (!fault_.ok()) return fault_;
    if (number_ == 0) {
      return Refused(
          "{}: no emissions in it; it must hold {{\"Emissions\":[...]}}, or "
          "the bare array, of {{Location, Time, Rating, Duration}}",
          file_.path_);
    }
    if (!any_rating_) {
      return Refused(
          "{}: all ratings in it are 0, which the Carbon Aware SDK writes for "
          "those it could not read; export it again",
          file_.path_);
    }
    return Ok();
  }

 private:
  void Take(const Json& entry) {
    ++number_;
    const std::string location = TextOf(Either(entry, "Location", "location"));
    if (location.empty()) {
      if (fault_.ok()) {
        fault_ = Refused("{}: has no Location; each entry must name one",
                         file_.Entry(number_));
      }
      return;
    }
    Values& values = file_.values_[location];
    const Status status = TakeInto(values, entry);
    if (!status.ok() && values.fault.ok()) {
      values.fault = Refused("{} ({}): {}", file_.Entry(number_),
                             Plain(location), Message(status));
    }
  }

  Status TakeInto(Values& into, const Json& entry) {
    const auto rating = RatingOf(Either(entry, "Rating", "rating"));
    any_rating_ |= !rating.ok() || *rating != GramsPerKwh();
    if (!rating.ok()) return rating.status();
    CARBOND_ASSIGN_OR_RETURN(const Instant time,
                             TimeOf(Either(entry, "Time", "time")));
    std::optional<Instant> before;
    if (!into.values.empty()) before = into.values.back().begin;
    CARBOND_RETURN_IF_ERROR(CheckOrder(before, time, "time", kEntries));
    CARBOND_ASSIGN_OR_RETURN(const auto length,
                             LengthOf(Either(entry, "Duration", "duration")));
    if (length && into.length.value_or(*length) != *length) {
      return Refused(
          "lasts {}, while others of this location last {}; all must have one "
          "length",
          FormatDuration(*length), FormatDuration(*into.length));
    }
    if (length) into.length = length;
    if (before) into.distances.Add(time - *before, number_);
    into.values.push_back({time, *rating});
    return Ok();
  }

  EmissionsFile& file_;
  std::string key_;  // of the outermost object, the last
  bool entries_ = false;
  int entries_depth_ = 0;
  int64_t number_ = 0;  // of the last entry, from 1
  bool any_rating_ = false;
  Status fault_;
};

bool EmissionsFile::Is(const std::string& path) {
  return path.ends_with(".json") || path.ends_with(".json.gz");
}

Result<EmissionsFile> EmissionsFile::Read(const std::string& path) {
  CARBOND_ASSIGN_OR_RETURN(const std::string text,
                           TextFile::ReadAll(path, kLongestFile));
  EmissionsFile file(path);
  Reader reader(file);
  try {
    const Json rest = Json::parse(
        text, [&](int depth, Json::parse_event_t event, Json& parsed) {
          return reader.Hear(depth, event, parsed);
        });
  } catch (const Json::parse_error& error) {
    const auto end = text.begin() + static_cast<std::ptrdiff_t>(
                                        std::min(error.byte, text.size()));
    return Refused("{}:{}: no JSON, or cut off; get the file again", path,
                   1 + std::count(text.begin(), end, '\n'));
  } catch (const Json::exception&) {
    return Refused("{}: a number that no machine holds; get the file again",
                   path);
  }
  CARBOND_RETURN_IF_ERROR(reader.Finish());
  return file;
}

std::vector<std::string> EmissionsFile::locations() const {
  std::vector<std::string> names;
  for (const auto& [name, values] : values_) names.push_back(name);
  return names;
}

std::string EmissionsFile::Entry(int64_t number) const {
  return fmt::format("{}: entry {}", path_, number);
}

Result<Recording> EmissionsFile::Of(const std::string& location) const {
  const auto found = values_.find(location);
  if (found == values_.end()) {
    std::vector<std::string> names = locations();
    const size_t more = names.size() - std::min(names.size(), kMostNamed);
    names.resize(names.size() - more);
    return Refused("{}: holds no location `{}`; there are {}{}", path_,
                   location, fmt::join(names, ", "),
                   more > 0 ? fmt::format(" and {} more", more) : "");
  }
  const Values& values = found->second;
  CARBOND_RETURN_IF_ERROR(values.fault);
  Recording recording;
  recording.values = values.values;
  const auto place = [&](int64_t number) {
    return fmt::format("{} ({})", Entry(number), Plain(location));
  };
  if (!values.length) {
    CARBOND_ASSIGN_OR_RETURN(
        recording.step,
        values.distances.Step(fmt::format("{} ({})", path_, Plain(location)),
                              place, kEntries));
    return recording;
  }
  recording.step = *values.length;
  const auto nearest = values.distances.smallest();
  if (nearest && nearest->distance < recording.step) {
    return Refused(
        "{}: {} after the entry before, which lasts {}; entries of a location "
        "must not overlap",
        place(nearest->row), FormatDuration(nearest->distance),
        FormatDuration(recording.step));
  }
  return recording;
}

}  // namespace carbond
