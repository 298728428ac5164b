#include "daemon/exec/slurm/slurm.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "daemon/exec/directory.h"
#include "daemon/exec/handed_folder.h"

namespace carbond {
namespace {

// Of a job that gives no time limit: what Slurm is told, so that it can plan
// too, and late enough for a job that takes twice what it said.
constexpr int kTimeLimitFactor = 2;
constexpr Duration kLeastTimeLimit = minutes(10);

Duration TimeLimitOf(const JobSpec& spec) {
  if (spec.time_limit) return *spec.time_limit;
  return kTimeLimitFactor *
         (spec.duration + spec.resume_cost + spec.checkpoint_cost);
}

// Users pass through what is carbond's to what is theirs.
Status OpenToUsers(const SlurmOptions& options) {
  CARBOND_RETURN_IF_ERROR(CheckPathIsOurs(options.shared_dir));
  for (const char* folder : {"/slurm", "/logs", "/checkpoints"}) {
    CARBOND_RETURN_IF_ERROR(LetPass(options.shared_dir + folder));
  }
  return Ok();
}

}  // namespace

SlurmExecutor::SlurmExecutor(SlurmOptions options,
                             std::map<std::string, SlurmPlace> places,
                             const SystemClock& clock,
                             std::function<void()> wake, HandIn hand_in)
    : options_(std::move(options)), places_(std::move(places)), clock_(clock) {
  std::map<std::string, std::map<std::string, SlurmPlace>> by_conf;
  for (const auto& [region, place] : places_) {
    by_conf[place.conf][region] = place;
  }
  SlurmCluster::OnHeld on_held;
  if (hand_in) {
    on_held = [this, hand_in](const HeldJob& job, auto answer) {
      const SlurmDefer& defer = *places_.at(job.region).defer;
      hand_in(AdoptionOf(job, defer, clock_), std::move(answer));
    };
  }
  for (auto& [conf, regions] : by_conf) {
    clusters_[conf] = std::make_unique<SlurmCluster>(
        options_, conf, std::move(regions), wake, on_held);
  }
}

Result<std::unique_ptr<SlurmExecutor>> SlurmExecutor::Open(
    SlurmOptions options, std::map<std::string, SlurmPlace> places,
    const SystemClock& clock, std::function<void()> wake, HandIn hand_in) {
  if (options.run_as) {
    CARBOND_RETURN_IF_ERROR(CheckMayBecomeOthers(options.environment));
  }
  std::error_code error;
  for (std::string* path : {&options.shared_dir, &options.runner}) {
    *path = std::filesystem::absolute(*path, error).lexically_normal();
    if (error) return Trouble("path {}: {}", *path, error.message());
  }
  std::filesystem::create_directories(options.shared_dir, error);
  if (error) {
    return Trouble("shared_dir {}: {}", options.shared_dir, error.message());
  }
  const std::string& shared = options.shared_dir;
  CARBOND_RETURN_IF_ERROR(MakeDirectory(shared + "/slurm", 0700));
  CARBOND_RETURN_IF_ERROR(MakeSharedDirectories(shared));
  if (options.run_as) CARBOND_RETURN_IF_ERROR(OpenToUsers(options));
  for (const auto& [region, place] : places) {
    if (place.conf.empty() || ::access(place.conf.c_str(), R_OK) == 0) continue;
    return Missing("region `{}`: conf {}: {}", region, place.conf,
                   std::strerror(errno));
  }
  return std::unique_ptr<SlurmExecutor>(
      new SlurmExecutor(std::move(options), std::move(places), clock,
                        std::move(wake), std::move(hand_in)));
}

// The command is looked for on the node: it may be installed there alone.
Status SlurmExecutor::Check(const JobSpec& spec, const std::string& region) {
  CARBOND_RETURN_IF_ERROR(CheckCommandText(spec));
  if (options_.run_as) {
    const Status may = CheckSubmitter(spec, *options_.run_as);
    if (may.ok()) return may;
    return Status(may.code(),
                  fmt::format("region `{}`: {}", region, Message(may)));
  }
  if (spec.user == options_.user) return Ok();
  return Status(
      absl::StatusCode::kPermissionDenied,
      fmt::format("region `{}`: its Slurm jobs run as user {}, since carbond "
                  "does; a job of {} may not: submit it as {}, or run a "
                  "carbond of your own; an admin may have `slurm: {{run_as: "
                  "submitter}}` configured",
                  region, options_.user, spec.user, options_.user));
}

Status SlurmExecutor::Start(const StartOrder& order) {
  const auto place = places_.find(order.region);
  if (place == places_.end()) {
    return Missing("region `{}` is no Slurm cluster", order.region);
  }
  SlurmCluster* cluster = clusters_.at(place->second.conf).get();
  holders_[order.id] = cluster;
  SlurmTimes times;
  times.limit =
      std::max(kLeastTimeLimit, clock_.ToReal(TimeLimitOf(order.spec)));
  if (order.not_before) times.begin = clock_.ToReal(*order.not_before);
  cluster->Start(order, place->second, times);
  return Ok();
}

Status SlurmExecutor::Suspend(ProcessId id) {
  return Tell(id, [](Orders& orders) { orders.suspend = true; });
}

Status SlurmExecutor::Continue(ProcessId id) {
  return Tell(id, [](Orders& orders) { orders.suspend = false; });
}

Status SlurmExecutor::Checkpoint(ProcessId id, int attempt) {
  return Tell(id, [attempt](Orders& orders) {
    orders.checkpoint_attempt = std::max(orders.checkpoint_attempt, attempt);
  });
}

Status SlurmExecutor::Stop(ProcessId id) {
  return Tell(id, [](Orders& orders) { orders.stop = true; });
}

Status SlurmExecutor::Recall(ProcessId id) {
  return Tell(id, [](Orders& orders) { orders.recall = true; });
}

Status SlurmExecutor::Tell(ProcessId id, SlurmCluster::Change change) {
  Sight sight;
  SlurmCluster* cluster = HolderOf(id, sight);
  if (cluster == nullptr) {
    return NotNow("job {} run {} is held by no cluster", Number(id.job),
                  id.process);
  }
  cluster->Want(id, std::move(change));
  return Ok();
}

std::vector<Sight> SlurmExecutor::Observe(std::span<const ProcessId> ids) {
  std::vector<Sight> sights;
  sights.reserve(ids.size());
  for (const ProcessId id : ids) sights.push_back(Look(id));
  return sights;
}

// The cluster that has the run, and what it sees of it. None: all have looked
// and found nothing (the sight is kAbsent), or one has not looked yet.
SlurmCluster* SlurmExecutor::HolderOf(ProcessId id, Sight& sight) {
  if (const auto found = holders_.find(id); found != holders_.end()) {
    sight = found->second->Look(id);
    return found->second;
  }
  sight.what = Sight::What::kAbsent;
  for (const auto& [conf, cluster] : clusters_) {
    Sight seen = cluster->Look(id);
    if (seen.what == Sight::What::kAbsent) continue;
    const bool known = seen.what != Sight::What::kUnknown;
    sight = std::move(seen);
    if (!known) continue;
    holders_[id] = cluster.get();
    return cluster.get();
  }
  return nullptr;
}

Sight SlurmExecutor::Look(ProcessId id) {
  Sight sight;
  HolderOf(id, sight);
  sight.began_at = clock_.FromReal(sight.began_at);
  sight.ended_at = clock_.FromReal(sight.ended_at);
  return sight;
}

std::optional<Room> SlurmExecutor::RoomIn(const std::string& region) {
  std::optional<Room> room =
      clusters_.at(places_.at(region).conf)->RoomIn(region);
  if (!room) return room;
  for (Taken& taken : room->taken) {
    taken.interval = {clock_.FromReal(taken.interval.begin),
                      clock_.FromReal(taken.interval.end)};
  }
  return room;
}

// Null where the configuration has no such region any more.
SlurmCluster* SlurmExecutor::ClusterOf(const JobSpec& spec) {
  const auto place = places_.find(spec.regions.front());
  if (place == places_.end()) return nullptr;
  return clusters_.at(place->second.conf).get();
}

Standing SlurmExecutor::StandingOf(const JobSpec& spec) {
  SlurmCluster* cluster = ClusterOf(spec);
  if (cluster == nullptr) return {};
  Standing standing = cluster->StandingOf(spec.entry);
  if (standing.began_at)
    standing.began_at = clock_.FromReal(*standing.began_at);
  return standing;
}

Status SlurmExecutor::Withdraw(const JobSpec& spec) {
  SlurmCluster* cluster = ClusterOf(spec);
  if (cluster == nullptr) {
    return NotNow("region `{}` is no Slurm cluster", spec.regions.front());
  }
  cluster->Withdraw(spec.entry);
  return Ok();
}

void SlurmExecutor::Forget(ProcessId id) {
  Sight sight;
  SlurmCluster* cluster = HolderOf(id, sight);
  if (cluster != nullptr) cluster->Forget(id);
  holders_.erase(id);
}

}  // namespace carbond
