#include "daemon/energy_log.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace carbond {
namespace {

constexpr std::string_view kMeters = "meters ";
constexpr std::array<std::pair<EnergyMark, std::string_view>, 5> kMarks = {{
    {EnergyMark::kBegin, "begin"},
    {EnergyMark::kTick, "tick"},
    {EnergyMark::kSuspend, "suspend"},
    {EnergyMark::kContinue, "continue"},
    {EnergyMark::kEnd, "end"},
}};

std::string_view NextWord(std::string_view& line) {
  const size_t space = line.find(' ');
  const std::string_view word = line.substr(0, space);
  line = space == std::string_view::npos ? "" : line.substr(space + 1);
  return word;
}

bool ParseNumber(std::string_view word, int64_t& number) {
  const char* end = word.data() + word.size();
  const auto result = std::from_chars(word.data(), end, number);
  return result.ec == std::errc() && result.ptr == end && number >= 0;
}

std::optional<EnergySample> ParseSample(std::string_view line) {
  EnergySample sample;
  const std::string_view at = NextWord(line);
  const std::string_view name = NextWord(line);
  const std::string_view total = NextWord(line);
  const auto mark = std::find_if(kMarks.begin(), kMarks.end(),
                                 [&](auto& m) { return m.second == name; });
  if (!ParseNumber(at, sample.at_ms) || mark == kMarks.end() ||
      !ParseNumber(total, sample.total_uj) ||
      !ParseNumber(line, sample.measured_uj) ||
      sample.measured_uj > sample.total_uj) {
    return std::nullopt;
  }
  sample.mark = mark->first;
  return sample;
}

// a x part / whole, of numbers whose product may not fit.
int64_t Share(int64_t a, int64_t part, int64_t whole) {
  return static_cast<int64_t>(static_cast<__int128>(a) * part / whole);
}

}  // namespace

std::string FormatMeters(const std::string& meters) {
  return std::string(kMeters) + meters + '\n';
}

std::string Format(const EnergySample& sample) {
  const auto mark = std::find_if(kMarks.begin(), kMarks.end(), [&](auto& m) {
    return m.first == sample.mark;
  });
  return std::to_string(sample.at_ms) + ' ' + std::string(mark->second) + ' ' +
         std::to_string(sample.total_uj) + ' ' +
         std::to_string(sample.measured_uj) + '\n';
}

EnergyLog ParseEnergyLog(std::string_view text) {
  EnergyLog log;
  for (size_t end; (end = text.find('\n')) != std::string_view::npos;
       text.remove_prefix(end + 1)) {
    const std::string_view line = text.substr(0, end);
    if (line.starts_with(kMeters)) {
      log.meters = line.substr(kMeters.size());
      continue;
    }
    const auto sample = ParseSample(line);
    if (!sample) continue;
    const bool falls = !log.samples.empty() &&
                       (sample->total_uj < log.samples.back().total_uj ||
                        sample->measured_uj < log.samples.back().measured_uj);
    if (!falls) log.samples.push_back(*sample);
  }
  return log;
}

EnergyLog Thinned(const EnergyLog& log, size_t keep) {
  EnergyLog thin;
  thin.meters = log.meters;
  bool dropped = false;
  for (size_t i = 0; i < log.samples.size(); ++i) {
    const bool old = i + keep < log.samples.size();
    const bool drop =
        old && !dropped && log.samples[i].mark == EnergyMark::kTick;
    if (!drop) thin.samples.push_back(log.samples[i]);
    dropped = drop;
  }
  return thin;
}

std::string Format(const EnergyLog& log) {
  std::string text = FormatMeters(log.meters);
  for (const EnergySample& sample : log.samples) text += Format(sample);
  return text;
}

std::optional<EnergyUntil> Until(const EnergyLog& log, int64_t at_ms) {
  if (log.samples.empty()) return std::nullopt;
  const auto last =
      std::find_if(log.samples.rbegin(), log.samples.rend(),
                   [&](const EnergySample& s) { return s.at_ms <= at_ms; });
  if (last == log.samples.rend()) {
    return EnergyUntil{0, 0, log.samples.front().at_ms};
  }
  EnergyUntil until{last->total_uj, last->measured_uj, last->at_ms};
  if (last == log.samples.rbegin()) return until;
  const EnergySample& next = *std::prev(last);  // written after it
  const int64_t gap = next.at_ms - last->at_ms;
  const int64_t part = at_ms - last->at_ms;
  until.total_uj += Share(next.total_uj - last->total_uj, part, gap);
  until.measured_uj += Share(next.measured_uj - last->measured_uj, part, gap);
  return until;
}

}  // namespace carbond
