#pragma once
// The engine's thread, its mailbox, and the planner's thread beside it.
//
// Whoever wants something of the engine posts it and returns; what waits in the
// mailbox becomes one transaction, and is answered after it. Batches so form by
// themselves under load, without waiting for company: while one is written to
// disk, the next gathers. When nothing is posted, the thread sleeps until the
// engine's next wake.
//
// A plan is made on a thread of its own, of low priority, one at a time, and
// adopted by the engine's thread a few jobs at a time, with commands in
// between. After a plan the next waits four times as long as it took, so that a
// storm of submissions does not become a storm of plans; an idle daemon plans
// at once.
//
// When the ledger cannot be written, the loop answers all that waits with
// UNAVAILABLE, ends, and says so to its owner: nothing runs ahead of the log.

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "daemon/clock.h"
#include "daemon/log.h"
#include "scheduler/engine.h"

namespace carbond {

// All public functions may be called from any thread.
class Loop {
 public:
  struct Options {
    // Between two ticks, in the machine's time.
    std::chrono::milliseconds least_rest{20};
    // How soon a jump of the machine's clock is noticed.
    std::chrono::milliseconds longest_wait{1000};
    size_t most_waiting = 100'000;        // commands in the mailbox
    size_t most_per_transaction = 2'000;  // jobs
  };
  using Answer = std::function<void(Reply)>;
  using Look = std::function<void(const Engine*)>;
  using OnFailure = std::function<void(const Status&)>;

  // `on_failure` is called once, on the engine's thread, when the ledger cannot
  // be written any more; the log says it. The engine is the loop's alone from
  // Start on.
  Loop(Engine& engine, const SystemClock& clock, Options options,
       OnFailure on_failure);
  ~Loop();  // stops

  void Start();

  // Answers on the engine's thread, after the transaction, or at once on this
  // thread with UNAVAILABLE when the loop has stopped or too much waits. An
  // answer must not block.
  void Post(Command command, Answer answer);

  // Looks at the engine between two transactions, on its thread; must not
  // block. Nothing to look at (null, on this thread) when the loop has stopped.
  void Inspect(Look look);

  // Something may have changed in the world: look soon.
  void Wake();

  // Answers what waits, lets a plan under way finish, and ends the threads.
  void Stop();

 private:
  using Steady = std::chrono::steady_clock;
  struct Mail {
    std::vector<Command> commands;
    std::vector<Answer> answers;  // one for each command
    std::vector<Look> looks;
    std::optional<Plan> plan;  // made by the planner's thread
    bool wake = false;
    bool stop = false;
    bool empty() const {
      return commands.empty() && looks.empty() && !plan && !wake && !stop;
    }
  };

  void Run();
  Mail Collect();
  Status Handle(Mail& mail);
  Status ExecuteAll(Mail& mail);
  Status TickIfDue();
  Status AdoptSome();
  void PlanIfDue();
  Steady::time_point NextDue() const;
  void NoticeClockJump();
  void Fail(const Status& status, Mail& mail);
  void RefuseAll(Mail& mail, const Status& why);
  void RunPlanner();

  // Fixed after construction
  Engine& engine_;
  const SystemClock& clock_;
  const Options options_;
  const OnFailure on_failure_;

  // Guarded by mutex_
  std::mutex mutex_;
  std::condition_variable posted_;
  Mail mail_;
  std::optional<Status> closed_;  // why nothing is taken any more
  std::condition_variable plan_ordered_;
  std::optional<PlanInput> order_;  // for the planner's thread
  bool planner_ends_ = false;

  // Only the engine's thread
  bool tick_wanted_ = true;  // the first look at what really runs
  Instant next_wake_;        // the engine's, after the last tick
  bool plan_wanted_ = true;
  bool planning_ = false;         // from the order to the adoption
  std::optional<Plan> adopting_;  // what of a plan is not adopted yet
  Steady::time_point tick_not_before_{};
  Steady::time_point plan_began_{};
  Steady::time_point plan_not_before_{};
  Instant checked_real_;
  Steady::time_point checked_steady_{};
  TroubleLog troubles_;

  std::thread thread_;
  std::thread planner_;
};

}  // namespace carbond
