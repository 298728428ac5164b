#include "daemon/notify/outbox.h"

#include <algorithm>

namespace carbond {

std::optional<Notice> Outbox::Add(const Notice& notice, Duration now,
                                  Duration age) {
  if (!number_of_.emplace(notice, next_number_).second) return std::nullopt;
  owed_.emplace(next_number_++, Item{notice, now - age});
  if (owed_.size() <= kMostOwed) return std::nullopt;
  const Notice oldest = owed_.begin()->second.notice;
  number_of_.erase(oldest);
  owed_.erase(owed_.begin());
  return oldest;
}

std::optional<Notice> Outbox::Next(Duration now) const {
  if (now < not_before_) return std::nullopt;
  for (const auto& [number, item] : owed_) {
    if (item.not_before <= now) return item.notice;
  }
  return std::nullopt;
}

std::optional<Duration> Outbox::NextDue() const {
  std::optional<Duration> due;
  for (const auto& [number, item] : owed_) {
    due = std::min(due.value_or(item.not_before), item.not_before);
    if (*due <= not_before_) break;  // no sooner than that
  }
  if (due) due = std::max(*due, not_before_);
  return due;
}

Outbox::Fate Outbox::Tell(const Notice& notice, const Attempt& attempt,
                          Duration now) {
  const auto number = number_of_.find(notice);
  if (number == number_of_.end()) return Fate::kGivenUp;  // made room
  Item& item = owed_.at(number->second);
  const bool taken = attempt.what == Attempt::What::kTaken;
  if (attempt.what == Attempt::What::kAborted) return Fate::kAgain;
  if (attempt.what == Attempt::What::kTrouble) {
    not_before_ = now + Rest(troubles_++, attempt);
    return Fate::kAgain;
  }
  troubles_ = 0;
  if (attempt.what == Attempt::What::kRefused) {
    item.not_before = now + Rest(item.refusals++, attempt);
  }
  if (!taken && now - item.since < retry_for_) return Fate::kAgain;
  owed_.erase(number->second);
  number_of_.erase(number);
  return taken ? Fate::kTaken : Fate::kGivenUp;
}

Duration Outbox::Rest(int failures, const Attempt& attempt) {
  const Duration whole = std::min<Duration>(
      kLongestRest, kFirstRest * (1 << std::min(failures, 16)));
  std::uniform_int_distribution<int64_t> chance(whole.count() / 2,
                                                whole.count());
  return std::max(Duration(chance(random_)),
                  attempt.not_before.value_or(Duration(0)));
}

std::vector<Notice> Outbox::Expire(Duration now) {
  std::vector<Notice> expired;
  std::erase_if(owed_, [&](const auto& entry) {
    const bool old = now - entry.second.since >= retry_for_;
    if (old) expired.push_back(entry.second.notice);
    return old;
  });
  for (const Notice& notice : expired) number_of_.erase(notice);
  return expired;
}

std::vector<Notice> Outbox::Clear() {
  std::vector<Notice> all;
  for (const auto& [number, item] : owed_) all.push_back(item.notice);
  owed_.clear();
  number_of_.clear();
  return all;
}

}  // namespace carbond
