#pragma once
// Passwords and tokens: a type that cannot be printed, and the two places they
// come from. A secret is never in carbond.yaml, in a log, in an error or on a
// command line.

#include <iosfwd>
#include <string>

#include "scheduler/result.h"

namespace carbond {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept;
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();  // leaves no copy in memory that was freed

  // For who sends it, and for nobody else.
  const std::string& Reveal() const { return value_; }
  bool empty() const { return value_.empty(); }

  // fmt knows no way to print it either.
  friend std::ostream& operator<<(std::ostream&, const Secret&) = delete;

 private:
  std::string value_;
};

// Where a secret is kept, as the configuration names it: a variable of the
// environment, or a file; never both.
struct SecretPlace {
  std::string env;
  std::string file;  // absolute
  bool given() const { return !env.empty() || !file.empty(); }
  friend bool operator==(const SecretPlace&, const SecretPlace&) = default;
};

// Refused, naming the place and what mends it: a variable that is not set; a
// file that is absent, or that other users may read or write; one that is
// empty, or holds more than one line of printable ASCII. A newline at the end
// of a file is no part of the secret.
Result<Secret> FetchSecret(const SecretPlace& place);

}  // namespace carbond
