#pragma once
// What carbon-meter has written down of each run, for the meter to read. Runs
// of this machine are read where they lie; those of clusters lie on shared
// storage, which may hang, so the cluster's own thread reads them and puts them
// here. Safe to call from any thread.

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "daemon/energy_log.h"
#include "scheduler/ports.h"

namespace carbond {

class EnergyBoard {
 public:
  explicit EnergyBoard(std::string state_dir)
      : state_dir_(std::move(state_dir)) {}

  // Null: nothing is known of it.
  std::shared_ptr<const EnergyLog> Of(ProcessId id) const;
  void Put(ProcessId id, EnergyLog log);
  void Drop(ProcessId id);

 private:
  const std::string state_dir_;

  mutable std::mutex mutex_;
  // Guarded by mutex_
  std::map<ProcessId, std::shared_ptr<const EnergyLog>> logs_;
};

// The log in a run's directory. Nothing: there is none, or it cannot be read.
std::optional<EnergyLog> ReadEnergyLog(const std::string& dir);

}  // namespace carbond
