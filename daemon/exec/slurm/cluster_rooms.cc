// What a cluster is asked: its queue, and once in a while what it has left.

#include <spdlog/spdlog.h>

#include <algorithm>

#include "daemon/exec/slurm/cluster.h"

namespace carbond {
namespace {

// Of polls, that are left out after one that was not answered: each takes ten
// seconds, in which nobody looks after what runs.
constexpr int kLeftOut = 6;

}  // namespace

std::optional<Room> SlurmCluster::RoomIn(const std::string& region) {
  const std::lock_guard lock(mutex_);
  const auto room = rooms_.find(region);
  if (room == rooms_.end()) return std::nullopt;
  return room->second;
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
    // Asked for jobs by number, of which it knows none any more.
    if (end->err.find("Invalid job id specified") != std::string::npos) {
      trouble.clear();
    }
  }
  const std::string cluster = conf_.empty() ? "Slurm" : "Slurm of " + conf_;
  if (!trouble.empty() && trouble_.empty()) {
    spdlog::warn("{} does not answer: {}", cluster, trouble);
  } else if (trouble.empty() && !trouble_.empty()) {
    spdlog::info("{} answers again", cluster);
  }
  trouble_ = std::move(trouble);
  if (!trouble_.empty()) {
    quiet_until_ = Now() + kLeftOut * options_.poll;
    return std::nullopt;
  }
  return std::move(end->out);
}

// One question for all runs, however many.
void SlurmCluster::ReadQueue() {
  const Duration asked = Now();
  const std::string mark = MakeMark();
  const auto text = Ask("squeue", SqueueArguments(Owners(), mark));
  next_queue_ = Now() + options_.poll;
  if (!text) return;
  queue_at_ = asked;
  queue_.clear();
  for (SlurmJob& job : ParseSqueue(*text, mark)) {
    if (job.uid != OwnerOf(job.name)) continue;  // another's of that name
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
    std::optional<Room> room = ReadRoom(region, place, *reservations);
    if (!room) continue;
    const std::lock_guard lock(mutex_);
    Room& known = rooms_[region];
    changed = changed || known != *room;
    known = *std::move(room);
  }
  if (trouble_.empty()) {
    rooms_at_ = Now();
    rooms_closed_ = false;
  }
  next_rooms_ = Now() + options_.census;
  return changed;
}

// By their directories, or the queue as it was last read.
Resources SlurmCluster::OwnRunning() const {
  Resources own;
  for (const auto& [id, held] : held_) {
    if (held.final) continue;
    if (held.is_entry()) {
      const auto row = RowOf(held.entry);
      if (row && held.began) own += row->need;
    } else if (held.facts.started) {
      own += NeedOf(held.sbatch);
    }
  }
  return own;
}

// After two counts that were not answered; once a census, for longer than until
// the next one.
bool SlurmCluster::CloseRooms() {
  if (trouble_.empty() || !rooms_at_ || Now() < next_closing_ ||
      Now() - *rooms_at_ < 2 * options_.census) {
    return false;
  }
  next_closing_ = Now() + options_.census;
  const Instant until =
      SystemClock::RealNow() + 3 * options_.census + 3 * options_.command_limit;
  const Resources own = OwnRunning();
  const std::lock_guard lock(mutex_);
  for (auto& [region, room] : rooms_) {
    const Resources& counted = own_[region];
    room = Closed(
        room,
        {std::min(own.gpus, counted.gpus), std::min(own.cpus, counted.cpus)},
        until);
    if (rooms_closed_) continue;
    spdlog::warn(
        "region {}: nothing is begun there until Slurm answers again; what "
        "runs there runs on",
        region);
  }
  rooms_closed_ = true;
  return !rooms_.empty();
}

std::optional<Room> SlurmCluster::ReadRoom(
    const std::string& region, const SlurmPlace& place,
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
  for (const auto& [id, held] : held_) {
    if (held.is_entry()) census.adopted.insert(held.entry.number);
  }
  if (place.defer) ReadHeld(region, partition);
  const std::string prefix = "carbond." + options_.instance + '.';
  own_[region] = OwnUse(census, prefix);
  return MakeRoom(census, place, prefix, SystemClock::RealNow());
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

}  // namespace carbond
