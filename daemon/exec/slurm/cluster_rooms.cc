// What a cluster is asked: its queue, and once in a while what it has left.

#include <spdlog/spdlog.h>

#include "daemon/exec/slurm/cluster.h"

namespace carbond {

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
  if (!trouble_.empty()) return std::nullopt;
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
  next_rooms_ = Now() + options_.census;
  return changed;
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

}  // namespace carbond
