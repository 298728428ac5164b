#include "daemon/grid/request_budget.h"

namespace carbond {

// A clock that was set back leaves requests in the future: they were made, but
// nobody can say when; they are forgotten rather than waited for.
void RequestBudget::Forget(Instant now) {
  while (!sent_.empty() && sent_.back() > now) sent_.pop_back();
  while (!sent_.empty() && sent_.front() + per_ <= now) sent_.pop_front();
}

Instant RequestBudget::FreeAt(Instant now) {
  Forget(now);
  if (most_ == 0 || sent_.size() < static_cast<size_t>(most_)) return now;
  return sent_[sent_.size() - static_cast<size_t>(most_)] + per_;
}

void RequestBudget::Count(Instant now) {
  Forget(now);
  if (most_ > 0) sent_.push_back(now);
  if (DayOf(now) != day_) {
    yesterday_ = DayOf(now) == day_ + 1 ? today_ : 0;
    today_ = 0;
    day_ = DayOf(now);
  }
  ++today_;
}

int RequestBudget::yesterday(Instant now) const {
  if (DayOf(now) == day_) return yesterday_;
  return DayOf(now) == day_ + 1 ? today_ : 0;
}

}  // namespace carbond
