#include "client/names.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <numeric>

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

// Levenshtein's distance.
size_t Distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
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
  std::string nearest;
  size_t least = std::max<size_t>(1, std::min<size_t>(word.size() / 2, 3)) + 1;
  for (const std::string& candidate : known) {
    const size_t distance = Distance(Dashed(word), Dashed(candidate));
    if (distance < least) {
      least = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace carbond::client
