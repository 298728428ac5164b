#include "daemon/grid/json_answer.h"

#include <algorithm>
#include <regex>

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

std::optional<Duration> TimeSpanOf(const Json& value) {
  static const std::regex form(
      R"((-)?(?:(\d{1,5})\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,7}))?)?)");
  std::smatch part;
  if (!value.is_string() ||
      !std::regex_match(value.get_ref<const std::string&>(), part, form)) {
    return std::nullopt;
  }
  const auto number = [&](size_t i) {
    return part[i].length() > 0 ? std::stoi(part[i]) : 0;
  };
  if (number(3) > 23 || number(4) > 59 || number(5) > 59) return std::nullopt;
  const std::string millis = (part[6].str() + "000").substr(0, 3);
  const Duration length = hours(24) * number(2) + hours(number(3)) +
                          minutes(number(4)) + seconds(number(5)) +
                          Duration(std::stoi(millis));
  return part[1].matched ? -length : length;
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
