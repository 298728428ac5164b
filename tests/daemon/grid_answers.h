#pragma once
// Answers of services in a line or two, and a door that gives them.

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/grid/http.h"
#include "scheduler/ports.h"

namespace carbond {

inline Instant At(const std::string& text) { return *ParseInstant(text); }

inline HttpAnswer Answer(int status, std::string body,
                         std::string content_type = "application/json") {
  HttpAnswer answer;
  answer.status = status;
  answer.content_type = std::move(content_type);
  answer.body = std::move(body);
  return answer;
}

inline HttpAnswer Html(int status, const std::string& maker) {
  return Answer(status, "<html><body>Forbidden " + maker + "</body></html>",
                "text/html");
}

// As WattTime writes it; `count` steps of five minutes, all of one value.
inline std::string WattTimeBody(Instant begin, int count,
                                const std::string& value,
                                const std::string& region = "CAISO_NORTH",
                                const std::string& generated = "") {
  std::string body = R"({"data":[)";
  for (int i = 0; i < count; ++i) {
    body += fmt::format(R"({}{{"point_time":"{}","value":{}}})", i ? "," : "",
                        FormatInstant(begin + minutes(5 * i)), value);
  }
  body += fmt::format(
      R"(],"meta":{{"data_point_period_seconds":300,"region":"{}",)"
      R"("signal_type":"co2_moer","units":"lbs_co2_per_mwh","warnings":[])",
      region);
  if (!generated.empty()) {
    body += fmt::format(R"(,"generated_at":"{}")", generated);
  }
  return body + "}}";
}

// The value of a parameter in a URL's query, with %3A and the like undone.
inline std::string Parameter(const std::string& url, const std::string& name) {
  const size_t at = url.find(name + "=");
  if (at == std::string::npos) return "";
  std::string value = url.substr(at + name.size() + 1);
  value = value.substr(0, value.find('&'));
  for (size_t i = value.find("%3A"); i != std::string::npos;
       i = value.find("%3A")) {
    value.replace(i, 3, ":");
  }
  return value;
}

// A clock that a test moves.
class MovedClock : public Clock {
 public:
  explicit MovedClock(Instant now) : now_(now) {}
  Instant Now() const override { return now_; }
  void Set(Instant now) { now_ = now; }
  void Pass(Duration d) { now_ += d; }

 private:
  Instant now_;
};

// Answers as a test's function says, and keeps what it was asked.
class ScriptedDoor : public HttpDoor {
 public:
  using Script = std::function<Result<HttpAnswer>(const HttpRequest&)>;
  explicit ScriptedDoor(Script script) : script_(std::move(script)) {}

  Result<HttpAnswer> Send(const HttpRequest& request) override {
    asked.push_back(request.url);
    return script_(request);
  }
  void Abort() override { aborted = true; }

  // How many requests held this text.
  int Count(const std::string& text) const {
    int count = 0;
    for (const std::string& url : asked) {
      if (url.find(text) != std::string::npos) ++count;
    }
    return count;
  }

  std::vector<std::string> asked;
  bool aborted = false;

 private:
  Script script_;
};

}  // namespace carbond
