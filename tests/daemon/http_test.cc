// The door to the network, over real sockets: what it sends, what it takes, and
// what it says when nothing good comes back.
#include "daemon/grid/http.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "tests/daemon/socket_server.h"

namespace carbond {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

CurlDoor::Options Quick() {
  CurlDoor::Options options;
  options.connect_timeout = seconds(5);
  options.total_timeout = seconds(20);
  options.user_agent = "carbond/test";
  return options;
}

HttpRequest Get(const std::string& url) { return {url, {}}; }

// A server that answers every request alike.
SocketServer::Serve Always(const std::string& answer) {
  return [answer](const Peer& peer) {
    peer.ReadRequest();
    peer.Write(answer);
  };
}

std::string WhyNot(CurlDoor& door, const HttpRequest& request) {
  const auto answer = door.Send(request);
  EXPECT_FALSE(answer.ok());
  return Message(answer.status());
}

TEST(Http, SendsItsHeadersAndTakesTheAnswer) {
  SharedText seen;
  const std::string answer = AnswerOf(
      "200 OK",
      "Content-Type: Application/JSON; charset=utf-8\r\nServer: nginx\r\n"
      "Date: Sun, 15 Mar 2026 18:40:00 GMT\r\n",
      "{}");
  const SocketServer server([&](const Peer& peer) {
    seen = peer.ReadRequest();
    peer.Write(answer);
  });
  CurlDoor door(Quick());
  HttpRequest request = Get(server.url() + "/v3/x?a=b%2Bc");
  request.headers.push_back({"auth-token", Secret("sesame")});
  const auto got = door.Send(request);
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->status, 200);
  EXPECT_EQ(got->body, "{}");
  EXPECT_EQ(got->content_type, "application/json; charset=utf-8");
  EXPECT_EQ(got->server, "nginx");
  EXPECT_EQ(got->date, *ParseInstant("2026-03-15T18:40:00Z"));
  EXPECT_EQ(got->retry_after, std::nullopt);
  EXPECT_THAT(seen.get(), AllOf(StartsWith("GET /v3/x?a=b%2Bc HTTP/1.1\r\n"),
                                HasSubstr("auth-token: sesame\r\n"),
                                HasSubstr("User-Agent: carbond/test\r\n")));
}

TEST(Http, GivesTheAnswerOfAnyStatusWithItsRetryAfter) {
  const SocketServer server(
      Always(AnswerOf("429 Too Many", "Retry-After: 90\r\n", "slow down")));
  CurlDoor door(Quick());
  const auto answer = door.Send(Get(server.url()));
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->status, 429);
  EXPECT_EQ(answer->retry_after, seconds(90));
  EXPECT_EQ(answer->body, "slow down");
}

TEST(Http, ReadsARetryAfterThatIsADateByTheServersOwnClock) {
  const auto after = [](const std::string& headers) {
    const SocketServer server(Always(AnswerOf("503 Later", headers, "")));
    CurlDoor door(Quick());
    return door.Send(Get(server.url()))->retry_after;
  };
  const std::string date = "Date: Fri, 31 Dec 1999 23:58:00 GMT\r\n";
  const std::string until = "Retry-After: Fri, 31 Dec 1999 23:59:30 GMT\r\n";
  EXPECT_EQ(after(date + until), seconds(90));
  EXPECT_EQ(after(until), std::nullopt) << "what is now there?";
  EXPECT_EQ(after("Date: Sat, 01 Jan 2000 00:30:00 GMT\r\n" + until),
            Duration(0));
  EXPECT_EQ(after("Retry-After: 99999999999999999999\r\n"), hours(24));
  EXPECT_EQ(after("Retry-After: -5\r\n"), Duration(0));
  EXPECT_EQ(after("Retry-After: soon\r\n"), std::nullopt);
}

TEST(Http, FollowsARedirectOnTheSameHostOnly) {
  const SocketServer elsewhere(Always(AnswerOf("200 OK", "", "stolen")));
  SharedText target;
  SharedText last_seen;
  target = "/new";
  const SocketServer server([&](const Peer& peer) {
    const std::string asked = peer.ReadRequest();
    last_seen = asked;
    const bool moved = asked.starts_with("GET /new ");
    peer.Write(moved ? AnswerOf("200 OK", "", "here")
                     : AnswerOf("302 Found",
                                "Location: " + target.get() + "\r\n", ""));
  });
  CurlDoor door(Quick());
  HttpRequest request = Get(server.url() + "/old?token=x");
  request.headers.push_back({"auth-token", Secret("sesame")});
  const auto moved = door.Send(request);
  ASSERT_TRUE(moved.ok()) << moved.status();
  EXPECT_EQ(moved->body, "here");
  EXPECT_THAT(last_seen.get(), HasSubstr("auth-token: sesame"));

  target = elsewhere.url() + "/new";
  EXPECT_THAT(WhyNot(door, request),
              AllOf(HasSubstr("/old: redirects to " + elsewhere.url()),
                    HasSubstr("set `base_url`"), Not(HasSubstr("token"))));
  EXPECT_EQ(elsewhere.connections(), 0) << "not even asked";

  target = "/old";
  EXPECT_THAT(WhyNot(door, request), HasSubstr("redirects without end"));
}

TEST(Http, RefusesABodyThatIsTooLarge) {
  const SocketServer server(
      Always("HTTP/1.1 200 OK\r\n\r\n" + std::string(5000, 'x')));
  CurlDoor::Options options = Quick();
  options.largest_body = 4096;
  CurlDoor door(options);
  const auto answer = door.Send(Get(server.url() + "/big"));
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(Message(answer.status()),
              HasSubstr("/big: the answer is larger than 4 KiB"));
}

TEST(Http, SaysThatNobodyListens) {
  std::string url;
  {
    url = SocketServer([](const Peer&) {}).url();
  }
  CurlDoor door(Quick());
  const auto answer = door.Send(Get(url + "/v3?secret=1"));
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Message(answer.status()),
            url.substr(7) + "/v3: cannot be connected to (Connection refused)");
}

TEST(Http, SaysThatANameCannotBeResolved) {
  CurlDoor door(Quick());
  EXPECT_THAT(WhyNot(door, Get("https://no-such-host.invalid/v3")),
              StartsWith("no-such-host.invalid/v3: its name cannot be "
                         "resolved; check the network"));
}

TEST(Http, SaysThatItIsNoTls) {
  const SocketServer server([](const Peer& peer) {
    peer.Write("HTTP/1.1 400 Bad Request\r\n\r\n");
    peer.WaitForEnd();
  });
  CurlDoor door(Quick());
  EXPECT_THAT(WhyNot(door, Get("https" + server.url().substr(4))),
              HasSubstr("no TLS connection could be agreed on"));
}

TEST(Http, TakesNoHalfAnswerForAWholeOne) {
  const SocketServer server(
      Always("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"data\":["));
  CurlDoor door(Quick());
  EXPECT_THAT(WhyNot(door, Get(server.url())),
              HasSubstr("broke before the whole answer was there"));
  const SocketServer silent([](const Peer& peer) { peer.ReadRequest(); });
  EXPECT_THAT(WhyNot(door, Get(silent.url())), HasSubstr("broke before"));
}

TEST(Http, GivesUpOnAnAnswerThatNeverEnds) {
  const SocketServer server([](const Peer& peer) {
    peer.ReadRequest();
    peer.Write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{");
    peer.WaitForEnd();
  });
  CurlDoor::Options options = Quick();
  options.total_timeout = Duration(300);
  CurlDoor door(options);
  EXPECT_THAT(WhyNot(door, Get(server.url())),
              HasSubstr("no whole answer within 300ms"));
}

TEST(Http, GivesUpAlikeOnAConnectionThatWasKept) {
  const SocketServer server([](const Peer& peer) {
    peer.ReadRequest();
    peer.Write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    peer.WaitForEnd();
  });
  CurlDoor::Options options = Quick();
  options.total_timeout = Duration(300);
  CurlDoor door(options);
  EXPECT_TRUE(door.Send(Get(server.url())).ok());
  EXPECT_THAT(WhyNot(door, Get(server.url())),
              HasSubstr("no whole answer within 300ms"));
  EXPECT_EQ(server.connections(), 1);
}

TEST(Http, IsAbortedInTheMiddleOfAnAnswerAndSendsNothingMore) {
  std::promise<void> asked;
  const SocketServer server([&](const Peer& peer) {
    peer.ReadRequest();
    asked.set_value();
    peer.WaitForEnd();
  });
  CurlDoor::Options options = Quick();
  options.total_timeout = hours(1);
  CurlDoor door(options);
  std::thread aborter([&] {
    asked.get_future().wait();
    door.Abort();
  });
  const auto answer = door.Send(Get(server.url()));
  aborter.join();
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(door.Send(Get(server.url())).status().code(),
            absl::StatusCode::kCancelled);
  EXPECT_EQ(server.connections(), 1);
}

TEST(Http, BlotsOutTheSecretsThatAnErrorEchoes) {
  const SocketServer server(
      Always(AnswerOf("401 Unauthorized", "",
                      "token sesame-open and again sesame-open is not valid")));
  CurlDoor door(Quick());
  HttpRequest request = Get(server.url());
  request.headers.push_back({"Authorization", Secret("Bearer sesame-open")});
  const auto answer = door.Send(request);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->body, "token *** and again *** is not valid");
}

TEST(Http, KeepsItsConnection) {
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
  const SocketServer server([&](const Peer& peer) {
    while (!peer.ReadRequest().empty() && peer.Write(answer)) {
    }
  });
  CurlDoor door(Quick());
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(door.Send(Get(server.url())).ok());
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST(Http, EncodesCredentialsAndQueries) {
  const auto basic = [](const std::string& user, const std::string& pass) {
    return BasicCredentials(Secret(user), Secret(pass)).Reveal();
  };
  EXPECT_EQ(basic("Aladdin", "open sesame"),  // RFC 7617
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  EXPECT_EQ(basic("a", "b"), "Basic YTpi");
  EXPECT_EQ(basic("a", "bc"), "Basic YTpiYw==");
  EXPECT_EQ(basic("ab", "cd"), "Basic YWI6Y2Q=");
  EXPECT_EQ(PercentEncode("2026-03-15T18:40:00+00:00"),
            "2026-03-15T18%3A40%3A00%2B00%3A00");
  EXPECT_EQ(PercentEncode("CAISO_NORTH"), "CAISO_NORTH");
}

TEST(Http, ShowsNoSecretOfAnAddress) {
  EXPECT_EQ(PlaceOf("https://api.example.org/v3/forecast?token=x"),
            "api.example.org/v3/forecast");
  EXPECT_EQ(PlaceOf("https://user:word@host:81/a@b"), "host:81/a@b");
  EXPECT_EQ(PlaceOf("http://host"), "host");
}

}  // namespace
}  // namespace carbond
