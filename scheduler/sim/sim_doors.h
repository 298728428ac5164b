#pragma once
// A small working world behind the engine's doors, for tests and simulations:
// a clock that is moved by hand, a grid played from series, processes that do
// their work as the clock moves, a meter that multiplies. Single-threaded.

#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/ports.h"

namespace carbond {

class SimClock : public Clock {
 public:
  explicit SimClock(Instant now) : now_(now) {}
  Instant Now() const override { return now_; }
  void Set(Instant now) { now_ = now; }

 private:
  Instant now_;
};

// Plays what is given to it: a forecast is there from its issue on, an actual
// value when its slot has ended.
class SimGrid : public Grid {
 public:
  void AddForecast(Forecast forecast);  // in any order
  void SetActual(const std::string& zone, Series actual,
                 std::string signal = "sim");
  void SetDown(bool down) { down_ = down; }

  GridNews Poll(Instant now) override;
  std::optional<Instant> NextNews(Instant now) override;

 private:
  struct Actual {
    Series series;
    std::string signal;
    Instant told_until;
  };
  std::vector<Forecast> waiting_;  // by issue
  std::map<std::string, Actual> actual_;
  bool down_ = false;
};

// How a simulated process behaves.
struct SimBehaviour {
  Duration work = hours(1);  // useful work until it exits
  Duration restore{0};       // of a run that resumes
  Duration save{0};          // from the signal to the exit
  int exit_code = 0;
  bool ignores_signal = false;
  std::optional<Duration> crashes_after;  // of running time, once
  bool reports_progress = true;
};

class SimExecutor : public Executor {
 public:
  explicit SimExecutor(const Clock& clock) : clock_(clock) {}

  // Of jobs started from now on.
  void SetBehaviour(JobId job, SimBehaviour behaviour) {
    behaviours_[job] = behaviour;
  }
  // Each call of a door fails with this probability.
  void FailAtRandom(double probability, uint64_t seed) {
    failure_ = probability;
    random_.seed(seed);
  }
  // Refuses Check with this, for commands named so.
  void RefuseCommand(const std::string& command, Status status) {
    refused_[command] = std::move(status);
  }
  // The region holds starts in a queue of its own: each begins up to `longest`
  // after it may, and when there is room.
  void SetQueue(const Region& region, Duration longest, uint64_t seed) {
    queues_[region.name] = {region.capacity, longest};
    queue_random_.seed(seed);
  }
  // The supervisor of a process vanishes.
  void Lose(ProcessId id);

  Status Check(const JobSpec& spec, const std::string& region) override;
  Status Start(const StartOrder& order) override;
  Status Suspend(ProcessId id) override;
  Status Continue(ProcessId id) override;
  Status Checkpoint(ProcessId id, int attempt) override;
  Status Stop(ProcessId id) override;
  Status Recall(ProcessId id) override;
  std::vector<Sight> Observe(std::span<const ProcessId> ids) override;
  void Forget(ProcessId id) override;
  std::optional<Room> RoomIn(const std::string& region) override;
  Standing StandingOf(const JobSpec& spec) override;
  Status Withdraw(const JobSpec& spec) override;
  // Somebody else lets the job go from its region's queue, or ends it there.
  void LetGo(const std::string& entry, Instant at) { let_go_[entry] = at; }
  void EndEntry(const std::string& entry) { ended_entries_.insert(entry); }
  // Others have this of it.
  void SetRoom(const std::string& region, Room room) { rooms_[region] = room; }

  // What really runs now, for the eyes of a test.
  int Live(JobId job);
  Resources Used(const std::string& region);
  int Starts() const { return starts_; }
  // When something will end by itself, if anything will.
  std::optional<Instant> NextEnd() const;

 private:
  struct Queue {
    Resources capacity;
    Duration longest{0};
  };
  struct Process {
    ProcessId id;
    std::string region;
    Resources need;
    SimBehaviour behaviour;
    Duration* progress = nullptr;  // its job's, in progress_
    bool queued = false;
    Instant began;  // or, of what is queued, when it may
    Instant counted_until;
    Duration restore_left{0};
    bool suspended = false;
    std::optional<Instant> leaves_at;  // after a checkpoint signal
    std::optional<Instant> ended_at;
    int exit_code = 0;
    std::optional<int> signal;
    bool lost = false;
    int attempts = 0;
    std::optional<Instant> ends_at;  // its place in ends_
    bool never_began = false;        // its entry was ended where it stood
  };

  // Lets a process live up to the clock; null when there is none.
  Process* Find(ProcessId id);
  void Advance(Process& process);
  Instant EndOf(const Process& process) const;
  void NoteEnd(Process& process);
  void LeaveQueues();
  bool Fails();
  Status MaybeFail(const char* what);

  const Clock& clock_;
  std::map<JobId, SimBehaviour> behaviours_;
  std::map<ProcessId, Process> processes_;
  // When those end by themselves that run: nobody else need be looked at.
  std::set<std::pair<Instant, ProcessId>> ends_;
  std::map<JobId, Duration> saved_;     // work in checkpoints
  std::map<JobId, Duration> progress_;  // of the process under way
  std::map<std::string, Status> refused_;
  std::map<std::string, Queue> queues_;  // by region
  std::set<ProcessId> queued_;
  std::map<std::string, Room> rooms_;      // by region
  std::map<std::string, Instant> let_go_;  // by number of the entry
  std::set<std::string> ended_entries_;
  std::set<JobId> crashed_;
  double failure_ = 0;
  std::mt19937_64 random_;
  std::mt19937_64 queue_random_;
  int starts_ = 0;
};

// Declared power times time, rounded so that readings of a run add up.
class SimMeter : public Meter {
 public:
  Power Expected(const Resources& need, const std::string& region) override;
  Result<Measured> Read(const Job& job, const Run& run,
                        const Span& span) override;
};

}  // namespace carbond
