#include "daemon/grid/source.h"

#include <algorithm>

#include "daemon/grid/json_answer.h"

namespace carbond {

OrFailure<Access> Source::ParseAccess(const HttpAnswer&) const {
  return BadData("the service does not tell what an account may read");
}

OrFailure<std::string> Source::ParsePlace(const HttpAnswer&) const {
  return BadData("the service does not tell the zone of a place");
}

bool IsHtml(const HttpAnswer& answer) {
  if (answer.content_type.find("html") != std::string::npos) return true;
  const size_t at = answer.body.find_first_not_of(" \t\r\n");
  if (at == std::string::npos || answer.body[at] != '<') return false;
  std::string start = answer.body.substr(at, 16);
  std::ranges::transform(start, start.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return start.starts_with("<!doctype html") || start.starts_with("<html");
}

std::string Describe(const HttpAnswer& answer) {
  std::string text = fmt::format("HTTP {}", answer.status);
  if (answer.body.empty()) return text + " with an empty body";
  if (IsHtml(answer)) {
    text += ", an HTML page";
    for (const char* maker : {"cloudfront", "nginx", "cloudflare", "apache"}) {
      if (answer.body.find(maker) != std::string::npos) {
        return fmt::format("{} of {}", text, maker);
      }
    }
    return text;
  }
  const Json document = Json::parse(answer.body, nullptr, false);
  const std::string said = MessageOf(document);
  return said.empty() ? text : fmt::format("{}: {}", text, said);
}

std::optional<Failure> FailureByStatus(const HttpAnswer& answer) {
  using Kind = Failure::Kind;
  if (answer.status == 200) return std::nullopt;
  Failure failure{Kind::kTemporary, Describe(answer), answer.retry_after,
                  false};
  switch (answer.status) {
    case 401:
      failure.kind = Kind::kBadCredentials;
      failure.of_all_zones = true;
      break;
    case 403:
      failure.kind = Kind::kNotPermitted;
      break;
    case 429:
      failure.kind = Kind::kRateLimited;
      failure.of_all_zones = true;
      break;
    case 204:
      failure.sentence = "HTTP 204: it has no data";
      break;
    case 400:
    case 405:
    case 406:
    case 410:
    case 422:
      // The same request would be refused again.
      failure.kind = Kind::kNotPermitted;
      break;
    default:
      failure.of_all_zones = answer.status >= 500;
  }
  return failure;
}

}  // namespace carbond
