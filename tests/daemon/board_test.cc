// Which provider speaks for a zone, and what of it is news.
#include "daemon/grid/board.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "daemon/grid/factory.h"
#include "tests/daemon/scratch_folder.h"

namespace carbond {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Instant At(const std::string& text) { return *ParseInstant(text); }
const Instant kNoon = At("2026-11-21T12:00:00Z");

// Hourly values of one provider from an instant to another.
Series Hours(Instant begin, Instant end, int grams) {
  std::vector<Slot> slots;
  for (Instant at = begin; at < end; at += hours(1)) {
    slots.push_back({{at, at + hours(1)}, GramsPerKwh::Of(grams)});
  }
  return *Series::Make(std::move(slots));
}

// Says what a test makes it say: values up to `alive_until`, and the last
// hourly issue before it.
class FakeProvider : public Provider {
 public:
  FakeProvider(std::string name, int grams)
      : name_(std::move(name)), grams_(grams) {}

  const std::string& name() const override { return name_; }
  Duration stale_after() const override { return hours(3); }

  std::shared_ptr<const Forecast> NewestForecast(const std::string& zone,
                                                 Instant now) override {
    ++asked;
    const Instant hour = Instant::FromMillis(
        std::min(now, alive_until).millis() / 3'600'000 * 3'600'000);
    if (!has_forecasts || hour < begin) return nullptr;
    return std::make_shared<const Forecast>(
        Forecast{zone, name_, "average", hour, now,
                 Hours(hour, hour + horizon, grams_)});
  }
  std::optional<Observed> ObservedSince(const std::string& zone, Instant since,
                                        Instant now) override {
    std::vector<Slot> slots;
    for (Instant at = begin; at + hours(1) <= std::min(now, alive_until);
         at += hours(1)) {
      if (at + hours(1) > since) {
        slots.push_back({{at, at + hours(1)}, GramsPerKwh::Of(grams_)});
      }
    }
    if (slots.empty()) return std::nullopt;
    const Instant end = slots.back().interval.end;
    return Observed{zone, name_, "average",
                    now,  end,   *Series::Make(std::move(slots))};
  }
  Instant NextNews(const std::string&, Instant now) override {
    return now + poll;
  }

  int asked = 0;
  Instant begin = kNoon - hours(24);
  Instant alive_until = Instant::Never();
  bool has_forecasts = true;
  Duration horizon = hours(24);
  Duration poll = minutes(5);

 private:
  std::string name_;
  int grams_;
};

struct World {
  FakeProvider* first;
  FakeProvider* second;
  std::unique_ptr<Board> board;
};

World Chain() {
  auto first = std::make_unique<FakeProvider>("first", 100);
  auto second = std::make_unique<FakeProvider>("second", 200);
  World world{first.get(), second.get(), nullptr};
  std::vector<std::unique_ptr<Provider>> providers;
  providers.push_back(std::move(first));
  providers.push_back(std::move(second));
  world.board = std::make_unique<Board>(
      std::move(providers),
      std::vector<BoardZone>{{"DE@a+b", {{0, "DE"}, {1, "DE"}}}});
  return world;
}

TEST(Board, GivesHistoryAndForecastAtFirstAndLaterOnlyNews) {
  World world = Chain();
  const GridNews first = world.board->Poll(kNoon);
  ASSERT_EQ(first.forecasts.size(), 1u);
  EXPECT_EQ(first.forecasts[0].zone, "DE@a+b");
  EXPECT_EQ(first.forecasts[0].provider, "first");
  ASSERT_EQ(first.observed.size(), 1u);
  EXPECT_EQ(first.observed[0].zone, "DE@a+b");
  EXPECT_EQ(first.observed[0].series, Hours(kNoon - hours(24), kNoon, 100));

  const GridNews none = world.board->Poll(kNoon + minutes(5));
  EXPECT_THAT(none.forecasts, IsEmpty());
  EXPECT_THAT(none.observed, IsEmpty());

  const GridNews next = world.board->Poll(kNoon + hours(1));
  ASSERT_EQ(next.forecasts.size(), 1u);
  EXPECT_EQ(next.forecasts[0].issued_at, kNoon + hours(1));
  ASSERT_EQ(next.observed.size(), 1u);
  EXPECT_EQ(next.observed[0].series, Hours(kNoon, kNoon + hours(1), 100));
}

TEST(Board, GivesNoMoreThanAFewWeeksOfHistory) {
  World world = Chain();
  world.first->begin = kNoon - hours(24 * 90);
  const GridNews news = world.board->Poll(kNoon);
  ASSERT_EQ(news.observed.size(), 1u);
  EXPECT_EQ(news.observed[0].series.begin(), kNoon - hours(24 * 36));
}

TEST(Board, AsksAProviderOnlyWhenItsPollIsDue) {
  World world = Chain();
  EXPECT_EQ(world.board->NextNews(kNoon), kNoon);
  world.board->Poll(kNoon);
  EXPECT_EQ(world.first->asked, 1);
  EXPECT_EQ(world.board->NextNews(kNoon), kNoon + minutes(5));
  world.board->Poll(kNoon + minutes(5) - Duration(1));
  EXPECT_EQ(world.first->asked, 1);
  world.board->Poll(kNoon + minutes(5));
  EXPECT_EQ(world.first->asked, 2);
}

TEST(Board, AsksAgainWhenTheClockWasSetBack) {
  World world = Chain();
  world.board->Poll(kNoon);
  EXPECT_EQ(world.board->NextNews(kNoon - hours(5)), kNoon - hours(5));
  const GridNews news = world.board->Poll(kNoon - hours(5));
  ASSERT_EQ(news.forecasts.size(), 1u);
  EXPECT_EQ(news.forecasts[0].issued_at, kNoon - hours(5));
  EXPECT_EQ(world.board->Poll(kNoon - hours(4)).observed.size(), 1u);
}

TEST(Board, TakesTheNextOfTheChainWhileTheFirstIsStale) {
  World world = Chain();
  world.board->Poll(kNoon);
  world.first->alive_until = kNoon + minutes(30);

  EXPECT_THAT(world.board->Poll(kNoon + hours(3)).forecasts, IsEmpty())
      << "three hours old is not yet stale";
  const GridNews stale = world.board->Poll(kNoon + hours(3) + minutes(5));
  ASSERT_EQ(stale.forecasts.size(), 1u);
  EXPECT_EQ(stale.forecasts[0].provider, "second");
  EXPECT_EQ(stale.forecasts[0].issued_at, kNoon + hours(3));
  ASSERT_EQ(stale.observed.size(), 1u);
  EXPECT_EQ(stale.observed[0].provider, "second");
  EXPECT_EQ(stale.observed[0].series, Hours(kNoon, kNoon + hours(3), 200))
      << "what the first had said stands";

  world.first->alive_until = Instant::Never();
  const GridNews back = world.board->Poll(kNoon + hours(4));
  ASSERT_EQ(back.forecasts.size(), 1u);
  EXPECT_EQ(back.forecasts[0].provider, "first");
  ASSERT_EQ(back.observed.size(), 1u);
  EXPECT_EQ(back.observed[0].provider, "first");
  EXPECT_EQ(back.observed[0].series, Hours(kNoon, kNoon + hours(4), 100))
      << "what the first missed replaces the second's";

  const GridNews after = world.board->Poll(kNoon + hours(5));
  ASSERT_EQ(after.observed.size(), 1u);
  EXPECT_EQ(after.observed[0].provider, "first");
}

TEST(Board, TakesTheNextOfTheChainWhenTheFirstHasNothingToSay) {
  World world = Chain();
  world.first->has_forecasts = false;
  const GridNews news = world.board->Poll(kNoon);
  ASSERT_EQ(news.forecasts.size(), 1u);
  EXPECT_EQ(news.forecasts[0].provider, "second");
  ASSERT_EQ(news.observed.size(), 1u);
  EXPECT_EQ(news.observed[0].provider, "first")
      << "it observes, though it forecasts nothing";
}

TEST(Board, TakesTheNextOfTheChainWhenTheFirstForecastIsUsedUp) {
  World world = Chain();
  world.first->horizon = hours(1);
  world.first->alive_until = kNoon;
  world.board->Poll(kNoon);
  const GridNews news = world.board->Poll(kNoon + hours(1));
  ASSERT_EQ(news.forecasts.size(), 1u);
  EXPECT_EQ(news.forecasts[0].provider, "second");
}

TEST(Board, KeepsTheNewestForecastWhenAllAreStale) {
  World world = Chain();
  world.first->alive_until = kNoon - hours(10);
  world.second->alive_until = kNoon - hours(5);
  const GridNews old = world.board->Poll(kNoon);
  ASSERT_EQ(old.forecasts.size(), 1u) << "with its age, which is to be shown";
  EXPECT_EQ(old.forecasts[0].provider, "second");
  EXPECT_EQ(old.forecasts[0].issued_at, kNoon - hours(5));
  std::vector<std::string> speakers;
  for (const Observed& observed : old.observed) {
    speakers.push_back(observed.provider);
  }
  EXPECT_THAT(speakers, ElementsAre("first", "second"));
  EXPECT_EQ(old.observed[1].series,
            Hours(kNoon - hours(10), kNoon - hours(5), 200));
  EXPECT_THAT(world.board->Poll(kNoon + hours(1)).forecasts, IsEmpty());
}

TEST(Board, PollsEveryZoneAtItsOwnTime) {
  auto slow = std::make_unique<FakeProvider>("slow", 1);
  auto quick = std::make_unique<FakeProvider>("quick", 2);
  slow->poll = minutes(30);
  FakeProvider* const slow_one = slow.get();
  FakeProvider* const quick_one = quick.get();
  std::vector<std::unique_ptr<Provider>> providers;
  providers.push_back(std::move(slow));
  providers.push_back(std::move(quick));
  Board board(std::move(providers), {{"s", {{0, "s"}}}, {"q", {{1, "q"}}}});
  board.Poll(kNoon);
  for (int minute = 1; minute < 30; ++minute) {
    board.Poll(kNoon + minutes(minute));
  }
  EXPECT_EQ(slow_one->asked, 1);
  EXPECT_EQ(quick_one->asked, 6);
}

TEST(Board, WithoutZonesExpectsNoNews) {
  Board board({}, {});
  EXPECT_EQ(board.NextNews(kNoon), std::nullopt);
  EXPECT_THAT(board.Poll(kNoon).forecasts, IsEmpty());
}

// ---- from a configuration ---------------------------------------------------

class GridOfConfig : public testing::Test {
 protected:
  void SetUp() override {
    std::string text = "time_utc,gco2_per_kwh\n";
    for (int i = 0; i < 72; ++i) {
      text += FormatInstant(At("2021-07-01T00:00:00Z") + hours(i)) +
              fmt::format(",{}\n", i);
    }
    folder_.Write("a.csv", text);
  }
  Config Parse(const std::string& providers, const std::string& regions) {
    const std::string yaml =
        "state_dir: s\nproviders:\n" + providers + "regions:\n" + regions;
    ConfigResult result = ParseConfig(yaml, "carbond.yaml", folder_.path());
    for (const ConfigMistake& mistake : result.mistakes) {
      ADD_FAILURE() << Format("carbond.yaml", mistake);
    }
    return result.config.value_or(Config());
  }
  static constexpr char kRegion[] =
      "  - {{name: {}, grid: {}, capacity: {{gpus: 1}}}}\n";

  ScratchFolder folder_;
  const SystemClock clock_;
};

TEST_F(GridOfConfig, SharesAZoneBetweenRegions) {
  const Config config = Parse(
      "  rec: {type: recorded, actual: a.csv, signal: average, replay: now}\n",
      fmt::format(kRegion, "one", "rec") + fmt::format(kRegion, "two", "rec"));
  const auto grid = MakeGrid(config, kNoon, clock_);
  ASSERT_TRUE(grid.ok()) << grid.status();
  const GridNews news = (*grid)->Poll(kNoon);
  ASSERT_EQ(news.forecasts.size(), 1u);
  EXPECT_EQ(news.forecasts[0].zone, config.regions[0].region.zone);
  EXPECT_EQ(news.forecasts[0].zone, config.regions[1].region.zone);
  EXPECT_EQ(news.forecasts[0].provider, "rec (recorded values as forecast)");
  EXPECT_EQ(news.forecasts[0].series.At(kNoon), GramsPerKwh::Of(12));
  EXPECT_EQ((*grid)->NextNews(kNoon), kNoon + minutes(5));
}

TEST_F(GridOfConfig, FallsBackOnTheSecondRecordingOfAChain) {
  std::string text = "time_utc,gco2_per_kwh\n";
  for (int i = 0; i < 10; ++i) {
    text += FormatInstant(At("2021-07-01T00:00:00Z") + hours(i)) + ",500\n";
  }
  folder_.Write("short.csv", text);
  const Config config = Parse(
      "  a: {type: recorded, actual: short.csv, signal: x, replay: now}\n"
      "  b: {type: recorded, actual: a.csv, signal: x, replay: now}\n",
      fmt::format(kRegion, "one", "[a, b]"));
  const auto grid = MakeGrid(config, kNoon, clock_);
  ASSERT_TRUE(grid.ok()) << grid.status();
  const Instant day = kNoon - hours(12);
  EXPECT_EQ(
      (*grid)->Poll(day + hours(9)).forecasts.at(0).series.At(day + hours(9)),
      GramsPerKwh::Of(500));
  const GridNews later = (*grid)->Poll(day + hours(10));
  ASSERT_EQ(later.forecasts.size(), 1u) << "the first has nothing left";
  EXPECT_EQ(later.forecasts[0].series.At(day + hours(10)), GramsPerKwh::Of(10));
  EXPECT_EQ(later.forecasts[0].zone, "a@a+b");
}

TEST_F(GridOfConfig, NamesTheProviderThatCannotBeUsed) {
  folder_.Write("bad.csv", "time_utc,gco2_per_kwh\n2021-07-01T00:00:00Z,-1\n");
  const Config config =
      Parse("  bad: {type: recorded, actual: bad.csv, signal: average}\n",
            fmt::format(kRegion, "one", "bad"));
  const auto grid = MakeGrid(config, kNoon, clock_);
  ASSERT_FALSE(grid.ok());
  EXPECT_THAT(Message(grid.status()), HasSubstr("provider bad: "));
  EXPECT_THAT(Message(grid.status()), HasSubstr("bad.csv:2: -1 g/kWh"));
}

// A demonstration's day at the speed of a day a minute, in the daemon's steps.
TEST_F(GridOfConfig, GivesEveryValueOnceOverADay) {
  const Config config = Parse(
      "  rec: {type: recorded, actual: a.csv, signal: average, replay: now,\n"
      "        loop: true}\n",
      fmt::format(kRegion, "one", "rec"));
  const auto grid = MakeGrid(config, kNoon, clock_);
  ASSERT_TRUE(grid.ok());
  Series seen;
  size_t values = 0;
  Instant now = kNoon;
  for (int step = 0; step < 1000; ++step, now += seconds(317)) {
    for (const Observed& observed : (*grid)->Poll(now).observed) {
      values += observed.series.slots().size();
      seen = seen.Under(observed.series);
    }
  }
  EXPECT_EQ(values, seen.slots().size()) << "none was given twice";
  EXPECT_TRUE(seen.Covers({kNoon - hours(24 * 8), now - hours(2)}));
}

}  // namespace
}  // namespace carbond
