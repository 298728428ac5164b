#include "client/picture.h"

#include <gtest/gtest.h>

#include "client/axis.h"
#include "client/job_page.h"
#include "client/scene.h"
#include "tests/client/world.h"

namespace carbond::client {
namespace {

v1::PlanJobResponse Planned() {
  v1::PlanJobResponse planned;
  *planned.mutable_plan() = MiddayPlan();
  *planned.mutable_intensity() = NovemberDay();
  Set(planned.mutable_job()->mutable_deadline(), "2026-11-21T20:00:00Z");
  return planned;
}

v1::Job Shown(v1::Job job) {
  *job.mutable_intensity() = NovemberDay();
  Set(job.mutable_intensity()->mutable_now(), "2026-11-21T15:00:00Z");
  return job;
}

v1::Job PausedJob() {
  v1::Job job = FinishedJob();
  job.set_state(v1::JOB_STATE_PAUSED);
  job.clear_outcome();
  job.clear_finished_at();
  job.mutable_runs()->RemoveLast();
  *job.mutable_plan() = MiddayPlan();
  v1::PlannedRun* rest = job.mutable_plan()->mutable_intervals(0);
  Set(rest->mutable_begin(), "2026-11-21T17:00:00Z");
  Set(rest->mutable_end(), "2026-11-21T18:00:00Z");
  Set(job.mutable_plan()->mutable_finish_at(), "2026-11-21T18:00:00Z");
  return job;
}

// The day before it, with an evening peak and a night without wind; two hours
// of the morning are missing.
v1::Forecast WithYesterday() {
  static constexpr double kHours[] = {200, 180, 150, 120, 120, 150, 220, 300,
                                      410, 480, 420, 350, 300, 280, 280, 290,
                                      300, 310, 340, 380, 420, -1,  -1,  330};
  v1::Forecast forecast = NovemberDay();
  absl::Time begin = At("2026-11-20T09:00:00Z");
  for (const double value : kHours) {
    if (value >= 0) {
      v1::IntensityPoint* point = forecast.add_points();
      *point->mutable_begin() = ToProto(begin);
      *point->mutable_end() = ToProto(begin + absl::Hours(1));
      point->set_intensity_g_per_kwh(value);
      point->set_observed(true);
    }
    begin += absl::Hours(1);
  }
  return forecast;
}

Look Wide(Look look, int width) {
  look.width = width;
  return look;
}

std::string WithoutColour(const std::string& text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b') {
      i = text.find('m', i);
      continue;
    }
    plain += text[i];
  }
  return plain;
}

TEST(Picture, ShowsThePlanAmongTheHoursItChoseFrom) {
  EXPECT_EQ(
      "\n" + Draw(PictureOf(Planned()), Wide(kPlainUnicode, 64), Berlin()),
      R"(
g/kWh  here, zone DE: average from recorded
  500 ┤                                             ▅▅▅▅▅▃▃▃▃▃
      │▇▇▇▇▇▃▃▃▃▃                              ▆▆▆▆▆██████████
  400 ┤██████████▂▂▂▂▂                         ███████████████
      │███████████████                    ████████████████████
  300 ┤███████████████▆▆▆▆▆          ▃▃▃▃▃████████████████████
      │█████████████████████████▆▆▆▆▆█████████████████████████
  200 ┤███████████████████████████████████████████████████████
      │███████████████████████████████████████████████████████
  100 ┤███████████████████████████████████████████████████████
      │███████████████████████████████████████████████████████
    0 ┼┬─────────┬─────────┬─────────┬─────────┬─────────┬────
       ▲              ░░░░░░░░░░                             ◆
+01:00 10:00   12:00     14:00     16:00     18:00     20:00
       ░ planned  ▲ now 10:00  ◆ deadline 21:00
)");
}

TEST(Picture, NeedsNothingButAscii) {
  EXPECT_EQ("\n" + Draw(PictureOf(Planned()), Wide(kPlainAscii, 64), Berlin()),
            R"(
g/kWh  here, zone DE: average from recorded
  500 +                                             :::::.....
      |#####.....                              :::::##########
  400 +##########.....                         ###############
      |###############                    ####################
  300 +###############:::::          .....####################
      |#########################:::::#########################
  200 +#######################################################
      |#######################################################
  100 +#######################################################
      |#######################################################
    0 ++---------+---------+---------+---------+---------+----
       ^              ==========                             !
+01:00 10:00   12:00     14:00     16:00     18:00     20:00
       = planned  ^ now 10:00  ! deadline 21:00
)");
}

TEST(Picture, TellsClimatologyFromForecast) {
  EXPECT_EQ(
      "\n" + Draw(PictureOf(NovemberDay()), Wide(kPlainUnicode, 64), Berlin()),
      R"(
g/kWh  here, zone DE: average from recorded
  500 ┤                    ▅▅▃▃
      │▅▅▇▇▃▃            ▆▆████▅▅                  ▃▃▆▆
  400 ┤██████▂▂          ████████▆▆              ▅▅▒▒▒▒
      │████████        ██████████████▃▃      ▂▂▅▅▒▒▒▒▒▒
  300 ┤████████▆▆    ▃▃██████████████████▇▇▒▒▒▒▒▒▒▒▒▒▒▒
      │████████████▆▆██████████████████████▒▒▒▒▒▒▒▒▒▒▒▒
  200 ┤████████████████████████████████████▒▒▒▒▒▒▒▒▒▒▒▒
      │████████████████████████████████████▒▒▒▒▒▒▒▒▒▒▒▒
  100 ┤████████████████████████████████████▒▒▒▒▒▒▒▒▒▒▒▒
      │████████████████████████████████████▒▒▒▒▒▒▒▒▒▒▒▒
    0 ┼──────┬───────────┬───────────┬───────────┬─────
         ▲
+01:00     12:00       18:00      22 Nov       06:00
       ▲ now 10:00  ▒ same hours of past days
)");
}

TEST(Picture, ShowsYesterdayUnderTheSameHours) {
  EXPECT_EQ("\n" + Draw(PictureOf(WithYesterday()), Wide(kPlainUnicode, 68),
                        Berlin()),
            R"(
g/kWh  here, zone DE: average from recorded
  500 ┤                              ▅▅▃▃
      │    ▃▃      ▇▇▃▃            ▆▆████▅▅                  ▃▃▆▆
  400 ┤  ▅▅██      ████▂▂          ████████▆▆              ▅▅▒▒▒▒
      │▆▆████    ▅▅██████        ██████████████▃▃      ▂▂▅▅▒▒▒▒▒▒
  300 ┤██████    ████████▆▆    ▃▃██████████████████▇▇▒▒▒▒▒▒▒▒▒▒▒▒
      │██████    ████████████▆▆██████████████████████▒▒▒▒▒▒▒▒▒▒▒▒
  200 ┤██████    ████████████████████████████████████▒▒▒▒▒▒▒▒▒▒▒▒
      │██████    ████████████████████████████████████▒▒▒▒▒▒▒▒▒▒▒▒
  100 ┤██████    ████████████████████████████████████▒▒▒▒▒▒▒▒▒▒▒▒
      │██████    ████████████████████████████████████▒▒▒▒▒▒▒▒▒▒▒▒
    0 ┼────┬───────────┬───────────┬───────────┬───────────┬─────
                   ▲
+01:00   06:00       12:00       18:00      22 Nov       06:00
       yesterday: the last 24 h as observed, at the same hours
  500 ┤                            ▄▄▇▇▄▄▁▁              ▂▂▄▄
      │            ▂▂▁▁        ▃▃▆▆████████▆▆▅▅▅▅▆▆▆▆▇▇██████
      │            ████▇▇▆▆▆▆▇▇██████████████████████████████
       ▲ now 10:00  ▒ same hours of past days
)");
}

TEST(Picture, ShowsYesterdayInAsciiToo) {
  EXPECT_EQ(
      "\n" + Draw(PictureOf(WithYesterday()), Wide(kPlainAscii, 68), Berlin()),
      R"(
g/kWh  here, zone DE: average from recorded
  500 +                              ::..
      |    ..      ##..            ::####::                  ..::
  400 +  ::##      ####..          ########::              ::++++
      |::####    ::######        ##############..      ..::++++++
  300 +######    ########::    ..####################++++++++++++
      |######    ############::######################++++++++++++
  200 +######    ####################################++++++++++++
      |######    ####################################++++++++++++
  100 +######    ####################################++++++++++++
      |######    ####################################++++++++++++
    0 +----+-----------+-----------+-----------+-----------+-----
                   ^
+01:00   06:00       12:00       18:00      22 Nov       06:00
       yesterday: the last 24 h as observed, at the same hours
  500 +                            ..##::                ..::
      |            ..          ..::########::::::::::########
      |            ######::::################################
       ^ now 10:00  + same hours of past days
)");
}

TEST(Picture, RepeatsYesterdayUnderEachDayToCome) {
  v1::Forecast forecast = WithYesterday();
  v1::IntensityPoint* third = forecast.add_points();
  Set(third->mutable_begin(), "2026-11-22T08:00:00Z");
  Set(third->mutable_end(), "2026-11-23T12:00:00Z");
  third->set_intensity_g_per_kwh(300);
  std::vector<absl::Time> evenings;
  for (const Picture::Point& point : PictureOf(forecast).day_before) {
    if (point.intensity_g_per_kwh == 480) {
      evenings.push_back(point.span.begin);
    }
  }
  EXPECT_EQ(evenings, (std::vector<absl::Time>{At("2026-11-21T18:00:00Z"),
                                               At("2026-11-22T18:00:00Z")}));
}

TEST(Picture, ShowsNoYesterdayWhereNobodyKnowsIt) {
  EXPECT_TRUE(PictureOf(NovemberDay()).day_before.empty());
  EXPECT_EQ(
      Draw(PictureOf(NovemberDay()), kPlainAscii, Berlin()).find("yesterday"),
      std::string::npos);
}

TEST(Picture, ShowsWhereAJobRanPausedAndWillRun) {
  EXPECT_EQ("\n" + Draw(PictureOf(Shown(PausedJob())), Wide(kPlainUnicode, 64),
                        Berlin()),
            R"(
g/kWh  here, zone DE: average from recorded
  500 ┤                                             ▅▅▅▅▅▃▃▃▃▃
      │▇▇▇▇▇▃▃▃▃▃                              ▆▆▆▆▆██████████
  400 ┤██████████▂▂▂▂▂                         ███████████████
      │███████████████                    ████████████████████
  300 ┤███████████████▆▆▆▆▆          ▃▃▃▃▃████████████████████
      │█████████████████████████▆▆▆▆▆█████████████████████████
  200 ┤███████████████████████████████████████████████████████
      │███████████████████████████████████████████████████████
  100 ┤███████████████████████████████████████████████████████
      │███████████████████████████████████████████████████████
    0 ┼┬─────────┬─────────┬─────────┬─────────┬─────────┬────
                      ████████·······▲         ░░░░░         ◆
+01:00 10:00   12:00     14:00     16:00     18:00     20:00
       █ ran  · paused  ░ planned  ▲ now 16:00  ◆ deadline 21:00
)");
}

TEST(Picture, EndsSoonAfterAJobThatIsDone) {
  const Picture picture = PictureOf(Shown(FinishedJob()));
  EXPECT_EQ(FormatUtc(picture.window.begin), "2026-11-21T09:00:00Z");
  EXPECT_EQ(FormatUtc(picture.window.end), "2026-11-21T17:00:00Z");
  EXPECT_EQ(picture.ran.size(), 2u);
  EXPECT_EQ(picture.paused.size(), 1u);
  EXPECT_TRUE(picture.planned.empty());
  EXPECT_FALSE(picture.now);
}

TEST(Picture, LeavesTheTimeBetweenTwoAttemptsBlank) {
  v1::Job job = FinishedJob();
  job.mutable_runs(0)->set_end("suspended");
  EXPECT_EQ(PictureOf(Shown(job)).paused.size(), 1u);
  for (const char* end : {"failed", "lost", "not_started"}) {
    job.mutable_runs(0)->set_end(end);
    const Picture picture = PictureOf(Shown(job));
    EXPECT_EQ(picture.ran.size(), 2u) << end;
    EXPECT_TRUE(picture.paused.empty()) << end;
  }
}

TEST(Picture, SaysTheSameWithAndWithoutColour) {
  Look colourful = Wide(kColourful, 64);
  for (const Picture& picture :
       {PictureOf(Planned()), PictureOf(Shown(PausedJob())),
        PictureOf(NovemberDay()), PictureOf(WithYesterday())}) {
    const std::string text = Draw(picture, colourful, Berlin());
    EXPECT_NE(text.find("\x1b[38;5;"), std::string::npos);
    // Colour may not leak into the next line, and blanks at its end are none.
    for (size_t at = 0; (at = text.find('\n', at)) != std::string::npos; ++at) {
      const size_t last = text.rfind("\x1b[", at);
      const size_t line = text.rfind('\n', at - 1);
      if (last != std::string::npos && line != std::string::npos &&
          last > line) {
        EXPECT_EQ(text.substr(last, 4), "\x1b[0m");
      }
    }
    std::string plain;
    std::string stripped = WithoutColour(text);
    for (size_t i = 0; i < stripped.size(); ++i) {
      if (stripped[i] == '\n') plain.erase(plain.find_last_not_of(' ') + 1);
      plain += stripped[i];
    }
    EXPECT_EQ(plain, Draw(picture, Wide(kPlainUnicode, 64), Berlin()));
  }
}

TEST(Picture, IsNeverWiderThanItsTerminalNorThanAHundred) {
  for (const int width : {40, 41, 57, 80, 100, 300}) {
    for (const Look& look : {kPlainAscii, kPlainUnicode}) {
      const std::string text =
          Draw(PictureOf(WithYesterday()), Wide(look, width), Berlin());
      for (size_t from = 0; from < text.size();) {
        const size_t to = text.find('\n', from);
        EXPECT_LE(Width(text.substr(from, to - from)), std::min(width, 100));
        from = to + 1;
      }
    }
  }
}

TEST(Picture, LeavesGapsBlankAndShowsZero) {
  Picture picture;
  const absl::Time begin = At("2026-11-21T09:00:00Z");
  const auto point = [&](int hour, double value) {
    picture.points.push_back(
        {{begin + absl::Hours(hour), begin + absl::Hours(hour + 1)}, value});
  };
  point(0, 100);
  point(2, 0);
  picture.window = {begin, begin + absl::Hours(3)};
  const std::string text = Draw(picture, Wide(kPlainUnicode, 41), Berlin());
  EXPECT_NE(text.find("│███████████           ▁▁▁▁▁▁▁▁▁▁▁\n"),
            std::string::npos)
      << text;
}

TEST(Picture, PrefersWhatWasObserved) {
  Picture picture;
  const absl::Time begin = At("2026-11-21T09:00:00Z");
  const Span hour{begin, begin + absl::Hours(1)};
  picture.points.push_back({hour, 900, false, false});
  picture.points.push_back({hour, 100, false, true});
  picture.window = hour;
  const std::string text = Draw(picture, kPlainUnicode, Berlin());
  EXPECT_EQ(text.find("900"), std::string::npos) << text;
  EXPECT_NE(text.find("  100 ┤█"), std::string::npos) << text;
}

TEST(Picture, SaysWhenThereIsNothingToDraw) {
  EXPECT_EQ(Draw(Picture(), kPlainUnicode, Berlin()),
            "g/kWh\n       no intensity is known for this time\n");
  EXPECT_EQ(Draw(PictureOf(WaitingJob()), kPlainUnicode, Berlin()),
            "g/kWh\n       no intensity is known for this time\n");
}

TEST(Picture, TellsThatTheClocksChange) {
  Picture picture;
  const absl::Time begin = At("2026-03-28T23:00:00Z");
  picture.window = {begin, begin + absl::Hours(6)};
  picture.points.push_back({picture.window, 100});
  const std::string text = Draw(picture, kPlainUnicode, Berlin());
  EXPECT_NE(text.find("+01:00 "), std::string::npos) << text;
  EXPECT_NE(text.find("later +02:00"), std::string::npos) << text;
  EXPECT_EQ(text.find("02:00 "), text.find("02:00  ")) << text;
}

TEST(Picture, ShowsARunShorterThanAColumn) {
  Picture picture = PictureOf(NovemberDay());
  picture.ran.push_back(
      {At("2026-11-21T12:00:00Z"), At("2026-11-21T12:00:30Z")});
  const std::string text = Draw(picture, kPlainAscii, Berlin());
  EXPECT_NE(text.find(" #\n+01:00"), std::string::npos) << text;
}

TEST(ValueAxis, EndsAtARoundNumberAboveTheGreatest) {
  for (const double greatest :
       {0.003, 0.7, 1.0, 9.0, 10.0, 99.0, 430.0, 500.0, 501.0, 999.0, 1234.0}) {
    const ValueAxis axis = MakeValueAxis(greatest);
    EXPECT_GE(axis.top() * (1 + 1e-9), greatest) << greatest;
    EXPECT_LE(axis.top(), greatest * 2) << greatest;
    EXPECT_GE(axis.rows(), 8) << greatest;
    EXPECT_LE(axis.rows(), 12) << greatest;
  }
  EXPECT_EQ(MakeValueAxis(500).top(), 500);
  EXPECT_GT(MakeValueAxis(0).rows(), 0);
}

TEST(TimeLabels, StandApartAtRoundHours) {
  const auto labels = MakeTimeLabels(At("2026-11-21T08:07:00Z"),
                                     absl::Minutes(17), 90, Berlin());
  int free_from = 0;
  ASSERT_GT(labels.size(), 5u);
  for (const TimeLabel& label : labels) {
    EXPECT_GE(label.column - static_cast<int>(label.text.size()) / 2,
              free_from);
    free_from = label.column + static_cast<int>(label.text.size()) / 2 + 1;
  }
  EXPECT_EQ(labels[0].text, "12:00");
  EXPECT_EQ(labels[4].text, "22 Nov");
}

TEST(JobPage, SaysHowNearToTheBestThePlanOfAllJobsIs) {
  v1::Job job = WaitingJob();
  const auto page = [&] { return JobPage(job, kPlainAscii, Berlin()); };
  EXPECT_EQ(page().find("together"), std::string::npos);
  v1::PlanQuality* together = job.mutable_plan()->mutable_together();
  together->set_jobs(12);
  together->set_expected_g(1250);
  together->set_lower_bound_g(1200);
  EXPECT_NE(page().find("12 jobs, 1.25 kg; no plan of them could be more than "
                        "4 % lower"),
            std::string::npos)
      << page();
}

TEST(JobPage, NamesTheRegionOfARunThatLiesElsewhere) {
  v1::Job job = WaitingJob();
  v1::PlannedRun* later = job.mutable_plan()->add_intervals();
  Set(later->mutable_begin(), "2026-11-21T18:00:00Z");
  Set(later->mutable_end(), "2026-11-21T19:00:00Z");
  later->set_region("there");
  *job.mutable_intensity() = NovemberDay();
  EXPECT_NE(JobPage(job, kPlainAscii, Berlin()).find("20:00 (in there) +01:00"),
            std::string::npos)
      << JobPage(job, kPlainAscii, Berlin());
  // The picture is of one region.
  EXPECT_EQ(PictureOf(job).planned.size(), 1u);
}

}  // namespace
}  // namespace carbond::client
