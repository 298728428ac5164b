// Logging in where a service wants it: seldom, in time, and never in a storm.
#include "daemon/grid/token_door.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/grid/watttime.h"
#include "tests/daemon/grid_answers.h"

namespace carbond {
namespace {

using testing::HasSubstr;

// WattTime's login before a service that counts its tokens.
class TokenDoorTest : public testing::Test {
 protected:
  TokenDoorTest() {
    HttpConfig config;
    config.base_url = "https://wt";
    config.signal = "co2_moer";
    door_ = std::make_unique<TokenDoor>(
        inner_, WattTime(config, Secret("u"), Secret("p")).login(),
        [this] { return since_boot_; });
  }
  HttpAnswer Serve(const HttpRequest& request) {
    EXPECT_EQ(request.headers.size(), 1u) << "Basic or Bearer, never both";
    const std::string& shown = request.headers.at(0).value.Reveal();
    if (request.url == "https://wt/login") {
      EXPECT_EQ(shown, "Basic dTpw");
      ++logins_;
      if (login_answer_) return *login_answer_;
      return Answer(200, fmt::format(R"({{"token":"t{}"}})", logins_));
    }
    if (data_answer_) return *data_answer_;
    if (shown != fmt::format("Bearer t{}", logins_) || expired_) {
      expired_ = false;
      return Answer(401, R"({"error":"Unauthorized"})");
    }
    return Answer(200, "data");
  }
  Result<HttpAnswer> Send() { return door_->Send({"https://wt/v3/x", {}}); }

  Duration since_boot_ = hours(5);
  int logins_ = 0;
  bool expired_ = false;
  std::optional<HttpAnswer> login_answer_;
  std::optional<HttpAnswer> data_answer_;
  ScriptedDoor inner_{[this](const HttpRequest& r) { return Serve(r); }};
  std::unique_ptr<TokenDoor> door_;
};

TEST_F(TokenDoorTest, LogsInOnceForManyRequests) {
  for (int i = 0; i < 100; ++i) EXPECT_EQ(Send()->body, "data");
  EXPECT_EQ(logins_, 1);
}

TEST_F(TokenDoorTest, RenewsATokenThatIsTwentyFiveMinutesOld) {
  EXPECT_TRUE(Send().ok());
  since_boot_ += minutes(25) - Duration(1);
  EXPECT_TRUE(Send().ok());
  EXPECT_EQ(logins_, 1);
  since_boot_ += Duration(1);
  EXPECT_EQ(Send()->body, "data");
  EXPECT_EQ(logins_, 2);
}

TEST_F(TokenDoorTest, LogsInOnceMoreWhenATokenEndsEarly) {
  EXPECT_TRUE(Send().ok());
  since_boot_ += minutes(10);
  expired_ = true;
  EXPECT_EQ(Send()->body, "data");
  EXPECT_EQ(logins_, 2);
  EXPECT_EQ(inner_.Count("/v3/x"), 3);
}

TEST_F(TokenDoorTest, DoesNotLogInAgainAndAgainWhenTokensAreRefused) {
  data_answer_ = Answer(401, "{}");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Send()->status, 401);
  EXPECT_EQ(logins_, 1) << "a token of a moment ago is as good as another";
  since_boot_ += minutes(2);
  EXPECT_EQ(Send()->status, 401);
  EXPECT_EQ(logins_, 2);
}

TEST_F(TokenDoorTest, DoesNotLogInAgainBecauseThePlanHoldsNoSuchRegion) {
  EXPECT_TRUE(Send().ok());
  since_boot_ += minutes(5);
  data_answer_ = Answer(403, R"({"message":"Invalid scope. No access."})");
  EXPECT_EQ(Send()->status, 403);
  data_answer_ = Html(403, "cloudfront");
  EXPECT_EQ(Send()->status, 403);
  EXPECT_EQ(logins_, 1);
  data_answer_ = Html(403, "nginx");
  EXPECT_TRUE(Send().ok());
  EXPECT_EQ(logins_, 2) << "that page is of an old token";
}

TEST_F(TokenDoorTest, SaysThatTheCredentialsAreRefused) {
  login_answer_ = Html(403, "nginx");
  const auto answer = Send();
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(Message(answer.status()),
            "wt/login: the login is refused (HTTP 403, an HTML page of nginx); "
            "check user name and password");
  EXPECT_EQ(inner_.Count("/v3/x"), 0);
}

TEST_F(TokenDoorTest, HandsOnWhatElseALoginMeetsWith) {
  login_answer_ = Answer(429, "{}");
  login_answer_->retry_after = seconds(77);
  EXPECT_EQ(Send()->status, 429);
  EXPECT_EQ(Send()->retry_after, seconds(77));
  login_answer_ = Answer(200, R"({"token":""})");
  EXPECT_THAT(Message(Send().status()), HasSubstr("the login gave no token"));
  login_answer_ = Answer(200, R"({"token":"a\r\nX: y"})");
  EXPECT_EQ(Send().status().code(), absl::StatusCode::kUnavailable)
      << "a token with a line break would be two headers";
  login_answer_.reset();
  EXPECT_EQ(Send()->body, "data");
}

}  // namespace
}  // namespace carbond
