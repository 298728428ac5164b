// Answers that were damaged at random, by a seed that is printed: no parser may
// fall over, and no value may be taken that is not within the bounds that the
// judge promises. CARBOND_FUZZ=N tries N thousand bodies of each service, 3
// when it is not given.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <random>

#include "daemon/grid/carbon_aware_sdk.h"
#include "daemon/grid/carbonintensity_uk.h"
#include "daemon/grid/electricity_maps.h"
#include "daemon/grid/quality.h"
#include "daemon/grid/watttime.h"
#include "tests/daemon/grid_answers.h"

namespace carbond {
namespace {

const Instant kNow = At("2026-03-15T18:42:00Z");

// What parsers stumble over.
constexpr const char* kBits[] = {"null",
                                 "-1",
                                 "1e308",
                                 "1e999",
                                 "NaN",
                                 "0",
                                 "{}",
                                 "[]",
                                 "\"\"",
                                 "{",
                                 "}",
                                 "[",
                                 "]",
                                 ",",
                                 ":",
                                 "\"",
                                 "\\u0000",
                                 "\xC3",
                                 "\xEF\xBB\xBF",
                                 "<html>",
                                 "true",
                                 "99999999999999999999",
                                 "\"2026-02-30T00:00:00Z\"",
                                 "0.0000001",
                                 "\"9999-12-31T23:59:59+00:00\"",
                                 "\"0000-01-01T00:00:00Z\"",
                                 "300",
                                 "86400",
                                 "4294967296",
                                 "\"DE\"",
                                 "\"lbs_co2_per_mwh\"",
                                 "\"forecast\""};

std::string Damaged(std::string body, std::mt19937& random) {
  const auto below = [&](size_t n) {
    return std::uniform_int_distribution<size_t>(0, n - 1)(random);
  };
  for (size_t hits = 1 + below(3); hits > 0 && !body.empty(); --hits) {
    const size_t at = below(body.size());
    const size_t length = 1 + below(std::min<size_t>(body.size() - at, 40));
    // Most damage leaves the text JSON: what is none tests the library alone.
    switch (below(16)) {
      case 0:
        body[at] = static_cast<char>(below(256));
        break;
      case 1:
        body.erase(at, length);
        break;
      case 2:
        body.insert(at, body.substr(below(body.size()), length));
        break;
      case 3:
        body.resize(at);
        break;
      case 4:
        body.insert(at, kBits[below(std::size(kBits))]);
        break;
      case 5:
      case 6:
      case 7:
      case 8:
      case 9: {
        const size_t digit = body.find_first_of("0123456789", at);
        if (digit == std::string::npos) break;
        body[digit] = static_cast<char>('0' + below(10));
        break;
      }
      default: {
        // A whole value, from one colon to the next comma.
        const size_t colon = body.find(':', at);
        const size_t comma = body.find_first_of(",}]", colon);
        if (comma == std::string::npos) break;
        body.replace(colon + 1, comma - colon - 1,
                     kBits[below(std::size(kBits))]);
      }
    }
  }
  return body;
}

struct Body {
  const Source& source;
  std::string zone;
  std::string forecast;
  std::string observed;
};

void ExpectWithinBounds(const Checked& checked, const Want& want) {
  Instant before;
  for (const Slot& slot : checked.series.slots()) {
    EXPECT_GE(slot.intensity, GramsPerKwh());
    EXPECT_LE(slot.intensity, GramsPerKwh::Of(10'000));
    EXPECT_GE(slot.interval.begin, before);
    EXPECT_GT(slot.interval.end, slot.interval.begin);
    EXPECT_LE(slot.interval.length(), hours(24));
    EXPECT_GE(slot.interval.begin, kNow - hours(24 * 40));
    EXPECT_LE(slot.interval.begin, kNow + hours(24 * 31));
    before = slot.interval.end;
  }
  if (want.what == Want::What::kForecast) {
    EXPECT_LE(checked.issued_at, kNow);
    EXPECT_GT(checked.series.end(), kNow);
  } else {
    EXPECT_TRUE(checked.series.empty() || checked.series.end() <= kNow);
  }
  for (const Note& note : checked.notes) {
    EXPECT_EQ(note.text.find('\n'), std::string::npos);
  }
}

std::string HalfHours(Instant begin) {
  std::string data;
  for (int i = 0; i < 8; ++i) {
    const auto minute = [&](int k) {
      return FormatInstant(begin + minutes(30 * k)).substr(0, 16) + "Z";
    };
    data += fmt::format(
        R"({}{{"from":"{}","to":"{}","intensity":{{"forecast":{},"actual":{}}}}})",
        i ? "," : "", minute(i), minute(i + 1), 100 + i, 90 + i);
  }
  return data;
}

std::string Hours(const char* name, Instant begin) {
  std::string body = fmt::format(R"({{"zone":"DE","{}":[)", name);
  for (int i = 0; i < 8; ++i) {
    body += fmt::format(R"({}{{"carbonIntensity":{},"datetime":"{}"}})",
                        i ? "," : "", 300 + i, FormatInstant(begin + hours(i)));
  }
  return body + R"(],"updatedAt":"2026-03-15T18:02:31.417Z"})";
}

TEST(ParseFuzz, TakesNoValueThatIsOutOfBounds) {
  const char* const thousands = getenv("CARBOND_FUZZ");
  const int rounds = (thousands ? atoi(thousands) : 3) * 1000;
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  SCOPED_TRACE(fmt::format("seed {}", seed));

  HttpConfig config;
  config.base_url = "https://x";
  config.signal = "co2_moer";
  const WattTime watttime(config, Secret("u"), Secret("p"));
  const ElectricityMaps maps(config, Secret("k"));
  const CarbonIntensityUk britain(config);
  const CarbonAwareSdk sdk(config);
  const Instant slot = At("2026-03-15T18:30:00Z");
  const std::vector<Body> bodies = {
      {watttime, "DE", WattTimeBody(slot, 12, "641.1", "DE"),
       WattTimeBody(slot - hours(2), 12, "641.1", "DE")},
      {maps, "DE", Hours("forecast", slot), Hours("history", slot - hours(8))},
      {britain, "GB", R"({"data":[)" + HalfHours(slot) + "]}",
       R"({"data":[)" + HalfHours(slot - hours(4)) + "]}"},
      {britain, "13",
       R"({"data":{"regionid":13,"data":[)" + HalfHours(slot) + "]}}",
       R"({"data":{"regionid":13,"data":[)" + HalfHours(slot - hours(4)) +
           "]}}"},
      {sdk, "DE",
       R"([{"generatedAt":"2026-03-15T18:40:00+00:00","location":"DE",
       "forecastData":[{"timestamp":"2026-03-15T18:40:00Z","duration":5,
       "value":2},{"timestamp":"2026-03-15T18:45:00Z","duration":5,"value":3}]}])",
       R"([{"time":"2026-03-15T17:00:00Z","rating":5,"duration":"00:05:00"}])"}};

  size_t taken = 0;
  size_t tried = 0;
  for (const Body& body : bodies) {
    const Want forecast{
        Want::What::kForecast, body.zone, {kNow, kNow + hours(24)}};
    const Want observed{
        Want::What::kObserved, body.zone, {kNow - hours(24), kNow}};
    for (int i = 0; i < rounds && !testing::Test::HasFailure(); ++i) {
      const Want& want = i % 2 == 0 ? forecast : observed;
      const std::string text =
          Damaged(i % 2 == 0 ? body.forecast : body.observed, random);
      ++tried;
      const auto told = body.source.Parse(want, Answer(200, text));
      const auto* good = std::get_if<Told>(&told);
      if (good == nullptr) continue;
      const auto checked = Check(want, body.source.manners(), *good, kNow);
      if (const auto* fine = std::get_if<Checked>(&checked)) {
        ++taken;
        ExpectWithinBounds(*fine, want);
      }
      if (testing::Test::HasFailure()) {
        ADD_FAILURE() << "of the body\n" << text;
      }
    }
  }
  EXPECT_GT(taken, tried / 20) << "damage so great that nothing is tested";
  RecordProperty("tried", static_cast<int>(tried));
  fmt::print("seed {}: {} bodies, {} taken\n", seed, tried, taken);
}

}  // namespace
}  // namespace carbond
