#include "daemon/config_reader.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>

namespace carbond {
namespace {

// Of a value that is quoted in a message.
constexpr size_t kShown = 60;

// Optimal string alignment: insertions, deletions, replacements and swaps of
// neighbours.
size_t Distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<size_t>> d(a.size() + 1,
                                     std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      d[i][j] = std::min(
          {d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.size()][b.size()];
}

template <typename T>
bool ParseWhole(const std::string& text, T& value) {
  const char* const end = text.data() + text.size();
  const auto [after, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && after == end;
}

}  // namespace

std::string ConfigFile::Resolve(const std::string& path) const {
  return (std::filesystem::path(dir) / path).lexically_normal().string();
}

std::string FolderOf(const std::string& path) {
  return std::filesystem::absolute(path).parent_path().string();
}

int LineOf(const YAML::Node& node) { return node.Mark().line + 1; }

std::string Describe(const YAML::Node& node) {
  if (!node.IsDefined() || node.IsNull()) return "nothing";
  if (node.IsSequence()) return "a list";
  if (node.IsMap()) return "a map";
  const std::string& text = node.Scalar();
  const std::string line = text.substr(0, std::min(text.find('\n'), kShown));
  return fmt::format("`{}`{}", line, line.size() < text.size() ? "..." : "");
}

std::optional<std::string> Nearest(const std::string& word,
                                   const std::vector<std::string>& words) {
  // Words longer than any key are no misspelling, and the search is quadratic.
  if (word.size() > 64) return std::nullopt;
  std::optional<std::string> nearest;
  size_t best = std::max<size_t>(1, std::min<size_t>(3, word.size() / 3)) + 1;
  for (const std::string& candidate : words) {
    const size_t distance = Distance(word, candidate);
    if (distance >= best) continue;
    best = distance;
    nearest = candidate;
  }
  return nearest;
}

std::string DidYouMean(const std::string& word,
                       const std::vector<std::string>& words) {
  const auto nearest = Nearest(word, words);
  return nearest ? fmt::format("; did you mean `{}`?", *nearest) : "";
}

ConfigMap::ConfigMap(ConfigFile& file, const YAML::Node& node, std::string name,
                     int line)
    : file_(file), name_(std::move(name)), line_(line) {
  if (!node.IsMap()) {
    // `defaults:` with nothing under it says nothing, which is no mistake.
    if (node.IsDefined() && !node.IsNull()) {
      file_.Mistake(line_, "{}: {}, where a map (`key: value`) is owed",
                    name_.empty() ? "the file" : name_, Describe(node));
    }
    return;
  }
  for (const auto& pair : node) {
    const int at = LineOf(pair.first);
    if (!pair.first.IsScalar()) {
      file_.Mistake(at, "{}: a key must be a word, not {}",
                    name_.empty() ? "the file" : name_, Describe(pair.first));
      continue;
    }
    const std::string& key = pair.first.Scalar();
    if (const ConfigEntry* first = Lookup(key)) {
      file_.Mistake(at, "{}: given twice, first on line {}", Path(key),
                    first->line);
      continue;
    }
    entries_.push_back({key, at, pair.second});
  }
}

const ConfigEntry* ConfigMap::Lookup(const std::string& key) const {
  const auto found = std::ranges::find_if(
      entries_, [&](const auto& e) { return e.key == key; });
  return found == entries_.end() ? nullptr : &*found;
}

const ConfigEntry* ConfigMap::Find(const std::string& key) {
  if (std::ranges::find(known_, key) == known_.end()) known_.push_back(key);
  return Lookup(key);
}

bool ConfigMap::Require(const std::string& key, const std::string& what) {
  if (Find(key) != nullptr) return true;
  file_.Mistake(line_, "{}: missing; {}", Path(key), what);
  return false;
}

int ConfigMap::LineFor(const std::string& key) const {
  const ConfigEntry* entry = Lookup(key);
  return entry == nullptr ? line_ : entry->line;
}

std::string ConfigMap::Path(const std::string& key) const {
  return name_.empty() ? key : fmt::format("{}.{}", name_, key);
}

bool ConfigMap::Read(const std::string& key, std::string& text) {
  const ConfigEntry* entry = Find(key);
  if (entry == nullptr) return false;
  if (!entry->value.IsScalar()) {
    MistakeAt(key, "{}, where one value is owed", Describe(entry->value));
    return false;
  }
  if (entry->value.Scalar().empty()) {
    MistakeAt(key, "empty; give a value or leave the key out");
    return false;
  }
  text = entry->value.Scalar();
  return true;
}

bool ConfigMap::Read(const std::string& key, bool& value) {
  std::string text;
  if (!Read(key, text)) return false;
  if (text != "true" && text != "false") {
    MistakeAt(key, "`{}` is neither true nor false", text);
    return false;
  }
  value = text == "true";
  return true;
}

bool ConfigMap::Read(const std::string& key, int& value, int least, int most) {
  std::string text;
  if (!Read(key, text)) return false;
  int number = 0;
  if (!ParseWhole(text, number) || number < least || number > most) {
    MistakeAt(key, "`{}` is no whole number from {} to {}", text, least, most);
    return false;
  }
  value = number;
  return true;
}

bool ConfigMap::Read(const std::string& key, double& value, double least,
                     double most) {
  std::string text;
  if (!Read(key, text)) return false;
  double number = 0;
  if (!ParseWhole(text, number) || !std::isfinite(number)) {
    MistakeAt(key, "`{}` is no number", text);
    return false;
  }
  if (number < least || number > most) {
    MistakeAt(key, "{} is not between {} and {}", text, least, most);
    return false;
  }
  value = number;
  return true;
}

bool ConfigMap::Read(const std::string& key, Duration& value, Duration least,
                     Duration most) {
  std::string text;
  if (!Read(key, text)) return false;
  const Result<Duration> duration = ParseDuration(text);
  if (!duration.ok()) {
    MistakeAt(key, "{}", Message(duration.status()));
  } else if (*duration < Duration(0)) {
    MistakeAt(key, "{} is negative", text);
  } else if (*duration < least || *duration > most) {
    MistakeAt(key, "{} is not between {} and {}", text, FormatDuration(least),
              FormatDuration(most));
  } else {
    value = *duration;
    return true;
  }
  return false;
}

bool ConfigMap::Read(const std::string& key, Watts& value) {
  std::string text;
  if (!Read(key, text)) return false;
  const Result<Watts> power = ParsePower(text);
  if (!power.ok()) {
    MistakeAt(key, "{}", Message(power.status()));
  } else if (*power < Watts()) {
    MistakeAt(key, "{} is negative", text);
  } else {
    value = *power;
    return true;
  }
  return false;
}

bool ConfigMap::ReadTimeOfDay(const std::string& key, Duration& value) {
  std::string text;
  if (!Read(key, text)) return false;
  const auto digit = [&](size_t i) { return text[i] >= '0' && text[i] <= '9'; };
  if (text.size() == 5 && digit(0) && digit(1) && text[2] == ':' && digit(3) &&
      digit(4)) {
    const int hour = std::stoi(text.substr(0, 2));
    const int minute = std::stoi(text.substr(3, 2));
    if (hour < 24 && minute < 60) {
      value = hours(hour) + minutes(minute);
      return true;
    }
  }
  MistakeAt(key, "`{}` is no time of day (UTC); write 18:00", text);
  return false;
}

bool ConfigMap::ReadPath(const std::string& key, std::string& absolute) {
  std::string text;
  if (!Read(key, text)) return false;
  absolute = file_.Resolve(text);
  return true;
}

bool ConfigMap::ReadWords(const std::string& key,
                          std::vector<std::string>& words) {
  const ConfigEntry* entry = Find(key);
  if (entry == nullptr) return false;
  std::string text;
  if (!entry->value.IsSequence()) {
    if (!Read(key, text)) return false;
    words = {text};
    return true;
  }
  std::vector<std::string> read;
  for (const YAML::Node& node : entry->value) {
    if (!node.IsScalar() || node.Scalar().empty()) {
      MistakeAt(key, "{} in the list, where a word is owed", Describe(node));
      return false;
    }
    read.push_back(node.Scalar());
  }
  if (read.empty()) {
    MistakeAt(key, "an empty list; name at least one");
    return false;
  }
  words = std::move(read);
  return true;
}

void ConfigMap::Finish() {
  for (const ConfigEntry& entry : entries_) {
    if (std::ranges::find(known_, entry.key) != known_.end()) continue;
    std::string hint = DidYouMean(entry.key, known_);
    if (hint.empty()) {
      hint = fmt::format("; known here: {}", fmt::join(known_, ", "));
    }
    file_.Mistake(entry.line, "unknown key `{}`{}", Path(entry.key), hint);
  }
}

}  // namespace carbond
