// Recorded values in the layout of the Carbon Aware SDK's files.
#include "daemon/grid/emissions_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/grid/recorded.h"
#include "tests/daemon/scratch_folder.h"

namespace carbond {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Instant At(const std::string& text) { return *ParseInstant(text); }

const Instant kBegin = At("2026-03-15T18:00:00Z");

std::string Entry(const std::string& location, Instant time,
                  const std::string& rating, const std::string& more = "") {
  return fmt::format(R"({{"Location":"{}","Time":"{}","Rating":{}{}}})",
                     location, FormatInstant(time), rating, more);
}

class EmissionsFileTest : public testing::Test {
 protected:
  std::string Write(const std::vector<std::string>& entries) {
    return folder_.Write("e.json", fmt::format(R"({{"Emissions":[{}]}})",
                                               fmt::join(entries, ",\n")));
  }
  Recording Read(const std::string& path, const std::string& location = "DE") {
    const auto file = EmissionsFile::Read(path);
    EXPECT_TRUE(file.ok()) << file.status();
    if (!file.ok()) return {};
    auto recording = file->Of(location);
    EXPECT_TRUE(recording.ok()) << recording.status();
    return recording.ok() ? *std::move(recording) : Recording();
  }
  // Without the folder's name.
  std::string Refusal(const std::string& path,
                      const std::string& location = "DE") {
    const auto file = EmissionsFile::Read(path);
    const Status status =
        file.ok() ? file->Of(location).status() : file.status();
    EXPECT_FALSE(status.ok());
    const std::string words = Message(status);
    EXPECT_THAT(words, testing::StartsWith(folder_.path()));
    return words.substr(folder_.path().size() + 1);
  }
  std::string RefusalOf(const std::vector<std::string>& entries) {
    return Refusal(Write(entries));
  }

  ScratchFolder folder_;
};

TEST_F(EmissionsFileTest, ReadsWhatTheSdkWrites) {
  const Recording recording = Read(folder_.Write("e.json",
                                                 R"({"Emissions":[
  {"Location":"DE","Time":"2026-03-15T18:00:00+00:00","Rating":422.3,
   "Duration":"01:00:00"},
  {"Location":"DE","Time":"2026-03-15T20:00:00+01:00","Rating":0,
   "Duration":"01:00:00"}]})"));
  ASSERT_EQ(recording.values.size(), 2u);
  EXPECT_EQ(recording.values[0].begin, kBegin);
  EXPECT_EQ(recording.values[0].intensity, GramsPerKwh::Of(422.3));
  EXPECT_EQ(recording.values[1].begin, kBegin + hours(1));
  EXPECT_EQ(recording.values[1].intensity, GramsPerKwh());
  EXPECT_EQ(recording.step, hours(1));
}

TEST_F(EmissionsFileTest, ReadsWhatRealFilesHaveBeside) {
  // A byte order mark, free text, unknown members of any shape, a rating as
  // text, a time without offset, no duration.
  const std::string text =
      "\xEF\xBB\xBF"
      R"({"Description":"a", "Other":[{"Location":"XX"}],
  "Emissions":[
  {"Location":"DE","Time":"2026-03-15T18:00:00","Rating":"422.3",
   "Tags":[1,{"Location":"YY","Rating":3}],"Note":{"Time":null}},
  {"Location":"DE","Time":"2026-03-15T18:30","Rating":"7","Duration":null},
  {"Location":"DE","Time":"2026-03-15T20:30:00.0000000Z","Rating":8e0,
   "Duration":"00:00:00"}],
  "License":null, "More":[[],{}]})";
  const std::string path = folder_.Write("e.json", text);
  const Recording recording = Read(path);
  ASSERT_EQ(recording.values.size(), 3u);
  EXPECT_EQ(recording.values[0].begin, kBegin);
  EXPECT_EQ(recording.values[0].intensity, GramsPerKwh::Of(422.3));
  EXPECT_EQ(recording.values[1].begin, kBegin + minutes(30));
  EXPECT_EQ(recording.step, minutes(30)) << "the smallest distance";
  EXPECT_THAT(EmissionsFile::Read(path)->locations(), ElementsAre("DE"));
  EXPECT_EQ(Read(folder_.WriteGzip("e.json.gz", text)).values.size(), 3u);
}

TEST_F(EmissionsFileTest, ReadsABareArrayAndTheNamesOfTheWebApi) {
  const Recording recording = Read(folder_.Write("e.json", R"([
  {"Location":"DE","Time":"2026-03-15T18:00:00Z","Rating":90,"Duration":"01:00"},
  {"location":"DE","time":"2026-03-15T19:00:00Z","rating":57,
   "duration":"01:00:00.0000000"}])"));
  ASSERT_EQ(recording.values.size(), 2u);
  EXPECT_EQ(recording.values[1].intensity, GramsPerKwh::Of(57));
  EXPECT_EQ(recording.step, hours(1));
}

TEST_F(EmissionsFileTest, ReadsDurations) {
  const auto step = [&](const char* duration) {
    return Read(Write({Entry("DE", kBegin, "1",
                             fmt::format(R"(,"Duration":"{}")", duration))}))
        .step;
  };
  EXPECT_EQ(step("00:05"), minutes(5));
  EXPECT_EQ(step("1.00:00"), hours(24));
  EXPECT_EQ(step("1.02:03:04.5000000"),
            hours(26) + minutes(3) + seconds(4) + Duration(500));
  for (const char* wrong : {"1h", "5", "24:00:00", "00:60", "-00:05:00",
                            "00:05:00.", "", " 00:05"}) {
    EXPECT_EQ(RefusalOf({Entry("DE", kBegin, "1",
                               fmt::format(R"(,"Duration":"{}")", wrong))}),
              fmt::format("e.json: entry 1 (DE): Duration \"{}\" is no "
                          "[d.]hh:mm[:ss]",
                          wrong));
  }
}

TEST_F(EmissionsFileTest, KeepsGapsAndStepsShorterThanTheDistance) {
  const Recording gap =
      Read(Write({Entry("DE", kBegin, "1"), Entry("DE", kBegin + hours(1), "2"),
                  Entry("DE", kBegin + hours(4), "3")}));
  EXPECT_EQ(gap.step, hours(1));
  const std::string five_minutes = R"(,"Duration":"00:05")";
  const Recording sample =
      Read(Write({Entry("DE", kBegin, "1", five_minutes),
                  Entry("DE", kBegin + hours(1), "2", five_minutes)}));
  EXPECT_EQ(sample.step, minutes(5));
}

TEST_F(EmissionsFileTest, TellsLocationsApartHoweverTheyAreMixed) {
  const std::string path = Write({
      Entry("FR", kBegin + hours(1), "20"),
      Entry("DE", kBegin, "400"),
      Entry("FR", kBegin + hours(2), "21"),
      Entry("DE", kBegin + minutes(30), "401"),
      Entry("PL", kBegin, "null"),
  });
  EXPECT_THAT(EmissionsFile::Read(path)->locations(),
              ElementsAre("DE", "FR", "PL"));
  EXPECT_EQ(Read(path, "DE").step, minutes(30));
  EXPECT_EQ(Read(path, "FR").step, hours(1));
  EXPECT_EQ(Read(path, "FR").values[1].intensity, GramsPerKwh::Of(21));
  EXPECT_EQ(Refusal(path, "PL"),
            "e.json: entry 5 (PL): no value; leave the entry out, and the step "
            "is a gap");
  EXPECT_EQ(Refusal(path, "de"),
            "e.json: holds no location `de`; there are DE, FR, PL");
  std::vector<std::string> many;
  for (int i = 10; i < 30; ++i) {
    many.push_back(Entry("Z" + std::to_string(i), kBegin, "1"));
  }
  EXPECT_THAT(Refusal(Write(many)), HasSubstr("Z20, Z21 and 8 more"));
}

TEST_F(EmissionsFileTest, RefusesRowsThatTheTableOfValuesRefusesToo) {
  const std::string first = Entry("DE", kBegin, "1");
  const auto second = [&](const char* rating) {
    return RefusalOf({first, Entry("DE", kBegin + hours(1), rating)});
  };
  EXPECT_EQ(second("-1"),
            "e.json: entry 2 (DE): -1 g/kWh is negative; leave the entry out, "
            "and the step is a gap");
  EXPECT_EQ(second("\"NaN\""),
            "e.json: entry 2 (DE): no value; leave the entry out, and the step "
            "is a gap");
  EXPECT_THAT(second("\"12 g\""), HasSubstr("`12 g` is no number of g/kWh"));
  EXPECT_THAT(second("true"), HasSubstr("`true` is no number of g/kWh"));
  EXPECT_THAT(second("10001"), HasSubstr("is it in another unit?"));
  EXPECT_EQ(RefusalOf({first, first}),
            "e.json: entry 2 (DE): time 2026-03-15T18:00:00Z stands here "
            "twice; keep one of the two entries");
  EXPECT_EQ(RefusalOf({first, Entry("DE", kBegin - hours(1), "2")}),
            "e.json: entry 2 (DE): time 2026-03-15T17:00:00Z comes after "
            "2026-03-15T18:00:00Z; sort the file by time");
  EXPECT_EQ(RefusalOf({R"({"Location":"DE","Time":"noon","Rating":1})"}),
            "e.json: entry 1 (DE): Time \"noon\" is no time; write "
            "2026-03-15T18:00:00Z");
  EXPECT_EQ(RefusalOf({first}),
            "e.json (DE): one value only, so that its step is not known; give "
            "two at least");
  EXPECT_THAT(RefusalOf({first, Entry("DE", kBegin + hours(1), "1"),
                         Entry("DE", kBegin + hours(1) + minutes(90), "1")}),
              HasSubstr("e.json: entry 3 (DE): 1h30m after the entry before, "
                        "which is no whole number of the file's steps of 1h"));
}

TEST_F(EmissionsFileTest, RefusesDurationsThatContradict) {
  const std::string hour = R"(,"Duration":"01:00:00")";
  EXPECT_EQ(RefusalOf({Entry("DE", kBegin, "1", hour),
                       Entry("DE", kBegin + hours(1), "1",
                             R"(,"Duration":"00:30:00")")}),
            "e.json: entry 2 (DE): lasts 30m, while others of this location "
            "last 1h; all must have one length");
  EXPECT_EQ(RefusalOf({Entry("DE", kBegin, "1", hour),
                       Entry("DE", kBegin + minutes(30), "1", hour)}),
            "e.json: entry 2 (DE): 30m after the entry before, which lasts 1h; "
            "entries of a location must not overlap");
}

TEST_F(EmissionsFileTest, RefusesZerosThatTheSdkWroteForWhatItCouldNotRead) {
  EXPECT_EQ(
      RefusalOf({Entry("DE", kBegin, "0"), Entry("FR", kBegin, "\"0.0\"")}),
      "e.json: all ratings in it are 0, which the Carbon Aware SDK "
      "writes for those it could not read; export it again");
  EXPECT_EQ(
      Read(Write({Entry("DE", kBegin, "0"), Entry("DE", kBegin + hours(1), "0"),
                  Entry("FR", kBegin, "1")}))
          .values.size(),
      2u)
      << "a clean zone beside another one";
}

TEST_F(EmissionsFileTest, RefusesWhatIsNoSuchFile) {
  const auto refusal = [&](const std::string& text) {
    return Refusal(folder_.Write("e.json", text));
  };
  EXPECT_EQ(refusal(""), "e.json:1: no JSON, or cut off; get the file again");
  EXPECT_EQ(refusal("{\n\"Emissions\":\n[}"),
            "e.json:3: no JSON, or cut off; get the file again");
  EXPECT_THAT(refusal(R"([{"Location":"DE","Rating":1e999}])"),
              HasSubstr("a number that no machine holds"));
  for (const char* other :
       {"{}", "[]", "3", "null", R"({"Emissions":{}})", R"({"Emissions":[]})",
        R"({"emission":[{"Location":"DE"}]})", R"({"x":{"Emissions":[1]}})"}) {
    EXPECT_THAT(refusal(other), HasSubstr("no emissions in it; it must hold"))
        << other;
  }
  for (const char* entry : {"1", "null", "\"DE\"", "[]", "[{\"Location\":1}]",
                            "{}", R"({"Location":7,"Rating":1})"}) {
    EXPECT_EQ(refusal(fmt::format("[{}]", entry)),
              "e.json: entry 1: has no Location; each entry must name one")
        << entry;
  }
  EXPECT_THAT(Refusal(folder_.path() + "/none.json"),
              HasSubstr("cannot be opened"));
  const std::string whole =
      R"([{"Location":"DE","Time":"2026-03-15T18:00:00Z","Rating":"1.5",
"Duration":"01:00"}])";
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_THAT(refusal(whole.substr(0, length)), HasSubstr("no JSON"));
  }
  EXPECT_EQ(Read(folder_.Write("e.json", whole)).values.size(), 1u);
}

TEST_F(EmissionsFileTest, SaysThatAFileIsCutOff) {
  const std::string path =
      folder_.WriteGzip("e.json.gz", "[" + std::string(100'000, ' ') + "]");
  std::filesystem::resize_file(path, 60);
  EXPECT_THAT(Refusal(path), HasSubstr("e.json.gz: damaged or cut off: "));
}

// ---- As a provider ----------------------------------------------------------

RecordedConfig ConfigOf(const std::string& actual) {
  RecordedConfig config;
  config.actual = actual;
  config.signal = "average";
  config.replay = RecordedConfig::Replay::kAsRecorded;
  return config;
}

std::vector<std::string> Hourly(const std::string& location, Instant begin,
                                int count, int grams) {
  std::vector<std::string> entries;
  for (int i = 0; i < count; ++i) {
    entries.push_back(
        Entry(location, begin + hours(i), std::to_string(grams + i)));
  }
  return entries;
}

TEST_F(EmissionsFileTest, ServesTheLocationThatARegionCallsItsZone) {
  std::vector<std::string> entries = Hourly("DE", kBegin, 30, 400);
  std::ranges::copy(Hourly("FR", kBegin + hours(5), 30, 20),
                    std::back_inserter(entries));
  RecordedConfig config = ConfigOf(Write(entries));
  const auto provider = Recorded::Open("sdk", config, kBegin, {"DE", "FR"});
  ASSERT_TRUE(provider.ok()) << provider.status();
  const Instant now = kBegin + hours(10);
  EXPECT_EQ((*provider)->NewestForecast("DE", now)->series.At(now),
            GramsPerKwh::Of(410));
  EXPECT_EQ((*provider)->NewestForecast("FR", now)->series.At(now),
            GramsPerKwh::Of(25));
  EXPECT_EQ((*provider)->NewestForecast("FR", now)->zone, "FR");
  EXPECT_EQ((*provider)->ObservedSince("FR", kBegin, now)->series.begin(),
            kBegin + hours(5));
  EXPECT_FALSE((*provider)->NewestForecast("PL", now));

  const auto unknown = Recorded::Open("sdk", config, kBegin, {"DE", "PL"});
  EXPECT_THAT(Message(unknown.status()),
              HasSubstr("holds no location `PL`; there are DE, FR"));
  config.forecast =
      folder_.Write("f.csv",
                    "issued_at_utc,time_utc,gco2_per_kwh\n"
                    "2026-03-15T18:00:00Z,2026-03-15T19:00:00Z,1\n"
                    "2026-03-15T18:00:00Z,2026-03-15T20:00:00Z,1\n");
  EXPECT_TRUE(Recorded::Open("sdk", config, kBegin, {"FR"}).ok());
  EXPECT_THAT(
      Message(Recorded::Open("sdk", config, kBegin, {"DE", "FR"}).status()),
      HasSubstr("serves DE, FR; give each zone a provider of its own"));
}

TEST_F(EmissionsFileTest, MovesItsZonesTogether) {
  std::vector<std::string> entries = Hourly("DE", kBegin, 48, 400);
  std::ranges::copy(Hourly("FR", kBegin + hours(24), 48, 20),
                    std::back_inserter(entries));
  RecordedConfig config = ConfigOf(Write(entries));
  config.replay = RecordedConfig::Replay::kNow;
  config.loop = true;
  const Instant today = At("2026-11-21T00:00:00Z");
  const auto provider = Recorded::Open("sdk", config, today, {"DE", "FR"});
  ASSERT_TRUE(provider.ok()) << provider.status();
  const Instant tomorrow = today + hours(24 + 18);
  const auto known = [&](const char* zone, Instant t) {
    return (*provider)->ObservedSince(zone, t, t + hours(1))->series.At(t);
  };
  EXPECT_EQ(known("DE", tomorrow), GramsPerKwh::Of(424));
  EXPECT_EQ(known("FR", tomorrow), GramsPerKwh::Of(20));
  // Both begin again when the longer one is over: after three days.
  EXPECT_EQ(known("DE", tomorrow + hours(72)), GramsPerKwh::Of(424));
  EXPECT_EQ(known("FR", tomorrow + hours(72)), GramsPerKwh::Of(20));
}

TEST_F(EmissionsFileTest, ServesAnyZoneFromAFileOfOneLocation) {
  const auto provider =
      Recorded::Open("sdk", ConfigOf(Write(Hourly("eastus", kBegin, 30, 400))),
                     kBegin, {"here", "there"});
  ASSERT_TRUE(provider.ok()) << provider.status();
  EXPECT_EQ((*provider)->NewestForecast("there", kBegin)->series.At(kBegin),
            GramsPerKwh::Of(400));
}

// ---- Files kept beside the project ------------------------------------------

TEST_F(EmissionsFileTest, ReadsTheFilesThatComeWithTheSdk) {
  const std::string folder =
      CARBOND_SHARED_DATA "/reference/samples/static/carbon-aware-sdk/";
  if (!std::filesystem::exists(folder)) {
    GTEST_SKIP() << folder << " is not there";
  }
  const Recording amazon =
      Read(folder + "test-data-aws-emissions.excerpt.json", "us-east-1");
  ASSERT_EQ(amazon.values.size(), 24u);
  EXPECT_EQ(amazon.values.front().begin, At("2021-10-25T14:50:00Z"));
  EXPECT_EQ(amazon.values.front().intensity, GramsPerKwh::Of(90));
  EXPECT_EQ(amazon.step, hours(1));

  const auto sample =
      EmissionsFile::Read(folder + "sample-emissions-data.json");
  ASSERT_TRUE(sample.ok()) << sample.status();
  EXPECT_THAT(sample->locations(),
              ElementsAre("Auckland", "Melbourne", "Sydney", "US-East"));
  EXPECT_THAT(Message(sample->Of("Sydney").status()),
              HasSubstr("which is no whole number of the file's steps"))
      << "one value each quarter of a year";
  EXPECT_THAT(Message(sample->Of("Auckland").status()),
              HasSubstr("one value only"));
}

}  // namespace
}  // namespace carbond
