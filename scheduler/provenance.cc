#include "scheduler/provenance.h"

#include <algorithm>

namespace carbond {

void Provenance::Say(const Series& series, const std::string& provider) {
  Interval run;
  for (const Slot& slot : series.slots()) {
    if (slot.interval.begin == run.end) {
      run.end = slot.interval.end;
      continue;
    }
    Say(run, provider);
    run = slot.interval;
  }
  Say(run, provider);
}

void Provenance::Say(Interval interval, const std::string& provider) {
  if (interval.empty()) return;
  auto at = parts_.upper_bound(interval.begin);
  if (at != parts_.begin()) --at;
  while (at != parts_.end() && at->first <= interval.end) {
    const Interval old{at->first, at->second.end};
    if (old.end < interval.begin) {
      ++at;
      continue;
    }
    const Part part = at->second;
    at = parts_.erase(at);
    if (part.provider == provider) {  // grows together with it
      interval.begin = std::min(interval.begin, old.begin);
      interval.end = std::max(interval.end, old.end);
      continue;
    }
    if (old.begin < interval.begin) {
      parts_[old.begin] = {interval.begin, part.provider};
    }
    if (old.end > interval.end) {
      at = parts_.insert_or_assign(interval.end, Part{old.end, part.provider})
               .first;
      break;
    }
  }
  parts_[interval.begin] = {interval.end, provider};
}

std::vector<std::string> Provenance::Within(Interval interval) const {
  std::vector<std::string> names;
  auto at = parts_.upper_bound(interval.begin);
  if (at != parts_.begin()) --at;
  for (; at != parts_.end() && at->first < interval.end; ++at) {
    if (at->second.end <= interval.begin) continue;
    if (std::ranges::find(names, at->second.provider) == names.end()) {
      names.push_back(at->second.provider);
    }
  }
  return names;
}

void Provenance::ForgetBefore(Instant t) {
  std::erase_if(parts_, [&](const auto& part) { return part.second.end <= t; });
}

}  // namespace carbond
