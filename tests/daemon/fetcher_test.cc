// Fetching in time and with manners: the real fetcher and a real source, before
// a door that answers as a test says, on a clock that a test moves.
#include "daemon/grid/fetcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <set>
#include <thread>

#include "daemon/grid/board.h"
#include "daemon/grid/timeline.h"
#include "daemon/grid/watttime.h"
#include "tests/daemon/grid_answers.h"
#include "tests/daemon/log_of_test.h"

namespace carbond {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const Instant kNow = At("2026-03-15T12:02:00Z");

// WattTime, as far as a fetcher sees it: an issue every five minutes, values
// that are known when their step is over.
class FetcherTest : public testing::Test {
 protected:
  HttpAnswer Serve(const HttpRequest& request) {
    if (request.url == "https://wt/login") {
      ++logins_;
      return Answer(200, R"({"token":"secret-token"})");
    }
    ++asked_[Parameter(request.url, "region")];
    const std::string zone = Parameter(request.url, "region");
    if (answer_) return *answer_;
    if (const auto own = answer_of_.find(zone); own != answer_of_.end()) {
      return own->second;
    }
    if (request.url.find("/v3/forecast") != std::string::npos) {
      const Instant issue = FloorTo(clock_.Now(), minutes(5));
      return Answer(
          200, WattTimeBody(issue, 864, value_, zone, FormatInstant(issue)));
    }
    const Instant begin = At(Parameter(request.url, "start"));
    const Instant first = FloorTo(begin, minutes(5)) + minutes(5);
    const Duration length = At(Parameter(request.url, "end")) - first;
    return Answer(
        200, WattTimeBody(first, int(length / minutes(5)) + 1, value_, zone));
  }

  void Make(std::vector<std::string> zones, Duration poll = minutes(5)) {
    fetcher_.reset();
    HttpConfig config;
    config.base_url = "https://wt";
    config.signal = "co2_moer";
    auto door = std::make_unique<ScriptedDoor>(
        [this](const HttpRequest& request) -> Result<HttpAnswer> {
          clock_.Pass(took_);
          if (broken_) return Trouble("wt: cannot be connected to (no route)");
          return Serve(request);
        });
    door_ = door.get();
    fetcher_ = std::make_unique<Fetcher>(
        Fetcher::Options{"wt", "host-a", std::move(zones), hours(72), poll,
                         hours(3)},
        std::make_unique<WattTime>(config, Secret("u"), Secret("password")),
        std::move(door), clock_, [this] { return clock_.Now() - Instant(); });
  }

  // What its thread would do until an instant.
  void RunUntil(Instant end) {
    for (;;) {
      const Instant next = fetcher_->Step();
      if (next > end) break;
      if (next > clock_.Now()) clock_.Set(next);
    }
    clock_.Set(std::max(clock_.Now(), end));
  }
  void RunFor(Duration d) { RunUntil(clock_.Now() + d); }

  std::shared_ptr<const Forecast> NewestForecast() {
    return fetcher_->NewestForecast("DE", clock_.Now());
  }
  int ForecastsAsked() const { return door_->Count("/v3/forecast"); }

  LogOfTest log_;
  MovedClock clock_{kNow};
  Duration took_{0};
  std::string value_ = "1000";
  bool broken_ = false;
  std::optional<HttpAnswer> answer_;
  std::map<std::string, HttpAnswer> answer_of_;
  int logins_ = 0;
  std::map<std::string, int> asked_;
  ScriptedDoor* door_ = nullptr;
  std::unique_ptr<Fetcher> fetcher_;
};

// ---- What it fetches -------------------------------------------------------

TEST_F(FetcherTest, FetchesTheForecastFirstAndThenTwoWeeksOfValues) {
  Make({"DE"});
  EXPECT_EQ(NewestForecast(), nullptr);
  RunFor(seconds(1));
  ASSERT_EQ(door_->asked.size(), 3u);
  EXPECT_THAT(door_->asked[0], HasSubstr("/login"));
  EXPECT_THAT(door_->asked[1], HasSubstr("/v3/forecast?region=DE"));
  EXPECT_EQ(Parameter(door_->asked[2], "start"), "2026-03-01T12:02:00Z");

  const auto forecast = NewestForecast();
  ASSERT_TRUE(forecast);
  EXPECT_EQ(forecast->zone, "DE");
  EXPECT_EQ(forecast->provider, "wt");
  EXPECT_EQ(forecast->signal, "co2_moer");
  EXPECT_EQ(forecast->issued_at, At("2026-03-15T12:00:00Z"));
  EXPECT_EQ(forecast->fetched_at, kNow);
  EXPECT_EQ(forecast->series.At(kNow)->thousandths(), 453'592);

  const auto observed =
      fetcher_->ObservedSince("DE", kNow - hours(24 * 36), clock_.Now());
  ASSERT_TRUE(observed);
  EXPECT_EQ(observed->series.begin(), At("2026-03-01T12:05:00Z"));
  EXPECT_EQ(observed->series.end(), At("2026-03-15T12:00:00Z"));
  EXPECT_EQ(observed->final_until, kNow - hours(48))
      << "what is younger may be revised";
  EXPECT_EQ(fetcher_->ObservedSince("DE", clock_.Now(), clock_.Now()),
            std::nullopt);
}

TEST_F(FetcherTest, PollsOncePerIssueAndNotAtTheFullMinute) {
  Make({"DE"});
  RunFor(seconds(1));
  const int first = ForecastsAsked();
  RunFor(hours(2));
  EXPECT_EQ(ForecastsAsked() - first, 24);
  EXPECT_GE(NewestForecast()->issued_at, At("2026-03-15T13:55:00Z"));
  EXPECT_EQ(logins_, 5) << "every 25 minutes";
}

TEST_F(FetcherTest, SpreadsItsZonesOverThePeriodAndAlikeEveryDay) {
  Make({"A", "B", "C", "D", "E", "F"});
  RunFor(seconds(1));
  const auto moments = [&](Instant day) {
    clock_.Set(day);
    RunUntil(day + minutes(10));
    std::map<std::string, Instant> next;
    for (const auto& zone : fetcher_->Report().zones) {
      next[zone.name] = Instant() + (*zone.fetched_at - day);
    }
    return next;
  };
  const auto one = moments(At("2026-03-16T00:00:00Z"));
  const auto two = moments(At("2026-03-17T00:00:00Z"));
  EXPECT_EQ(one, two);
  std::set<Instant> different;
  for (const auto& [zone, moment] : one) different.insert(moment);
  EXPECT_EQ(different.size(), 6u);
}

TEST_F(FetcherTest, AsksAgainForAllThatMayBeRevisedUntilItIsFinal) {
  Make({"DE"});
  RunFor(seconds(1));
  fetcher_->ObservedSince("DE", kNow - hours(24 * 36), clock_.Now());
  const Instant taken = clock_.Now();
  value_ = "500";  // everything is revised
  RunFor(hours(7));
  const auto observed = fetcher_->ObservedSince("DE", taken, clock_.Now());
  ASSERT_TRUE(observed);
  EXPECT_LE(observed->series.begin(), kNow - hours(48) + minutes(5));
  EXPECT_EQ(observed->series.At(kNow - hours(40))->thousandths(), 226'796);
  EXPECT_GE(observed->final_until, kNow - hours(48) + hours(6));
  EXPECT_LE(observed->final_until, clock_.Now() - hours(48));
  int long_questions = 0;
  for (const std::string& url : door_->asked) {
    const std::string start = Parameter(url, "start");
    if (!start.empty() && At(Parameter(url, "end")) - At(start) > hours(2)) {
      ++long_questions;
    }
  }
  EXPECT_EQ(long_questions, 2) << "two weeks once, and once again two days";
}

TEST_F(FetcherTest, AsksForAllItMissedAfterAnOutage) {
  Make({"DE"});
  RunFor(seconds(1));
  fetcher_->ObservedSince("DE", kNow - hours(24 * 36), clock_.Now());
  broken_ = true;
  RunFor(hours(24));
  EXPECT_TRUE(NewestForecast()) << "what is known is still served";
  broken_ = false;
  RunFor(hours(2));
  const auto observed = fetcher_->ObservedSince("DE", kNow, clock_.Now());
  ASSERT_TRUE(observed);
  EXPECT_TRUE(observed->series.Covers({kNow, clock_.Now() - hours(1)}));
  EXPECT_GE(NewestForecast()->issued_at, clock_.Now() - minutes(10));
}

TEST_F(FetcherTest, SharesOneFetchAmongAllRegionsOfAZone) {
  Make({"DE"});
  std::vector<std::unique_ptr<Provider>> providers;
  Fetcher* const fetcher = fetcher_.get();
  providers.push_back(std::move(fetcher_));
  Board board(std::move(providers),
              {{"DE@wt", {{0, "DE"}}}, {"DE", {{0, "DE"}}}});
  fetcher->Step();
  EXPECT_EQ(board.Poll(clock_.Now()).forecasts.size(), 2u);
  EXPECT_EQ(door_->Count("/v3/forecast"), 1);
}

// ---- How the board hears of it ----------------------------------------------

TEST_F(FetcherTest, GivesEveryValueToTheBoardWithoutABell) {
  Make({"DE"});
  took_ = Duration(700);
  std::vector<std::unique_ptr<Provider>> providers;
  Fetcher* const fetcher = fetcher_.get();
  providers.push_back(std::move(fetcher_));
  Board board(std::move(providers), {{"DE", {{0, "DE"}}}});
  Series known;
  Instant last_issue;
  Duration longest_wait{0};
  int polls = 0;
  Instant poll_at = *board.NextNews(clock_.Now());
  for (const Instant end = kNow + hours(6); clock_.Now() < end;) {
    const Instant fetch_at = fetcher->Step();
    if (poll_at <= clock_.Now()) {
      ++polls;
      for (const Observed& observed : board.Poll(clock_.Now()).observed) {
        known = known.Under(observed.series);
      }
      poll_at = *board.NextNews(clock_.Now());
      const auto newest = fetcher->NewestForecast("DE", clock_.Now());
      if (newest && newest->issued_at != last_issue) {
        last_issue = newest->issued_at;
        longest_wait =
            std::max(longest_wait, clock_.Now() - newest->fetched_at);
      }
    } else if (fetch_at > clock_.Now()) {
      clock_.Set(std::min(fetch_at, poll_at));
    }
  }
  EXPECT_TRUE(known.Covers({kNow - hours(24 * 13), kNow + hours(5)}));
  EXPECT_LE(longest_wait, seconds(10)) << "from the fetch to the engine";
  EXPECT_LE(polls, 6 * 12 * 3) << "a few for every fetch";
}

TEST_F(FetcherTest, ExpectsNewsJustAfterTheNextFetchAndSoonWhileItIsOverdue) {
  Make({"DE"});
  EXPECT_EQ(fetcher_->NextNews("DE", kNow + Duration(10)), kNow + seconds(1));
  RunFor(seconds(1));
  const Instant news = fetcher_->NextNews("DE", clock_.Now());
  const Instant next = fetcher_->Step();
  EXPECT_GT(news, next);
  EXPECT_LE(news, next + seconds(6));
  EXPECT_EQ(fetcher_->NextNews("FR", kNow), Instant::Never()) << "not its own";
}

// ---- When it goes wrong ----------------------------------------------------

TEST_F(FetcherTest, WaitsLongerAndLongerAndSaysEachTroubleOnce) {
  Make({"DE", "FR"});
  broken_ = true;
  RunFor(hours(12));
  const int tries = static_cast<int>(door_->asked.size());
  EXPECT_GE(tries, 20);
  EXPECT_LE(tries, 60) << "every half hour in the end, not every five minutes";
  EXPECT_THAT(log_.Take(),
              ElementsAre(AllOf(
                  HasSubstr("warning no grid data: wt: cannot be connected to "
                            "(no route); asked again in 3"),
                  HasSubstr("provider=wt"))));
  EXPECT_THAT(fetcher_->Report().zones.at(0).trouble,
              HasSubstr("cannot be connected to"));
  broken_ = false;
  RunFor(hours(1));
  EXPECT_THAT(log_.Take(),
              ElementsAre(HasSubstr("info grid data again, after 12h")));
  EXPECT_EQ(fetcher_->Report().zones.at(0).trouble, "");
  EXPECT_TRUE(NewestForecast());
}

TEST_F(FetcherTest, HonoursRetryAfterForAllZones) {
  Make({"DE", "FR"});
  RunFor(seconds(1));
  const auto before = door_->asked.size();
  answer_ = Answer(429, "{}");
  answer_->retry_after = minutes(40);
  RunFor(minutes(40));
  EXPECT_EQ(door_->asked.size() - before, 1u);
  answer_->retry_after.reset();
  RunFor(minutes(10));
  const auto with_second = door_->asked.size();
  RunFor(minutes(4));
  EXPECT_LE(door_->asked.size(), with_second + 1)
      << "without a word of the service: its own period at least";
}

TEST_F(FetcherTest, AsksNoMoreForAZoneThatThePlanDoesNotHold) {
  Make({"DE", "FR"});
  answer_of_["FR"] = Answer(403, R"({"message":"Invalid scope."})");
  RunFor(hours(20));
  EXPECT_EQ(asked_["FR"], 2) << "the forecast and the values, once each";
  EXPECT_GT(asked_["DE"], 200);
  EXPECT_LE(logins_, 20 * 60 / 25 + 2) << "no login for its sake";
  const auto lines = log_.Take();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_THAT(lines[0],
              AllOf(HasSubstr("error no grid data: this account may not read "
                              "co2_moer of FR"),
                    HasSubstr("asked again in 1d"), HasSubstr("zone=FR")));
}

TEST_F(FetcherTest, DoesNotLetOneBadZoneHoldUpTheOthers) {
  Make({"DE", "FR"});
  answer_of_["FR"] = Answer(200, "<html>", "text/html");
  RunFor(hours(6));
  EXPECT_GE(asked_["DE"], 6 * 12);
  EXPECT_LE(asked_["FR"], 50);
  EXPECT_GE(NewestForecast()->issued_at, clock_.Now() - minutes(10));
}

TEST_F(FetcherTest, HoldsAJumpBackUntilASecondAnswerSaysTheSame) {
  Make({"DE"});
  RunFor(minutes(10));
  const Instant good = NewestForecast()->issued_at;
  value_ = "2.2";  // a thousandth: in pounds, and shown in another unit
  RunFor(minutes(5));
  EXPECT_EQ(NewestForecast()->issued_at, good);
  EXPECT_THAT(log_.Take(),
              ElementsAre(HasSubstr("values about 1 g/kWh, where 454 were "
                                    "usual: held back")));
  value_ = "1000";
  RunFor(minutes(5));
  EXPECT_GT(NewestForecast()->issued_at, good) << "it was an error";
  EXPECT_EQ(NewestForecast()->series.At(clock_.Now())->value(), 453.592);

  value_ = "2.2";
  RunFor(minutes(10));
  EXPECT_LT(NewestForecast()->series.At(clock_.Now())->value(), 2)
      << "said twice, it is the new world";
}

TEST_F(FetcherTest, WarnsOnceOfAClockThatIsOff) {
  Make({"DE"});
  answer_ = Answer(200, WattTimeBody(kNow + hours(1), 864, "900", "DE",
                                     FormatInstant(kNow + hours(1))));
  answer_->date = kNow + hours(1);  // this machine is an hour behind
  RunFor(minutes(12));
  int warnings = 0;
  for (const std::string& line : log_.Take()) {
    if (line.find("warning this machine's clock is 1h behind") == 0 ||
        line.find("clock is 59m") != std::string::npos) {
      ++warnings;
    }
  }
  EXPECT_EQ(warnings, 1);
  EXPECT_LE(NewestForecast()->issued_at, clock_.Now());
}

TEST_F(FetcherTest, NeverTellsASecret) {
  for (const int status : {200, 400, 401, 403, 429, 500}) {
    Make({"DE"});
    answer_ = Answer(status, R"({"message":"no"})");
    RunFor(hours(1));
  }
  Make({"DE"});
  broken_ = true;
  RunFor(hours(1));
  const std::vector<std::string> lines = log_.Take();
  EXPECT_GE(lines.size(), 7u);
  for (const std::string& line : lines) {
    EXPECT_THAT(
        line, AllOf(Not(HasSubstr("secret-token")), Not(HasSubstr("password")),
                    Not(HasSubstr("Basic")), Not(HasSubstr("Bearer"))));
  }
}

// ---- Limits ----------------------------------------------------------------

TEST_F(FetcherTest, KeepsAThousandZonesWithinTheServicesLimit) {
  std::vector<std::string> zones;
  for (int i = 0; i < 1000; ++i) zones.push_back(fmt::format("Z{}", i));
  // Small answers, or this test would be of the parser.
  answer_ = Answer(200, WattTimeBody(kNow, 12, "900", ""));
  Make(std::move(zones));
  took_ = Duration(20);
  std::deque<Instant> window;
  size_t counted = 0;
  size_t most = 0;
  for (const Instant end = kNow + minutes(17); clock_.Now() < end;) {
    const Instant next = fetcher_->Step();
    for (; counted < door_->asked.size(); ++counted) {
      window.push_back(clock_.Now());
    }
    while (!window.empty() && window.front() + minutes(5) <= clock_.Now()) {
      window.pop_front();
    }
    most = std::max(most, window.size());
    if (next > clock_.Now()) clock_.Set(next);
  }
  EXPECT_LE(most, 3000u);
  EXPECT_GE(most, 1000u) << "every zone in every period";
  const FetchReport report = fetcher_->Report();
  EXPECT_EQ(report.requests_today, static_cast<int>(counted));
  EXPECT_EQ(report.most_requests, 3000);
  for (const auto& zone : report.zones) {
    EXPECT_GE(*zone.fetched_at, clock_.Now() - minutes(6)) << zone.name;
  }
}

// ---- Time and ends ---------------------------------------------------------

TEST_F(FetcherTest, GoesOnWhenTheClockIsSetBack) {
  Make({"DE"});
  RunFor(minutes(20));
  const int asked = ForecastsAsked();
  fetcher_->ObservedSince("DE", kNow - hours(24 * 36), clock_.Now());
  const Instant taken = clock_.Now();
  clock_.Set(kNow - hours(5));
  RunFor(minutes(20));
  EXPECT_GE(ForecastsAsked(), asked + 3);
  EXPECT_LE(NewestForecast()->issued_at, clock_.Now());
  const auto observed = fetcher_->ObservedSince(
      "DE", std::min(taken, clock_.Now()), clock_.Now());
  ASSERT_TRUE(observed) << "never handed out, so it is news";
  EXPECT_LE(observed->fetched_at, clock_.Now());
}

TEST_F(FetcherTest, FetchesOnItsOwnThreadWhileOthersLook) {
  took_ = seconds(1);  // the clock is moved by the fetching thread alone
  Make({"DE", "FR"});
  fetcher_->Start();
  Series known;
  while (!fetcher_->NewestForecast("FR", kNow) || known.empty()) {
    const auto observed = fetcher_->ObservedSince("DE", kNow, kNow);
    if (observed) known = known.Under(observed->series);
    EXPECT_GT(fetcher_->NextNews("DE", kNow), kNow);
    EXPECT_EQ(fetcher_->Report().zones.size(), 2u);
    std::this_thread::yield();
  }
  fetcher_->Stop();
  EXPECT_EQ(known.end(), At("2026-03-15T12:00:00Z"));
}

TEST_F(FetcherTest, EndsItsThreadAndTheRequestUnderWay) {
  Make({"DE"});
  broken_ = true;
  fetcher_->Stop();
  fetcher_->Start();  // ends after what it had begun
  fetcher_->Stop();
  EXPECT_TRUE(door_->aborted);
  EXPECT_THAT(log_.Take(), IsEmpty()) << "an abort is no trouble";
}

}  // namespace
}  // namespace carbond
