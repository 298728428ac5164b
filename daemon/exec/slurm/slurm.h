#pragma once
// Runs jobs on Slurm clusters: a region is a partition of one. For the engine's
// thread only; each cluster has a thread of its own.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemon/clock.h"
#include "daemon/exec/slurm/cluster.h"
#include "scheduler/ports.h"

namespace carbond {

class SlurmExecutor : public Executor {
 public:
  // `places` by region. `clock` outlives the executor; `wake` is called from
  // another thread when there is something new to see, and so is `hand_in`,
  // which may be empty, with jobs that users sent to Slurm to be deferred.
  static Result<std::unique_ptr<SlurmExecutor>> Open(
      SlurmOptions options, std::map<std::string, SlurmPlace> places,
      const SystemClock& clock, std::function<void()> wake, HandIn hand_in);

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

 private:
  SlurmExecutor(SlurmOptions options, std::map<std::string, SlurmPlace> places,
                const SystemClock& clock, std::function<void()> wake,
                HandIn hand_in);

  SlurmCluster* ClusterOf(const JobSpec& spec);

  Status Tell(ProcessId id, SlurmCluster::Change change);
  Sight Look(ProcessId id);
  SlurmCluster* HolderOf(ProcessId id, Sight& sight);

  // Fixed after construction
  const SlurmOptions options_;
  const std::map<std::string, SlurmPlace> places_;
  const SystemClock& clock_;
  std::map<std::string, std::unique_ptr<SlurmCluster>> clusters_;  // by conf

  std::map<ProcessId, SlurmCluster*> holders_;  // as far as known
};

}  // namespace carbond
