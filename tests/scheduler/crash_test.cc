// A stop after every single append of a scripted day, then recovery: the day
// must end as it would have ended, with nothing lost, run twice or counted
// twice.

#include <gtest/gtest.h>

#include "tests/scheduler/sim_world.h"

namespace carbond {
namespace {

class ScriptedDay {
 public:
  ScriptedDay() : world_({Place("here", 2, 8)}) {
    world_.options.observe_period = minutes(15);
    world_.options.metering_period = minutes(30);
    world_.Restart();
    world_.Grid("here",
                Hourly(kDawn, {300, 100, 100, 600, 600, 100, 100, 500, 500,
                               90,  80,  400, 400, 60,  60,  500, 500, 500,
                               500, 500, 500, 500, 500, 500, 500, 500}));
  }

  // Plays the day; every refusal of the ledger is the end of the process, and
  // another one takes over.
  void Play(int stop_after) {
    world_.ledger.FailAfter(stop_after);
    At(0, [this] { Submit(hours(3), PauseMode::kCheckpoint, 14); });
    At(0.2, [this] { Submit(hours(2), PauseMode::kSuspend, 12); });
    At(0.5, [this] { Submit(hours(1), PauseMode::kNone, 10); });
    At(2.5, [this] { Command(CancelCommand{JobId(3), "ada"}); });
    At(6, [this] { Submit(hours(4), PauseMode::kCheckpoint, 23); });
    At(9.5, [this] { Command(HoldCommand{JobId(4), "ada"}); });
    At(12, [this] { Command(ReleaseCommand{JobId(4), "ada"}); });
    Until(26);
  }

  int appends() const { return world_.ledger.appends(); }
  int restarts() const { return restarts_; }

  void Check() {
    ASSERT_TRUE(world_.ledger.Verify().ok()) << world_.ledger.Verify();
    ASSERT_EQ(world_.ledger.jobs().size(), 4u);
    for (const int id : {1, 2, 4}) {
      const Job& job = world_.At(JobId(id));
      EXPECT_EQ(job.outcome, Outcome::kSucceeded) << "job " << id;
      EXPECT_LE(*job.finished_at, *job.spec->deadline) << "job " << id;
    }
    EXPECT_EQ(world_.At(JobId(3)).state, State::kDone);
    for (const auto& [id, job] : world_.ledger.jobs()) {
      // Each process was started once; the ledger knows of every one.
      EXPECT_EQ(world_.executor.Live(id), 0);
      Duration work(0);
      Instant until = kDawn;
      for (const EmissionsRow& row : world_.ledger.accounts().at(id).rows) {
        EXPECT_GE(row.interval.begin, until);
        until = row.interval.end;
        if (row.purpose == Purpose::kWork) work += row.interval.length();
      }
      if (job.outcome == Outcome::kSucceeded) {
        EXPECT_EQ(work, job.spec->duration) << "job " << Number(id);
      }
    }
  }

 private:
  void At(double hour, const std::function<void()>& act) {
    Until(hour);
    act();
  }

  void Until(double hour) {
    const Instant at = kDawn + Duration(static_cast<int64_t>(hour * 3.6e6));
    while (!world_.driver->RunUntil(at, [this] { return Never(); }).ok()) {
      TakeOver();
    }
  }

  Status Never() {
    EXPECT_TRUE(world_.executor.Used("here").Fits({2, 8}));
    for (int id = 1; id <= 4; ++id) {
      EXPECT_LE(world_.executor.Live(JobId(id)), 1);
    }
    return Ok();
  }

  void TakeOver() {
    world_.ledger.FailAfter(-1);
    world_.Restart();
    ++restarts_;
  }

  // As a client does: the same request id until there is an answer.
  void Submit(Duration duration, PauseMode pause, double deadline_hour) {
    SubmitCommand command;
    command.request_id = fmt::format("request {}", ++requests_);
    command.digest = "day";
    JobSpec spec = Work(duration);
    spec.pause = pause;
    spec.min_run = minutes(20);
    spec.idle_power = Watts::Of(20);
    spec.checkpoint_timeout = minutes(10);
    if (pause == PauseMode::kCheckpoint) {
      spec.checkpoint_cost = minutes(2);
      spec.resume_cost = minutes(3);
    }
    spec.deadline =
        kDawn + Duration(static_cast<int64_t>(deadline_hour * 3.6e6));
    command.jobs.push_back({spec, {}});
    Command(command);
  }

  void Command(const carbond::Command& command) {
    if (absl::IsUnavailable(world_.Send(command).status)) {
      TakeOver();
      world_.Send(command);
    }
  }

  SimWorld world_;
  int requests_ = 0;
  int restarts_ = 0;
};

TEST(Crash, NoAppendOfADayIsAPlaceWhereStoppingHurts) {
  ScriptedDay whole;
  whole.Play(-1);
  whole.Check();
  ASSERT_GT(whole.appends(), 50);
  for (int stop = 0; stop < whole.appends(); ++stop) {
    SCOPED_TRACE(::testing::Message() << "stopped after append " << stop);
    ScriptedDay day;
    day.Play(stop);
    EXPECT_EQ(day.restarts(), 1);
    day.Check();
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace carbond
