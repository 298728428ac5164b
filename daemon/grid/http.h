#pragma once
// The door to the network: one request out, one answer or what went wrong.
//
// TLS is always verified, only http and https are spoken, and a redirect is
// followed only to the same host, and never by what posts: a token must not
// travel to another. What a
// server echoes of a request's secrets in an error is blotted out, and no
// message holds a query, a header or a proxy's address.

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/secret.h"
#include "scheduler/time.h"

namespace carbond {

struct HttpHeader {
  std::string name;
  Secret value;  // of every header, so that nobody needs to know which matter
};

struct HttpRequest {
  std::string url;
  std::vector<HttpHeader> headers;
  std::optional<std::string> post = {};  // a POST of this; otherwise a GET
};

struct HttpAnswer {
  int status = 0;
  std::string content_type;             // in lower case
  std::string server;                   // the header
  std::optional<Duration> retry_after;  // from now; never negative
  std::optional<Instant> date;          // by the server's clock
  std::string body;
  Duration took{0};
};

// One thread sends, one request at a time; Abort may come from any thread.
class HttpDoor {
 public:
  virtual ~HttpDoor() = default;
  // An answer of any status, or what failed, in one sentence that begins with
  // the host: Unavailable (no name, no connection, no whole answer in time, no
  // TLS that verifies, elsewhere redirected), ResourceExhausted (too large),
  // Cancelled (aborted).
  virtual Result<HttpAnswer> Send(const HttpRequest& request) = 0;
  // Ends the request under way within a moment, and refuses all that follow.
  virtual void Abort() = 0;
};

// libcurl. Connections are kept between requests.
class CurlDoor : public HttpDoor {
 public:
  struct Options {
    Duration connect_timeout = seconds(10);
    Duration total_timeout = seconds(60);
    size_t largest_body = 8 * 1024 * 1024;  // after decompression
    std::string user_agent;
    std::string ca_file;  // empty: the system's authorities
  };
  explicit CurlDoor(Options options);
  ~CurlDoor() override;

  Result<HttpAnswer> Send(const HttpRequest& request) override;
  void Abort() override;

 private:
  class Handles;
  Result<HttpAnswer> SendOnce(const HttpRequest& request,
                              const std::string& url, std::string& redirect);

  // Fixed after construction
  const Options options_;
  const std::unique_ptr<Handles> handles_;

  std::atomic<bool> aborted_{false};
};

// "Basic dXNlcjpwYXNz", the value of the header Authorization.
Secret BasicCredentials(const Secret& username, const Secret& password);
// For a query or one part of a path.
std::string PercentEncode(std::string_view text);
// What may be shown of a URL: its host, port and path.
std::string PlaceOf(const std::string& url);

}  // namespace carbond
