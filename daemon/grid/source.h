#pragma once
// What one service is: its requests, and how its answers read. One file per
// service implements this, and nothing else; it is pure, holds no state but its
// configuration, and may be used from any thread.
//
// A fetcher asks, one request at a time: Request, through the door, Parse. What
// Parse gives is as the service said it; whether it is to be believed is judged
// by quality.h, for all services alike.

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "daemon/grid/http.h"

namespace carbond {

// What is wanted of a zone.
struct Want {
  enum class What {
    kForecast,  // from now on; `during` says how far
    kObserved,  // values whose steps begin in `during`
  };
  What what = What::kForecast;
  std::string zone;
  Interval during;
};

// Why an answer holds nothing of use.
struct Failure {
  enum class Kind {
    kTemporary,       // try again, later and later
    kRateLimited,     // nobody may ask until `retry_after` is over
    kNotPermitted,    // this account may not read it: asking again is no use
    kBadCredentials,  // no zone can be read
    kBadData,         // an answer, but not to be believed
  };
  Kind kind = Kind::kTemporary;
  std::string sentence;  // without the provider's name: the log adds it
  std::optional<Duration> retry_after;
  // Other zones would fare no better: ask for none until it is over.
  bool of_all_zones = false;
};

// A series as the service told it. Nothing in it is judged yet.
struct Told {
  struct Point {
    Instant begin;
    std::optional<double> value;  // null
    Duration length{0};           // 0: the step
  };
  std::string zone;  // empty: the answer names none
  std::string unit;  // empty: the answer names none
  // Absent: the answer does not say; it counts as issued when it was fetched.
  std::optional<Instant> issued_at;
  Duration step{0};  // 0: the answer does not say
  std::vector<Point> points;
  // What the service says beside the values, and what is odd about them.
  std::vector<std::string> warnings;
  bool sandbox = false;  // made-up values for trying the service out
};

template <typename T>
using OrFailure = std::variant<T, Failure>;

// What a fetcher must know of a service, to ask neither too much nor too early.
struct Manners {
  Duration issue_period = minutes(5);  // of forecasts
  Duration publish_delay{0};           // from an issue to when it can be read
  bool observes = true;                // gives observed values at all
  Duration reach = hours(24 * 14);     // of observed values that can be had
  Duration longest_question = hours(24 * 31);
  // At most so many requests in any such time; 0: the service states no limit.
  int requests = 0;
  Duration per = minutes(5);
  std::string default_unit;  // when the answer names none
  bool states_unit = false;  // so that its absence is odd
  std::string service;       // "WattTime"
};

// How a token is come by, for services that want one before anything is asked.
class Login {
 public:
  virtual ~Login() = default;
  virtual HttpRequest Request() const = 0;
  virtual OrFailure<Secret> Parse(const HttpAnswer& answer) const = 0;
  virtual HttpHeader HeaderOf(const Secret& token) const = 0;
  // Not used when older.
  virtual Duration renew_after() const = 0;
  // Whether an answer may mean that the token is good no more.
  virtual bool Denies(const HttpAnswer& answer) const = 0;
};

// What an account may read, as far as the service tells.
struct Access {
  std::set<std::string> forecasts;  // zones
  std::set<std::string> observed;
};

class Source {
 public:
  virtual ~Source() = default;
  virtual const std::string& signal() const = 0;
  virtual const Manners& manners() const = 0;
  // The part of a longer question that fits into one request.
  virtual Interval FirstPart(Interval wanted) const {
    const Instant end = wanted.begin + manners().longest_question;
    return {wanted.begin, std::min(wanted.end, end)};
  }
  // After this long an observed value of a zone changes no more, or can be
  // asked for no more; nothing where it is never final.
  virtual std::optional<Duration> FinalAfter(const std::string& zone) const {
    (void)zone;
    return hours(48);
  }
  virtual HttpRequest Request(const Want& want) const = 0;
  virtual OrFailure<Told> Parse(const Want& want,
                                const HttpAnswer& answer) const = 0;
  // Two questions that only people ask; nothing where the service has none.
  virtual std::optional<HttpRequest> AccessRequest() const {
    return std::nullopt;
  }
  virtual OrFailure<Access> ParseAccess(const HttpAnswer& answer) const;
  // Which zone a place lies in, in degrees.
  virtual std::optional<HttpRequest> PlaceRequest(double latitude,
                                                  double longitude) const {
    (void)latitude, (void)longitude;
    return std::nullopt;
  }
  virtual OrFailure<std::string> ParsePlace(const HttpAnswer& answer) const;
  // Null: the service takes requests as they are.
  virtual std::unique_ptr<Login> login() const { return nullptr; }
};

// ---- For those who implement it ---------------------------------------------

// What an answer other than 200 means by its status alone; nothing when it is
// 200. A service's own file looks first for what it knows better.
std::optional<Failure> FailureByStatus(const HttpAnswer& answer);
// "HTTP 403, an HTML page of cloudfront", "HTTP 400: unknown zone".
std::string Describe(const HttpAnswer& answer);
bool IsHtml(const HttpAnswer& answer);

}  // namespace carbond
