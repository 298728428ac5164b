// Nobody is late who need not be: worlds of which a plan in time is known, and
// recorded ones in which a late job is held against all others.

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/bench/fleet_world.h"
#include "tests/scheduler/plan_world.h"

namespace carbond {
namespace {

int64_t Late(const Plan& plan) {
  return std::count_if(plan.jobs.begin(), plan.jobs.end(),
                       [](const JobPlan& each) { return each.late; });
}

// ---- Worlds cut from a plan -------------------------------------------------

// GPUs x quarters of an hour of one region: cut in two until it is small, and
// the pieces become jobs. As they lie they fill the region without a gap.
class CutWorld {
 public:
  explicit CutWorld(uint64_t seed) : random_(seed) {
    input_.now = kNow;
    for (int r = 0; r < 2; ++r) {
      std::vector<double> grams;
      for (int h = 0; h < kQuarters / 4; ++h) {
        grams.push_back(static_cast<double>(Pick(20, 600)));
      }
      input_.regions.push_back(RegionWith(Hourly(grams)));
      input_.regions.back().name = fmt::format("region-{}", r);
      input_.regions.back().capacity = {kGpus, 64};
      Cut(r, 0, kQuarters, kGpus);
    }
  }

  const PlanInput& input() const { return input_; }

 private:
  static constexpr int kQuarters = 96 * 2, kGpus = 8;

  int Pick(int least, int most) {
    return least + static_cast<int>(random_() %
                                    static_cast<uint64_t>(most - least + 1));
  }

  void Cut(int region, int begin, int end, int gpus) {
    const int length = end - begin;
    const bool small = length <= 24 && Pick(1, 3) == 1;
    if (small || (length < 4 && gpus == 1)) {
      Add(region, begin, end, gpus);
    } else if (length >= 4 && (gpus == 1 || length > 32 || Pick(1, 2) == 1)) {
      const int at = begin + Pick(2, length - 2);
      Cut(region, begin, at, gpus);
      Cut(region, at, end, gpus);
    } else {
      const int part = Pick(1, gpus - 1);
      Cut(region, begin, end, part);
      Cut(region, begin, end, gpus - part);
    }
  }

  void Add(int region, int begin, int end, int gpus) {
    if (Pick(1, 100) <= 45) return;  // a gap
    const int id = static_cast<int>(input_.jobs.size()) + 1;
    PlanJob job = JobOf(minutes(15 * (end - begin)), id);
    job.need = {gpus, 1};
    job.regions = Pick(1, 2) == 1 ? std::vector<int>{region}
                                  : std::vector<int>{region, 1 - region};
    const int slack = 2 * (end - begin);
    job.earliest = kNow + minutes(15 * std::max(begin - Pick(0, slack), 0));
    job.deadline =
        kNow + minutes(15 * std::min(end + Pick(0, slack), kQuarters));
    input_.jobs.push_back(std::move(job));
  }

  std::mt19937_64 random_;
  PlanInput input_;
};

TEST(FleetRoom, NobodyIsLateWhereAPlanInTimeIsKnown) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const CutWorld world(seed);
    ASSERT_EQ(Late(MakePlan(world.input())), 0) << "seed " << seed;
  }
}

// ---- Recorded worlds --------------------------------------------------------

// The starts at which a job and another, which may run in this region only,
// cannot both be in time.
struct RuledOut {
  Instant after, before;  // both excluded
};

std::vector<RuledOut> RuledOutBy(const PlanInput& input, size_t job,
                                 int region) {
  const PlanJob& one = input.jobs[job];
  std::vector<RuledOut> all;
  for (size_t i = 0; i < input.jobs.size(); ++i) {
    const PlanJob& other = input.jobs[i];
    Resources both = one.need;
    both += other.need;
    const bool meet =
        i != job && other.regions == std::vector<int>{region} &&
        !both.Fits(input.regions[static_cast<size_t>(region)].capacity);
    if (!meet) continue;
    const RuledOut starts{other.deadline - other.work - one.work,
                          other.earliest + other.work};
    if (starts.after < starts.before) all.push_back(starts);
  }
  std::sort(all.begin(), all.end(), [](const RuledOut& a, const RuledOut& b) {
    return a.after < b.after;
  });
  return all;
}

// Whether somebody is late in every plan: wherever this job might be in time,
// another is not.
bool SomebodyMustBeLateBeside(const PlanInput& input, size_t job) {
  const PlanJob& one = input.jobs[job];
  return std::all_of(one.regions.begin(), one.regions.end(), [&](int region) {
    Instant open = one.earliest;  // starts before are ruled out
    for (const RuledOut& starts : RuledOutBy(input, job, region)) {
      if (starts.after >= open) break;
      open = std::max(open, starts.before);
    }
    return open > one.deadline - one.work;
  });
}

TEST(FleetRoom, WhoIsLateAmongAThousandHasNoOtherChoice) {
  for (const double load : {0.3, 0.5}) {
    for (const uint64_t seed : {1, 3, 5, 7}) {
      FleetKind kind;
      kind.jobs = 1000;
      kind.load = load;
      kind.seed = seed;
      const PlanInput input = FleetOf(kind);
      if (input.regions.empty()) {
        GTEST_SKIP() << "the recorded jobs and intensities are absent: set "
                        "CARBOND_SHARED_DATA to a folder that holds traces/";
      }
      const Plan plan = MakePlan(input);
      ASSERT_LE(Late(plan), 1) << "load " << load << " seed " << seed;
      for (size_t i = 0; i < plan.jobs.size(); ++i) {
        if (!plan.jobs[i].late) continue;
        ASSERT_TRUE(SomebodyMustBeLateBeside(input, i))
            << "load " << load << " seed " << seed << " job " << i + 1;
      }
    }
  }
}

// 5.9 % before jobs moved on while the prices fade.
TEST(FleetRoom, TenThousandJobsComeNearTheBound) {
  FleetKind kind;
  kind.load = 0.7;
  kind.seed = 2;
  const PlanInput input = FleetOf(kind);
  if (input.regions.empty()) {
    GTEST_SKIP() << "the recorded jobs and intensities are absent: set "
                    "CARBOND_SHARED_DATA to a folder that holds traces/";
  }
  const Plan plan = MakePlan(input);
  EXPECT_EQ(Late(plan), 0);
  EXPECT_LT(plan.quality.gap(), 0.045);
}

}  // namespace
}  // namespace carbond
