// How many requests may go to a service, and how many went.
#include "daemon/grid/request_budget.h"

#include <gtest/gtest.h>

#include "tests/daemon/grid_answers.h"

namespace carbond {
namespace {

TEST(RequestBudget, LetsNoMoreThroughThanTheServiceAllows) {
  RequestBudget budget(3, minutes(5));
  const Instant noon = At("2026-03-15T12:00:00Z");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(budget.FreeAt(noon + seconds(i)), noon + seconds(i));
    budget.Count(noon + seconds(i));
  }
  EXPECT_EQ(budget.FreeAt(noon + minutes(1)), noon + minutes(5));
  EXPECT_EQ(budget.FreeAt(noon + minutes(5)), noon + minutes(5));
  EXPECT_EQ(budget.FreeAt(noon - hours(1)), noon - hours(1))
      << "a clock that was set back must not stop all";
  RequestBudget none(0, minutes(5));
  for (int i = 0; i < 1000; ++i) none.Count(noon);
  EXPECT_EQ(none.FreeAt(noon), noon);
}

TEST(RequestBudget, CountsByDay) {
  RequestBudget budget(0, minutes(5));
  const Instant day = At("2026-03-15T23:59:59Z");
  for (int i = 0; i < 5; ++i) budget.Count(day);
  EXPECT_EQ(budget.today(day), 5);
  const Instant next = day + seconds(1);
  EXPECT_EQ(budget.today(next), 0);
  EXPECT_EQ(budget.yesterday(next), 5);
  budget.Count(next);
  EXPECT_EQ(budget.today(next), 1);
  EXPECT_EQ(budget.yesterday(next), 5);
  EXPECT_EQ(budget.yesterday(next + hours(48)), 0);
}

}  // namespace
}  // namespace carbond
