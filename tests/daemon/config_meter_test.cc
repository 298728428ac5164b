// How jobs are measured, as carbond.yaml says it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/config_world.h"

namespace carbond {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class MeterConfigTest : public ConfigTest {
 protected:
  static std::string Meter(const std::string& meter) {
    return std::string(kGood) + "meter: " + meter + "\n";
  }
  static std::string Region(const std::string& meter) {
    return With("pue: 1.2", "pue: 1.2, meter: " + meter);
  }
};

TEST_F(MeterConfigTest, UsesTheCountersThatAreThereUnlessItIsSaid) {
  const Config config = Good(kGood);
  EXPECT_TRUE(config.meter.sources.nvml);
  EXPECT_TRUE(config.meter.sources.rapl);
  EXPECT_FALSE(config.meter.sources.cpu_time);
  EXPECT_TRUE(config.meter.sources.command.empty());
  EXPECT_EQ(config.meter.period, seconds(10));
  EXPECT_FALSE(config.regions[0].meter.has_value());
}

TEST_F(MeterConfigTest, TakesWhatIsNamedAndARegionsOwn) {
  const Config all = Good(Meter(
      "{sources: [rapl, cpu_time], period: 2s, nvml_library: /opt/nvml.so}"));
  EXPECT_FALSE(all.meter.sources.nvml);
  EXPECT_TRUE(all.meter.sources.cpu_time);
  EXPECT_EQ(all.meter.period, seconds(2));
  EXPECT_EQ(all.meter.nvml_library, "/opt/nvml.so");
  const Config none = Good(Meter("{sources: none}"));
  EXPECT_FALSE(none.meter.sources.nvml || none.meter.sources.rapl);
  const Config own = Good(Region("{command: [outlet, '7'], of: machine}"));
  EXPECT_THAT(own.regions[0].meter->command, ElementsAre("outlet", "7"));
  EXPECT_TRUE(own.regions[0].meter->of_machine);
  EXPECT_TRUE(own.meter.sources.command.empty());
}

TEST_F(MeterConfigTest, RefusesWhatIsNoMeter) {
  EXPECT_THAT(Mistake(Meter("{sources: [nvlm]}")),
              HasSubstr("meter.sources: `nvlm` is no meter: write nvml, rapl, "
                        "cpu_time, slurm, or none alone; did you mean `nvml`?"));
  EXPECT_THAT(Mistake(Meter("{sources: [none, rapl]}")),
              HasSubstr("`none` is no meter"));
  EXPECT_THAT(Mistake(Meter("{of: machine}")),
              HasSubstr("meter.of: says what `command` speaks of"));
  EXPECT_THAT(Mistake(Meter("{command: [x], of: rack}")),
              HasSubstr("`rack` is none of machine, run"));
  EXPECT_THAT(Mistake(Meter("{period: 10ms}")), HasSubstr("meter.period"));
  EXPECT_THAT(Mistake(Region("{watts: 1}")),
              HasSubstr("unknown key `regions.here.meter.watts`; known here: "
                        "sources, command, of"));
}

TEST_F(MeterConfigTest, KnowsNoMachineOfAClusters) {
  const std::string slurm = With(
      "executor: local", "executor: slurm, meter: {command: [x], of: machine}");
  EXPECT_THAT(Mistake(slurm),
              HasSubstr("regions.here.meter.of: a cluster's runs share "
                        "machines that carbond does not know"));
}

}  // namespace
}  // namespace carbond
