#include "storage/json_writer.h"

#include <charconv>
#include <cmath>

#include "storage/utf8.h"

namespace carbond {
namespace {

void Append(fmt::memory_buffer& out, std::string_view text) {
  out.append(text.data(), text.data() + text.size());
}

bool IsPlain(char c) {
  const auto u = static_cast<unsigned char>(c);
  return u >= 0x20 && u < 0x7F && c != '"' && c != '\\';
}

void AppendControl(fmt::memory_buffer& out, char c) {
  constexpr char kHex[] = "0123456789abcdef";
  switch (c) {
    case '\n':
      Append(out, "\\n");
      return;
    case '\t':
      Append(out, "\\t");
      return;
    case '\r':
      Append(out, "\\r");
      return;
    default:
      Append(out, "\\u00");
      out.push_back(kHex[static_cast<unsigned char>(c) >> 4]);
      out.push_back(kHex[static_cast<unsigned char>(c) & 0xF]);
  }
}

}  // namespace

void AppendJsonString(fmt::memory_buffer& out, std::string_view text) {
  out.push_back('"');
  while (!text.empty()) {
    size_t plain = 0;
    while (plain < text.size() && IsPlain(text[plain])) ++plain;
    Append(out, text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    const char c = text[0];
    size_t length = 1;
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      AppendControl(out, c);
    } else {
      length = CharacterLength(text);
      Append(out, length > 0 ? text.substr(0, length) : kReplacementCharacter);
      if (length == 0) length = 1;
    }
    text.remove_prefix(length);
  }
  out.push_back('"');
}

void JsonWriter::Key(const char* name) {
  if (!first_) out_.push_back(',');
  first_ = false;
  out_.push_back('"');
  Append(out_, name);  // our own names need no escape
  Append(out_, "\":");
}

void JsonWriter::Value(int64_t v) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, v);
  out_.append(digits, end.ptr);
}

// The shortest digits that read back as the same double.
void JsonWriter::Value(double v) {
  if (!std::isfinite(v)) {  // JSON has no word for it
    Append(out_, "null");
    return;
  }
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, v);
  out_.append(digits, end.ptr);
}

void JsonWriter::Value(const std::vector<std::string>& v) {
  out_.push_back('[');
  for (const std::string& item : v) {
    if (&item != &v.front()) out_.push_back(',');
    AppendJsonString(out_, item);
  }
  out_.push_back(']');
}

void JsonWriter::Value(const std::vector<int>& v) {
  out_.push_back('[');
  for (const int& item : v) {
    if (&item != &v.front()) out_.push_back(',');
    Value(int64_t{item});
  }
  out_.push_back(']');
}

void JsonWriter::Value(const std::map<std::string, std::string>& v) {
  out_.push_back('{');
  bool first = true;
  for (const auto& [key, value] : v) {
    if (!first) out_.push_back(',');
    first = false;
    AppendJsonString(out_, key);
    out_.push_back(':');
    AppendJsonString(out_, value);
  }
  out_.push_back('}');
}

}  // namespace carbond
