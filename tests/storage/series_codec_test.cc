#include "storage/series_codec.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/storage/ledger_world.h"

namespace carbond {
namespace {

void ExpectRoundTrip(const Series& series) {
  const Result<Series> read = DecodeSeries(EncodeSeries(series));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, series);
}

Series RandomSeries(std::mt19937_64& random) {
  const auto below = [&](int64_t n) {
    return static_cast<int64_t>(random() % static_cast<uint64_t>(n));
  };
  std::vector<Slot> slots;
  Instant at = Instant::FromMillis(below(4'000'000'000'000) - 1'000'000'000);
  Duration length = minutes(5);
  for (int64_t n = below(60); n > 0; --n) {
    if (below(5) == 0) at += Duration(1 + below(100'000'000));
    if (below(7) == 0) length = Duration(1 + below(10'000'000));
    const int64_t value =
        below(9) == 0 ? below(int64_t{1} << 62) : below(1'000'000);
    slots.push_back({{at, at + length}, GramsPerKwh::FromThousandths(value)});
    at += length;
  }
  return *Series::Make(std::move(slots));
}

TEST(SeriesCodec, KeepsAnySeries) {
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    ExpectRoundTrip(RandomSeries(random));
  }
}

TEST(SeriesCodec, KeepsTheExtremes) {
  ExpectRoundTrip(Series());
  const auto largest =
      GramsPerKwh::FromThousandths(std::numeric_limits<int64_t>::max());
  ExpectRoundTrip(*Series::Make({
      {{Instant(), Instant::FromMillis(1)}, largest},
      {{Instant::FromMillis(1), Instant::FromMillis(2)}, GramsPerKwh()},
      {{Instant::FromMillis(2), Instant::Never()}, largest},
  }));
}

TEST(SeriesCodec, TakesTwoBytesForAUsualSlot) {
  std::mt19937 random(4);
  std::uniform_real_distribution<double> step(-8, 8);
  std::vector<double> grams;
  double g = 400;
  for (int i = 0; i < 72 * 12; ++i) grams.push_back(g += step(random));
  const std::string blob = EncodeSeries(SeriesOf(0, minutes(5), grams));
  EXPECT_LT(blob.size(), 2 * grams.size() + 20);
}

TEST(SeriesCodec, RefusesDamagedBytesAndNeverFalls) {
  std::mt19937_64 random(3);
  int refused = 0;
  for (int i = 0; i < 6000; ++i) {
    std::string blob = EncodeSeries(RandomSeries(random));
    if (i % 3 == 0) blob.resize(random() % (blob.size() + 1));
    for (int flips = i % 4; flips > 0 && !blob.empty(); --flips) {
      blob[random() % blob.size()] ^= static_cast<char>(1 << (random() % 8));
    }
    const Result<Series> read = DecodeSeries(blob);
    if (read.ok()) continue;
    ++refused;
    EXPECT_EQ(read.status().code(), absl::StatusCode::kDataLoss);
  }
  EXPECT_GT(refused, 1000);
  EXPECT_FALSE(DecodeSeries("").ok());
  EXPECT_FALSE(DecodeSeries("\x02").ok());
  // A count that asks for more memory than there is.
  EXPECT_FALSE(DecodeSeries(std::string("\x01\x00\x02", 3) +
                            "\xff\xff\xff\xff\xff\xff\xff\xff\x7f")
                   .ok());
}

}  // namespace
}  // namespace carbond
