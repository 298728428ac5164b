// Seeded worlds around the real engine: failing doors, crashes, forecasts that
// change, processes that vanish. What must never happen is checked after every
// step, what must happen in the end is checked in the end.

#include <gtest/gtest.h>

#include <random>

#include "tests/scheduler/sim_world.h"

namespace carbond {
namespace {

class Simulation {
 public:
  explicit Simulation(uint64_t seed) : random_(seed), world_(Places()) {
    if (seed % 2 == 0) {  // the larger one is a cluster with a queue
      Region& large = world_.options.regions.back();
      large.queue_ahead = minutes(Pick(0, 30));
      world_.executor.SetQueue(large, minutes(Pick(0, 30)), seed);
    }
    world_.options.observe_period = minutes(1);
    world_.options.metering_period = minutes(7);
    MakeGrid();
    world_.Restart();
    world_.executor.FailAtRandom(0.1, seed);
  }

  void Run() {
    const Instant last_submission = kDawn + hours(36);
    Instant at = kDawn;
    while (at < last_submission) {
      if (Chance(0.5)) Submit();
      Disturb();
      at += minutes(Pick(1, 120));
      Must(world_.driver->RunUntil(at, [this] { return CheckNever(); }));
    }
    world_.grid.SetDown(false);
    world_.executor.FailAtRandom(0, 1);
    for (const auto& [id, job] : world_.ledger.jobs()) {
      if (job.held && job.state != State::kDone) {
        world_.Send(ReleaseCommand{id, "ada"});
      }
    }
    Must(world_.driver->RunUntilDone(kDawn + hours(24 * 12),
                                     [this] { return CheckNever(); }));
    CheckTheEnd();
  }

 private:
  static std::vector<Region> Places() {
    Region small = Place("small", 1, 4);
    Region large = Place("large", 3, 8);
    large.pue = Pue::Of(1.1);
    return {small, large};
  }

  void Must(const Status& status) { ASSERT_TRUE(status.ok()) << status; }
  int Pick(int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random_);
  }
  bool Chance(double p) {
    return std::uniform_real_distribution<double>(0, 1)(random_) < p;
  }

  void MakeGrid() {
    for (const char* zone : {"small", "large"}) {
      std::vector<double> truth;
      for (int i = 0; i < 14 * 24 * 2; ++i) truth.push_back(Pick(0, 600));
      const Series actual = Steps(kDawn, minutes(30), truth);
      world_.grid.SetActual(zone, actual);
      for (int issue = 0; issue < 14 * 24; issue += 3) {
        if (Chance(0.2)) continue;  // an issue that never came
        const Instant at = kDawn + hours(issue);
        std::vector<Slot> slots;
        const Series part = actual.Clip({at, at + hours(20)});
        for (const Slot& slot : part.slots()) {
          if (Chance(0.02)) continue;  // a hole
          const double noise = 0.7 + 0.006 * Pick(0, 100);
          slots.push_back(
              {slot.interval, GramsPerKwh::Of(slot.intensity.value() * noise)});
        }
        world_.grid.AddForecast(
            Issue(zone, at, *Series::Make(std::move(slots))));
      }
    }
  }

  void Submit() {
    JobSpec spec = Work(minutes(Pick(5, 400)), Pick(50, 2000));
    spec.need = {Pick(0, 1), Pick(1, 4)};
    spec.pause = static_cast<PauseMode>(Pick(0, 2));
    spec.idle_power = Watts::Of(Pick(0, 40));
    spec.min_run = minutes(Pick(0, 60));
    spec.checkpoint_timeout = minutes(Pick(1, 20));
    spec.retries = Pick(0, 2);
    if (spec.pause == PauseMode::kCheckpoint) {
      spec.checkpoint_cost = minutes(Pick(0, 5));
      spec.resume_cost = minutes(Pick(0, 5));
    }
    if (Chance(0.3)) spec.max_intensity = GramsPerKwh::Of(Pick(50, 400));
    if (Chance(0.7)) {
      spec.deadline =
          world_.clock.Now() + spec.duration + minutes(Pick(0, 3000));
    }
    if (Chance(0.15)) spec.min_pause = minutes(Pick(0, 180));
    if (spec.deadline) {  // longer ones are refused
      spec.min_pause =
          std::min(spec.min_pause, *spec.deadline - world_.clock.Now());
    }
    const JobId id = world_.Submit(spec);
    SimBehaviour behaviour;
    behaviour.work = spec.duration * Pick(50, 150) / 100;
    behaviour.restore = spec.resume_cost;
    behaviour.save = spec.checkpoint_cost * Pick(0, 200) / 100;
    behaviour.exit_code = Chance(0.1) ? 1 : 0;
    behaviour.ignores_signal = Chance(0.1);
    behaviour.reports_progress = Chance(0.5);
    if (Chance(0.1)) behaviour.crashes_after = minutes(Pick(1, 200));
    world_.executor.SetBehaviour(id, behaviour);
  }

  void Disturb() {
    if (Chance(0.2)) world_.Restart();
    if (Chance(0.1)) world_.grid.SetDown(Chance(0.5));
    const auto& live = world_.engine->live();
    if (live.empty()) return;
    auto any = live.begin();
    std::advance(any, Pick(0, static_cast<int>(live.size()) - 1));
    const JobId id = any->first;
    if (Chance(0.05)) world_.Send(CancelCommand{id, "ada"});
    if (Chance(0.1)) world_.Send(HoldCommand{id, "ada"});
    if (Chance(0.3)) world_.Send(ReleaseCommand{id, "ada"});
    if (Chance(0.05) && any->second.occupies()) {
      world_.executor.Lose({id, any->second.runs.back().process});
    }
  }

  Status CheckNever() {
    for (const Region& region : world_.options.regions) {
      if (!world_.executor.Used(region.name).Fits(region.capacity)) {
        ADD_FAILURE() << "more than the capacity of " << region.name;
      }
    }
    for (const auto& [id, job] : world_.ledger.jobs()) {
      EXPECT_LE(world_.executor.Live(id), 1) << "job " << Number(id);
      for (const carbond::Run& run : job.runs) {
        const Instant may = run.not_before.value_or(kDawn);
        EXPECT_GE(run.started_at.value_or(may), may) << "job " << Number(id);
        const bool back = run.end == RunEnd::kRecalled;
        EXPECT_FALSE(back && run.started_at) << "job " << Number(id);
      }
      const bool paused = Pauses(job) > 0;
      EXPECT_FALSE(paused && job.spec->pause == PauseMode::kNone);
    }
    for (const auto& [id, job] : world_.engine->live()) {
      EXPECT_EQ(job.last_seq, world_.ledger.jobs().at(id).last_seq);
    }
    return ::testing::Test::HasFailure() ? Trouble("see above") : Ok();
  }

  void CheckTheEnd() {
    Must(world_.ledger.Verify());
    EXPECT_TRUE(world_.engine->live().empty());
    for (const auto& [id, job] : world_.ledger.jobs()) {
      EXPECT_EQ(job.state, State::kDone) << "job " << Number(id);
      EXPECT_EQ(world_.executor.Live(id), 0);
      const Account& account = world_.ledger.accounts().at(id);
      Grams grams;
      WattHours energy;
      Instant until = kDawn;
      for (const EmissionsRow& row : account.rows) {
        EXPECT_GE(row.interval.begin, until) << "energy counted twice";
        until = row.interval.end;
        grams += row.grams;
        energy += row.energy;
      }
      EXPECT_EQ(grams, account.total.grams);
      EXPECT_EQ(energy, job.energy);
      const bool ran_through = job.outcome == Outcome::kSucceeded &&
                               job.failures == 0 && Pauses(job) == 0;
      if (ran_through) {
        const carbond::Run& run = job.runs.back();
        EXPECT_EQ(job.energy,
                  job.spec->power * (*run.ended_at - *run.started_at));
      }
    }
  }

  std::mt19937_64 random_;
  SimWorld world_;
};

// A process that was asked to save just before its end once left as soon as
// anybody looked, seconds before it had saved.
TEST(SimExecutor, AProcessSavesAsLongWhoeverLooksMeanwhile) {
  SimClock clock(kDawn);
  SimExecutor executor(clock);
  StartOrder order;
  order.id = {JobId{1}, 1};
  order.spec.duration = minutes(30);
  order.spec.checkpoint_cost = minutes(2);
  ASSERT_TRUE(executor.Start(order).ok());
  clock.Set(kDawn + minutes(29));
  ASSERT_TRUE(executor.Checkpoint(order.id, 1).ok());
  const Instant saved = kDawn + minutes(31);
  EXPECT_EQ(executor.NextEnd(), saved);
  clock.Set(kDawn + minutes(30) + seconds(59));
  EXPECT_EQ(executor.Observe({&order.id, 1})[0].what, Sight::What::kRunning);
  clock.Set(saved + minutes(5));
  const Sight seen = executor.Observe({&order.id, 1})[0];
  EXPECT_EQ(seen.what, Sight::What::kEnded);
  EXPECT_EQ(seen.ended_at, saved);
  EXPECT_EQ(seen.exit_code, kCheckpointExitCode);
}

class Seeded : public ::testing::TestWithParam<uint64_t> {};

TEST_P(Seeded, WorldKeepsItsPromisesWhateverFails) {
  SCOPED_TRACE(::testing::Message() << "seed " << GetParam());
  Simulation(GetParam()).Run();
}

INSTANTIATE_TEST_SUITE_P(Simulation, Seeded, ::testing::Range<uint64_t>(1, 13));

}  // namespace
}  // namespace carbond
