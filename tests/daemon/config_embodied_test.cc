// What making a region's machines emitted, as carbond.yaml says it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/config_world.h"

namespace carbond {
namespace {

using testing::HasSubstr;

class EmbodiedConfigTest : public ConfigTest {
 protected:
  static std::string Region(const std::string& embodied) {
    return With("pue: 1.2", "pue: 1.2, embodied: " + embodied);
  }
};

TEST_F(EmbodiedConfigTest, IsAbsentUnlessItIsSaid) {
  EXPECT_FALSE(Good(kGood).regions[0].embodied.has_value());
}

TEST_F(EmbodiedConfigTest, IsOfAMachineSharedByItsGpusAndCores) {
  const auto gpus = Good(Region("{kg: 3700, gpus: 8}")).regions[0].embodied;
  ASSERT_TRUE(gpus.has_value());
  EXPECT_EQ(gpus->kg, 3700);
  EXPECT_EQ(gpus->gpus, 8);
  EXPECT_EQ(gpus->cpus, 0);
  EXPECT_EQ(gpus->years, 4);
  const auto both = Good(Region("{kg: 1.5e3, gpus: 4, cpus: 64, years: 5.5}"))
                        .regions[0]
                        .embodied;
  EXPECT_EQ(both->cpus, 64);
  EXPECT_EQ(both->years, 5.5);
}

TEST_F(EmbodiedConfigTest, RefusesWhatCannotBeShared) {
  EXPECT_THAT(Mistake(Region("{gpus: 8}")),
              HasSubstr("regions.here.embodied.kg: missing; write embodied: "
                        "{kg: 3700, gpus: 8, years: 4}"));
  EXPECT_THAT(Mistake(Region("{kg: 3700}")),
              HasSubstr("regions.here.embodied: shared by what? write "
                        "embodied: {kg: 3700, gpus: 8, years: 4}"));
  EXPECT_THAT(Mistake(Region("{kg: 3700, gpus: 0}")),
              HasSubstr("regions.here.embodied.gpus: `0` is no whole number "
                        "from 1 to 1024"));
  EXPECT_THAT(Mistake(Region("{kg: -1, gpus: 8}")),
              HasSubstr("regions.here.embodied.kg: -1 is not between"));
  EXPECT_THAT(Mistake(Region("{kg: 1, gpus: 8, years: 0}")),
              HasSubstr("regions.here.embodied.years: 0 is not between"));
  EXPECT_THAT(Mistake(Region("{kg: 1, gpus: 8, lifetime: 4}")),
              HasSubstr("unknown key `regions.here.embodied.lifetime`; known "
                        "here: kg, gpus, cpus, years"));
  EXPECT_THAT(Mistake(Region("3700kg")), HasSubstr("regions.here.embodied"));
}

}  // namespace
}  // namespace carbond
