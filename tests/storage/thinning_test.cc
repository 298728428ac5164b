// Forecasts in the archive grow fewer with age: all of the last 14 days, of
// those before the first of each hour.

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "storage/verify.h"
#include "tests/storage/ledger_world.h"
#include "tests/storage/raw_ledger.h"

namespace carbond {
namespace {

constexpr int64_t kHour = 60;  // everything here is in minutes
constexpr int64_t kDay = 24 * kHour;
constexpr int64_t kKeptWhole = 14 * kDay;

Forecast Issue(int64_t minute, const std::string& zone = "Z",
               const std::string& provider = "wt") {
  return {zone,       provider,       "co2_moer",
          At(minute), At(minute + 1), SeriesOf(minute, minutes(5), {1})};
}

int64_t MinuteOf(Instant t) { return (t - At(0)) / minutes(1); }

// What the rule leaves of these issues.
std::set<int64_t> Thinned(const std::set<int64_t>& issues) {
  const int64_t whole_from = (*issues.rbegin() - kKeptWhole) / kHour * kHour;
  std::set<int64_t> left;
  for (const int64_t minute : issues) {
    const bool first_of_its_hour =
        minute == *issues.lower_bound(minute / kHour * kHour);
    if (minute >= whole_from || first_of_its_hour) left.insert(minute);
  }
  return left;
}

class ThinningTest : public testing::Test {
 protected:
  // In one transaction.
  void Append(std::vector<Forecast> forecasts) {
    Batch batch;
    batch.forecasts = std::move(forecasts);
    const Status status = ledger_->Append(batch);
    ASSERT_TRUE(status.ok()) << status;
  }
  // Issues from one minute to another, of which the archive was never thinned:
  // as an older carbond left them. Each fills a good part of a page.
  void LeaveUnthinned(int64_t from, int64_t to, int64_t every) {
    RawLedger(path_).Run(fmt::format(
        "INSERT INTO feeds (id, zone, provider, signal) "
        "VALUES (1, 'Z', 'wt', 'co2_moer');"
        "WITH RECURSIVE n (at) AS (SELECT {} UNION ALL "
        "SELECT at + {} FROM n WHERE at + {} < {}) "
        "INSERT INTO forecasts (feed, issued_at_ms, fetched_at_ms, begin_ms, "
        "end_ms, points) SELECT 1, at, at, at, at, zeroblob(3000) FROM n",
        At(from).millis(), every * 60'000, every * 60'000, At(to).millis()));
  }
  std::set<int64_t> Left(const std::string& zone = "Z",
                         const std::string& provider = "wt") {
    std::set<int64_t> left;
    SQLite::Database database(path_);
    SQLite::Statement query(
        database,
        "SELECT issued_at_ms FROM forecasts c JOIN feeds f ON f.id = c.feed "
        "WHERE zone = '" +
            zone + "' AND provider = '" + provider + "'");
    while (query.executeStep()) {
      left.insert(MinuteOf(Instant::FromMillis(query.getColumn(0).getInt64())));
    }
    return left;
  }
  std::string Ask(const std::string& sql) { return RawLedger(path_).Ask(sql); }

  LedgerFolder folder_;
  const std::string path_ = folder_ / "ledger.db";
  std::unique_ptr<SqliteLedger> ledger_ = OpenLedger(path_);
};

TEST_F(ThinningTest, KeepsAllOfTwoWeeksAndBeforeThemTheFirstOfEachHour) {
  std::set<int64_t> issues;
  for (int64_t day = 0; day < 16; ++day) {
    std::vector<Forecast> of_the_day;
    for (int64_t minute = day * kDay; minute < (day + 1) * kDay; minute += 5) {
      issues.insert(minute);
      of_the_day.push_back(Issue(minute));
    }
    Append(of_the_day);
    if (day == 13) {
      EXPECT_EQ(Left(), issues) << "nothing is old enough";
    }
  }
  // The last was issued at 23:55 of the 16th day: up to 23:00 of the second
  // day one in twelve is left.
  const std::set<int64_t> left = Left();
  EXPECT_EQ(left, Thinned(issues));
  EXPECT_EQ(left.size(), 24u + 23 + 12 + 14 * 288);
  EXPECT_TRUE(left.contains(kDay + 22 * kHour));
  EXPECT_FALSE(left.contains(kDay + 22 * kHour + 5));
  EXPECT_TRUE(left.contains(kDay + 23 * kHour + 5));
  const auto verified = VerifyLedger(path_);
  EXPECT_TRUE(verified.ok()) << verified.status();
}

// Gaps, issues at any minute, some that come late: of all that was ever stored
// the rule leaves the same, and a restart hears the same.
TEST_F(ThinningTest, AgreesWithTheRuleWhateverTheOrder) {
  for (uint64_t seed = 0; seed < 12; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    const auto pick = [&](int64_t n) {
      return static_cast<int64_t>(random() % static_cast<uint64_t>(n));
    };
    const std::string zone = "Z" + std::to_string(seed);
    std::set<int64_t> issues;
    int64_t now = pick(kHour);
    for (int batch = 0; batch < 12; ++batch) {
      std::vector<Forecast> together;
      for (int64_t n = 1 + pick(60); n > 0; --n) {
        now += pick(40) == 0 ? pick(4 * kDay) : 1 + pick(30);
        const bool late = pick(10) == 0;
        const int64_t minute =
            late ? std::max<int64_t>(0, now - pick(30 * kDay)) : now;
        issues.insert(minute);
        together.push_back(Issue(minute, zone));
      }
      Append(together);
    }
    // More of the last, until it has caught up.
    for (int more = 0; more < 40; ++more) Append({Issue(now, zone)});
    issues.insert(now);
    EXPECT_EQ(Left(zone), Thinned(issues));

    std::set<int64_t> due, heard;
    for (const int64_t minute : issues) {
      if (minute == *issues.lower_bound(minute / kHour * kHour) ||
          minute == *issues.rbegin()) {
        due.insert(minute);
      }
    }
    const auto told = ledger_->ForecastsSince(zone, Instant());
    ASSERT_TRUE(told.ok()) << told.status();
    for (const Forecast& each : *told) {
      heard.insert(MinuteOf(each.issued_at));
    }
    EXPECT_EQ(heard, due);
  }
}

TEST_F(ThinningTest, CatchesUpInSmallPieces) {
  LeaveUnthinned(0, 20 * kDay, 5);
  std::set<int64_t> issues = Left();
  ASSERT_EQ(issues.size(), 20u * 288);
  const int64_t now = 40 * kDay;
  issues.insert(now);
  size_t before = issues.size();
  int transactions = 0;
  for (; Left() != Thinned(issues) && transactions < 200; ++transactions) {
    Append({Issue(now)});
    const size_t left = Left().size();
    EXPECT_LT(left, before);
    EXPECT_LT(before - left, 64u);
    before = left;
  }
  EXPECT_EQ(Left(), Thinned(issues));
  EXPECT_GT(transactions, 80);
  Append({Issue(now)});
  EXPECT_EQ(Left(), Thinned(issues)) << "and then nothing is left to do";
  const auto verified = VerifyLedger(path_);
  EXPECT_TRUE(verified.ok()) << verified.status();
}

TEST_F(ThinningTest, GetsPastAnHourOfMoreIssuesThanItLooksAt) {
  LeaveUnthinned(0, 2 * kHour, 1);
  RawLedger(path_).Run(
      "INSERT INTO forecasts (feed, issued_at_ms, fetched_at_ms, begin_ms, "
      "end_ms, points) SELECT feed, issued_at_ms + 1000 * n.value, 0, 0, 0, "
      "points FROM forecasts, json_each('[1,2,3,4,5]') n");
  ASSERT_EQ(Ask("SELECT count(*) FROM forecasts"), "720");
  for (int i = 0; i < 20; ++i) Append({Issue(30 * kDay)});
  EXPECT_EQ(Left(), (std::set<int64_t>{0, kHour, 30 * kDay}));
  EXPECT_EQ(Ask("SELECT count(*) FROM forecasts"), "3");
}

TEST_F(ThinningTest, FillsThePagesThatBecomeFree) {
  LeaveUnthinned(0, 2 * kDay, 5);
  const int64_t pages = std::stoll(Ask("PRAGMA page_count"));
  const Series curve = SeriesOf(0, minutes(5), [] {
    std::vector<double> noisy;
    for (int i = 0; i < 864; ++i) noisy.push_back(i % 2 == 0 ? 100.5 : 300.25);
    return noisy;
  }());
  for (int i = 0; i < 300; ++i) {
    Forecast next = Issue(30 * kDay + 5 * i);
    next.series = curve;
    Append({next});
  }
  EXPECT_EQ(Left().size(), 48u + 300);
  EXPECT_LT(std::stoll(Ask("PRAGMA page_count")), pages + 20);
}

TEST_F(ThinningTest, IsNotMisledByOneClock) {
  const std::set<int64_t> issues = {0, 5, 10};
  for (const int64_t minute : issues) Append({Issue(minute)});
  // Issued now as it says, but fetched in a year by our own clock; and then
  // issued in a year by the provider's.
  Forecast ours = Issue(15);
  ours.fetched_at = At(400 * kDay);
  Append({ours});
  Forecast theirs = Issue(400 * kDay);
  theirs.fetched_at = At(20);
  Append({theirs});
  EXPECT_EQ(Left(), (std::set<int64_t>{0, 5, 10, 15, 400 * kDay}));
  // When both say so it is so, and the newest stays, as it always does.
  Append({Issue(401 * kDay)});
  EXPECT_EQ(Left(), (std::set<int64_t>{0, 400 * kDay, 401 * kDay}));
  // Set back again, the clock finds what it left, and is thinned as ever.
  Append({Issue(20), Issue(25)});
  EXPECT_EQ(Left(), (std::set<int64_t>{0, 20, 25, 400 * kDay, 401 * kDay}));
  Append({Issue(402 * kDay)});
  EXPECT_EQ(Left(), (std::set<int64_t>{0, 400 * kDay, 401 * kDay, 402 * kDay}));
}

TEST_F(ThinningTest, ThinsEachFeedForItself) {
  Append({Issue(0), Issue(5), Issue(3, "Z", "em"), Issue(8, "Z", "em"),
          Issue(0, "Y"), Issue(5, "Y")});
  Append({Issue(30 * kDay)});
  EXPECT_EQ(Left(), (std::set<int64_t>{0, 30 * kDay}));
  EXPECT_EQ(Left("Z", "em"), (std::set<int64_t>{3, 8}));
  EXPECT_EQ(Left("Y"), (std::set<int64_t>{0, 5}))
      << "nothing new is known of that zone";
  Append({Issue(30 * kDay, "Z", "em")});
  EXPECT_EQ(Left("Z", "em"), (std::set<int64_t>{3, 30 * kDay}));
}

}  // namespace
}  // namespace carbond
