// Monthly budgets: who has to wait, until when, and who goes over one.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/scheduler/sim_world.h"

namespace carbond {
namespace {

using testing::HasSubstr;

const Instant kNovember = *ParseInstant("2026-11-28T00:00:00Z");

TEST(Months, AreThoseOfTheCalendar) {
  const auto month = [](const char* t) { return MonthOf(*ParseInstant(t)); };
  const auto is = [](const char* begin, const char* end) {
    return Interval{*ParseInstant(begin), *ParseInstant(end)};
  };
  EXPECT_EQ(month("2026-12-31T23:59:59Z"),
            is("2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"));
  EXPECT_EQ(month("2028-02-29T12:00:00Z"),
            is("2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"));
  EXPECT_EQ(month("2026-03-01T00:00:00Z"),
            is("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"));
  EXPECT_EQ(MonthName(*ParseInstant("2026-03-01T00:00:00Z")), "2026-03");
}

TEST(Spending, CountsTwoSignalsApartAndANameBeforeEverybody) {
  using Of = Budget::Of;
  Spending spending(
      {{Of::kUser, "*", Grams::Of(100), Budget::Then::kHold},
       {Of::kUser, "ana", Grams::Of(500), Budget::Then::kHold},
       {Of::kProject, "vision", Grams::Of(150), Budget::Then::kWarn}});
  spending.Turn(kNovember);
  EXPECT_TRUE(spending.Add("ben", "", "moer", Grams::Of(60)).empty());
  EXPECT_TRUE(spending.Add("ben", "", "average", Grams::Of(60)).empty());
  EXPECT_FALSE(spending.Forbids("ben", "").has_value());
  ASSERT_EQ(spending.Add("ben", "", "moer", Grams::Of(40)).size(), 1u);
  EXPECT_TRUE(spending.Forbids("ben", "").has_value());
  EXPECT_FALSE(spending.Forbids("cleo", "").has_value());

  EXPECT_EQ(spending.Add("ana", "vision", "moer", Grams::Of(200)).size(), 1u);
  EXPECT_FALSE(spending.Forbids("ana", "vision").has_value())
      << "hers is larger, and the project's only warns";
  EXPECT_FALSE(spending.Turn(kNovember + hours(10)));
  EXPECT_TRUE(spending.Turn(kNovember + hours(24 * 4)));
  ASSERT_EQ(spending.Uses().size(), 3u) << "of all that there are";
  EXPECT_FALSE(spending.Forbids("ben", "").has_value());
}

// One kW at 100 g/kWh, as far as anybody looks; begins on 28 November.
class BudgetTest : public testing::Test {
 protected:
  BudgetTest() : world_({Place("here")}, kNovember) {
    world_.options.budgets = {
        {Budget::Of::kUser, "*", Grams::Of(250), Budget::Then::kHold}};
    world_.Restart();
    std::vector<Slot> slots;
    for (int h = 0; h < 24 * 9; ++h) {
      const Instant at = kNovember + hours(h);
      slots.push_back({{at, at + hours(1)}, GramsPerKwh::Of(100)});
    }
    world_.Grid("here", *Series::Make(std::move(slots)));
  }
  JobSpec Hours(int n, const std::string& user = "ana") {
    JobSpec spec = Work(hours(n));
    spec.user = user;
    spec.deadline = kNovember + hours(24 * 8);
    return spec;
  }
  void RunTo(int hour) {
    ASSERT_TRUE(world_.driver->RunUntil(kNovember + hours(hour)).ok());
  }

  SimWorld world_;
};

TEST_F(BudgetTest, NothingBeginsOnceItIsSpentUntilTheNextMonth) {
  const JobId first = world_.Submit(Hours(3));
  RunTo(4);
  EXPECT_EQ(world_.At(first).outcome, Outcome::kSucceeded)
      << "a run under way goes on";
  const JobId second = world_.Submit(Hours(1));
  EXPECT_EQ(world_.At(second).held_for_budget,
            "budget of user ana: 0.3 of 0.25 kg CO2e in 2026-11");
  const JobId others = world_.Submit(Hours(1, "ben"));
  RunTo(6);
  EXPECT_EQ(world_.At(others).outcome, Outcome::kSucceeded);
  EXPECT_EQ(world_.At(second).state, State::kWaiting);
  world_.Restart();
  RunTo(71);
  EXPECT_EQ(world_.At(second).state, State::kWaiting)
      << "it is remembered over a restart";
  RunTo(74);
  EXPECT_EQ(world_.At(second).outcome, Outcome::kSucceeded)
      << "December has begun";
  EXPECT_EQ(world_.At(second).started_at, kNovember + hours(72));
  EXPECT_TRUE(world_.ledger.Verify().ok());
}

TEST_F(BudgetTest, ADryRunSaysWhatASubmissionWould) {
  EXPECT_FALSE(world_.Send(PlanCommand{Hours(1), {}}).plan->plan.runs.empty());
  world_.Submit(Hours(3));
  RunTo(4);
  const Reply reply = world_.Send(PlanCommand{Hours(1), {}});
  EXPECT_TRUE(reply.plan->plan.runs.empty());
  EXPECT_EQ(reply.plan->plan.why,
            "held: budget of user ana: 0.3 of 0.25 kg CO2e in 2026-11");
  const Reply ben = world_.Send(PlanCommand{Hours(1, "ben"), {}});
  EXPECT_FALSE(ben.plan->plan.runs.empty());
}

TEST_F(BudgetTest, AMonthThatBeganWhileNobodyLookedReleasesToo) {
  world_.Submit(Hours(3));
  RunTo(4);
  const JobId id = world_.Submit(Hours(1));
  ASSERT_TRUE(world_.At(id).held);
  world_.clock.Set(kNovember + hours(80));
  world_.Restart();
  RunTo(90);
  EXPECT_EQ(world_.At(id).outcome, Outcome::kSucceeded);
  EXPECT_FALSE(world_.At(id).over_budget);
}

TEST_F(BudgetTest, AConfigurationThatGivesMoreReleasesToo) {
  world_.Submit(Hours(3));
  RunTo(4);
  const JobId id = world_.Submit(Hours(1));
  ASSERT_TRUE(world_.At(id).held);
  world_.options.budgets[0].monthly = Grams::Of(5000);
  world_.Restart();
  RunTo(8);
  EXPECT_EQ(world_.At(id).outcome, Outcome::kSucceeded);
  const JobId again = world_.Submit(Hours(1));
  world_.options.budgets.clear();
  world_.Restart();
  RunTo(12);
  EXPECT_EQ(world_.At(again).outcome, Outcome::kSucceeded);
}

TEST_F(BudgetTest, WhoeverReleasesAJobGoesOverItOnRecord) {
  world_.Submit(Hours(3));
  RunTo(4);
  const JobId urgent = world_.Submit(Hours(1));
  ASSERT_TRUE(world_.At(urgent).held);
  ASSERT_TRUE(world_.Send(ReleaseCommand{urgent, "boss"}).status.ok());
  RunTo(6);
  EXPECT_EQ(world_.At(urgent).outcome, Outcome::kSucceeded);
  EXPECT_TRUE(world_.At(urgent).over_budget);
  bool recorded = false;
  for (const Event& event : world_.ledger.events()) {
    const auto* released = std::get_if<Released>(&event.fact);
    recorded |= released != nullptr && released->by == "boss";
  }
  EXPECT_TRUE(recorded);
}

TEST_F(BudgetTest, AUsersOwnPauseOutlastsTheMonth) {
  world_.Submit(Hours(3));
  RunTo(4);
  const JobId id = world_.Submit(Hours(1));
  ASSERT_TRUE(world_.Send(HoldCommand{id, "ana"}).status.ok());
  RunTo(80);
  EXPECT_EQ(world_.At(id).state, State::kWaiting);
  EXPECT_EQ(world_.At(id).held_by, "ana");
}

TEST_F(BudgetTest, SaysOnceThatItIsSpent) {
  world_.Submit(Hours(3));
  std::vector<std::string> said;
  for (int hour = 1; hour < 6; ++hour) {
    RunTo(hour);
    for (const Status& status : world_.engine->TakeTroubles()) {
      said.push_back(Message(status));
    }
  }
  ASSERT_EQ(said.size(), 1u);
  EXPECT_THAT(said[0], HasSubstr("the budget of user ana"));
  EXPECT_THAT(said[0], HasSubstr("nothing of theirs begins before next month"));
}

}  // namespace
}  // namespace carbond
