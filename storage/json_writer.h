#pragma once
// Writes one JSON object straight into a buffer: the submission of a job is
// encoded on the path of every acknowledged request. Private to storage/.

#include <fmt/format.h>

#include <concepts>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scheduler/time.h"
#include "scheduler/units.h"

namespace carbond {

// Appends the text in quotes, escaped; what is not UTF-8 as U+FFFD.
void AppendJsonString(fmt::memory_buffer& out, std::string_view text);

class JsonWriter {
 public:
  explicit JsonWriter(fmt::memory_buffer& out) : out_(out) {
    out_.push_back('{');
  }

  void End() { out_.push_back('}'); }

  // A field that equals its default is left out. Defaults are the format's:
  // they may never change, whatever the program's defaults do.
  template <typename T>
  void operator()(const char* name, const T& value, const T& absent = T()) {
    if (value == absent) return;
    Key(name);
    Value(value);
  }
  void operator()(const char* name, const std::string& value,
                  const char* absent) {
    (*this)(name, value, std::string(absent));
  }
  void Key(const char* name);

 private:
  void Value(const std::string& v) { AppendJsonString(out_, v); }
  void Value(bool v) { out_.append(std::string_view(v ? "true" : "false")); }
  void Value(int64_t v);
  void Value(int v) { Value(int64_t{v}); }
  void Value(double v);
  void Value(Duration v) { Value(int64_t{v.count()}); }
  void Value(Instant v) { Value(v.millis()); }
  template <typename Tag>
  void Value(Quantity<Tag> v) {
    Value(v.thousandths());
  }
  void Value(Pue v) { Value(int64_t{v.thousandths()}); }
  template <typename T>
  void Value(const std::optional<T>& v) {
    Value(*v);  // an absent one is its own default
  }
  void Value(const std::vector<std::string>& v);
  void Value(const std::vector<int>& v);
  void Value(const std::map<std::string, std::string>& v);
  template <typename T>
  requires std::is_enum_v<T>
  void Value(T v) { AppendJsonString(out_, Name(v)); }

  fmt::memory_buffer& out_;
  bool first_ = true;
};

}  // namespace carbond
