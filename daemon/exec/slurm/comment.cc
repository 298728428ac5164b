#include "daemon/exec/slurm/comment.h"

#include <algorithm>
#include <cctype>

namespace carbond {
namespace {

constexpr std::string_view kWord = "carbon";

bool IsBlank(char c) { return std::isspace(static_cast<unsigned char>(c)); }

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsBlank(text.back())) text.remove_suffix(1);
  return text;
}

// One line that can be shown to people.
std::string Quoted(std::string_view text) {
  std::string quoted(text.substr(0, 60));
  std::ranges::replace_if(
      quoted,
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; },
      ' ');
  return '`' + quoted + '`';
}

void Remark(SlurmWishes& wishes, std::string text) {
  if (!wishes.remark.empty()) wishes.remark += "; ";
  wishes.remark += std::move(text);
}

// Positive ones alone mean something here.
std::optional<Duration> PositiveDuration(std::string_view text) {
  const auto parsed = ParseDuration(text);
  if (!parsed.ok() || *parsed <= Duration(0)) return std::nullopt;
  return *parsed;
}

void ReadWish(std::string_view wish, SlurmWishes& wishes) {
  const size_t equals = wish.find('=');
  const std::string_view key = Trimmed(wish.substr(0, equals));
  const std::string_view value = equals == std::string_view::npos
                                     ? std::string_view()
                                     : Trimmed(wish.substr(equals + 1));
  if (key == "deadline") {
    wishes.within = PositiveDuration(value);
    if (wishes.within) return;
    if (const auto at = ParseInstant(value); at.ok()) {
      wishes.deadline = *at;
    } else {
      Remark(wishes, Quoted(wish) +
                         " is no deadline such as 24h or "
                         "2026-11-23T08:00:00Z");
    }
  } else if (key == "duration") {
    wishes.duration = PositiveDuration(value);
    if (!wishes.duration) {
      Remark(wishes, Quoted(wish) + " is no duration such as 2h");
    }
  } else if (key == "power") {
    const auto power = ParsePower(value);
    if (power.ok() && *power > Watts()) {
      wishes.power = *power;
    } else {
      Remark(wishes, Quoted(wish) + " is no power such as 300W");
    }
  } else {
    Remark(wishes,
           Quoted(wish) + " is not known: deadline, duration and power are");
  }
}

}  // namespace

bool AsksForDeferral(std::string_view comment) {
  comment = Trimmed(comment);
  if (!comment.starts_with(kWord)) return false;
  if (comment.size() == kWord.size()) return true;
  return !std::isalnum(static_cast<unsigned char>(comment[kWord.size()]));
}

SlurmWishes ParseWishes(std::string_view comment) {
  SlurmWishes wishes;
  std::string_view rest = Trimmed(comment);
  if (!AsksForDeferral(rest)) return wishes;
  rest = Trimmed(rest.substr(kWord.size()));
  if (rest.empty()) return wishes;
  if (rest.front() != ':') {
    Remark(wishes, Quoted(comment) + " is not carbon:deadline=24h,...");
    return wishes;
  }
  rest.remove_prefix(1);
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(','), rest.size());
    const std::string_view wish = Trimmed(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (!wish.empty()) ReadWish(wish, wishes);
  }
  return wishes;
}

}  // namespace carbond
