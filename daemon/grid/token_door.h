#pragma once
// A door for services that want a login first: it logs in when it must, adds
// the token to every request, and knows when the token is old. Nobody before or
// behind it needs to know that there are tokens.
//
// A token is renewed before it expires, by a clock that nobody sets. When an
// answer says that it is good no more, there is one more login and the request
// is sent once again; but not when the token is younger than a minute, since
// another one would fare no better.

#include <functional>
#include <memory>
#include <optional>

#include "daemon/grid/source.h"

namespace carbond {

class TokenDoor : public HttpDoor {
 public:
  using SinceBoot = std::function<Duration()>;
  // The door behind it lives longer.
  TokenDoor(HttpDoor& door, std::unique_ptr<Login> login, SinceBoot since_boot);

  // Unauthenticated when the login is refused. A login that fails otherwise
  // gives the answer that the login got.
  Result<HttpAnswer> Send(const HttpRequest& request) override;
  void Abort() override { door_.Abort(); }

 private:
  Result<HttpAnswer> SendWithToken(HttpRequest request);
  // Nothing when there is a token now; otherwise what to give instead.
  std::optional<Result<HttpAnswer>> LogIn();
  Duration Age() const { return since_boot_() - got_at_; }

  // Fixed after construction
  HttpDoor& door_;
  const std::unique_ptr<Login> login_;
  const SinceBoot since_boot_;

  std::optional<Secret> token_;
  Duration got_at_{0};
};

}  // namespace carbond
