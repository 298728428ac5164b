#include "daemon/exec/slurm/cluster.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "daemon/clock.h"
#include "daemon/exec/directory.h"
#include "daemon/exec/run_paths.h"
#include "daemon/exec/runner_options.h"

namespace carbond {
namespace {

constexpr char kSubmissionFile[] = "submission";
constexpr char kSbatchFile[] = "sbatch";
constexpr char kScriptFile[] = "script";
constexpr char kScript[] = "#!/bin/sh\nexec \"$@\"\n";
// Between two attempts to hand the same run to a cluster that does not answer.
constexpr Duration kRetry = seconds(15);

Status Written(int error, const std::string& dir, const char* file) {
  if (error == 0) return Ok();
  return Trouble("cannot write {}/{}: {}", dir, file, std::strerror(error));
}

Duration Now() { return SystemClock::SinceBoot(); }

bool SameSight(const Sight& a, const Sight& b) {
  return a.what == b.what && a.ready == b.ready && a.fraction == b.fraction &&
         a.checkpoint == b.checkpoint;
}

}  // namespace

SlurmCluster::Held::Held(const std::string& directory)
    : dir(directory), progress(directory + '/' + kProgressFile) {}

SlurmCluster::SlurmCluster(SlurmOptions options, std::string conf,
                           std::map<std::string, SlurmPlace> places,
                           std::function<void()> wake)
    : options_(std::move(options)),
      conf_(std::move(conf)),
      places_(std::move(places)),
      environment_(options_.environment),
      wake_(std::move(wake)) {
  if (!conf_.empty()) environment_["SLURM_CONF"] = conf_;
  thread_ = std::thread([this] { Run(); });
}

SlurmCluster::~SlurmCluster() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

// ---- For the engine's thread ------------------------------------------------

void SlurmCluster::Start(const StartOrder& order, const SlurmPlace& place,
                         const SlurmTimes& times) {
  const std::lock_guard lock(mutex_);
  Errand& errand = errands_[order.id];
  errand.start = order;
  errand.place = place;
  errand.times = times;
  // Not absent any more, or the engine would ask again at once.
  sights_[order.id].what = Sight::What::kStarting;
  changed_.notify_all();
}

void SlurmCluster::Want(ProcessId id, Change change) {
  const std::lock_guard lock(mutex_);
  errands_[id].changes.push_back(std::move(change));
  changed_.notify_all();
}

Sight SlurmCluster::Look(ProcessId id) {
  const std::lock_guard lock(mutex_);
  const auto [found, is_new] = sights_.try_emplace(id);  // kUnknown
  if (is_new) {
    errands_[id];
    changed_.notify_all();
  }
  return found->second;
}

void SlurmCluster::Forget(ProcessId id) {
  const std::lock_guard lock(mutex_);
  sights_.erase(id);
  errands_[id].forget = true;
  changed_.notify_all();
}

std::optional<Room> SlurmCluster::RoomIn(const std::string& region) {
  const std::lock_guard lock(mutex_);
  const auto room = rooms_.find(region);
  if (room == rooms_.end()) return std::nullopt;
  return room->second;
}

// ---- The cluster's thread ---------------------------------------------------

std::string SlurmCluster::NameOf(ProcessId id) const {
  return fmt::format("carbond.{}.{}.{}", options_.instance, Number(id.job),
                     id.process);
}

std::string SlurmCluster::DirOf(ProcessId id) const {
  return fmt::format("{}/slurm/{}.{}", options_.shared_dir, Number(id.job),
                     id.process);
}

void SlurmCluster::Run() {
  // Half a heartbeat: an end is seen soon, and storage is not worn out.
  const auto pause =
      std::chrono::milliseconds(options_.patience.heartbeat.count() / 2);
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    std::map<ProcessId, Errand> errands;
    errands.swap(errands_);
    lock.unlock();
    for (auto& [id, errand] : errands) Do(id, errand);
    if (WantsQueue()) ReadQueue();
    const bool rooms_changed = Now() >= next_rooms_ && ReadRooms();
    if (LookAtAll() || rooms_changed) wake_();
    lock.lock();
    std::chrono::milliseconds wait(
        std::max<int64_t>(0, (next_rooms_ - Now()).count()));
    if (!held_.empty()) wait = std::min(wait, pause);
    changed_.wait_for(lock, wait,
                      [&] { return stopping_ || !errands_.empty(); });
  }
}

void SlurmCluster::Do(ProcessId id, Errand& errand) {
  Held& held = held_.try_emplace(id, DirOf(id)).first->second;
  if (errand.forget) {
    Remove(id, held);
    held_.erase(id);
    return;
  }
  if (const Status read = ReadFirst(held); !read.ok()) {
    // Handed in again by the engine, which is told that nothing is known.
    spdlog::warn("job {} run {}: {}", Number(id.job), id.process,
                 Message(read));
    return;
  }
  if (errand.start && !held.facts.submitted) {
    if (const Status made = Prepare(id, held, errand); !made.ok()) {
      spdlog::error("job {} run {}: {}", Number(id.job), id.process,
                    Message(made));
      return;
    }
    Submit(id, held);
  }
  if (errand.changes.empty()) return;
  Orders orders = held.facts.orders;
  for (const Change& change : errand.changes) change(orders);
  Order(id, held, orders);
}

// Everything a node needs, and last of all the record that Slurm is asked.
Status SlurmCluster::Prepare(ProcessId id, Held& held, const Errand& errand) {
  const StartOrder& order = *errand.start;
  const std::string& shared = options_.shared_dir;
  const std::string checkpoints = CheckpointDir(shared, id.job);
  CARBOND_RETURN_IF_ERROR(MakeDirectory(held.dir, 0700));
  CARBOND_RETURN_IF_ERROR(MakeJobDirectories(shared, id.job));

  RunnerOptions runner;
  runner.dir = held.dir;
  runner.workdir = order.spec.workdir;
  runner.out = LogPath(shared, id, LogStream::kOut);
  runner.err = LogPath(shared, id, LogStream::kErr);
  runner.grace_ms = options_.grace_ms;
  runner.heartbeat_ms = static_cast<int>(options_.patience.heartbeat.count());
  runner.lease_ms = static_cast<int>(options_.patience.lease().count());
  if (order.spec.pause == PauseMode::kCheckpoint) {
    CARBOND_ASSIGN_OR_RETURN(runner.checkpoint_signal,
                             SignalNumber(order.spec.checkpoint_signal));
    runner.on_pause = order.spec.on_pause;
  }
  if (order.resume) runner.on_resume = order.spec.on_resume;
  runner.command = order.spec.command;
  const auto texts = [&](const char* file,
                         const std::vector<std::string>& all) {
    return Written(WriteTexts(held.dir, file, all), held.dir, file);
  };
  CARBOND_RETURN_IF_ERROR(texts(kOptionsFile, FormatRunnerOptions(runner)));

  std::vector<std::string> environment;
  const RunPaths paths{checkpoints, held.dir + '/' + kProgressFile};
  // Devices are Slurm's to give.
  for (const auto& [name, value] : JobEnvironment({}, order, paths, false)) {
    environment.push_back(name + '=' + value);
  }
  CARBOND_RETURN_IF_ERROR(texts(kEnvironmentFile, environment));

  Submission submission;
  submission.name = NameOf(id);
  submission.comment =
      order.spec.name.empty()
          ? fmt::format("carbond job {}", Number(id.job))
          : fmt::format("carbond job {}: {}", Number(id.job), order.spec.name);
  submission.script = held.dir + '/' + kScriptFile;
  submission.arguments = {options_.runner, "--run", held.dir};
  submission.log = held.dir + '/' + kRunnerLogFile;
  submission.allotment = order.allotment;
  submission.times = errand.times;
  CARBOND_RETURN_IF_ERROR(Written(WriteText(held.dir, kScriptFile, kScript),
                                  held.dir, kScriptFile));
  held.sbatch = SbatchArguments(errand.place, submission);
  CARBOND_RETURN_IF_ERROR(texts(kSbatchFile, held.sbatch));
  CARBOND_RETURN_IF_ERROR(
      Written(WriteRecord(held.dir, kSubmissionFile,
                          {{"conf", conf_}, {"name", submission.name}}),
              held.dir, kSubmissionFile));
  held.facts.submitted = true;
  return Ok();
}

// Whatever goes wrong here, Slurm may have taken it: only its queue will tell.
void SlurmCluster::Submit(ProcessId id, Held& held) {
  held.facts.answered = false;
  held.facts.row.reset();
  held.over_since.reset();
  held.retry_at = Now() + kRetry;
  const Result<ProgramEnd> end = Call("sbatch", held.sbatch);
  held.asked_at = Now();
  if (end.ok() && end->code == 0) {
    held.facts.answered = true;
    const std::string number =
        end->out.substr(0, end->out.find_first_of(";\n"));
    spdlog::info("handed to Slurm job={} run={} slurm_job={} name={}",
                 Number(id.job), id.process, number, NameOf(id));
  } else if (end.ok() && end->code && IsRefusal(end->err)) {
    held.facts.refusal = "sbatch: " + LastComplaint(end->err);
  } else {
    spdlog::warn("job {} run {}: sbatch gave no answer: {}", Number(id.job),
                 id.process,
                 !end.ok()        ? Message(end.status())
                 : end->timed_out ? "its time was over"
                                  : LastComplaint(end->err));
  }
}

void SlurmCluster::Order(ProcessId id, Held& held, Orders orders) {
  if (orders == held.facts.orders || !held.facts.submitted) return;
  if (const int error = WriteOrders(held.dir, orders)) {
    spdlog::warn("job {} run {}: cannot write {}/{}: {}", Number(id.job),
                 id.process, held.dir, kOrdersFile, std::strerror(error));
    return;  // asked for again
  }
  held.facts.orders = orders;
  // What only waits in the queue has no runner yet that would read them.
  if (!held.facts.started) Cancel(id, orders);
}

// Nothing, unless the orders say so.
void SlurmCluster::Cancel(ProcessId id, const Orders& orders) {
  const bool whatever = orders.stop || orders.abandon;
  if (!whatever && !orders.recall) return;
  const auto end =
      Call("scancel", whatever ? ScancelArguments(options_.user, NameOf(id))
                               : RecallArguments(options_.user, NameOf(id)));
  if (end.ok() && end->code == 0) return;
  spdlog::warn("job {} run {}: scancel: {}", Number(id.job), id.process,
               !end.ok()        ? Message(end.status())
               : end->timed_out ? "no answer"
                                : LastComplaint(end->err));
}

void SlurmCluster::Remove(ProcessId id, const Held& held) {
  std::error_code error;
  std::filesystem::remove_all(held.dir, error);
  if (!error) return;
  spdlog::warn("job {} run {}: cannot remove {}: {}", Number(id.job),
               id.process, held.dir, error.message());
}

// ---- Looking ----------------------------------------------------------------

bool SlurmCluster::WantsQueue() const {
  const bool any = std::ranges::any_of(held_, [](const auto& each) {
    return each.second.facts.submitted && !each.second.final;
  });
  return any && Now() >= next_queue_;
}

// Nothing when there was no answer, which changes nothing of what is known.
std::optional<std::string> SlurmCluster::Ask(
    const std::string& program, const std::vector<std::string>& arguments) {
  Environment environment = environment_;
  environment["SLURM_TIME_FORMAT"] = "%s";
  const auto end =
      RunProgram(program, arguments, environment, options_.command_limit);
  std::string trouble;
  if (!end.ok()) {
    trouble = Message(end.status());
  } else if (end->code != 0) {
    trouble = end->timed_out ? program + " gave no answer"
                             : program + ": " + LastComplaint(end->err);
  }
  const std::string cluster = conf_.empty() ? "Slurm" : "Slurm of " + conf_;
  if (!trouble.empty() && trouble_.empty()) {
    spdlog::warn("{} does not answer: {}", cluster, trouble);
  } else if (trouble.empty() && !trouble_.empty()) {
    spdlog::info("{} answers again", cluster);
  }
  trouble_ = std::move(trouble);
  if (!trouble_.empty()) return std::nullopt;
  return std::move(end->out);
}

// One question for all runs, however many.
void SlurmCluster::ReadQueue() {
  const Duration asked = Now();
  const auto text = Ask("squeue", SqueueArguments(options_.user));
  next_queue_ = Now() + options_.poll;
  if (!text) return;
  queue_at_ = asked;
  queue_.clear();
  for (SlurmJob& job : ParseSqueue(*text)) {
    const auto [at, is_new] = queue_.try_emplace(job.name, job);
    // A name may stand there twice: what is over says less than what is not,
    // and of two that are over the later one is read later.
    if (!is_new && (StageOf(at->second) == SlurmStage::kOver ||
                    StageOf(job) == SlurmStage::kActive)) {
      at->second = std::move(job);
    }
  }
}

bool SlurmCluster::ReadRooms() {
  const auto reservations = ReadReservations();
  bool changed = false;
  for (const auto& [region, place] : places_) {
    if (!reservations) break;
    std::optional<Room> room = ReadRoom(place, *reservations);
    if (!room) continue;
    const std::lock_guard lock(mutex_);
    Room& known = rooms_[region];
    changed = changed || known != *room;
    known = *std::move(room);
  }
  next_rooms_ = Now() + options_.census;
  return changed;
}

std::optional<Room> SlurmCluster::ReadRoom(
    const SlurmPlace& place,
    const std::vector<SlurmReservation>& reservations) {
  SlurmCensus census;
  census.reservations = reservations;
  const auto nodes = Ask("sinfo", SinfoArguments(place));
  if (!nodes) return std::nullopt;
  std::string partition;
  census.nodes = ParseSinfo(*nodes, place, &partition);
  // Not there: what is handed to it will be refused, and told.
  if (census.nodes.empty()) return std::nullopt;
  const auto uses = Ask("squeue", UseArguments(partition));
  if (!uses) return std::nullopt;
  census.uses = ParseUse(*uses);
  return MakeRoom(census, place, "carbond." + options_.instance + '.',
                  SystemClock::RealNow());
}

std::optional<std::vector<SlurmReservation>> SlurmCluster::ReadReservations() {
  const auto text = Ask("scontrol", ReservationArguments());
  if (!text) return std::nullopt;
  std::vector<SlurmReservation> reservations = ParseReservations(*text);
  for (SlurmReservation& reservation : reservations) {
    const auto names =
        Ask("scontrol", {"show", "hostnames", reservation.nodes});
    if (!names) return std::nullopt;
    reservation.names = ParseHostnames(*names);
  }
  return reservations;
}

// What an earlier daemon left.
Status SlurmCluster::ReadFirst(Held& held) {
  if (held.read) return Ok();
  const auto trouble = [&](const char* file, int error) {
    return Trouble("cannot read {}/{}: {}", held.dir, file,
                   std::strerror(error));
  };
  const auto submission = ReadRecord(held.dir, kSubmissionFile);
  if (submission.error != 0) return trouble(kSubmissionFile, submission.error);
  if (submission.value) {
    const auto conf = submission.value->find("conf");
    if (conf == submission.value->end() || conf->second == conf_) {
      auto sbatch = ReadTexts(held.dir, kSbatchFile);
      if (!sbatch.value) return trouble(kSbatchFile, sbatch.error);
      const auto orders = ReadOrders(held.dir);
      if (orders.error != 0) return trouble(kOrdersFile, orders.error);
      held.sbatch = std::move(*sbatch.value);
      held.facts.orders = orders.value.value_or(Orders());
      held.facts.submitted = true;
      held.asked_at = Now();  // at the latest
    }
  }
  held.heartbeat_changed = Now();
  held.read = true;
  return Ok();
}

Status SlurmCluster::ReadDirectory(Held& held) {
  const auto trouble = [&](int error) {
    return Trouble("{}: {}", held.dir, std::strerror(error));
  };
  RunFacts& facts = held.facts;
  if (!facts.started) {
    auto started = ReadStarted(held.dir);
    if (started.error != 0) return trouble(started.error);
    if (!started.value) return Ok();
    facts.started = std::move(started.value);
    held.heartbeat_changed = Now();
  }
  if (!facts.job || facts.job->before) {
    auto job = ReadJob(held.dir);
    if (job.error != 0) return trouble(job.error);
    if (job.value) facts.job = std::move(job.value);
  }
  const auto suspended = IsSuspended(held.dir);
  if (suspended.error != 0) return trouble(suspended.error);
  facts.suspended = *suspended.value;
  const auto heartbeat = ReadHeartbeat(held.dir);
  if (heartbeat.error != 0) return trouble(heartbeat.error);
  if (heartbeat.value != facts.heartbeat_ms) {
    facts.heartbeat_ms = heartbeat.value;
    held.heartbeat_changed = Now();
  }
  facts.silent = Now() - held.heartbeat_changed;
  facts.progress = held.progress.Look();
  // Last: its end is written after all else.
  auto exit = ReadExit(held.dir);
  if (exit.error != 0) return trouble(exit.error);
  if (exit.value && !facts.exit) held.exit_seen = Now();
  facts.exit = std::move(exit.value);
  if (facts.exit) facts.exit_for = Now() - held.exit_seen;
  return Ok();
}

void SlurmCluster::ReadRow(ProcessId id, Held& held) {
  RunFacts& facts = held.facts;
  facts.queue_known = queue_at_ && held.asked_at && *queue_at_ > *held.asked_at;
  if (!facts.queue_known) return;
  facts.since_asked = *queue_at_ - *held.asked_at;
  facts.row.reset();
  if (const auto row = queue_.find(NameOf(id)); row != queue_.end()) {
    facts.row = row->second;
  }
  if (!facts.row || StageOf(*facts.row) != SlurmStage::kOver) {
    held.over_since.reset();
  } else if (!held.over_since) {
    held.over_since = Now();
  }
  facts.over_for = held.over_since ? Now() - *held.over_since : Duration(0);
}

Sight SlurmCluster::LookAt(ProcessId id, Held& held) {
  Sight unknown;
  if (const Status read = ReadFirst(held); !read.ok()) {
    unknown.detail = Message(read);
    return unknown;
  }
  if (!held.facts.submitted) {  // or by another cluster than this
    unknown.what = Sight::What::kAbsent;
    return unknown;
  }
  if (const Status read = ReadDirectory(held); !read.ok()) {
    unknown.detail = Message(read);
    return unknown;
  }
  ReadRow(id, held);
  RunVerdict verdict = Judge(held.facts, options_.patience);
  if (verdict.next == RunVerdict::Next::kSubmit &&
      (!held.retry_at || Now() >= *held.retry_at)) {
    Submit(id, held);
  }
  if (verdict.next == RunVerdict::Next::kAbandon) {
    Orders orders = held.facts.orders;
    orders.abandon = true;
    Order(id, held, orders);
    // Another run may follow only once this one is told to stay away.
    if (!held.facts.orders.abandon) return unknown;
    Cancel(id, held.facts.orders);
  }
  // A stop of what still waits may have been overheard; asked for once per
  // reading of the queue.
  if (!held.facts.started && held.facts.row &&
      StageOf(*held.facts.row) != SlurmStage::kOver &&
      held.cancelled_at != queue_at_) {
    held.cancelled_at = queue_at_;
    Cancel(id, held.facts.orders);
  }
  using What = Sight::What;
  held.final =
      verdict.sight.what == What::kEnded || verdict.sight.what == What::kLost;
  return std::move(verdict.sight);
}

bool SlurmCluster::LookAtAll() {
  bool changed = false;
  for (auto& [id, held] : held_) {
    if (held.final) continue;
    Sight sight = LookAt(id, held);
    Say(id, held, sight);
    const std::lock_guard lock(mutex_);
    const auto known = sights_.find(id);
    if (known == sights_.end()) continue;  // forgotten meanwhile
    // Asked for again since: that it was absent is no news any more.
    if (const auto errand = errands_.find(id);
        errand != errands_.end() && errand->second.start) {
      continue;
    }
    changed = changed || !SameSight(known->second, sight);
    known->second = std::move(sight);
  }
  return changed;
}

void SlurmCluster::Say(ProcessId id, Held& held, const Sight& sight) {
  if (sight.detail.empty() || sight.detail == held.told) return;
  held.told = sight.detail;
  spdlog::info("job {} run {}: {}", Number(id.job), id.process, sight.detail);
}

Result<ProgramEnd> SlurmCluster::Call(
    const std::string& program,
    const std::vector<std::string>& arguments) const {
  return RunProgram(program, arguments, environment_, options_.command_limit);
}

}  // namespace carbond
