#pragma once
// Reads the fields that JsonWriter wrote, into the same places. Throws what
// nlohmann throws, and std::runtime_error for values that mean nothing.
// Private to storage/.

#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "scheduler/lifecycle.h"
#include "scheduler/planner.h"

namespace carbond {

class JsonReader {
 public:
  explicit JsonReader(const nlohmann::json& object) : object_(object) {
    if (!object.is_object()) throw std::runtime_error("not a JSON object");
  }

  // A field that is not there has its default. Fields nobody asks for are of a
  // later time and pass unread.
  template <typename T>
  void operator()(const char* name, T& value, const T& absent = T()) {
    const auto found = object_.find(name);
    if (found == object_.end() || found->is_null()) {
      value = absent;
      return;
    }
    try {
      Take(*found, value);
    } catch (const std::exception& error) {
      throw std::runtime_error(fmt::format("`{}`: {}", name, error.what()));
    }
  }
  void operator()(const char* name, std::string& value, const char* absent) {
    (*this)(name, value, std::string(absent));
  }
  // An array of objects, or null.
  const nlohmann::json* Array(const char* name) const {
    const auto found = object_.find(name);
    if (found == object_.end()) return nullptr;
    if (!found->is_array()) {
      throw std::runtime_error(fmt::format("`{}`: not an array", name));
    }
    return &*found;
  }

 private:
  using Json = nlohmann::json;

  static void Take(const Json& j, std::string& v) {
    v = j.get_ref<const std::string&>();
  }
  static void Take(const Json& j, bool& v) { v = j.get<bool>(); }
  static void Take(const Json& j, double& v) {
    if (!j.is_number()) throw std::runtime_error("not a number");
    v = j.get<double>();
  }
  static void Take(const Json& j, int64_t& v) {
    if (!j.is_number_integer()) throw std::runtime_error("not a whole number");
    if (j.is_number_unsigned() &&
        j.get<uint64_t>() > uint64_t{std::numeric_limits<int64_t>::max()}) {
      throw std::runtime_error("too large");
    }
    v = j.get<int64_t>();
  }
  static void Take(const Json& j, int& v) {
    int64_t wide = 0;
    Take(j, wide);
    if (wide < std::numeric_limits<int>::min() ||
        wide > std::numeric_limits<int>::max()) {
      throw std::runtime_error("too large");
    }
    v = static_cast<int>(wide);
  }
  static void Take(const Json& j, Duration& v) {
    int64_t ms = 0;
    Take(j, ms);
    v = Duration(ms);
  }
  static void Take(const Json& j, Instant& v) {
    int64_t ms = 0;
    Take(j, ms);
    v = Instant::FromMillis(ms);
  }
  template <typename Tag>
  static void Take(const Json& j, Quantity<Tag>& v) {
    int64_t thousandths = 0;
    Take(j, thousandths);
    v = Quantity<Tag>::FromThousandths(thousandths);
  }
  static void Take(const Json& j, Pue& v) {
    int thousandths = 0;
    Take(j, thousandths);
    v = Pue::FromThousandths(thousandths);
  }
  template <typename T>
  static void Take(const Json& j, std::optional<T>& v) {
    Take(j, v.emplace());
  }
  template <typename T>
  static void Take(const Json& j, std::vector<T>& v) {
    if (!j.is_array()) throw std::runtime_error("not an array");
    v.clear();
    for (const Json& item : j) Take(item, v.emplace_back());
  }
  static void Take(const Json& j, std::map<std::string, std::string>& v) {
    if (!j.is_object()) throw std::runtime_error("not an object");
    v.clear();
    for (const auto& item : j.items()) Take(item.value(), v[item.key()]);
  }

  static void Take(const Json& j, PauseMode& v) {
    v = Must(ParsePauseMode(Text(j)));
  }
  static void Take(const Json& j, RunEnd& v) { v = Must(ParseRunEnd(Text(j))); }
  static void Take(const Json& j, Purpose& v) {
    v = Must(ParsePurpose(Text(j)));
  }
  static void Take(const Json& j, EnergySource& v) {
    v = Must(ParseEnergySource(Text(j)));
  }
  static void Take(const Json& j, Reason& v) {
    for (const Reason reason :
         {Reason::kNone, Reason::kHeld, Reason::kRegionDrained,
          Reason::kNoCapacity, Reason::kEarliest, Reason::kNoForecast,
          Reason::kMinPause, Reason::kSlackUsedUp, Reason::kCleanerHours,
          Reason::kNoGain}) {
      if (Text(j) == Name(reason)) {
        v = reason;
        return;
      }
    }
    throw std::runtime_error("an unknown reason: " + Text(j));
  }
  static const std::string& Text(const Json& j) {
    return j.get_ref<const std::string&>();
  }
  template <typename T>
  static T Must(Result<T> parsed) {
    if (!parsed.ok()) throw std::runtime_error(Message(parsed.status()));
    return *parsed;
  }

  const nlohmann::json& object_;
};

}  // namespace carbond
