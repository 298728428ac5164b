// A region's capacity over time, against counting minute by minute.

#include "scheduler/capacity.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/scheduler/plan_world.h"

namespace carbond {
namespace {

constexpr int kMinutes = 600;

class Counted {
 public:
  void Add(int begin, int end, Resources need, int sign) {
    for (int m = begin; m < std::min(end, kMinutes + 200); ++m) {
      used_[static_cast<size_t>(m)].gpus += sign * need.gpus;
      used_[static_cast<size_t>(m)].cpus += sign * need.cpus;
    }
  }
  bool Fits(int minute, Resources need, Resources capacity) const {
    need += used_[static_cast<size_t>(minute)];
    return need.Fits(capacity);
  }

 private:
  std::vector<Resources> used_ = std::vector<Resources>(kMinutes + 200);
};

Instant At(int minute) { return kNow + minutes(minute); }

TEST(CapacityProfile, KnowsWhatCountingKnows) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    std::mt19937_64 random(seed);
    const auto pick = [&](int n) {
      return static_cast<int>(random() % static_cast<uint64_t>(n));
    };
    const Resources capacity{4, 8};
    // Some of what is taken lies past the hours that are found fast.
    CapacityProfile profile(capacity, kNow, At(kMinutes / 2));
    Counted counted;
    struct Part {
      int begin, end;
      Resources need;
    };
    std::vector<Part> parts;
    for (int step = 0; step < 60; ++step) {
      if (!parts.empty() && pick(3) == 0) {
        const Part part = parts.back();
        parts.pop_back();
        profile.Give({At(part.begin), At(part.end)}, part.need);
        counted.Add(part.begin, part.end, part.need, -1);
      } else {
        const int begin = pick(kMinutes);
        const Part part{begin, begin + 1 + pick(200), {pick(3), pick(5)}};
        parts.push_back(part);
        profile.Take({At(part.begin), At(part.end)}, part.need);
        counted.Add(part.begin, part.end, part.need, 1);
      }
      const Resources need{pick(4), 1 + pick(6)};
      const int from = pick(kMinutes / 2), until = from + 1 + pick(300);
      std::vector<Interval> with;
      profile.TimesWith(need, {At(from), At(until)}, with);
      const auto without = profile.TimesWithout(need, {At(from), At(until)});
      for (int m = from; m < until; ++m) {
        const auto holds = [&](const Interval& i) { return i.Contains(At(m)); };
        const bool fits = counted.Fits(m, need, capacity);
        ASSERT_EQ(std::count_if(with.begin(), with.end(), holds), fits ? 1 : 0)
            << "seed " << seed << " minute " << m;
        ASSERT_EQ(std::count_if(without.begin(), without.end(), holds),
                  fits ? 0 : 1)
            << "seed " << seed << " minute " << m;
      }
      for (size_t i = 1; i < with.size(); ++i) {
        ASSERT_LT(with[i - 1].end, with[i].begin) << "in order and apart";
      }
      const int length = 1 + pick(120);
      const Instant first = profile.FirstFit(need, minutes(length), At(from));
      int expected = from;
      for (int m = from; m < expected + length && m < kMinutes + 200; ++m) {
        if (!counted.Fits(m, need, capacity)) expected = m + 1;
      }
      ASSERT_EQ(first, At(expected)) << "seed " << seed;
    }
  }
}

TEST(CapacityProfile, ANeedAboveTheCapacityNeverFits) {
  const CapacityProfile profile({4, 8}, kNow, kNow + hours(10));
  EXPECT_EQ(profile.FirstFit({5, 1}, hours(1), kNow), Instant::Never());
  EXPECT_EQ(profile.TimesWithout({5, 1}, Hours(2, 4)).size(), 1u);
}

TEST(CapacityProfile, WhatIsTakenForEverIsNeverFree) {
  CapacityProfile profile({1, 8}, kNow, kNow + hours(10));
  profile.Take({kNow + hours(2), Instant::Never()}, {1, 1});
  EXPECT_EQ(profile.FirstFit({1, 1}, hours(2), kNow), kNow);
  EXPECT_EQ(profile.FirstFit({1, 1}, hours(3), kNow), Instant::Never());
}

}  // namespace
}  // namespace carbond
