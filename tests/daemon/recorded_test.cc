// Recorded files as a provider: what is known when, and where a recording lies
// on the daemon's clock.
#include "daemon/grid/recorded.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>

#include "tests/daemon/scratch_folder.h"

namespace carbond {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using Replay = RecordedConfig::Replay;

Instant At(const std::string& text) { return *ParseInstant(text); }

std::string Row(Instant t, int grams) {
  return fmt::format("{},{}\n", FormatInstant(t), grams);
}

class RecordedProvider : public testing::Test {
 protected:
  // `count` values from `begin` on: 100, 101, 102...
  std::string ActualFile(Instant begin, Duration step, int count) {
    std::string text = "time_utc,gco2_per_kwh\n";
    for (int i = 0; i < count; ++i) text += Row(begin + step * i, 100 + i);
    return folder_.Write("actual.csv", text);
  }
  // Two hourly values per issue: its number, and its number plus one half.
  std::string ForecastFile(const std::vector<Instant>& issues) {
    std::string text = "issued_at_utc,time_utc,gco2_per_kwh\n";
    for (size_t i = 0; i < issues.size(); ++i) {
      for (int h = 1; h <= 2; ++h) {
        text += fmt::format("{},{},{}\n", FormatInstant(issues[i]),
                            FormatInstant(issues[i] + hours(h)),
                            static_cast<double>(i) + (h - 1) * 0.5);
      }
    }
    return folder_.Write("forecast.csv", text);
  }
  RecordedConfig Config(const std::string& actual,
                        Replay replay = Replay::kAsRecorded) {
    RecordedConfig config;
    config.actual = actual;
    config.signal = "co2_moer";
    config.replay = replay;
    return config;
  }
  std::unique_ptr<Recorded> Open(const RecordedConfig& config, Instant anchor) {
    auto provider = Recorded::Open("rec", config, anchor);
    EXPECT_TRUE(provider.ok()) << provider.status();
    return *std::move(provider);
  }
  std::string Refusal(const RecordedConfig& config, Instant anchor) {
    const auto provider = Recorded::Open("rec", config, anchor);
    EXPECT_FALSE(provider.ok());
    return Message(provider.status());
  }

  ScratchFolder folder_;
};

TEST_F(RecordedProvider, KnowsAValueOnceItsStepHasEnded) {
  const Instant begin = At("2021-03-01T00:00:00Z");
  const auto provider = Open(Config(ActualFile(begin, hours(1), 48)), begin);
  EXPECT_FALSE(provider->ObservedSince("z", begin, begin + minutes(59)));
  const auto first = provider->ObservedSince("z", begin, begin + hours(1));
  ASSERT_TRUE(first);
  ASSERT_EQ(first->series.slots().size(), 1u);
  EXPECT_EQ(first->series.At(begin), GramsPerKwh::Of(100));
  EXPECT_EQ(first->final_until, begin + hours(1));
  EXPECT_EQ(first->fetched_at, begin + hours(1));
  EXPECT_EQ(first->signal, "co2_moer");
  EXPECT_FALSE(provider->ObservedSince("z", begin + hours(1),
                                       begin + hours(1) + minutes(30)));
  const auto more =
      provider->ObservedSince("z", begin + hours(1), begin + hours(3));
  ASSERT_TRUE(more);
  EXPECT_EQ(more->series.begin(), begin + hours(1));
  EXPECT_EQ(more->series.end(), begin + hours(3));
}

TEST_F(RecordedProvider, SaysWhenRecordedValuesServeAsForecast) {
  const Instant begin = At("2021-03-01T00:00:00Z");
  RecordedConfig config = Config(ActualFile(begin, hours(1), 48));
  config.horizon = hours(5);
  config.poll = minutes(30);
  const auto provider = Open(config, begin);
  EXPECT_EQ(provider->name(), "rec (recorded values as forecast)");
  const auto forecast =
      provider->NewestForecast("z", begin + hours(10) + minutes(42));
  ASSERT_TRUE(forecast);
  EXPECT_EQ(forecast->provider, "rec (recorded values as forecast)");
  EXPECT_EQ(forecast->issued_at, begin + hours(10) + minutes(30));
  EXPECT_EQ(forecast->series.begin(), begin + hours(10));
  EXPECT_EQ(forecast->series.end(), begin + hours(16));
  EXPECT_EQ(forecast->series.At(begin + hours(15)), GramsPerKwh::Of(115));
  EXPECT_EQ(provider->NextNews("z", begin + hours(10) + minutes(42)),
            begin + hours(11));
  EXPECT_EQ(provider->NextNews("z", begin + hours(11)),
            begin + hours(11) + minutes(30));
}

TEST_F(RecordedProvider, IsSilentBeforeAndAfterARecordingThatDoesNotLoop) {
  const Instant begin = At("2021-03-01T00:00:00Z");
  const auto provider = Open(Config(ActualFile(begin, hours(1), 48)), begin);
  EXPECT_FALSE(provider->NewestForecast("z", begin - hours(72)));
  EXPECT_TRUE(provider->NewestForecast("z", begin - hours(71)));
  EXPECT_TRUE(provider->NewestForecast("z", begin + hours(47)));
  EXPECT_FALSE(provider->NewestForecast("z", begin + hours(48)));
  EXPECT_FALSE(
      provider->ObservedSince("z", begin + hours(48), begin + hours(900)));
}

TEST_F(RecordedProvider, KeepsGaps) {
  const Instant begin = At("2021-03-01T00:00:00Z");
  const auto provider = Open(
      Config(folder_.Write(
          "gap.csv", "time_utc,gco2_per_kwh\n" + Row(begin, 1) +
                         Row(begin + hours(1), 2) + Row(begin + hours(2), 3) +
                         Row(begin + hours(5), 6))),
      begin);
  const auto observed = provider->ObservedSince("z", begin, begin + hours(6));
  ASSERT_TRUE(observed);
  EXPECT_FALSE(observed->series.At(begin + hours(3)));
  EXPECT_EQ(observed->series.At(begin + hours(5)), GramsPerKwh::Of(6));
}

TEST_F(RecordedProvider, ShowsItsFirstDayAsTheDayTheClockBegan) {
  const Instant begin = At("2020-02-27T06:00:00Z");
  const auto provider =
      Open(Config(ActualFile(begin, hours(1), 100), Replay::kNow),
           At("2026-11-21T17:45:12Z"));
  const auto observed = provider->ObservedSince("z", At("2026-11-01T00:00:00Z"),
                                                At("2026-11-22T06:00:00Z"));
  ASSERT_TRUE(observed);
  EXPECT_EQ(observed->series.begin(), At("2026-11-21T06:00:00Z"));
  EXPECT_EQ(observed->series.At(At("2026-11-21T06:00:00Z")),
            GramsPerKwh::Of(100));
  EXPECT_EQ(observed->series.At(At("2026-11-22T05:59:00Z")),
            GramsPerKwh::Of(123));
}

TEST_F(RecordedProvider, ShowsADayOfChoiceAndTheDaysBeforeItAsHistory) {
  RecordedConfig config = Config(
      ActualFile(At("2021-07-01T00:00:00Z"), hours(1), 24 * 20), Replay::kNow);
  config.from = At("2021-07-11T15:00:00Z");
  const auto provider = Open(config, At("2026-11-21T00:00:00Z"));
  const auto history = provider->ObservedSince("z", At("2026-11-13T00:00:00Z"),
                                               At("2026-11-21T00:00:00Z"));
  ASSERT_TRUE(history);
  EXPECT_EQ(history->series.slots().size(), 8u * 24);
  EXPECT_EQ(history->series.At(At("2026-11-13T00:00:00Z")),
            GramsPerKwh::Of(100 + 2 * 24));
  const auto forecast =
      provider->NewestForecast("z", At("2026-11-21T00:00:00Z"));
  ASSERT_TRUE(forecast);
  EXPECT_EQ(forecast->series.slots().front().intensity,
            GramsPerKwh::Of(100 + 10 * 24));
}

TEST_F(RecordedProvider, LiesWhereItLayAfterARestartOnALaterDay) {
  const RecordedConfig config = Config(
      ActualFile(At("2021-07-01T00:00:00Z"), hours(1), 24 * 20), Replay::kNow);
  const Instant anchor = At("2026-11-21T22:00:00Z");
  const Instant later = At("2026-11-25T03:00:00Z");
  EXPECT_EQ(Open(config, anchor)->NewestForecast("z", later)->series,
            Open(config, At("2026-11-21T00:00:00Z"))
                ->NewestForecast("z", later)
                ->series);
}

TEST_F(RecordedProvider, BeginsAgainAfterItsEnd) {
  // Two and a half days: the third is short of twelve hours.
  const Instant begin = At("2021-07-01T00:00:00Z");
  RecordedConfig config = Config(ActualFile(begin, hours(1), 60));
  config.loop = true;
  const auto provider = Open(config, begin);
  const auto observed =
      provider->ObservedSince("z", begin + hours(58), begin + hours(74));
  ASSERT_TRUE(observed);
  const Series& series = observed->series;
  EXPECT_EQ(series.At(begin + hours(59)), GramsPerKwh::Of(159));
  EXPECT_FALSE(series.At(begin + hours(60)));
  EXPECT_FALSE(series.At(begin + hours(71)));
  EXPECT_EQ(series.At(begin + hours(72)), GramsPerKwh::Of(100));
  EXPECT_EQ(series.At(begin + hours(73)), GramsPerKwh::Of(101));
  const auto before =
      provider->ObservedSince("z", begin - hours(72), begin - hours(11));
  ASSERT_TRUE(before) << "the loop has no first showing";
  EXPECT_EQ(before->series.At(begin - hours(72)), GramsPerKwh::Of(100));
}

TEST_F(RecordedProvider, GivesAForecastFromItsIssueOn) {
  const Instant begin = At("2021-03-01T00:00:00Z");
  RecordedConfig config = Config(ActualFile(begin, hours(1), 48));
  config.forecast = ForecastFile({begin + hours(6), begin + hours(12)});
  const auto provider = Open(config, begin);
  EXPECT_EQ(provider->name(), "rec");
  EXPECT_FALSE(provider->NewestForecast("z", begin + hours(6) - Duration(1)));
  const auto first = provider->NewestForecast("z", begin + hours(6));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->issued_at, begin + hours(6));
  EXPECT_EQ(first->fetched_at, begin + hours(6));
  EXPECT_EQ(first->series.begin(), begin + hours(7));
  EXPECT_EQ(first->series.end(), begin + hours(9));
  EXPECT_EQ(
      provider->NewestForecast("z", begin + hours(12) - Duration(1))->issued_at,
      begin + hours(6));
  EXPECT_EQ(provider->NewestForecast("z", begin + hours(900))->issued_at,
            begin + hours(12));
}

TEST_F(RecordedProvider, HandsOutTheSameForecastUntilThereIsANewOne) {
  const Instant begin = At("2021-03-01T00:00:00Z");
  RecordedConfig config = Config(ActualFile(begin, hours(1), 48));
  const auto of_values = Open(config, begin);
  const auto first = of_values->NewestForecast("z", begin);
  EXPECT_EQ(of_values->NewestForecast("z", begin + seconds(299)), first);
  EXPECT_EQ(first->fetched_at, begin);
  EXPECT_NE(of_values->NewestForecast("y", begin), first);
  const auto second = of_values->NewestForecast("z", begin + minutes(5));
  EXPECT_EQ(second->issued_at, begin + minutes(5));
  EXPECT_EQ(first->issued_at, begin) << "what was handed out does not change";

  config.forecast = ForecastFile({begin + hours(6), begin + hours(12)});
  const auto of_issues = Open(config, begin);
  const auto third = of_issues->NewestForecast("z", begin + hours(7));
  EXPECT_EQ(of_issues->NewestForecast("z", begin + hours(11)), third);
  EXPECT_NE(of_issues->NewestForecast("z", begin + hours(12)), third);
  EXPECT_EQ(of_issues->NewestForecast("z", begin + hours(7))->series,
            third->series);
}

TEST_F(RecordedProvider, LoopsForecastsWithTheValues) {
  const Instant begin = At("2021-03-01T00:00:00Z");
  RecordedConfig config = Config(ActualFile(begin, hours(1), 48), Replay::kNow);
  config.loop = true;
  // The first was issued before the recording, the last after it.
  config.forecast = ForecastFile({begin - hours(5), begin + hours(6),
                                  begin + hours(47), begin + hours(60)});
  const Instant today = At("2026-11-21T00:00:00Z");
  const auto provider = Open(config, today);
  EXPECT_EQ(provider->name(), "rec (replayed)");
  const auto issue_at = [&](Duration d) {
    return provider->NewestForecast("z", today + d)->issued_at - today;
  };
  EXPECT_EQ(issue_at(hours(5)), hours(-1)) << "the last of the showing before";
  EXPECT_EQ(issue_at(hours(6)), hours(6));
  EXPECT_EQ(issue_at(hours(46)), hours(6));
  EXPECT_EQ(issue_at(hours(53)), hours(47));
  EXPECT_EQ(issue_at(hours(54)), hours(54));
  const auto third = provider->NewestForecast("z", today + hours(96 + 6));
  EXPECT_EQ(third->series.At(today + hours(96 + 7)), GramsPerKwh::Of(1));
}

TEST_F(RecordedProvider, RefusesWhatCouldNeverBeShown) {
  const Instant begin = At("2021-03-01T00:00:00Z");
  const std::string actual = ActualFile(begin, hours(1), 48);
  const Instant today = At("2026-11-21T12:00:00Z");
  EXPECT_THAT(Refusal(Config(actual), today),
              AllOf(HasSubstr("actual.csv: holds 2021-03-01T00:00:00Z to "
                              "2021-03-03T00:00:00Z, which is over"),
                    HasSubstr("say `replay: now`, or `loop: true`")));
  RecordedConfig config = Config(actual, Replay::kNow);
  for (const char* from : {"2021-02-28T23:59:59Z", "2021-03-03T00:00:00Z"}) {
    config.from = At(from);
    EXPECT_THAT(Refusal(config, today),
                HasSubstr(fmt::format("`from: {}` is outside", from)));
  }
  config.from = At("2021-03-02T23:59:59Z");
  EXPECT_TRUE(Recorded::Open("rec", config, today).ok());
  config.forecast = ForecastFile({At("2023-01-01T00:00:00Z")});
  EXPECT_THAT(Refusal(config, today),
              AllOf(HasSubstr("forecast.csv: no forecast in it was issued"),
                    HasSubstr("name files of the same time")));
  config.forecast = folder_.path() + "/none.csv";
  EXPECT_THAT(Refusal(config, today), HasSubstr("none.csv: cannot be opened"));
}

// At random instants, steps, lengths, days and loops the values are those of
// the recording at the instant moved back, and nothing where it has nothing.
TEST_F(RecordedProvider, MovesAndLoopsExactly) {
  std::mt19937_64 random(20261121);
  const auto pick = [&](int64_t n) {
    return static_cast<int64_t>(random() % static_cast<uint64_t>(n));
  };
  for (int world = 0; world < 60; ++world) {
    const Duration step = std::array{minutes(5), minutes(15), minutes(30),
                                     minutes(60)}[static_cast<size_t>(pick(4))];
    // Around the ends of months, in leap years and not.
    const Instant begin = DayOf(At("2019-12-28T00:00:00Z")) +
                          hours(24) * pick(800) + step * pick(40);
    std::map<Instant, int> value_at;
    std::string text = "time_utc,gco2_per_kwh\n";
    const int64_t count = 20 + pick(600);
    for (int64_t i = 0; i < count; ++i) {
      if (i > 10 && pick(10) == 0) continue;
      const Instant at = begin + step * i;
      value_at[at] = static_cast<int>(pick(700));
      text += Row(at, value_at[at]);
    }
    const Instant end = value_at.rbegin()->first + step;
    RecordedConfig config = Config(folder_.Write("w.csv", text), Replay::kNow);
    config.loop = pick(2) == 0;
    const int64_t days_in =
        (DayOf(end - Duration(1)) - DayOf(begin)) / Duration(hours(24));
    const int64_t day = pick(days_in + 1);
    if (day > 0) config.from = std::max(begin, DayOf(begin) + hours(24) * day);
    const Instant anchor =
        At("2026-11-01T00:00:00Z") + minutes(pick(60 * 24 * 200));
    const auto provider = Open(config, anchor);

    const Duration shift = DayOf(anchor) - DayOf(begin) - hours(24) * day;
    const int64_t days = ((end - begin).count() + 86'399'999) / 86'400'000;
    const auto expected = [&](Instant live) -> std::optional<GramsPerKwh> {
      Instant t = live - shift;
      if (config.loop) {
        while (t < begin) t += hours(24) * days;
        while (t >= begin + hours(24) * days) t = t - hours(24) * days;
      }
      auto slot = value_at.upper_bound(t);
      if (slot == value_at.begin()) return std::nullopt;
      --slot;
      if (t >= slot->first + step) return std::nullopt;
      return GramsPerKwh::Of(slot->second);
    };
    for (int probe = 0; probe < 40; ++probe) {
      const Instant now = DayOf(anchor) - hours(300) + seconds(pick(3'600'000));
      const Instant since = now - minutes(pick(4000));
      const auto observed = provider->ObservedSince("z", since, now);
      const auto forecast = provider->NewestForecast("z", now);
      for (int i = 0; i < 40; ++i) {
        const Instant past =
            since + seconds(pick((now - since) / seconds(1) + 1));
        const auto was = observed ? observed->series.At(past) : std::nullopt;
        const Instant to_come = now + minutes(pick(60 * 72));
        const auto will =
            forecast ? forecast->series.At(to_come) : std::nullopt;
        // The step in progress is not observed, but it is forecast.
        if (past + step <= now) {
          ASSERT_EQ(was, expected(past)) << world << " " << FormatInstant(past);
        }
        ASSERT_TRUE(!observed || observed->series.end() <= now);
        if (to_come < FloorTo(now, config.poll) + config.horizon) {
          ASSERT_EQ(will, expected(to_come))
              << world << " " << FormatInstant(to_come);
        }
      }
    }
  }
}

TEST(Timeline, NamesTheDayAndTheStepOfInstantsBefore1970) {
  EXPECT_EQ(DayOf(At("1969-12-31T23:00:00Z")), At("1969-12-31T00:00:00Z"));
  EXPECT_EQ(DayOf(At("1969-12-31T00:00:00Z")), At("1969-12-31T00:00:00Z"));
  EXPECT_EQ(FloorTo(At("2026-11-21T08:04:59Z"), minutes(5)),
            At("2026-11-21T08:00:00Z"));
}

}  // namespace
}  // namespace carbond
