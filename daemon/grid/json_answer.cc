#include "daemon/grid/json_answer.h"

#include <algorithm>

namespace carbond {
namespace {

constexpr size_t kLongestMessage = 200;
constexpr int kDeepestMessage = 3;
const Json kNull;

}  // namespace

OrFailure<Json> ParseJson(const HttpAnswer& answer) {
  std::string_view text = answer.body;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    return Temporary(fmt::format("HTTP {} with an empty body", answer.status));
  }
  if (IsHtml(answer)) return Temporary(Describe(answer));
  try {
    return Json::parse(text);
  } catch (const Json::exception&) {
    // What the library says of it quotes the body, which nobody needs to see.
    return BadData(fmt::format(
        "HTTP {} with {} bytes that are no JSON, or only its beginning",
        answer.status, answer.body.size()));
  }
}

OrFailure<Json> ParseGoodJson(const HttpAnswer& answer) {
  if (auto failure = FailureByStatus(answer)) return *std::move(failure);
  return ParseJson(answer);
}

const Json& Member(const Json& object, const char* name) {
  if (!object.is_object()) return kNull;
  const auto found = object.find(name);
  return found == object.end() ? kNull : *found;
}

std::string TextOf(const Json& value) {
  return value.is_string() ? value.get_ref<const std::string&>() : "";
}

std::optional<double> NumberOf(const Json& value) {
  if (!value.is_number()) return std::nullopt;
  return value.get<double>();
}

std::optional<Instant> InstantOf(const Json& value) {
  if (!value.is_string()) return std::nullopt;
  const auto& text = value.get_ref<const std::string&>();
  auto instant = ParseInstant(text);
  if (!instant.ok() && text.size() > 16 && text[13] == ':' && text[16] != ':') {
    std::string longer = text;
    instant = ParseInstant(longer.insert(16, ":00"));
  }
  if (!instant.ok()) return std::nullopt;
  return *instant;
}

namespace {

// Takes a text apart from its front.
class Cutter {
 public:
  explicit Cutter(std::string_view text) : rest_(text) {}

  bool Take(char sign) {
    if (!rest_.starts_with(sign)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // Digits, at most so many; "" when there are none, or more.
  std::string Digits(size_t most) {
    size_t count = 0;
    while (count < rest_.size() && rest_[count] >= '0' && rest_[count] <= '9') {
      ++count;
    }
    if (count > most) return "";
    const std::string digits(rest_.substr(0, count));
    rest_.remove_prefix(count);
    return digits;
  }
  // Nothing when it is none, or more than `greatest`.
  std::optional<int> Number(int greatest) {
    const std::string digits = Digits(5);
    if (digits.empty() || std::stoi(digits) > greatest) return std::nullopt;
    return std::stoi(digits);
  }
  bool done() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

}  // namespace

std::optional<Duration> TimeSpanOf(const Json& value) {
  if (!value.is_string()) return std::nullopt;
  Cutter text(value.get_ref<const std::string&>());
  const bool negative = text.Take('-');
  auto hour = text.Number(99'999);
  int days = 0;
  if (hour && text.Take('.')) {
    days = *hour;
    hour = text.Number(23);
  }
  if (!hour || *hour > 23 || !text.Take(':')) return std::nullopt;
  const auto minute = text.Number(59);
  std::optional<int> second = 0;
  std::string fraction = "0";
  if (text.Take(':')) {
    second = text.Number(59);
    if (text.Take('.')) fraction = text.Digits(7);
  }
  if (!minute || !second || fraction.empty() || !text.done()) {
    return std::nullopt;
  }
  const Duration length = hours(24) * days + hours(*hour) + minutes(*minute) +
                          seconds(*second) +
                          Duration(std::stoi((fraction + "000").substr(0, 3)));
  return negative ? -length : length;
}

std::vector<const Json*> ElementsOf(const Json& value) {
  std::vector<const Json*> elements;
  if (value.is_array()) {
    elements.reserve(value.size());
    for (const Json& each : value) elements.push_back(&each);
  } else if (!value.is_null()) {
    elements.push_back(&value);
  }
  return elements;
}

std::string Plain(const std::string& text) {
  std::string plain;
  for (const char c : text) {
    const bool printable = c >= ' ' && c <= '~';
    if (printable && (c != ' ' || !plain.ends_with(' '))) plain += c;
    if (!printable && !plain.ends_with(' ')) plain += ' ';
    if (plain.size() >= kLongestMessage) return plain + "...";
  }
  while (plain.ends_with(' ')) plain.pop_back();
  return plain;
}

std::string MessageOf(const Json& document) {
  const Json* at = &document;
  for (int depth = 0; depth < kDeepestMessage; ++depth) {
    const Json* inner = nullptr;
    for (const char* name : {"message", "msg", "detail", "error", "title"}) {
      const Json& said = Member(*at, name);
      if (said.is_string()) return Plain(TextOf(said));
      if (said.is_object()) inner = &said;
      if (said.is_array() && !said.empty()) inner = &said.front();
      if (inner != nullptr) break;
    }
    if (inner == nullptr) return "";
    at = inner;
  }
  return "";
}

Failure BadData(std::string sentence) {
  return {Failure::Kind::kBadData, std::move(sentence), {}, false};
}

Failure Temporary(std::string sentence) {
  return {Failure::Kind::kTemporary, std::move(sentence), {}, false};
}

}  // namespace carbond
