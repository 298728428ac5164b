#pragma once
// How much a user or a project may emit in a month. Months are those of the
// UTC calendar, and a reading counts in the month in which it began.

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/job.h"

namespace carbond {

struct Budget {
  enum class Of { kUser, kProject };
  enum class Then {
    kWarn,  // says so
    kHold,  // nothing of theirs begins before the next month
  };
  Of of = Of::kUser;
  std::string name;  // "*": everybody, each for themselves
  Grams monthly;
  Then then = Then::kHold;
};

// One that somebody has, and what was emitted of it.
struct BudgetUse {
  Budget budget;
  std::string name;  // whose; "*" of everybody's that nobody has used
  std::string signal;
  Grams spent;
  bool spent_up() const { return spent >= budget.monthly; }
};

const char* Name(Budget::Of of);      // user, project
const char* Name(Budget::Then then);  // warn, hold

Interval MonthOf(Instant t);
std::string MonthName(Instant t);  // 2026-11

// Grams of one month, by user and by project. Figures of two signals are never
// added: each counts by itself against a budget.
class Spending {
 public:
  using Key = std::pair<Budget::Of, std::string>;

  explicit Spending(std::vector<Budget> budgets)
      : budgets_(std::move(budgets)) {}

  // Forgets what was, if another month has begun; whether one has.
  bool Turn(Instant now);
  const Interval& month() const { return month_; }
  // The budgets that this has spent up.
  std::vector<BudgetUse> Add(const std::string& user,
                             const std::string& project,
                             const std::string& signal, Grams grams);

  // The first budget that forbids such a job to begin now; null: none does.
  // Whoever has a budget of their own is not counted against everybody's.
  std::optional<BudgetUse> Forbids(const std::string& user,
                                   const std::string& project) const;
  // Of all that anybody has used, and the others.
  std::vector<BudgetUse> Uses() const;
  bool empty() const { return budgets_.empty(); }
  // Whether anybody has to wait.
  bool forbids_any() const;

 private:
  const Budget* BudgetFor(const Key& key) const;

  std::vector<Budget> budgets_;
  Interval month_;
  std::map<Key, std::map<std::string, Grams>> spent_;  // by signal
};

// "budget of user ana: 50.3 of 50 kg CO2e in 2026-11"
std::string Words(const BudgetUse& use, Instant month);

}  // namespace carbond
