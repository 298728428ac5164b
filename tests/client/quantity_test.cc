#include "client/quantity.h"

#include <gtest/gtest.h>

namespace carbond::client {
namespace {

std::string Error(const absl::Status& status) {
  return std::string(status.message());
}

TEST(Quantity, ReadsDurationsAsPeopleWriteThem) {
  EXPECT_EQ(*ParseDuration("90s"), absl::Seconds(90));
  EXPECT_EQ(*ParseDuration("5m"), absl::Minutes(5));
  EXPECT_EQ(*ParseDuration("5min"), absl::Minutes(5));
  EXPECT_EQ(*ParseDuration("2h"), absl::Hours(2));
  EXPECT_EQ(*ParseDuration("3d"), absl::Hours(72));
  EXPECT_EQ(*ParseDuration("1w"), absl::Hours(168));
  EXPECT_EQ(*ParseDuration("1h30m"), absl::Minutes(90));
  EXPECT_EQ(*ParseDuration("1h 30m"), absl::Minutes(90));
  EXPECT_EQ(*ParseDuration("1.5h"), absl::Minutes(90));
  EXPECT_EQ(*ParseDuration(".5h"), absl::Minutes(30));
  EXPECT_EQ(*ParseDuration("250ms"), absl::Milliseconds(250));
  EXPECT_EQ(*ParseDuration("0"), absl::ZeroDuration());
  EXPECT_EQ(*ParseDuration("0s"), absl::ZeroDuration());
}

TEST(Quantity, RefusesWhatIsNoDuration) {
  for (const char* text : {"", " ", "h", "2x", "2h3", "two hours", "1e3s", "2H",
                           "inf s", "nan", "+2h", "2h-1m", "0x10s"}) {
    EXPECT_FALSE(ParseDuration(text).ok()) << text;
  }
  EXPECT_EQ(Error(ParseDuration("90").status()),
            "duration `90` has no unit: write 90s, 90m or 90h");
  EXPECT_EQ(Error(ParseDuration("-2h").status()), "duration `-2h` is negative");
  EXPECT_EQ(Error(ParseDuration("99999999h").status()),
            "duration `99999999h` is longer than a hundred years");
  EXPECT_EQ(Error(ParseDuration("2 fortnights").status()),
            "duration `2 fortnights` is not understood: write 90s, 5m, 2h, 3d "
            "or 1h30m");
}

TEST(Quantity, ReadsPowerOnlyWithItsUnit) {
  EXPECT_DOUBLE_EQ(*ParsePower("300W"), 300);
  EXPECT_DOUBLE_EQ(*ParsePower("300 w"), 300);
  EXPECT_DOUBLE_EQ(*ParsePower("1.2kW"), 1200);
  EXPECT_DOUBLE_EQ(*ParsePower("2MW"), 2e6);
  EXPECT_EQ(Error(ParsePower("300").status()),
            "power `300` has no unit: write 300W or 300kW");
  EXPECT_EQ(Error(ParsePower("-5W").status()), "power `-5W` is negative");
  // A milliwatt is not a megawatt.
  for (const char* text : {"", "W", "300J", "300WW", "2mW", "1e3W"}) {
    EXPECT_FALSE(ParsePower(text).ok()) << text;
  }
}

TEST(Quantity, ReadsIntensitiesFractionsAndCounts) {
  EXPECT_DOUBLE_EQ(*ParseIntensity("200"), 200);
  EXPECT_DOUBLE_EQ(*ParseIntensity("200.5 g/kWh"), 200.5);
  EXPECT_DOUBLE_EQ(*ParseIntensity("0"), 0);
  EXPECT_FALSE(ParseIntensity("200kg").ok());
  EXPECT_FALSE(ParseIntensity("-1").ok());
  EXPECT_DOUBLE_EQ(*ParseFraction("0.05"), 0.05);
  EXPECT_DOUBLE_EQ(*ParseFraction("5%"), 0.05);
  EXPECT_FALSE(ParseFraction("5 percent").ok());
  EXPECT_EQ(*ParseCount("-3"), -3);
  EXPECT_FALSE(ParseCount("3.0").ok());
  EXPECT_EQ(ParseCount("99999999999").status().message(),
            "`99999999999` is too large");
  EXPECT_FALSE(ParseCount("").ok());
  EXPECT_FALSE(ParseNumber("1,5").ok());
}

TEST(Quantity, WritesLengthsInTwoUnitsAtMost) {
  EXPECT_EQ(FormatLength(absl::ZeroDuration()), "0s");
  EXPECT_EQ(FormatLength(absl::Milliseconds(250)), "250ms");
  EXPECT_EQ(FormatLength(absl::Seconds(59)), "59s");
  EXPECT_EQ(FormatLength(absl::Seconds(90)), "1m30s");
  EXPECT_EQ(FormatLength(absl::Minutes(90)), "1h30m");
  EXPECT_EQ(FormatLength(absl::Hours(76)), "3d4h");
  EXPECT_EQ(FormatLength(absl::Hours(48)), "2d");
  EXPECT_EQ(FormatLength(-absl::Minutes(5)), "-5m");
}

TEST(Quantity, CarriesRoundedLengthsIntoTheNextUnit) {
  EXPECT_EQ(FormatLength(absl::Milliseconds(59'700)), "1m");
  EXPECT_EQ(FormatLength(absl::Seconds(3599)), "59m59s");
  EXPECT_EQ(FormatLength(absl::Seconds(7199)), "2h");
  EXPECT_EQ(FormatLength(absl::Seconds(86'399)), "1d");
}

TEST(Quantity, WritesFiguresWithThreeDigitsThatMatter) {
  EXPECT_EQ(FormatGrams(0), "0 g");
  EXPECT_EQ(FormatGrams(0.0041), "4.10 mg");
  EXPECT_EQ(FormatGrams(412.4), "412 g");
  EXPECT_EQ(FormatGrams(999.7), "1.00 kg");
  EXPECT_EQ(FormatGrams(1204), "1.20 kg");
  EXPECT_EQ(FormatGrams(3.41e6), "3.41 t");
  EXPECT_EQ(FormatGrams(-12.3), "-12.3 g");
  EXPECT_EQ(FormatEnergy(0), "0 kWh");
  EXPECT_EQ(FormatEnergy(0.31), "310 Wh");
  EXPECT_EQ(FormatEnergy(1.234), "1.23 kWh");
  EXPECT_EQ(FormatEnergy(4500), "4.50 MWh");
  EXPECT_EQ(FormatPower(300), "300 W");
  EXPECT_EQ(FormatPower(1200), "1.20 kW");
}

TEST(Quantity, ShowsNegativeSavingsAsTheyAre) {
  EXPECT_EQ(FormatPercent(0.317), "32 %");
  EXPECT_EQ(FormatPercent(-0.03), "-3 %");
  EXPECT_EQ(FormatPercent(0.004), "0.4 %");
  EXPECT_EQ(FormatPercent(0.0001), "0 %");
  EXPECT_EQ(FormatPercent(1), "100 %");
}

}  // namespace
}  // namespace carbond::client
