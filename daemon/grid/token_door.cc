#include "daemon/grid/token_door.h"

namespace carbond {
namespace {

constexpr Duration kYoung = minutes(1);

}  // namespace

TokenDoor::TokenDoor(HttpDoor& door, std::unique_ptr<Login> login,
                     SinceBoot since_boot)
    : door_(door),
      login_(std::move(login)),
      since_boot_(std::move(since_boot)) {}

std::optional<Result<HttpAnswer>> TokenDoor::LogIn() {
  token_.reset();
  Result<HttpAnswer> answer = door_.Send(login_->Request());
  if (!answer.ok()) return answer;
  OrFailure<Secret> outcome = login_->Parse(*answer);
  if (auto* token = std::get_if<Secret>(&outcome)) {
    token_ = std::move(*token);
    got_at_ = since_boot_();
    return std::nullopt;
  }
  const Failure& failure = std::get<Failure>(outcome);
  if (failure.kind == Failure::Kind::kBadCredentials) {
    return absl::UnauthenticatedError(failure.sentence);
  }
  if (answer->status != 200) return answer;
  return Trouble("{}", failure.sentence);
}

Result<HttpAnswer> TokenDoor::SendWithToken(HttpRequest request) {
  request.headers.push_back(login_->HeaderOf(*token_));
  return door_.Send(request);
}

Result<HttpAnswer> TokenDoor::Send(const HttpRequest& request) {
  if (!token_ || Age() >= login_->renew_after()) {
    if (auto instead = LogIn()) return *std::move(instead);
  }
  Result<HttpAnswer> answer = SendWithToken(request);
  if (!answer.ok() || !login_->Denies(*answer) || Age() < kYoung) {
    return answer;
  }
  if (auto instead = LogIn()) return *std::move(instead);
  return SendWithToken(request);
}

}  // namespace carbond
