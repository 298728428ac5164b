#pragma once
// What one receiver is owed, and when it is tried again: at once, then after
// two seconds, twice as long each time up to five minutes, less up to a half by
// chance so that many daemons do not come back in step. A receiver that is in
// trouble is left alone as a whole; one that refuses a single notice gets the
// others meanwhile. Pure: time and chance are handed in. For one thread.

#include <map>
#include <optional>
#include <random>

#include "daemon/notify/notice.h"

namespace carbond {

// What came of an attempt.
struct Attempt {
  enum class What {
    kTaken,
    kRefused,  // this one, now; others may be taken
    kTrouble,  // of the receiver: nobody there, too slow, too busy
    kGone,     // it wants nothing any more
    kAborted,  // carbond is stopping
  };
  What what = What::kTaken;
  std::string why = {};                     // in one sentence
  std::optional<Duration> not_before = {};  // it asked for so much rest
};

class Outbox {
 public:
  static constexpr Duration kFirstRest = seconds(2);
  static constexpr Duration kLongestRest = minutes(5);
  // Beyond this the oldest are given up.
  static constexpr size_t kMostOwed = 100'000;

  Outbox(Duration retry_for, unsigned seed)
      : retry_for_(retry_for), random_(seed) {}

  // Instants are of a time that only goes on. Gives what had to make room.
  std::optional<Notice> Add(const Notice& notice, Duration now,
                            Duration age = Duration(0));

  // The oldest that may be tried now.
  std::optional<Notice> Next(Duration now) const;
  // When to look again; nothing: only when something is added.
  std::optional<Duration> NextDue() const;

  enum class Fate { kTaken, kAgain, kGivenUp };
  Fate Tell(const Notice& notice, const Attempt& attempt, Duration now);

  // What was owed for longer than it is retried. Asked after a trouble, so that
  // each has had its chance.
  std::vector<Notice> Expire(Duration now);

  size_t size() const { return owed_.size(); }
  // Gives everything up.
  std::vector<Notice> Clear();

 private:
  struct Item {
    Notice notice;
    Duration since{0};
    Duration not_before{0};
    int refusals = 0;
  };
  Duration Rest(int failures, const Attempt& attempt);

  // Fixed after construction
  const Duration retry_for_;

  std::minstd_rand random_;
  std::map<int64_t, Item> owed_;  // by the order in which they came
  std::map<Notice, int64_t> number_of_;
  int64_t next_number_ = 0;
  int troubles_ = 0;  // in a row
  Duration not_before_{0};
};

}  // namespace carbond
