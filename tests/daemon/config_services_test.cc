// carbond.yaml on services behind HTTP: what it may say, and a clear line for
// all it may not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "daemon/grid/factory.h"
#include "tests/daemon/config_world.h"

namespace carbond {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

// One provider `p` on line 3, and a region of a zone on line 5.
std::string Yaml(const std::string& provider,
                 const std::string& zone = "zone: DE, ") {
  return "state_dir: s\nproviders:\n  p: {" + provider +
         "}\nregions:\n  - {name: here, grid: p, " + zone +
         "capacity: {gpus: 1}}\n";
}

class ServicesTest : public ConfigTest {
 protected:
  template <typename T>
  T Only(const std::string& yaml) {
    const Config config = Good(yaml);
    if (config.providers.size() != 1) return {};
    return std::get<T>(config.providers[0].settings);
  }
};

constexpr char kWattTime[] =
    "type: watttime, username_env: WT_USER, password_file: wt.pass";

TEST_F(ServicesTest, TakesWattTimeWithItsDefaults) {
  const auto config = Only<WattTimeConfig>(Yaml(kWattTime));
  EXPECT_EQ(config.base_url, "https://api.watttime.org");
  EXPECT_EQ(config.signal, "co2_moer");
  EXPECT_EQ(config.username, (SecretPlace{"WT_USER", ""}));
  EXPECT_EQ(config.password, (SecretPlace{"", folder_.path() + "/wt.pass"}));
  EXPECT_EQ(config.horizon, hours(72));
  EXPECT_EQ(config.poll, minutes(5));
  EXPECT_EQ(config.stale_after, hours(3));
  EXPECT_EQ(config.timeout, seconds(60));
}

TEST_F(ServicesTest, TakesEveryKeyOfAService) {
  folder_.Write("ca.pem", "");
  const auto config = Only<ElectricityMapsConfig>(
      Yaml("type: electricity_maps, base_url: 'https://box:8443/v4/', "
           "token_env: EM_TOKEN, signal: average_direct, horizon: 0, poll: 1h, "
           "stale_after: 6h, timeout: 20s, contact: 'https://example.org', "
           "ca_file: ca.pem"));
  EXPECT_EQ(config.base_url, "https://box:8443/v4");
  EXPECT_EQ(config.token, (SecretPlace{"EM_TOKEN", ""}));
  EXPECT_EQ(config.signal, "average_direct");
  EXPECT_EQ(config.horizon, Duration(0));
  EXPECT_EQ(config.poll, hours(1));
  EXPECT_EQ(config.stale_after, hours(6));
  EXPECT_EQ(config.timeout, seconds(20));
  EXPECT_EQ(config.contact, "https://example.org");
  EXPECT_EQ(config.ca_file, folder_.path() + "/ca.pem");
}

TEST_F(ServicesTest, TakesBritainWithoutAnythingAndAWebApiWithItsSignal) {
  const auto britain = Only<CarbonIntensityUkConfig>(
      Yaml("type: carbonintensity_uk", "zone: GB, "));
  EXPECT_EQ(britain.base_url, "https://api.carbonintensity.org.uk");
  EXPECT_EQ(britain.signal, "average_generation");
  EXPECT_EQ(britain.poll, minutes(30));
  const auto sdk = Only<CarbonAwareSdkConfig>(
      Yaml("type: carbon_aware_sdk, base_url: http://10.0.0.1:8080, "
           "signal: co2_moer"));
  EXPECT_EQ(sdk.base_url, "http://10.0.0.1:8080") << "it carries no secret";
}

TEST_F(ServicesTest, WantsAPlaceForEverySecretAndNeverTheSecret) {
  EXPECT_THAT(
      Mistakes(Yaml("type: watttime")),
      ElementsAre(StartsWith("c.yaml:3: providers.p.username_env: missing; "
                             "name the environment variable"),
                  StartsWith("c.yaml:3: providers.p.password_env: missing")));
  const std::string literal =
      Mistake(Yaml("type: electricity_maps, token: hunter2"));
  EXPECT_THAT(literal,
              HasSubstr("providers.p.token: a secret is never in the file "
                        "itself; write token_env: VARIABLE or token_file"));
  EXPECT_EQ(literal.find("hunter2"), std::string::npos);
  EXPECT_THAT(Mistake(Yaml("type: electricity_maps, token_env: a-b")),
              HasSubstr("`a-b` is no name of an environment variable"));
  EXPECT_THAT(
      Mistake(Yaml("type: electricity_maps, token_env: A, token_file: b")),
      HasSubstr("token_env is given as well"));
}

TEST_F(ServicesTest, RefusesAnAddressThatWouldGiveASecretAway) {
  const auto with = [&](const std::string& url) {
    return Mistake(
        Yaml("type: electricity_maps, token_env: A, base_url: '" + url + "'"));
  };
  EXPECT_THAT(with("http://api.example.org"),
              HasSubstr("would carry the secret over the network"));
  EXPECT_THAT(with("ftp://x"), HasSubstr("is no address; write https://host"));
  EXPECT_THAT(with("https://"), HasSubstr("is no address"));
  EXPECT_THAT(with("https://h/v3?zone=DE"), HasSubstr("is no address"));
  const std::string user = with("https://me:hunter2@h/v3");
  EXPECT_THAT(user, HasSubstr("no user name or password may stand"));
  EXPECT_EQ(user.find("hunter2"), std::string::npos);
  for (const char* local :
       {"http://localhost:1", "http://127.0.0.1:8080/v3", "http://[::1]:80"}) {
    Good(Yaml(std::string("type: electricity_maps, token_env: A, base_url: '") +
              local + "'"));
  }
}

TEST_F(ServicesTest, RefusesWhatAServiceDoesNotGive) {
  EXPECT_THAT(Mistake(Yaml(std::string(kWattTime) + ", signal: health_damage")),
              HasSubstr("`health_damage` is none of co2_aoer, co2_moer"));
  EXPECT_THAT(Mistake(Yaml(std::string(kWattTime) + ", horizon: 96h")),
              HasSubstr("horizon: 96h is not between 0s and 3d"));
  EXPECT_THAT(Mistake(Yaml(std::string(kWattTime) + ", poll: 1s")),
              HasSubstr("poll: 1s is not between 10s and 1d"));
  EXPECT_THAT(Mistake(Yaml(std::string(kWattTime) + ", stale_after: 1m")),
              HasSubstr("stale_after: 1m is shorter than poll 5m"));
  EXPECT_THAT(Mistake(Yaml("type: carbon_aware_sdk, signal: x")),
              HasSubstr("providers.p.base_url: missing"));
  EXPECT_THAT(Mistake(Yaml(std::string(kWattTime) + ", ca_file: none.pem")),
              HasSubstr("none.pem does not exist"));
}

TEST_F(ServicesTest, WantsAZoneThatTheServiceKnows) {
  EXPECT_THAT(
      Mistake(Yaml(kWattTime, "")),
      HasSubstr("regions.here.zone: missing; write the zone as p (watttime) "
                "names it, such as CAISO_NORTH"));
  for (const char* zone : {"London", "0", "18", "013"}) {
    EXPECT_THAT(Mistake(Yaml("type: carbonintensity_uk",
                             fmt::format("zone: '{}', ", zone))),
                HasSubstr(fmt::format("p knows no zone `{}`: write GB", zone)));
  }
  Good(Yaml("type: carbonintensity_uk", "zone: 17, "));
}

TEST_F(ServicesTest, RefusesServicesUnderAClockThatRunsFaster) {
  EXPECT_EQ(Mistake("clock: {speed: 600}\n" + Yaml(kWattTime)),
            "c.yaml:4: providers.p: watttime speaks of real hours, which "
            "clock.speed 600 would leave behind; use recorded providers, or "
            "speed 1");
}

TEST_F(ServicesTest, MixesNoSignals) {
  EXPECT_THAT(
      Mistake("state_dir: s\nproviders:\n  wt: {" + std::string(kWattTime) +
              "}\n  em: {type: electricity_maps, token_env: A}\n"
              "regions:\n  - {name: here, grid: [wt, em], zone: DE, "
              "capacity: {gpus: 1}}\n"),
      HasSubstr("`wt` gives co2_moer and `em` gives average_lifecycle"));
}

TEST_F(ServicesTest, KnowsTheVariablesThatNoJobMaySee) {
  EXPECT_THAT(SecretVariables(Good(Yaml(kWattTime))), ElementsAre("WT_USER"));
  EXPECT_THAT(SecretVariables(Good(kGood)), testing::IsEmpty());
}

TEST_F(ServicesTest, NamesTheSecretsThatAreMissing) {
  const Config config = Good(Yaml(kWattTime));
  unsetenv("WT_USER");
  std::vector<std::string> missing;
  for (const Status& each : MissingSecrets(config)) {
    missing.push_back(Message(each));
  }
  EXPECT_THAT(missing,
              ElementsAre(HasSubstr("provider p: the environment variable "
                                    "WT_USER is not set"),
                          HasSubstr("wt.pass cannot be read")));
  const SystemClock clock;
  const auto grid = MakeGrid(config, clock.Now(), clock);
  EXPECT_THAT(Message(grid.status()), HasSubstr("WT_USER is not set"));
}

}  // namespace
}  // namespace carbond
