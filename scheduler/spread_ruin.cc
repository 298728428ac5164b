// Takes jobs out and in again, where that makes all of them cheaper.

#include <algorithm>

#include "scheduler/spread.h"

namespace carbond {
namespace {

// The one that lost the most is chosen of so many.
constexpr int kOfSeveral = 12;

size_t Index(int64_t i) { return static_cast<size_t>(i); }

}  // namespace

// One that has no place, or of several the one that lost the most.
int Spread::Choose() {
  if (!nowhere_.empty() && Random(2) == 0) {
    return nowhere_[Random(nowhere_.size())];
  }
  int worst = -1;
  Int128 loss = 0;
  for (int i = 0; i < kOfSeveral; ++i) {
    const auto job = static_cast<int>(Random(jobs_.size()));
    if (places_[Index(job)].region < 0) continue;
    const Int128 lost = RegretOf(job);
    if (worst < 0 || lost > loss) {
      worst = job;
      loss = lost;
    }
  }
  return worst;
}

void Spread::RemoveAround(int region, int64_t begin, int64_t end,
                          size_t count) {
  const int64_t first = HourAt(begin), last = HourAt(end - 1);
  for (size_t i = 0; i < count; ++i) {
    const int64_t hour =
        first +
        static_cast<int64_t>(Random(static_cast<uint64_t>(last - first + 1)));
    const Crowd& crowd = crowds_[Index(region)][Index(hour)];
    if (crowd.empty()) continue;
    const int job = crowd[Random(crowd.size())];
    out_.push_back(job);
    were_.push_back(places_[Index(job)]);
    TakeOut(job);
  }
}

// Takes the job out, and some that stand where it would rather be.
void Spread::Ruin(int job) {
  out_ = {job};
  were_ = {places_[Index(job)]};
  const Place was = places_[Index(job)];
  if (was.region >= 0) TakeOut(job);
  const FleetJob& of = jobs_[Index(job)];
  const Place wish = Wish(job, static_cast<int>(Random(5)));
  if (wish.region < 0) return;
  RemoveAround(wish.region, wish.begin, wish.begin + of.LengthIn(wish.region),
               1 + Random(4));
  if (was.region >= 0 && Random(2) == 0) {
    RemoveAround(was.region, was.begin, was.begin + of.LengthIn(was.region),
                 1 + Random(3));
  }
}

// Large ones are hard to place, and go first as a rule.
void Spread::Order() {
  const auto size = [&](int job) {
    const FleetJob& of = jobs_[Index(job)];
    return of.length * (1 + of.need.gpus);
  };
  switch (Random(4)) {
    case 0:
      break;  // the one that was chosen first
    case 1:
      std::sort(out_.begin() + 1, out_.end());
      break;
    case 2:
      for (size_t i = 1; i < out_.size(); ++i) {
        std::swap(out_[i], out_[Random(i + 1)]);
      }
      break;
    default:
      std::sort(out_.begin(), out_.end(), [&](int a, int b) {
        return size(a) != size(b) ? size(a) > size(b) : a < b;
      });
  }
}

void Spread::Recreate() {
  const int share = any_price_ ? static_cast<int>(Random(5)) : 0;
  for (const int job : out_) {
    const Found found = Find(job, share);
    if (found.place.region >= 0) Put(job, found.place);
  }
}

// Goes on with the new places, or back to the old ones.
void Spread::Settle(const std::vector<int>& removed, const Worth& before) {
  if (!(before < worth_)) return;
  for (const int each : removed) {
    if (places_[Index(each)].region >= 0) TakeOut(each);
  }
  for (size_t i = 0; i < removed.size(); ++i) {
    if (were_[i].region >= 0) Put(removed[i], were_[i]);
  }
}

int64_t Spread::Improve(int64_t budget) {
  const int64_t start = work_;
  if (jobs_.size() < 2) return 0;
  while (SpentSince(start) < budget) {
    work_ += 8;
    const int job = Choose();
    if (job < 0) continue;
    const Worth before = worth_;
    Ruin(job);
    const std::vector<int> removed = out_;
    Order();
    Recreate();
    Settle(removed, before);
  }
  return SpentSince(start);
}

}  // namespace carbond
