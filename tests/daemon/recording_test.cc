// Files of recorded values: what is read, and every refusal.
#include "daemon/grid/recording.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "tests/daemon/scratch_folder.h"

namespace carbond {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::string kHeader = "time_utc,gco2_per_kwh\n";
const std::string kForecastHeader = "issued_at_utc,time_utc,gco2_per_kwh\n";

Instant At(const std::string& text) { return *ParseInstant(text); }

class RecordingFile : public testing::Test {
 protected:
  Result<Recording> Read(const std::string& text) {
    return ReadRecording(folder_.Write("r.csv", text));
  }
  Result<RecordedForecasts> ReadForecasts(const std::string& text) {
    return ReadRecordedForecasts(folder_.Write("f.csv", text));
  }
  std::string Refusal(const std::string& text) {
    const auto recording = Read(text);
    EXPECT_FALSE(recording.ok()) << text;
    const std::string message = Message(recording.status());
    EXPECT_THAT(message,
                AllOf(HasSubstr(folder_.path()), Not(HasSubstr("\n"))));
    return message;
  }
  std::string ForecastRefusal(const std::string& text) {
    const auto forecasts = ReadForecasts(text);
    EXPECT_FALSE(forecasts.ok()) << text;
    return Message(forecasts.status());
  }

  ScratchFolder folder_;
};

TEST_F(RecordingFile, HoldsValuesForOneStepEachAndKeepsGaps) {
  const auto recording = Read(kHeader +
                              "2021-03-01T00:00:00Z,220.9\n"
                              "2021-03-01T00:05:00Z,0\n"
                              "2021-03-01T00:20:00Z,197.8555\n"
                              "2021-03-01T00:25:00Z,1e2\n");
  ASSERT_TRUE(recording.ok()) << recording.status();
  EXPECT_EQ(recording->step, minutes(5));
  ASSERT_EQ(recording->values.size(), 4u);
  EXPECT_EQ(recording->values[0].intensity.thousandths(), 220'900);
  EXPECT_EQ(recording->values[1].intensity.thousandths(), 0);
  EXPECT_EQ(recording->values[2].intensity.thousandths(), 197'856);
  EXPECT_EQ(recording->values[3].intensity.thousandths(), 100'000);
  EXPECT_EQ(recording->values[2].begin, At("2021-03-01T00:20:00Z"));
  EXPECT_EQ(recording->span(),
            (Interval{At("2021-03-01T00:00:00Z"), At("2021-03-01T00:30:00Z")}));
}

TEST_F(RecordingFile, ToleratesByteOrderMarkWindowsLinesAndTrailingBlanks) {
  const auto recording = Read(
      "\xEF\xBB\xBFtime_utc,gco2_per_kwh\r\n2021-03-01T00:00:00Z,1\r\n"
      "2021-03-01T01:00:00+00:00,2\r\n\r\n\n");
  ASSERT_TRUE(recording.ok()) << recording.status();
  EXPECT_EQ(recording->values.size(), 2u);
  EXPECT_TRUE(
      Read(kHeader + "2021-03-01T00:00:00Z,1\n2021-03-01T01:00:00Z,2").ok())
      << "the last line may lack its end";
}

TEST_F(RecordingFile, ReadsGzipAndPlainWhateverTheNameSays) {
  const std::string text =
      kHeader + "2021-03-01T00:00:00Z,1\n2021-03-01T01:00:00Z,2\n";
  EXPECT_TRUE(ReadRecording(folder_.WriteGzip("a.csv.gz", text)).ok());
  EXPECT_TRUE(ReadRecording(folder_.WriteGzip("a.csv", text)).ok());
  EXPECT_TRUE(ReadRecording(folder_.Write("b.csv.gz", text)).ok());
}

TEST_F(RecordingFile, ReadsLinesAcrossItsBuffer) {
  std::string text = kHeader;
  for (int i = 0; i < 30'000; ++i) {
    text += FormatInstant(At("2020-01-01T00:00:00Z") + minutes(5) * i) +
            fmt::format(",{}.{}\n", i % 700, i % 10);
  }
  const auto recording = ReadRecording(folder_.WriteGzip("long.gz", text));
  ASSERT_TRUE(recording.ok()) << recording.status();
  ASSERT_EQ(recording->values.size(), 30'000u);
  for (int i = 0; i < 30'000; ++i) {
    ASSERT_EQ(recording->values[i].begin,
              At("2020-01-01T00:00:00Z") + minutes(5) * i);
    ASSERT_EQ(recording->values[i].intensity.thousandths(),
              (i % 700) * 1000 + (i % 10) * 100);
  }
}

TEST_F(RecordingFile, RefusesTimesOutOfOrderOrTwice) {
  EXPECT_THAT(
      Refusal(kHeader + "2021-03-01T01:00:00Z,1\n2021-03-01T00:00:00Z,2\n"),
      HasSubstr("r.csv:3: time 2021-03-01T00:00:00Z comes after "
                "2021-03-01T01:00:00Z; sort the file by time"));
  EXPECT_THAT(
      Refusal(kHeader + "2021-03-01T00:00:00Z,1\n2021-03-01T00:00:00Z,1\n"),
      HasSubstr("r.csv:3: time 2021-03-01T00:00:00Z stands here "
                "twice; keep one of the two lines"));
}

TEST_F(RecordingFile, RefusesMissingNegativeAndAbsurdValues) {
  for (const char* none : {"", "null", "NaN", "nan"}) {
    EXPECT_THAT(
        Refusal(kHeader + "2021-03-01T00:00:00Z,1\n2021-03-01T01:00:00Z," +
                none + "\n"),
        HasSubstr("r.csv:3: no value; leave the line out, and the step is a "
                  "gap"));
  }
  const auto refusal = [&](const std::string& value) {
    return Refusal(kHeader + "2021-03-01T00:00:00Z," + value + "\n");
  };
  EXPECT_THAT(refusal("-0.1"), HasSubstr("r.csv:2: -0.1 g/kWh is negative"));
  EXPECT_THAT(refusal("10000.1"), HasSubstr("more than any grid emits"));
  EXPECT_THAT(refusal("inf"), HasSubstr("more than any grid emits"));
  EXPECT_THAT(refusal("-inf"), HasSubstr("negative"));
  EXPECT_THAT(refusal("1e999"), HasSubstr("is no number"));
  EXPECT_THAT(refusal("12 g"), HasSubstr("`12 g` is no number of g/kWh"));
  EXPECT_THAT(refusal("\"12\""), HasSubstr("is no number"));
}

TEST_F(RecordingFile, RefusesTimesThatAreNone) {
  for (const char* time :
       {"2021-02-29T00:00:00Z", "2021-03-01T00:00:00", "1614556800", "",
        "2021-03-01T24:00:00Z", "01/03/2021 00:00"}) {
    EXPECT_THAT(Refusal(kHeader + time + ",1\n"),
                AllOf(HasSubstr("r.csv:2: time"), HasSubstr("RFC 3339")));
  }
}

TEST_F(RecordingFile, RefusesOtherColumns) {
  EXPECT_THAT(Refusal("2021-03-01T00:00:00Z,1\n"),
              HasSubstr("r.csv:1: the columns are `2021-03-01T00:00:00Z,1`, "
                        "but must be `time_utc,gco2_per_kwh`"));
  EXPECT_THAT(Refusal("time_utc;gco2_per_kwh\n"), HasSubstr("must be"));
  EXPECT_THAT(Refusal(kForecastHeader), HasSubstr("must be"));
  EXPECT_THAT(ForecastRefusal(kHeader), HasSubstr("must be"));
  EXPECT_THAT(Refusal(kHeader + "2021-03-01T00:00:00Z\n"),
              HasSubstr("r.csv:2: not 2 columns"));
  EXPECT_THAT(Refusal(kHeader + "2021-03-01T00:00:00Z,1,2\n"),
              HasSubstr("r.csv:2: not 2 columns"));
  EXPECT_THAT(Refusal(kHeader + "2021-03-01T00:00:00Z,1\n\n"
                                "2021-03-01T01:00:00Z,1\n"),
              HasSubstr("r.csv:4: stands below an empty line"));
}

TEST_F(RecordingFile, RefusesFilesWithNothingInThem) {
  EXPECT_THAT(Refusal(""), HasSubstr("r.csv: empty; its header is time_utc,"));
  EXPECT_THAT(Refusal(kHeader), HasSubstr("no value below the header"));
  EXPECT_THAT(Refusal(kHeader + "\n\n"),
              HasSubstr("no value below the header"));
  EXPECT_THAT(Refusal(kHeader + "2021-03-01T00:00:00Z,1\n"),
              HasSubstr("its step is not known; give two at least"));
  EXPECT_THAT(Message(ReadRecording(folder_.path() + "/none.csv").status()),
              HasSubstr("none.csv: cannot be opened: No such file"));
  EXPECT_FALSE(ReadRecording(folder_.path()).ok()) << "a folder";
}

TEST_F(RecordingFile, RefusesAStrayLineThatWouldCutEveryStepShort) {
  EXPECT_THAT(
      Refusal(kHeader + "2021-03-01T00:00:00Z,1\n2021-03-01T01:00:00Z,1\n"
                        "2021-03-01T01:59:00Z,1\n2021-03-01T02:00:00Z,1\n"
                        "2021-03-01T03:00:00Z,1\n"),
      HasSubstr("r.csv:5: 1m after the line before, while steps of 1h "
                "are more usual"));
}

TEST_F(RecordingFile, RefusesStepsOfSeveralLengths) {
  EXPECT_THAT(
      Refusal(kHeader + "2021-03-01T00:00:00Z,1\n2021-03-01T01:00:00Z,1\n"
                        "2021-03-01T02:00:00Z,1\n2021-03-01T03:20:00Z,1\n"
                        "2021-03-01T05:00:00Z,1\n"),
      HasSubstr("r.csv:5: 1h20m after the line before, which is no whole "
                "number of the file's steps of 1h"));
}

TEST_F(RecordingFile, RefusesABinaryFile) {
  EXPECT_THAT(Refusal(std::string(300'000, '\0')),
              HasSubstr("this is no table of numbers"));
}

// Cut anywhere, a gzip'd file is refused, and never read as a shorter one.
TEST_F(RecordingFile, RefusesAGzipFileCutOffAnywhere) {
  std::string text = kHeader;
  for (int i = 0; i < 500; ++i) {
    text += FormatInstant(At("2020-01-01T00:00:00Z") + hours(i)) +
            fmt::format(",{}\n", (i * 7919) % 600);
  }
  const std::string whole_path = folder_.WriteGzip("whole.gz", text);
  std::ifstream in(whole_path, std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(in)), {});
  ASSERT_TRUE(ReadRecording(whole_path).ok());
  for (size_t size = 0; size < whole.size(); size += 7) {
    const auto cut =
        ReadRecording(folder_.Write("cut.gz", whole.substr(0, size)));
    ASSERT_FALSE(cut.ok()) << size << " of " << whole.size();
  }
  const auto trailer =
      ReadRecording(folder_.Write("cut.gz", whole.substr(0, whole.size() - 1)));
  EXPECT_THAT(Message(trailer.status()),
              AllOf(HasSubstr("cut.gz: damaged or cut off after line"),
                    HasSubstr("get the file again")));
}

TEST_F(RecordingFile, RefusesADamagedGzipFile) {
  std::string text = kHeader;
  for (int i = 0; i < 500; ++i) {
    text += FormatInstant(At("2020-01-01T00:00:00Z") + hours(i)) +
            fmt::format(",{}\n", (i * 7919) % 600);
  }
  const std::string whole_path = folder_.WriteGzip("whole.gz", text);
  std::ifstream in(whole_path, std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(in)), {});
  std::mt19937 random(7);
  for (int i = 0; i < 200; ++i) {
    std::string damaged = whole;
    // Past the header, whose time and name carry no checksum.
    damaged[20 + random() % (whole.size() - 24)] ^=
        static_cast<char>(1u << (random() % 8));
    EXPECT_FALSE(ReadRecording(folder_.Write("damaged.gz", damaged)).ok()) << i;
  }
}

TEST_F(RecordingFile, ReadsForecastsByIssue) {
  const auto forecasts =
      ReadForecasts(kForecastHeader +
                    "2021-06-01T00:00:00Z,2021-06-01T00:05:00Z,513.6\n"
                    "2021-06-01T00:00:00Z,2021-06-01T00:10:00Z,480.8\n"
                    "2021-06-01T00:15:00Z,2021-06-01T00:05:00Z,7\n"
                    "2021-06-01T00:15:00Z,2021-06-01T00:20:00Z,455.6\n"
                    "2021-06-01T00:15:00Z,2021-06-01T00:25:00Z,455.3\n");
  ASSERT_TRUE(forecasts.ok()) << forecasts.status();
  EXPECT_EQ(forecasts->step, minutes(5));
  ASSERT_EQ(forecasts->issues.size(), 2u);
  EXPECT_EQ(forecasts->issues[1].issued_at, At("2021-06-01T00:15:00Z"));
  EXPECT_EQ(forecasts->issues[1].first, 2u);
  EXPECT_EQ(forecasts->issues[1].count, 3u);
}

TEST_F(RecordingFile, RefusesForecastsOutOfOrder) {
  EXPECT_THAT(ForecastRefusal(kForecastHeader +
                              "2021-06-01T00:15:00Z,2021-06-01T00:20:00Z,1\n"
                              "2021-06-01T00:00:00Z,2021-06-01T00:25:00Z,1\n"),
              HasSubstr("f.csv:3: issue 2021-06-01T00:00:00Z comes after"));
  EXPECT_THAT(
      ForecastRefusal(kForecastHeader +
                      "2021-06-01T00:00:00Z,2021-06-01T00:20:00Z,1\n"
                      "2021-06-01T00:00:00Z,2021-06-01T00:20:00Z,1\n"),
      HasSubstr("f.csv:3: time 2021-06-01T00:20:00Z stands here twice"));
  EXPECT_THAT(ForecastRefusal(kForecastHeader +
                              "2021-06-01T00:00:00Z,2021-06-01T00:20:00Z,1\n"
                              "2021-06-01T00:15:00Z,2021-06-01T00:20:00Z,1\n"),
              HasSubstr("one value only"));
}

// ---- the recorded data of real grids ----------------------------------------

struct TraceLine {
  std::string file, kind;
  int64_t step_s = 0, rows = 0, issues = 0;
};

std::vector<TraceLine> Manifest(const std::string& folder) {
  std::vector<TraceLine> lines;
  std::ifstream in(folder + "/manifest.csv");
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    std::vector<std::string> cells;
    std::stringstream row(line);
    for (std::string cell; cells.size() < 12 && std::getline(row, cell, ',');) {
      cells.push_back(cell);
    }
    if (cells.size() < 12 || cells[1] == "jobs") continue;
    lines.push_back({cells[0], cells[1], std::stoll(cells[4]),
                     std::stoll(cells[5]),
                     cells[11].empty() ? 0 : std::stoll(cells[11])});
  }
  return lines;
}

TEST(RealRecordings, AreReadRowForRow) {
  const std::string folder = CARBOND_SHARED_DATA "/traces";
  if (!std::filesystem::exists(folder + "/manifest.csv")) {
    GTEST_SKIP() << "no recorded data of real grids in " << folder;
  }
  const auto manifest = Manifest(folder);
  EXPECT_GE(manifest.size(), 25u);
  for (const TraceLine& trace : manifest) {
    SCOPED_TRACE(trace.file);
    const std::string path = folder + "/" + trace.file;
    if (trace.kind == "forecast") {
      const auto forecasts = ReadRecordedForecasts(path);
      ASSERT_TRUE(forecasts.ok()) << forecasts.status();
      EXPECT_EQ(static_cast<int64_t>(forecasts->values.size()), trace.rows);
      EXPECT_EQ(static_cast<int64_t>(forecasts->issues.size()), trace.issues);
      EXPECT_EQ(forecasts->step, seconds(trace.step_s));
    } else {
      const auto recording = ReadRecording(path);
      ASSERT_TRUE(recording.ok()) << recording.status();
      EXPECT_EQ(static_cast<int64_t>(recording->values.size()), trace.rows);
      EXPECT_EQ(recording->step, seconds(trace.step_s));
    }
  }
}

}  // namespace
}  // namespace carbond
