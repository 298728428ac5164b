#include "scheduler/budget.h"

#include <algorithm>
#include <chrono>

namespace carbond {
namespace {

std::chrono::year_month YearMonthOf(Instant t) {
  using std::chrono::floor;
  const std::chrono::sys_time<std::chrono::milliseconds> time{
      std::chrono::milliseconds(t.millis())};
  const std::chrono::year_month_day day{floor<std::chrono::days>(time)};
  return day.year() / day.month();
}

Instant BeginOf(std::chrono::year_month month) {
  const std::chrono::sys_days day{month / 1};
  return Instant::FromSeconds(day.time_since_epoch().count() * 24 * 3600);
}

}  // namespace

const char* Name(Budget::Of of) {
  return of == Budget::Of::kUser ? "user" : "project";
}

const char* Name(Budget::Then then) {
  return then == Budget::Then::kHold ? "hold" : "warn";
}

Interval MonthOf(Instant t) {
  const std::chrono::year_month month = YearMonthOf(t);
  return {BeginOf(month), BeginOf(month + std::chrono::months(1))};
}

std::string MonthName(Instant t) {
  const std::chrono::year_month month = YearMonthOf(t);
  return fmt::format("{:04}-{:02}", static_cast<int>(month.year()),
                     static_cast<unsigned>(month.month()));
}

bool Spending::Turn(Instant now) {
  if (month_.Contains(now)) return false;
  month_ = MonthOf(now);
  spent_.clear();
  return true;
}

std::vector<BudgetUse> Spending::Add(const std::string& user,
                                     const std::string& project,
                                     const std::string& signal, Grams grams) {
  std::vector<BudgetUse> spent_up;
  for (const Key& key :
       {Key{Budget::Of::kUser, user}, Key{Budget::Of::kProject, project}}) {
    if (key.second.empty()) continue;
    Grams& sum = spent_[key][signal];
    const Grams before = sum;
    sum += grams;
    const Budget* budget = BudgetFor(key);
    if (budget != nullptr && before < budget->monthly &&
        sum >= budget->monthly) {
      spent_up.push_back({*budget, key.second, signal, sum});
    }
  }
  return spent_up;
}

const Budget* Spending::BudgetFor(const Key& key) const {
  const Budget* everybodys = nullptr;
  for (const Budget& budget : budgets_) {
    if (budget.of != key.first) continue;
    if (budget.name == key.second) return &budget;
    if (budget.name == "*") everybodys = &budget;
  }
  return key.second.empty() ? nullptr : everybodys;
}

std::optional<BudgetUse> Spending::Forbids(const std::string& user,
                                           const std::string& project) const {
  for (const Key& key :
       {Key{Budget::Of::kUser, user}, Key{Budget::Of::kProject, project}}) {
    const Budget* budget = BudgetFor(key);
    if (budget == nullptr || budget->then != Budget::Then::kHold) continue;
    const auto spent = spent_.find(key);
    if (spent == spent_.end()) continue;
    for (const auto& [signal, grams] : spent->second) {
      const BudgetUse use{*budget, key.second, signal, grams};
      if (use.spent_up()) return use;
    }
  }
  return std::nullopt;
}

bool Spending::forbids_any() const {
  for (const auto& [key, by_signal] : spent_) {
    const Budget* budget = BudgetFor(key);
    if (budget == nullptr || budget->then != Budget::Then::kHold) continue;
    for (const auto& [signal, grams] : by_signal) {
      if (grams >= budget->monthly) return true;
    }
  }
  return false;
}

std::vector<BudgetUse> Spending::Uses() const {
  std::vector<BudgetUse> uses;
  for (const auto& [key, by_signal] : spent_) {
    const Budget* budget = BudgetFor(key);
    if (budget == nullptr) continue;
    for (const auto& [signal, grams] : by_signal) {
      uses.push_back({*budget, key.second, signal, grams});
    }
  }
  for (const Budget& budget : budgets_) {
    const bool used =
        std::any_of(uses.begin(), uses.end(), [&](const BudgetUse& use) {
          return use.budget.of == budget.of && use.budget.name == budget.name;
        });
    if (used) continue;
    uses.push_back({budget, budget.name, "", Grams()});
  }
  return uses;
}

std::string Words(const BudgetUse& use, Instant month) {
  return fmt::format("budget of {} {}: {:.3g} of {:.3g} kg CO2e in {}",
                     Name(use.budget.of), use.name, use.spent.value() / 1000,
                     use.budget.monthly.value() / 1000, MonthName(month));
}

}  // namespace carbond
