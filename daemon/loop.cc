#include "daemon/loop.h"

#include <pthread.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace carbond {
namespace {

using std::chrono::milliseconds;

// Of the time between two ticks or two plans, at most a fifth is spent on them.
constexpr int kRestPerWork = 4;
// Yet the world is looked at this often, however long a look takes.
constexpr milliseconds kLongestTickRest{1000};
// Jobs whose plans are adopted before commands are looked at again.
constexpr size_t kAdoptedAtOnce = 200;
// A difference between the machine's two clocks that is no mere adjustment.
constexpr Duration kClockJump{500};

size_t JobsIn(const Command& command) {
  const auto* submit = std::get_if<SubmitCommand>(&command);
  return submit == nullptr ? 1 : std::max<size_t>(1, submit->jobs.size());
}

Reply Refusal(Status why) {
  Reply reply;
  reply.status = std::move(why);
  return reply;
}

// Only this thread's, in Linux' reading of a "process".
void LowerOwnPriority() {
  if (setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), 10) != 0) {
    spdlog::debug("planning at the daemon's own priority: setpriority failed");
  }
}

}  // namespace

Loop::Loop(Engine& engine, const SystemClock& clock, Options options,
           OnFailure on_failure)
    : engine_(engine),
      clock_(clock),
      options_(options),
      on_failure_(std::move(on_failure)) {}

Loop::~Loop() { Stop(); }

void Loop::Start() {
  checked_real_ = SystemClock::RealNow();
  checked_steady_ = Steady::now();
  planner_ = std::thread([this] { RunPlanner(); });
  thread_ = std::thread([this] { Run(); });
}

void Loop::Stop() {
  {
    std::lock_guard lock(mutex_);
    mail_.stop = true;
  }
  posted_.notify_one();
  if (thread_.joinable()) thread_.join();
  {
    std::lock_guard lock(mutex_);
    planner_ends_ = true;
  }
  plan_ordered_.notify_one();
  if (planner_.joinable()) planner_.join();
  Mail never_started;
  RefuseAll(never_started, Trouble("carbond is stopping"));
}

// ---- Any thread ------------------------------------------------------------

void Loop::Post(Command command, Answer answer) {
  Status refusal;
  {
    std::lock_guard lock(mutex_);
    if (closed_) {
      refusal = *closed_;
    } else if (mail_.commands.size() >= options_.most_waiting) {
      refusal = Trouble("{} requests wait already: try again a little later",
                        mail_.commands.size());
    } else {
      mail_.commands.push_back(std::move(command));
      mail_.answers.push_back(std::move(answer));
    }
  }
  if (!refusal.ok()) return answer(Refusal(std::move(refusal)));
  posted_.notify_one();
}

void Loop::Inspect(Look look) {
  {
    std::lock_guard lock(mutex_);
    if (!closed_) {
      mail_.looks.push_back(std::move(look));
      look = nullptr;
    }
  }
  if (look) return look(nullptr);
  posted_.notify_one();
}

void Loop::Wake() {
  {
    std::lock_guard lock(mutex_);
    mail_.wake = true;
  }
  posted_.notify_one();
}

// ---- The engine's thread ---------------------------------------------------

void Loop::Run() {
  pthread_setname_np(pthread_self(), "engine");
  for (;;) {
    Mail mail = Collect();
    NoticeClockJump();
    if (Status status = Handle(mail); !status.ok()) return Fail(status, mail);
    if (mail.stop) return RefuseAll(mail, Trouble("carbond is stopping"));
  }
}

Loop::Mail Loop::Collect() {
  Steady::time_point due = NextDue();
  std::unique_lock lock(mutex_);
  posted_.wait_until(lock, due, [this] { return !mail_.empty(); });
  Mail mail = std::exchange(mail_, Mail{});
  // What was posted before the stop is still answered; nothing comes after it.
  if (mail.stop) closed_ = Trouble("carbond is stopping");
  return mail;
}

Loop::Steady::time_point Loop::NextDue() const {
  Steady::time_point now = Steady::now();
  Steady::time_point due = now + options_.longest_wait;
  if (tick_wanted_) {
    due = std::min(due, tick_not_before_);
  } else {
    Duration until = clock_.ToReal(next_wake_) - SystemClock::RealNow();
    until = std::clamp(until, Duration(0), Duration(options_.longest_wait));
    due = std::min(due, std::max(now + until, tick_not_before_));
  }
  if (adopting_) due = now;
  if (plan_wanted_ && !planning_) due = std::min(due, plan_not_before_);
  return due;
}

// The engine's wakes are instants of the machine's calendar, the waiting is
// not: when the calendar is set, what is due may have moved either way.
void Loop::NoticeClockJump() {
  Instant real = SystemClock::RealNow();
  Steady::time_point steady = Steady::now();
  Duration jump = (real - checked_real_) - std::chrono::duration_cast<Duration>(
                                               steady - checked_steady_);
  checked_real_ = real;
  checked_steady_ = steady;
  if (jump < -kClockJump || jump > kClockJump) {
    spdlog::warn("the machine's clock was set {} by {}",
                 jump > Duration(0) ? "forward" : "back",
                 FormatDuration(std::chrono::abs(jump)));
    tick_wanted_ = true;
  }
}

Status Loop::Handle(Mail& mail) {
  CARBOND_RETURN_IF_ERROR(ExecuteAll(mail));
  for (Look& look : mail.looks) look(&engine_);
  mail.looks.clear();
  if (mail.plan) adopting_ = std::move(mail.plan);
  if (adopting_) CARBOND_RETURN_IF_ERROR(AdoptSome());
  tick_wanted_ |= mail.wake;
  if (mail.stop) return Ok();
  CARBOND_RETURN_IF_ERROR(TickIfDue());
  PlanIfDue();
  return Ok();
}

// Usually one transaction; more only when more waits than one should hold.
Status Loop::ExecuteAll(Mail& mail) {
  size_t begin = 0;
  while (begin < mail.commands.size()) {
    size_t end = begin;
    size_t jobs = 0;
    do {
      jobs += JobsIn(mail.commands[end++]);
    } while (end < mail.commands.size() && jobs + JobsIn(mail.commands[end]) <=
                                               options_.most_per_transaction);

    std::span<Command> together(&mail.commands[begin], end - begin);
    Result<std::vector<Reply>> replies = engine_.Execute(together);
    CARBOND_RETURN_IF_ERROR(replies.status());
    CARBOND_INVARIANT(replies->size() == together.size(),
                      "{} replies to {} commands", replies->size(),
                      together.size());
    for (size_t i = begin; i < end; ++i) {
      std::exchange(mail.answers[i], nullptr)(std::move((*replies)[i - begin]));
    }
    begin = end;
    tick_wanted_ = plan_wanted_ = true;
  }
  return Ok();
}

Status Loop::TickIfDue() {
  Steady::time_point began = Steady::now();
  bool due = tick_wanted_ || next_wake_ <= clock_.Now();
  // Half a plan is none: its jobs could start where others are to go.
  if (!due || adopting_ || began < tick_not_before_) return Ok();
  Status status = engine_.Tick();
  troubles_.Log(engine_.TakeTroubles());
  CARBOND_RETURN_IF_ERROR(status);
  tick_wanted_ = false;
  plan_wanted_ = true;
  // Asked once and kept: the engine goes through all live jobs for it.
  next_wake_ = engine_.NextWake();
  Steady::time_point ended = Steady::now();
  tick_not_before_ = ended + std::clamp<Steady::duration>(
                                 kRestPerWork * (ended - began),
                                 options_.least_rest, kLongestTickRest);
  return Ok();
}

// TakePlanRequest is asked only when a plan could be made: it gathers all jobs.
void Loop::PlanIfDue() {
  Steady::time_point now = Steady::now();
  if (planning_ || !plan_wanted_ || now < plan_not_before_) return;
  plan_wanted_ = false;
  std::optional<PlanInput> input = engine_.TakePlanRequest();
  if (!input) return;
  next_wake_ = engine_.NextWake();  // has moved with the plan's end
  planning_ = true;
  plan_began_ = now;
  {
    std::lock_guard lock(mutex_);
    order_ = std::move(input);
  }
  plan_ordered_.notify_one();
}

// The last jobs of a plan first, since they are cheapest to take off its end.
Status Loop::AdoptSome() {
  std::vector<JobPlan>& left = adopting_->jobs;
  size_t count = std::min(left.size(), kAdoptedAtOnce);
  Plan some;
  some.made_at = adopting_->made_at;
  some.jobs.assign(std::make_move_iterator(left.end() - count),
                   std::make_move_iterator(left.end()));
  left.resize(left.size() - count);
  CARBOND_RETURN_IF_ERROR(engine_.Adopt(some));
  if (!left.empty()) return Ok();
  adopting_.reset();
  planning_ = false;
  plan_wanted_ = true;  // what has changed in the meantime
  tick_wanted_ = true;  // which acts on it
  Steady::time_point now = Steady::now();
  plan_not_before_ = now + kRestPerWork * (now - plan_began_);
  return Ok();
}

void Loop::Fail(const Status& status, Mail& mail) {
  spdlog::critical(
      "the ledger cannot be written: {}; carbond stops, running "
      "jobs go on",
      Message(status));
  Status why = Trouble("carbond stops, its ledger cannot be written: {}",
                       Message(status));
  RefuseAll(mail, why);
  on_failure_(status);
}

// Closes the mailbox and answers what was in it.
void Loop::RefuseAll(Mail& mail, const Status& why) {
  Mail late;
  {
    std::lock_guard lock(mutex_);
    if (!closed_) closed_ = why;
    late = std::exchange(mail_, Mail{});
  }
  for (Mail* each : {&mail, &late}) {
    for (Answer& answer : each->answers) {
      if (answer) answer(Refusal(why));
    }
    for (Look& look : each->looks) {
      if (look) look(nullptr);
    }
    each->answers.clear();
    each->looks.clear();
  }
}

// ---- The planner's thread --------------------------------------------------

void Loop::RunPlanner() {
  pthread_setname_np(pthread_self(), "planner");
  LowerOwnPriority();
  Planner planner;
  for (;;) {
    std::optional<PlanInput> input;
    {
      std::unique_lock lock(mutex_);
      plan_ordered_.wait(lock, [this] { return order_ || planner_ends_; });
      if (planner_ends_) return;
      input = std::exchange(order_, std::nullopt);
    }
    Plan plan = planner.Make(*input);
    {
      std::lock_guard lock(mutex_);
      mail_.plan = std::move(plan);
    }
    posted_.notify_one();
  }
}

}  // namespace carbond
