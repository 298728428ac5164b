// What `carbond doctor` asks of providers and regions, and what it says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "daemon/doctor/grid_checkup.h"
#include "daemon/doctor/place_checkup.h"
#include "daemon/grid/electricity_maps.h"
#include "daemon/grid/watttime.h"
#include "tests/daemon/config_world.h"
#include "tests/daemon/fake_machine.h"
#include "tests/daemon/grid_answers.h"

namespace carbond {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const Instant kNow = At("2026-03-15T18:42:00Z");

class FixedClock : public Clock {
 public:
  Instant Now() const override { return kNow; }
};

constexpr char kAccess[] =
    R"({"signal_types":[{"signal_type":"health_damage","regions":[)"
    R"({"region":"FR","endpoints":[{"endpoint":"v3/forecast"}]}]},)"
    R"({"signal_type":"co2_moer","regions":[{"region":"CAISO_NORTH",)"
    R"("endpoints":[{"endpoint":"v3/forecast"},{"endpoint":"v3/historical"}])"
    R"(},{"region":"SE","endpoints":[{"endpoint":"v3/historical"}]}]}]})";

// A WattTime that answers well, but for what a test orders.
struct WattTimeWorld {
  std::map<std::string, HttpAnswer> instead;  // by a part of the URL
  std::string zone_of_place = "CAISO_NORTH";
  Instant issued = kNow - minutes(2);
  ScriptedDoor* door = nullptr;

  Result<HttpAnswer> Give(const HttpRequest& request) const {
    for (const auto& [part, answer] : instead) {
      if (request.url.find(part) != std::string::npos) return answer;
    }
    if (request.url.ends_with("/login")) {
      return Answer(200, R"({"token":"t"})");
    }
    if (request.url.find("my-access") != std::string::npos) {
      return Answer(200, kAccess);
    }
    if (request.url.find("region-from-loc") != std::string::npos) {
      return Answer(200, R"({"region":")" + zone_of_place + R"("})");
    }
    const std::string zone = Parameter(request.url, "region");
    if (request.url.find("/v3/forecast") != std::string::npos) {
      return Answer(
          200, WattTimeBody(issued, 864, "900", zone, FormatInstant(issued)));
    }
    return Answer(200, WattTimeBody(kNow - minutes(62), 12, "700", zone));
  }

  Findings Check(const std::vector<AskedZone>& zones) {
    WattTimeConfig config;
    config.base_url = "https://wt";
    config.signal = "co2_moer";
    const ProviderConfig provider{"wt", "watttime", 3, config};
    HttpService service;
    service.source =
        std::make_unique<WattTime>(config, Secret("u"), Secret("p"));
    auto scripted = std::make_unique<ScriptedDoor>(
        [this](const HttpRequest& request) { return Give(request); });
    door = scripted.get();
    service.door = std::move(scripted);
    Findings findings = CheckUpService(provider, service, zones, FixedClock());
    asked = door->asked;
    return findings;
  }
  std::vector<std::string> asked;
};

std::vector<std::string> Of(const Findings& findings, Finding::Kind kind) {
  std::vector<std::string> texts;
  for (const Finding& each : findings.lines) {
    if (each.kind == kind) texts.push_back(each.text);
  }
  return texts;
}
auto GoodLines(const Findings& f) { return Of(f, Finding::Kind::kGood); }
auto NoteLines(const Findings& f) { return Of(f, Finding::Kind::kNote); }
auto BadLines(const Findings& f) { return Of(f, Finding::Kind::kBad); }

const AskedZone kCalifornia{"here", "CAISO_NORTH", false, ""};

TEST(Doctor, SaysOfAGoodProviderWhatItGives) {
  WattTimeWorld world;
  const Findings findings = world.Check({kCalifornia});
  EXPECT_EQ(findings.title, "wt: WattTime at wt, co2_moer");
  EXPECT_TRUE(BadLines(findings).empty())
      << testing::PrintToString(BadLines(findings));
  EXPECT_THAT(GoodLines(findings),
              Contains(StartsWith("the login is accepted")));
  EXPECT_THAT(GoodLines(findings),
              Contains("this account may read forecasts of co2_moer for "
                       "CAISO_NORTH only"));
  EXPECT_THAT(GoodLines(findings),
              Contains(StartsWith("CAISO_NORTH: forecast issued 2m ago, "
                                  "reaches 3d ahead in steps of 5m, now "
                                  "408 g/kWh")));
  EXPECT_THAT(GoodLines(findings),
              Contains(StartsWith("CAISO_NORTH: observed up to 2m ago, steps "
                                  "of 5m, last 318 g/kWh")));
}

TEST(Doctor, AsksEachQuestionOnce) {
  WattTimeWorld world;
  AskedZone again = kCalifornia;
  again.region = "there";
  world.Check({kCalifornia, again});
  std::map<std::string, int> count;
  for (const std::string& url : world.asked)
    ++count[url.substr(0, url.find('?'))];
  EXPECT_EQ(count["https://wt/v3/forecast"], 1);
  EXPECT_EQ(count["https://wt/v3/historical"], 1);
  EXPECT_EQ(count["https://wt/v3/my-access"], 1);
  EXPECT_LE(count["https://wt/login"], 2);
}

TEST(Doctor, DoesNotAskForAZoneThatTheAccountMayNotRead) {
  WattTimeWorld world;
  const Findings findings =
      world.Check({{"north", "SE", false, ""}, kCalifornia});
  EXPECT_THAT(BadLines(findings),
              testing::ElementsAre(
                  AllOf(StartsWith("SE (region north): not among the zones"),
                        HasSubstr("ask WattTime for it"))));
  EXPECT_THAT(world.asked, Not(Contains(HasSubstr("region=SE"))));
  EXPECT_THAT(GoodLines(findings),
              Contains(StartsWith("CAISO_NORTH: forecast")));
}

TEST(Doctor, StopsAtARefusedLoginAndSaysSoOnce) {
  WattTimeWorld world;
  world.instead["/login"] = Html(403, "nginx");
  const Findings findings = world.Check({kCalifornia});
  ASSERT_EQ(findings.lines.size(), 1u);
  EXPECT_THAT(BadLines(findings),
              testing::ElementsAre(HasSubstr("check user name and password")));
  EXPECT_EQ(world.asked.size(), 1u);
}

TEST(Doctor, DoesNotCallAServiceWellThatRefusesItsFirstQuestion) {
  WattTimeWorld world;
  world.instead["my-access"] = Answer(429, "{}");
  const Findings findings = world.Check({kCalifornia});
  EXPECT_THAT(BadLines(findings), testing::ElementsAre(HasSubstr("HTTP 429")));
  EXPECT_THAT(NoteLines(findings),
              testing::ElementsAre("not tried any more: CAISO_NORTH"));
}

TEST(Doctor, SaysWhatThePlaceOfACloudRegionIsCalledByTheService) {
  WattTimeWorld world;
  AskedZone hinted{"west", "CAISO_NORTH", true, "aws/us-west-1"};
  EXPECT_THAT(GoodLines(world.Check({hinted})),
              Contains("Bay Area, N. California (aws/us-west-1) lies in "
                       "CAISO_NORTH"));
  world.zone_of_place = "CAISO_ELSEWHERE";
  EXPECT_THAT(BadLines(world.Check({hinted})),
              Contains(HasSubstr("write `zone: CAISO_ELSEWHERE`")));
  hinted.is_hint = false;  // who wrote it may know better
  const Findings findings = world.Check({hinted});
  EXPECT_TRUE(BadLines(findings).empty());
  EXPECT_THAT(NoteLines(findings),
              Contains(HasSubstr("lies in CAISO_ELSEWHERE")));
}

TEST(Doctor, CallsAnOldForecastStale) {
  WattTimeWorld world;
  world.issued = kNow - hours(5);
  EXPECT_THAT(BadLines(world.Check({kCalifornia})),
              Contains(HasSubstr("older than stale_after 3h: not used")));
}

TEST(Doctor, TellsOfAClockThatIsOff) {
  WattTimeWorld world;
  HttpAnswer answer = Answer(200, R"({"token":"t"})");
  answer.date = kNow - minutes(10);
  world.instead["/login"] = answer;
  EXPECT_THAT(BadLines(world.Check({kCalifornia})),
              testing::ElementsAre(HasSubstr(
                  "this machine's clock is 10m ahead of the service's")));
}

TEST(Doctor, HasAWordForEachThingThatGoesWrong) {
  const std::pair<HttpAnswer, const char*> cases[] = {
      {Answer(200, ""), "empty body"},
      {Html(502, "nginx"), "HTTP 502, an HTML page of nginx"},
      {Answer(429, "{}"), "HTTP 429"},
      {Answer(200, WattTimeBody(kNow, 864, "900", "ELSEWHERE")), "ELSEWHERE"},
      {Answer(200, "{\"data\":["), "JSON"},
  };
  for (const auto& [answer, words] : cases) {
    WattTimeWorld world;
    world.instead["/v3/forecast"] = answer;
    const Findings findings = world.Check({kCalifornia});
    EXPECT_THAT(BadLines(findings),
                Contains(AllOf(StartsWith("CAISO_NORTH, forecast: "),
                               HasSubstr(words))))
        << words;
  }
}

TEST(Doctor, ReadsWhatElectricityMapsKeysMayRead) {
  const ElectricityMaps maps(
      [] {
        HttpConfig config;
        config.base_url = "https://em/v3";
        config.signal = "average_lifecycle";
        return config;
      }(),
      Secret("key"));
  const auto access = maps.ParseAccess(Answer(
      200, R"({"DE":{"zoneName":"Germany","access":["*"]},"FR":{"access":)"
           R"(["carbon-intensity/latest","carbon-intensity/history"]}})"));
  ASSERT_TRUE(std::holds_alternative<Access>(access));
  EXPECT_EQ(std::get<Access>(access).forecasts, std::set<std::string>{"DE"});
  EXPECT_EQ(std::get<Access>(access).observed,
            (std::set<std::string>{"DE", "FR"}));
  EXPECT_EQ(maps.PlaceRequest(50.5, -8.25)->url,
            "https://em/v3/carbon-intensity/latest?lat=50.5&lon=-8.25");
  const auto place = maps.ParsePlace(Answer(200, R"({"zone":"IE"})"));
  EXPECT_EQ(std::get<std::string>(place), "IE");
  EXPECT_TRUE(std::holds_alternative<Failure>(
      maps.ParsePlace(Answer(404, R"({"error":"no zone"})"))));
}

// ---- What needs no network --------------------------------------------------

class DoctorConfigTest : public ConfigTest {};

TEST_F(DoctorConfigTest, SaysThatAYearlyAverageMakesNoJobWait) {
  const Config config = Good(
      "state_dir: s\nproviders:\n  t: {type: static, factors: {x: 7}}\n"
      "regions:\n  - {name: a, grid: t, zone: DE, capacity: {cpus: 1}}\n"
      "  - {name: b, grid: t, zone: x, capacity: {cpus: 1}}\n");
  const Findings findings =
      CheckUpStatic(config.providers[0], AskedZones(config, "t"));
  EXPECT_THAT(NoteLines(findings),
              testing::ElementsAre(
                  AllOf(StartsWith("DE (region a): "), HasSubstr("2023")),
                  StartsWith("x (region b): 7.0 g/kWh at every hour (your "
                             "figure)")));
}

TEST_F(DoctorConfigTest, FindsThatARecordingHoldsNothingOfToday) {
  folder_.Write("a.csv",
                "time_utc,gco2_per_kwh\n2021-06-01T00:00:00Z,1\n"
                "2021-06-01T01:00:00Z,2\n");
  const Config config = Good(kGood);
  const Findings findings =
      CheckUpRecorded(config.providers[0], AskedZones(config, "rec"), kNow);
  EXPECT_THAT(BadLines(findings), Contains(HasSubstr("say `replay: now`")));
}

TEST_F(DoctorConfigTest, TriesOutARegionAndHoldsItAgainstTheMachine) {
  Config config = Good(kGood);
  config.runner = CARBON_RUNNER;
  config.regions[0].region.capacity = {1000, 100000};
  const Findings findings = CheckUpRegion(config, config.regions[0]);
  EXPECT_THAT(GoodLines(findings),
              Contains(StartsWith("a process was started, watched and ended")));
  EXPECT_THAT(NoteLines(findings),
              Contains(HasSubstr("jobs would share them")));
  EXPECT_THAT(BadLines(findings),
              Contains(HasSubstr("capacity allows 1000 gpus")));
  config.runner = folder_.path() + "/none";
  EXPECT_THAT(BadLines(CheckUpRegion(config, config.regions[0])),
              Contains(StartsWith("no process can be run: ")));
}

TEST_F(DoctorConfigTest, SaysWhichMetersWorkAndWhatMendsTheOthers) {
  FakeGpus gpus(folder_.path());
  FakePowercap powercap(folder_.path() + "/powercap");
  Config config = Good(kGood);
  config.runner = CARBON_RUNNER;
  config.regions[0].region.capacity = {2, 1};
  config.meter.nvml_library = gpus.library();
  config.meter.powercap = powercap.root();
  Findings findings = CheckUpRegion(config, config.regions[0]);
  EXPECT_THAT(
      NoteLines(findings),
      Contains("nvml: NVML: Driver Not Loaded; its energy is modelled"));
  EXPECT_THAT(NoteLines(findings),
              Contains(HasSubstr("rapl: " + powercap.root() +
                                 " shows no CPU package")));
  gpus.Set({{"GPU-a", "1"}, {"GPU-b", "1"}});
  powercap.Zone("intel-rapl:0", "package-0", 7);
  findings = CheckUpRegion(config, config.regions[0]);
  EXPECT_THAT(GoodLines(findings), Contains("nvml: 2 GPUs count their energy"));
  EXPECT_THAT(GoodLines(findings), Contains(StartsWith("rapl: 1 CPU package")));
  config.meter.sources.command = {"false"};
  EXPECT_THAT(BadLines(CheckUpRegion(config, config.regions[0])),
              Contains(StartsWith("command: `false`: it failed")));
  config.meter.sources.command = {"echo", "350.5 W"};
  EXPECT_THAT(GoodLines(CheckUpRegion(config, config.regions[0])),
              Contains("command: `echo` says 350.5 W"));
}

TEST_F(DoctorConfigTest, LooksAtTheStateDirectoryWithoutMakingIt) {
  Config config = Good(kGood);
  config.state_dir = folder_.path() + "/deep/state";
  EXPECT_THAT(GoodLines(CheckUpStateDir(config)),
              Contains(StartsWith("can be written, ")));
  EXPECT_FALSE(std::filesystem::exists(folder_.path() + "/deep"));
}

}  // namespace
}  // namespace carbond
