// What arrives is judged: for each thing that goes wrong in the field, the
// outcome that daemon/grid/quality.h promises.
#include "daemon/grid/quality.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/daemon/grid_answers.h"

namespace carbond {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Kind = Failure::Kind;

const Instant kNow = At("2026-03-15T18:42:00Z");
const Instant kFirst = At("2026-03-15T18:40:00Z");

Manners Pounds() {
  Manners manners;
  manners.default_unit = "lbs_co2_per_mwh";
  manners.states_unit = true;
  return manners;
}

// A good forecast of so many five-minute steps of 1000 lb/MWh.
Told Good(int count = 12) {
  Told told;
  told.zone = "CAISO_NORTH";
  told.unit = "lbs_co2_per_mwh";
  told.issued_at = kFirst;
  told.step = minutes(5);
  for (int i = 0; i < count; ++i) {
    told.points.push_back({kFirst + minutes(5 * i), 1000.0, {}});
  }
  return told;
}

Want Forecast(Duration horizon = hours(1)) {
  return {Want::What::kForecast, "CAISO_NORTH", {kNow, kNow + horizon}};
}
Want Observed() {
  return {Want::What::kObserved, "CAISO_NORTH", {kNow - hours(24), kNow}};
}

Checked Accept(Told told, const Want& want = Forecast()) {
  auto outcome = Check(want, Pounds(), std::move(told), kNow);
  if (const auto* failure = std::get_if<Failure>(&outcome)) {
    ADD_FAILURE() << "refused: " << failure->sentence;
    return {};
  }
  return std::get<Checked>(outcome);
}
Failure Refuse(Told told, const Want& want = Forecast()) {
  auto outcome = Check(want, Pounds(), std::move(told), kNow);
  if (!std::holds_alternative<Failure>(outcome)) {
    ADD_FAILURE() << "accepted";
    return {};
  }
  return std::get<Failure>(outcome);
}
std::vector<Note::Kind> KindsOf(const Checked& checked) {
  std::vector<Note::Kind> kinds;
  for (const Note& note : checked.notes) kinds.push_back(note.kind);
  return kinds;
}

TEST(Quality, TakesAGoodForecastWithoutAWord) {
  const Checked checked = Accept(Good());
  EXPECT_EQ(checked.issued_at, kFirst);
  ASSERT_EQ(checked.series.slots().size(), 12u);
  EXPECT_EQ(checked.series.begin(), kFirst) << "in the past, and kept";
  EXPECT_EQ(checked.series.end(), kFirst + hours(1));
  EXPECT_EQ(checked.series.At(kNow)->thousandths(), 453'592)
      << "1000 lb/MWh are 453.59237 g/kWh";
  EXPECT_THAT(checked.notes, IsEmpty());
}

TEST(Quality, TurnsEveryKnownUnitIntoGramsAndRefusesOthers) {
  const auto in = [](const std::string& unit) {
    Told told = Good();
    told.unit = unit;
    return Accept(std::move(told)).series.At(kNow)->value();
  };
  EXPECT_NEAR(in("lbs_co2_per_mwh"), 453.592, 1e-9);
  EXPECT_NEAR(in("lb/MWh"), 453.592, 1e-9);
  EXPECT_EQ(in("gCO2/kWh"), 1000);
  EXPECT_EQ(in("gCO2eq/kWh"), 1000);
  EXPECT_EQ(in("kg/MWh"), 1000);
  for (const char* unit : {"dollars_per_mwh", "percentile", "g", "tCO2/kWh"}) {
    Told told = Good();
    told.unit = unit;
    const Failure failure = Refuse(std::move(told));
    EXPECT_EQ(failure.kind, Kind::kBadData) << unit;
    EXPECT_THAT(failure.sentence, HasSubstr(unit));
  }
}

TEST(Quality, TakesTheServicesOwnUnitWhereNoneIsStatedAndSaysSo) {
  Told told = Good();
  told.unit.clear();
  const Checked checked = Accept(std::move(told));
  EXPECT_EQ(checked.series.At(kNow)->thousandths(), 453'592);
  EXPECT_THAT(KindsOf(checked), ElementsAre(Note::Kind::kUnitNotStated));
}

TEST(Quality, RefusesAnotherZoneThanAsked) {
  Told told = Good();
  told.zone = "PSCO";
  const Failure failure = Refuse(std::move(told));
  EXPECT_EQ(failure.kind, Kind::kBadData);
  EXPECT_EQ(failure.sentence, "asked for zone CAISO_NORTH, answered for PSCO");
}

TEST(Quality, RefusesTheRandomValuesOfASandbox) {
  Told told = Good();
  told.sandbox = true;
  const Failure failure = Refuse(std::move(told));
  EXPECT_EQ(failure.kind, Kind::kBadCredentials);
  EXPECT_TRUE(failure.of_all_zones);
}

TEST(Quality, LeavesAGapWhereAValueIsNull) {
  Told told = Good();
  told.points[5].value.reset();
  const Checked checked = Accept(std::move(told));
  EXPECT_EQ(checked.series.slots().size(), 11u);
  EXPECT_EQ(checked.series.At(kFirst + minutes(25)), std::nullopt);
  EXPECT_THAT(KindsOf(checked),
              ElementsAre(Note::Kind::kNulls, Note::Kind::kGaps));
}

TEST(Quality, LeavesAGapWhereAValueIsImpossibleAndKeepsZero) {
  for (const double bad :
       {-3.2, std::nan(""), std::numeric_limits<double>::infinity(), 1e6}) {
    Told told = Good();
    told.points[5].value = bad;
    told.points[6].value = 0;
    const Checked checked = Accept(std::move(told));
    EXPECT_EQ(checked.series.At(kFirst + minutes(25)), std::nullopt) << bad;
    EXPECT_EQ(checked.series.At(kFirst + minutes(30)), GramsPerKwh());
    EXPECT_THAT(KindsOf(checked),
                ElementsAre(Note::Kind::kRejected, Note::Kind::kGaps));
  }
}

TEST(Quality, RefusesAnAnswerWithManyImpossibleValues) {
  Told told = Good(20);
  for (int i = 0; i < 3; ++i) told.points[i].value = -1;
  const Failure failure = Refuse(std::move(told));
  EXPECT_EQ(failure.kind, Kind::kBadData);
  EXPECT_THAT(failure.sentence, HasSubstr("3 of 20 values are negative"));
}

TEST(Quality, SortsWhatIsNotSorted) {
  Told told = Good();
  std::swap(told.points[2], told.points[9]);
  const Checked checked = Accept(std::move(told));
  EXPECT_EQ(checked.series, Accept(Good()).series);
  EXPECT_THAT(checked.notes, IsEmpty());
}

TEST(Quality, KeepsTheLastOfTwoValuesOfOneStep) {
  Told told = Good();
  told.points.push_back({kFirst + minutes(10), 2000.0, {}});
  const Checked checked = Accept(std::move(told));
  EXPECT_EQ(checked.series.slots().size(), 12u);
  EXPECT_NEAR(checked.series.At(kFirst + minutes(10))->value(), 907.185, 1e-9);
  EXPECT_THAT(KindsOf(checked), ElementsAre(Note::Kind::kDuplicates));
}

TEST(Quality, KeepsAGapInTheMiddleAGap) {
  Told told = Good(24);
  told.points.erase(told.points.begin() + 6, told.points.begin() + 10);
  const Checked checked = Accept(std::move(told), Forecast(hours(2)));
  EXPECT_EQ(checked.series.slots().size(), 20u);
  EXPECT_FALSE(checked.series.Covers({kFirst, kFirst + hours(2)}));
  EXPECT_EQ(checked.series.slots()[5].interval.length(), minutes(5))
      << "a step ends when it ends, not where the next begins";
  ASSERT_THAT(KindsOf(checked), ElementsAre(Note::Kind::kGaps));
  EXPECT_THAT(checked.notes[0].text, HasSubstr("up to 20m at once"));
}

TEST(Quality, CutsStepsThatOverlap) {
  Told told = Good();
  for (auto& point : told.points) point.length = minutes(30);
  const Checked checked = Accept(std::move(told));
  EXPECT_EQ(checked.series.slots()[0].interval.length(), minutes(5));
  EXPECT_EQ(checked.series.slots().back().interval.length(), minutes(30));
  EXPECT_THAT(KindsOf(checked), ElementsAre(Note::Kind::kOverlaps));
}

TEST(Quality, FindsAStepThatIsNotSaidAndRefusesOneThatCannotBe) {
  Told told = Good();
  told.step = Duration(0);
  EXPECT_EQ(Accept(std::move(told)).series, Accept(Good()).series);
  told = Good(1);
  told.step = Duration(0);
  EXPECT_THAT(Refuse(std::move(told)).sentence,
              HasSubstr("how long it holds is not said"));
  told = Good();
  told.step = Duration(100);
  EXPECT_THAT(Refuse(std::move(told)).sentence, HasSubstr("steps of 100ms"));
  told = Good();
  told.step = hours(48);
  EXPECT_EQ(Refuse(std::move(told)).kind, Kind::kBadData);
}

TEST(Quality, RefusesAForecastOfNothing) {
  Told told = Good(0);
  EXPECT_EQ(Refuse(told).kind, Kind::kTemporary);
  EXPECT_TRUE(Accept(told, Observed()).series.empty())
      << "of observed values none may be new";
  told = Good();
  for (auto& point : told.points) point.value.reset();
  EXPECT_EQ(Refuse(std::move(told)).kind, Kind::kTemporary);
}

TEST(Quality, RefusesAForecastThatIsOver) {
  Told told = Good();
  for (auto& point : told.points) point.begin = point.begin - hours(12);
  const Failure failure = Refuse(std::move(told));
  EXPECT_EQ(failure.kind, Kind::kTemporary);
  EXPECT_EQ(failure.sentence, "its forecast ended at 2026-03-15T07:40:00Z");
}

TEST(Quality, TakesAnOldForecastWithItsAge) {
  Told told = Good(288);
  for (auto& point : told.points) point.begin = point.begin - hours(12);
  *told.issued_at = kFirst - hours(12);
  EXPECT_EQ(Accept(std::move(told), Forecast(hours(12))).issued_at,
            kFirst - hours(12));
}

TEST(Quality, NotesAForecastShorterOrLongerThanAsked) {
  const Checked shorter = Accept(Good(288), Forecast(hours(72)));
  ASSERT_THAT(KindsOf(shorter), ElementsAre(Note::Kind::kShorter));
  EXPECT_THAT(shorter.notes[0].text, HasSubstr("where 3d were asked for"));
  EXPECT_THAT(KindsOf(Accept(Good(288), Forecast(hours(6)))),
              ElementsAre(Note::Kind::kLonger));
  EXPECT_THAT(Accept(Good(289), Forecast(hours(24))).notes, IsEmpty())
      << "a closing value is nothing to talk about";
}

TEST(Quality, NeverDatesAForecastInTheFuture) {
  Told told = Good();
  told.issued_at = kNow + minutes(1);
  Checked checked = Accept(told);
  EXPECT_EQ(checked.issued_at, kNow);
  EXPECT_THAT(checked.notes, IsEmpty()) << "a minute is no wonder";
  told.issued_at = kNow + hours(1);
  checked = Accept(told);
  EXPECT_EQ(checked.issued_at, kNow);
  EXPECT_THAT(KindsOf(checked), ElementsAre(Note::Kind::kIssuedInFuture));
  told.issued_at.reset();
  EXPECT_EQ(Accept(told).issued_at, kNow) << "not said: when it was fetched";
}

TEST(Quality, ObservesNoStepThatIsNotOver) {
  const Checked checked = Accept(Good(), Observed());
  EXPECT_TRUE(checked.series.empty()) << "18:40 to 18:45 runs at 18:42";
  Told told = Good();
  for (auto& point : told.points) point.begin = point.begin - minutes(10);
  EXPECT_EQ(Accept(std::move(told), Observed()).series.end(), kFirst);
}

TEST(Quality, LeavesOutTimesFarFromNow) {
  Told told = Good();
  told.points[0].begin = At("1970-01-01T00:00:00Z");
  told.points[11].begin = At("2090-01-01T00:00:00Z");
  const Checked checked = Accept(std::move(told));
  EXPECT_EQ(checked.series.slots().size(), 10u);
  EXPECT_THAT(KindsOf(checked), ElementsAre(Note::Kind::kFarTimes));
}

TEST(Quality, RefusesMorePointsThanAnyHonestAnswerHas) {
  EXPECT_EQ(Refuse(Good(20'001)).kind, Kind::kBadData);
}

TEST(Quality, HandsOnWhatTheServiceWarnsOfInOneLine) {
  Told told = Good();
  told.warnings = {"maintenance\n\tat\x1b[31m noon"};
  const Checked checked = Accept(std::move(told));
  ASSERT_THAT(KindsOf(checked), ElementsAre(Note::Kind::kService));
  EXPECT_EQ(checked.notes[0].text, "maintenance at [31m noon");
}

TEST(Quality, KnowsAJumpFromADayOfWind) {
  const auto jump = [](double a, double b) {
    return IsJump(GramsPerKwh::Of(a), GramsPerKwh::Of(b));
  };
  EXPECT_TRUE(jump(400, 4000));
  EXPECT_TRUE(jump(400, 0.4));
  EXPECT_FALSE(jump(400, 41));
  EXPECT_FALSE(jump(0, 99));
  EXPECT_TRUE(jump(0, 100));
}

TEST(Quality, SeesAHostClockThatIsOffByMoreThanTwoMinutes) {
  HttpAnswer answer = Answer(200, "{}");
  EXPECT_EQ(ClockAhead(answer, kNow), std::nullopt);
  answer.date = kNow - minutes(2);
  EXPECT_EQ(ClockAhead(answer, kNow), std::nullopt);
  answer.date = kNow - minutes(3);
  EXPECT_EQ(ClockAhead(answer, kNow), minutes(3));
  answer.date = kNow + hours(1);
  EXPECT_EQ(ClockAhead(answer, kNow), -hours(1));
}

}  // namespace
}  // namespace carbond
