// What Prometheus reads, over a real socket.
#include "daemon/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/grid/http.h"
#include "tests/daemon/service_world.h"

namespace carbond {
namespace {

using testing::HasSubstr;
using testing::Not;

std::vector<ProviderReport> Providers() {
  FetchReport fetched;
  fetched.requests_today = 12;
  fetched.zones = {{"DE", {}, {}, {}, ""}, {"FR", {}, {}, {}, "HTTP 502"}};
  return {{"wt", "watttime", "co2_moer", fetched},
          {"rec", "recorded", "average", {}}};
}

std::string Scrape(int port) {
  CurlDoor door({});
  const auto answer =
      door.Send({fmt::format("http://127.0.0.1:{}/metrics", port), {}});
  if (!answer.ok()) return Message(answer.status());
  EXPECT_EQ(answer->status, 200);
  return answer->body;
}

TEST(Metrics, TellOfJobsRegionsProvidersAndEmissions) {
  ServiceWorld world;
  ASSERT_TRUE(world.Wait({world.SubmitOne(world.Spec())}).first.ok());
  auto metrics = Metrics::Serve(
      "127.0.0.1:0", {world.loop(), world.reads(), world.clock(), Providers});
  ASSERT_TRUE(metrics.ok()) << metrics.status();
  const std::string text = Scrape((*metrics)->port());
  for (const char* line :
       {"carbond_build_info{version=", "carbond_jobs{state=\"waiting\"} 0",
        "carbond_region_intensity_grams_per_kilowatt_hour{region=\"here\",",
        "carbond_region_forecast_mode{region=\"here\",mode=\"fresh\"} ",
        "carbond_region_capacity{region=\"here\",resource=\"cpu\"} ",
        "carbond_provider_requests_today{provider=\"wt\"} 12",
        "carbond_provider_zone_in_trouble{provider=\"wt\",zone=\"DE\"} 0",
        "carbond_provider_zone_in_trouble{provider=\"wt\",zone=\"FR\"} 1",
        "# HELP carbond_emissions_grams CO2e emitted",
        "carbond_energy_kilowatt_hours{signal="}) {
    EXPECT_THAT(text, HasSubstr(line)) << text;
  }
  EXPECT_THAT(text, Not(HasSubstr("provider=\"rec\"")));
}

TEST(Metrics, CountWhatReceiversWereTold) {
  ServiceWorld world;
  auto metrics = Metrics::Serve(
      "127.0.0.1:0",
      {world.loop(), world.reads(), world.clock(), Providers, [] {
         return std::vector<NotifyReport>{{"hook", 7, 2, 3}};
       }});
  ASSERT_TRUE(metrics.ok()) << metrics.status();
  const std::string text = Scrape((*metrics)->port());
  for (const char* line :
       {"carbond_notices_total{receiver=\"hook\",result=\"delivered\"} 7",
        "carbond_notices_total{receiver=\"hook\",result=\"failed\"} 2",
        "carbond_notices_waiting{receiver=\"hook\"} 3"}) {
    EXPECT_THAT(text, HasSubstr(line)) << text;
  }
}

TEST(Metrics, SayThatAPortIsInUse) {
  ServiceWorld world;
  const Metrics::Sources sources{world.loop(), world.reads(), world.clock(),
                                 Providers};
  auto first = Metrics::Serve("127.0.0.1:0", sources);
  ASSERT_TRUE(first.ok());
  const std::string taken = fmt::format("127.0.0.1:{}", (*first)->port());
  const auto second = Metrics::Serve(taken, sources);
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(Message(second.status()),
              HasSubstr("metrics cannot be served at " + taken));
}

TEST(Metrics, GoOnWithoutAnEngine) {
  ServiceWorld world;
  auto metrics = Metrics::Serve(
      "127.0.0.1:0", {world.loop(), world.reads(), world.clock(), Providers});
  ASSERT_TRUE(metrics.ok());
  world.loop().Stop();
  const std::string text = Scrape((*metrics)->port());
  EXPECT_THAT(text, HasSubstr("carbond_build_info"));
  EXPECT_THAT(text, Not(HasSubstr("carbond_jobs")));
}

}  // namespace
}  // namespace carbond
