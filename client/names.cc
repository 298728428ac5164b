#include "client/names.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>

#include <algorithm>

namespace carbond::client {
namespace {

// JOB_STATE_WAITING -> waiting: what follows the part that all values share.
std::string WordOf(const google::protobuf::EnumDescriptor& type, int number) {
  const auto* value = type.FindValueByNumber(number);
  if (value == nullptr) return "unknown";
  if (number == 0) return "";
  const std::string& unspecified = type.FindValueByNumber(0)->name();
  std::string word = value->name().substr(unspecified.size() -
                                          std::string("UNSPECIFIED").size());
  for (char& c : word) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return word;
}

std::string AllWords(const google::protobuf::EnumDescriptor& type) {
  std::string all;
  for (int i = 0; i < type.value_count(); ++i) {
    const std::string word = WordOf(type, type.value(i)->number());
    if (!word.empty()) all += (all.empty() ? "" : ", ") + word;
  }
  return all;
}

template <class Enum>
absl::StatusOr<Enum> Parse(const google::protobuf::EnumDescriptor& type,
                           const std::string& name) {
  for (int i = 0; i < type.value_count(); ++i) {
    const int number = type.value(i)->number();
    if (number != 0 && WordOf(type, number) == name) {
      return static_cast<Enum>(number);
    }
  }
  return absl::InvalidArgumentError(
      fmt::format("`{}` is not one of {}", name, AllWords(type)));
}

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

std::string Dashed(std::string word) {
  std::replace(word.begin(), word.end(), '_', '-');
  return word;
}

}  // namespace

std::string Name(v1::JobState state) {
  return WordOf(*v1::JobState_descriptor(), state);
}
std::string Name(v1::Outcome outcome) {
  return WordOf(*v1::Outcome_descriptor(), outcome);
}
std::string Name(v1::PauseMode mode) {
  return mode == v1::PAUSE_MODE_UNSPECIFIED
             ? "none"
             : WordOf(*v1::PauseMode_descriptor(), mode);
}
std::string Name(v1::Quality quality) {
  return WordOf(*v1::Quality_descriptor(), quality);
}
std::string Name(v1::EnergySource source) {
  return WordOf(*v1::EnergySource_descriptor(), source);
}
std::string Name(v1::ForecastMode mode) {
  return WordOf(*v1::ForecastMode_descriptor(), mode);
}
std::string Name(v1::GroupBy by) {
  return WordOf(*v1::GroupBy_descriptor(), by);
}

absl::StatusOr<v1::JobState> ParseState(const std::string& name) {
  return Parse<v1::JobState>(*v1::JobState_descriptor(), name);
}

absl::StatusOr<v1::GroupBy> ParseGroupBy(const std::string& name) {
  return Parse<v1::GroupBy>(*v1::GroupBy_descriptor(), name);
}

std::string NearestWord(const std::string& word,
                        const std::vector<std::string>& known) {
  // Words longer than any of ours are no misspelling of one.
  if (word.size() > 64) return "";
  const std::string meant = Dashed(word);
  // A third of the letters may be wrong; the dashes of a flag are no letters.
  const size_t dashes = std::min(meant.find_first_not_of('-'), meant.size());
  const size_t letters = meant.size() - dashes;
  std::string nearest;
  size_t least = std::clamp<size_t>(letters / 3, 1, 3) + 1;
  for (const std::string& candidate : known) {
    const size_t distance = Distance(meant, Dashed(candidate));
    if (distance < least && distance < letters) {
      least = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace carbond::client
