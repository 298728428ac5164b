#pragma once
// What a receiver is told, as JSON: the same fields as `carbonctl show -o json`
// where they are the same things. Pure. README documents it; fields are added,
// never renamed.

#include <optional>
#include <string>
#include <vector>

#include "daemon/notify/notice.h"

namespace carbond {

struct Telling {
  Notice notice;
  std::string id;  // the same whenever this notice is sent
  Instant at;
  Job job;                                   // as it was after the event
  std::optional<JobPlan> plan = {};          // the newest
  std::optional<JobEmissions> figures = {};  // as far as they are known
  double clock_speed = 1;
};

// The job as it was after the event `seq`. Refused when `events` (all of the
// job, from the first) end before it.
Result<Job> JobAt(const std::vector<Event>& events, int seq);

// "1f3a9c0e-17-5": unique among all ledgers, events and notices.
std::string IdOf(const std::string& instance, const Notice& notice);

// One sentence for people.
std::string SentenceOf(const Telling& telling);

std::string PayloadOf(const Telling& telling);

}  // namespace carbond
