#include "storage/archive.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "storage/ledger_reader.h"
#include "tests/storage/ledger_world.h"
#include "tests/storage/raw_ledger.h"

namespace carbond {
namespace {

class ArchiveTest : public testing::Test {
 protected:
  void Append(Observed observed) {
    Batch batch;
    batch.observed.push_back(std::move(observed));
    const Status status = ledger_->Append(batch);
    ASSERT_TRUE(status.ok()) << status;
  }
  void Append(Forecast forecast) {
    Batch batch;
    batch.forecasts.push_back(std::move(forecast));
    const Status status = ledger_->Append(batch);
    ASSERT_TRUE(status.ok()) << status;
  }
  Series Known(Interval within = {Instant(), Instant::Never()}) {
    const auto series = Reader()->ObservedOf("Z", within);
    EXPECT_TRUE(series.ok()) << series.status();
    return series.ok() ? *series : Series();
  }
  std::unique_ptr<LedgerReader> Reader() {
    auto reader = LedgerReader::Open(path_);
    EXPECT_TRUE(reader.ok()) << reader.status();
    return *std::move(reader);
  }
  std::string Rows() {
    return RawLedger(path_).Ask("SELECT count(*) FROM intensities");
  }
  std::vector<Observed> Recover(Instant since) {
    return ledger_->Recover(since)->observed;
  }

  LedgerFolder folder_;
  const std::string path_ = folder_ / "ledger.db";
  std::unique_ptr<SqliteLedger> ledger_ = OpenLedger(path_);
};

Observed Values(int64_t fetched, Series series) {
  return {"Z", "wt", "co2_moer", At(fetched), At(0), std::move(series)};
}

TEST_F(ArchiveTest, KeepsRevisedValuesBesideTheOldAndUnchangedOnesOnce) {
  Append(Values(10, SeriesOf(0, minutes(5), {400, 410, 420})));
  Append(Values(15, SeriesOf(0, minutes(5), {400, 411, 420, 430})));
  EXPECT_EQ(Rows(), "5");
  EXPECT_EQ(Known(), SeriesOf(0, minutes(5), {400, 411, 420, 430}));
  // Back to what it was at first: known once more, from then on.
  Append(Values(20, SeriesOf(0, minutes(5), {400, 410})));
  EXPECT_EQ(Rows(), "6");
  EXPECT_EQ(Known(), SeriesOf(0, minutes(5), {400, 410, 420, 430}));
}

TEST_F(ArchiveTest, LetsWhatComesLateOnlyFillGaps) {
  Append(Values(20, SeriesOf(0, minutes(5), {400, 410})));
  Append(Values(10, SeriesOf(0, minutes(5), {399, 409, 419})));
  EXPECT_EQ(Known(), SeriesOf(0, minutes(5), {400, 410, 419}));
}

TEST_F(ArchiveTest, KeepsAGapAGapAndZeroAValue) {
  Append(Values(10, *Series::Make({{Minutes(0, 5), GramsPerKwh()},
                                   {Minutes(10, 15), GramsPerKwh::Of(5)}})));
  EXPECT_EQ(Known().At(At(1)), GramsPerKwh());
  EXPECT_EQ(Known().At(At(7)), std::nullopt);
}

TEST_F(ArchiveTest, LaysFinerSlotsOverCoarserOnes) {
  Append(Values(10, SeriesOf(0, hours(1), {500, 600})));
  Append(Values(11, SeriesOf(20, minutes(5), {510, 511})));
  const Series expected = *Series::Make({
      {Minutes(0, 20), GramsPerKwh::Of(500)},
      {Minutes(20, 25), GramsPerKwh::Of(510)},
      {Minutes(25, 30), GramsPerKwh::Of(511)},
      {Minutes(30, 60), GramsPerKwh::Of(500)},
      {Minutes(60, 120), GramsPerKwh::Of(600)},
  });
  EXPECT_EQ(Known(), expected);
  // The hour began before the window and is known in it all the same.
  EXPECT_EQ(Known(Minutes(40, 70)), expected.Clip(Minutes(40, 70)));
  // The same fetch again, cut differently: it replaces nothing and fails not.
  Append(Values(11, SeriesOf(22, minutes(5), {700})));
  EXPECT_EQ(Known().At(At(23)), GramsPerKwh::Of(700));
  EXPECT_EQ(Known().At(At(28)), GramsPerKwh::Of(511));
}

// Any order of fetches, any cut of slots: what is fetched after all before it
// holds, what comes late only fills gaps.
TEST_F(ArchiveTest, AgreesWithLayingEachFetchOverTheLast) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    const std::string zone = "Z" + std::to_string(seed);
    std::set<int64_t> fetches;
    Series expected;
    for (int fetch = 0; fetch < 12; ++fetch) {
      const auto fetched = static_cast<int64_t>(
          random() % 3 == 0 ? random() % 100 : 100 + fetch);
      if (fetches.count(fetched) > 0) continue;
      const bool late = !fetches.empty() && fetched < *fetches.rbegin();
      fetches.insert(fetched);
      std::vector<double> grams;
      for (size_t n = 1 + random() % 20; n > 0; --n) {
        grams.push_back(static_cast<double>(random() % 3));
      }
      const auto slot = minutes(random() % 4 == 0 ? 15 : 5);
      const Series series =
          SeriesOf(static_cast<int64_t>(random() % 20) * 5, slot, grams);
      expected = late ? series.Under(expected) : expected.Under(series);
      Append(Observed{zone, "wt", "s", At(fetched), At(0), series});
    }
    const Series known = *Reader()->ObservedOf(zone, {At(0), At(1000)});
    for (int64_t minute = 0; minute < 400; ++minute) {
      ASSERT_EQ(known.At(At(minute)), expected.At(At(minute))) << minute;
    }
    const Interval window = Minutes(33, 61);
    EXPECT_EQ(Reader()->ObservedOf(zone, window)->Over(window).mg_per_kwh_ms,
              expected.Over(window).mg_per_kwh_ms);
  }
}

TEST_F(ArchiveTest, RecoversWhatIsKnownOfEachProviderSinceAnInstant) {
  Append(Values(10, SeriesOf(0, minutes(5), {400, 410, 420})));
  Observed other = Values(12, SeriesOf(0, hours(1), {77}));
  other.provider = "em";
  other.final_until = At(60);
  Append(other);
  Observed final = Values(14, SeriesOf(0, minutes(5), {401}));
  final.final_until = At(5);
  Append(final);

  const std::vector<Observed> known = Recover(At(7));
  ASSERT_EQ(known.size(), 2u);
  EXPECT_EQ(known[0].provider, "em");
  EXPECT_EQ(known[0].final_until, At(60));
  EXPECT_EQ(known[1].provider, "wt");
  EXPECT_EQ(known[1].zone, "Z");
  EXPECT_EQ(known[1].signal, "co2_moer");
  EXPECT_EQ(known[1].fetched_at, At(14));
  EXPECT_EQ(known[1].final_until, At(5));
  EXPECT_EQ(known[1].series, SeriesOf(5, minutes(5), {410, 420}));
}

TEST_F(ArchiveTest, DoesNotMixSignals) {
  Observed average = Values(10, SeriesOf(0, minutes(5), {100, 100}));
  average.signal = "average";
  Append(average);
  Append(Values(11, SeriesOf(0, minutes(5), {400})));
  EXPECT_EQ(Known(), SeriesOf(0, minutes(5), {400}));
  // Another provider of the same signal fills what the first does not know.
  Observed other = Values(12, SeriesOf(5, minutes(5), {410}));
  other.provider = "rec";
  Append(other);
  EXPECT_EQ(Known(), SeriesOf(0, minutes(5), {400, 410}));
}

TEST_F(ArchiveTest, RecoversTheNewestForecastOfEachZoneAndOneOfEachHour) {
  const auto forecast = [](const char* zone, const char* provider,
                           int64_t issued, double grams) {
    return Forecast{zone,           provider,
                    "co2_moer",     At(issued),
                    At(issued + 1), SeriesOf(issued, minutes(5), {grams})};
  };
  Append(forecast("A", "wt", 0, 1));
  Append(forecast("A", "wt", 10, 2));
  Append(forecast("A", "em", 5, 3));
  Append(forecast("B", "wt", 1, 4));
  Forecast again = forecast("B", "wt", 1, 5);
  again.fetched_at = At(9);
  Append(again);

  EXPECT_EQ(ledger_->Recover(Instant())->forecast_zones,
            (std::vector<std::string>{"A", "B"}));
  const std::vector<Forecast> all = *ledger_->ForecastsSince("A", Instant());
  ASSERT_EQ(all.size(), 2u) << "by issue; of an hour before the newest, one";
  EXPECT_EQ(all[0].zone, "A");
  EXPECT_EQ(all[0].issued_at, At(0)) << "the first";
  EXPECT_EQ(all[1].zone, "A");
  EXPECT_EQ(all[1].provider, "wt");
  EXPECT_EQ(all[1].signal, "co2_moer");
  EXPECT_EQ(all[1].issued_at, At(10));
  EXPECT_EQ(all[1].fetched_at, At(11));
  EXPECT_EQ(all[1].series, SeriesOf(10, minutes(5), {2}));
  const std::vector<Forecast> other = *ledger_->ForecastsSince("B", Instant());
  ASSERT_EQ(other.size(), 1u);
  EXPECT_EQ(other[0].fetched_at, At(9));
  EXPECT_EQ(other[0].series, SeriesOf(1, minutes(5), {5}));
  EXPECT_EQ(ledger_->ForecastsSince("A", At(1000))->size(), 1u)
      << "the newest, however old";
  EXPECT_TRUE(ledger_->ForecastsSince("C", Instant())->empty());
  EXPECT_EQ(RawLedger(path_).Ask("SELECT count(*) FROM forecasts"), "4");
  EXPECT_EQ((*Reader()->NewestForecast("A"))->issued_at, At(10));
  EXPECT_FALSE(Reader()->NewestForecast("C")->has_value());
}

TEST_F(ArchiveTest, SaysThatAForecastIsDamaged) {
  Append(Forecast{"A", "wt", "s", At(0), At(0), SeriesOf(0, hours(1), {1})});
  RawLedger(path_).Run("UPDATE forecasts SET points = x'01ff'");
  const auto found = Reader()->NewestForecast("A");
  EXPECT_EQ(found.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(Message(found.status()),
            "ledger " + path_ +
                ": a stored series is damaged; restore a backup, or report "
                "this as a bug");
}

TEST_F(ArchiveTest, TakesAnEmptySeries) {
  Append(Values(10, Series()));
  Append(Forecast{"Z", "wt", "s", At(0), At(0), Series()});
  EXPECT_TRUE(Known().empty());
  EXPECT_TRUE((*Reader()->NewestForecast("Z"))->series.empty());
}

}  // namespace
}  // namespace carbond
