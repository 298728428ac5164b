#pragma once
// One Slurm cluster, through its own commands, and the runs it holds for us.
// All that may take long (Slurm's commands, files on shared storage) happens on
// a thread of its own; the engine's thread hands errands in and finds sights.
//
// How a run is neither lost nor doubled: its directory with a `submission`
// record is on disk before Slurm is asked; the name in it stays, whatever
// number Slurm gives; what Slurm lost is submitted again under that name, which
// it runs one at a time (singleton); and only the runner that creates `started`
// in the directory runs the job. Orders are written to the directory and not
// sent through Slurm, so that pauses hold while its controller is down.
//
// A job that its user sent to Slurm has a directory too once it is let go, with
// its number and time of submission in place of a name, and no runner: Slurm's
// queue alone tells of it, and is held against what is wanted at every reading.

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "daemon/clock.h"
#include "daemon/energy_board.h"
#include "daemon/exec/files_as.h"
#include "daemon/exec/meter_of.h"
#include "daemon/exec/slurm/adoption.h"
#include "daemon/exec/slurm/commands.h"
#include "daemon/exec/slurm/entry_judge.h"
#include "daemon/exec/slurm/judge.h"
#include "daemon/exec/slurm/program.h"
#include "daemon/exec/slurm/room.h"
#include "daemon/exec/slurm/run_as.h"

namespace carbond {

struct SlurmOptions {
  std::string shared_dir;  // seen by all nodes under the same path
  std::string runner;      // path of carbon-runner; likewise
  std::string instance;    // tells this ledger's jobs from another's
  std::string user;        // whose jobs they are
  int grace_ms = 10000;    // between TERM and KILL
  SlurmPatience patience;
  Duration poll = seconds(5);    // of the queue, while there is something in it
  Duration census = minutes(1);  // of nodes, other people's jobs, reservations
  Duration energy =
      seconds(10);  // of what runs drew; as often as it is written
  Duration command_limit = seconds(10);
  Environment environment;       // of Slurm's commands, and so of the jobs
  RunMeter meter_of = {};        // what measures each run
  EnergyBoard* board = nullptr;  // outlives the executor
  // Runs belong to who submitted their jobs; nothing: to `user`.
  std::optional<RunAsPolicy> run_as = {};
};

class SlurmCluster {
 public:
  // A job was found that is held for carbond; the answer says what came of it.
  // Called on the cluster's thread.
  using OnHeld =
      std::function<void(const HeldJob&, std::function<void(Reply)> answer)>;

  // `conf`: slurm.conf, or empty for the system's. `places`: by region. `wake`
  // is called from the cluster's thread when a sight or a room has changed.
  SlurmCluster(SlurmOptions options, std::string conf,
               std::map<std::string, SlurmPlace> places,
               std::function<void()> wake, OnHeld on_held = {});
  ~SlurmCluster();  // what runs, runs on

  // Hands over; what becomes of it is seen.
  void Start(const StartOrder& order, const SlurmPlace& place,
             const SlurmTimes& times);
  // What is wanted of a run from now on.
  using Change = std::function<void(Orders&)>;
  void Want(ProcessId id, Change change);
  // kUnknown until it was looked at; kAbsent also for another cluster's runs.
  Sight Look(ProcessId id);
  void Forget(ProcessId id);
  // By the machine's clock. Nothing until it was looked at.
  std::optional<Room> RoomIn(const std::string& region);
  // Of jobs that wait there; looked at with every reading from then on.
  Standing StandingOf(const QueueEntry& entry);
  void Withdraw(const QueueEntry& entry);

 private:
  static constexpr char kSubmissionFile[] = "submission";
  static constexpr char kSbatchFile[] = "sbatch";
  static constexpr char kSeenFile[] = "seen";

  // What was asked of the thread and not done yet.
  struct Errand {
    std::optional<StartOrder> start;
    SlurmPlace place;
    SlurmTimes times;
    std::vector<Change> changes;
    bool forget = false;
    bool was_held = false;
  };
  // The thread's own memory of a run.
  struct Held {
    explicit Held(const std::string& directory);
    void HandTo(UnixUser user);
    std::string dir;
    // The folder that its runner writes to: `dir`, or of another user's run the
    // one below it that is his.
    std::string work;
    std::optional<UnixUser> user;  // whose it is, if not carbond's own
    RunFacts facts;
    std::vector<std::string> sbatch;  // its arguments, as they stand on disk
    bool read = false;                // what stood there when it was first seen
    ProgressReader progress;
    std::optional<Duration> asked_at;  // of the steady clock, as below
    Duration heartbeat_changed{0};
    Duration exit_seen{0};
    std::optional<Duration> over_since;
    std::optional<Duration> retry_at;
    std::optional<Duration> cancelled_at;  // the queue that showed it then
    bool final = false;  // ended or lost: it cannot change again
    std::string told;    // the last thing logged of it
    Duration next_energy{0};
    bool suspended_by_energy = false;  // when that was last read

    // Of one that its user sent to Slurm.
    bool is_entry() const { return !entry.number.empty(); }
    QueueEntry entry;
    std::optional<Instant> begin;  // when it is let go, by Slurm's clock
    bool let_go = false;
    std::optional<Instant> began;
    Instant seen_at;
    std::optional<Duration> acted_at;
    bool was_held = false;  // until it was handed over
  };
  // One that waits for its hour.
  struct Watched {
    QueueEntry entry;
    Standing standing;
    std::optional<Duration> held_at = {};  // when it was last seen to be held
    bool withdraw = false;
    bool asked = false;  // by a question that was answered, or is to be
  };
  // One that was handed over to be adopted.
  struct Asked {
    std::string number;
    std::string remark;
    std::optional<Reply> reply;
    bool told = false;
  };

  static Duration Now() { return SystemClock::SinceBoot(); }
  void Run();

  // cluster_acts.cc
  void Do(ProcessId id, Errand& errand);
  Status Prepare(ProcessId id, Held& held, const Errand& errand);
  Result<Submission> PrepareRunner(ProcessId id, const Held& held,
                                   const Errand& errand);
  void Submit(ProcessId id, Held& held);
  void Order(ProcessId id, Held& held, Orders orders);
  void Cancel(ProcessId id, const Held& held, const Orders& orders);
  void Remove(ProcessId id, const Held& held);
  Result<ProgramEnd> Call(const std::string& program,
                          const std::vector<std::string>& arguments) const;

  // cluster_users.cc: runs of other users
  Status FindOwner(ProcessId id, Held& held, const JobSpec& spec);
  Status ReadOwner(Held& held, const TextRecord& submission);
  Status MakeFolders(ProcessId id, const Held& held);
  Result<std::optional<FilesAs>> AsOwner(const Held& held) const;
  Result<ProgramEnd> CallFor(const Held& held, const std::string& program,
                             const std::vector<std::string>& arguments);
  std::vector<std::string> Owners() const;  // as squeue takes them
  int64_t OwnerOf(const std::string& name) const;
  bool RemoveWork(ProcessId id, const Held& held);

  // cluster_rooms.cc
  void ReadQueue();
  bool ReadRooms();   // has any changed?
  bool CloseRooms();  // those of a cluster that does not answer
  Resources OwnRunning() const;
  std::optional<Room> ReadRoom(
      const std::string& region, const SlurmPlace& place,
      const std::vector<SlurmReservation>& reservations);
  std::optional<std::vector<SlurmReservation>> ReadReservations();
  std::optional<std::string> Ask(const std::string& program,
                                 const std::vector<std::string>& arguments);

  // cluster_entries.cc
  bool Unwatch(const QueueEntry& entry);  // while mutex_ is held; was it held?
  Status PrepareEntry(ProcessId id, Held& held, const Errand& errand);
  Status ReadEntryFirst(Held& held, const TextRecord& submission);
  void KeepSeen(ProcessId id, Held& held);
  std::vector<std::string> EntryNumbers();
  bool ReadEntries();  // has any standing changed?
  std::optional<SlurmEntry> RowOf(const QueueEntry& entry) const;
  bool LookAtWatched();
  Sight LookAtEntry(ProcessId id, Held& held);
  void Act(Held& held, EntryVerdict::Next next);
  bool Control(const std::string& number, const std::string& program,
               const std::vector<std::string>& arguments);
  bool KnowCluster();
  bool IsOurs(const SlurmEntry& entry);
  void ReadHeld(const std::string& region, const std::string& partition);
  void HandOver(HeldJob job, int tasks);
  void TellAnswers();
  void TellAdopted(const std::string& base, const std::vector<Asked>& adopted);
  void TellRefused(const std::string& number, const Asked& refused);

  // cluster.cc: what is seen of runs
  bool MayAsk() const { return Now() >= quiet_until_; }
  bool WantsQueue() const;
  bool WantsEntries();
  Status ReadFirst(Held& held);
  Status ReadDirectory(Held& held);
  void ReadEnergy(ProcessId id, Held& held);
  void ReadRow(ProcessId id, Held& held);
  Sight LookAt(ProcessId id, Held& held);
  bool LookAtAll();  // has any sight changed?
  void Say(ProcessId id, Held& held, const Sight& sight);
  std::string NameOf(ProcessId id) const;
  std::string DirOf(ProcessId id) const;

  // Fixed after construction
  const SlurmOptions options_;
  const std::string conf_;
  const std::map<std::string, SlurmPlace> places_;
  Environment environment_;
  const std::function<void()> wake_;
  const OnHeld hand_in_;

  // Only the cluster's thread
  std::map<ProcessId, Held> held_;
  std::map<std::string, SlurmJob> queue_;  // by name, as last read
  std::optional<Duration> queue_at_;       // when it was asked for
  Duration next_queue_{0};
  Duration next_rooms_{0};
  std::optional<Duration> rooms_at_;  // when they were last all answered
  bool rooms_closed_ = false;
  Duration next_closing_{0};
  std::map<std::string, Resources> own_;  // in use by carbond's, by region
  Duration unreachable_until_{0};         // nothing is submitted before
  std::string trouble_;      // why Slurm does not answer; empty: it does
  Duration quiet_until_{0};  // nothing is asked before, since it did not answer
  std::map<uid_t, Duration>
      hung_until_;  // no command of theirs is begun before
  std::map<std::string, SlurmEntry> entries_;  // by number, as last read
  std::optional<Duration> entries_at_;
  Duration next_entries_{0};
  std::string cluster_;  // its name; empty until it is asked for
  std::map<std::string, std::string> complaints_;  // told, by Slurm's number

  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_
  std::map<ProcessId, Errand> errands_;
  std::map<ProcessId, Sight> sights_;
  // Until when it is believed that a job of a user's own still runs: Slurm alone
  // knows, and what it is said to draw after its end is no energy of its.
  std::map<ProcessId, Duration> runs_until_;
  std::map<std::string, Room> rooms_;
  std::map<std::string, Watched> watched_;  // by number and time
  std::map<std::string, Asked> asked_;      // likewise
  bool look_soon_ = false;
  std::atomic<bool> stopping_ = false;

  std::thread thread_;
};

}  // namespace carbond
