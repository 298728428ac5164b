// What each service is asked, and how its answers read: those of every day and
// those of bad days.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/grid/carbon_aware_sdk.h"
#include "daemon/grid/carbonintensity_uk.h"
#include "daemon/grid/electricity_maps.h"
#include "daemon/grid/source.h"
#include "daemon/grid/watttime.h"
#include "tests/daemon/grid_answers.h"

namespace carbond {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Kind = Failure::Kind;

const Instant kNow = At("2026-03-15T18:42:00Z");

HttpConfig ConfigOf(const std::string& url, const std::string& signal) {
  HttpConfig config;
  config.base_url = url;
  config.signal = signal;
  return config;
}
WattTime California() {
  return WattTime(ConfigOf("https://wt", "co2_moer"), Secret("u"), Secret("p"));
}
ElectricityMaps Maps(const std::string& signal = "average_lifecycle") {
  return ElectricityMaps(ConfigOf("https://em/v3", signal), Secret("key"));
}
CarbonIntensityUk Britain() {
  return CarbonIntensityUk(ConfigOf("https://gb", "average_generation"));
}
CarbonAwareSdk Sdk() {
  return CarbonAwareSdk(ConfigOf("http://sdk", "co2_moer"));
}

Want Forecast(const std::string& zone, Duration horizon = hours(24)) {
  return {Want::What::kForecast, zone, {kNow, kNow + horizon}};
}
Want Observed(const std::string& zone, Duration back = hours(24)) {
  return {Want::What::kObserved, zone, {kNow - back, kNow}};
}

Told Read(const Source& source, const Want& want, const HttpAnswer& answer) {
  auto outcome = source.Parse(want, answer);
  if (const auto* failure = std::get_if<Failure>(&outcome)) {
    ADD_FAILURE() << failure->sentence;
    return {};
  }
  return std::get<Told>(std::move(outcome));
}
Failure Refuse(const Source& source, const Want& want,
               const HttpAnswer& answer) {
  auto outcome = source.Parse(want, answer);
  if (std::holds_alternative<Told>(outcome)) {
    ADD_FAILURE() << "taken: " << answer.body.substr(0, 80);
    return {};
  }
  return std::get<Failure>(std::move(outcome));
}

// ---- All of them -----------------------------------------------------------

class EverySource : public testing::Test {
 protected:
  EverySource() {
    sources_.emplace_back(std::make_unique<WattTime>(California()),
                          "CAISO_NORTH");
    sources_.emplace_back(std::make_unique<ElectricityMaps>(Maps()), "DE");
    sources_.emplace_back(std::make_unique<CarbonIntensityUk>(Britain()), "GB");
    sources_.emplace_back(std::make_unique<CarbonIntensityUk>(Britain()), "13");
    sources_.emplace_back(std::make_unique<CarbonAwareSdk>(Sdk()), "eastus");
  }
  void ExpectAll(const HttpAnswer& answer, Kind kind, bool of_all_zones) {
    for (const auto& [source, zone] : sources_) {
      for (const Want& want : {Forecast(zone), Observed(zone)}) {
        const Failure failure = Refuse(*source, want, answer);
        EXPECT_EQ(failure.kind, kind)
            << source->manners().service << ": " << failure.sentence;
        EXPECT_EQ(failure.of_all_zones, of_all_zones) << failure.sentence;
        EXPECT_THAT(failure.sentence, AllOf(Not(HasSubstr("\n")),
                                            Not(HasSubstr("json.exception"))));
      }
    }
  }
  std::vector<std::pair<std::unique_ptr<Source>, std::string>> sources_;
};

TEST_F(EverySource, TakesNoPageForData) {
  ExpectAll(Html(200, "captive portal"), Kind::kTemporary, false);
  ExpectAll(Html(502, "nginx"), Kind::kTemporary, true);
  ExpectAll(Answer(200, "", ""), Kind::kTemporary, false);
  ExpectAll(Answer(200, " \r\n ", ""), Kind::kTemporary, false);
  ExpectAll(Answer(500, ""), Kind::kTemporary, true);
}

TEST_F(EverySource, TakesNoHalfTextAndNoImpossibleNumberForData) {
  ExpectAll(Answer(200, R"({"data":[{"point_time":"2026-)"), Kind::kBadData,
            false);
  ExpectAll(Answer(200, R"({"data":[{"value":1e309}]})"), Kind::kBadData,
            false);
  ExpectAll(Answer(200, "not json"), Kind::kBadData, false);
}

TEST_F(EverySource, KeepsToWhatTheServiceSaysAboutItsLimit) {
  HttpAnswer answer = Answer(429, R"({"message":"slow down"})");
  answer.retry_after = seconds(90);
  ExpectAll(answer, Kind::kRateLimited, true);
  for (const auto& [source, zone] : sources_) {
    const Failure failure = Refuse(*source, Forecast(zone), answer);
    EXPECT_EQ(failure.retry_after, seconds(90));
    EXPECT_THAT(failure.sentence, HasSubstr("slow down"));
  }
}

TEST_F(EverySource, SurvivesJsonOfAnyOtherShape) {
  for (const char* body :
       {"null", "[]", "{}", "7", "\"x\"", "[null]", "[[[[]]]]", R"({"data":7})",
        R"({"data":[7,null,"x",{}]})", R"({"data":[],"meta":[]})",
        R"({"zone":"DE","forecast":[null],"history":[null]})",
        R"({"zone":7,"forecast":{},"history":{}})",
        R"([{"location":"eastus","forecastData":[null]}])",
        R"({"data":[{"from":"x","to":null}]})",
        R"({"error":{"error":{"error":{"error":{}}}}})"}) {
    for (const auto& [source, zone] : sources_) {
      for (const Want& want : {Forecast(zone), Observed(zone)}) {
        const auto outcome = source->Parse(want, Answer(200, body));
        if (const auto* told = std::get_if<Told>(&outcome)) {
          EXPECT_TRUE(told->points.empty()) << body;
        }
      }
    }
  }
}

// ---- WattTime --------------------------------------------------------------

TEST(WattTime, AsksForTheForecastAndForWhatWasObserved) {
  const WattTime source = California();
  EXPECT_EQ(source.Request(Forecast("CAISO_NORTH", hours(72))).url,
            "https://wt/v3/forecast?region=CAISO_NORTH&signal_type=co2_moer"
            "&horizon_hours=72");
  EXPECT_THAT(source.Request(Forecast("CAISO_NORTH", hours(0))).url,
              HasSubstr("horizon_hours=0"));
  EXPECT_THAT(source.Request(Forecast("A B&c", hours(500))).url,
              HasSubstr("region=A%20B%26c&signal_type=co2_moer&"
                        "horizon_hours=72"));
  EXPECT_EQ(source.Request(Observed("CAISO_NORTH")).url,
            "https://wt/v3/historical?region=CAISO_NORTH&signal_type=co2_moer"
            "&start=2026-03-14T18%3A42%3A00Z&end=2026-03-15T18%3A42%3A00Z");
  EXPECT_TRUE(source.Request(Forecast("X")).headers.empty())
      << "the token is added behind it";
}

TEST(WattTime, ReadsAForecast) {
  const Told told = Read(
      California(), Forecast("CAISO_NORTH"),
      Answer(200, WattTimeBody(At("2026-03-15T18:40:00Z"), 864, "641.1",
                               "CAISO_NORTH", "2026-03-15T18:40:01+00:00")));
  EXPECT_EQ(told.points.size(), 864u);
  EXPECT_EQ(told.points[1].begin, At("2026-03-15T18:45:00Z"));
  EXPECT_EQ(told.points[1].value, 641.1);
  EXPECT_EQ(told.step, minutes(5));
  EXPECT_EQ(told.unit, "lbs_co2_per_mwh");
  EXPECT_EQ(told.zone, "CAISO_NORTH");
  EXPECT_EQ(told.issued_at, At("2026-03-15T18:40:01Z"));
}

TEST(WattTime, ReadsIntegersNullsAndWarnings) {
  const Told told =
      Read(California(), Forecast("X"),
           Answer(200,
                  "\xEF\xBB\xBF"
                  R"({"data":[{"point_time":"2026-03-15T18:40:00Z","value":636},
        {"point_time":"2026-03-15T13:45:00.1234567-05:00","value":null,"new":1}],
        "meta":{"warnings":[{"type":"T","message":"late"}],"model":null}})"));
  ASSERT_EQ(told.points.size(), 2u);
  EXPECT_EQ(told.points[0].value, 636);
  EXPECT_EQ(told.points[1].value, std::nullopt);
  EXPECT_EQ(told.points[1].begin, At("2026-03-15T18:45:00.123Z"));
  EXPECT_THAT(told.warnings, testing::ElementsAre("late"));
  EXPECT_EQ(told.issued_at, At("2026-03-15T18:40:00Z"))
      << "not said: that of the first value";
}

TEST(WattTime, SaysWhatTheAccountMayRead) {
  const Failure failure =
      Refuse(California(), Forecast("PSCO"),
             Answer(403, R"({"error":"Invalid query parameters","message":
        "Invalid scope. You do not have sufficient access."})"));
  EXPECT_EQ(failure.kind, Kind::kNotPermitted);
  EXPECT_FALSE(failure.of_all_zones);
  EXPECT_THAT(failure.sentence,
              HasSubstr("may not read co2_moer of PSCO (HTTP 403: Invalid "
                        "scope. You do not have sufficient access.); every "
                        "account may read co2_moer of CAISO_NORTH"));
}

TEST(WattTime, BacksOffForLongWhenTheEdgeRefusesThisMachine) {
  const Failure failure =
      Refuse(California(), Forecast("X"), Html(403, "cloudfront"));
  EXPECT_EQ(failure.kind, Kind::kTemporary);
  EXPECT_EQ(failure.retry_after, hours(1));
  EXPECT_TRUE(failure.of_all_zones);
}

TEST(WattTime, RefusesAnotherSignalThanAsked) {
  std::string body = WattTimeBody(kNow, 3, "1");
  body.replace(body.find("co2_moer"), 8, "co2_aoer");
  EXPECT_EQ(Refuse(California(), Forecast("X"), Answer(200, body)).sentence,
            "asked for co2_moer, answered with co2_aoer");
}

TEST(WattTime, CallsAWrongQuestionOneThatIsNotToBeRepeated) {
  const Failure failure =
      Refuse(California(), Forecast("X"),
             Answer(422, R"({"detail":[{"loc":["q"],"msg":"less than 72"}]})"));
  EXPECT_EQ(failure.kind, Kind::kNotPermitted);
  EXPECT_EQ(failure.sentence, "HTTP 422: less than 72");
}

// ---- Electricity Maps ------------------------------------------------------

TEST(ElectricityMaps, AsksWithItsKeyAndWithoutTheCallersPlace) {
  const HttpRequest request = Maps().Request(Forecast("DE", hours(30)));
  EXPECT_EQ(request.url,
            "https://em/v3/carbon-intensity/forecast?zone=DE"
            "&emissionFactorType=lifecycle&disableCallerLookup=true"
            "&shouldUseFallbackCallerLookup=false&horizonHours=48");
  ASSERT_EQ(request.headers.size(), 1u);
  EXPECT_EQ(request.headers[0].name, "auth-token");
  EXPECT_EQ(request.headers[0].value.Reveal(), "key");
  EXPECT_THAT(Maps("average_direct").Request(Observed("DE")).url,
              AllOf(HasSubstr("/history?zone=DE&emissionFactorType=direct"),
                    Not(HasSubstr("horizonHours"))));
  EXPECT_THAT(Maps().Request(Forecast("DE", hours(0))).url,
              AllOf(HasSubstr("/latest?"), Not(HasSubstr("horizonHours"))));
}

TEST(ElectricityMaps, ReadsAForecast) {
  const Told told =
      Read(Maps(), Forecast("DE"), Answer(200, R"({"zone":"DE","forecast":[
        {"carbonIntensity":441,"datetime":"2026-03-15T18:00:00.000Z"},
        {"carbonIntensity":null,"datetime":"2026-03-15T19:00:00.000Z"}],
        "updatedAt":"2026-03-15T18:02:31.417Z","temporalGranularity":"hourly"})"));
  ASSERT_EQ(told.points.size(), 2u);
  EXPECT_EQ(told.points[0].value, 441);
  EXPECT_EQ(told.points[1].value, std::nullopt);
  EXPECT_EQ(told.step, hours(1));
  EXPECT_EQ(told.issued_at, At("2026-03-15T18:02:31.417Z"));
}

TEST(ElectricityMaps, ReadsTheHistoryAndTheRunningHour) {
  const std::string point =
      R"("carbonIntensity":382,"datetime":"2026-03-15T18:00:00.000Z",)"
      R"("updatedAt":"2026-03-15T17:48:27.926Z","estimationMethod":"NEW_ONE")";
  const Told history =
      Read(Maps(), Observed("DE"),
           Answer(200, R"({"zone":"DE","history":[{)" + point + "}]}"));
  ASSERT_EQ(history.points.size(), 1u);
  EXPECT_EQ(history.points[0].value, 382);
  const Told latest = Read(Maps(), Forecast("DE", hours(0)),
                           Answer(200, R"({"zone":"DE",)" + point + "}"));
  ASSERT_EQ(latest.points.size(), 1u);
  EXPECT_EQ(latest.step, hours(1));
  EXPECT_EQ(latest.issued_at, std::nullopt)
      << "`updatedAt` is of the model, not of the value";
}

TEST(ElectricityMaps, KnowsTheRandomValuesOfASandbox) {
  EXPECT_TRUE(Read(Maps(), Forecast("DE", hours(0)),
                   Answer(200, R"({"zone":"DE","carbonIntensity":1,
        "datetime":"2026-03-15T18:00:00.000Z",
        "estimationMethod":"SANDBOX_MODE_DATA"})"))
                  .sandbox);
}

TEST(ElectricityMaps, TellsAZoneThatThePlanLacksFromAWrongKey) {
  const Failure zone =
      Refuse(Maps(), Forecast("FR"),
             Answer(401, R"({"error":"Token unauthorized for zoneKey=FR"})"));
  EXPECT_EQ(zone.kind, Kind::kNotPermitted);
  EXPECT_THAT(zone.sentence, HasSubstr("not valid for the forecast of FR"));
  const Failure key = Refuse(
      Maps(), Forecast("FR"),
      Answer(401, R"({"error":"Invalid auth-token","message":"Please"})"));
  EXPECT_EQ(key.kind, Kind::kBadCredentials);
  EXPECT_TRUE(key.of_all_zones);
}

TEST(ElectricityMaps, TakesNoErrorWithStatus200ForData) {
  const Failure failure =
      Refuse(Maps(), Observed("DE"),
             Answer(200, R"({"error":"No recent data for zone \"DE\""})"));
  EXPECT_EQ(failure.kind, Kind::kTemporary);
  EXPECT_THAT(failure.sentence, HasSubstr("No recent data for zone"));
}

// ---- Great Britain ---------------------------------------------------------

TEST(CarbonIntensityUk, AsksForTheNationAndForARegion) {
  const CarbonIntensityUk source = Britain();
  EXPECT_EQ(source.Request(Forecast("GB", hours(48))).url,
            "https://gb/intensity/2026-03-15T18:42Z/fw48h");
  EXPECT_EQ(
      source.Request(Forecast("13", hours(24))).url,
      "https://gb/regional/intensity/2026-03-15T18:42Z/fw24h/regionid/13");
  EXPECT_EQ(source.Request(Observed("GB")).url,
            "https://gb/intensity/2026-03-14T18:42Z/2026-03-15T18:42Z");
}

TEST(CarbonIntensityUk, AsksForNoRangeThatCrossesTheNewYear) {
  const Interval part = Britain().FirstPart(
      {At("2026-12-30T12:00:00Z"), At("2027-01-02T00:00:00Z")});
  EXPECT_EQ(part.end, At("2027-01-01T00:00:00Z"));
  EXPECT_EQ(Britain().FirstPart({part.end, part.end + hours(5)}).end,
            part.end + hours(5));
}

constexpr char kNation[] = R"({"data":[
  {"from":"2026-03-15T18:00Z","to":"2026-03-15T18:30Z",
   "intensity":{"forecast":152,"actual":149,"index":"moderate"}},
  {"from":"2026-03-15T18:30Z","to":"2026-03-15T19:00Z",
   "intensity":{"forecast":161,"actual":null,"index":"moderate"}}]})";

TEST(CarbonIntensityUk, ForecastsWithForecastsAndObservesWithMeasurements) {
  const Told forecast = Read(Britain(), Forecast("GB"), Answer(200, kNation));
  ASSERT_EQ(forecast.points.size(), 2u);
  EXPECT_EQ(forecast.points[0].value, 152);
  EXPECT_EQ(forecast.points[1].length, minutes(30));
  EXPECT_EQ(forecast.issued_at, std::nullopt);
  const Told observed = Read(Britain(), Observed("GB"), Answer(200, kNation));
  ASSERT_EQ(observed.points.size(), 1u) << "the second is not measured yet";
  EXPECT_EQ(observed.points[0].value, 149);
}

TEST(CarbonIntensityUk, ReadsARegionAsAnObjectAndAsAnArrayOfOne) {
  const std::string region =
      R"({"regionid":13,"shortname":"London","data":[
      {"from":"2026-03-15T18:30Z","to":"2026-03-15T19:00Z",
       "intensity":{"forecast":172,"index":"high"}}]})";
  for (const std::string& body :
       {R"({"data":)" + region + "}", R"({"data":[)" + region + "]}"}) {
    const Told told = Read(Britain(), Forecast("13"), Answer(200, body));
    EXPECT_EQ(told.zone, "13");
    ASSERT_EQ(told.points.size(), 1u);
    EXPECT_EQ(told.points[0].value, 172);
  }
}

TEST(CarbonIntensityUk, NeverCallsARegionsEstimatesFinal) {
  EXPECT_EQ(Britain().FinalAfter("GB"), hours(48));
  EXPECT_EQ(Britain().FinalAfter("13"), std::nullopt);
}

TEST(CarbonIntensityUk, TakesAnOutageForWhatItIs) {
  EXPECT_EQ(Refuse(Britain(), Forecast("GB"), Answer(200, "{}")).kind,
            Kind::kTemporary);
  EXPECT_TRUE(Read(Britain(), Observed("GB"), Answer(200, R"({"data":[]})"))
                  .points.empty());
  EXPECT_EQ(Refuse(Britain(), Forecast("GB"),
                   Answer(400, R"({"error":{"code":"400 Bad Request",
        "message":"Please enter a valid datetime"}})"))
                .sentence,
            "HTTP 400: Please enter a valid datetime");
}

// ---- Carbon Aware SDK ------------------------------------------------------

TEST(CarbonAwareSdk, AsksWithTheNamesThatAreNotIgnored) {
  EXPECT_EQ(Sdk().Request(Forecast("eastus")).url,
            "http://sdk/emissions/forecasts/current?location=eastus");
  EXPECT_EQ(Sdk().Request(Observed("eastus")).url,
            "http://sdk/emissions/bylocation?location=eastus"
            "&time=2026-03-14T18%3A42%3A00Z&toTime=2026-03-15T18%3A42%3A00Z");
}

TEST(CarbonAwareSdk, ReadsAForecastAndObservedValues) {
  const Told told =
      Read(Sdk(), Forecast("eastus"),
           Answer(200, R"([{"generatedAt":"2026-03-15T18:40:00+00:00",
      "requestedAt":"2026-03-15T18:41:07.1234567+00:00","location":"eastus",
      "optimalDataPoints":[{"value":1}],
      "forecastData":[{"location":"PJM_DC","timestamp":
      "2026-03-15T18:40:00+00:00","duration":5,"value":287.9}]}])"));
  EXPECT_EQ(told.issued_at, At("2026-03-15T18:40:00Z"));
  ASSERT_EQ(told.points.size(), 1u);
  EXPECT_EQ(told.points[0].length, minutes(5));
  EXPECT_EQ(told.points[0].value, 287.9);
  const Told observed =
      Read(Sdk(), Observed("eastus"),
           Answer(200, R"([{"location":"PJM_DC","time":"2026-03-15T18:00:00Z",
      "rating":422.3,"duration":"01:00:00"},{"location":"PJM_DC",
      "time":"2026-03-15T17:00:00Z","rating":4,"duration":"1.02:00:00.5"}])"));
  ASSERT_EQ(observed.points.size(), 2u);
  EXPECT_EQ(observed.points[0].length, hours(1));
  EXPECT_EQ(observed.points[1].length, hours(26) + Duration(500));
}

TEST(CarbonAwareSdk, KnowsWhatNoDataAndNoForecastLookLike) {
  EXPECT_TRUE(Read(Sdk(), Observed("eastus"), Answer(204, "")).points.empty());
  EXPECT_EQ(Refuse(Sdk(), Forecast("eastus"), Answer(204, "")).kind,
            Kind::kTemporary);
  EXPECT_EQ(Refuse(Sdk(), Forecast("eastus"), Answer(501, "{}")).kind,
            Kind::kNotPermitted);
  EXPECT_EQ(Refuse(Sdk(), Observed("eastus"),
                   Answer(200, R"([{"time":"2026-03-15T18:00:00Z","rating":0},
        {"time":"2026-03-15T17:00:00Z","rating":0}])"))
                .kind,
            Kind::kBadData);
}

}  // namespace
}  // namespace carbond
